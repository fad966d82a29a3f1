// The accessor: a module through which the host reads and writes what it cannot hold or touch itself.
//
//   read<i>, write<i>            copy global i to and from the control memory's scratch area: floats, whose NaNs
//                                JavaScript may change, and v128, which has no JavaScript value at all
//   throw-global<i>()            throws the exception that global i refers to; a null traps
//   catch-global<i>()            calls HOOK.raise and puts what it throws into global i, null if it returns
//   throw-table<i>(slot), catch-table<i>(slot), grow-table<i>(elements)   the same for tables
//
// It imports globals, tables and hooks from an instance of the shipped module, as side modules do; `i` counts as the
// original does.

import { CONTROL, EXPORT, HOOK, IMPORT, IMPORT_MODULE } from "../abi/index.ts";
import { ByteWriter } from "../util/index.ts";
import {
  EXNREF,
  emptyModule,
  encodeModule,
  F32,
  F64,
  FUNCREF,
  HEAP,
  I32,
  type Import,
  OP,
  opcodeBytes,
  V128,
  type ValueType,
  writeHeapType,
  writeValueType,
} from "../wasm/index.ts";
import type { Program } from "./program.ts";
import { loadOf, storeOf } from "./saver.ts";
import { SIDE_IMPORT } from "./side-module.ts";

const CATCH_ALL_REF = 3;

/** What is exchanged with the host: the module, and the globals that it copies. */
export interface GlobalAccessor {
  readonly bytes: Uint8Array;
  readonly indices: readonly number[];
}

/** A function of the accessor; `type` 0 takes nothing, 1 an i32. */
interface Access {
  readonly name: string;
  readonly type: 0 | 1;
  readonly body: Uint8Array;
}

/** The accessor of a program; undefined if JavaScript can hold and touch all its mutable globals and tables. */
export function globalAccessor(program: Program): GlobalAccessor | undefined {
  const { globals, tables } = program.spaces;
  const mutable = (types: readonly ValueType[]) =>
    globals.flatMap((global, index) => (global.mutable && types.includes(global.type) ? [index] : []));
  const copied = mutable([F32, F64, V128]);
  const exceptions = mutable([EXNREF]);
  const exceptionTables = tables.flatMap(({ element }, index) => (element === EXNREF ? [index] : []));
  const accesses = [
    ...copied.flatMap((index, place) => copies(index, globals[index]!.type, place)),
    ...exceptions.flatMap((index, place) => globalExceptions(index, copied.length + place)),
    ...exceptionTables.flatMap((index, place) => tableExceptions(program, index, place + 1)),
  ];
  if (accesses.length === 0) return undefined;
  const module = {
    ...emptyModule(),
    types: [0, 1].map((count) => ({
      kind: "func" as const,
      params: new Array<ValueType>(count).fill(I32),
      results: [],
    })),
    imports: importsOf(program, [...copied, ...exceptions], exceptionTables),
    functions: accesses.map(({ type }) => type),
    code: accesses.map(({ body }) => ({ bytes: body, offset: 0 })),
    exports: accesses.map(({ name }, index) => ({ name, kind: "func" as const, index })),
  };
  return { bytes: encodeModule(module), indices: copied };
}

function importsOf(program: Program, globals: readonly number[], tables: readonly number[]): Import[] {
  const { spaces } = program;
  const limits = { shared: false, index64: false };
  const control = { min: CONTROL.initialPages, max: CONTROL.maximumPages, shared: true, index64: false };
  const hooks = { element: FUNCREF, limits: { min: HOOK.count, ...limits } };
  const { main } = SIDE_IMPORT;
  return [
    { module: IMPORT_MODULE, name: IMPORT.control, kind: "memory", memory: control },
    { module: main, name: EXPORT.hooks, kind: "table", table: hooks },
    ...tables.map((index): Import => {
      return { module: main, name: `${EXPORT.table}${index}`, kind: "table", table: spaces.tables[index]! };
    }),
    ...globals.map((index): Import => {
      return { module: main, name: `${EXPORT.global}${index}`, kind: "global", global: spaces.globals[index]! };
    }),
  ];
}

/** Copies a global to the scratch area and back. */
function copies(index: number, type: ValueType, global: number): Access[] {
  const read = body((writer) => {
    writer.bytes([OP.i32Const, 0]);
    instruction(writer, OP.globalGet, global);
    scratchAccess(writer, storeOf(type));
  });
  const write = body((writer) => {
    writer.bytes([OP.i32Const, 0]);
    scratchAccess(writer, loadOf(type));
    instruction(writer, OP.globalSet, global);
  });
  return [
    { name: `read${index}`, type: 0, body: read },
    { name: `write${index}`, type: 0, body: write },
  ];
}

function globalExceptions(index: number, global: number): Access[] {
  const throwing = body((writer) => {
    instruction(writer, OP.globalGet, global);
    writer.u8(OP.throwRef);
  });
  const catching = body((writer) => {
    writeCatch(writer);
    instruction(writer, OP.globalSet, global);
  });
  return [
    { name: `throw-global${index}`, type: 0, body: throwing },
    { name: `catch-global${index}`, type: 0, body: catching },
  ];
}

function tableExceptions(program: Program, index: number, table: number): Access[] {
  const operand = (writer: ByteWriter) => {
    instruction(writer, OP.localGet, 0);
    if (program.spaces.tables[index]!.limits.index64) writer.u8(OP.i64ExtendI32U);
  };
  const throwing = body((writer) => {
    operand(writer);
    instruction(writer, OP.tableGet, table);
    writer.u8(OP.throwRef);
  });
  const catching = body((writer) => {
    operand(writer);
    writeCatch(writer);
    instruction(writer, OP.tableSet, table);
  });
  const growing = body((writer) => {
    writeNull(writer);
    operand(writer);
    instruction(writer, OP.tableGrow, table);
    writer.u8(OP.drop);
  });
  return [
    { name: `throw-table${index}`, type: 1, body: throwing },
    { name: `catch-table${index}`, type: 1, body: catching },
    { name: `grow-table${index}`, type: 1, body: growing },
  ];
}

/** Leaves on the stack what the host throws, null if it does not. */
function writeCatch(writer: ByteWriter): void {
  writer.u8(OP.block);
  writeValueType(writer, EXNREF);
  writer.bytes([OP.tryTable, 0x40, 1, CATCH_ALL_REF, 0, OP.i32Const, HOOK.raise, OP.callIndirect, 0, 0, OP.end]);
  writeNull(writer);
  writer.u8(OP.end);
}

function writeNull(writer: ByteWriter): void {
  writer.u8(OP.refNull);
  writeHeapType(writer, HEAP.exn);
}

/** A body without locals. */
function body(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(32);
  writer.u8(0);
  write(writer);
  writer.u8(OP.end);
  return writer.toBytes();
}

function instruction(writer: ByteWriter, code: number, index: number): void {
  writer.bytes(opcodeBytes(code));
  writer.u32(index);
}

function scratchAccess(writer: ByteWriter, code: number): void {
  writer.bytes(opcodeBytes(code));
  writer.u8(0);
  writer.u32(CONTROL.scratch);
}
