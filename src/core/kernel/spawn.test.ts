// Threads of modules with shared memory (`wasi` `thread-spawn`): an instance each over the same memory.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { assemble } from "../../../test/assemble.ts";
import { logged } from "../../../test/support/guest-code.ts";
import { type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import { until } from "../../../test/support/until.ts";

/**
 * Starts four threads. Each has a global of its own, adds its argument to a sum under a lock, and tells that it is done;
 * the first waits for all and logs the sum, then does the same again, so that instances are used anew.
 */
const MODULE = assemble(`(module
  (import "env" "memory" (memory 2 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "rtcr_kernel_v1" "call" (func $call (param i32 i32 i32) (result i32)))
  (global $own (mut i32) (i32.const 0))
  (data $text "...")
  (func $start (drop (i32.atomic.rmw.add (i32.const 96) (i32.const 1))) (data.drop $text))
  (start $start)
  (func $lock
    (loop $again
      (if (i32.atomic.rmw.cmpxchg (i32.const 64) (i32.const 0) (i32.const 1)) (then
        (drop (memory.atomic.wait32 (i32.const 64) (i32.const 1) (i64.const -1)))
        (br $again)))))
  (func $unlock (i32.atomic.store (i32.const 64) (i32.const 0)) (drop (memory.atomic.notify (i32.const 64) (i32.const 1))))
  (func (export "wasi_thread_start") (param $id i32) (param $argument i32) (local $i i32)
    (loop $count
      (global.set $own (i32.add (global.get $own) (local.get $argument)))
      (br_if $count (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))
    (call $lock)
    (i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (global.get $own)))
    (call $unlock)
    (drop (i32.atomic.rmw.add (i32.const 72) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 72) (i32.const 1))))
  (func $round (local $i i32) (local $seen i32)
    (i32.store (i32.const 68) (i32.const 0)) (i32.store (i32.const 72) (i32.const 0))
    (loop $begin
      (drop (call $spawn (i32.add (local.get $i) (i32.const 1))))
      (br_if $begin (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (loop $again
      (if (i32.lt_u (local.tee $seen (i32.atomic.load (i32.const 72))) (i32.const 4)) (then
        (drop (memory.atomic.wait32 (i32.const 72) (local.get $seen) (i64.const -1)))
        (br $again))))
    (call $log (i32.load (i32.const 68))))
  (func $log (param $value i32) (local $i i32) (local $digit i32)
    (i32.store (i32.const 2048) (i32.const 12)) (i32.store (i32.const 2052) (i32.const 0)) (i32.store (i32.const 2088) (i32.const 8))
    (loop $next
      (local.set $digit (i32.and (i32.shr_u (local.get $value) (i32.sub (i32.const 28) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 15)))
      (i32.store8 offset=2092 (local.get $i)
        (i32.add (local.get $digit) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (drop (call $call (i32.const 1) (i32.const 0) (i32.const 2048))))
  (func (export "rtcr_component_start") (call $round) (call $round) (call $log (i32.load (i32.const 96)))))`);

const EXPECTED = [100, 100, 9];

/** The engine says in its own time which of its waiters were woken. */
async function run(system: TestSystem, component: TestComponent): Promise<void> {
  component.start("main");
  await until(() => logged(system, "a").length >= EXPECTED.length);
}

test("S24: threads started by thread-spawn have globals of their own, and instances are used again", async () => {
  const system = new TestSystem();
  const a = system.component("a", MODULE);
  await run(system, a);
  deepEqual(logged(system, "a"), EXPECTED);
  equal(a.component.threads.length, 0);
  ok(a.component.group.instances.length <= 5, "one, and four that are used twice");
  equal(a.cpu.threads.size, 1, "the initial thread, until somebody kills it");
  system.close();
});

test("S24: torture of threads with instances and locks of their own", async () => {
  for (const every of [1, 3, 10]) {
    const system = new TestSystem();
    let points = 0;
    let due = false;
    system.kernel.everyPoint = true;
    system.kernel.atPoint = () => (due = ++points % every === 0);
    system.kernel.scheduler.between = () => {
      if (!due) return;
      due = false;
      for (const component of system.kernel.components) {
        component.recreate((saved) => deserialize(serialize(saved)));
      }
    };
    await run(system, system.component("a", MODULE));
    deepEqual(logged(system, "a"), EXPECTED, `every ${every}`);
    system.close();
  }
});
