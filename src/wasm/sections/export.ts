// Export section (7).

import type { ByteWriter } from "../../util/index.ts";
import { EXTERN_KINDS, externCode } from "../extern-kind.ts";
import { WasmFault } from "../faults.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module } from "../types.ts";
import { hexByte } from "../value-type.ts";

/** Reads the export section. */
export function readExports(reader: SectionReader): void {
  const names = new Set<string>();
  for (let count = reader.boundedCount("exports", LIMITS.exports, 3); count > 0; count--) {
    const at = reader.offset;
    const name = reader.name("an export's name");
    if (names.has(name)) throw WasmFault.expected(at, "export names that differ", JSON.stringify(name), "invalid");
    names.add(name);
    const kindAt = reader.offset;
    const code = reader.u8("an export's kind");
    const kind = EXTERN_KINDS[code];
    if (kind === undefined) throw WasmFault.expected(kindAt, "an export's kind (0 to 4)", hexByte(code));
    reader.module.exports.push({ name, kind, index: reader.index(kind) });
  }
}

/** Writes the export section's content. */
export function writeExports(writer: ByteWriter, { exports }: Module): void {
  writer.u32(exports.length);
  for (const { name, kind, index } of exports) {
    writer.name(name);
    writer.u8(externCode(kind));
    writer.u32(index);
  }
}
