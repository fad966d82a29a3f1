// Start section (8): the function that runs at instantiation.

import type { ByteWriter } from "../../util/index.ts";
import { WasmFault } from "../faults.ts";
import { functionType } from "../index-space.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module } from "../types.ts";

/** Reads the start section: the index of a function without parameters and results. */
export function readStart(reader: SectionReader): void {
  const at = reader.offset;
  const index = reader.index("func");
  const { params, results } = functionType(reader.module, index);
  if (params.length + results.length > 0) {
    const found = `function ${index} with ${params.length} parameters and ${results.length} results`;
    throw WasmFault.expected(at, "a start function without parameters and results", found, "invalid");
  }
  reader.module.start = index;
}

/** Writes the start section's content. */
export function writeStart(writer: ByteWriter, { start }: Module): void {
  if (start !== undefined) writer.u32(start);
}
