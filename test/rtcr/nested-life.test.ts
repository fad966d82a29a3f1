// What becomes of restored inits: they go on as inits do, any number of times, and leave nothing behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { assemble } from "../assemble.ts";
import { config, start } from "../support/core-system.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { DEEP, init, KV } from "./nested.ts";
import { accounts, goesBackInPlace, untouched } from "./nested-courses.ts";
import { Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const KEY_VALUE: RigOptions = { children: [init("inner", KV)], programs: ["kv_server", "kv_load"], exits: 1 };

interface Taken {
  readonly system: SystemCheckpoint;
  /** Lines that had been said. */
  readonly before: number;
}

async function taken(of: RigOptions, points: number, shares: readonly number[]): Promise<Taken[]> {
  const rig = new Rig(of);
  const all: Taken[] = [];
  for (const share of shares) {
    assert.ok(await rig.run(Math.floor(points * share)));
    all.push({ system: await throughImage(rig.rtcr.checkpoint("taken").system), before: rig.lines.length });
  }
  rig.close();
  return all;
}

for (const strategy of STRATEGIES) {
  test(`S89, S106: one checkpoint of an init is restored several times, an older after a newer, quotas balance (${strategy})`, async () => {
    const of = { ...KEY_VALUE, strategy };
    const { lines, points } = await undisturbed(of);
    const [older, newer] = (await taken(of, points, [0.3, 0.8])) as [Taken, Taken];
    const expected = await untouched(of);
    for (const { system, before } of [newer, older, older, newer]) {
      const rig = new Rig({ ...of, restore: system });
      await rig.run();
      assert.deepEqual(rig.lines, lines.slice(before));
      assert.deepEqual(accounts(rig), expected);
      rig.close();
    }
  });

  test(`S89, S106: an init goes back in place, to an older checkpoint and to a newer, quotas balance (${strategy})`, async () => {
    await goesBackInPlace({ ...DEEP, strategy });
  });
}

const counter = (name: string, turns: number) =>
  start(name, `<binary name="stack_counter"/><config turns="${turns}" iterations="20"/>`);

/** Restored in the middle of its run, and run on until a line is said. */
async function restored(of: RigOptions, share: number, until: (lines: readonly string[]) => boolean): Promise<Rig> {
  const { points } = await undisturbed(of);
  const [{ system }] = (await taken(of, points, [share])) as [Taken];
  const rig = new Rig({ ...of, exits: Number.POSITIVE_INFINITY, restore: system });
  await runUntil(rig, until);
  return rig;
}

async function runUntil(rig: Rig, until: (lines: readonly string[]) => boolean): Promise<void> {
  for (let step = 0; step < 2000 && !until(rig.tree.lines); step++) {
    await rig.run(rig.points + 10).catch(() => {});
  }
  assert.ok(until(rig.tree.lines), rig.tree.lines.slice(-5).join("; "));
}

const says = (line: string) => (lines: readonly string[]) => lines.includes(`[init -> rtcr -> ${line}`);

test("S55, S97: a restored init is still configured: children come, go, and are told of their configuration", async () => {
  const of = {
    children: [init("inner", counter("a", 30) + counter("b", 30))],
    programs: ["stack_counter"],
    exits: 2,
    slice: 20,
  };
  const rig = await restored(of, 0.5, says("inner -> a] 20"));
  rig.reconfigure([init("inner", counter("b", 30) + counter("c", 2))]);
  rig.tree.settle();
  await runUntil(rig, says("inner -> c] 2"));
  await runUntil(rig, says("inner -> b] 30"));
  assert.ok(!says("inner -> a] 30")(rig.tree.lines), "a is no more");
  assert.ok(!says("inner -> b] 1")(rig.tree.lines), "b was not started anew");
  rig.close();
});

test("S106: exit and crash of a component deep inside are reported after a restore as ever", async () => {
  const crashing = assemble(`(module ${PRELUDE} (func (export "rtcr_component_start") (local $i i32)
    (loop $on (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 400))))
    unreachable))`);
  const children = config(counter("a", 4) + start("crash"));
  const second = start("second", `<binary name="init"/>${children}`, 'caps="1000" ram="16M"');
  const of: RigOptions = {
    ...{ children: [init("first", second)], quota: 'caps="2000" ram="32M"', exits: 1, slice: 50 },
    ...{ programs: ["stack_counter"], binaries: { crash: crashing } },
  };
  const rig = await restored(of, 0.4, says('first -> second] child "a" exited with exit value 0'));
  const [warning, ...others] = rig.tree.warnings.filter((line) => line.includes("is stopped"));
  assert.match(
    String(warning),
    /^init -> rtcr -> first -> second -> crash: thread "crash" is stopped: trapped: unreachable/,
  );
  assert.deepEqual(others, []);
  rig.close();
});

test("S96, S107: a program in TypeScript without a saved form is refused by name, deep inside too, and everything runs on", async () => {
  const inner = init("inner", start("mute") + counter("deep", 4));
  const beside = { name: "beside", binary: "stack_counter", inside: '<config turns="30" iterations="20"/>' };
  const mute = () => ({ dispose: () => {} });
  const rig = new Rig({
    children: [inner, beside],
    programs: ["stack_counter"],
    natives: { mute },
    slice: 20,
    exits: 2,
  });
  assert.ok(await rig.run(120));
  const why = 'the program "mute" is one in TypeScript that cannot be checkpointed: put it beside the supervisor';
  const message = `child "inner": component "mute": ${why}`;
  assert.throws(() => rig.rtcr.checkpoint("both"), { code: "unsaveable", message });
  const said = rig.lines.length;
  await rig.run();
  assert.ok(rig.lines.length > said);
  rig.close();
});
