import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../test/assemble.ts";
import { ByteReader } from "../util/index.ts";
import { constantReferences, walkConstantExpression } from "./index.ts";

/** The references of an expression as `kind index@start`, and what belongs to garbage collection. */
function walk(text: string): string[] {
  const found: string[] = [];
  const reader = new ByteReader(new Uint8Array(hex(text)));
  walkConstantExpression(reader, {
    index: (kind, index, start, end) => found.push(`${kind} ${index}@${start}-${end}`),
    garbageCollected: (name, start) => found.push(`${name}@${start}`),
  });
  assert.ok(reader.done, "the expression is read to its end");
  return found;
}

test("every constant instruction", () => {
  assert.deepEqual(walk("0b"), []);
  assert.deepEqual(walk("41 ff ff ff ff 07 0b"), []);
  assert.deepEqual(walk("42 80 80 80 80 80 80 80 80 80 7f 0b"), []);
  assert.deepEqual(walk("43 0b 0b 0b 0b 44 *8 0b 0b"), []);
  assert.deepEqual(walk("fd 0c *16 0b 0b"), []);
  assert.deepEqual(walk("41 01 41 02 6a 6b 6c 7c 7d 7e 0b"), []);
  assert.deepEqual(walk("23 05 23 80 01 0b"), ["global 5@1-2", "global 128@3-5"]);
  assert.deepEqual(walk("d2 03 0b"), ["func 3@1-2"]);
  assert.deepEqual(walk("d0 70 d0 69 d0 73 d0 05 0b"), ["type 5@7-8"]);
});

test("constants of garbage collection are walked and named", () => {
  assert.deepEqual(walk("fb 00 01 fb 01 02 0b"), ["struct.new@0", "type 1@2-3", "struct.new_default@3", "type 2@5-6"]);
  assert.deepEqual(walk("fb 06 01 fb 07 01 fb 08 01 09 0b"), [
    "array.new@0",
    "type 1@2-3",
    "array.new_default@3",
    "type 1@5-6",
    "array.new_fixed@6",
    "type 1@8-9",
  ]);
  assert.deepEqual(walk("fb 1a fb 1b fb 1c d0 6e 0b"), [
    "any.convert_extern@0",
    "extern.convert_any@2",
    "ref.i31@4",
    "ref.null any@6",
  ]);
});

test("what is not constant", () => {
  const refuses = (text: string, message: string) => assert.throws(() => walk(text), { message });
  const expected = "malformed module: byte 2: expected a constant instruction or end, found instruction";
  refuses("41 00 10 00 0b", `${expected} 0x10`);
  refuses("41 00 67 0b", `${expected} 0x67`);
  refuses("41 00 fb 02 0b", `${expected} 0xfb 0x02`);
  refuses("41 00 fd 00 0b", `${expected} 0xfd 0x00`);
  refuses("41 00", "expected a constant instruction or end, but the input ends");
  refuses("fd 0c 00", "expected 16 bytes of v128.const, but the input ends");
  refuses("41 ff ff ff ff 0f 0b", "expected i32.const (LEB128 of at most 5 bytes and 32 bits)");
});

test("references of an expression that was read", () => {
  assert.deepEqual(constantReferences(new Uint8Array(hex("23 01 d2 02 0b"))), [
    { kind: "global", index: 1, start: 1, end: 2 },
    { kind: "func", index: 2, start: 3, end: 4 },
  ]);
});
