// The accessor: a module that copies globals to and from the control memory's scratch area, for values of which
// JavaScript cannot hold all bits (floats lose the payloads of their NaNs, v128 has no JavaScript value at all).
//
// It imports the globals from an instance of the shipped module, as side modules do, and exports a function `read<i>`
// and a function `write<i>` for each, by index in the original's global index space.

import { CONTROL, EXPORT, IMPORT, IMPORT_MODULE } from "../abi/index.ts";
import { ByteWriter } from "../util/index.ts";
import {
  emptyModule,
  encodeModule,
  F32,
  F64,
  type Module,
  OP,
  opcodeBytes,
  V128,
  type ValueType,
} from "../wasm/index.ts";
import type { Program } from "./program.ts";
import { loadOf, storeOf } from "./saver.ts";
import { SIDE_IMPORT } from "./side-module.ts";

/** What is exchanged with the host: the module, and the globals that it copies. */
export interface GlobalAccessor {
  readonly bytes: Uint8Array;
  readonly indices: readonly number[];
}

/** The accessor of a program; undefined if JavaScript can hold all its mutable globals. */
export function globalAccessor(program: Program): GlobalAccessor | undefined {
  const indices = program.spaces.globals.flatMap(({ type, mutable }, index) =>
    mutable && (type === F32 || type === F64 || type === V128) ? [index] : [],
  );
  if (indices.length === 0) return undefined;
  const control = { min: CONTROL.initialPages, max: CONTROL.maximumPages, shared: true, index64: false };
  const bodies = indices.flatMap((index, place) => {
    const { type } = program.spaces.globals[index]!;
    return [readBody(type, place), writeBody(type, place)];
  });
  const module: Module = {
    ...emptyModule(),
    types: [{ kind: "func", params: [], results: [] }],
    imports: [
      { module: IMPORT_MODULE, name: IMPORT.control, kind: "memory", memory: control },
      ...indices.map((index) => ({
        module: SIDE_IMPORT.main,
        name: `${EXPORT.global}${index}`,
        kind: "global" as const,
        global: program.spaces.globals[index]!,
      })),
    ],
    functions: bodies.map(() => 0),
    code: bodies.map((bytes) => ({ bytes, offset: 0 })),
    exports: indices.flatMap((index, place) => [
      { name: `read${index}`, kind: "func" as const, index: 2 * place },
      { name: `write${index}`, kind: "func" as const, index: 2 * place + 1 },
    ]),
  };
  return { bytes: encodeModule(module), indices };
}

/** Copies a global to the scratch area. */
function readBody(type: ValueType, global: number): Uint8Array {
  return body((writer) => {
    writer.u8(OP.globalGet);
    writer.u32(global);
    scratchAccess(writer, storeOf(type));
  });
}

/** Copies the scratch area to a global. */
function writeBody(type: ValueType, global: number): Uint8Array {
  return body((writer) => {
    scratchAccess(writer, loadOf(type));
    writer.u8(OP.globalSet);
    writer.u32(global);
  });
}

/** A body without locals: the address 0 and what `write` adds. */
function body(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(32);
  writer.bytes([0, OP.i32Const, 0]);
  write(writer);
  writer.u8(OP.end);
  return writer.toBytes();
}

function scratchAccess(writer: ByteWriter, code: number): void {
  writer.bytes(opcodeBytes(code));
  writer.u8(0);
  writer.u32(CONTROL.scratch);
}
