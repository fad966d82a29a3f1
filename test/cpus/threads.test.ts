// Threads of one component on several CPUs, made anew as by a checkpoint and a restore at every n-th safe point.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { machine } from "../support/cpus.ts";
import { runSpawning } from "../support/spawn-module.ts";

const CPUS = 3;

for (const [cpu, cpus] of [
  [1, 2],
  [0, 2],
  [0, 3],
  [2, 1],
] as const) {
  const where = Array.from({ length: cpus }, (_, i) => cpu + i);
  test(`S24, S28, S88: torture of threads on CPUs ${where}`, async () => {
    for (const every of [1, 3, 10]) {
      const system = await machine(CPUS);
      const { kernel } = system;
      let points = 0;
      let due = false;
      let times = 0;
      kernel.atPoint = () => {
        due ||= ++points % every === 0;
        return due;
      };
      kernel.scheduler.between = () => {
        if (!due) return;
        due = false;
        for (const component of kernel.components) {
          kernel.stops.alone(component, () => {
            if (component.onStack || !component.loaded) return; // on CPU 0
            component.recreate((saved) => deserialize(serialize(saved)));
            times++;
          });
        }
      };
      const { seen } = await runSpawning(system, { cpu, cpus });
      assert.deepEqual(seen, where);
      assert(times > 1);
      assert.deepEqual(system.warnings, []);
      system.close();
    }
  });
}
