// The state of a supervisor among the children, from strangers: every value forged, alone. What cannot be taken up is refused
// with one fault, and then all children are gone; nothing else is thrown, and all quota is back in the end (F9, S62).
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RtcrFault } from "../../src/rtcr/index.ts";
import type { SessionState } from "../../src/session/index.ts";
import { exchanged, forgeries, membersOf } from "../support/forge.ts";
import { supervisor, TIMER } from "./nested.ts";
import { Rig, type RigOptions } from "./rig.ts";

const OPTIONS: RigOptions = {
  children: [supervisor("inner", TIMER)],
  programs: ["sheep_counter_timer"],
};
const TRIED = 80;
const POINTS_AFTER = 60;
const HANDLERS_TRIED = 40;
/** Of the exchanges. */
const EVERY = 3;
/** Enough for the innermost child to call all of its services. */
const POINTS_AT_WORK = 400;

interface Instance {
  readonly program: { readonly program: SessionState };
}

/** The same checkpoint with another state of the supervisor's. */
function forged(system: SystemCheckpoint, state: SessionState): SystemCheckpoint {
  const [child] = system.children;
  const instance = child!.pd.instance as unknown as Instance;
  const changed = { ...instance, program: { ...instance.program, program: state } } as never;
  return { ...system, children: [{ ...child!, pd: { ...child!.pd, instance: changed } }] };
}

/** Restores, lets the children run a while, checkpoints and removes them. @returns the outcome, and what init has in the end */
async function tried(restore: SystemCheckpoint, pointsAfter = POINTS_AFTER) {
  const rig = new Rig({ ...OPTIONS, restore });
  const { core } = rig.tree;
  let points = 0;
  core.kernel.everyPoint = true;
  core.kernel.atPoint = () => ++points > pointsAfter;
  const rest = async (turns: number) => {
    for (let turn = 0; turn < turns && points < pointsAfter; turn++) {
      for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
      rig.tree.advance(1_000);
    }
  };
  try {
    await rest(pointsAfter / 5);
    checkpointed(rig);
    points = 0;
    rig.tree.configure("<config/>");
    await rest(3);
    const init = [...core.pds].find(({ label }) => label === "init");
    return { outcomes: rig.outcomes, account: [init?.ramQuota(), init?.capQuota(), core.pds.size] };
  } finally {
    rig.close();
  }
}

/** Children that cannot be checkpointed are refused by name. */
function checkpointed({ rtcr }: Rig): void {
  try {
    rtcr.checkpoint("again");
  } catch (thrown) {
    if (!(thrown instanceof RtcrFault)) throw thrown;
  }
}

async function checkpoint(): Promise<{ readonly system: SystemCheckpoint; readonly program: SessionState }> {
  const first = new Rig(OPTIONS);
  await first.run(120);
  const { system } = first.rtcr.checkpoint("forged");
  first.close();
  const { program } = (system.children[0]!.pd.instance as unknown as Instance).program;
  return { system, program };
}

test("F9, S62: every value of an inner supervisor's state forged: it is refused by name, or goes on", async () => {
  const { system, program } = await checkpoint();
  const sound = await tried(forged(system, program));
  assert.ok(Array.isArray(sound.outcomes[0]), String(sound.outcomes[0]));
  const all = [...forgeries(program as never)];
  const step = all.length / TRIED;
  let refused = 0;
  for (let i = 0; i < TRIED; i++) {
    const { change, value } = all[Math.floor(i * step)]!;
    const { outcomes, account } = await tried(forged(system, value as SessionState));
    assert.equal(outcomes.length, 1, change);
    if (outcomes[0] instanceof RtcrFault) refused++;
    assert.deepEqual(account, sound.account, change);
  }
  assert.ok(refused > 5 && refused < TRIED, `${refused} of ${TRIED} refused; ${all.length} forgeries`);
});

test("F9, S2: what is behind an interposer is another one's, or the interposer itself: it is refused by name, or goes on", async () => {
  const { system, program } = await checkpoint();
  const sound = await tried(system, POINTS_AT_WORK);
  const values = new Set(membersOf(program, ["real", "assigned", "front", "fronts"]));
  const all = [...exchanged(program, ["real", "assigned"], [...values])];
  let refused = 0;
  for (let i = 0; i < all.length; i += EVERY) {
    const { change, value } = all[i]!;
    const { outcomes, account } = await tried(forged(system, value as SessionState), POINTS_AT_WORK);
    assert.equal(outcomes.length, 1, change);
    if (outcomes[0] instanceof RtcrFault) refused++;
    assert.deepEqual(account, sound.account, change);
  }
  assert.ok(refused > 5, `${refused} refused; ${all.length} forgeries`);
});

test("F9, S2, S31: a handler or an entrypoint is another object: refused by name, or nobody is told by it", async () => {
  const { system, program } = await checkpoint();
  const sound = await tried(system, POINTS_AT_WORK);
  const values = new Set(membersOf(program, ["real", "entrypoint", "source", "handler"]));
  // Handlers of the parent are pairs of a name and a slot.
  const all = [...exchanged(program, ["handler", "entrypoint", "source", "1"], [...values])];
  const step = all.length / HANDLERS_TRIED;
  for (let i = 0; i < HANDLERS_TRIED; i++) {
    const { change, value } = all[Math.floor(i * step)]!;
    const { outcomes, account } = await tried(forged(system, value as SessionState), POINTS_AT_WORK);
    assert.equal(outcomes.length, 1, change);
    const [outcome] = outcomes;
    assert.ok(outcome instanceof RtcrFault || Array.isArray(outcome), `${change}: ${outcome}`);
    assert.deepEqual(account, sound.account, change);
  }
});
