// Increments behind a restore (S108): the first one begins from what was restored, in the same process and in a fresh one, by
// both strategies, of a restore of a restore, too; and each is the same as a full checkpoint.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import {
  type DataProvider,
  IncrementalContents,
  type Rtcr,
  SharedMemoryProvider,
  STRATEGIES,
  type Strategy,
} from "../../src/rtcr/index.ts";
import { Incremental, SHORT, same } from "./increments.ts";
import { PAIR, supervisor } from "./nested.ts";
import { type RigOptions, throughImage, undisturbed } from "./rig.ts";

const SYSTEMS: Readonly<Record<string, RigOptions>> = {
  large_dataspaces: { children: [{ name: "large_dataspaces", inside: SHORT }] },
  managed_dataspace: { children: [{ name: "managed_dataspace", inside: SHORT }], windows: () => true },
  "a child that has a child": {
    children: [{ name: "arbitrary_child", inside: '<config child="stack_counter" iterations="20" turns="4"/>' }],
    programs: ["stack_counter"],
  },
};

/** Bytes of stacks, which strategy "bootstrap" repairs: what they are then is not what was recorded, below the stack pointer. */
function stackBytes({ children }: SystemCheckpoint): number {
  const stacks = children.flatMap(({ pd: { dataspaces, stackArea } }) =>
    dataspaces.filter(({ badge }) => stackArea.regions.some(({ dataspaceBadge }) => dataspaceBadge === badge)),
  );
  return stacks.reduce((sum, { content }) => sum + content.length, 0);
}

/** Children that are compared right behind each restore, before any of them runs. */
class Restored extends Incremental {
  /** Of the first increment behind each restore: bytes that its pause has copied, and of stacks. */
  readonly firsts: { readonly copied: number; readonly stacks: number }[] = [];
  #restores = 0;

  constructor(options: RigOptions, provider?: DataProvider) {
    const restoredIn = (rtcr: Rtcr) => {
      if (this.rig.outcomes.at(-1) instanceof Error) return;
      const full = rtcr.checkpoint("x", undefined, undefined, { full: true }).system;
      const before = this.contents.copiedBytes;
      const { system, lease } = rtcr.checkpoint("x");
      same(system, full, "behind a restore");
      this.firsts.push({ copied: this.contents.copiedBytes - before, stacks: stackBytes(full) });
      lease.release();
    };
    super({ ...options, restoredIn }, provider ? { provider } : {});
  }

  /** Goes on for so many safe points, with increments on the way, which live on. */
  async on(points: number): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const stands = await this.rig.run(this.rig.points + Math.max(1, Math.floor(points / 3)));
      if (stands) this.checked(`${this.rig.points}`);
    }
  }

  /** Until it has restored once more. */
  async restored(): Promise<void> {
    const { outcomes } = this.rig;
    for (this.#restores++; outcomes.length < this.#restores; ) assert.ok(await this.rig.run(this.rig.points + 1));
    await Promise.resolve();
    assert.ok(!(outcomes.at(-1) instanceof Error), String(outcomes.at(-1)));
    assert.equal(this.firsts.length, this.#restores);
  }

  /** What was restored is known, but for stacks that were repaired. */
  requireShared(strategy: Strategy): void {
    for (const { copied, stacks } of this.firsts) {
      assert.ok(copied <= (strategy === "bootstrap" ? stacks : 0), `${copied} bytes were copied; stacks: ${stacks}`);
    }
  }
}

for (const [name, options] of Object.entries(SYSTEMS)) {
  for (const strategy of STRATEGIES) {
    test(`S97, S108: increments behind restores in place, by ${strategy}: ${name}`, async () => {
      const { points, lines } = await undisturbed(options);
      const subject = new Restored({ ...options, strategy });
      const { rig } = subject;
      assert.ok(await rig.run(Math.floor(points / 3)));
      const first = subject.checked("first");
      const said = rig.lines;
      await subject.on(points / 6);
      rig.rtcr.restore(first.system);
      await subject.restored();
      const from = rig.lines.length;
      first.lease.release(); // what is shared with it lives on
      await subject.on(points / 6);
      const second = subject.checked("second");
      rig.rtcr.restore(second.system, () => second.lease.release());
      await subject.restored();
      await subject.on(points / 6);
      await rig.run();
      subject.requireShared(strategy);
      assert.deepEqual([...said, ...rig.lines.slice(from)].toSorted(), lines.toSorted());
      rig.close();
    });

    test(`S97, S108: increments of fresh systems, each from an increment of the one before, by ${strategy}: ${name}`, async () => {
      const { points, lines } = await undisturbed(options);
      const said: string[] = [];
      let system: SystemCheckpoint | undefined;
      for (let life = 0; life < 4; life++) {
        const subject: Restored = new Restored({ ...options, strategy, ...(system ? { restore: system } : {}) });
        if (system) await subject.restored();
        await subject.on(life === 0 ? points / 3 : points / 9);
        if (life < 3) system = await throughImage(subject.checked(`life ${life}`).system);
        else await subject.rig.run();
        subject.requireShared(strategy);
        said.push(...subject.rig.lines);
        subject.rig.close();
        subject.contents.dispose();
      }
      assert.deepEqual(said.toSorted(), lines.toSorted());
    });
  }
}

test("S108: where what was restored has no room, the first increment is a full one", async () => {
  const options = SYSTEMS["large_dataspaces"]!;
  const { points } = await undisturbed(options);
  const first = new Incremental(options);
  assert.ok(await first.rig.run(Math.floor(points / 2)));
  const system = await throughImage(first.checked("first").system);
  first.rig.close();
  const shared = new SharedMemoryProvider();
  let asked = 0;
  const lease: DataProvider["lease"] = (...sizes) =>
    asked++ === 0 ? { ok: false, reason: "no-room" } : shared.lease(...sizes);
  const subject = new Restored({ ...options, restore: system }, { lease });
  await subject.restored();
  assert.ok(asked > 1);
  await subject.on(points / 4);
  subject.rig.close();
});

test("S97, S108: a supervisor is restored with one among its children, and both go on with increments", async () => {
  const contents: IncrementalContents[] = [];
  const options = (): RigOptions => {
    const inner = new IncrementalContents();
    contents.push(inner);
    return {
      children: [supervisor("inner", PAIR)],
      programs: ["adder_server", "adder_client"],
      quota: 'caps="1500" ram="32M"',
      inner: { keeper: () => inner, marks: () => true },
    };
  };
  const { points, lines } = await undisturbed(options());
  const said: string[] = [];
  let system: SystemCheckpoint | undefined;
  for (let life = 0; life < 3; life++) {
    const subject: Restored = new Restored({ ...options(), ...(system ? { restore: system } : {}) });
    if (system) await subject.restored();
    for (let i = 0; i < 3; i++) {
      assert.ok(await subject.rig.run(subject.rig.points + Math.floor(points / 10)));
      const [within] = subject.rig.inner;
      if (within && within.children.length > 0) {
        const full = within.checkpoint("inner", undefined, undefined, { full: true }).system;
        same(within.checkpoint("inner").system, full, `inner, ${life}`);
      }
      system = subject.checked(`outer, ${life}`).system;
    }
    system = await throughImage(system!);
    if (life === 2) await subject.rig.run();
    subject.requireShared("direct");
    said.push(...subject.rig.lines);
    subject.rig.close();
  }
  assert.deepEqual(said.toSorted(), lines.toSorted());
  for (const each of contents) each.dispose();
});
