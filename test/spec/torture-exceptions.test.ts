// Exceptions across freezes: thrown through frames that were thawed, caught by handlers of outer frames, references
// alive across calls, and the legacy instructions as compilers still write them.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostImports } from "../../src/abi/index.ts";
import { loadProgram } from "../../src/core/program.ts";
import { captureGroup, EngineFault, Group } from "../../src/engine/index.ts";
import { assemble } from "../assemble.ts";
import { type Case, Scenario, survives, survivesLinked } from "../torture.ts";

type Row = readonly [what: string, functions: string, options?: Case];

/** A module with tags, a counter that polls, and the functions of a case; `f` is called. */
function module(functions: string): string {
  return `(module (tag $e (param i32)) (tag $n) (tag $m (param i64 f64)) (tag $u (param i32))
    (global $ticks (mut i32) (i32.const 0)) (memory (export "memory") 1)
    (func $tick (result i32) (loop) (global.set $ticks (i32.add (global.get $ticks) (i32.const 1))) (global.get $ticks))
    (func $nothing (loop))
    (func $id (param i32) (result i32) (loop) (local.get 0))
    (func $throws (param i32) (loop) (throw $e (i32.add (local.get 0) (call $tick))))
    (func $throws_m (throw $m (i64.const 5) (f64.const 2.5)))
    ${functions})`;
}

