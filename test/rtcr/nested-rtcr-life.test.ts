// What becomes of supervisors among the children: they go back in place, die in the middle of the outer one's work, and are
// busy themselves. Each of that has an outcome that names them, and leaves nothing behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHECKPOINT_PHASES, type CheckpointPhase, RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { start } from "../support/core-system.ts";
import { DEEP_SUPERVISORS, supervisor } from "./nested.ts";
import { Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

/** What the outer supervisor has when its children are gone. */
function accounts(rig: Rig): unknown {
  rig.rtcr.dispose();
  rig.tree.settle();
  const pd = rig.tree.pd("rtcr")!;
  const { core } = rig.tree;
  const account = { ram: pd.ramQuota(), caps: pd.capQuota(), usedRam: pd.usedRam(), usedCaps: pd.usedCaps() };
  return { account, pds: core.pds.size, components: core.kernel.components.length };
}

async function untouched(of: RigOptions): Promise<unknown> {
  const rig = new Rig(of);
  await rig.run(20);
  const expected = accounts(rig);
  rig.close();
  return expected;
}

for (const strategy of STRATEGIES) {
  test(`S89, S106: supervisors go back in place, to an older checkpoint and to a newer, quotas balance (${strategy})`, async () => {
    const of = { ...DEEP_SUPERVISORS, strategy };
    const { lines, points } = await undisturbed(of);
    const rig = new Rig(of);
    const all = [];
    for (const share of [0.5, 0.8]) {
      assert.ok(await rig.run(Math.floor(points * share)));
      all.push({ system: rig.rtcr.checkpoint("taken").system, before: rig.lines.length });
    }
    for (const { system, before } of [all[0]!, all[1]!, all[0]!, all[0]!]) {
      const said = rig.lines.length;
      rig.rtcr.restore(system);
      rig.tree.settle();
      assert.ok(await rig.run(rig.points + Math.floor(points * 0.15)));
      const since = rig.lines.slice(said);
      assert.ok(since.length > 0);
      assert.deepEqual(since, lines.slice(before, before + since.length));
    }
    assert.equal(rig.outcomes.length, 4);
    for (const outcome of rig.outcomes) assert.ok(!(outcome instanceof RtcrFault), String(outcome));
    assert.deepEqual(accounts(rig), await untouched(of));
    rig.close();
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
      const after = phase === "release" || phase === "information";
      if (after) assert.equal(outcome, "taken");
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
