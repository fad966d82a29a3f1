// Threads of one component on several CPUs: those of `thread-spawn`, over one memory. More of it is in test/cpus/.
import assert from "node:assert/strict";
import { test } from "node:test";
import { machine } from "../../../../test/support/cpus.ts";
import { runSpawning } from "../../../../test/support/spawn-module.ts";

const CPUS = 3;

for (const [cpu, cpus] of [
  [0, 2],
  [1, 2],
] as const) {
  const where = Array.from({ length: cpus }, (_, i) => cpu + i);
  test(`S24, S28: threads of thread-spawn are on CPUs ${where} in turn, and instances are used again`, async () => {
    const system = await machine(CPUS);
    const { component, seen } = await runSpawning(system, { cpu, cpus });
    assert.deepEqual(seen, where);
    assert(component.engine.instances <= 5, "one, and four that are used twice");
    assert.deepEqual(system.warnings, []);
    system.close();
  });
}
