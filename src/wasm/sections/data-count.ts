// Data count section (12, between elements and code): the number of data segments, for the code in front of them.

import type { ByteWriter } from "../../util/index.ts";
import { WasmFault } from "../faults.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module } from "../types.ts";

/** Reads the data count section. */
export function readDataCount(reader: SectionReader): void {
  const at = reader.offset;
  const count = reader.u32("the number of data segments");
  if (count > LIMITS.dataSegments) {
    throw WasmFault.expected(at, `at most ${LIMITS.dataSegments} data segments`, `${count}`, "too-large");
  }
  reader.module.dataCount = count;
}

/** Writes the data count section's content. */
export function writeDataCount(writer: ByteWriter, { data }: Module): void {
  writer.u32(data.length);
}
