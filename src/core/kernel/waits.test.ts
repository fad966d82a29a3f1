// Atomic waits as the kernel keeps them while the engine has not yet said what has become of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../test/assemble.ts";
import { TestSystem } from "../../../test/support/kernel-system.ts";
import { closeWithTest } from "../../../test/support/left-open.ts";
import { until } from "../../../test/support/until.ts";
import type { KernelThread } from "./thread.ts";

/** The first thread waits at 64 for ever; the other one notifies it, notes at 68 how many there were, and counts at 72. */
const NOTIFIES = assemble(`(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func (export "wasi_thread_start") (param i32 i32)
    (i32.store (i32.const 68) (memory.atomic.notify (i32.const 64) (i32.const 1)))
    (loop $again (drop (i32.atomic.rmw.add (i32.const 72) (i32.const 1))) (br $again)))
  (func (export "rtcr_component_start")
    (drop (call $spawn (i32.const 0)))
    (drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1)))
    (i32.store (i32.const 76) (i32.const 1))))`);

test("S24, S26, S88: a state says of a wait that has just been notified that it is over", async () => {
  const system = new TestSystem();
  const { kernel } = system;
  closeWithTest(kernel);
  const a = system.component("a", NOTIFIES);
  const { words } = a.component;
  let state: Record<string, unknown> | undefined;
  kernel.everyPoint = true;
  kernel.scheduler.between = () => {
    if (state || words[17] !== 1) return; // nothing that the engine tells can have come since
    const taken = main.state();
    assert(taken.ok);
    state = taken.value.saved as Record<string, unknown>;
  };
  const main = a.start("main") as KernelThread;
  await until(() => state !== undefined);
  assert.deepEqual([state!["waiting"], state!["outcome"]], [undefined, 0]);
  await until(() => words[19] === 1);
  system.close();
});
