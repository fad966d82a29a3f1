// Turns a JavaScript function into a Wasm function of a given type, which tables and calls through them need.

import type { Signature, ValueTypeName } from "../abi/index.ts";
import { ByteWriter } from "../util/index.ts";

const CODES: Readonly<Record<ValueTypeName, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
  exnref: 0x69,
};
const modules = new Map<string, WebAssembly.Module>();

/** A Wasm function that calls `body`; the module behind it (one import that it exports) is kept by type. */
export function wasmFunction(type: Signature, body: (...args: never[]) => unknown): (...args: unknown[]) => unknown {
  const key = `${type.params.join()}>${type.results.join()}`;
  let module = modules.get(key);
  if (!module) modules.set(key, (module = new WebAssembly.Module(moduleBytes(type))));
  const instance = new WebAssembly.Instance(module, { h: { f: body as WebAssembly.ImportValue } });
  return instance.exports["f"] as (...args: unknown[]) => unknown;
}

function moduleBytes({ params, results }: Signature): BufferSource {
  const writer = new ByteWriter(64);
  const section = (id: number, write: (content: ByteWriter) => void) => {
    const content = new ByteWriter(64);
    write(content);
    writer.u8(id);
    writer.sized(content.view());
  };
  writer.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(1, (types) => {
    types.bytes([1, 0x60]);
    for (const list of [params, results]) {
      types.u32(list.length);
      types.bytes(list.map((name) => CODES[name]));
    }
  });
  section(2, (imports) => imports.bytes([1, 1, 0x68, 1, 0x66, 0, 0]));
  section(7, (exports) => exports.bytes([1, 1, 0x66, 0, 0]));
  return writer.view() as BufferSource;
}
