// Components captured, thrown away and made anew at every n-th safe point: their output is that of an undisturbed run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { byComponent } from "../support/by-component.ts";
import { child, type RunOptions, runComponents } from "./rig.ts";
import { CRUISE, KV, PAIR } from "./systems.ts";

const SHORT = '<config iterations="3" turns="3" sleep_ms="10" period_ms="10"/>';
const alone = (app: string): RunOptions => ({ start: child(app, SHORT), apps: [app] });

/** The interval is a prime number, so that it does not fall into step with a loop. */
const CASES: readonly (readonly [name: string, options: RunOptions, every: readonly number[]])[] = [
  ["stack_counter", alone("stack_counter"), [1, 7]],
  ["sheep_counter", alone("sheep_counter"), [1, 7]],
  ["large_stack_counter", alone("large_stack_counter"), [31]],
  ["small_dataspaces", alone("small_dataspaces"), [13]],
  ["large_dataspaces", alone("large_dataspaces"), [7]],
  ["as-sheep_counter", alone("as-sheep_counter"), [7]],
  ["sheep_counter_timer", alone("sheep_counter_timer"), [3]],
  ["sheep_counter_threaded", alone("sheep_counter_threaded"), [3]],
  ["thread_registers", alone("thread_registers"), [3]],
  ["signal_levels", alone("signal_levels"), [2]],
  ["lock_test", alone("lock_test"), [5]],
  ["heap_test", alone("heap_test"), [9973]],
  ["rs-counter", alone("rs-counter"), [7]],
  ["client and server with a shared dataspace", PAIR, [53]],
  ["key-value server and two load generators", KV, [1009]],
  ["adaptive cruise control", CRUISE, [2_003]],
  ["client and server with a shared dataspace, on two CPUs", { ...PAIR, cpus: 2 }, [53]],
  ["key-value server and two load generators, on three CPUs", { ...KV, cpus: 3 }, [1009]],
  ["adaptive cruise control, on three CPUs", { ...CRUISE, cpus: 3 }, [2_003]],
];

for (const [name, options, intervals] of CASES) {
  test(`S25, S116: torture: ${name}`, async () => {
    const expected = byComponent((await runComponents({ ...options, cpus: 0 })).lines);
    for (const every of intervals) {
      const run = await runComponents({ ...options, every });
      assert.deepEqual(byComponent(run.lines), expected, `every ${every}, ${run.warnings.join("\n")}`);
      assert.ok(run.recreations > 2, `every ${every}: ${run.points} points, ${run.recreations} recreations`);
    }
  });
}
