// Import section (2).

import type { ByteWriter } from "../../util/index.ts";
import { EXTERN_KINDS, externCode } from "../extern-kind.ts";
import {
  readGlobalType,
  readMemoryType,
  readTableType,
  readTagType,
  writeGlobalType,
  writeMemoryType,
  writeTableType,
  writeTagType,
} from "../external-type.ts";
import { WasmFault } from "../faults.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Import, Module } from "../types.ts";
import { hexByte } from "../value-type.ts";

/** Reads the import section. */
export function readImports(reader: SectionReader): void {
  for (let count = reader.boundedCount("imports", LIMITS.imports, 4); count > 0; count--) {
    const entry = readImport(reader);
    reader.module.imports.push(entry);
    reader.declared[entry.kind]++;
  }
}

/** Writes the import section's content. */
export function writeImports(writer: ByteWriter, { imports }: Module): void {
  writer.u32(imports.length);
  for (const entry of imports) {
    writer.name(entry.module);
    writer.name(entry.name);
    writer.u8(externCode(entry.kind));
    writeType(writer, entry);
  }
}

function readImport(reader: SectionReader): Import {
  const module = reader.name("an import's module name");
  const name = reader.name("an import's name");
  const at = reader.offset;
  const code = reader.u8("an import's kind");
  const kind = EXTERN_KINDS[code];
  switch (kind) {
    case "func":
      return { module, name, kind, type: reader.functionTypeIndex() };
    case "table":
      return { module, name, kind, table: readTableType(reader) };
    case "memory":
      return { module, name, kind, memory: readMemoryType(reader) };
    case "global":
      return { module, name, kind, global: readGlobalType(reader) };
    case "tag":
      return { module, name, kind, type: readTagType(reader) };
    default:
      throw WasmFault.expected(at, "an import's kind (0 to 4)", hexByte(code));
  }
}

function writeType(writer: ByteWriter, entry: Import): void {
  if (entry.kind === "func") writer.u32(entry.type);
  else if (entry.kind === "table") writeTableType(writer, entry.table);
  else if (entry.kind === "memory") writeMemoryType(writer, entry.memory);
  else if (entry.kind === "global") writeGlobalType(writer, entry.global);
  else writeTagType(writer, entry.type);
}
