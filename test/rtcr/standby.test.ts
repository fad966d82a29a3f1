// A restore that stands by has its children's memory made ready, and is what any other restore is when it is told to go on:
// whatever was done with it meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareSystems, usedRuns } from "../../src/checkpoint/index.ts";
import { RtcrFault, RtcrPd, STRATEGIES } from "../../src/rtcr/index.ts";
import { comparable } from "./comparable.ts";
import { CHILDREN, supervised, supervisedConfig } from "./controlled.ts";
import { component, Rig, type RigOptions, undisturbed } from "./rig.ts";
import { afterwards, CASES, COUNTERS, memories, SHEEP, stopped, Waiting } from "./standing.ts";

const POINTS = 4;
const PAGE_BYTES = 4096;

for (const strategy of STRATEGIES) {
  for (const [name, given] of CASES) {
    test(`S91, S97: a restore that stood by is one that did not: ${name} (${strategy})`, async () => {
      const options = { ...given, strategy };
      const { lines, points, bootstrapped } = await undisturbed(options);
      const first = strategy === "direct" ? 0 : bootstrapped;
      for (let i = 1; i <= POINTS; i++) {
        const { system, lines: before } = await stopped(
          options,
          first + Math.floor(((points - first) * i) / (POINTS + 1)),
        );
        const plain = await afterwards(options, [system], false);
        const ready = await afterwards(options, [system], true);
        assert.deepEqual([...before, ...ready.lines], lines);
        assert.deepEqual(ready.sizes, plain.sizes, "no program sees a memory of another size");
        assert.deepEqual(ready.repairs, plain.repairs);
        assert.deepEqual(comparable(ready.again), comparable(plain.again));
        const changed = compareSystems(plain.again, ready.again).children.flatMap(({ dataspaces }) => dataspaces);
        assert.deepEqual(changed, []);
      }
    });
  }
}

test("S91: only pages that hold something are made ready, all of them", async ({ mock }) => {
  const options = { children: [{ name: "large_dataspaces", inside: COUNTERS }] };
  const { points } = await undisturbed(options);
  const { system } = await stopped(options, Math.floor(points / 2));
  const touch = mock.method(Atomics, "or");
  const waiting = new Waiting(options, system);
  await waiting.until(1);
  const calls = touch.mock.calls.filter(({ arguments: [words] }) => words.byteLength > 100 << 20);
  const pages = calls.map(({ arguments: [, word] }) => word / (PAGE_BYTES / 4));
  touch.mock.restore();
  const { pd } = system.children[0]!;
  const used = [...pd.dataspaces.map(({ content }) => content), pd.data].map((content) => {
    const runs = usedRuns(content);
    const ends = runs.filter((_, i) => i % 2 === 1);
    return ends.reduce((sum, end, i) => sum + Math.ceil(end / PAGE_BYTES) - Math.floor(runs[2 * i]! / PAGE_BYTES), 0);
  });
  assert.equal(new Set(pages).size, pages.length, "each once");
  assert.equal(
    pages.length,
    used.reduce((sum, count) => sum + count, 0),
  );
  waiting.rig.close();
});

/** Where a restore stands by of what was said until then. */
async function standing(options: RigOptions = SHEEP, share = 0.5) {
  const { lines, points } = await undisturbed(options);
  const { system, lines: said } = await stopped(options, Math.floor(points * share));
  const waiting = new Waiting(options, system);
  await waiting.until(1);
  return { waiting, rig: waiting.rig, system, rest: lines.slice(said.length), lines };
}

