// Memory section (5).

import type { ByteWriter } from "../../util/index.ts";
import { readMemoryType, writeMemoryType } from "../external-type.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module } from "../types.ts";

/** Reads the memory section. */
export function readMemories(reader: SectionReader): void {
  for (let count = reader.boundedCount("memories", LIMITS.memories, 2); count > 0; count--) {
    reader.module.memories.push(readMemoryType(reader));
    reader.declared.memory++;
  }
}

/** Writes the memory section's content. */
export function writeMemories(writer: ByteWriter, { memories }: Module): void {
  writer.u32(memories.length);
  for (const limits of memories) writeMemoryType(writer, limits);
}
