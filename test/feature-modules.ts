// Small valid modules that together use every section and every feature of module structure in WebAssembly 3.0.
// Tests of decoding read them, fuzzing changes them.

import { assemble, assembleWithBinaryen, bytes } from "./assemble.ts";

/** By feature. */
export const FEATURES: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  empty: bytes(),
  "MVP with every section": assemble(`(module $every
    (type $t (func (param i32) (result i32)))
    (import "env" "log" (func $log (param i32)))
    (import "env" "base" (global $base i32))
    (func $f (type $t) (local i32 i32 f64) (call $log (local.get 0)) (call_indirect (type $t) (local.get 0) (i32.const 1)))
    (func $start)
    (table 2 10 funcref)
    (memory 1 2)
    (global $g (mut i32) (i32.const -7))
    (export "f" (func $f)) (export "memory" (memory 0)) (export "g" (global $g)) (export "table" (table 0))
    (start $start)
    (elem (i32.const 0) $f $start)
    (data (i32.const 16) "hello\\00world"))`),
  "imports of every kind": assemble(`(module
    (import "m" "f" (func (param i64 f32)))
    (import "m" "t" (table 1 2 externref))
    (import "m" "m" (memory 1 1 shared))
    (import "m" "g" (global (mut f64)))
    (import "m" "e" (tag (param i32 i64))))`),
  exceptions: assemble(`(module
    (tag $e (param i32)) (tag $n)
    (func (export "f") (result i32)
      (block $h (result i32) (try_table (catch $e $h) (throw $e (i32.const 3))) (unreachable)))
    (func (block $h (result exnref) (try_table (catch_all_ref $h) (throw $n)) unreachable) (throw_ref))
    (export "e" (tag $e)))`),
  "legacy exceptions": assemble(`(module (tag $e (param i32))
    (func (result i32) (try (result i32) (do (throw $e (i32.const 1))) (catch $e) (catch_all (i32.const 2)))))`),
  "reference types and segments": assemble(`(module
    (table $a 3 funcref) (table $b 3 externref) (table $c 3 funcref)
    (func $f) (func $g (param externref) (result externref) (local.get 0))
    (elem (table $a) (i32.const 0) func $f $g)
    (elem (table $c) (i32.const 1) funcref (ref.func $f) (ref.null func))
    (elem func $f)
    (elem externref (ref.null extern))
    (elem declare func $g)
    (elem declare funcref (ref.func $g))
    (func (table.init $c 2 (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop 2) (drop (ref.func $g))))`),
  "bulk memory": assemble(`(module (memory 1)
    (data $p "passive") (data (i32.const 4) "active")
    (func (memory.init $p (i32.const 0) (i32.const 0) (i32.const 7)) (data.drop $p)))`),
  "several memories": assembleWithBinaryen(`(module (memory $a 1) (memory $b 2 3) (memory $c 0)
    (data (memory $b) (i32.const 8) "b")
    (func (memory.copy $b $a (i32.const 0) (i32.const 0) (i32.const 4)) (drop (i32.load $b (i32.const 0)))))`),
  "64-bit memory": assemble(
    `(module (memory i64 1 4) (data (i64.const 8) "x") (func (drop (i32.load (i64.const 0)))))`,
  ),
  "64-bit table":
    assembleWithBinaryen(`(module (table $t i64 1 9 funcref) (elem $e (table $t) (i64.const 0) func $f) (func $f)
    (export "t" (table $t)))`),
  "table with initial value": assembleWithBinaryen(
    `(module (table $t 2 (ref func) (ref.func $f)) (func $f) (export "t" (table $t)))`,
  ),
  "shared memory": assemble(`(module (memory 1 2 shared) (func (drop (i32.atomic.load (i32.const 0)))))`),
  "constant expressions": assemble(`(module
    (import "m" "g" (global $i i32))
    (import "m" "h" (global $l i64))
    (func $f)
    (global i32 (i32.mul (i32.add (global.get $i) (i32.const 3)) (i32.sub (i32.const -1) (global.get $i))))
    (global i64 (i64.sub (i64.mul (i64.const 0x7fffffffffffffff) (global.get $l)) (i64.add (global.get $l) (i64.const 1))))
    (global f32 (f32.const nan:0x200000)) (global f64 (f64.const -0))
    (global v128 (v128.const i32x4 1 2 3 4))
    (global funcref (ref.func $f)) (global externref (ref.null extern))
    (memory 1) (data (i32.add (global.get $i) (i32.const 1)) "x"))`),
  "function references": assembleWithBinaryen(`(module
    (type $f (func (param i32) (result i32)))
    (global $g (ref $f) (ref.func $id)) (global $n (ref null $f) (ref.null nofunc))
    (func $id (type $f) (local.get 0))
    (func (export "call") (param (ref null $f)) (result i32) (local $l (ref null $f))
      (call_ref $f (i32.const 4) (local.get 0)))
    (export "g" (global $g)) (export "n" (global $n)))`),
  "recursion groups": assembleWithBinaryen(`(module
    (rec (type $a (func (param (ref null $b)))) (type $b (func (param (ref null $a)) (result i32))))
    (rec (type $c (sub (func (param i32)))) (type $d (sub final $c (func (param i32)))))
    (import "m" "x" (func (type $d)))
    (func (export "a") (type $a)) (func (export "b") (type $b) (i32.const 1)) (func (export "c") (type $c)))`),
  "SIMD and tail calls": assemble(`(module
    (func $f (param v128 i32) (result v128)
      (return_call $f (i8x16.add (local.get 0) (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)) (local.get 1))))`),
  "custom sections": assemble(`(module
    (@custom "first" (before type) "1") (@custom "middle" (after import) "2") (@custom "last" (after data) "")
    (type (func)) (import "" "" (func (type 0))) (func (type 0)) (memory 1) (data (i32.const 0) "x"))`),
  names: assemble(`(module $m (func $first (param $x i32) (local $y i64)) (func $second))`),
  "padded numbers": bytes(
    "1: 82 80 00 60 81 00 7f 80 00 60 00 00",
    "3: 82 00 80 00 81 80 00",
    "5: 81 00 01 80 00 82 80 00",
    "9: 81 00 83 80 00 00 81 00 80 00",
    "12: 81 00",
    "10: 82 00 83 00 80 00 0b 82 00 00 0b",
    "11: 81 00 80 00 41 80 00 0b 82 00 'ab'",
  ),
};

