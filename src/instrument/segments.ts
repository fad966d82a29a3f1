// Segment instructions in side modules: a continuation cannot name the data and element segments of the instance it
// belongs to, so the shipped module exports a function for each use.

import { EXPORT } from "../abi/index.ts";
import { I32, I64, OP, opcodeBytes } from "../wasm/index.ts";
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
  if (operation === OP.memoryInit) return [program.spaces.memories[b]!.index64 ? I64 : I32, I32, I32];
  if (operation === OP.tableInit) return [program.spaces.tables[b]!.limits.index64 ? I64 : I32, I32, I32];
  return [];
}

/** Adds the functions for all uses in the program; the function index by export name. */
export function addSegmentHelpers(program: Program, space: Space): ReadonlyMap<string, number> {
  const helpers = new Map<string, number>();
  for (const use of program.scan.segmentUses) {
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
