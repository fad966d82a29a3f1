// Threads that a program makes by `thread-spawn`, without a call of its CPU session: they are held, recorded and restored
// like all others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../assemble.ts";
import { continued, Rig, type RigOptions, undisturbed } from "./rig.ts";

/**
 * Two threads, each with a global of its own, add up in turns; the first waits until both have, and says whether the sum
 * is right.
 */
const ADDERS = assemble(`(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (global $own (mut i32) (i32.const 0))
  (data (i32.const 128) "right\\nwrong\\n")
  (func (export "wasi_thread_start") (param $id i32) (param $argument i32) (local $i i32)
    (loop $count
      (global.set $own (i32.add (global.get $own) (local.get $argument)))
      (br_if $count (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))
    (drop (i32.atomic.rmw.add (i32.const 68) (global.get $own)))
    (drop (i32.atomic.rmw.add (i32.const 72) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 72) (i32.const 1))))
  (func (export "_start") (local $seen i32)
    (drop (call $spawn (i32.const 1)))
    (drop (call $spawn (i32.const 100)))
    (loop $again
      (if (i32.lt_u (local.tee $seen (i32.atomic.load (i32.const 72))) (i32.const 2)) (then
        (drop (memory.atomic.wait32 (i32.const 72) (local.get $seen) (i64.const -1)))
        (br $again))))
    (i32.store (i32.const 80) (select (i32.const 128) (i32.const 134) (i32.eq (i32.load (i32.const 68)) (i32.const 2020000))))
    (i32.store (i32.const 84) (i32.const 6))
    (drop (call $write (i32.const 1) (i32.const 80) (i32.const 1) (i32.const 88)))
    (call $exit (i32.const 0))))`);

const OPTIONS: RigOptions = {
  children: [{ name: "adders" }],
  binaries: { adders: ADDERS },
  strategy: "direct",
  slice: 3,
};

test("S24, S82: threads of thread-spawn are in checkpoints, and gone from them when they have ended", async () => {
  const { points } = await undisturbed(OPTIONS);
  const counts = new Set<number>();
  for (let point = 1; point < points; point++) {
    const rig = new Rig(OPTIONS);
    if (await rig.run(point)) counts.add(rig.rtcr.checkpoint("now").system.children[0]?.cpu.threads.length ?? 0);
    rig.close();
  }
  assert.deepEqual([...counts].sort(), [1, 2, 3]);
});

test("S24, S82: wherever it is stopped, a program with threads of thread-spawn goes on with all of them", async () => {
  const { lines, points } = await undisturbed(OPTIONS);
  assert.deepEqual(lines, ["[adders] right"]);
  for (let point = 1; point < points; point++) {
    assert.deepEqual(await continued(OPTIONS, point), lines, `point ${point} of ${points}`);
  }
});
