import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../test/assemble.ts";
import { ByteReader, ByteWriter } from "../util/index.ts";
import {
  asNullable,
  describeType,
  EXNREF,
  EXTERNREF,
  FUNCREF,
  HEAP,
  heapOf,
  I32,
  isAbstractHeap,
  isNullable,
  isRef,
  MAX_TYPES,
  readValueType,
  refType,
  V128,
  writeValueType,
} from "./index.ts";
import { isGarbageCollected, readHeapType, readRefType } from "./value-type.ts";

const reader = (text: string) => new ByteReader(new Uint8Array(hex(text)));

/** Bytes, the type they mean, its text; `shortest` where it is written differently. */
function type(bytes: string, expected: number, text: string, shortest = bytes): void {
  assert.equal(readValueType(reader(bytes)), expected, bytes);
  assert.equal(describeType(expected), text);
  const writer = new ByteWriter();
  writeValueType(writer, expected);
  assert.deepEqual([...writer.view()], hex(shortest), text);
}

test("value types: bytes, numbers and text", () => {
  type("7f", I32, "i32");
  type("7e", 0x7e, "i64");
  type("7d", 0x7d, "f32");
  type("7c", 0x7c, "f64");
  type("7b", V128, "v128");
  type("70", FUNCREF, "(ref null func)");
  type("6f", EXTERNREF, "(ref null extern)");
  type("69", EXNREF, "(ref null exn)");
  for (const [name, heap] of Object.entries(HEAP)) {
    const code = (heap & 0xff).toString(16);
    type(code, refType(heap, true), `(ref null ${name})`);
    type(`63 ${code}`, refType(heap, true), `(ref null ${name})`, code);
    type(`64 ${code}`, refType(heap, false), `(ref ${name})`);
  }
  type("63 00", refType(0, true), "(ref null 0)");
  type("64 3f", refType(63, false), "(ref 63)");
  type("64 c0 00", refType(64, false), "(ref 64)");
  type("63 bf 84 3d", refType(MAX_TYPES - 1, true), "(ref null 999999)");
  type("63 f0 7f", FUNCREF, "(ref null func)", "70");
  type("64 80 80 80 80 00", refType(0, false), "(ref 0)", "64 00");
});

test("reference types can be taken apart", () => {
  const type = refType(5, false);
  assert.deepEqual(
    [isRef(type), isNullable(type), heapOf(type), isAbstractHeap(heapOf(type))],
    [true, false, 5, false],
  );
  assert.equal(asNullable(type), refType(5, true));
  assert.deepEqual([isRef(I32), asNullable(I32)], [false, I32]);
  assert.ok(isAbstractHeap(heapOf(FUNCREF)) && isNullable(FUNCREF));
});

test("garbage-collected types", () => {
  const collected = Object.entries(HEAP).filter(([, heap]) => isGarbageCollected(refType(heap, false)));
  assert.deepEqual(collected.map(([name]) => name).sort(), ["any", "array", "eq", "i31", "none", "struct"]);
  assert.ok(!isGarbageCollected(refType(HEAP.none & 0xff, true)), "a type index is no heap type of the same number");
});

test("what is no type", () => {
  const refuses = (text: string, message: RegExp, read = (from: ByteReader) => readValueType(from)) =>
    assert.throws(() => read(reader(text)), { message });
  refuses("", /expected a value type, but the input ends/);
  refuses("40", /^malformed module: byte 0: expected a value type, found 0x40$/);
  refuses("78", /expected a value type, found 0x78/);
  refuses("00", /expected a value type, found 0x00/);
  refuses("64 7f", /^malformed module: byte 1: expected a heap type, found 0x7f$/);
  refuses("63", /expected a heap type, but the input ends/);
  refuses("64 80 80 80 80 20", /expected a heap type \(LEB128 of at most 5 bytes and 33 bits\)/);
  refuses("64 f0 7e", /expected a heap type, found 0x70/);
  refuses("63 c0 84 3d", /^invalid module: byte 1: expected a type index below 1000000, found 1000000$/);
  refuses("63 03", /expected a type index below 3, found 3/, (from) => readValueType(from, 3));
  refuses("7f", /expected a reference type, found 0x7f/, (from) => readRefType(from));
  refuses("62 00", /^unsupported module: byte 0: type 0x62 of the proposal "custom descriptors" is not supported$/);
  refuses("64 75", /^unsupported module: byte 1: type 0x75 of the proposal "stack switching" is not supported$/);
  refuses("02", /expected a type index below 2, found 2/, (from) => readHeapType(from, 2));
});
