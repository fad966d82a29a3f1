// A supervisor as child of a supervisor: it, its children and what it knows of them are in the checkpoint of the outer one and
// go on; after that the inner one checkpoints and restores its own children as before.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { start } from "../support/core-system.ts";
import { DEEP_SUPERVISORS, KV, PAIR, supervisor } from "./nested.ts";
import { goesOn } from "./nested-courses.ts";
import { Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

/** What a supervisor with two children needs. */
const ROOM = 'caps="1500" ram="32M"';

for (const strategy of STRATEGIES) {
  test(`S97: a supervisor among the children and its child go on in a fresh system (${strategy})`, async () => {
    const inside = '<binary name="stack_counter"/><config turns="4" iterations="20"/><exit propagate="yes"/>';
    await goesOn({ children: [supervisor("inner", start("c", inside))], programs: ["stack_counter"], strategy });
  });

  test(`S80, S87, S93-S97: a client and a server of an inner supervisor go on together (${strategy})`, async () => {
    await goesOn({
      children: [supervisor("inner", PAIR)],
      programs: ["adder_server", "adder_client"],
      quota: ROOM,
      strategy,
    });
  });

  test(`S93-S97: a key-value server under load of an inner supervisor goes on with its client (${strategy})`, async () => {
    await goesOn({ children: [supervisor("inner", KV)], programs: ["kv_server", "kv_load"], quota: ROOM, strategy });
  });

  test(`S93-S97: supervisors and inits in each other go on together (${strategy})`, async () => {
    await goesOn({ ...DEEP_SUPERVISORS, strategy });
  });
}

/**
 * The log of a run that the outer supervisor continues in a fresh system, and in which the inner one has then its children
 * checkpointed at `second` and, at once, taken back to that.
 */
async function restoredWithin(options: RigOptions, first: number, second: number): Promise<readonly string[]> {
  const before = new Rig(options);
  await before.run(first);
  const system = await throughImage(before.rtcr.checkpoint("outer").system);
  const lines = before.lines;
  before.close();
  const rig = new Rig({ ...options, restore: system });
  try {
    assert.ok(await rig.run(second - first));
    const [inner] = rig.inner;
    const { children } = inner!;
    const taken = await throughImage(inner!.checkpoint("inner").system);
    inner!.restore(taken);
    await rig.run();
    assert.ok(Array.isArray(rig.innerOutcomes[0]), `${rig.innerOutcomes[0]}`);
    assert.deepEqual(
      taken.children.map(({ name }) => name),
      children,
    );
    return [...lines, ...rig.lines];
  } finally {
    rig.close();
  }
}

/** What an inner supervisor may keep: components that talk to each other, and a WASI program whose memory grows. */
const INNER: Readonly<Record<string, RigOptions>> = {
  "a client and a server": { children: [supervisor("inner", PAIR)], programs: ["adder_server", "adder_client"] },
  "a WASI program": {
    children: [supervisor("inner", start("collections", '<config><arg value="20"/></config>', 'caps="300" ram="12M"'))],
    programs: ["collections"],
    slice: 500,
  },
};

for (const [what, of] of Object.entries(INNER)) {
  for (const strategy of STRATEGIES) {
    test(`S71, S93-S97: an inner supervisor that was restored restores its own children: ${what} (${strategy})`, async () => {
      const options: RigOptions = { ...of, quota: ROOM, inner: { strategy } };
      const { lines, points } = await undisturbed(options);
      for (let i = 1; i <= 5; i++) {
        const [first, second] = [Math.floor((points * i) / 8), Math.floor((points * (i + 2)) / 8)];
        assert.deepEqual(await restoredWithin(options, first, second), lines, `at ${first} and ${second} of ${points}`);
      }
    });
  }
}
