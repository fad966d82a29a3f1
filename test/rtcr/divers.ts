// A program whose threads of `thread-spawn` wait in deep stacks, all at once, and say so when they have come back.
import { assemble } from "../assemble.ts";
import type { RigOptions } from "./rig.ts";

export const DIVERS = 4;
const DEPTH = 1_500;
const KEPT = Array.from({ length: 8 }, (_, i) => `(i64.extend_i32_u (i32.add (local.get 0) (i32.const ${i})))`);

const PROGRAM = assemble(`(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (data (i32.const 128) "back\\n")
  (func $count (param i32)
    (drop (i32.atomic.rmw.add (local.get 0) (i32.const 1)))
    (drop (memory.atomic.notify (local.get 0) (i32.const 1))))
  (func $await (param $at i32) (local $seen i32)
    (loop $again
      (if (i32.lt_u (local.tee $seen (i32.atomic.load (local.get $at))) (i32.const ${DIVERS})) (then
        (drop (memory.atomic.wait32 (local.get $at) (local.get $seen) (i64.const -1)))
        (br $again)))))
  (func $deep (param i32) (result i64)
    (if (i32.eqz (local.get 0)) (then
      (call $count (i32.const 72))
      (drop (memory.atomic.wait32 (i32.const 76) (i32.const 0) (i64.const -1)))))
    ${KEPT.join(" ")} (if (result i64) (local.get 0)
      (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i64.const 1)))
    ${"(i64.add) ".repeat(KEPT.length)})
  (func (export "wasi_thread_start") (param i32 i32)
    (drop (call $deep (i32.const ${DEPTH})))
    (call $count (i32.const 80)))
  (func (export "_start") (local $i i32)
    (loop $begin
      (drop (call $spawn (i32.const 0)))
      (br_if $begin (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${DIVERS}))))
    (call $await (i32.const 72))
    (i32.atomic.store (i32.const 76) (i32.const 1))
    (drop (memory.atomic.notify (i32.const 76) (i32.const -1)))
    (call $await (i32.const 80))
    (i32.store (i32.const 84) (i32.const 128))
    (i32.store (i32.const 88) (i32.const 5))
    (drop (call $write (i32.const 1) (i32.const 84) (i32.const 1) (i32.const 92)))
    (call $exit (i32.const 0))))`);

/** A child that is such a program. */
export const DIVING: RigOptions = { children: [{ name: "divers" }], binaries: { divers: PROGRAM }, strategy: "direct" };

/** What the frames of one of them are charged as, at least. */
export const DIVER_BYTES = DEPTH * 8 * KEPT.length;
