// Exception references between reference tables and the host, to which they cannot be handed as values: the shipped
// module throws the one in a slot, and catches one that the host throws into a slot. Nor can the host grow such a
// table (SpiderMonkey refuses, for want of a value to fill it with), so the second function does.

import { EXPORT, HOOK } from "../abi/index.ts";
import type { ByteWriter } from "../util/index.ts";
import { EXNREF, HEAP, I32, OP, opcodeBytes, writeHeapType, writeValueType } from "../wasm/index.ts";
import type { Program } from "./program.ts";
import type { Space } from "./space.ts";

const CATCH_ALL_REF = 3;
const I32_GE_U = 0x4f;
/** How many slots more than needed a table grows to. */
const SPARE_SLOTS = 64;

/** Adds both functions for every table of exception references; the function index by export name. */
export function addExceptionHelpers(program: Program, space: Space): ReadonlyMap<string, number> {
  return new Map(
    program.references.flatMap((type, number) => (type === EXNREF ? exceptionHelpers(space, number) : [])),
  );
}

/** Adds both functions for reference table `number`; export names and function indices. */
export function exceptionHelpers(space: Space, number: number): [string, number][] {
  const table = space.referenceTable(EXNREF);
  const throwing = space.shared(`throw ${number}`, (writer) => {
    writer.bytes([0, OP.localGet, 0, OP.tableGet]);
    writer.u32(table);
    writer.bytes([OP.throwRef, OP.end]);
    return space.typeIndex([I32], []);
  });
  const catching = space.shared(`catch ${number}`, (writer) => {
    writer.u8(0);
    writeGrowth(writer, table);
    writer.bytes([OP.localGet, 0, OP.block]);
    writeValueType(writer, EXNREF);
    writer.bytes([OP.tryTable, 0x40, 1, CATCH_ALL_REF, 0, OP.i32Const, HOOK.raise, OP.callIndirect]);
    writer.u32(space.typeIndex([], []));
    writer.u32(space.hooksTable);
    writer.u8(OP.end);
    writeNull(writer);
    writer.bytes([OP.end, OP.tableSet]);
    writer.u32(table);
    writer.u8(OP.end);
    return space.typeIndex([I32], []);
  });
  return [
    [`${EXPORT.throw}${number}`, throwing],
    [`${EXPORT.catch}${number}`, catching],
  ];
}

/** Grows the table until it has the slot that local 0 names. */
function writeGrowth(writer: ByteWriter, table: number): void {
  const onTable = (code: number) => {
    writer.bytes(opcodeBytes(code));
    writer.u32(table);
  };
  writer.bytes([OP.localGet, 0]);
  onTable(OP.tableSize);
  writer.bytes([I32_GE_U, OP.if, 0x40]);
  writeNull(writer);
  writer.bytes([OP.localGet, 0]);
  onTable(OP.tableSize);
  writer.bytes([OP.i32Sub, OP.i32Const]);
  writer.s32(SPARE_SLOTS);
  writer.u8(OP.i32Add);
  onTable(OP.tableGrow);
  writer.bytes([OP.drop, OP.end]);
}

function writeNull(writer: ByteWriter): void {
  writer.u8(OP.refNull);
  writeHeapType(writer, HEAP.exn);
}
