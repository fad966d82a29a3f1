// Systems of several components: clients and servers, shared memory, timers and signals across components.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runComponents } from "./rig.ts";
import { CRUISE, KV, PAIR, TREE } from "./systems.ts";

test("S18, S42, S116: client and server share a dataspace", async () => {
  const run = await runComponents(PAIR);
  assert.deepEqual(run.of("client"), [
    "turn 0: server adds 4950, client adds 4950",
    "turn 1: server adds 22350, client adds 161175",
    "turn 2: server adds 59700, client adds 419900",
    "too much: out-of-ram",
  ]);
  assert.deepEqual(run.of("server"), ['session for "client -> pair"', "session closed"]);
  assert.deepEqual(run.warnings, []);
});

test("S18, S42, S116: the same client at a server in AssemblyScript", async () => {
  const start = PAIR.start.replace('name="pair_server"', 'name="as-pair_server"');
  const [run, expected] = [
    await runComponents({ start, apps: ["as-pair_server", "pair_client"] }),
    await runComponents(PAIR),
  ];
  assert.deepEqual(run.of("client"), expected.of("client"));
  assert.deepEqual(run.of("server"), expected.of("server"));
  assert.deepEqual(run.warnings, []);
});

test("S42, S116: a key-value server under two load generators", async () => {
  const run = await runComponents(KV);
  for (const name of ["load-1", "load-2"]) {
    const lines = run.of(name);
    assert.equal(lines.length, 4);
    for (const [index, line] of lines.entries()) {
      assert.match(line, new RegExp(`^${(index + 1) * 250} operations: \\d+ puts, \\d+ gets, \\d+ removals, 0 wrong`));
    }
  }
  assert.deepEqual(run.warnings, []);
});

/** The cruise control's loop once more, in integers as there. */
function expectedCruise(steps: number): string[] {
  const { trunc, min, max } = Math;
  const lines: string[] = [];
  let [gap, own, acceleration] = [30_000_000, 22_000_000, 0];
  for (let step = 0; step < steps; step++) {
    const phase = step % 1200;
    const front = phase < 400 ? 20_000 : phase < 700 ? 20_000 - (phase - 400) * 27 : 11_900 + (phase - 700) * 16;
    own = max(0, own + acceleration);
    gap += front - trunc(own / 1000);
    const [distance, speed] = [trunc(gap / 1000), trunc(own / 1000)];
    const wanted = 10_000 + trunc((speed * 6) / 5);
    const follow = trunc((distance - wanted) / 5) + trunc(((front - speed) * 3) / 4);
    const command = min(follow, 25_000 - speed);
    acceleration = max(-6000, min(2500, command));
    if ((step + 1) % 100 === 0) {
      lines.push(`${step + 1} ms: ${distance} mm, ${speed} mm/s behind ${front} mm/s, ${command} mm/s2`);
    }
  }
  return lines;
}

test("S31, S58, S116: an adaptive cruise control of five components at 1 kHz", async () => {
  const run = await runComponents(CRUISE);
  assert.deepEqual(run.of("logger"), expectedCruise(1500));
  assert.deepEqual(run.of("watchdog"), []);
  assert.deepEqual(run.warnings, []);
});

test("S55, S116: a tree of fifty components under nested inits", async () => {
  const run = await runComponents(TREE);
  for (let branch = 0; branch < 5; branch++) {
    for (let leaf = 0; leaf < 9; leaf++) {
      const counted = Array.from({ length: leaf + 1 }, (_, turn) => String(turn + 1));
      assert.deepEqual(run.of(`branch-${branch} -> leaf-${branch}-${leaf}`), counted, run.warnings.join("\n"));
    }
  }
});
