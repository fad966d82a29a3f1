import assert from "node:assert/strict";
import { test } from "node:test";
import { Intervals } from "./intervals.ts";

/** `add` are ranges like "2-5 9-12"; what of [0, 20) is missing then. */
const CASES: readonly (readonly [add: string, missing: string])[] = [
  ["", "0-20"],
  ["2-5", "0-2 5-20"],
  ["2-5 5-7", "0-2 7-20"],
  ["5-7 2-5", "0-2 7-20"],
  ["2-5 9-12 4-10", "0-2 12-20"],
  ["9-12 2-5 6-7", "0-2 5-6 7-9 12-20"],
  ["0-20", ""],
  ["0-5 15-30", "5-15"],
  ["3-3", "0-20"],
];

test("ranges are merged and asked for", () => {
  for (const [add, missing] of CASES) {
    const set = new Intervals();
    for (const range of add.split(" ").filter((text) => text !== "")) {
      const [start, end] = range.split("-").map(Number);
      set.add(start!, end!);
    }
    const gaps = set.missing(0, 20).map(([start, end]) => `${start}-${end}`);
    assert.equal(gaps.join(" "), missing, add);
  }
});

test("random ranges agree with a plain array", () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48271) % 0x7fffffff) % below;
  for (let round = 0; round < 50; round++) {
    const set = new Intervals();
    const plain = new Array<boolean>(64).fill(false);
    for (let i = 0; i < 20; i++) {
      const start = random(64);
      const end = start + random(64 - start);
      set.add(start, end);
      plain.fill(true, start, end);
      const gaps = new Array<boolean>(64).fill(true);
      for (const [from, to] of set.missing(0, 64)) gaps.fill(false, from, to);
      assert.deepEqual(gaps, plain);
    }
  }
});