// biome-ignore format: one line a case
const NEW: readonly Row[] = [
  ["caught behind a call", `(func (export "f") (result i32) (block $h (result i32) (try_table (catch $e $h) (call $throws (i32.const 40))) (unreachable)) (i32.add (call $tick)))`, { result: 43 }],
  ["operands below the try", `(func (export "f") (result i32) (call $tick) (block $h (result i32) (call $tick) (try_table (catch $e $h) (call $nothing) (call $throws (i32.const 40))) (drop) (unreachable)) (i32.add (call $tick)) (i32.add))`],
  ["a try with parameters and results", `(func (export "f") (result i32) (call $tick) (block $h (param i32) (result i32) (try_table (param i32) (result i32) (catch $e $h) (i32.add (call $tick)))) (i32.add (call $tick)))`, { result: 6 }],
  ["through frames without handlers", `(func $mid (param i32) (result i32) (local i32) (local.set 1 (call $tick)) (call $throws (local.get 0)) (local.get 1))
     (func $deep (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (call $tick))) (else (call $mid (i32.const 5)))))
     (func (export "f") (result i32) (local i32) (local.set 0 (call $tick)) (block $h (result i32) (try_table (catch $e $h) (drop (call $deep (i32.const 4)))) (unreachable)) (i32.add (local.get 0)))`],
  ["handlers inside and outside", `(func $g (param i32) (result i32) (block $h (result i32) (try_table (catch $e $h) (call $throws (local.get 0))) (unreachable)) (call $nothing) (throw $e (i32.add (i32.const 100))))
     (func (export "f") (result i32) (block $h (result i32) (try_table (result i32) (catch $e $h) (call $g (i32.const 1)))) (i32.add (call $tick)))`],
  ["catch_all", `(func (export "f") (result i32) (block $h (try_table (catch $n $h) (catch_all $h) (call $throws_m)) (unreachable)) (call $tick))`, { result: 1 }],
  ["a freeze passes catch_all and catch_all_ref", `(func (export "f") (result i32) (block $h (block $g (result exnref) (try_table (catch_all_ref $g) (try_table (catch_all $h) (call $nothing) (drop (call $tick)) (call $nothing))) (return (i32.const 7))) (drop)) (i32.const 8))`, { result: 7 }],
  ["several payloads", `(func (export "f") (result f64) (local i64) (block $h (result i64 f64) (try_table (catch $m $h) (call $throws_m)) (unreachable)) (call $nothing) (local.set 1) (f64.add (f64.convert_i64_s)) (local.get 1))`.replace("(local i64)", "(local f64)").replaceAll("(local.set 1)", "(local.set 0)").replace("(f64.add (f64.convert_i64_s)) (local.get 1)", "(f64.convert_i64_s) (f64.add (local.get 0))"), { result: 7.5 }],
  ["exnref in a local across calls", `(func (export "f") (result i32) (local $x exnref) (block $h (result i32 exnref) (try_table (catch_ref $e $h) (call $throws (i32.const 40))) (unreachable)) (local.set $x) (call $nothing) (drop) (block $h (result i32) (try_table (catch $e $h) (call $nothing) (throw_ref (local.get $x))) (unreachable)) (i32.add (call $tick)))`, { result: 43 }],
  ["exnref as an operand below a call", `(func (export "f") (result i32) (block $h (result i32) (try_table (catch $e $h) (block $g (result exnref) (try_table (catch_all_ref $g) (call $throws (i32.const 9))) (unreachable)) (call $nothing) (throw_ref)) (unreachable)))`, { result: 10 }],
  ["exnref of several payloads", `(func (export "f") (result i64 f64) (local $x exnref) (block $h (result exnref) (try_table (catch_all_ref $h) (call $throws_m)) (unreachable)) (local.set $x) (call $nothing) (block $h (result i64 f64) (try_table (catch $m $h) (throw_ref (local.get $x))) (unreachable)))`],
  ["null exnref", `(func (export "f") (result i32) (local $x exnref) (call $nothing) (ref.is_null (local.get $x)) (call $nothing) (ref.null exn) (call $nothing) (ref.is_null) (i32.add))`, { result: 2 }],
  ["rethrown in a loop", `(func (export "f") (result i32) (local $i i32) (local $s i32)
     (loop $l (block $h (result i32) (try_table (catch $e $h) (call $throws (local.get $i))) (unreachable)) (local.set $s (i32.add (local.get $s)))
       (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 5)))) (local.get $s))`],
  ["uncaught", `(func (export "f") (call $nothing) (call $throws (i32.const 1)))`],
  ["br out of a try", `(func (export "f") (result i32) (block $o (result i32) (try_table (catch_all 0) (br $o (call $tick))) (unreachable)) (i32.add (call $tick)))`.replace("(block $o (result i32) (try_table (catch_all 0)", "(block $o (result i32) (block $h (try_table (catch_all $h)").replace("(unreachable))", "(unreachable)) (unreachable))"), { result: 3 }],
  ["exnref with a v128", `(tag $v (param v128)) (func (export "f") (result i32) (local $x exnref) (local.set $x (block $h (result exnref) (try_table (catch_all_ref $h) (throw $v (v128.const i32x4 1 -2 3 4))) (unreachable))) (call $nothing) (block $g (result v128) (try_table (catch $v $g) (call $nothing) (throw_ref (local.get $x))) (unreachable)) (i32x4.extract_lane 1))`, { result: -2 }],
  ["exnref with an exnref, and that with another", `(tag $x (param exnref)) (func $wrap (param exnref) (result exnref) (block $h (result exnref) (try_table (catch_all_ref $h) (throw $x (local.get 0))) (unreachable))) (func $unwrap (param exnref) (result exnref) (call $nothing) (block $h (result exnref) (try_table (catch $x $h) (throw_ref (local.get 0))) (unreachable)))
     (func (export "f") (result i32) (local $x exnref) (local.set $x (call $wrap (call $wrap (block $h (result exnref) (try_table (catch_all_ref $h) (call $throws (i32.const 40))) (unreachable))))) (call $nothing) (local.set $x (call $unwrap (call $unwrap (local.get $x)))) (i32.add (ref.is_null (call $unwrap (call $wrap (ref.null exn)))) (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get $x))) (unreachable))))`, { result: 42 }],
  ["exnref with everything that a payload can hold", `(tag $v (param f32 v128 funcref exnref externref f64 funcref i64 exnref i32)) (type $i (func (param i32) (result i32))) (table $t 2 funcref) (elem declare func $id)
     (func (export "f") (result i64) (local $x exnref) (local $a exnref) (local $b exnref) (local $s i64) (local $f funcref)
     (local.set $x (block $h (result exnref) (try_table (catch_all_ref $h) (throw $v (f32.const nan:0x200001) (v128.const i64x2 -1 77) (ref.func $id) (block $g (result exnref) (try_table (catch_all_ref $g) (call $throws_m)) (unreachable)) (ref.null extern) (f64.const -nan:0x4000000000001) (ref.null func) (i64.const 1000) (block $g (result exnref) (try_table (catch_all_ref $g) (throw $v (f32.const 1) (v128.const i64x2 3 5) (ref.null func) (ref.null exn) (ref.null extern) (f64.const 2) (ref.func $id) (i64.const 6) (ref.null exn) (i32.const 7))) (unreachable)) (i32.const 2))) (unreachable)))
     (call $nothing)
     (block $h (result f32 v128 funcref exnref externref f64 funcref i64 exnref i32) (try_table (catch $v $h) (throw_ref (local.get $x))) (unreachable))
     (local.set $s (i64.extend_i32_u)) (local.set $b) (local.set $s (i64.add (local.get $s))) (local.set $f) (table.set $t (i32.const 0) (local.get $f)) (local.set $s (i64.xor (i64.reinterpret_f64) (local.get $s))) (drop) (local.set $a)
     (local.set $f) (table.set $t (i32.const 1) (local.get $f)) (call $nothing) (local.set $s (i64.add (i64x2.extract_lane 1) (local.get $s))) (i32.reinterpret_f32) (local.set $s (i64.add (i64.extend_i32_s) (local.get $s)))
     (call_indirect $t (type $i) (i32.const 50000) (i32.const 1)) (local.set $s (i64.add (i64.extend_i32_s) (local.get $s)))
     (block $h (result f32 v128 funcref exnref externref f64 funcref i64 exnref i32) (try_table (catch $v $h) (throw_ref (local.get $b))) (unreachable))
     (drop) (ref.is_null) (drop) (drop) (drop) (drop) (drop) (drop) (drop) (i64x2.extract_lane 0) (local.set $s (i64.mul (local.get $s))) (drop)
     (block $h (result i64 f64) (try_table (catch $m $h) (throw_ref (local.get $a))) (unreachable)) (drop) (i64.add (local.get $s)))`],
  ["exnref with a v128 in a global and in a table", `(tag $v (param v128 i32)) (global $g (mut exnref) (ref.null exn)) (table $t 1 exnref) (func $lane (param exnref) (result i32) (block $h (result v128 i32) (try_table (catch $v $h) (throw_ref (local.get 0))) (unreachable)) (drop) (i32x4.extract_lane 2))
     (func $make (param i32) (result exnref) (block $h (result exnref) (try_table (catch_all_ref $h) (throw $v (i32x4.splat (local.get 0)) (i32.const 9))) (unreachable)))
     (func (export "f") (result i32) (global.set $g (call $make (i32.const 5))) (call $nothing) (table.set $t (i32.const 0) (call $make (i32.const 7))) (call $nothing) (i32.mul (call $lane (global.get $g)) (call $lane (table.get $t (i32.const 0)))))`, { result: 35 }],
  ["a loop inside a try inside a loop", `(func (export "f") (result i32) (local $i i32) (local $s i32)
     (loop $o (block $h (result i32) (try_table (catch $e $h) (loop $l (local.set $s (i32.add (local.get $s) (call $tick))) (br_if $l (i32.rem_u (local.get $s) (i32.const 4)))) (call $throws (local.get $s))) (unreachable))
       (local.set $s) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $o (i32.lt_u (local.get $i) (i32.const 3)))) (local.get $s))`],
];

