// Function section (3): the type of each defined function.

import type { ByteWriter } from "../../util/index.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module } from "../types.ts";

/** Reads the function section. */
export function readFunctions(reader: SectionReader): void {
  const { functions } = reader.module;
  const count = reader.boundedCount("functions", LIMITS.functions, 1);
  for (let i = 0; i < count; i++) functions.push(reader.functionTypeIndex());
  reader.declared.func += count;
}

/** Writes the function section's content. */
export function writeFunctions(writer: ByteWriter, { functions }: Module): void {
  writer.u32(functions.length);
  for (const type of functions) writer.u32(type);
}
