// Constant expressions: walks one to its `end`, checks what it refers to and leaves its bytes as they are.
//
// Instructions of garbage collection are walked and noted as obstacles by name; types are left to the engine.

import { ByteReader } from "../util/index.ts";
import { WasmFault } from "./faults.ts";
import type { SectionReader } from "./section-reader.ts";
import { type ConstantExpression, isAbstractHeap, refType } from "./types.ts";
import { describeHeap, hexByte, isGarbageCollected, readHeapType } from "./value-type.ts";

/** What an index in a constant expression refers to. */
export type ConstantReference = "func" | "global" | "type";

/** Told about the references and refused instructions of a constant expression; positions are those of the reader. */
export interface ConstantVisitor {
  /** An index that stands at `start` up to `end`. */
  index?(kind: ConstantReference, index: number, start: number, end: number): void;
  /** An instruction or type of garbage collection, by its name. */
  garbageCollected?(name: string, start: number): void;
}

/** Immediates of the instructions in constant expressions, by opcode. */
type Immediate = "none" | "s32" | "s64" | "f32" | "f64" | "func" | "global" | "heap" | "type" | "type-count";

const IMMEDIATES: ReadonlyMap<number, Immediate> = new Map<number, Immediate>([
  [0x41, "s32"],
  [0x42, "s64"],
  [0x43, "f32"],
  [0x44, "f64"],
  [0x23, "global"],
  [0xd0, "heap"],
  [0xd2, "func"],
  // i32.add, i32.sub, i32.mul, i64.add, i64.sub, i64.mul
  [0x6a, "none"],
  [0x6b, "none"],
  [0x6c, "none"],
  [0x7c, "none"],
  [0x7d, "none"],
  [0x7e, "none"],
]);

const GC_PREFIX = 0xfb;
const SIMD_PREFIX = 0xfd;
const V128_CONST = 12;
const END = 0x0b;

/** Constant instructions behind the prefix 0xfb. */
const GC_INSTRUCTIONS: ReadonlyMap<number, readonly [name: string, immediate: Immediate]> = new Map<
  number,
  readonly [string, Immediate]
>([
  [0, ["struct.new", "type"]],
  [1, ["struct.new_default", "type"]],
  [6, ["array.new", "type"]],
  [7, ["array.new_default", "type"]],
  [8, ["array.new_fixed", "type-count"]],
  [26, ["any.convert_extern", "none"]],
  [27, ["extern.convert_any", "none"]],
  [28, ["ref.i31", "none"]],
]);

/**
 * Reads a constant expression and checks the indices in it; what belongs to garbage collection is noted in the reader.
 *
 * @returns a view of its bytes, the `end` included; it shares memory with the input
 */
export function readConstantExpression(reader: SectionReader): ConstantExpression {
  const start = reader.position;
  const visitor: ConstantVisitor = {
    index(kind, index, at) {
      if (index < reader.declared[kind]) return;
      throw WasmFault.expected(
        reader.base + at,
        `a ${kind} index below ${reader.declared[kind]}`,
        `${index}`,
        "invalid",
      );
    },
    garbageCollected: (name, at) => reader.obstacle(reader.base + at, `${name} is a constant of garbage collection`),
  };
  walkConstantExpression(reader, visitor);
  return reader.bytes.subarray(start, reader.position);
}

/**
 * Walks a constant expression up to and including its `end`.
 *
 * @throws WasmFault "malformed" at an instruction that is not constant; BytesFault when the bytes end early
 */
export function walkConstantExpression(reader: ByteReader, visitor: ConstantVisitor): void {
  for (;;) {
    const start = reader.position;
    const opcode = reader.u8("a constant instruction or end");
    if (opcode === END) return;
    const immediate = IMMEDIATES.get(opcode);
    if (immediate !== undefined) readImmediate(reader, immediate, start, visitor);
    else if (opcode === SIMD_PREFIX || opcode === GC_PREFIX) readPrefixed(reader, opcode, start, visitor);
    else throw notConstant(reader.base + start, hexByte(opcode));
  }
}

/** The indices in a constant expression that has been read before, in order. */
export function constantReferences(
  expression: ConstantExpression,
): { readonly kind: ConstantReference; readonly index: number; readonly start: number; readonly end: number }[] {
  const references: { kind: ConstantReference; index: number; start: number; end: number }[] = [];
  walkConstantExpression(new ByteReader(expression), {
    index: (kind, index, start, end) => references.push({ kind, index, start, end }),
  });
  return references;
}

function readPrefixed(reader: ByteReader, prefix: number, start: number, visitor: ConstantVisitor): void {
  const opcode = reader.u32("an instruction behind its prefix");
  const gc = prefix === GC_PREFIX ? GC_INSTRUCTIONS.get(opcode) : undefined;
  if (gc !== undefined) {
    visitor.garbageCollected?.(gc[0], start);
    readImmediate(reader, gc[1], start, visitor);
  } else if (prefix === SIMD_PREFIX && opcode === V128_CONST) {
    reader.skip(16, "v128.const");
  } else {
    throw notConstant(reader.base + start, `${hexByte(prefix)} ${hexByte(opcode)}`);
  }
}

function readImmediate(reader: ByteReader, immediate: Immediate, start: number, visitor: ConstantVisitor): void {
  switch (immediate) {
    case "none":
      break;
    case "s32":
      reader.s32("i32.const");
      break;
    case "s64":
      reader.skipS64("i64.const");
      break;
    case "f32":
      reader.skip(4, "f32.const");
      break;
    case "f64":
      reader.skip(8, "f64.const");
      break;
    case "heap":
      visitHeapType(reader, start, visitor);
      break;
    case "type-count":
      visitIndex(reader, "type", visitor);
      reader.u32("a number of elements");
      break;
    default:
      visitIndex(reader, immediate, visitor);
  }
}

function visitIndex(reader: ByteReader, kind: ConstantReference, visitor: ConstantVisitor): void {
  const at = reader.position;
  const index = reader.u32(`a ${kind} index`);
  visitor.index?.(kind, index, at, reader.position);
}

function visitHeapType(reader: ByteReader, start: number, visitor: ConstantVisitor): void {
  const at = reader.position;
  const heap = readHeapType(reader);
  if (isGarbageCollected(refType(heap, true))) visitor.garbageCollected?.(`ref.null ${describeHeap(heap)}`, start);
  else if (!isAbstractHeap(heap)) visitor.index?.("type", heap, at, reader.position);
}

function notConstant(offset: number, found: string): WasmFault {
  return WasmFault.expected(offset, "a constant instruction or end", `instruction ${found}`);
}
