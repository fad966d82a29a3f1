import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { Bug } from "../util/index.ts";
import {
  decodeModule,
  EXTERNREF,
  FUNCREF,
  functionType,
  functionTypeIndex,
  globalType,
  I32,
  I64,
  importedCount,
  indexSpaces,
  memoryType,
  tableType,
  tagType,
} from "./index.ts";

const module = decodeModule(
  assemble(`(module
    (type (func (param i32))) (type (func (result i64))) (type (func))
    (import "a" "t" (table 1 externref))
    (import "a" "f" (func (type 1)))
    (import "a" "m" (memory 1))
    (import "a" "g" (global i64))
    (import "a" "h" (func (type 0)))
    (import "a" "e" (tag (type 0)))
    (table 2 funcref) (memory 3) (tag (type 2))
    (global (mut i32) (i32.const 0))
    (func (type 2)) (func (type 1) (i64.const 0)))`),
);

test("imports come first in every index space", () => {
  const spaces = indexSpaces(module);
  assert.deepEqual([...spaces.functions], [1, 0, 2, 1]);
  assert.deepEqual(
    spaces.tables.map(({ element }) => element),
    [EXTERNREF, FUNCREF],
  );
  assert.deepEqual(
    spaces.memories.map(({ min }) => min),
    [1, 3],
  );
  assert.deepEqual(spaces.globals, [
    { type: I64, mutable: false },
    { type: I32, mutable: true },
  ]);
  assert.deepEqual(spaces.tags, [0, 2]);
  const { importedFunctions, importedTables, importedMemories, importedGlobals, importedTags } = spaces;
  assert.deepEqual(
    [importedFunctions, importedTables, importedMemories, importedGlobals, importedTags],
    [2, 1, 1, 1, 1],
  );
});

test("single look-ups agree with the index spaces", () => {
  const spaces = indexSpaces(module);
  for (const [index, type] of spaces.functions.entries()) {
    assert.equal(functionTypeIndex(module, index), type);
    assert.equal(functionType(module, index), module.types[type]);
  }
  for (const index of [0, 1]) {
    assert.equal(tableType(module, index), spaces.tables[index]);
    assert.equal(memoryType(module, index), spaces.memories[index]);
    assert.equal(globalType(module, index), spaces.globals[index]);
    assert.equal(tagType(module, index), module.types[spaces.tags[index]!]);
  }
  const kinds = ["func", "table", "memory", "global", "tag"] as const;
  assert.deepEqual(
    kinds.map((kind) => importedCount(module, kind)),
    [2, 1, 1, 1, 1],
  );
});

test("an index beyond its space is a bug of the caller", () => {
  for (const lookUp of [functionType, functionTypeIndex, tableType, memoryType, globalType, tagType]) {
    assert.throws(() => lookUp(module, 9), Bug);
  }
});