// biome-ignore format: one line a case
const LEGACY: readonly Row[] = [
  ["a handler behind a call", `(func (export "f") (result i32) (try (result i32) (do (call $throws (i32.const 40)) (i32.const 0)) (catch $e (i32.add (call $tick)))))`, { result: 43 }],
  ["operands below the try", `(func (export "f") (result i32) (call $tick) (try (result i32) (do (call $nothing) (call $throws (i32.const 40)) (i32.const 0)) (catch $e (i32.add (call $tick)))) (i32.add (call $tick)) (i32.add))`],
  ["a try with parameters", `(func (export "f") (result i32) (call $tick) (try (param i32) (result i32) (do (i32.add (call $tick)) (call $throws (i32.const 3))) (catch $e (call $nothing)) ) (i32.add (call $tick)))`],
  ["catch_all", `(func (export "f") (result i32) (try (result i32) (do (call $throws_m) (i32.const 0)) (catch $e) (catch_all (call $tick))))`, { result: 1 }],
  ["a freeze passes catch_all", `(func (export "f") (result i32) (try (result i32) (do (call $nothing) (call $tick)) (catch_all (i32.const 99))))`, { result: 1 }],
  ["several handlers", `(func $g (param i32) (if (i32.eqz (local.get 0)) (then (throw $n))) (if (i32.eq (local.get 0) (i32.const 1)) (then (call $throws (i32.const 7)))) (call $throws_m))
     (func (export "f") (result i32) (local $i i32) (local $s i32) (loop $l
       (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 10)) (try (result i32) (do (call $g (local.get $i)) (i32.const 9)) (catch $n (call $id (i32.const 1))) (catch $e (drop) (call $id (i32.const 2))) (catch_all (call $id (i32.const 3))))))
       (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 3)))) (local.get $s))`, { result: 123 }],
  ["rethrow, frozen before", `(func (export "f") (result i32) (try (result i32) (do (try (do (call $throws (i32.const 5))) (catch $e (drop) (call $nothing) (rethrow 0))) (i32.const 0)) (catch $e (i32.add (call $tick)))))`, { result: 8 }],
  ["rethrow from catch_all, frozen before", `(func (export "f") (result i32) (try (result i32) (do (try (do (call $throws (i32.const 5))) (catch_all (call $nothing) (drop (call $tick)) (rethrow 0))) (i32.const 0)) (catch $e (i32.add (call $tick)))))`, { result: 9 }],
  ["rethrow of an outer exception", `(func (export "f") (result i32) (try (result i32) (do (try (do (call $throws_m)) (catch_all (call $nothing) (try (do (call $throws (i32.const 5))) (catch $e (drop) (call $nothing) (rethrow 1))))) (i32.const 0)) (catch $e) (catch $m (drop) (i32.wrap_i64) (i32.add (call $tick)))))`],
  ["rethrow through loops and blocks", `(func (export "f") (result i32) (local $i i32) (try (result i32) (do (try (do (call $throws (i32.const 5))) (catch $e (local.set $i) (block $b (loop $l (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $l (local.get $i)) (if (call $tick) (then (call $nothing) (rethrow 3)))))) ) (i32.const 0)) (catch $e (i32.add (call $tick)))))`],
  ["a rethrow in a conditional branch", `(func $g (param i32) (result i32) (try (result i32) (do (call $throws (i32.const 5)) (i32.const 0)) (catch $e (call $id) (if (i32.and (local.get 0) (i32.const 1)) (then (rethrow 1))) (i32.add (call $tick)))))
     (func (export "f") (result i32) (i32.add (call $g (i32.const 0)) (try (result i32) (do (call $g (i32.const 1))) (catch_all (call $id (i32.const 1000))))))`],
  ["a rethrow in a loop around the try", `(func (export "f") (result i32) (local $i i32) (local $s i32) (loop $l
       (try (do (try (do (call $throws (local.get $i))) (catch_all (call $nothing) (if (i32.and (local.get $i) (i32.const 1)) (then (rethrow 1))) (local.set $s (i32.add (local.get $s) (call $id (i32.const 100)))))))
         (catch $e (local.set $s (i32.add (local.get $s)))))
       (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 4)))) (local.get $s))`],
  ["delegate", `(func (export "f") (result i32) (try (result i32) (do (try (do (call $nothing) (call $throws (i32.const 5))) (delegate 0)) (i32.const 0)) (catch $e (i32.add (call $tick)))))`, { result: 8 }],
  ["delegate past a try", `(func (export "f") (result i32) (try $o (result i32) (do (try (do (try (do (call $nothing) (call $throws (i32.const 5))) (delegate $o))) (catch_all (unreachable))) (i32.const 0)) (catch $e (i32.add (call $tick)))))`, { result: 8 }],
  ["delegate to the caller", `(func $g (try (do (try (do (call $nothing) (call $throws (i32.const 5))) (delegate 1))) (catch_all (unreachable))))
     (func (export "f") (result i32) (try (result i32) (do (call $g) (i32.const 0)) (catch $e (i32.add (call $tick)))))`, { result: 8 }],
  ["try without handlers", `(func (export "f") (result i32) (try (result i32) (do (try (do (call $nothing) (call $throws (i32.const 5)))) (i32.const 0)) (catch $e (i32.add (call $tick)))))`, { result: 8 }],
  ["a try in a handler", `(func (export "f") (result i32) (try (result i32) (do (call $throws (i32.const 1)) (i32.const 0)) (catch $e (try (param i32) (result i32) (do (call $nothing) (i32.add (call $tick)) (call $throws (i32.const 10))) (catch $e (i32.add (call $tick)))))))`.replace("(call $throws (i32.const 10)))", "(call $throws (i32.const 10)))")],
  ["br out of a handler", `(func (export "f") (result i32) (block $o (result i32) (try (do (call $throws (i32.const 1))) (catch $e (br $o (i32.add (call $tick))))) (i32.const 0)) (i32.add (call $tick)))`],
  ["uncaught", `(func (export "f") (call $nothing) (call $throws (i32.const 1)))`],
  ["a handler in a loop in a handler, rethrown to either", `(func $both (param i32) (result i32) (try (result i32) (do (call $throws (local.get 0)) (i32.const 0)) (catch $e (call $nothing) (local.set 0)
       (loop $l (try (do (call $throws_m)) (catch_all (call $nothing) (if (i32.lt_s (call $tick) (i32.const 9)) (then (br $l))) (if (i32.and (local.get 0) (i32.const 1)) (then (rethrow 3))) (rethrow 0)))) (local.get 0))))
     (func $g (param i32) (result i32) (try (result i32) (do (call $both (local.get 0))) (catch $e (i32.add (call $tick))) (catch $m (call $nothing) (drop) (i32.wrap_i64))))
     (func (export "f") (result i32) (i32.add (call $g (i32.const 1)) (call $g (i32.const 2))))`],
  ["longjmp as clang has it", `(func $inner (param i32) (call $nothing) (if (i32.gt_u (call $tick) (i32.const 3)) (then (throw $e (local.get 0)))))
     (func (export "f") (result i32) (local $label i32) (local $s i32) (loop $again
       (try (do (if (local.get $label) (then (local.set $s (i32.add (local.get $s) (call $id (local.get $label))))))
           (loop $l (call $inner (i32.add (local.get $s) (i32.const 1))) (br $l)))
         (catch $e (local.tee $label) (drop) (call $nothing) (if (i32.gt_u (local.get $s) (i32.const 5)) (then (return (local.get $s)))) (br $again)))) (unreachable))`],
];

