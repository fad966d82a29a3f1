// Children on several CPUs are checkpointed together and go on in a fresh system, on the CPUs that its configuration has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { byComponent } from "../support/by-component.ts";
import { start } from "../support/core-system.ts";
import { init } from "./nested.ts";
import { type ChildSpec, continued, type RigOptions, undisturbed } from "./rig.ts";

/** Points at which each is stopped, spread over its run. */
const POINTS = 3;

const QUOTA = 'caps="300" ram="8M"';

function provider(name: string, service: string, inside = "", binary = `cruise_${name}`): ChildSpec {
  return { name, binary, inside: `<provides><service name="${service}"/></provides>${inside}` };
}

const CRUISE: readonly ChildSpec[] = [
  provider("actuator", "Actuator"),
  provider("sensor", "Sensor", '<config steps="100"/>'),
  provider("watchdog", "Watchdog", '<config looks="100"/>'),
  provider("logger", "Recorder"),
  { name: "controller", binary: "cruise_controller" },
];

const KV: readonly ChildSpec[] = [
  provider("server", "Kv", "", "kv_server"),
  { name: "load-1", binary: "kv_load", inside: '<config seed="1" keys="16"/>' },
  { name: "load-2", binary: "kv_load", inside: '<config seed="2" keys="16"/>' },
];

/** A server and two clients inside an init that has all CPUs; the clients share the second half. */
const INSIDE = [
  ["server", '<binary name="kv_server" windows="yes"/><provides><service name="Kv"/></provides>', 0],
  ["load-1", '<binary name="kv_load" windows="yes"/><config seed="1" keys="16"/>', 1],
  ["load-2", '<binary name="kv_load" windows="yes"/><config seed="2" keys="16"/>', 1],
].map(([name, inside, half]) => start(`${name}`, `${inside}<affinity xpos="${half}"/>`, QUOTA));
const INIT_KV: RigOptions = {
  children: [init("inner", `<affinity-space width="2"/>${INSIDE.join("")}`)],
  ...{ programs: ["kv_server", "kv_load"], exits: 2, quota: 'caps="2400" ram="48M"' },
};

const CASES: readonly [what: string, options: RigOptions][] = [
  ["the cruise control", { children: CRUISE, exits: 1 }],
  ["a key-value server under load", { children: KV, exits: 2 }],
  ["a key-value server under load in an init", INIT_KV],
];

for (const strategy of STRATEGIES) {
  for (const [what, given] of CASES) {
    for (const [from, to] of [
      [2, 2],
      [3, 1],
      [1, 2],
    ] as const) {
      test(`S28, S93-S97: ${what} on ${from} CPUs goes on on ${to} (${strategy})`, async () => {
        const options = { ...given, strategy, windows: () => true };
        const { lines } = await undisturbed(options);
        const { points, bootstrapped } = await undisturbed({ ...options, cpus: from });
        for (let i = 1; i <= POINTS; i++) {
          const point = bootstrapped + Math.floor(((points - bootstrapped) * i) / (POINTS + 1));
          const found = await continued({ ...options, cpus: from }, point, { cpus: to });
          assert.deepEqual(byComponent(found), byComponent(lines), `stopped at point ${point} of ${points}`);
        }
      });
    }
  }
}
