// Programs of WASI in text, for what no program of apps/ does in a tree.
//
// SPAWNING, a program of thread-spawn: workers that share a mutex of atomic waits, wait with limits, grow the memory they share, and
// change the table of their own instance. What it prints depends on nothing but how many rounds there are.
import { assemble } from "../assemble.ts";

/** Words: 64 mutex, 68 sum, 72 finished workers, 76 turns, 80 waits that ran out. */
export const SPAWNING = assemble(`(module
  (import "env" "memory" (memory 1 64 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (type $step (func (param i32) (result i32)))
  (table $steps 2 16 funcref)
  (elem $spare func $one $three)
  (elem (table $steps) (i32.const 0) func $one $two)
  (tag $over (param i32))
  (global $own (mut i32) (i32.const 0))
  (func $one (type $step) (i32.add (local.get 0) (i32.const 1)))
  (func $two (type $step) (return_call $one (i32.add (local.get 0) (i32.const 1))))
  (func $three (type $step) (return_call_indirect $steps (type $step) (i32.add (local.get 0) (i32.const 2)) (i32.const 0)))

  (func $lock
    (loop $again
      (if (i32.atomic.rmw.cmpxchg (i32.const 64) (i32.const 0) (i32.const 1)) (then
        (drop (memory.atomic.wait32 (i32.const 64) (i32.const 1) (i64.const -1)))
        (br $again)))))
  (func $unlock
    (i32.atomic.store (i32.const 64) (i32.const 0))
    (drop (memory.atomic.notify (i32.const 64) (i32.const 1))))

  ;; Adds in vectors, deep in a recursion, and throws what comes out.
  (func $deep (param $n i32) (param $v v128)
    (if (i32.eqz (local.get $n)) (then (throw $over (i32x4.extract_lane 2 (local.get $v)))))
    (call $deep (i32.sub (local.get $n) (i32.const 1)) (i32x4.add (local.get $v) (i32x4.splat (local.get $n)))))

  ;; A worker's rounds; each has its own instance's table and segments in the hand.
  (func (export "wasi_thread_start") (param $id i32) (param $number i32) (local $i i32) (local $got i32)
    (table.init $steps $spare (i32.const 1) (i32.const 1) (i32.const 1))
    (elem.drop $spare)
    (drop (table.grow $steps (ref.func $two) (local.get $number)))
    (loop $round
      ;; a wait that nobody ends, of 0.2 ms
      (if (i32.eq (memory.atomic.wait32 (i32.const 96) (i32.const 0) (i64.const 200000)) (i32.const 2))
        (then (drop (i32.atomic.rmw.add (i32.const 80) (i32.const 1)))))
      (global.set $own (call_indirect $steps (type $step) (global.get $own) (i32.rem_u (local.get $i) (table.size $steps))))
      (local.set $got (block $caught (result i32)
        (try_table (catch $over $caught) (call $deep (i32.const 20) (i32x4.splat (local.get $number))))
        (i32.const 0)))
      (call $lock)
      (i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (i32.add (global.get $own) (local.get $got))))
      (if (i32.eqz (i32.and (local.get $i) (i32.const 3))) (then
        (memory.fill (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)) (local.get $number) (i32.const 5000))))
      (call $unlock)
      ;; whose turn it is goes round
      (drop (i32.atomic.rmw.add (i32.const 76) (i32.const 1)))
      (drop (memory.atomic.notify (i32.const 76) (i32.const -1)))
      (br_if $round (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (drop (i32.atomic.rmw.add (i32.const 72) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 72) (i32.const -1))))

  (func $digit (param $at i32) (param $value i32)
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10))))
    (if (i32.ge_u (local.get $value) (i32.const 10))
      (then (call $digit (i32.sub (local.get $at) (i32.const 1)) (i32.div_u (local.get $value) (i32.const 10))))))
  ;; Prints a number in eight places.
  (func $print (param $value i32)
    (memory.fill (i32.const 128) (i32.const 32) (i32.const 8))
    (i32.store8 (i32.const 136) (i32.const 10))
    (call $digit (i32.const 135) (local.get $value))
    (i32.store (i32.const 100) (i32.const 128))
    (i32.store (i32.const 104) (i32.const 9))
    (drop (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 108))))

  (func (export "_start") (local $seen i32) (local $at i32) (local $sum i32)
    (drop (call $spawn (i32.const 1)))
    (drop (call $spawn (i32.const 2)))
    (loop $again
      (if (i32.lt_u (local.tee $seen (i32.atomic.load (i32.const 72))) (i32.const 2)) (then
        (drop (memory.atomic.wait32 (i32.const 72) (local.get $seen) (i64.const 700000)))
        (br $again))))
    (call $print (i32.load (i32.const 68)))
    (call $print (i32.load (i32.const 76)))
    (call $print (i32.load (i32.const 80)))
    (call $print (memory.size))
    (loop $bytes
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (i32.const 65536) (local.get $at)))))
      (br_if $bytes (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (i32.mul (i32.sub (memory.size) (i32.const 1)) (i32.const 65536)))))
    (call $print (local.get $sum))
    (call $exit (i32.const 7))))`);

/** Grows by 1 MiB, three times, whether its quota suffices or not: what it needs is asked of its parent. */
export const GROWING = assemble(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "grown 0\\n")
  (func (export "_start") (local $i i32) (local $at i32)
    (loop $again
      (local.set $at (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)))
      (memory.fill (local.get $at) (i32.const 7) (i32.const 1048576))
      (i32.store8 (i32.const 70) (i32.add (i32.const 48) (i32.and (i32.const 1) (i32.load8_u (i32.add (local.get $at) (i32.const 1048575))))))
      (i32.store8 (i32.const 70) (i32.add (i32.load8_u (i32.const 70)) (local.get $i)))
      (i32.store (i32.const 0) (i32.const 64))
      (i32.store (i32.const 4) (i32.const 8))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))))`);
