// Limits and the types of tables, memories, globals and tags: what imports and definitions have in common.

import type { ByteWriter } from "../util/index.ts";
import { WasmFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { SectionReader } from "./section-reader.ts";
import type { GlobalType, Limits, TableType } from "./types.ts";
import { hexByte, writeValueType } from "./value-type.ts";

const HAS_MAX = 1;
const SHARED = 2;
const INDEX64 = 4;
const PAGE_SIZE = 8;

/** Reads the type of a memory. */
export function readMemoryType(reader: SectionReader): Limits {
  const at = reader.offset;
  const flags = reader.u8("the limits of a memory");
  if (flags & PAGE_SIZE && flags < 16) {
    throw new WasmFault("unsupported", 'memories with a page size of their own (proposal "custom page sizes")', {
      offset: at,
    });
  }
  if (flags > (HAS_MAX | SHARED | INDEX64)) {
    throw WasmFault.expected(at, "flags of memory limits (0 to 7)", hexByte(flags));
  }
  if ((flags & (HAS_MAX | SHARED)) === SHARED) {
    throw WasmFault.expected(at, "a maximum for a shared memory", "none", "invalid");
  }
  const pages = flags & INDEX64 ? LIMITS.memory64Pages : LIMITS.memoryPages;
  return readRange(reader, flags, pages, "pages of memory");
}

/** Reads the type of a table. */
export function readTableType(reader: SectionReader): TableType {
  const element = reader.refType();
  const at = reader.offset;
  const flags = reader.u8("the limits of a table");
  if (flags & SHARED && flags < 8) {
    throw new WasmFault("unsupported", 'shared tables (proposal "shared-everything threads")', { offset: at });
  }
  if (flags > (HAS_MAX | INDEX64)) throw WasmFault.expected(at, "flags of table limits (0, 1, 4 or 5)", hexByte(flags));
  const limits = readRange(reader, flags, 2 ** 64, "table elements");
  if (limits.min <= LIMITS.tableElements) return { element, limits };
  throw WasmFault.expected(at, `at most ${LIMITS.tableElements} initial table elements`, `${limits.min}`, "too-large");
}

/** Reads the type of a global. */
export function readGlobalType(reader: SectionReader): GlobalType {
  const type = reader.valueType();
  const at = reader.offset;
  const flags = reader.u8("the mutability of a global");
  if (flags === 2 || flags === 3) {
    throw new WasmFault("unsupported", 'shared globals (proposal "shared-everything threads")', { offset: at });
  }
  if (flags > 1) throw WasmFault.expected(at, "mutability 0 or 1", hexByte(flags));
  return { type, mutable: flags === 1 };
}

/** Reads the type of a tag: the index of a function type without results. */
export function readTagType(reader: SectionReader): number {
  const at = reader.offset;
  // One byte in the specification; engines take a padded zero as well.
  const attribute = reader.u32("the attribute of a tag");
  if (attribute !== 0) throw WasmFault.expected(at, "tag attribute 0 (exception)", hexByte(attribute));
  const typeAt = reader.offset;
  const type = reader.functionTypeIndex();
  const results = reader.module.types[type]!.results!.length;
  if (results === 0) return type;
  throw WasmFault.expected(typeAt, "a tag without results", `type ${type} with ${results} results`, "invalid");
}

/** Writes the type of a memory. */
export function writeMemoryType(writer: ByteWriter, limits: Limits): void {
  writer.u8((limits.max === undefined ? 0 : HAS_MAX) | (limits.shared ? SHARED : 0) | (limits.index64 ? INDEX64 : 0));
  writer.u32(limits.min);
  const { max, exactMax } = limits;
  if (exactMax !== undefined && Number(exactMax) === max) writer.u64(exactMax);
  else if (max !== undefined) writer.u32(max);
}

/** Writes the type of a table. */
export function writeTableType(writer: ByteWriter, { element, limits }: TableType): void {
  writeValueType(writer, element);
  writeMemoryType(writer, limits);
}

/** Writes the type of a global. */
export function writeGlobalType(writer: ByteWriter, { type, mutable }: GlobalType): void {
  writeValueType(writer, type);
  writer.u8(mutable ? 1 : 0);
}

/** Writes the type of a tag. */
export function writeTagType(writer: ByteWriter, type: number): void {
  writer.u8(0);
  writer.u32(type);
}

function readRange(reader: SectionReader, flags: number, bound: number, what: string): Limits {
  const index64 = (flags & INDEX64) !== 0;
  const shared = (flags & SHARED) !== 0;
  const min = readSize(reader, index64, bound, `minimum of ${what}`);
  if ((flags & HAS_MAX) === 0) return { min: Number(min), shared, index64 };
  const at = reader.offset;
  const max = readSize(reader, index64, bound, `maximum of ${what}`);
  if (max < min) throw WasmFault.expected(at, `a maximum of ${what} from ${min} on`, `${max}`, "invalid");
  const limits = { min: Number(min), max: Number(max), shared, index64 };
  return typeof max === "number" || Number.isSafeInteger(limits.max) ? limits : { ...limits, exactMax: max };
}

function readSize(reader: SectionReader, index64: boolean, bound: number, what: string): number | bigint {
  const at = reader.offset;
  const size = index64 ? reader.u64(`the ${what}`) : reader.u32(`the ${what}`);
  if (size <= bound) return size;
  throw WasmFault.expected(at, `a ${what} of at most ${bound}`, `${size}`, "invalid");
}
