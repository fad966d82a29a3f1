// Hostile functions: small in bytes, large in what a plan would have to keep. Refused by name, at the edge of the bounds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../util/index.ts";
import { emptyModule, encodeModule, I32, OP, WasmFault } from "../wasm/index.ts";
import { PLAN_LIMITS } from "./limits.ts";
import { Program } from "./program.ts";
import { rewrite } from "./rewrite.ts";

/** A module of one function that calls itself, with the instructions that `write` adds. */
function moduleOf(locals: number, write: (code: ByteWriter) => void): Uint8Array {
  const code = new ByteWriter();
  code.u8(1);
  code.u32(locals);
  code.bytes([I32, OP.call, 0]);
  write(code);
  code.u8(OP.end);
  const types = { bytes: new Uint8Array([0x60, 0, 0]), offset: 0, groups: 1, types: 1, recursive: [] };
  return encodeModule({
    ...emptyModule(),
    types: [{ kind: "func", params: [], results: [] }],
    typeGroups: types,
    functions: [0],
    code: [{ bytes: code.toBytes(), offset: 0 }],
  });
}

function repeat(code: ByteWriter, count: number, bytes: readonly number[]): void {
  for (let i = 0; i < count; i++) code.bytes(bytes);
}

/** A stack of 4,096 values under `calls` calls. */
function deepStack(calls: number): Uint8Array {
  return moduleOf(0, (code) => {
    repeat(code, 4096, [OP.i32Const, 0]);
    repeat(code, calls, [OP.call, 0]);
    repeat(code, 4096, [OP.drop]);
  });
}

test("values on the stack at safe points are bounded", () => {
  const most = PLAN_LIMITS.slots / 4096;
  assert.ok(rewrite(new Program(deepStack(most)), "").bytes.length > 0);
  assert.throws(
    () => rewrite(new Program(deepStack(most + 1)), ""),
    (fault) => fault instanceof WasmFault && fault.code === "too-large" && /values on the stack/.test(fault.message),
  );
});

test("live locals at safe points and in open blocks are bounded", () => {
  const calls = moduleOf(50_000, (code) => repeat(code, 50_000, [OP.call, 0]));
  const blocks = moduleOf(50_000, (code) => {
    repeat(code, 10_000, [OP.block, 0x40]);
    repeat(code, 10_000, [OP.end]);
  });
  for (const [bytes, message] of [
    [calls, /at safe points/],
    [blocks, /in open blocks/],
  ] as const) {
    assert.throws(
      () => rewrite(new Program(bytes), ""),
      (fault) => fault instanceof WasmFault && fault.code === "too-large" && message.test(fault.message),
    );
  }
});
