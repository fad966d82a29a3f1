// A component whose threads are started by `thread-spawn`.
import assert from "node:assert/strict";
import type { LoadOptions } from "../../src/session/index.ts";
import { assemble } from "../assemble.ts";
import { logged } from "./guest-code.ts";
import type { TestComponentOptions, TestSystem } from "./kernel-system.ts";
import { until } from "./until.ts";

/**
 * Starts four threads. Each has a global of its own, adds its argument to a sum under a lock, and tells that it is done;
 * the first waits for all and logs the sum, then does the same again, so that instances are used anew.
 */
const spawning = (more = "") =>
  assemble(`(module
  (import "env" "memory" (memory 2 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "rtcr_kernel_v1" "call" (func $call (param i32 i32 i32) (result i32)))
  (global $own (mut i32) (i32.const 0))
  ${more} (data $text "...")
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

export const SPAWNING = spawning();
/** Programs that do the same, and whose threads are all on one CPU: why, and how they are loaded. */
export const TOGETHER: Readonly<Record<string, readonly [program: Uint8Array, load?: LoadOptions]>> = {
  "it has windows": [SPAWNING, { windows: true }],
  "it has more than one memory": [spawning("(memory 1 1 shared)")],
  "its instantiation writes data (active segments)": [spawning('(data (i32.const 65000) "x")')],
};

/** How often each thread of GROWING grows the memory. */
export const GROWTHS = 100;

/** What it logs. */
export const SPAWNED = [100, 100, 9];

/**
 * Starts `threads` threads that count for ever, each its own word, from 256 on; the first counts at 64.
 *
 * @param first what each does before, with its number, from 1 on, in `$number`
 */
export function spinning(threads: number, first = ""): Uint8Array {
  const spawns = Array.from({ length: threads }, (_, i) => `(drop (call $spawn (i32.const ${i + 1})))`);
  return assemble(`(module
  (import "env" "memory" (memory 2 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func $count (param $at i32)
    (loop $again (drop (i32.atomic.rmw.add (local.get $at) (i32.const 1))) (br $again)))
  (func (export "wasi_thread_start") (param $id i32) (param $number i32)
    ${first}
    (call $count (i32.add (i32.const 252) (i32.shl (local.get $number) (i32.const 2)))))
  (func (export "rtcr_component_start") ${spawns.join(" ")} (call $count (i32.const 64))))`);
}

/**
 * Three threads, the first with them, grow the memory by a page each time, all at once; each counts at 1024 + 4 * page how
 * often it was told of that page. Those that are done are counted at 68.
 */
export const GROWING = assemble(`(module
  (import "env" "memory" (memory 2 2000 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func $grow (local $i i32) (local $page i32)
    (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1)))
    (loop $wait (br_if $wait (i32.lt_u (i32.atomic.load (i32.const 64)) (i32.const 3))))
    (loop $again
      (if (i32.gt_s (local.tee $page (memory.grow (i32.const 1))) (i32.const 0)) (then
        (drop (i32.atomic.rmw.add (i32.add (i32.const 1024) (i32.shl (local.get $page) (i32.const 2))) (i32.const 1)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${GROWTHS}))))
    (drop (i32.atomic.rmw.add (i32.const 68) (i32.const 1))))
  (func (export "wasi_thread_start") (param $id i32) (param $argument i32) (call $grow))
  (func (export "rtcr_component_start") (drop (call $spawn (i32.const 1))) (drop (call $spawn (i32.const 2))) (call $grow)))`);

/**
 * Runs SPAWNING to its end; what `atPoint` says counts.
 *
 * @returns the component, and the CPUs that its threads have been on
 */
export async function runSpawning(system: TestSystem, options: TestComponentOptions, program: Uint8Array = SPAWNING) {
  const { kernel } = system;
  const seen = new Set<number>();
  const { atPoint } = kernel;
  kernel.everyPoint = true;
  kernel.atPoint = (component, at) => {
    for (const { cpu } of component.threads) seen.add(cpu);
    return atPoint(component, at);
  };
  const a = system.component("a", program, options);
  a.start("main");
  await until(() => logged(system, "a").length >= SPAWNED.length && a.component.parts.standing === 0);
  assert.deepEqual(logged(system, "a"), SPAWNED);
  return { component: a.component, seen: [...seen].sort() };
}
