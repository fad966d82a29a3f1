// Components are checkpointed at safe points all over their runs and recreated in fresh systems; what they
// log is what they log undisturbed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { type ChildSpec, continued, type RigOptions, undisturbed } from "./rig.ts";

/** Points at which each is stopped, spread over its run. */
const POINTS = 12;

const CASES: readonly [rows: string, child: ChildSpec, options?: Omit<RigOptions, "children">][] = [
  ["S82, S88, S91", { name: "sheep_counter", inside: '<config turns="4" iterations="20"/>' }],
  ["S83, S88", { name: "stack_counter", inside: '<config turns="4" iterations="20"/>' }],
  ["S83, S88", { name: "large_stack_counter", inside: '<config turns="4" iterations="20"/>' }],
  ["S82, S87", { name: "small_dataspaces", inside: '<config turns="4" iterations="20"/>' }],
  ["S82, S87", { name: "large_dataspaces", inside: '<config turns="4" iterations="20"/>' }],
  ["S79, S95", { name: "sheep_counter_timer", inside: '<config turns="6" sleep_ms="3"/>' }],
  ["S79, S93, S95", { name: "sheep_counter_async", inside: '<config turns="6" period_ms="3"/>' }],
  ["S92", { name: "sheep_counter_threaded", inside: '<config turns="4" iterations="20"/>' }],
  ["S88", { name: "sheep_counter_extended", inside: '<config turns="4" iterations="20"/>' }],
  ["S92", { name: "thread_registers", inside: '<config turns="4" iterations="20"/>' }],
  ["S88", { name: "validator", inside: '<config turns="4" iterations="20"/>' }],
  ["S92", { name: "rtcr_resume_child", inside: '<config pause_ms="5"/>' }, { slice: 20 }],
  ["S94, S104", { name: "cap_reuse" }],
  ["S87, S93", { name: "managed_dataspace" }, { windows: () => true }],
  ["S87, S92, S93", { name: "fault_handler" }, { windows: () => true }],
  ["S103, S104", { name: "detached_dataspaces", inside: '<config turns="2" iterations="20"/>' }],
  ["S87", { name: "attachments", inside: '<config turns="3" iterations="20"/>' }, { windows: () => true }],
  ["S93", { name: "stress_rm" }],
  ["S79, S93, S95", { name: "rs-counter" }],
  ["S82, S88", { name: "as-sheep_counter", inside: '<config turns="4" iterations="20"/>' }],
  ["S83, S88", { name: "as-stack_counter", inside: '<config turns="4" iterations="20"/>' }],
  ["S83, S88", { name: "as-large_stack_counter", inside: '<config turns="4" iterations="20"/>' }],
  ["S82, S87", { name: "as-small_dataspaces", inside: '<config turns="4" iterations="20"/>' }],
  ["S82, S87", { name: "as-large_dataspaces", inside: '<config turns="4" iterations="20"/>' }],
];

for (const strategy of STRATEGIES) {
  for (const [rows, child, special] of CASES) {
    test(`${rows}, S90, S97: ${child.name} goes on in a fresh system, wherever it was stopped (${strategy})`, async () => {
      const options = { ...special, children: [child], strategy };
      const { lines, points, bootstrapped } = await undisturbed(options);
      const first = strategy === "direct" ? 0 : bootstrapped;
      assert.ok(lines.length >= 1 && points - first > POINTS, `${lines.length} lines, ${points} points`);
      for (let i = 1; i <= POINTS; i++) {
        const point = first + Math.floor(((points - first) * i) / (POINTS + 1));
        assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
      }
    });
  }
}

for (const strategy of STRATEGIES) {
  test(`S80, S87, S93, S94, S97: a client and a server that share a dataspace go on together (${strategy})`, async () => {
    const server = { name: "server", binary: "adder_server", inside: '<provides><service name="Adder"/></provides>' };
    const client = { name: "client", binary: "adder_client", inside: '<config numbers="4"/>' };
    const options = { children: [server, client], strategy, exits: 1, windows: () => true };
    const { lines, points, bootstrapped } = await undisturbed(options);
    assert.ok(lines.includes("[client] sum 10"), lines.join("; "));
    const first = strategy === "direct" ? 0 : bootstrapped;
    for (let i = 1; i <= 2 * POINTS; i++) {
      const point = first + Math.floor(((points - first) * i) / (2 * POINTS + 1));
      assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
    }
  });
}

for (const strategy of STRATEGIES) {
  test(`S93-S97: a key-value server under load goes on with its client, wherever they were stopped (${strategy})`, async () => {
    const server = { name: "server", binary: "kv_server", inside: '<provides><service name="Kv"/></provides>' };
    const load = { name: "load", binary: "kv_load", inside: '<config seed="1" keys="16"/>' };
    const options = { children: [server, load], strategy, exits: 1, windows: () => true };
    const { lines, points, bootstrapped } = await undisturbed(options);
    assert.ok(lines.at(-1)?.includes("1000 operations"), lines.join("; "));
    for (let i = 1; i <= POINTS; i++) {
      const point = bootstrapped + Math.floor(((points - bootstrapped) * i) / (POINTS + 1));
      assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
    }
  });
}

/** The adaptive cruise control, half a second at 1 kHz. */
const CRUISE: readonly ChildSpec[] = [
  provider("actuator", "Actuator"),
  provider("sensor", "Sensor", '<config steps="500"/>'),
  provider("watchdog", "Watchdog", '<config looks="100"/>'),
  provider("logger", "Recorder"),
  { name: "controller", binary: "cruise_controller" },
];

function provider(name: string, service: string, inside = ""): ChildSpec {
  return { name, binary: `cruise_${name}`, inside: `<provides><service name="${service}"/></provides>${inside}` };
}

for (const strategy of STRATEGIES) {
  test(`S93-S97: the cruise control's five components go on together (${strategy})`, async () => {
    const options = { children: CRUISE, strategy, exits: 1, windows: () => true };
    const { lines, points, bootstrapped } = await undisturbed(options);
    assert.equal(lines.length, 5, lines.join("; "));
    for (let i = 1; i <= 6; i++) {
      const point = bootstrapped + Math.floor(((points - bootstrapped) * i) / 7);
      assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
    }
  });
}

for (const name of ["stack_counter", "as-stack_counter"]) {
  for (const strategy of STRATEGIES) {
    test(`S84, S88, S90: ${name} goes on from wherever it was stopped in its bootstrap (${strategy})`, async () => {
      const options = { children: [{ name, inside: '<config turns="2" iterations="20"/>' }], strategy };
      const { lines, bootstrapped } = await undisturbed(options);
      assert.ok(bootstrapped > 20, `${bootstrapped} points`);
      for (let point = 1; point <= bootstrapped; point++) {
        assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${bootstrapped}`);
      }
    });
  }
}
