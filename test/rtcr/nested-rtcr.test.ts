// A supervisor as child of a supervisor: it, its children and what it knows of them are in the checkpoint of the outer one and
// go on; after that the inner one checkpoints and restores its own children as before.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES, type Strategy } from "../../src/rtcr/index.ts";
import { config, start } from "../support/core-system.ts";
import { innerInit, KV, PAIR, supervisor, TIMER } from "./nested.ts";
import { continued, type RigOptions, undisturbed } from "./rig.ts";

/** No program in TypeScript is bootstrapped: the second strategy differs in nothing but that it is asked for. */
const POINTS = { direct: 12, bootstrap: 3 } as const;

async function goesOn(options: RigOptions & { readonly strategy: Strategy }): Promise<void> {
  const points = POINTS[options.strategy];
  const { lines, points: all } = await undisturbed(options);
  assert.ok(all > points, `${all} points`);
  for (let i = 1; i <= points; i++) {
    const point = Math.floor((all * i) / (points + 1));
    assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${all}`);
  }
}

for (const strategy of STRATEGIES) {
  test(`S97: a supervisor among the children and its child go on in a fresh system (${strategy})`, async () => {
    const inside = '<binary name="stack_counter"/><config turns="4" iterations="20"/><exit propagate="yes"/>';
    await goesOn({ children: [supervisor("inner", start("c", inside))], programs: ["stack_counter"], strategy });
  });

  test(`S80, S87, S93-S97: a client and a server of an inner supervisor go on together (${strategy})`, async () => {
    await goesOn({ children: [supervisor("inner", PAIR)], programs: ["adder_server", "adder_client"], strategy });
  });

  test(`S93-S97: a key-value server under load of an inner supervisor goes on with its client (${strategy})`, async () => {
    await goesOn({ children: [supervisor("inner", KV)], programs: ["kv_server", "kv_load"], strategy });
  });

  test(`S93-S97: supervisors and inits in each other go on together (${strategy})`, async () => {
    const third = start(
      "third",
      `<binary name="rtcr"/>${config(PAIR)}<exit propagate="yes"/>`,
      'caps="1000" ram="24M"',
    );
    const second = innerInit("second", third + TIMER, 'caps="2000" ram="48M"');
    await goesOn({
      children: [supervisor("first", `<heartbeat rate_ms="5"/>${second}`)],
      programs: ["adder_server", "adder_client", "sheep_counter_timer"],
      quota: 'caps="4000" ram="80M"',
      strategy,
    });
  });
}
