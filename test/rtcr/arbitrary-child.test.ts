// Components that a guest starts itself belong to it: they are in its checkpoint, and are recreated with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { continued, Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const POINTS = 12;

for (const strategy of STRATEGIES) {
  test(`S94, S97, S116: a component that a guest has started goes on with it, wherever they were stopped (${strategy})`, async () => {
    const inside = '<config child="stack_counter" iterations="20" turns="4"/>';
    const options: RigOptions = {
      children: [{ name: "arbitrary_child", inside }],
      programs: ["stack_counter"],
      strategy,
    };
    const { lines, points, bootstrapped } = await undisturbed(options);
    assert.deepEqual(lines, [
      "[arbitrary_child] child started",
      ...["1", "2", "3", "4"].map((count) => `[arbitrary_child -> stack_counter] ${count}`),
      "[arbitrary_child] child exited with 0",
    ]);
    const first = strategy === "direct" ? 0 : bootstrapped;
    for (let i = 1; i <= POINTS; i++) {
      const point = first + Math.floor(((points - first) * i) / (POINTS + 1));
      assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
    }
  });
}

/** What is in the memory of the component when nothing runs any more, and what its threads do. */
async function atRest(rig: Rig): Promise<unknown> {
  const { kernel } = rig.tree.core;
  kernel.everyPoint = false;
  kernel.scheduler.resume();
  for (let turn = 0; turn < 40; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    rig.tree.settle();
  }
  const { components = [] } = rig.rtcr.checkpoint("end").system.children[0]!;
  assert.equal(components.length, 1);
  return components.map(({ name, pd }) => [name, pd.data, pd.dataspaces.map(({ role, content }) => [role, content])]);
}

// Whoever starts it is no parent that could give it sessions: nothing is seen of it but its memory.
for (const strategy of STRATEGIES) {
  test(`S94, S97: a WASI program that a guest has started goes on with it (${strategy})`, async () => {
    const options: RigOptions = {
      children: [{ name: "arbitrary_child", inside: '<config child="dijkstra"/>' }],
      ...{ programs: ["dijkstra"], strategy },
    };
    const whole = new Rig(options);
    const expected = await atRest(whole);
    whole.close();
    for (let point = 60; point < 1200; point += 190) {
      const first = new Rig(options);
      assert.ok(await first.run(point));
      const { system } = first.rtcr.checkpoint("now");
      const lines = first.lines;
      first.close();
      const second = new Rig({ ...options, restore: await throughImage(system) });
      assert.deepEqual(await atRest(second), expected, `stopped at point ${point}`);
      assert.deepEqual([...lines, ...second.lines], ["[arbitrary_child] child started"]);
      second.close();
    }
  });
}
