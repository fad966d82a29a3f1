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

const MANY = 60;
/** Begins MANY threads that are all there at once; says how many it has got when all of those have been seen. */
const CROWD = assemble(`(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (data (i32.const 128) "00 threads\\n")
  (func (export "wasi_thread_start") (param i32 i32)
    (drop (i32.atomic.rmw.add (i32.const 72) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 72) (i32.const 1)))
    (drop (memory.atomic.wait32 (i32.const 76) (i32.const 0) (i64.const -1))))
  (func (export "_start") (local $i i32) (local $got i32) (local $seen i32)
    (loop $begin
      (local.set $got (i32.add (local.get $got) (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0))))
      (br_if $begin (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${MANY}))))
    (loop $again
      (if (i32.lt_u (local.tee $seen (i32.atomic.load (i32.const 72))) (local.get $got)) (then
        (drop (memory.atomic.wait32 (i32.const 72) (local.get $seen) (i64.const -1)))
        (br $again))))
    (i32.store8 (i32.const 128) (i32.add (i32.const 48) (i32.div_u (local.get $got) (i32.const 10))))
    (i32.store8 (i32.const 129) (i32.add (i32.const 48) (i32.rem_u (local.get $got) (i32.const 10))))
    (i32.store (i32.const 80) (i32.const 128))
    (i32.store (i32.const 84) (i32.const 11))
    (drop (call $write (i32.const 1) (i32.const 80) (i32.const 1) (i32.const 88)))
    (call $exit (i32.const 0))))`);

const CROWDED: RigOptions = { ...OPTIONS, children: [{ name: "crowd" }], binaries: { crowd: CROWD } };

test("S24, S66: a program that begins many threads gets them: its CPU session is upgraded from its own quota", async () => {
  const { lines, points } = await undisturbed(CROWDED);
  assert.deepEqual(lines, [`[crowd] ${MANY} threads`]);
  for (const part of [0.2, 0.5, 0.7, 0.95]) {
    assert.deepEqual(await continued(CROWDED, Math.round(points * part)), lines);
  }
});

test("S24, S14: it gets no more of them than its own quota allows, and goes on", async () => {
  const { lines } = await undisturbed({ ...CROWDED, quota: 'caps="100" ram="900K"' });
  const [, found] = /^\[crowd\] (\d\d) threads$/.exec(lines.join()) ?? [];
  assert.ok(Number(found) > 4 && Number(found) < MANY, lines.join());
});