for (const strategy of STRATEGIES) {
  test(`S97, S106: nothing runs while a restore stands by, and it cannot be taken (${strategy})`, async () => {
    const { waiting, rig, rest } = await standing({ ...SHEEP, strategy });
    await waiting.pass();
    assert.deepEqual([rig.lines, rig.outcomes], [[], []]);
    assert.throws(() => rig.rtcr.checkpoint("now"), { code: "busy" });
    rig.rtcr.proceed();
    await rig.run();
    assert.deepEqual(rig.lines, rest);
    rig.rtcr.proceed();
    assert.equal(rig.outcomes.length, 1, "told twice");
    rig.close();
  });

  test(`S89, S97: a restore that stands by is given up for another one, older or the same (${strategy})`, async () => {
    const options: RigOptions = { ...SHEEP, strategy };
    const { waiting, rig, lines, system } = await standing(options, 0.8);
    const { points } = await undisturbed(options);
    const older = await stopped(options, Math.floor(points * 0.4));
    let ended = 0;
    rig.rtcr.restore(system, () => ended++);
    await waiting.until(2);
    rig.rtcr.restore(older.system, () => ended++);
    await waiting.until(3);
    assert.deepEqual([rig.lines, rig.outcomes, ended], [[], [], 1]);
    rig.rtcr.proceed();
    await rig.run();
    assert.deepEqual([...older.lines, ...rig.lines], lines);
    assert.deepEqual([rig.outcomes.length, ended], [1, 2]);
    rig.close();
  });

  test(`S97: a restore that was told to go on before it stood by does not wait (${strategy})`, async () => {
    const options: RigOptions = { ...SHEEP, strategy };
    const { rig, waiting, system, rest } = await standing(options, 0.9);
    rig.rtcr.restore(system);
    rig.rtcr.proceed();
    await rig.run();
    assert.deepEqual([rig.lines, waiting.ready], [rest, 1]);
    rig.close();
  });

  test(`S106: a child that stands by is ended, or started anew, by a configuration (${strategy})`, async () => {
    const { waiting, rig, rest, lines } = await standing({ ...SHEEP, strategy });
    const [child] = SHEEP.children;
    const caps = rig.tree.pd("rtcr")!.usedCaps();
    rig.reconfigure([{ ...child!, attributes: 'caps="500" ram="16M" version="2"' }]);
    await waiting.until(2);
    assert.deepEqual([rig.lines, rig.outcomes], [[], []]);
    assert.equal(rig.tree.pd("rtcr")!.usedCaps(), caps, "nothing is left of what was made for the one before");
    rig.reconfigure([]);
    await waiting.pass();
    assert.ok(rig.outcomes[0] instanceof RtcrFault && /it is not configured/.test(rig.outcomes[0].message));
    assert.deepEqual(rig.rtcr.children, []);
    rig.reconfigure(SHEEP.children);
    await rig.run();
    assert.deepEqual(rig.lines, lines, "it begins at its beginning");
    assert.deepEqual([rig.outcomes.length, waiting.ready, rest.length > 0], [1, 2, true]);
    rig.close();
  });

  test(`S97, S106: another configuration tells children that stand by to go on (${strategy})`, async () => {
    const { waiting, rig, rest } = await standing({ ...SHEEP, strategy });
    const [child] = SHEEP.children;
    rig.reconfigure([{ ...child!, attributes: 'caps="500" ram="17M"' }]);
    await waiting.until(2);
    waiting.wanted = false;
    await waiting.pass();
    assert.deepEqual(rig.lines, []);
    rig.reconfigure([child!]);
    await rig.run();
    assert.deepEqual([rig.lines, rig.outcomes.length], [rest, 1]);
    rig.close();
  });
}

test("S57, S106: memory that a quota does not allow any more is given back, and made ready when it is allowed", async () => {
  const options: RigOptions = { ...SHEEP, binaries: { prog: component("large_dataspaces") } };
  const { waiting, rig, rest, system } = await standing(options, 0.9);
  const [child] = options.children;
  const { pd } = system.children[0]!;
  const needed = pd.dataspaces.reduce((sum, { size }) => sum + size, pd.data.length);
  const size = () => memories(rig).find(([label]) => label.endsWith("prog"))?.[1] ?? 0;
  const large = size();
  assert.ok(large > 100 << 20);
  rig.reconfigure([{ ...child!, attributes: `caps="500" ram="${needed}"` }]);
  await waiting.until(() => size() > 0 && size() < 1 << 20);
  await waiting.pass();
  rig.reconfigure([child!]);
  await waiting.until(() => size() === large);
  await waiting.pass();
  assert.deepEqual(rig.outcomes, []);
  rig.rtcr.proceed();
  await rig.run();
  assert.deepEqual([rig.lines, rig.outcomes.length], [rest, 1]);
  rig.close();
});

