import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes } from "../../test/assemble.ts";
import { canonicalTypes, decodeModule, I32 } from "./index.ts";

/** The canonical type of each type of a type section. */
function canonical(section: string): number[] {
  return [...canonicalTypes(decodeModule(bytes(`1: ${section}`)))];
}

test("function types are equal by structure", () => {
  assert.deepEqual(canonical("00"), []);
  assert.deepEqual(canonical("04 60 00 00 60 01 7f 00 60 00 00 60 01 7f 00"), [0, 1, 0, 1]);
  assert.deepEqual(canonical("04 60 01 7f 00 60 00 01 7f 60 02 7f 7f 00 60 01 7e 00"), [0, 1, 2, 3]);
  assert.deepEqual(canonical("03 60 01 70 00 60 01 64 70 00 60 01 63 70 00"), [0, 1, 0]);
});

test("references are compared by the type that they mean", () => {
  const two = "60 00 00 60 00 00";
  assert.deepEqual(canonical(`04 ${two} 60 01 63 00 00 60 01 63 01 00`), [0, 0, 2, 2]);
  assert.deepEqual(canonical(`04 ${two} 60 01 63 00 00 60 01 64 01 00`), [0, 0, 2, 3]);
});

test("recursion groups are equal as a whole", () => {
  const self = "60 01 63 00 00";
  assert.deepEqual(canonical(`02 ${self} 60 01 63 01 00`), [0, 0]);
  assert.deepEqual(canonical(`02 ${self} 60 01 63 00 00`), [0, 1]);
  // Two functions that take each other: the same group twice, then in the other order.
  const pair = (first: string, second: string) => `4e 02 60 01 63 ${second} 00 60 01 64 ${first} 00`;
  assert.deepEqual(canonical(`02 ${pair("00", "01")} ${pair("02", "03")}`), [0, 1, 0, 1]);
  assert.deepEqual(canonical(`02 ${pair("00", "01")} 4e 02 60 01 64 03 00 60 01 63 02 00`), [0, 1, 2, 3]);
  // A member of a group differs from the same type on its own; a group of one does not.
  assert.deepEqual(canonical("03 4e 02 60 00 00 60 00 00 60 00 00 4e 01 60 00 00"), [0, 1, 2, 2]);
});

test("subtyping is part of a type", () => {
  assert.deepEqual(canonical("03 60 00 00 4f 00 60 00 00 50 00 60 00 00"), [0, 0, 2]);
  assert.deepEqual(canonical("04 50 00 60 00 00 50 00 60 00 00 4f 01 00 60 00 00 4f 01 01 60 00 00"), [0, 0, 2, 2]);
});

test("struct and array types differ from all others", () => {
  assert.deepEqual(canonical("04 5f 00 5f 00 5e 7f 00 5e 7f 00"), [0, 1, 2, 3]);
});

test("types added later are groups of their own", () => {
  const module = decodeModule(bytes("1: 02 4e 02 60 00 00 60 00 00 60 01 7f 00"));
  module.types.push({ kind: "func", params: [], results: [] }, { kind: "func", params: [I32], results: [] });
  assert.deepEqual([...canonicalTypes(module)], [0, 1, 2, 3, 2]);
});
