// A tree of fifty components under one supervisor: five inits with nine compiled children each, as one consistent cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import { componentsOf, cpusOf } from "../../src/checkpoint/index.ts";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { start } from "../support/core-system.ts";
import { init } from "./nested.ts";
import { Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const FAMILIES = 5;
const CHILDREN = 9;

const counters = Array.from({ length: CHILDREN }, (_, i) =>
  start(
    `c${i}`,
    '<binary name="sheep_counter_async"/><config turns="12" period_ms="3"/><heartbeat restart_after_skipped="3"/>',
    'caps="120" ram="1M"',
  ),
).join("");
const TREE: RigOptions = {
  children: Array.from({ length: FAMILIES }, (_, i) => init(`f${i}`, `<heartbeat rate_ms="10"/>${counters}`)),
  programs: ["sheep_counter_async"],
  quota: 'caps="2400" ram="40M"',
  exits: FAMILIES * CHILDREN,
};

/** Lines by component: how those of different components alternate is the scheduler's affair. */
function byComponent(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...Map.groupBy(lines, (line) => line.slice(0, line.indexOf("]")))].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

for (const strategy of STRATEGIES) {
  test(`S53, S89, S93-S97: fifty components are checkpointed whole, restored whole, and counted on (${strategy})`, async () => {
    const of = { ...TREE, strategy };
    const { lines, points } = await undisturbed(of);
    const first = new Rig(of);
    assert.ok(await first.run(Math.floor(points * 0.6)));
    const { system } = first.rtcr.checkpoint("tree");
    const before = first.lines;
    const components = system.children.flatMap(componentsOf);
    assert.equal(components.length, FAMILIES * (CHILDREN + 1));
    assert.equal(components.filter(({ native }) => native === "init").length, FAMILIES);
    const badges = components.flatMap(({ pd }) => pd.dataspaces.map(({ badge }) => badge));
    assert.equal(new Set(badges).size, badges.length, "each dataspace is stored once");
    const threads = system.children.flatMap(cpusOf).flatMap((cpu) => cpu.threads);
    assert.ok(threads.length >= FAMILIES * (1 + 3 * CHILDREN));
    await first.run();
    assert.deepEqual(byComponent(first.lines), byComponent(lines), "the first system has run on");
    first.close();
    const image = await throughImage(system);
    for (let times = 0; times < 2; times++) {
      const second = new Rig({
        ...of,
        exits: TREE.exits! - before.filter((line) => line.includes("exited")).length,
        restore: image,
      });
      await second.run();
      assert.deepEqual(byComponent([...before, ...second.lines]), byComponent(lines));
      assert.ok(!second.lines.some((line) => line.includes("heartbeat")), "nobody missed a heartbeat");
      second.close();
    }
  });
}