/** A valid module of garbage-collected objects, which rtcr refuses by name: every constant and form of type. */
export const GARBAGE_COLLECTED: Uint8Array<ArrayBuffer> = assembleWithBinaryen(`(module
  (rec
    (type $s (sub (struct (field i32) (field (mut i8)) (field (ref null $s)))))
    (type $a (array (mut i16)))
    (type $sub (sub final $s (struct (field i32) (field (mut i8)) (field (ref null $s)) (field (ref $a))))))
  (type $f (func (param anyref (ref $s)) (result eqref)))
  (import "m" "any" (global $any anyref))
  (global $g1 (export "g1") (ref $a) (array.new $a (i32.const 1) (i32.const 2)))
  (global $g2 (export "g2") (ref $a) (array.new_fixed $a 2 (i32.const 1) (i32.const 2)))
  (global $g3 (export "g3") (ref null $s) (struct.new_default $s))
  (global $g4 (export "g4") (ref $sub) (struct.new $sub (i32.const 1) (i32.const 2) (ref.null none) (array.new_default $a (i32.const 9))))
  (global $g5 (export "g5") i31ref (ref.i31 (i32.const 3)))
  (global $g6 (export "g6") externref (extern.convert_any (global.get $any)))
  (table $t (export "t") 1 (ref null struct))
  (elem $e (ref null i31) (item (ref.i31 (i32.const 1))))
  (func (export "f") (type $f) (local (ref null array)) (ref.null none)))`);
