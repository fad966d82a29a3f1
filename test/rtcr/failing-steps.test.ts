// Whatever throws in the middle of a checkpoint, at whichever of its steps: storage comes back, the children go on, and the
// next checkpoint has everything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { whole } from "../../src/checkpoint/index.ts";
import type { Copier } from "../../src/rtcr/copier.ts";
import {
  type ContentKeeper,
  type CopyEngine,
  CopyPool,
  type DataProvider,
  IncrementalContents,
  type KeptContents,
  RedundantContents,
  SharedMemoryProvider,
} from "../../src/rtcr/index.ts";
import { MIRROR_SLOTS } from "../../src/session/index.ts";
import { SHORT } from "./increments.ts";
import { Rig, type RigOptions, undisturbed } from "./rig.ts";

const FAMILY: RigOptions = {
  children: [
    { name: "large_dataspaces", inside: SHORT },
    { name: "sheep_counter_extended", inside: SHORT },
  ],
};
const { points } = await undisturbed(FAMILY);

class Stopped extends Error {}

/** Steps of a checkpoint, one of which fails. */
class Steps {
  /** Its number from 0; below: none. */
  failing = -1;
  done = 0;

  step(): void {
    if (this.done++ === this.failing) throw new Stopped(`step ${this.failing}`);
  }
}

/** Counts the leases that nobody has given back. */
class Counted implements DataProvider {
  living = 0;
  readonly #steps: Steps;
  readonly #provider = new SharedMemoryProvider();

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  lease(...sizes: Parameters<DataProvider["lease"]>): ReturnType<DataProvider["lease"]> {
    this.#steps.step();
    const lease = this.#provider.lease(...sizes);
    if (!lease.ok) return lease;
    const { bytes } = lease.value;
    this.living++;
    let held = true;
    const release = () => {
      assert.ok(held, "a lease is given back once");
      held = false;
      this.living--;
      lease.value.release();
    };
    return { ok: true, value: { bytes, release } };
  }
}

/** Copies as the one that it is given, until a step fails. */
function failingCopier(copier: Copier, steps: Steps): Copier {
  return {
    beginPart: (part) => copier.beginPart(part),
    copy: (...args) => copier.copy(...args),
    keep: (...args) => copier.keep(...args),
    copyTo: (...args) => {
      steps.step();
      copier.copyTo(...args);
    },
    join: () => copier.join(),
    abandon: () => copier.abandon(),
  };
}

function failingContents(kept: KeptContents, steps: Steps): KeptContents {
  return {
    targets: kept.targets,
    get missing() {
      return kept.missing;
    },
    get needed() {
      return kept.needed;
    },
    copy: (dataspace, copier) => {
      steps.step();
      const place = kept.copy(dataspace, failingCopier(copier, steps));
      steps.step();
      return place;
    },
    complete: () => kept.complete(),
    abandon: () => kept.abandon(),
  };
}

function failingKeeper(keeper: ContentKeeper, steps: Steps): ContentKeeper {
  const { work } = keeper;
  return {
    keeps: (dataspace) => keeper.keeps(dataspace),
    begin: (...args) => {
      steps.step();
      const begun = keeper.begin(...args);
      return begun.ok ? { ok: true, value: failingContents(begun.value, steps) } : begun;
    },
    ...(work && { work: () => keeper.work!() }),
    dispose: () => keeper.dispose(),
  };
}

/** Its workers never come: the supervisor copies what they have not taken. */
function failingPool(steps: Steps): CopyPool {
  const start = () => ({ post: () => steps.step(), terminate: async () => {} });
  return new CopyPool({ start, workers: 2 });
}

interface Way {
  readonly options: Partial<RigOptions>;
  /** What is kept beside the leases, in bytes. */
  readonly kept?: () => number;
  /** Gives that back. */
  readonly end?: () => void;
}

/** How contents are copied and kept. */
const WAYS: Readonly<Record<string, (steps: Steps, provider: DataProvider) => Way>> = {
  "into the lease": (steps) => {
    const engine: CopyEngine = () => {
      steps.step();
      return false;
    };
    return { options: { engine } };
  },
  "by workers": (steps) => ({ options: { pool: () => failingPool(steps) } }),
  "as increments": (steps) => {
    const contents = new IncrementalContents();
    const keeper = failingKeeper(contents, steps);
    const options = { keeper: () => keeper, marks: () => true };
    return { options, kept: () => contents.usedBytes, end: () => contents.dispose() };
  },
  "in redundant memory": (steps, provider) => {
    const contents = new RedundantContents(provider);
    const keeper = failingKeeper(contents, steps);
    return { options: { keeper: () => keeper, mirrorSlots: () => MIRROR_SLOTS.least }, end: () => contents.dispose() };
  },
};

for (const [way, make] of Object.entries(WAYS)) {
  test(`S75, S108, S109: a checkpoint that fails at any step leaks nothing and holds nobody: ${way}`, async () => {
    const steps = new Steps();
    const provider = new Counted(steps);
    const { options, kept = () => 0, end = () => {} } = make(steps, provider);
    const timed = () => steps.step();
    const rig = new Rig({ ...FAMILY, ...options, provider, timed, atPhase: timed });
    const checkpoint = (full: boolean) => {
      const { system, lease } = rig.rtcr.checkpoint("x", undefined, undefined, { full });
      const children = whole(system).children;
      lease.release();
      return children;
    };
    const held = () => [provider.living, kept()] as const;
    let failing = -1;
    do {
      steps.failing = ++failing;
      assert.ok(await rig.run(Math.floor(points / 4) + 3 * failing), "the children go on");
      const before = held();
      steps.done = 0;
      try {
        checkpoint(false);
      } catch (thrown) {
        assert.ok(thrown instanceof Stopped, String(thrown));
        const [leases, bytes] = held();
        assert.ok(leases === before[0] && bytes <= before[1], `behind step ${failing}: ${held()}, before ${before}`);
      }
      steps.failing = -1;
      // Those that are not followed by a whole one owe more to the next.
      if (failing % 4 === 3) assert.deepEqual(checkpoint(false), checkpoint(true), `behind step ${failing}`);
    } while (steps.done > failing);
    assert.ok(failing > 10, `${failing} steps`);
    await rig.run();
    end();
    assert.deepEqual(held(), [0, 0]);
    rig.close();
  });
}
