// Global section (6).

import type { ByteWriter } from "../../util/index.ts";
import { readConstantExpression } from "../constant-expression.ts";
import { readGlobalType, writeGlobalType } from "../external-type.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module } from "../types.ts";

/** Reads the global section; an initial value may refer to the globals in front of it. */
export function readGlobals(reader: SectionReader): void {
  for (let count = reader.boundedCount("globals", LIMITS.globals, 3); count > 0; count--) {
    const type = readGlobalType(reader);
    reader.module.globals.push({ type, init: readConstantExpression(reader) });
    reader.declared.global++;
  }
}

/** Writes the global section's content. */
export function writeGlobals(writer: ByteWriter, { globals }: Module): void {
  writer.u32(globals.length);
  for (const { type, init } of globals) {
    writeGlobalType(writer, type);
    writer.bytes(init);
  }
}
