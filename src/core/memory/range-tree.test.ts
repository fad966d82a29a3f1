// Ranges against a plain list, and the cost of operations by counting (S16, S17).
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { type Range, RangeTree } from "./range-tree.ts";

/** Whole numbers below a bound, the same for the same seed. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function lowestFree(list: readonly Range[], end: number, size: number, align: number, lowest: number) {
  for (let at = Math.ceil(lowest / align) * align; at + size <= end; at += align) {
    if (!list.some((range) => range.start < at + size && range.end > at)) return at;
  }
  return undefined;
}

test("S16: places and look-ups are those of a plain list, over random sequences", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const next = numbers(seed);
    const tree = new RangeTree<Range>(8, 300, Number.POSITIVE_INFINITY);
    let list: Range[] = [];
    for (let step = 0; step < 400; step++) {
      const start = next(310);
      const size = 1 + next(12);
      if (next(3) > 0) {
        const free = start >= 8 && start + size <= 300 && !list.some((r) => r.start < start + size && r.end > start);
        equal(tree.insert({ start, end: start + size }), free);
        if (free) list.push({ start, end: start + size });
      } else {
        const gone = list[next(list.length || 1)];
        tree.remove(gone ? gone.start : start);
        list = list.filter((range) => range !== gone && (gone || range.start !== start));
      }
      equal(tree.count, list.length);
      deepEqual(
        tree.at(start),
        list.find((range) => range.start <= start && range.end > start),
      );
      const align = 2 ** next(5);
      equal(tree.find(size, align, start), lowestFree(list, 300, size, align, Math.max(8, start)), `seed ${seed}`);
    }
    list.sort((a, b) => a.start - b.start);
    deepEqual([...tree.overlapping(0, 400)], list);
  }
});

test("S16: when too many places are wrongly aligned, a place that is wide enough for sure is taken", () => {
  const tree = new RangeTree<Range>(0, 1000, 4);
  for (let start = 8; start < 800; start += 8) tree.insert({ start: start + 5, end: start + 9 });
  // Every gap of 4 up to 800 is misplaced for an alignment of 8; only the end has room.
  equal(tree.find(4, 8, 9), 808);
  equal(tree.find(1, 1), 0);
  equal(tree.find(200, 1), undefined);
});

test("S17: the way down grows with the logarithm: 100,000 ranges, in any order, whatever is removed", () => {
  const COUNT = 100_000;
  const bound = (count: number) => Math.ceil(1.45 * Math.log2(count + 2));
  const next = numbers(7);
  const ascending = Array.from({ length: COUNT }, (_, index) => index * 10);
  const shuffled = [...ascending];
  for (let i = COUNT - 1; i > 0; i--) {
    const j = next(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  for (const starts of [ascending, ascending.toReversed(), shuffled]) {
    const tree = new RangeTree<Range>(0, COUNT * 10, 64);
    for (const start of starts) tree.insert({ start, end: start + 10 });
    ok(tree.height <= bound(COUNT), `${tree.height} levels`);
    for (const start of starts.slice(0, COUNT - 1000)) tree.remove(start);
    equal(tree.count, 1000);
    ok(tree.height <= bound(1000), `${tree.height} levels`);
  }
});

test("S16: places and look-ups are those of a plain list, with thousands of ranges", () => {
  const END = 20_000;
  for (let seed = 1; seed <= 3; seed++) {
    const next = numbers(seed);
    const tree = new RangeTree<Range>(0, END, Number.POSITIVE_INFINITY);
    const taken: (Range | undefined)[] = new Array(END).fill(undefined);
    const listFrom = (address: number) => {
      for (let at = address; at < END; at++) if (taken[at]) return taken[at];
      return undefined;
    };
    for (let step = 0; step < 12_000; step++) {
      const filling = Math.floor(step / 3000) % 2 === 0;
      const start = next(END);
      const end = Math.min(END, start + 1 + next(6));
      const found = taken[start];
      equal(tree.at(start), found);
      if (next(10) < (filling ? 8 : 1)) {
        const free = taken.slice(start, end).every((one) => !one);
        const range = { start, end };
        equal(tree.insert(range), free);
        if (free) taken.fill(range, start, end);
      } else if (found) {
        tree.remove(found.start);
        taken.fill(undefined, found.start, found.end);
      }
      if (step % 50 === 0) {
        equal(tree.from(start), listFrom(start));
        const [size, align] = [1 + next(12), 2 ** next(4)];
        let at = Math.ceil(start / align) * align;
        while (at + size <= END && taken.slice(at, at + size).some((one) => one)) at += align;
        equal(tree.find(size, align, start), at + size <= END ? at : undefined);
      }
    }
  }
});
