// What nobody lets run does not run, on whatever CPU it comes to be.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KernelThread } from "../../src/core/kernel/index.ts";
import { counter, machine, until } from "../support/cpus.ts";
import { log, logged } from "../support/guest-code.ts";
import { runSpawning } from "../support/spawn-module.ts";

/** Counts at 64 for ever. */
const SPIN = `(func (export "rtcr_component_start")
  (loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l)))`;

test("S25, S28: on a CPU that is first needed while nothing is to run nothing runs until something may", async () => {
  const system = await machine(2);
  const { scheduler } = system.kernel;
  scheduler.freeze();
  const a = system.component("a", SPIN, { cpu: 1 });
  const thread = a.start("main") as KernelThread;
  assert.deepEqual([thread.cpu, thread.onStack], [1, false]);
  scheduler.resume();
  await until(() => counter(a) > 0);
  system.close();
});

test("S23, S28: a slice that was cut goes on where its component has gone meanwhile", async () => {
  const system = await machine(2);
  const { kernel } = system;
  const a = system.component("a", `(func (export "rtcr_component_start") (call $yield) ${log("(i32.const 7)")})`);
  kernel.everyPoint = true;
  let stopped = false;
  kernel.atPoint = () => {
    if (stopped) return false;
    stopped = true;
    kernel.scheduler.cut();
    kernel.scheduler.freeze();
    return true;
  };
  const thread = a.start("main") as KernelThread;
  await until(() => stopped && !thread.onStack);
  assert.equal(a.component.place(1), undefined);
  kernel.scheduler.resume();
  await until(() => thread.dead);
  assert.deepEqual([thread.cpu, logged(system, "a")], [1, [7]]);
  system.close();
});

test("S23, S28: who stops a system at a safe point is told the CPU of the thread, not of its component", async () => {
  const system = await machine(2);
  const told = new Set<string>();
  system.kernel.atPoint = (component, cpu) => {
    told.add(`component on ${component.cpu}, point on ${cpu}`);
    return false;
  };
  await runSpawning(system, { cpu: 0, cpus: 2 });
  assert.deepEqual([...told].sort(), ["component on 0, point on 0", "component on 0, point on 1"]);
  system.close();
});
