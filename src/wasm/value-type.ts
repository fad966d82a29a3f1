// Value types, reference types and heap types: bytes <-> the numbers of types.ts.

import type { ByteReader, ByteWriter } from "../util/index.ts";
import { WasmFault } from "./faults.ts";
import {
  F32,
  F64,
  HEAP,
  heapOf,
  I32,
  I64,
  isAbstractHeap,
  isNullable,
  isRef,
  MAX_TYPES,
  refType,
  V128,
  type ValueType,
} from "./types.ts";

/** Prefixes of reference types that are written out: `(ref null ht)` and `(ref ht)`. */
const REF_NULL = 0x63;
const REF = 0x64;

const NUMBER_NAMES: ReadonlyMap<number, string> = new Map([
  [I32, "i32"],
  [I64, "i64"],
  [F32, "f32"],
  [F64, "f64"],
  [V128, "v128"],
]);

const HEAP_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(HEAP).map(([name, heap]) => [heap, name]));

/** Abstract heap types by their byte. */
const HEAP_BY_CODE: ReadonlyMap<number, number> = new Map(Object.values(HEAP).map((heap) => [heap & 0xff, heap]));

const GC_HEAPS: ReadonlySet<number> = new Set([HEAP.none, HEAP.any, HEAP.eq, HEAP.i31, HEAP.struct, HEAP.array]);

/** Codes of type that belong to proposals: refused by the proposal's name. */
const PROPOSALS: ReadonlyMap<number, string> = new Map([
  [0x75, "stack switching"],
  [0x68, "stack switching"],
  [0x67, "reference-typed strings"],
  [0x66, "reference-typed strings"],
  [0x61, "reference-typed strings"],
  [0x60, "reference-typed strings"],
  [0x65, "shared-everything threads"],
  [0x62, "custom descriptors"],
]);

/**
 * Reads a value type.
 *
 * @param types type indices have to be below it
 * @throws WasmFault "malformed", "invalid" (type index) or "unsupported" (a type of a proposal)
 */
export function readValueType(reader: ByteReader, types = MAX_TYPES): ValueType {
  const code = reader.u8("a value type");
  return NUMBER_NAMES.has(code) ? code : refTypeOf(reader, code, types, "a value type");
}

/** Reads a reference type; as readValueType. */
export function readRefType(reader: ByteReader, types = MAX_TYPES): ValueType {
  return refTypeOf(reader, reader.u8("a reference type"), types, "a reference type");
}

/** Reads a heap type: one of HEAP or a type index below `types`; faults as readValueType. */
export function readHeapType(reader: ByteReader, types = MAX_TYPES): number {
  const at = reader.offset;
  const value = reader.s33("a heap type");
  if (value >= 0) {
    if (value < types) return value;
    throw WasmFault.expected(at, `a type index below ${types}`, `${value}`, "invalid");
  }
  const heap = value >= -64 ? HEAP_BY_CODE.get(value & 0x7f) : undefined;
  if (heap !== undefined) return heap;
  throw badType(at, "a heap type", value & 0x7f);
}

/** Writes a value type in its shortest form. */
export function writeValueType(writer: ByteWriter, type: ValueType): void {
  const heap = heapOf(type);
  if (!isRef(type)) {
    writer.u8(type);
  } else if (isNullable(type) && isAbstractHeap(heap)) {
    writer.u8(heap & 0xff);
  } else {
    writer.u8(isNullable(type) ? REF_NULL : REF);
    writeHeapType(writer, heap);
  }
}

/** Writes a heap type: one of HEAP or a type index. */
export function writeHeapType(writer: ByteWriter, heap: number): void {
  if (isAbstractHeap(heap)) writer.u8(heap & 0xff);
  else writer.s32(heap);
}

/** The type as the text format writes it: `i32`, `(ref null 3)`. */
export function describeType(type: ValueType): string {
  if (!isRef(type)) return NUMBER_NAMES.get(type) ?? "bottom";
  return `(ref ${isNullable(type) ? "null " : ""}${describeHeap(heapOf(type))})`;
}

/** The heap type as the text format writes it: `func`, `3`. */
export function describeHeap(heap: number): string {
  return HEAP_NAMES.get(heap) ?? `${heap}`;
}

/** Whether values of the type are garbage-collected objects, going by the type alone (type indices say nothing). */
export function isGarbageCollected(type: ValueType): boolean {
  return isRef(type) && GC_HEAPS.has(heapOf(type));
}

/** A byte as messages show it: `0x7f`. */
export function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

function refTypeOf(reader: ByteReader, code: number, types: number, what: string): ValueType {
  if (code === REF || code === REF_NULL) return refType(readHeapType(reader, types), code === REF_NULL);
  const heap = HEAP_BY_CODE.get(code);
  if (heap !== undefined) return refType(heap, true);
  throw badType(reader.offset - 1, what, code);
}

function badType(offset: number, expected: string, code: number): WasmFault {
  const proposal = PROPOSALS.get(code);
  if (proposal === undefined) return WasmFault.expected(offset, expected, hexByte(code));
  return new WasmFault("unsupported", `type ${hexByte(code)} of the proposal "${proposal}" is not supported`, {
    offset,
    proposal,
  });
}
