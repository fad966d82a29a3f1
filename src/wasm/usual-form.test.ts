// The tight loop for usual instructions against the general way: numbers of every length, good and bad.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader, BytesFault } from "../util/index.ts";
import { endOfNumber, FORM, longNumber } from "./usual-form.ts";

const PATTERNS = [0x00, 0x01, 0x07, 0x08, 0x0f, 0x10, 0x3f, 0x40, 0x70, 0x77, 0x78, 0x7f];

/** Numbers of 1 to 6 bytes: every pattern as the last byte, behind every pattern as the others. */
function* numbers(): Generator<Uint8Array> {
  for (let length = 1; length <= 6; length++) {
    for (const last of PATTERNS) {
      for (const other of PATTERNS)
        yield new Uint8Array([...new Array(length - 1).fill(other | 0x80), last, 0, 0, 0, 0]);
    }
  }
}

function general(bytes: Uint8Array, form: number): { value: number; end: number } | undefined {
  const reader = new ByteReader(bytes);
  try {
    const value = form === FORM.index ? reader.u32() | 0 : reader.s32();
    return { value, end: reader.position };
  } catch (thrown) {
    assert(thrown instanceof BytesFault);
    return undefined;
  }
}

test("indices and constants are read, or left alone, as the general reader has them", () => {
  for (const form of [FORM.index, FORM.signed]) {
    for (const bytes of numbers()) {
      const last = endOfNumber(bytes, 0, form);
      const found = last < 0 ? undefined : { value: longNumber(bytes, 0, last, form === FORM.signed), end: last + 1 };
      assert.deepEqual(found, general(bytes, form), `form ${form}, bytes ${bytes}`);
    }
  }
});

test("a skipped number ends where the general reader ends", () => {
  for (let length = 1; length <= 11; length++) {
    const bytes = new Uint8Array([...new Array(length - 1).fill(0x80), 0x7f, 0]);
    assert.equal(endOfNumber(bytes, 0, FORM.skipped), length <= 9 ? length - 1 : -1);
  }
});
