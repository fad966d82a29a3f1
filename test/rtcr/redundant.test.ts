// Checkpoints from redundant memory (S109): the same as full ones byte for byte, immutable, in any number, whatever is read,
// dropped or put off when.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GranuleBytes, type SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { type Captured, RedundantModule, STRATEGIES } from "../../src/rtcr/index.ts";
import { MIRROR_SLOTS } from "../../src/session/index.ts";
import { seededRandom } from "../random.ts";
import { SYSTEMS, same } from "./increments.ts";
import { Rig, throughImage, undisturbed } from "./rig.ts";

/** Checkpoints of a run. */
const POINTS = 8;

interface Taken {
  readonly captured: Captured;
  readonly full: SystemCheckpoint;
  /** What had been logged. */
  readonly lines: readonly string[];
}

/** How many contents are kept beside the lease. */
function keptIn({ children }: SystemCheckpoint): number {
  const contents = children.flatMap(({ pd }) => [pd.data, ...pd.dataspaces.map(({ content }) => content)]);
  return contents.filter((content) => content instanceof GranuleBytes).length;
}

for (const [name, options] of Object.entries(SYSTEMS)) {
  for (const slots of [MIRROR_SLOTS.least, MIRROR_SLOTS.most]) {
    test(`S109: with ${slots} slots checkpoints are the same as full ones, and stay it: ${name}`, async () => {
      const { points, lines } = await undisturbed(options);
      const random = seededRandom(slots);
      const module = new RedundantModule({ slots });
      const rig = new Rig({ ...options, keeper: () => module.contents, mirrorSlots: () => slots });
      const checkpoint = (full = false) => rig.rtcr.checkpoint("x", undefined, undefined, { full });
      let living: Taken[] = [];
      for (let i = 1; i <= POINTS; i++) {
        if (!(await rig.run(Math.floor((points * i) / (POINTS + 1))))) break;
        const full = checkpoint(true).system;
        const captured = checkpoint();
        const windows = options.windows?.("") ?? false;
        assert.equal(keptIn(captured.system) > 0, !windows, "programs with windows are copied");
        living.push({ captured, full, lines: rig.lines });
        if (random.below(3) === 0) living = drop(living, random.below(living.length));
        // Read at once, when others have been made since, or never.
        if (random.below(2) === 0) for (const each of living) same(each.captured.system, each.full, `read after ${i}`);
      }
      assert.ok(living.length > 0);
      for (const each of living) same(each.captured.system, each.full, "at the end");
      assert.equal(module.contents.work(), false, "everything was read");
      for (const strategy of STRATEGIES) {
        const { captured, full, lines: before } = living.at(-1)!;
        same(await throughImage(captured.system), await throughImage(full), "from a store");
        const again = new Rig({ ...options, restore: captured.system, strategy, mirrorSlots: () => slots });
        await again.run();
        assert.equal(again.outcomes.length, 1);
        assert.deepEqual([...before, ...again.lines].toSorted(), lines.toSorted(), strategy);
        again.close();
      }
      await rig.run();
      assert.deepEqual(rig.lines, lines, "the children go on");
      for (const each of living) same(each.captured.system, each.full, "a later life changes none");
      while (living.length > 0) {
        living = drop(living, random.below(living.length));
        for (const each of living) same(each.captured.system, each.full, "after another one was dropped");
      }
      rig.close();
    });
  }
}

function drop(living: readonly Taken[], at: number): Taken[] {
  living[at]!.captured.lease.release();
  living[at]!.captured.lease.release();
  return living.toSpliced(at, 1);
}
