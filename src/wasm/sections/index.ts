// The sections of a module in the order of the binary format: what reads and what writes each.

import type { ByteWriter } from "../../util/index.ts";
import type { SectionReader } from "../section-reader.ts";
import type { Module } from "../types.ts";
import { readCode, sizeOfCode, writeCode } from "./code.ts";
import { readData, sizeOfData, writeData } from "./data.ts";
import { readDataCount, writeDataCount } from "./data-count.ts";
import { readElements, writeElements } from "./element.ts";
import { readExports, writeExports } from "./export.ts";
import { readFunctions, writeFunctions } from "./function.ts";
import { readGlobals, writeGlobals } from "./global.ts";
import { readImports, writeImports } from "./import.ts";
import { readMemories, writeMemories } from "./memory.ts";
import { readStart, writeStart } from "./start.ts";
import { readTables, writeTables } from "./table.ts";
import { readTags, writeTags } from "./tag.ts";
import { readTypes, writeTypes } from "./type.ts";

export { readCustom, writeCustom } from "./custom.ts";
export { sizeOfU32 } from "./size.ts";

/** A known section: its place in the format, its reader and its writer. */
export interface Section {
  readonly id: number;
  /** As messages name it. */
  readonly name: string;
  readonly read: (reader: SectionReader) => void;
  readonly write: (writer: ByteWriter, module: Module) => void;
  /** Whether the module needs the section. */
  readonly present: (module: Module) => boolean;
  /** Bytes that `write` will write; absent where the section is small enough to be written twice. */
  readonly size?: (module: Module) => number;
}

/** The id of custom sections, and of "in front of all known sections". */
export const CUSTOM = 0;

/** Known sections in the only order they may have. */
export const SECTIONS: readonly Section[] = [
  section(1, "type section", readTypes, writeTypes, (m) => m.types.length + m.typeGroups.groups > 0),
  section(2, "import section", readImports, writeImports, (m) => m.imports.length > 0),
  section(3, "function section", readFunctions, writeFunctions, (m) => m.functions.length > 0),
  section(4, "table section", readTables, writeTables, (m) => m.tables.length > 0),
  section(5, "memory section", readMemories, writeMemories, (m) => m.memories.length > 0),
  section(13, "tag section", readTags, writeTags, (m) => m.tags.length > 0),
  section(6, "global section", readGlobals, writeGlobals, (m) => m.globals.length > 0),
  section(7, "export section", readExports, writeExports, (m) => m.exports.length > 0),
  section(8, "start section", readStart, writeStart, (m) => m.start !== undefined),
  section(9, "element section", readElements, writeElements, (m) => m.elements.length > 0),
  section(12, "data count section", readDataCount, writeDataCount, (m) => m.dataCount !== undefined),
  { ...section(10, "code section", readCode, writeCode, (m) => m.code.length > 0), size: sizeOfCode },
  { ...section(11, "data section", readData, writeData, (m) => m.data.length > 0), size: sizeOfData },
];

function section(
  id: number,
  name: string,
  read: Section["read"],
  write: Section["write"],
  present: Section["present"],
): Section {
  return { id, name, read, write, present };
}
