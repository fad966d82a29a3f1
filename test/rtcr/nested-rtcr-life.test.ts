// What becomes of supervisors among the children: they go back in place, die in the middle of the outer one's work, and are
// busy themselves. Each of that has an outcome that names them, and leaves nothing behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHECKPOINT_PHASES, type CheckpointPhase, RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { assemble } from "../assemble.ts";
import { start } from "../support/core-system.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { DEEP_SUPERVISORS, supervisor } from "./nested.ts";
import { accounts, goesBackInPlace, untouched } from "./nested-courses.ts";
import { component, Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

for (const strategy of STRATEGIES) {
  test(`S89, S106: supervisors go back in place, to an older checkpoint and to a newer, quotas balance (${strategy})`, async () => {
    await goesBackInPlace({ ...DEEP_SUPERVISORS, strategy });
  });
}

const COUNTER: RigOptions = {
  children: [supervisor("inner", start("sheep", '<binary name="sheep_counter"/><config turns="6" iterations="20"/>'))],
  programs: ["sheep_counter"],
};

/** How the inner supervisor, or what it keeps, may end. */
const DEATHS: Readonly<Record<string, (rig: Rig) => void>> = {
  "is destroyed": (rig) => pdOf(rig, "inner")?.destroy(),
  "ends its children": (rig) => rig.inner[0]!.dispose(),
  "loses its child": (rig) => pdOf(rig, "inner -> sheep")?.destroy(),
};

const GONE = {
  child: /^checkpoint: child "inner" has ended in the middle of it$/,
  component: /^checkpoint: component "sheep" of child "inner" has ended in the middle of it$/,
};

function pdOf(rig: Rig, label: string) {
  return [...rig.tree.core.pds].find((pd) => pd.label === `init -> rtcr -> ${label}`);
}

for (const [what, happens] of Object.entries(DEATHS)) {
  for (const phase of CHECKPOINT_PHASES) {
    test(`S106: an inner supervisor ${what} at "${phase}" of the outer checkpoint: complete or absent, the outer one goes on`, async () => {
      const { lines, points } = await undisturbed(COUNTER);
      let atPhase = (_: CheckpointPhase) => {};
      const rig = new Rig({ ...COUNTER, atPhase: (now) => atPhase(now as CheckpointPhase) });
      assert.ok(await rig.run(Math.floor(points / 2)));
      const earlier = await throughImage(rig.rtcr.checkpoint("earlier").system);
      const said = rig.lines.length;
      let happened = 0;
      atPhase = (now) => {
        if (now === phase && happened++ === 0) happens(rig);
      };
      let outcome: unknown = "taken";
      try {
        rig.rtcr.checkpoint("later");
      } catch (thrown) {
        outcome = thrown;
      }
      assert.ok(happened > 0);
      // behind the release programs in TypeScript are still asked for their states
      if (phase === "information") assert.equal(outcome, "taken");
      else {
        assert.ok(outcome instanceof RtcrFault && outcome.code === "gone", String(outcome));
        assert.match(outcome.message, what === "is destroyed" ? GONE.child : GONE.component);
      }
      atPhase = () => {};
      rig.rtcr.restore(earlier);
      await rig.run();
      assert.ok(Array.isArray(rig.outcomes.at(-1)), String(rig.outcomes.at(-1)));
      assert.deepEqual(rig.lines.slice(said), lines.slice(said));
      assert.deepEqual(accounts(rig), await untouched(COUNTER), "quotas are balanced");
      rig.close();
    });
  }
}

const BUSY = {
  code: "busy",
  message: 'child "inner": the program "rtcr": it is restoring sheep: take the checkpoint when that has ended',
};

test("S84, S106: while an inner supervisor restores, the outer one has no checkpoint, but can restore it", async () => {
  const of: RigOptions = { ...COUNTER, inner: { strategy: "bootstrap" } };
  const { lines, points } = await undisturbed(of);
  const rig = new Rig(of);
  assert.ok(await rig.run(Math.floor(points / 2)));
  const earlier = rig.rtcr.checkpoint("earlier").system;
  const said = rig.lines.length;
  rig.inner[0]!.restore(rig.inner[0]!.checkpoint("own").system);
  assert.throws(() => rig.rtcr.checkpoint("asked"), BUSY, "it was asked to");
  assert.ok(await rig.run(rig.points + 5), "its child bootstraps");
  assert.deepEqual(rig.innerOutcomes, []);
  assert.throws(() => rig.rtcr.checkpoint("meanwhile"), BUSY);
  rig.rtcr.restore(earlier);
  await rig.run();
  assert.ok(Array.isArray(rig.outcomes[0]), String(rig.outcomes[0]));
  assert.deepEqual(rig.innerOutcomes, [], "that restore has ended with its supervisor");
  assert.deepEqual(rig.lines.slice(said), lines.slice(said));
  assert.deepEqual(accounts(rig), await untouched(of), "quotas are balanced");
  rig.close();
});

for (const told of [true, false]) {
  const then = told ? "and has one when that was told to go on" : "but can restore it";
  test(`S84, S97, S106: while an inner supervisor's restore stands by, the outer one has no checkpoint, ${then}`, async () => {
    let ready = 0;
    const of: RigOptions = { ...COUNTER, inner: { standby: () => true, standingBy: () => ready++ } };
    const { lines, points } = await undisturbed(of);
    const rig = new Rig(of);
    assert.ok(await rig.run(Math.floor(points / 2)));
    const earlier = await throughImage(rig.rtcr.checkpoint("earlier").system);
    const said = rig.lines.length;
    const [inner] = rig.inner;
    inner!.restore(inner!.checkpoint("own").system);
    for (let turn = 0; ready === 0; turn++) {
      assert.ok(turn < 1000, "it stands by");
      await new Promise((resolve) => setImmediate(resolve));
      rig.tree.settle();
    }
    assert.throws(() => rig.rtcr.checkpoint("meanwhile"), BUSY);
    assert.deepEqual(rig.lines.length, said);
    if (told) {
      inner!.proceed();
      assert.equal(rig.rtcr.checkpoint("later").system.children.length, 1);
    } else {
      rig.rtcr.restore(earlier);
    }
    await rig.run();
    assert.deepEqual([rig.innerOutcomes.length, rig.outcomes.length], told ? [1, 0] : [0, 1]);
    assert.ok([...rig.innerOutcomes, ...rig.outcomes].every((outcome) => !(outcome instanceof RtcrFault)));
    assert.deepEqual(rig.lines.slice(said), lines.slice(said));
    assert.deepEqual(accounts(rig), await untouched(of), "quotas are balanced");
    rig.close();
  });
}

/** A program of another name than the one that was recorded: its bootstrap waits for ever. */
const ENDLESS = assemble(`(module ${PRELUDE} (func (export "rtcr_component_start")
  (drop (call $futex_wait (i32.const 256) (i32.const 0) (i64.const -1)))))`);

test("S84, S106: an inner restore that does not end is late by name, and the outer checkpoint is taken then", async () => {
  const of: RigOptions = {
    children: [supervisor("inner", start("prog", '<config turns="6" iterations="20"/>'))],
    inner: { strategy: "bootstrap", bootstrapMs: () => 50, windows: () => true },
    binaries: { prog: component("sheep_counter") },
  };
  const { points } = await undisturbed(of);
  const first = new Rig(of);
  assert.ok(await first.run(Math.floor(points / 2)));
  const { system } = first.inner[0]!.checkpoint("own");
  first.close();
  const rig = new Rig({ ...of, binaries: { prog: ENDLESS }, exits: Number.POSITIVE_INFINITY });
  rig.tree.settle();
  const inner = rig.inner[0]!;
  inner.restore(system);
  rig.tree.settle();
  assert.throws(() => rig.rtcr.checkpoint("meanwhile"), { ...BUSY, message: BUSY.message.replace("sheep", "prog") });
  for (let step = 0; rig.innerOutcomes.length === 0; step++) {
    assert.ok(step < 200, "the restore ends");
    await new Promise((resolve) => setImmediate(resolve));
    rig.tree.advance(1000);
  }
  const [outcome] = rig.innerOutcomes;
  assert.ok(outcome instanceof RtcrFault && outcome.code === "late", String(outcome));
  assert.match(
    outcome.message,
    /^restore of "prog": its bootstrap has not come to its end in 50 ms: thread "prog" is blocked/,
  );
  await new Promise((resolve) => setImmediate(resolve));
  rig.tree.settle();
  const later = await throughImage(rig.rtcr.checkpoint("later").system);
  assert.deepEqual(
    later.children.map(({ name, native }) => [name, native]),
    [["inner", "rtcr"]],
  );
  rig.close();
});
