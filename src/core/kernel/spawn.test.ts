// Threads of modules with shared memory (`wasi` `thread-spawn`): an instance each over the same memory.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { logged } from "../../../test/support/guest-code.ts";
import { type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import { recreatesEvery } from "../../../test/support/recreates.ts";
import { SPAWNED, SPAWNING } from "../../../test/support/spawn-module.ts";
import { until } from "../../../test/support/until.ts";

/** The engine says in its own time which of its waiters were woken. */
async function run(system: TestSystem, component: TestComponent): Promise<void> {
  component.start("main");
  await until(() => logged(system, "a").length >= SPAWNED.length);
}

test("S24: threads started by thread-spawn have globals of their own, and instances are used again", async () => {
  const system = new TestSystem();
  const a = system.component("a", SPAWNING);
  await run(system, a);
  deepEqual(logged(system, "a"), SPAWNED);
  equal(a.component.threads.length, 0);
  ok(a.component.group.instances.length <= 5, "one, and four that are used twice");
  equal(a.cpu.threads.size, 1, "the initial thread, until somebody kills it");
  system.close();
});

test("S24: torture of threads with instances and locks of their own", async () => {
  for (const every of [1, 3, 10]) {
    const system = new TestSystem();
    recreatesEvery(system, every);
    await run(system, system.component("a", SPAWNING));
    deepEqual(logged(system, "a"), SPAWNED, `every ${every}`);
    system.close();
  }
});
