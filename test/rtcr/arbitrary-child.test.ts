// Components that a guest starts itself belong to it: they are in its checkpoint, and are recreated with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { continued, type RigOptions, undisturbed } from "./rig.ts";

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
