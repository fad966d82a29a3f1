// Table section (4): tables with an optional initial value for their elements.

import type { ByteWriter } from "../../util/index.ts";
import { readConstantExpression } from "../constant-expression.ts";
import { readTableType, writeTableType } from "../external-type.ts";
import { WasmFault } from "../faults.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module, Table } from "../types.ts";
import { hexByte } from "../value-type.ts";

/** A table with an initialiser begins with this byte and a zero. */
const WITH_INITIALISER = 0x40;

/** Reads the table section. */
export function readTables(reader: SectionReader): void {
  for (let count = reader.boundedCount("tables", LIMITS.tables, 3); count > 0; count--) {
    reader.module.tables.push(readTable(reader));
    reader.declared.table++;
  }
}

/** Writes the table section's content. */
export function writeTables(writer: ByteWriter, { tables }: Module): void {
  writer.u32(tables.length);
  for (const { type, init } of tables) {
    if (init !== undefined) writer.bytes([WITH_INITIALISER, 0]);
    writeTableType(writer, type);
    if (init !== undefined) writer.bytes(init);
  }
}

function readTable(reader: SectionReader): Table {
  if (reader.done || reader.bytes[reader.position] !== WITH_INITIALISER) return { type: readTableType(reader) };
  reader.skip(1);
  const at = reader.offset;
  const zero = reader.u8("the zero byte of a table with initialiser");
  if (zero !== 0) throw WasmFault.expected(at, "the zero byte of a table with initialiser", hexByte(zero));
  return { type: readTableType(reader), init: readConstantExpression(reader) };
}