for (const [group, rows] of Object.entries({ exceptions: NEW, "legacy exceptions": LEGACY })) {
  for (const [what, functions, options] of rows)
    test(`${group}: ${what}`, () => void survives(module(functions), options));
}

const PRIVATE = '(module (tag $e) (func (export "throw") (throw $e)))';

test("exceptions: a reference with a v128 under the tag of another instance", () => {
  const a = `(module (tag $v (export "v") (param v128 exnref)) (tag $n) (func $nothing (loop)) (func (export "throw") (result exnref)
    (block $h (result exnref) (try_table (catch_all_ref $h) (throw $v (v128.const i32x4 1 2 3 4) (block $g (result exnref) (try_table (catch_all_ref $g) (throw $n)) (unreachable)))) (unreachable)) (call $nothing)))`;
  const b = `(module (import "a" "v" (tag $v (param v128 exnref))) (import "a" "throw" (func $get (result exnref))) (func $nothing (loop))
    (func (export "f") (result i32) (local $x exnref) (local.set $x (call $get)) (call $nothing) (block $h (result v128 exnref) (try_table (catch $v $h) (throw_ref (local.get $x))) (unreachable)) (ref.is_null) (i32.add (i32.const 10)) (drop) (i32x4.extract_lane 3)))`;
  survivesLinked({ a, b }, { result: 4 });
});

