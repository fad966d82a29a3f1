// Segment instructions in side modules: a continuation cannot name the data and element segments of the instance it
// belongs to, so the shipped module exports a function for each use.
//
// Active segments of a module that puts functions of its own into a table of others: such a function stays callable
// even if a later segment traps and the instantiation fails. JavaScript is given no instance then, and could set no
// hooks. So all active segments of such a module become passive, and a function that does what instantiation did, in
// its order, is exported for the host to call (EXPORT.initialise). A restored instance is not initialised: what the
// segments had written is part of the saved state, and has changed since.

import { EXPORT } from "../abi/index.ts";
import type { ByteWriter } from "../util/index.ts";
import { I32, I64, type Module, OP, opcodeBytes } from "../wasm/index.ts";
import type { Program } from "./program.ts";
import type { Space } from "./space.ts";

/** The export that does what `operation a b` does; `use` is these three numbers. */
export function segmentExport(use: string): string {
  return `${EXPORT.prefix}segment ${use}`;
}

/** The use of a segment instruction, as a key: operation, segment and, for init, the memory or table. */
export function segmentUse(operation: number, a: number, b: number): string {
  const init = operation === OP.memoryInit || operation === OP.tableInit;
  return init ? `${operation} ${a} ${b}` : `${operation} ${a}`;
}

/** The parameter types of a segment instruction. */
export function segmentParams(program: Program, operation: number, b: number): readonly number[] {
  if (operation === OP.memoryInit) return [program.spaces.memories[b]?.index64 ? I64 : I32, I32, I32];
  if (operation === OP.tableInit) return [program.spaces.tables[b]!.limits.index64 ? I64 : I32, I32, I32];
  return [];
}

/** Adds the functions for all uses in the program; the function index by export name. */
export function addSegmentHelpers(program: Program, space: Space): ReadonlyMap<string, number> {
  const helpers = new Map<string, number>();
  for (const use of program.segmentUses) {
    const [operation, a, b] = use.split(" ").map(Number) as [number, number, number];
    const params = segmentParams(program, operation, b);
    const index = space.shared(`segment ${use}`, (writer) => {
      writer.bytes([0, OP.localGet, 0, OP.localGet, 1, OP.localGet, 2, ...opcodeBytes(operation)]);
      writer.u32(a);
      writer.u32(b);
      writer.u8(OP.end);
      return space.typeIndex(params, []);
    });
    helpers.set(segmentExport(use), index);
  }
  const drops: [number, readonly number[]][] = [
    [OP.dataDrop, program.droppable.droppableData],
    [OP.elementDrop, program.droppable.droppableElements],
  ];
  for (const [operation, segments] of drops) {
    for (const segment of segments) {
      const use = segmentUse(operation, segment, 0);
      helpers.set(segmentExport(use), space.segmentFunction(operation, segment, 0));
    }
  }
  return helpers;
}

/** The sections of segments as the shipped module has them. */
export function shippedSegments(program: Program): Pick<Module, "elements" | "data" | "dataCount"> {
  const { elements, data, dataCount } = program.module;
  if (!program.deferred) return { elements, data, dataCount };
  return {
    elements: elements.map(({ mode, functions, expressions, type }) => ({
      mode: mode === "active" ? ("passive" as const) : mode,
      type,
      ...(functions ? { functions } : {}),
      ...(expressions ? { expressions } : {}),
    })),
    data: data.map(({ bytes }) => ({ mode: "passive", bytes })),
    dataCount: data.length > 0 ? data.length : dataCount,
  };
}

/** Adds the function that writes the active segments, if that is left to the host; its index by export name. */
export function addInitialiser(program: Program, space: Space): ReadonlyMap<string, number> {
  if (!program.deferred) return new Map();
  const { elements, data } = program.module;
  const index = space.shared("initialise", (writer) => {
    writer.u8(0);
    elements.forEach(({ mode, table = 0, offset, functions, expressions }, segment) => {
      if (mode !== "active") return;
      const length = (functions ?? expressions ?? []).length;
      writeInit(writer, offset!, length, [OP.tableInit, segment, table]);
      writeDrop(writer, space, OP.elementDrop, segment);
    });
    data.forEach(({ mode, memory = 0, offset, bytes }, segment) => {
      if (mode !== "active") return;
      writeInit(writer, offset!, bytes.length, [OP.memoryInit, segment, memory]);
      writeDrop(writer, space, OP.dataDrop, segment);
    });
    writer.u8(OP.end);
    return space.typeIndex([], []);
  });
  return new Map([[EXPORT.initialise, index]]);
}

/** Copies a whole segment to the place that a constant expression says. */
function writeInit(
  writer: ByteWriter,
  offset: Uint8Array,
  length: number,
  [operation, segment, target]: readonly [number, number, number],
): void {
  writer.bytes(offset.subarray(0, -1)); // without its end
  writer.bytes([OP.i32Const, 0, OP.i32Const]);
  writer.s32(length);
  writer.bytes(opcodeBytes(operation));
  writer.u32(segment);
  writer.u32(target);
}

function writeDrop(writer: ByteWriter, space: Space, operation: number, segment: number): void {
  writer.u8(OP.call);
  writer.u32(space.segmentFunction(operation, segment, 0));
}
