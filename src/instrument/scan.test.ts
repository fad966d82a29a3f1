// Bodies that no module may have, as the first pass over them finds: refused with byte offset and what was expected.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, hex, leb } from "../../test/assemble.ts";
import { WasmFault } from "../wasm/index.ts";
import { Program } from "./program.ts";

/** A module with a memory, a data segment and one function `(result i32)` of the given instructions. */
function moduleOf(code: string, dataCount: string[] = []): Uint8Array {
  const body = [0, ...hex(code), 0x0b];
  const text = [...leb(body.length), ...body].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return bytes("1: 01 60 00 01 7f", "3: 01 00", "5: 01 00 01", ...dataCount, `10: 01 ${text}`, "11: 01 01 01 41");
}

function refusal(module: Uint8Array): string {
  try {
    new Program(module);
  } catch (thrown) {
    assert(thrown instanceof WasmFault);
    return thrown.message;
  }
  return "accepted";
}

test("alignments are exponents below 32, with and without a memory index", () => {
  // Padding in front: near the end of a body the general way reads, elsewhere the tight loop.
  for (const padding of ["", "01 ".repeat(20)]) {
    for (const [flags, index] of [
      ["1f", ""],
      ["5f", "00"],
    ])
      assert.equal(refusal(moduleOf(`41 00 28 ${flags} ${index} 00 ${padding}`)), "accepted");
    for (const flags of ["20", "3f", "60", "7f", "80 01", "ff 01"]) {
      const message = /^malformed module: byte \d+, code section: expected an alignment below 2\^32/;
      assert.match(refusal(moduleOf(`41 00 28 ${flags} 00 00 00 ${padding}`)), message);
    }
  }
});

test("data segments need a data count section in front of the code that names them", () => {
  const init = "41 00 41 00 41 00 fc 08 00 00 41 00";
  const drop = "fc 09 00 41 00";
  for (const [code, name] of [
    [init, "memory.init"],
    [drop, "data.drop"],
  ] as const) {
    assert.equal(refusal(moduleOf(code, ["12: 01"])), "accepted");
    const message = `code section: expected a data count section in front of ${name}, found none`;
    assert(refusal(moduleOf(code)).endsWith(message), refusal(moduleOf(code)));
  }
});

test("instructions of stack switching are refused by the proposal's name", () => {
  const message = /^unsupported module: byte \d+, code section: opcode 0xe2 belongs to the proposal "stack switching"/;
  assert.match(refusal(moduleOf("e2 00")), message);
});
