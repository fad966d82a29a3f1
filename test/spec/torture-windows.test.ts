// Torture of code that is written differently with windows: calls and handlers between accesses, values below accesses
// on the operand stack, loops that are written more than once. The limit lies above everything; what lies behind windows
// is tortured in test/windows-torture.test.ts.

import { test } from "node:test";
import { survives } from "../torture.ts";

const CASES: Readonly<Record<string, string>> = {
  "values below an access": `(local.set $a (i32.add (call $tick) (i32.load (i32.and (call $tick) (i32.const 60)))))
    (i32.store offset=8 (i32.const 64) (i32.add (local.get $a) (i32.load8_u (call $id (local.get $a))))) (i32.load offset=8 (i32.const 64))`,
  "accesses around calls and loops": `(local.set $a (i32.const 20)) (loop $l (i32.store (i32.shl (local.get $a) (i32.const 2)) (call $tick))
    (local.set $b (i32.add (local.get $b) (i32.load (i32.shl (local.get $a) (i32.const 2)))))
    (br_if $l (local.tee $a (i32.sub (local.get $a) (i32.const 1))))) (local.get $b)`,
  "a loop that is guarded": `(local.set $a (i32.const 100)) (local.set $b (i32.const 400)) (loop $l (result i32)
    (i32.store8 offset=3 (local.get $b) (local.get $a)) (local.set $b (i32.add (local.get $b) (i32.const 1)))
    (br_if $l (i32.const 7) (local.tee $a (i32.sub (local.get $a) (i32.const 1)))) (drop) (i32.load16_u (i32.const 420)))`,
  "handlers between accesses": `(i32.store (i32.const 8) (i32.const 5)) (block $out (loop $l
    (block $h (try_table (catch_all $h) (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (call $tick)))
      (if (i32.lt_u (i32.load (i32.const 8)) (i32.const 60)) (then (throw $t))) (br $out)))
    (i32.store offset=4 (i32.const 8) (i32.add (i32.load offset=4 (i32.const 8)) (i32.load (i32.const 8)))) (br $l)))
    (i32.load offset=4 (i32.const 8))`,
  "fields behind pointers": `(local.set $a (i32.const 128)) (i32.store (local.get $a) (i32.const 1)) (i64.store offset=8 (local.get $a) (i64.const -2))
    (v128.store offset=16 (local.get $a) (v128.const i32x4 1 2 3 4)) (local.set $b (i32.add (i32.load (local.get $a)) (i32.load offset=24 (local.get $a))))
    (i32.store (call $id (local.get $a)) (local.get $b)) (i32.add (i32.load (local.get $a)) (i32.load8_s offset=9 (local.get $a)))`,
  "bulk operations": `(memory.fill (i32.const 100) (i32.const 7) (i32.const 9000)) (memory.copy (i32.const 105) (i32.const 99) (i32.const 9000))
    (memory.init $s (i32.const 2000) (i32.const 1) (i32.const 3)) (memory.copy (i32.const 90) (i32.const 1999) (i32.const 40)) (i32.add (i32.load (i32.const 92)) (memory.grow (i32.const 1)))`,
};

const HEAD = `(memory (export "memory") 1 4) (tag $t) (data $s "abcdef") (global $ticks (mut i32) (i32.const 0))
  (func $tick (result i32) (loop) (global.set $ticks (i32.add (global.get $ticks) (i32.const 1))) (global.get $ticks))
  (func $id (param i32) (result i32) (loop) (local.get 0))`;

for (const favour of ["memory", "pool", "both"] as const) {
  for (const [name, body] of Object.entries(CASES)) {
    test(`windows that favour ${favour}: ${name}`, () => {
      const text = `(module ${HEAD} (func (export "f") (result i32) (local $a i32) (local $b i32) ${body}))`;
      survives(text, { options: { windows: { favour }, growth: true }, points: 0 });
    });
  }
}
