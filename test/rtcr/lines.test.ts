// Children on two further CPUs that call each other without the kernel are checkpointed in the midst of that, and go on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GATE } from "../../src/core/kernel/cpus/protocol.ts";
import { RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { lineOf } from "../support/calls.ts";
import { type ChildSpec, Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const [SERVER_CPU, LOAD_CPU] = [1, 2];
/** Turns of the event loop at which there was a line, one number for each checkpoint. */
const STOPS = [3, 40, 1, 90, 20];

const CHILDREN: readonly ChildSpec[] = [
  {
    name: "server",
    binary: "kv_server",
    inside: `<provides><service name="Kv"/></provides><affinity xpos="${SERVER_CPU}"/>`,
  },
  {
    name: "load",
    binary: "kv_load",
    inside: `<config operations="15000" report="1000" keys="16"/><affinity xpos="${LOAD_CPU}"/>`,
  },
];
const OPTIONS: RigOptions = { children: CHILDREN, exits: 1, cpus: 3 };

/** Whether the load generator calls the server by itself at the moment. */
function connected({ tree }: Rig): boolean {
  const { state } = lineOf(tree.core.kernel.cpus!.at(LOAD_CPU));
  return state !== GATE.closed && state !== GATE.last;
}

/** Lets the children run until the kernel has seen a line so often: then all stand still. @returns false: they have ended */
async function stopped(rig: Rig, turns: number): Promise<boolean> {
  let left = turns;
  const stop = () => left <= 0;
  while (!rig.ended && !stop()) {
    await rig.rest(() => {
      if (connected(rig) && --left <= 0) rig.tree.core.kernel.scheduler.freeze();
      return stop();
    });
    if (!stop()) rig.tree.advance(1_000);
  }
  return stop();
}

for (const strategy of STRATEGIES) {
  test(`S28, S36, S93-S97: a server and its client on CPUs 1 and 2 go on from checkpoints between and within calls (${strategy})`, async () => {
    const { lines } = await undisturbed({ ...OPTIONS, cpus: 1 });
    const found: string[] = [];
    let options: RigOptions = { ...OPTIONS, strategy };
    let taken = 0;
    for (const turns of [...STOPS, Number.POSITIVE_INFINITY]) {
      const rig = new Rig(options);
      try {
        const more = await stopped(rig, turns);
        const [outcome] = rig.outcomes;
        if (outcome instanceof RtcrFault) throw outcome;
        found.push(...rig.lines);
        if (!more) break;
        options = { ...OPTIONS, strategy, restore: await throughImage(rig.rtcr.checkpoint("lines").system) };
        taken++;
      } finally {
        rig.close();
      }
    }
    assert.deepEqual(found, lines);
    assert(taken > 0, "one checkpoint at least");
  });
}
