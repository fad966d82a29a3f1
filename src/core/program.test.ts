// Invalid modules are refused before they are rewritten: an index behind the original's last one would otherwise name
// what the rewriter adds, and the guest could reach its own frames.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { loadProgram } from "./program.ts";

const BEHIND_THE_LAST: Readonly<Record<string, string>> = {
  "memory of a load": "(func (result i32) (i32.load (i32.const 0)))",
  "memory of an atomic load": "(func (result i32) (i32.atomic.load (i32.const 0)))",
  "memory of a vector load": "(func (result v128) (v128.load (i32.const 0)))",
  "memory of memory.size": "(func (result i32) (memory.size 0))",
  "memory of memory.copy": "(memory 1) (func (memory.copy 1 0 (i32.const 0) (i32.const 0) (i32.const 4)))",
  "global that is read": "(func (result i32) (global.get 0))",
  "global that is set": "(func (global.set 0 (i32.const 1)))",
  "table that is read": "(func (result funcref) (table.get 0 (i32.const 0)))",
  "table that is set": "(func (table.set 1 (i32.const 0) (ref.null func)))",
  "table of an indirect call": "(type (func)) (func (call_indirect 0 (type 0) (i32.const 0)))",
  "element segment": "(func (elem.drop 0))",
  "data segment": `(data "x") (func (data.drop 1))`,
  function: "(func (result funcref) (ref.func 1))",
};

for (const [what, fields] of Object.entries(BEHIND_THE_LAST)) {
  test(`a module that names a ${what} it does not have is refused`, () => {
    assert.throws(() => loadProgram(assemble(`(module ${fields})`), ""), { name: "CompileError" });
  });
}
