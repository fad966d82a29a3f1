// Clearing bytes, whatever their alignment.
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { clearBytes } from "./bytes.ts";

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
