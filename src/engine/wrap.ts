// Turns a JavaScript function into a Wasm function of a given type, which tables and calls through them need.

import type { Signature, ValueTypeName } from "../abi/index.ts";

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

/** A module of one import that it exports; at most 127 parameters and results. */
export function wasmFunction(type: Signature, body: (...args: never[]) => unknown): (...args: unknown[]) => unknown {
  const types = [type.params, type.results].flatMap((list) => [list.length, ...list.map((name) => CODES[name])]);
  const key = types.join();
  let module = modules.get(key);
  if (!module) {
    const section = (id: number, bytes: number[]) => [id, (bytes.length & 0x7f) | 0x80, bytes.length >> 7, ...bytes];
    const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    bytes.push(...section(1, [1, 0x60, ...types]));
    bytes.push(...section(2, [1, 1, 0x68, 1, 0x66, 0, 0]));
    bytes.push(...section(7, [1, 1, 0x66, 0, 0]));
    module = new WebAssembly.Module(new Uint8Array(bytes));
    modules.set(key, module);
  }
  const instance = new WebAssembly.Instance(module, { h: { f: body as WebAssembly.ImportValue } });
  return instance.exports["f"] as (...args: unknown[]) => unknown;
}