test("legacy exceptions: the tag of another instance", () => {
  const a = `(module (tag $e (export "e") (param i32 i64)) (func (export "throw") (throw $e (i32.const 3) (i64.const 4))))`;
  const b = `(module (import "a" "e" (tag $e (param i32 i64))) (import "a" "throw" (func $throw)) (tag $other (param i32)) (func $nothing (loop))
    (func $g (try (do (call $throw)) (catch_all (call $nothing) (rethrow 0))))
    (func (export "f") (result i64) (try (result i64) (do (call $g) (i64.const 0)) (catch $e (call $nothing) (drop) (i64.extend_i32_u)))))`;
  survivesLinked({ a, b }, { result: 3n });
});

test("legacy exceptions: a tag that the handler's module does not know is refused by name", () => {
  const b = `(module (import "a" "throw" (func $throw)) (func $nothing (loop))
    (func (export "f") (try (do (call $throw)) (catch_all (call $nothing) (rethrow 0)))))`;
  const scenario = new Scenario(
    [
      { name: "a", bytes: assemble(PRIVATE) },
      { name: "b", bytes: assemble(b) },
    ],
    {},
  );
  assert.deepEqual(scenario.rewritten().outcome.ending, { threw: "exception" });
  const threw = "a handler that was running holds an exception of a tag that its module does not know";
  assert.deepEqual(scenario.rewritten(1).outcome.ending, { threw });
});

