// What contents hold, as one list: whoever follows it has all of them that it does not leave out, wherever they lie.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../test/random.ts";
import type { RecordedBytes } from "./granules.ts";
import type { ChildInfo, DataspaceInfo, PdInfo } from "./info.ts";
import { ENTRY_NUMBERS, findUsedLines, HERE, type UsedLines, usedLines } from "./used-lines.ts";

const PAGE = 4096;

/** A child that holds nothing else. */
function holding(...contents: readonly RecordedBytes[]): { readonly pd: PdInfo; readonly child: ChildInfo } {
  const dataspaces = contents.map((content) => ({ content }) as DataspaceInfo);
  const pd = { dataspaces, data: new Uint8Array() as RecordedBytes } as unknown as PdInfo;
  return { pd, child: { name: "child", pd } as ChildInfo };
}

function found(most: number, ...contents: readonly RecordedBytes[]): UsedLines {
  const { pd, child } = holding(...contents);
  equal(usedLines(pd), undefined);
  findUsedLines([child], most);
  return usedLines(pd)!;
}

/** Where words of which dataspace are: 0 in the storage, 1 in the list. */
function placesOf({ entries }: UsedLines): readonly (readonly number[])[] {
  const places: (readonly number[])[] = [];
  for (let i = 0; i < entries.length; ) {
    const [dataspace, first, words, begin] = entries.subarray(i, i + ENTRY_NUMBERS) as unknown as number[];
    places.push([dataspace!, first! * 4, words! * 4, begin === HERE ? 1 : 0]);
    i += ENTRY_NUMBERS + (begin === HERE ? words! : 0);
  }
  return places;
}

/** What is written to dataspaces of these sizes by whoever follows the list. */
function written({ entries, storage }: UsedLines, sizes: readonly number[]): readonly Uint8Array[] {
  const all = sizes.map((size) => new Uint8Array(size));
  for (let i = 0; i < entries.length; ) {
    const [dataspace, first, words, begin] = entries.subarray(i, i + ENTRY_NUMBERS) as unknown as number[];
    i += ENTRY_NUMBERS;
    const source = begin === HERE ? entries.subarray(i, i + words!) : storage.subarray(begin, begin! + words!);
    new Int32Array(all[dataspace!]!.buffer).set(source, first);
    if (begin === HERE) i += words!;
  }
  return all;
}

test("S82: few words are in the list itself, many where the checkpoint has them, none of what is zero", () => {
  const arena = new Uint8Array(16 * PAGE);
  const contents = [0, 1, 2, 3].map((page) => arena.subarray(page * PAGE, (page + 1) * PAGE));
  contents[0]![4] = 1;
  contents[2]!.fill(7, 1024);
  contents[3]![PAGE - 1] = 9;
  const lines = found(1 << 20, ...contents, arena.subarray(4 * PAGE));
  deepEqual(placesOf(lines), [
    [0, 0, 64, 1],
    [2, 1024, PAGE - 1024, 0],
    [3, PAGE - 64, 64, 1],
  ]);
  deepEqual(lines.besides, [false, false, false, false, false]);
});

test("S82: what is too large, lies elsewhere, or not at words is left out by name", () => {
  const arena = new Uint8Array(32 * PAGE).fill(1);
  const at = (begin: number, length: number) => arena.subarray(begin, begin + length);
  const contents = [
    at(0, PAGE),
    at(PAGE, 9 * PAGE),
    new Uint8Array(PAGE).fill(2),
    at(12 * PAGE + 2, PAGE),
    at(20 * PAGE, PAGE),
  ];
  const lines = found(2 * PAGE, ...contents);
  deepEqual(lines.besides, [false, true, true, true, false]);
  deepEqual(placesOf(lines), [
    [0, 0, PAGE, 0],
    [4, 0, PAGE, 0],
  ]);
  deepEqual(placesOf(found(1 << 20)), []);
});

test("S82: whoever follows the list has what was recorded", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const arena = new Uint8Array(64 * PAGE);
    const sizes = Array.from({ length: 1 + random.below(20) }, () => PAGE * (1 + random.below(3)));
    let begin = PAGE * random.below(3);
    const contents = sizes.map((size) => {
      const content = arena.subarray(begin, (begin += size));
      for (let runs = random.below(4); runs > 0; runs--) {
        const from = random.below(size);
        content.fill(1 + random.below(255), from, from + random.below(600));
      }
      return content;
    });
    const lines = found(1 << 20, ...contents);
    deepEqual(
      written(lines, sizes),
      contents.map((content) => content.slice()),
      `seed ${seed}`,
    );
    ok(lines.besides.every((left) => !left));
  }
});
