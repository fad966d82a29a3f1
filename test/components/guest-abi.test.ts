// What is generated for the SDKs is what the kernel has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { guestAbiFiles } from "../../scripts/generate-guest-abi.ts";
import { IMPORTS, toCamel, toSnake, toUpper } from "../../scripts/guest-abi/model.ts";
import { RPC } from "../../src/abi/index.ts";
import { KERNEL_FUNCTIONS } from "../../src/core/kernel/imports.ts";

test("the imports' types are the kernel's", () => {
  const types = { u32: "i32", address: "i32", i64: "i64" } as const;
  const generated = Object.fromEntries(
    IMPORTS.map(({ name, params, returns }) => [
      name,
      { params: params.map(([, type]) => types[type]), results: returns ? ["i32"] : [] },
    ]),
  );
  assert.deepEqual(
    generated,
    Object.fromEntries(Object.entries(KERNEL_FUNCTIONS).map(([name, { signature }]) => [name, signature])),
  );
});

test("each function of each interface has its opcode and its stub in all SDKs", () => {
  const files = guestAbiFiles();
  const text = (file: string) => files.get(file)!;
  for (const [kind, functions] of Object.entries(RPC)) {
    for (const [opcode, { name }] of functions.entries()) {
      const number = `${toUpper(name)} = ${opcode}`;
      const cpp = text("cpp/rtcr/rpc_stubs.h");
      const namespace = cpp.slice(cpp.indexOf(`namespace ${toSnake(kind).replace(/^./, (c) => c.toUpperCase())} {`));
      assert.match(namespace.slice(0, namespace.indexOf("\n}")), new RegExp(`\\b${number}\\b`), `C++ ${kind} ${name}`);
      const script = text("assemblyscript/abi.ts");
      const inScript = script.slice(script.indexOf(`export namespace ${toCamel(kind)} {`));
      assert.ok(inScript.slice(0, inScript.indexOf("\n}")).includes(`${toUpper(name)}: u32 = ${opcode};`), name);
      const rust = text("rust/abi.rs");
      const inRust = rust.slice(rust.indexOf(`pub mod ${toSnake(kind)} {`));
      assert.ok(inRust.slice(0, inRust.indexOf("\n}")).includes(`${toUpper(name)}: u32 = ${opcode};`), name);
    }
  }
});
