// A standby copy takes up checkpoint after checkpoint of its primary, with its environment and its program as they are; when the
// primary is no more it goes on from the last.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareSystems, type SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { IncrementalContents, RtcrFault, RtcrPd, SharedMemoryProvider, STRATEGIES } from "../../src/rtcr/index.ts";
import { comparable } from "./comparable.ts";
import { component, Rig, type RigOptions, undisturbed } from "./rig.ts";
import { afterwards, CASES, COUNTERS, SHEEP, stopped, Waiting } from "./standing.ts";

const POINTS = 4;
const LARGE: RigOptions = {
  children: [{ name: "prog", inside: COUNTERS }],
  binaries: { prog: component("large_dataspaces") },
};

/** Safe points of a run, behind its bootstrap, as far apart. */
async function pointsOf(options: RigOptions, count: number): Promise<readonly number[]> {
  const { points, bootstrapped } = await undisturbed(options);
  const first = options.strategy === "direct" ? 0 : bootstrapped;
  return Array.from({ length: count }, (_, i) => first + Math.floor(((points - first) * (i + 1)) / (count + 1)));
}

/** The same before the program had written to its dataspaces. */
function emptied(system: SystemCheckpoint): SystemCheckpoint {
  const children = system.children.map(({ pd, ...child }) => {
    const dataspaces = pd.dataspaces.map((info) => ({ ...info, content: new Uint8Array(info.content.length) }));
    return { ...child, pd: { ...pd, dataspaces } };
  });
  return { ...system, children };
}

