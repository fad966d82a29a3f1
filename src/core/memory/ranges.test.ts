// Ranges against a plain list, and the cost of operations by counting (S16, S17).
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { type Range, Ranges } from "./ranges.ts";

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
    const ranges = new Ranges<Range>(8, 300, Number.POSITIVE_INFINITY, 1);
    let list: Range[] = [];
    for (let step = 0; step < 400; step++) {
      const start = next(310);
      const size = 1 + next(12);
      if (next(3) > 0) {
        const free = start >= 8 && start + size <= 300 && !list.some((r) => r.start < start + size && r.end > start);
        equal(ranges.insert({ start, end: start + size }), free);
        if (free) list.push({ start, end: start + size });
      } else {
        const gone = list[next(list.length || 1)];
        ranges.remove(gone ? gone.start : start);
        list = list.filter((range) => range !== gone && (gone || range.start !== start));
      }
      equal(ranges.count, list.length);
      deepEqual(
        ranges.at(start),
        list.find((range) => range.start <= start && range.end > start),
      );
      const align = 2 ** next(5);
      equal(ranges.find(size, align, start), lowestFree(list, 300, size, align, Math.max(8, start)), `seed ${seed}`);
    }
    list.sort((a, b) => a.start - b.start);
    deepEqual([...ranges.overlapping(0, 400)], list);
  }
});

test("S16: when too many places are wrongly aligned, a place that is wide enough for sure is taken", () => {
  const ranges = new Ranges<Range>(0, 1000, 4, 1);
  for (let start = 8; start < 800; start += 8) ranges.insert({ start: start + 5, end: start + 9 });
  // Every gap of 4 up to 800 is misplaced for an alignment of 8; only the end has room.
  equal(ranges.find(4, 8, 9), 808);
  equal(ranges.find(1, 1), 0);
  equal(ranges.find(200, 1), undefined);
});

test("S17: the way down is as long with 100,000 ranges as with a hundred, in any order, whatever is removed", () => {
  const COUNT = 100_000;
  const next = numbers(7);
  const ascending = Array.from({ length: COUNT }, (_, index) => index * 10);
  const shuffled = [...ascending];
  for (let i = COUNT - 1; i > 0; i--) {
    const j = next(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  for (const starts of [ascending, ascending.toReversed(), shuffled]) {
    const ranges = new Ranges<Range>(0, COUNT * 10, 64, 1);
    ranges.insert({ start: COUNT * 10 - 1, end: COUNT * 10 }); // the root reaches so far
    for (const start of starts.slice(0, 99)) ranges.insert({ start, end: start + 9 });
    equal(ranges.height, 4, "32 to the fourth power are a million");
    for (const start of starts.slice(99)) ranges.insert({ start, end: start + 9 });
    equal(ranges.height, 4);
    for (const start of starts.slice(0, COUNT - 1000)) ranges.remove(start);
    equal(ranges.count, 1001);
    equal(ranges.height, 4);
    for (const start of starts) ranges.remove(start);
    equal(ranges.height, 1, "one is looked at by itself");
  }
});

/** As `Ranges.find` says, by looking at every free place. */
function placeIn(sorted: readonly Range[], [first, end]: readonly [number, number], asked: Asked): number | undefined {
  const { size, align, lowest, misfits } = asked;
  const pass = (wide: number, most: number) => {
    let left = most;
    for (let i = 0; i <= sorted.length && left > 0; i++) {
      const [low, high] = [sorted[i - 1]?.end ?? first, sorted[i]?.start ?? end];
      if (high - low < wide || high - lowest < size) continue;
      const at = Math.ceil(Math.max(low, lowest) / align) * align;
      if (at + size <= high) return { at, left };
      left--;
    }
    return { at: undefined, left };
  };
  const { at, left } = pass(size, misfits);
  return at !== undefined || left > 0 ? at : pass(size + align, Infinity).at;
}

interface Asked {
  readonly size: number;
  readonly align: number;
  readonly lowest: number;
  readonly misfits: number;
}

test("S16: places are the same while ranges become many and few again, at addresses of any size", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const next = numbers(seed);
    const unit = seed % 2 === 0 ? 4096 : 1;
    const first = seed % 3 === 0 ? 2 ** 45 : 0;
    const bounds = [first, first + 2 ** 20 * unit] as const;
    const misfits = [1, 3, 64][seed % 3]!;
    const ranges = new Ranges<Range>(...bounds, misfits, unit);
    const sorted: Range[] = [];
    for (let step = 0; step < 2500; step++) {
      const filling = Math.floor(step / 250) % 2 === 0;
      const asked = {
        size: unit * (1 + next(5)),
        align: unit * 2 ** next(4),
        lowest: bounds[0] + unit * next(400),
        misfits,
      };
      const found = ranges.find(asked.size, asked.align, asked.lowest);
      equal(found, placeIn(sorted, bounds, asked), `seed ${seed}, step ${step}`);
      if (next(10) < (filling ? 6 : 2)) {
        const start = next(8) === 0 ? bounds[0] + unit * next(2 ** 20 - 8) : found!;
        const range = { start, end: start + asked.size };
        const free = sorted.every((other) => other.start >= range.end || other.end <= start);
        equal(ranges.free(range.start, range.end), free);
        equal(ranges.insert(range), free);
        if (!free) continue;
        sorted.push(range);
        sorted.sort((a, b) => a.start - b.start);
      } else if (sorted.length > 0) {
        const [gone] = sorted.splice(next(sorted.length), 1);
        equal(ranges.at(gone!.end - 1), gone);
        ranges.remove(gone!.start);
        ranges.remove(gone!.end - 1); // nothing begins there any more
      }
      equal(ranges.count, sorted.length);
    }
    deepEqual([...ranges.overlapping(...bounds)], sorted);
  }
});

test("S16: places and look-ups are those of a plain list, with thousands of ranges", () => {
  const END = 20_000;
  for (let seed = 1; seed <= 3; seed++) {
    const next = numbers(seed);
    const ranges = new Ranges<Range>(0, END, Number.POSITIVE_INFINITY, 1);
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
      equal(ranges.at(start), found);
      if (next(10) < (filling ? 8 : 1)) {
        const free = taken.slice(start, end).every((one) => !one);
        const range = { start, end };
        equal(ranges.insert(range), free);
        if (free) taken.fill(range, start, end);
      } else if (found) {
        ranges.remove(found.start);
        taken.fill(undefined, found.start, found.end);
      }
      if (step % 50 === 0) {
        equal(ranges.from(start), listFrom(start));
        const [size, align] = [1 + next(12), 2 ** next(4)];
        let at = Math.ceil(start / align) * align;
        while (at + size <= END && taken.slice(at, at + size).some((one) => one)) at += align;
        equal(ranges.find(size, align, start), at + size <= END ? at : undefined);
      }
    }
  }
});
