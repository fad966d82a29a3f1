// Bootstraps of strategy A that never end have a named outcome: in virtual time, which passes with so many safe points, or
// when nothing runs. Afterwards nothing is left of them, and the supervisor works.
import assert from "node:assert/strict";
import { test } from "node:test";
import { KERNEL_LIMITS } from "../../src/core/kernel/limits.ts";
import { RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { assemble } from "../assemble.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { component, Rig, type RigOptions, undisturbed } from "./rig.ts";

const DEADLINE_MS = 50;
const STEP_US = 1000;
/** A thread gives way after so many safe points, and this much time has passed. */
const SLICE = 1000;
const TURN_US = KERNEL_LIMITS.burstMs * 1000 + 1;

const bootstrap = (body: string) => assemble(`(module ${PRELUDE} (func (export "rtcr_component_start") ${body}))`);

/** Programs whose bootstraps never end, and what their threads do then. */
const ENDLESS: readonly (readonly [what: string, program: Uint8Array, doing: RegExp])[] = [
  ["loops", bootstrap("(loop $l (br $l))"), /thread "prog" is ready$/],
  ["page-faults", bootstrap("(drop (i32.load (i32.const 0x20000000)))"), /is blocked in page fault at 0x20000000$/],
  [
    "waits",
    bootstrap("(drop (call $futex_wait (i32.const 256) (i32.const 0) (i64.const -1)))"),
    /is blocked in wait at 0x100$/,
  ],
];

/** Translated for windows, without which nothing faults. */
const PROG: RigOptions = {
  children: [{ name: "prog", inside: '<config turns="4" iterations="20"/>' }],
  binaries: { prog: component("sheep_counter") },
  windows: () => true,
};

/** Time passes until the restore has ended. @returns safe points that were passed */
async function outcome(rig: Rig): Promise<number> {
  const { kernel } = rig.tree.core;
  let points = 0;
  kernel.everyPoint = true;
  kernel.atPoint = () => {
    if (++points % SLICE > 0) return false;
    rig.tree.clock.advance(TURN_US);
    return true;
  };
  for (let step = 0; rig.outcomes.length === 0; step++) {
    assert.ok(step < 2000, "the restore ends");
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    rig.tree.advance(STEP_US);
  }
  await new Promise((resolve) => setImmediate(resolve));
  rig.tree.settle();
  return points;
}

/** What there is when the supervisor's children are gone. */
function left(rig: Rig): unknown {
  rig.rtcr.dispose();
  rig.tree.settle();
  const pd = rig.tree.pd("rtcr")!;
  const { core } = rig.tree;
  const account = { ram: pd.ramQuota(), caps: pd.capQuota(), usedRam: pd.usedRam(), usedCaps: pd.usedCaps() };
  const { badges, components } = core.kernel;
  return { account, pds: core.pds.size, components: components.length, badges: badges.live };
}

for (const [what, program, doing] of ENDLESS) {
  test(`S84, S106: a bootstrap that ${what} is given up by name, and the supervisor goes on`, async () => {
    const { lines, points } = await undisturbed(PROG);
    const first = new Rig(PROG);
    assert.ok(await first.run(Math.floor(points / 2)));
    const { system } = first.rtcr.checkpoint("halfway");
    const said = first.lines.length;
    const plain = left(first);
    first.close();

    const late: RigOptions = { ...PROG, strategy: "bootstrap", bootstrapMs: () => DEADLINE_MS };
    const rig = new Rig({ ...late, restore: system, binaries: { prog: program } });
    const passed = await outcome(rig);
    const [fault] = rig.outcomes;
    assert.ok(fault instanceof RtcrFault && rig.outcomes.length === 1);
    assert.equal(fault.code, "late");
    const message = `restore of "prog": its bootstrap has not come to its end in ${DEADLINE_MS} ms: `;
    assert.ok(fault.message.startsWith(message), fault.message);
    assert.match(fault.message, doing);
    assert.equal(what === "loops", passed > 3 * SLICE, `${passed} points`);
    assert.deepEqual(rig.rtcr.children, [], "nothing of it is left");
    // The supervisor keeps another child, which it checkpoints.
    rig.reconfigure([{ name: "other", binary: "prog" }]);
    rig.tree.settle();
    assert.deepEqual(rig.rtcr.children, ["other"]);
    assert.equal(rig.rtcr.checkpoint("other").system.children[0]?.name, "other");
    assert.deepEqual(left(rig), plain, "quotas are balanced");
    rig.close();

    const again = new Rig({ ...late, restore: system });
    await again.run();
    assert.deepEqual(again.lines, lines.slice(said), "the checkpoint is intact, and a bootstrap that ends is in time");
    again.close();
  });
}

test("S84, S106: a child that waits at the barrier for others is not restarted for heartbeats that it does not answer", async () => {
  const pair: RigOptions = {
    ...PROG,
    children: [
      { name: "first", inside: '<config turns="4" iterations="20"/><heartbeat restart_after_skipped="2"/>' },
      ...PROG.children,
    ],
    binaries: { first: component("sheep_counter"), ...PROG.binaries },
    hooks: {
      configuration: (text) => text.replace(/<config[^>]*>/, '$&<heartbeat rate_ms="3"/>'),
      services: [],
      serve: () => undefined,
    },
  };
  const alternating: RigOptions = { ...pair, slice: 20 };
  const { points } = await undisturbed(alternating);
  const first = new Rig(alternating);
  assert.ok(await first.run(Math.floor(points / 2)));
  const { system } = first.rtcr.checkpoint("halfway");
  first.close();
  for (const [what, prog] of ENDLESS) {
    const late = { strategy: "bootstrap", bootstrapMs: () => DEADLINE_MS, restore: system } as const;
    const rig = new Rig({ ...pair, ...late, binaries: { ...pair.binaries, prog } });
    await outcome(rig);
    const [fault] = rig.outcomes;
    assert.ok(fault instanceof RtcrFault && fault.code === "late", String(fault));
    assert.deepEqual(
      rig.tree.lines.filter((line) => line.includes("heartbeats")),
      [],
      what,
    );
    rig.close();
  }
});

for (const strategy of STRATEGIES) {
  test(`S84, S106: an environment whose LOG session never comes is given up by name (${strategy})`, async () => {
    const { points } = await undisturbed(PROG);
    const first = new Rig(PROG);
    assert.ok(await first.run(Math.floor(points / 2)));
    const { system } = first.rtcr.checkpoint("halfway");
    first.close();
    const [, mute] = ENDLESS.find(([what]) => what === "waits")!;
    const log = '<service name="LOG"><child name="mute"/></service><any-service><parent/></any-service>';
    const [prog] = PROG.children;
    const children = [
      { name: "mute", inside: '<provides><service name="LOG"/></provides>' },
      { name: "prog", inside: `${prog?.inside}<route>${log}</route>` },
    ];
    const rig = new Rig({
      ...{ ...PROG, children, strategy, restore: system, bootstrapMs: () => DEADLINE_MS },
      binaries: { ...PROG.binaries, mute },
    });
    await outcome(rig);
    const message = `restore of "prog": its environment has not come to its end in ${DEADLINE_MS} ms: its LOG session is asked of "mute"`;
    assert.deepEqual(rig.outcomes.map(String), [`RtcrFault: ${message}`]);
    assert.deepEqual(rig.rtcr.children, ["mute"]);
    rig.close();
  });
}

test("S84, S106: without a Timer session for its deadline a bootstrap is refused by name, a direct restore is not", async () => {
  const { points } = await undisturbed(PROG);
  const first = new Rig(PROG);
  assert.ok(await first.run(Math.floor(points / 2)));
  const { system } = first.rtcr.checkpoint("halfway");
  const plain = left(first);
  first.close();
  for (const strategy of ["bootstrap", "direct"] as const) {
    const rig = new Rig({ ...PROG, restore: system, strategy, withoutTimer: true });
    await outcome(rig);
    const [result] = rig.outcomes;
    if (strategy === "direct") assert.ok(Array.isArray(result));
    else {
      assert.ok(result instanceof RtcrFault && result.code === "refused");
      const message = 'restore of "prog": its bootstrap can have no deadline: Timer session: service-denied';
      assert.equal(result.message, message);
      assert.deepEqual(rig.rtcr.children, []);
    }
    assert.deepEqual(left(rig), plain);
    rig.close();
  }
});
