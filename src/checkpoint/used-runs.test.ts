// Where a content holds something: all of it is in the runs, and most of what is not is outside of them.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { GranuleBytes } from "./granules.ts";
import { usedRuns, zeroBesides } from "./used-runs.ts";

const PAGE = 4096;

function content(pages: number, used: readonly number[], at = 0): Uint8Array {
  const bytes = new Uint8Array(at + pages * PAGE).subarray(at);
  for (const each of used) bytes[each] = 1;
  return bytes;
}

test("S82: runs are whole lines; what less than a page lies between is one run", () => {
  deepEqual(usedRuns(content(4, [])), []);
  deepEqual(usedRuns(content(4, [0])), [0, 64]);
  deepEqual(usedRuns(content(4, [4 * PAGE - 1])), [4 * PAGE - 64, 4 * PAGE]);
  deepEqual(usedRuns(content(4, [PAGE + 64, 2 * PAGE + 100])), [PAGE + 64, 2 * PAGE + 128]);
  deepEqual(usedRuns(content(4, [100, 3 * PAGE + 200])), [64, 128, 3 * PAGE + 192, 3 * PAGE + 256]);
  deepEqual(usedRuns(content(4, [0, PAGE + 64])), [0, 64, PAGE + 64, PAGE + 128]);
  deepEqual(usedRuns(new Uint8Array(0)), []);
});

test("S82: what does not lie at words, or has no whole pages, is used wherever it may be", () => {
  deepEqual(usedRuns(content(2, [5], 1)), [0, 2 * PAGE]);
  deepEqual(usedRuns(content(3, [5]).subarray(0, 2 * PAGE + 100)), [0, 2 * PAGE + 100]);
});

test("S82: of a page alone the lines are used that hold something, of less than a page all or nothing", () => {
  deepEqual(usedRuns(content(1, [PAGE - 1])), [PAGE - 64, PAGE]);
  deepEqual(usedRuns(content(1, [70, 200])), [64, 256]);
  deepEqual(usedRuns(content(1, [])), []);
  deepEqual(usedRuns(content(2, [5]).subarray(0, 100)), [0, 100]);
  deepEqual(usedRuns(content(2, []).subarray(0, 100)), []);
});

test("S82: outside of what is known to hold something nobody looks", () => {
  const bytes = content(8, [0, 5 * PAGE]);
  zeroBesides(bytes, [4 * PAGE, 8 * PAGE]);
  deepEqual(usedRuns(bytes), [5 * PAGE, 5 * PAGE + 64]);
});

test("S82: nothing that is not zero lies outside of the runs, wherever it is", () => {
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 200; round++) {
    const used = Array.from({ length: random(6) }, () => random(8 * PAGE));
    const bytes = content(8, used);
    const runs = usedRuns(bytes);
    equal(usedRuns(bytes), runs, "looked for once");
    for (const at of used)
      ok(
        runs.some((from, i) => i % 2 === 0 && from <= at && at < runs[i + 1]!),
        `${at} of ${runs}`,
      );
    for (let i = 1; i < runs.length; i++) ok(runs[i - 1]! < runs[i]!, "ascending, apart");
  }
});

test("S82, S108: granules are looked at where they lie, those of zeros not at all", () => {
  const chunk = content(4, [PAGE + 70, 3 * PAGE]);
  const storage = {
    granuleBytes: PAGE,
    chunkGranules: 2,
    chunks: [chunk.subarray(0, 2 * PAGE), chunk.subarray(2 * PAGE)],
  };
  const table = { sizeBytes: 6 * PAGE, places: Int32Array.of(2, 0, 4, 1, 4, 0), units: new Float64Array(1) };
  deepEqual(usedRuns(new GranuleBytes(storage, table)), [64, 128, 2 * PAGE, 2 * PAGE + 64, 4 * PAGE, 4 * PAGE + 64]);
});
