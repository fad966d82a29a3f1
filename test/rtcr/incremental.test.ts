// Incremental checkpoints (S108): the same as full ones byte for byte, as immutable, in any number, whatever is dropped when.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { type Captured, STRATEGIES } from "../../src/rtcr/index.ts";
import { seededRandom } from "../random.ts";
import { Incremental, SYSTEMS, same } from "./increments.ts";
import { Rig, throughImage, undisturbed } from "./rig.ts";

/** Checkpoints of a run. */
const POINTS = 6;

interface Taken {
  readonly captured: Captured;
  readonly full: SystemCheckpoint;
  /** What had been logged. */
  readonly lines: readonly string[];
}

for (const [name, options] of Object.entries(SYSTEMS)) {
  for (const granularity of [1, 3, 64]) {
    test(`S108: increments of ${granularity} pages are the same as full checkpoints, and stay it: ${name}`, async () => {
      const { points, lines } = await undisturbed(options);
      const random = seededRandom(granularity);
      const subject = new Incremental(options, { granularity });
      let living: Taken[] = [];
      for (let i = 1; i <= POINTS; i++) {
        if (!(await subject.rig.run(Math.floor((points * i) / (POINTS + 1))))) break;
        const full = subject.full();
        const captured = subject.increment();
        same(captured.system, full, `increment ${i}`);
        living.push({ captured, full, lines: subject.rig.lines });
        if (random.below(3) === 0) living = drop(living, random.below(living.length));
        for (const each of living) same(each.captured.system, each.full, `one of ${living.length} after ${i}`);
      }
      assert.ok(living.length > 0);
      for (const strategy of STRATEGIES) {
        const { captured, full, lines: before } = living.at(-1)!;
        same(await throughImage(captured.system), await throughImage(full), "from a store");
        const again = new Rig({ ...options, restore: captured.system, strategy });
        await again.run();
        assert.equal(again.outcomes.length, 1);
        assert.deepEqual([...before, ...again.lines].toSorted(), lines.toSorted(), strategy);
        again.close();
      }
      await subject.rig.run();
      assert.deepEqual(subject.rig.lines, lines, "the children go on");
      for (const each of living) same(each.captured.system, each.full, "a later life changes none");
      while (living.length > 0) {
        living = drop(living, random.below(living.length));
        for (const each of living) same(each.captured.system, each.full, "after another one was dropped");
      }
      subject.contents.dispose();
      assert.equal(subject.contents.usedBytes, 0, "nothing is left of them");
      subject.rig.close();
    });
  }
}

function drop(living: readonly Taken[], at: number): Taken[] {
  living[at]!.captured.lease.release();
  living[at]!.captured.lease.release();
  return living.toSpliced(at, 1);
}