test("S106: memory is not made ready for what a restore will not attach, and one that would leave it so is refused", async () => {
  const { rig } = await standing();
  const { native } = rig.rtcr.child("prog")!.of(RtcrPd)[0]!;
  const needs = { end: 1 << 30, from: 0, to: PAGE_BYTES };
  assert.ok(!native.prepareMemory({ detached: ["stack-area"] }, needs), "the program has detached its stacks");
  assert.ok(!native.prepareMemory({}, { ...needs, end: 2 ** 32 + PAGE_BYTES }), "as far as no memory goes");
  assert.ok(native.prepareMemory({}, needs));
  rig.rtcr.proceed();
  assert.ok(rig.outcomes[0] instanceof RtcrFault && rig.outcomes[0].code === "mismatch");
  rig.close();
});

test("S97, S109: memory is made ready for programs with redundant memory, as far as a slot has room, not behind windows", async () => {
  const needs = { end: 64 << 20, from: 0, to: PAGE_BYTES };
  for (const [options, ready] of [
    [{ mirrorSlots: () => 8 }, true],
    [{ windows: () => true }, false],
  ] as const) {
    const { rig } = await standing({ ...SHEEP, ...options });
    const { native } = rig.rtcr.child("prog")!.of(RtcrPd)[0]!;
    assert.equal(native.prepareMemory({}, needs), ready);
    assert.ok(!native.prepareMemory({}, { ...needs, end: 512 << 20 }), "a slot of eight has 455 MiB");
    rig.close();
  }
});

test("S106: a supervisor that ends while its children stand by leaves nothing", async () => {
  const left = (rig: Rig) => {
    rig.rtcr.dispose();
    rig.tree.settle();
    const pd = rig.tree.pd("rtcr")!;
    const { core } = rig.tree;
    const account = { ram: pd.ramQuota(), caps: pd.capQuota(), usedRam: pd.usedRam(), usedCaps: pd.usedCaps() };
    return { account, pds: core.pds.size, components: core.kernel.components.length, badges: core.kernel.badges.live };
  };
  const { rig, system } = await standing();
  const again = new Waiting(SHEEP, system);
  const plain = new Rig(SHEEP);
  assert.deepEqual(left(rig), left(plain));
  assert.deepEqual(left(again.rig), left(again.rig), "while it makes ready");
  for (const each of [rig, again.rig, plain]) each.close();
});

test("S97, S111: <restore standby> lets a restore in place wait until another configuration says no", async () => {
  const { tree, session, lines, until } = supervised();
  try {
    const child = "sheep_counter_timer";
    const configured = (standby: string) => {
      const inside = `<service name="Rtcr"/><restore standby="${standby}"/>${CHILDREN}`;
      tree.change(supervisedConfig(inside));
    };
    configured("yes");
    await until(child, 2);
    assert.ok(session.checkpoint(child).ok);
    const before = lines(child).length;
    await until(child, before + 2);
    const next = lines(child)[before];
    assert.ok(session.restore(child).ok);
    tree.settle();
    const count = lines(child).length;
    const other = lines("sheep_counter_async").length;
    await until("sheep_counter_async", other + 3);
    assert.equal(lines(child).length, count, "it stands by while the other one runs");
    configured("no");
    await until(child, count + 2);
    assert.equal(lines(child)[count], next);
  } finally {
    tree.close();
  }
});
