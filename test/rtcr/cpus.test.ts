// Children on several CPUs are checkpointed together and go on in a fresh system, on the CPUs that its configuration has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { KERNEL_LIMITS } from "../../src/core/kernel/limits.ts";
import { RtcrCpu, STRATEGIES } from "../../src/rtcr/index.ts";
import { byComponent } from "../support/by-component.ts";
import { start } from "../support/core-system.ts";
import { init } from "./nested.ts";
import { type ChildSpec, continued, Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

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

/** What was logged, by component; a machine of few CPUs is warned of in its own words. */
const said = (lines: readonly string[]) =>
  byComponent(lines.filter((line) => !line.includes(" warning: an affinity space of ")));

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
          assert.deepEqual(said(found), said(lines), `stopped at point ${point} of ${points}`);
        }
      });
    }
  }
}

for (const strategy of STRATEGIES) {
  test(`S28, S95: a child that has gone to another CPU by affinity is recorded there and goes on there (${strategy})`, async () => {
    const roams = (spec: ChildSpec) => ({ ...spec, inside: `${spec.inside ?? ""}<affinity xpos="0" width="2"/>` });
    const options = { children: KV.map(roams), exits: 2, strategy, windows: () => true };
    const { lines, points, bootstrapped } = await undisturbed(options);
    const cpuOf = ({ tree }: Rig, name: string) =>
      tree.core.kernel.components.find(({ label }) => label.endsWith(name))?.cpu;
    const point = (part: number) => bootstrapped + Math.floor((points - bootstrapped) * part);
    const first = new Rig({ ...options, cpus: 2 });
    assert(await first.run(point(0.1)));
    assert.deepEqual([cpuOf(first, "server"), cpuOf(first, "load-2")], [0, 0]);
    const there = { x: 1, y: 0, width: 1, height: 1 };
    for (const name of ["server", "load-2"]) {
      const [thread] = first.rtcr.child(name)!.of(RtcrCpu)[0]!.threads;
      thread!.affinity(there);
      assert.equal(cpuOf(first, name), 1, name);
    }
    assert(await first.run(point(0.2)));
    const system = await throughImage(first.rtcr.checkpoint("roams").system);
    const found = first.lines;
    first.close();
    const places = system.children.map(({ name, cpu: { threads } }) => [name, threads[0]!.affinity.x]);
    assert.deepEqual(
      places,
      [
        ["server", 1],
        ["load-2", 1],
      ],
      "load-1 has ended",
    );
    const restored: (number | undefined)[] = [];
    const restoredIn = () => restored.push(...["server", "load-2"].map((name) => cpuOf(second, name)));
    const second = new Rig({ ...options, cpus: 2, restore: system, restoredIn });
    await second.run();
    assert.deepEqual(restored, [1, 1]);
    assert.deepEqual(byComponent([...found, ...second.lines]), byComponent(lines));
    second.close();
  });
}

test("S24, S106: a thread that comes to no safe point in time is named, the checkpoint refused, and all go on", async () => {
  const sheep = { name: "sheep", binary: "sheep_counter_timer", inside: '<config turns="3" sleep_ms="3"/>' };
  const busy = { name: "busy", binary: "stack_counter", inside: '<config turns="2" iterations="400000000"/>' };
  const rig = new Rig({ children: [sheep, busy], cpus: 2 });
  const limits = KERNEL_LIMITS as { stopMs: number };
  const { stopMs } = limits;
  const { kernel } = rig.tree.core;
  const computing = () => kernel.components.find(({ label, onStack }) => label.endsWith("busy") && onStack);
  const said = () => rig.lines.some((line) => line === "[busy] 1");
  while (!said() || !computing()) await new Promise((resolve) => setImmediate(resolve));
  // What is told to CPU 1 does not arrive, as if the host had no time for it.
  const engine = computing()!.engine as { words: Int32Array<SharedArrayBuffer> };
  const { words } = engine;
  engine.words = new Int32Array(new SharedArrayBuffer(words.byteLength));
  limits.stopMs = 20;
  try {
    assert.throws(() => rig.rtcr.checkpoint("now"), {
      ...{ code: "busy", detail: { child: "busy", thread: "ep" } },
      message: 'thread "ep" of child "busy" has not come to a safe point in time',
    });
  } finally {
    limits.stopMs = stopMs;
    engine.words = words;
  }
  const { system } = rig.rtcr.checkpoint("then");
  assert.deepEqual(
    system.children.map(({ name }) => name),
    ["sheep", "busy"],
  );
  assert.ok(!(await rig.run()), "they go on, to their ends");
  rig.close();
});
