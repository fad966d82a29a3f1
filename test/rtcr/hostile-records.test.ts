// Checkpoints of components from strangers: every value of a record forged, alone. What is no record is refused when the
// image is read, what fits nothing when it is restored: with one fault, and then all children are gone. What can be
// restored runs on. Nothing else is thrown, nothing hangs, and all quota is back when the children have gone (F9, S62).
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Checkpoint,
  CheckpointFault,
  fromCheckpoint,
  type SystemCheckpoint,
  toCheckpoint,
} from "../../src/checkpoint/index.ts";
import { RtcrFault, type Strategy } from "../../src/rtcr/index.ts";
import { type Forgery, forgeries } from "../support/forge.ts";
import { Rig, type RigOptions, throughImage } from "./rig.ts";

const PAIR: RigOptions = {
  children: [
    { name: "server", binary: "adder_server", inside: '<provides><service name="Adder"/></provides>' },
    { name: "client", binary: "adder_client", inside: '<config numbers="4"/>' },
  ],
  windows: () => true,
};
const TIMER: RigOptions = {
  children: [{ name: "timer", binary: "sheep_counter_timer", inside: '<config turns="6" sleep_ms="3"/>' }],
};
/** Safe points at which they stand, and that they go on for when they are restored. */
const CASES: readonly [name: string, strategy: Strategy, options: RigOptions, point: number, restored: number][] = [
  ["a server and its client", "direct", PAIR, 150, 30],
  ["a client of a timer", "direct", TIMER, 60, 60],
  ["a client of a timer", "bootstrap", TIMER, 60, 30],
];
const POINTS_AFTER = 100;

async function checkpointOf(options: RigOptions, point: number): Promise<SystemCheckpoint> {
  const rig = new Rig(options);
  try {
    await rig.run(point);
    return await throughImage(rig.rtcr.checkpoint("forged").system);
  } finally {
    rig.close();
  }
}

/** Restores, lets the children run a while, and removes them. @returns the outcome, and what init has in the end */
async function tried(options: RigOptions, restore: SystemCheckpoint) {
  const rig = new Rig({ ...options, restore });
  const { core } = rig.tree;
  let points = 0;
  core.kernel.everyPoint = true;
  core.kernel.atPoint = () => ++points > POINTS_AFTER;
  const rest = async (turns: number) => {
    for (let turn = 0; turn < turns && points < POINTS_AFTER; turn++) {
      for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
      rig.tree.advance(1_000);
    }
  };
  try {
    await rest(25);
    const labels = () =>
      [...core.pds].map(({ label }) => label).filter((label) => label.startsWith("init -> rtcr -> "));
    const left = labels();
    points = 0;
    rig.tree.configure("<config/>");
    await rest(3);
    const init = [...core.pds].find(({ label }) => label === "init");
    const account = [init?.ramQuota(), init?.capQuota(), labels(), core.kernel.calls.size];
    return { outcomes: rig.outcomes, left, account };
  } finally {
    rig.close();
  }
}

/** Whether a forgery leaves the children and their names: others are started as ever, and have no part in the restore. */
const sameChildren = ({ change }: Forgery) => !/^(children|exited)(\[\d\])?(\.name)? (is|has)/.test(change);

for (const [name, strategy, given, point, many] of CASES) {
  test(`F9, S62: every value of a record forged: ${name} (${strategy})`, async () => {
    const options = { ...given, strategy };
    const system = await checkpointOf(options, point);
    const checkpoint = toCheckpoint(system);
    const sound = await tried(options, system);
    assert.ok(Array.isArray(sound.outcomes[0]), String(sound.outcomes[0]));
    const records: [change: string, system: SystemCheckpoint][] = [];
    let refused = 0;
    for (const forgery of [...forgeries(checkpoint.sessions)].filter(sameChildren)) {
      try {
        const sessions = forgery.value as Checkpoint["sessions"];
        records.push([forgery.change, fromCheckpoint({ ...checkpoint, sessions })]);
      } catch (thrown) {
        assert.ok(thrown instanceof CheckpointFault && thrown.code === "damaged", `${forgery.change}: ${thrown}`);
        refused++;
      }
    }
    assert.ok(refused > 3_000 && records.length > 5_000, `${refused} refused, ${records.length} are records`);
    let restored = 0;
    const step = Math.floor(records.length / many);
    for (let i = step >> 1; i < records.length; i += step) {
      const [change, record] = records[i]!;
      const { outcomes, left, account } = await tried(options, record);
      const [outcome] = outcomes;
      assert.equal(outcomes.length, 1, change);
      if (outcome instanceof RtcrFault) assert.deepEqual(left, [], `${change}: ${outcome.message}`);
      else restored++;
      assert.deepEqual(account, sound.account, change);
    }
    assert.ok(restored > 2, `${restored} restored`);
  });
}