/** `f` lets `g` handle what the host throws, twice, with safe points in the handler. */
const HANDLER = `(module (import "host" "throw" (func $throw)) (tag $e (param i32)) (global $n (export "n") (mut i32) (i32.const 0))
  (func $tick (result i32) (loop) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
  (func $g (local $i i32) (call $tick) (try (do (try (do (call $throw)) (catch_all (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (call $tick))) (i32.const 9)))) (rethrow 0)))) (catch_all (drop (call $tick)) (rethrow 0))) (drop))
  (func (export "f") (try (do (call $g)) (catch $e (drop)) (catch_all (drop (call $tick)) (rethrow 0)))))`;

function throwing(thrown: unknown): () => HostImports {
  const call = () => {
    throw thrown;
  };
  return () => ({ host: { throw: { freeze: "instant", call } } });
}

test("legacy exceptions: what JavaScript threw goes on after a freeze in its handler", () => {
  for (const thrown of [new Error("of the host"), "text", null, undefined]) {
    for (const mostTurns of [1, 3]) {
      const program = loadProgram(assemble(HANDLER), "m", { mostTurns });
      const group = new Group();
      group.add("m", program, throwing(thrown)());
      const entry = program.info.exports.find(({ name }) => name === "f")!.index;
      const thread = group.spawn({ instance: 0, function: entry, name: "f" }, []);
      group.request();
      let points = 0;
      let refused = 0;
      for (; !thread.ending; points++) {
        group.run(thread);
        if (thread.ending) break;
        try {
          captureGroup(group);
        } catch (fault) {
          assert(fault instanceof EngineFault && fault.code === "unsaveable");
          assert.match(
            fault.message,
            /^an object of the host \((Error|string|undefined)\) is held as externref; only /,
          );
          refused++;
        }
      }
      assert(points >= 8, `${points} points`);
      assert(thrown === null || refused >= 4, `${refused} of ${points} captures refused`);
      assert.deepEqual(thread.ending, { kind: "threw", error: thrown });
      assert.equal((group.instances[0]!.exports["n"] as WebAssembly.Global).value, 6);
    }
  }
});

test("legacy exceptions: a tag of the host's own is refused by name if a freeze finds it in a handler", () => {
  const foreign = new WebAssembly.Exception(new WebAssembly.Tag({ parameters: [] }), []);
  const scenario = new Scenario([{ name: "m", bytes: assemble(HANDLER) }], { imports: throwing(foreign) });
  assert.deepEqual(scenario.plain(), scenario.rewritten().outcome);
  // JavaScript sees an exception only where it leaves the guest, and a legacy handler has no reference to it: the frame
  // around the handler cannot be left without losing it.
  const threw = "a handler that was running holds an exception of a tag that its module does not know";
  assert.deepEqual(scenario.rewritten(1).outcome.ending, { threw });
});

test("exceptions: a reference of a tag that no instance knows is refused by name", () => {
  const b = `(module (import "host" "throw" (func $throw)) (func $nothing (loop))
    (func (export "f") (local exnref) (block $h (result exnref) (try_table (catch_all_ref $h) (call $throw)) (unreachable)) (call $nothing) (throw_ref)))`;
  const throwing = (): never => {
    throw new WebAssembly.Exception(new WebAssembly.Tag({ parameters: [] }), []);
  };
  const imports = () => ({ host: { throw: { freeze: "instant" as const, call: throwing } } });
  const scenario = new Scenario([{ name: "b", bytes: assemble(b) }], { imports });
  assert.deepEqual(scenario.rewritten().outcome.ending, { threw: "exception" });
  assert.throws(() => scenario.rewritten(1), {
    name: "EngineFault",
    code: "unsaveable",
    message: /has a tag that no instance/,
  });
});

test("an exit passes handlers of functions in which no thread can be frozen", () => {
  const calls = `(import "host" "exit" (func $exit (param i32)))`;
  const modern = `(module ${calls} (func (export "f") (result i32) (block $h (try_table (catch_all $h) (call $exit (i32.const 3)))) (i32.const 9)))`;
  const legacy = `(module ${calls} (func (export "f") (result i32) (try (result i32) (do (call $exit (i32.const 3)) (i32.const 8)) (catch_all (i32.const 9)))))`;
  const imports = (): HostImports => ({
    host: { exit: { freeze: "instant", call: (call, code) => call.exit(Number(code)) } },
  });
  for (const importKind of ["instant", "restartable"] as const) {
    for (const text of [modern, legacy]) {
      const options = { imports, options: { importKind: () => importKind } };
      const scenario = new Scenario([{ name: "m", bytes: assemble(text) }], options);
      assert.deepEqual(scenario.rewritten().outcome.ending, { exited: 3 });
    }
  }
});
