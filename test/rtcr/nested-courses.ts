// What systems with programs in TypeScript among the children do, whatever those are: they go on in a fresh system, and go
// back in place.
import assert from "node:assert/strict";
import { RtcrFault, type Strategy } from "../../src/rtcr/index.ts";
import { continued, Rig, type RigOptions, undisturbed } from "./rig.ts";

/** No program in TypeScript is bootstrapped: the second strategy differs in nothing but that it is asked for. */
const POINTS = { direct: 12, bootstrap: 3 } as const;

/** Stopped at points all over its course, it says what it does without. */
export async function goesOn(options: RigOptions & { readonly strategy: Strategy }): Promise<void> {
  const points = POINTS[options.strategy];
  const { lines, points: all } = await undisturbed(options);
  assert.ok(all > points, `${all} points`);
  for (let i = 1; i <= points; i++) {
    const point = Math.floor((all * i) / (points + 1));
    assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${all}`);
  }
}

/** What the outermost supervisor has when its children are gone. */
export function accounts(rig: Rig): unknown {
  rig.rtcr.dispose();
  rig.tree.settle();
  const pd = rig.tree.pd("rtcr")!;
  const { core } = rig.tree;
  const account = { ram: pd.ramQuota(), caps: pd.capQuota(), usedRam: pd.usedRam(), usedCaps: pd.usedCaps() };
  return { account, pds: core.pds.size, components: core.kernel.components.length };
}

/** What `accounts` gives of a system in which nothing was restored. */
export async function untouched(of: RigOptions): Promise<unknown> {
  const rig = new Rig(of);
  await rig.run(20);
  const expected = accounts(rig);
  rig.close();
  return expected;
}

/** Restored in place to an older checkpoint and to a newer, it goes on as it did, and quotas balance. */
export async function goesBackInPlace(of: RigOptions): Promise<void> {
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
}
