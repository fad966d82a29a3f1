// Clearing bytes, whatever their alignment, and joining them.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { allZero, clearBytes, joinBytes } from "./bytes.ts";

test("clearBytes sets exactly the bytes of the view, at every alignment and length", () => {
  for (let start = 0; start < 17; start++) {
    for (let length = 0; length < 33; length++) {
      const all = new Uint8Array(new SharedArrayBuffer(64)).fill(7);
      clearBytes(all.subarray(start, start + length));
      const expected = new Uint8Array(64).fill(7).fill(0, start, start + length);
      deepEqual(Uint8Array.from(all), expected);
    }
  }
});

test("joinBytes keeps the order, passes empty pieces over, and copies", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(1);
  const joined = joinBytes([shared, new Uint8Array(), Uint8Array.of(2, 3)]);
  shared.fill(9);
  deepEqual(joined, Uint8Array.of(1, 1, 2, 3));
  deepEqual(joinBytes([]), new Uint8Array());
});

test("allZero finds a single byte wherever it is, at every alignment and length", () => {
  for (let offset = 0; offset < 9; offset++) {
    for (let length = 0; length < 80; length++) {
      const bytes = new Uint8Array(new SharedArrayBuffer(100)).fill(1);
      const view = bytes.subarray(offset, offset + length).fill(0);
      equal(allZero(view), true, `${length} bytes at ${offset}`);
      for (let at = 0; at < length; at++) {
        view[at] = 128;
        equal(allZero(view), false, `byte ${at} of ${length} at ${offset}`);
        view[at] = 0;
      }
    }
  }
});
