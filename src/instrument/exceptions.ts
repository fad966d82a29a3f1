// Exception references between reference tables and the host, to which they cannot be handed as values: the shipped
// module throws the one in a slot, and catches one that the host throws into a slot.

import { EXPORT, HOOK } from "../abi/index.ts";
import { EXNREF, I32, OP, writeValueType } from "../wasm/index.ts";
import type { Program } from "./program.ts";
import type { Space } from "./space.ts";

const CATCH_ALL_REF = 3;

/** Adds both functions for every table of exception references; the function index by export name. */
export function addExceptionHelpers(program: Program, space: Space): ReadonlyMap<string, number> {
  const helpers = new Map<string, number>();
  program.references.forEach((type, number) => {
    if (type !== EXNREF) return;
    const table = space.referenceTable(type);
    const throwing = space.shared(`throw ${number}`, (writer) => {
      writer.bytes([0, OP.localGet, 0, OP.tableGet]);
      writer.u32(table);
      writer.bytes([OP.throwRef, OP.end]);
      return space.typeIndex([I32], []);
    });
    const catching = space.shared(`catch ${number}`, (writer) => {
      writer.bytes([0, OP.localGet, 0, OP.block]);
      writeValueType(writer, EXNREF);
      writer.bytes([OP.tryTable, 0x40, 1, CATCH_ALL_REF, 0, OP.i32Const, HOOK.raise, OP.callIndirect]);
      writer.u32(space.typeIndex([], []));
      writer.u32(space.hooksTable);
      writer.bytes([OP.end, OP.unreachable, OP.end, OP.tableSet]);
      writer.u32(table);
      writer.u8(OP.end);
      return space.typeIndex([I32], []);
    });
    helpers.set(`${EXPORT.throw}${number}`, throwing);
    helpers.set(`${EXPORT.catch}${number}`, catching);
  });
  return helpers;
}
