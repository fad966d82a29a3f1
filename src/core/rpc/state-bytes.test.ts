import assert from "node:assert/strict";
import test from "node:test";
import { fromStateBytes, toStateBytes } from "./state-bytes.ts";

test("S26: state survives the way through a dataspace, whatever lies behind it", () => {
  const state = { text: "ü", big: -(2n ** 63n), bytes: Uint8Array.of(0, 255), list: [1, null, true, { deep: 2n }] };
  const bytes = toStateBytes(state);
  assert.deepEqual(fromStateBytes(bytes), state);
  const page = new Uint8Array(4096).fill(0xaa);
  page.set(bytes);
  assert.deepEqual(fromStateBytes(page), state);
});

test("bytes of anybody else are no state", () => {
  for (const bytes of [[], [1, 0, 0], [255, 255, 255, 255, 1], [2, 0, 0, 0, 0x7b, 0x5d], [1, 0, 0, 0, 0xff]]) {
    assert.equal(fromStateBytes(Uint8Array.from(bytes)), undefined);
  }
});
