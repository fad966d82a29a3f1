// Code section (10): function bodies as views of the input. Only their frame and local declarations are looked at.

import { ByteReader, type ByteWriter } from "../../util/index.ts";
import { WasmFault } from "../faults.ts";
import { LIMITS } from "../limits.ts";
import type { SectionReader } from "../section-reader.ts";
import type { FunctionBody, Module } from "../types.ts";
import { describeType, hexByte, isGarbageCollected, readValueType } from "../value-type.ts";
import { sizeOfU32 } from "./size.ts";

const END = 0x0b;

/** Reads the code section. */
export function readCode(reader: SectionReader): void {
  const { functions, code } = reader.module;
  const at = reader.offset;
  const count = reader.boundedCount("function bodies", LIMITS.functions, 3);
  if (count !== functions.length) {
    throw WasmFault.expected(at, `${functions.length} function bodies, one for each function`, `${count}`);
  }
  for (let i = 0; i < count; i++) code.push(readBody(reader));
}

/** The number of bytes that writeCode writes. */
export function sizeOfCode({ code }: Module): number {
  let size = sizeOfU32(code.length);
  for (const { bytes } of code) size += sizeOfU32(bytes.length) + bytes.length;
  return size;
}

/** Writes the code section's content. */
export function writeCode(writer: ByteWriter, { code }: Module): void {
  writer.u32(code.length);
  for (const { bytes } of code) writer.sized(bytes);
}

function readBody(reader: SectionReader): FunctionBody {
  const at = reader.offset;
  const size = reader.u32("the size of a function body");
  if (size > LIMITS.functionBytes) {
    throw WasmFault.expected(at, `a function body of at most ${LIMITS.functionBytes} bytes`, `${size}`, "too-large");
  }
  const { offset, position } = reader;
  const bytes = reader.take(size, "a function body");
  checkLocals(reader, position);
  const last = bytes[size - 1];
  if (last === END) return { bytes, offset };
  const found = last === undefined ? "an empty body" : hexByte(last);
  throw WasmFault.expected(offset + size - 1, "end as the last byte of a function body", found);
}

/** Checks the local declarations of the body between `start` and the reader's position. */
function checkLocals(section: SectionReader, start: number): void {
  const reader = new ByteReader(section.bytes, start, section.position);
  try {
    let total = 0;
    for (let groups = reader.count("groups of locals", 2); groups > 0; groups--) {
      total = readGroup(section, reader, total);
    }
  } catch (thrown) {
    throw WasmFault.from(thrown, section.span.name, "function body");
  }
}

/** Reads one group of locals behind `total` others and returns how many there are now. */
function readGroup(section: SectionReader, reader: ByteReader, total: number): number {
  const at = reader.offset;
  const count = total + reader.u32("the number of locals");
  if (count > LIMITS.locals) {
    throw WasmFault.expected(at, `at most ${LIMITS.locals} locals in a function`, `${count}`, "too-large");
  }
  const typeAt = reader.offset;
  const type = readValueType(reader, section.declared.type);
  if (isGarbageCollected(type)) {
    const index = section.declared.func - section.module.functions.length + section.module.code.length;
    section.obstacle(typeAt, `function ${index} has a local of type ${describeType(type)}`);
  }
  return count;
}