for (const strategy of STRATEGIES) {
  for (const [name, given] of CASES) {
    test(`S91, S97: what stood by for other checkpoints first is a restore of the last: ${name} (${strategy})`, async () => {
      const options = { ...given, strategy };
      const all: Awaited<ReturnType<typeof stopped>>[] = [];
      for (const point of await pointsOf(options, POINTS)) all.push(await stopped(options, point));
      const systems = all.map(({ system }) => system);
      for (const order of [systems, systems.toReversed()]) {
        const plain = await afterwards(options, order, false);
        const renewed = await afterwards(options, order, true);
        assert.deepEqual(renewed.lines, plain.lines);
        assert.deepEqual(renewed.sizes, plain.sizes, "no program sees a memory of another size");
        assert.deepEqual(renewed.repairs, plain.repairs);
        assert.deepEqual(comparable(renewed.again), comparable(plain.again));
        const changed = compareSystems(plain.again, renewed.again).children.flatMap(({ dataspaces }) => dataspaces);
        assert.deepEqual(changed, []);
      }
    });
  }

  for (const increments of [false, true]) {
    const how = increments ? "increments" : "full checkpoints";
    test(`S89, S97, S108: ${how} of a primary that runs go into its standby copy, which goes on without it (${strategy})`, async () => {
      const { lines, points } = await undisturbed({ ...LARGE, strategy });
      const contents = new IncrementalContents();
      const provider = new SharedMemoryProvider();
      const kept = increments ? { keeper: () => contents, marks: () => true } : { provider };
      const primary = new Rig({ ...LARGE, ...kept, strategy });
      const step = Math.floor(points / 8);
      let spare: Waiting | undefined;
      let [taken, given] = [0, 0];
      let before: readonly string[] = [];
      for (let point = step; point < 7 * step; point += step) {
        assert.ok(await primary.run(point));
        const { system, lease } = primary.rtcr.checkpoint(`at ${point}`);
        before = primary.lines;
        taken++;
        const ended = () => {
          given++;
          lease.release();
        };
        if (!spare) {
          spare = new Waiting({ ...LARGE, strategy }, system);
          await spare.until(1);
        }
        await spare.again(system, ended); // the one that it began with belongs to nobody
        assert.equal(taken - given, 1, "the last one is held, those before are given back");
      }
      primary.close();
      assert.ok(taken > 4);
      spare!.rig.rtcr.proceed();
      await spare!.rig.run();
      assert.deepEqual([...before, ...spare!.rig.lines], lines);
      assert.deepEqual([spare!.rig.outcomes.length, given], [1, taken]);
      contents.dispose();
      assert.equal(contents.usedBytes, 0);
      spare!.rig.close();
    });
  }

  test(`S91: another checkpoint touches no page twice, and makes nothing anew (${strategy})`, async ({ mock }) => {
    const options: RigOptions = { ...LARGE, strategy };
    const [point] = await pointsOf(options, 1);
    const { system: newer } = await stopped(options, point!);
    const older = emptied(newer);
    const touch = mock.method(Atomics, "or");
    const touched = () =>
      touch.mock.calls.flatMap(({ arguments: [words, word] }) => (words.byteLength > 100 << 20 ? [word] : []));
    const waiting = new Waiting(options, older);
    await waiting.until(1);
    const { rig } = waiting;
    const pd = rig.rtcr.child("prog")!.of(RtcrPd)[0];
    const [before, made] = [touched().length, rig.tree.core.kernel.badges.live];
    assert.ok(before > 0);
    await waiting.again(older);
    assert.equal(touched().length, before);
    await waiting.again(newer);
    await waiting.again(older);
    assert.equal(new Set(touched()).size, touched().length);
    assert.ok(touched().length > before, "the newer one has more");
    assert.equal(rig.rtcr.child("prog")!.of(RtcrPd)[0], pd);
    assert.equal(rig.tree.core.kernel.badges.live, made);
    rig.close();
  });

  test(`S97, S106: a child that has exited since is ended with its exit value, whatever stood by for it (${strategy})`, async () => {
    const short = { name: "short", binary: "sheep_counter_timer", inside: '<config turns="2" sleep_ms="1"/>' };
    const long = { name: "long", binary: "sheep_counter_timer", inside: '<config turns="9" sleep_ms="1"/>' };
    const options: RigOptions = { children: [long, short], strategy };
    const { lines } = await undisturbed(options);
    const primary = new Rig(options);
    const systems: { readonly system: SystemCheckpoint; readonly lines: readonly string[] }[] = [];
    for (let point = 20; await primary.run(point); point += 20)
      if (primary.rtcr.children.includes("long"))
        systems.push({ system: primary.rtcr.checkpoint(`at ${point}`).system, lines: primary.lines });
    primary.close();
    const both = systems.findLast(({ system }) => system.children.length === 2);
    const alone = systems.find(({ system }) => system.children.length === 1);
    assert.ok(both && alone);
    const waiting = new Waiting({ ...options, exits: 1 }, both.system);
    const { rig } = waiting;
    await waiting.until(1);
    rig.rtcr.restore(alone.system);
    assert.throws(() => rig.rtcr.restore(both.system), { code: "busy" }, "one that begins anew does not stand by");
    await waiting.until(2);
    assert.deepEqual(rig.rtcr.children, ["long"]);
    rig.rtcr.proceed();
    assert.deepEqual(rig.rtcr.checkpoint("now").system.exited, alone.system.exited);
    await rig.run();
    assert.deepEqual([...alone.lines, ...rig.lines].sort(), lines.toSorted());
    assert.equal(rig.outcomes.length, 1);
    rig.close();
  });
}

test("S89, S97: an older checkpoint stands by after a newer one went on", async () => {
  const [first, second] = await pointsOf({ ...SHEEP, strategy: "direct" }, 2);
  const { lines } = await undisturbed(SHEEP);
  const [older, newer] = [await stopped(SHEEP, first!), await stopped(SHEEP, second!)];
  const waiting = new Waiting(SHEEP, newer.system);
  const { rig } = waiting;
  await waiting.until(1);
  rig.rtcr.proceed();
  assert.equal(rig.outcomes.length, 1);
  rig.rtcr.restore(older.system);
  await waiting.until(2);
  assert.deepEqual([rig.lines, rig.outcomes.length], [[], 1]);
  rig.rtcr.proceed();
  await rig.run();
  assert.deepEqual([...older.lines, ...rig.lines], lines);
  assert.ok(rig.outcomes.every((outcome) => !(outcome instanceof RtcrFault)));
  rig.close();
});
