// Threads of one component on several CPUs, made anew as by a checkpoint and a restore at every n-th safe point.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import type { KernelThread } from "../../src/core/kernel/index.ts";
import { machine } from "../support/cpus.ts";
import { runSpawning, TOGETHER } from "../support/spawn-module.ts";

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

for (const [why, [program, load]] of Object.entries(TOGETHER)) {
  test(`S24, S28: threads of a program stay on its CPU, which is said once: ${why}`, async () => {
    const system = await machine(CPUS);
    const { seen } = await runSpawning(system, { cpu: 1, cpus: 2, ...(load ? { load } : {}) }, program);
    assert.deepEqual(seen, [1]);
    assert.deepEqual(system.warnings, [`a: all of its threads are on CPU 1: ${why}`]);
    system.close();
  });
}

test("S24, S28: a thread that shares its instance and asks for a CPU of its own is told of once, and says where it is", async () => {
  const system = await machine(CPUS);
  const { cpu, pd, thread } = system.component("a", '(func (export "rtcr_component_start"))', { cpu: 0, cpus: 2 });
  thread("main");
  const [there, elsewhere] = [0, 1].map((x) => ({ x, y: 0, width: 1, height: 1 }));
  const make = (name: string, affinity?: typeof there) => {
    const made = cpu.createThread(pd.capability, { name, ...(affinity ? { affinity } : {}) });
    assert(made.ok);
    return made.value.object as KernelThread;
  };
  make("same", there).affinity(there!);
  make("any");
  assert.deepEqual(system.warnings, []);
  const other = make("other", elsewhere);
  other.affinity(elsewhere!);
  make("more", elsewhere);
  assert.deepEqual(system.warnings, ['a: thread "other" is on CPU 0, as all threads that share an instance']);
  assert.equal(other.cpu, 0);
  system.close();
});
