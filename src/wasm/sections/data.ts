// Data section (11): the three forms of segments.

import type { ByteWriter } from "../../util/index.ts";
import { readConstantExpression } from "../constant-expression.ts";
import { WasmFault } from "../faults.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { DataSegment, Module } from "../types.ts";
import { sizeOfU32 } from "./size.ts";

const ACTIVE = 0;
const PASSIVE = 1;
const ACTIVE_WITH_MEMORY = 2;

/** Reads the data section. */
export function readData(reader: SectionReader): void {
  const at = reader.offset;
  const count = reader.boundedCount("data segments", LIMITS.dataSegments, 2);
  const { data, dataCount } = reader.module;
  if (dataCount !== undefined && dataCount !== count) {
    throw WasmFault.expected(at, `${dataCount} data segments as in the data count section`, `${count}`);
  }
  for (let i = 0; i < count; i++) data.push(readSegment(reader));
}

/** The number of bytes that writeData writes. */
export function sizeOfData({ data }: Module): number {
  let size = sizeOfU32(data.length);
  for (const segment of data) {
    const { memory = 0, offset, bytes } = segment;
    size += 1 + (formOf(segment) === ACTIVE_WITH_MEMORY ? sizeOfU32(memory) : 0) + (offset?.length ?? 0);
    size += sizeOfU32(bytes.length) + bytes.length;
  }
  return size;
}

/** Writes the data section's content. */
export function writeData(writer: ByteWriter, { data }: Module): void {
  writer.u32(data.length);
  for (const segment of data) {
    const form = formOf(segment);
    writer.u8(form);
    if (form === ACTIVE_WITH_MEMORY) writer.u32(segment.memory!);
    if (form !== PASSIVE) writer.bytes(segment.offset!);
    writer.sized(segment.bytes);
  }
}

function readSegment(reader: SectionReader): DataSegment {
  const at = reader.offset;
  const form = reader.u32("the form of a data segment");
  switch (form) {
    case ACTIVE:
    case ACTIVE_WITH_MEMORY: {
      const memory = form === ACTIVE ? requireFirst(reader) : reader.index("memory");
      const offset = readConstantExpression(reader);
      return { mode: "active", memory, offset, bytes: readBytes(reader) };
    }
    case PASSIVE:
      return { mode: "passive", bytes: readBytes(reader) };
    default:
      throw WasmFault.expected(at, "a form of data segments (0 to 2)", `${form}`);
  }
}

function requireFirst(reader: SectionReader): 0 {
  if (reader.declared.memory > 0) return 0;
  throw WasmFault.expected(reader.offset, "a memory for the active data segment", "none", "invalid");
}

function readBytes(reader: SectionReader): Uint8Array {
  return reader.take(reader.u32("the size of a data segment"), "a data segment");
}

/** The shortest form that can hold the segment. */
function formOf({ mode, memory }: DataSegment): number {
  if (mode === "passive") return PASSIVE;
  return memory ? ACTIVE_WITH_MEMORY : ACTIVE;
}
