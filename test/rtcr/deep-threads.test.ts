// Frames of threads that stand still are charged when a restore gives them back, not when one of them first makes room: a place
// that cannot pay for them refuses by name before anything runs, and one with as much as there was can.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RtcrFault } from "../../src/rtcr/index.ts";
import { PAGE_BYTES } from "../../src/session/index.ts";
import { DIVER_BYTES, DIVERS, DIVING } from "./divers.ts";
import { Rig, undisturbed } from "./rig.ts";

const ENOUGH = 16 << 20;
const pdOf = (rig: Rig) => rig.tree.pd("rtcr -> divers");

interface SavedFrames {
  readonly activations: readonly { readonly thread: { readonly frames: readonly unknown[] } }[];
}

function deepOnes({ children }: SystemCheckpoint): number {
  const threads = children.flatMap(({ cpu }) => cpu.threads);
  const frames = threads.map(({ state }) => (state as unknown as SavedFrames | null)?.activations ?? []);
  return frames.filter((activations) => activations.some(({ thread }) => thread.frames.length > 1_000)).length;
}

/** When all of them wait: what the PD is charged for, and a checkpoint. */
async function allDeep(): Promise<{
  readonly system: SystemCheckpoint;
  readonly used: number;
  readonly lines: readonly string[];
}> {
  const { points, lines } = await undisturbed(DIVING);
  for (let point = points - 1; point > 0; point--) {
    const rig = new Rig(DIVING);
    assert.ok(await rig.run(point));
    const used = pdOf(rig)!.usedRam();
    const { system } = rig.rtcr.checkpoint("deep");
    rig.close();
    if (deepOnes(system) === DIVERS) return { system, used, lines };
  }
  throw new Error("there is such a point");
}

/** A restore with so much RAM in the start node: what the PD has when all is there, and what becomes of it. */
async function restored(system: SystemCheckpoint, ram: number) {
  let begins = { quota: 0, used: 0 };
  const restoredIn = () => {
    const pd = pdOf(rig);
    if (pd) begins = { quota: pd.ramQuota(), used: pd.usedRam() };
  };
  const rig = new Rig({ ...DIVING, restore: system, restoredIn, quota: `caps="500" ram="${ram}"` });
  for (let turn = 0; turn < 200 && rig.outcomes.length === 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    rig.tree.advance(1000);
  }
  const [outcome] = rig.outcomes;
  if (!(outcome instanceof RtcrFault)) await rig.run();
  const { lines } = rig;
  rig.close();
  return { ...begins, fault: outcome instanceof RtcrFault ? outcome : undefined, lines };
}

test("S14, S106: frames are charged at the restore as they were before, and no more", async () => {
  const { system, used, lines } = await allDeep();
  const { used: charged, fault, lines: rest } = await restored(system, ENOUGH);
  assert.equal(fault, undefined);
  assert.deepEqual(rest, lines);
  assert.ok(charged <= used, `${charged} bytes after the restore, ${used} before`);
  assert.ok(charged >= (DIVERS - 1) * DIVER_BYTES, `${charged} bytes: one of them may have the area`);
});

test("S14, S106: a place that cannot pay for frames refuses the restore by name, before anything runs", async () => {
  const { system, lines } = await allDeep();
  const { quota, used } = await restored(system, ENOUGH);
  const just = ENOUGH - quota + used;
  assert.deepEqual((await restored(system, just)).lines, lines, "as much as there was");
  for (const lacks of [PAGE_BYTES, DIVER_BYTES, 2 * DIVER_BYTES]) {
    const { fault, lines: none } = await restored(system, just - lacks);
    assert.equal(fault?.code, "refused");
    assert.match(fault.message, /^restore of "divers": frames of thread ".*": its PD cannot pay for them: out-of-ram$/);
    assert.deepEqual(none, []);
  }
});
