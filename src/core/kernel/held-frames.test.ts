// Charges for frames, by random sequences: never more than what is there, never less than all but the deepest of each engine,
// and nothing when all have gone on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, seedOr } from "../../../test/random.ts";
import { frameKey, HeldFrames } from "./held-frames.ts";

const PARTS = 3;

interface Standing {
  key: number;
  part: number;
  readonly bytes: number;
}

/** What may be left out, and what is there, in bytes. */
function bounds(standing: readonly Standing[]): { readonly least: number; readonly most: number } {
  let least = 0;
  let most = 0;
  for (let part = 0; part < PARTS; part++) {
    const bytes = standing.filter((each) => each.part === part).map((each) => each.bytes);
    const sum = bytes.reduce((all, each) => all + each, 0);
    most += sum;
    least += sum - Math.max(0, ...bytes);
  }
  return { least, most };
}

test("S14: whatever threads take up, make room or go on: all but the deepest of each engine are charged", () => {
  for (let round = 0; round < 200; round++) {
    const seed = seedOr(round + 1);
    const random = seededRandom(seed);
    const quota = 4_000;
    const frames: HeldFrames = new HeldFrames(() => frames.sum <= quota);
    let standing: Standing[] = [];
    let next = 1;
    for (let step = 0; step < 60; step++) {
      const part = random.below(PARTS);
      const before = frames.sum;
      const gone = standing.filter((each) => each.part === part && random.below(4) === 0);
      const what = random.below(4);
      if (what === 0) {
        for (const { key } of gone) assert.ok(frames.hold(key, 0));
        standing = standing.filter((each) => !gone.includes(each));
      } else if (what === 1) {
        const bytes = 1 + random.below(900);
        const key = frameKey(part, next++);
        if (frames.hold(key, bytes)) standing.push({ key, part, bytes });
        else assert.equal(frames.sum, before, `seed ${seed}: refused`);
      } else if (what === 2 && gone[0]) {
        const to = random.below(PARTS);
        const key = frameKey(to, next++);
        frames.rename(gone[0].key, key);
        gone[0].key = key;
        gone[0].part = to;
      } else {
        const coming = Array.from({ length: random.below(4) }, () => random.below(3) * random.below(500));
        const paid = frames.exchange(
          gone.map(({ key }) => key),
          coming,
          part,
        );
        if (!paid) {
          assert.equal(frames.sum, before, `seed ${seed}: refused`);
          continue;
        }
        standing = standing.filter((each) => !gone.includes(each));
        const taken = random.below(5) === 0 ? random.below(coming.length + 1) : coming.length; // a CPU may end in the middle
        for (const [index, bytes] of coming.slice(0, taken).entries()) {
          const key = frameKey(part, next++);
          paid.taken(index, key);
          if (bytes > 0) standing.push({ key, part, bytes });
        }
        paid.end();
      }
      const { least, most } = bounds(standing);
      assert.ok(
        frames.sum >= least && frames.sum <= most,
        `seed ${seed}, step ${step}: ${frames.sum} of ${least} to ${most}`,
      );
    }
    for (const { key } of standing) assert.ok(frames.hold(key, 0));
    assert.equal(frames.sum, 0, `seed ${seed}`);
  }
});
