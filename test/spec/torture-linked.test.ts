// Frames of several instances on one stack, 64-bit memories and tables beside 32-bit ones, host functions in tables.

import { test } from "node:test";
import type { HostImports } from "../../src/abi/index.ts";
import { assemble, assembleWithBinaryen } from "../assemble.ts";
import { type Case, survives, survivesLinked } from "../torture.ts";

const TICK = `(global $ticks (mut i32) (i32.const 0))
  (func $tick (result i32) (loop) (global.set $ticks (i32.add (global.get $ticks) (i32.const 1))) (global.get $ticks))`;

const HOST = (log: (entry: unknown) => void): HostImports => ({
  env: {
    note: {
      freeze: "restartable",
      call: (_, value) => {
        log(value);
        return Number(value) + 1;
      },
    },
    both: { freeze: "restartable", call: (_, a, b) => [b as bigint, a as number] },
  },
});

/** Modules `a`, `b` and so on; `f` of the last one is called. */
// biome-ignore format: one line a case
const LINKED: readonly (readonly [what: string, modules: readonly string[], options?: Case])[] = [
  ["recursion through three instances with operands below, in loops, ifs and tries", [
    `(module (type $i (func (param i32) (result i32))) (tag $e (export "e") (param i32)) (table (export "t") 4 funcref) (global $n (export "n") (mut i32) (i32.const 0)) ${TICK}
       (func $a (param i32) (result i32) (local $s i32) (loop $l (local.set $s (i32.add (call $tick) (i32.add (local.get $s) (call_indirect (type $i) (local.get 0) (i32.const 1))))) (br_if $l (i32.rem_u (local.get $s) (i32.const 3)))) (local.get $s)) (elem (i32.const 0) $a))`,
    `(module (type $i (func (param i32) (result i32))) (import "a" "e" (tag $e (param i32))) (import "a" "t" (table 4 funcref)) (import "a" "n" (global $n (mut i32)))
       (func $b (param i32) (result i32) (v128.const i32x4 1 2 3 4) (block $h (result i32) (try_table (result i32) (catch $e $h) (if (result i32) (i32.and (local.get 0) (i32.const 1)) (then (i32.add (i32.const 100) (call_indirect (type $i) (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))) (else (call_indirect (type $i) (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))))) (i32x4.splat) (i32x4.add) (i32x4.extract_lane 2)) (elem (i32.const 1) $b))`,
    `(module (type $i (func (param i32) (result i32))) (import "a" "e" (tag $e (param i32))) (import "a" "t" (table 4 funcref)) (import "a" "n" (global $n (mut i32)))
       (func $c (param i32) (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (if (i32.le_s (local.get 0) (i32.const 0)) (then (throw $e (i32.add (local.get 0) (global.get $n))))) (i64.const 7) (call_indirect (type $i) (local.get 0) (i32.const 0)) (i64.extend_i32_s) (i64.add) (i32.wrap_i64)) (elem (i32.const 2) $c)
       (func (export "f") (result i32) (call $c (i32.const 3))))`]],
  ["tail calls from one instance into the other and back, in a loop", [
    `(module (type $ii (func (param i32 i32) (result i32))) (table (export "t") 2 funcref) ${TICK}
       (func $ping (export "ping") (param i32 i32) (result i32) (if (i32.eqz (local.get 0)) (then (return (local.get 1)))) (return_call_indirect (type $ii) (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (call $tick)) (i32.const 1))) (elem (i32.const 0) $ping))`,
    `(module (type $ii (func (param i32 i32) (result i32))) (import "a" "ping" (func $ping (type $ii))) (import "a" "t" (table 2 funcref)) ${TICK}
       (func $pong (param i32 i32) (result i32) (return_call $ping (local.get 0) (i32.add (local.get 1) (call $tick)))) (elem (i32.const 1) $pong)
       (func (export "f") (result i32) (local $i i32) (local $s i32) (loop $l (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 7)) (call $ping (local.get $i) (call $tick)))) (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4)))) (local.get $s)))`]],
  ["references to functions of another instance in locals, operands, globals and exceptions", [
    `(module (type $i (func (param i32) (result i32))) (tag $r (export "r") (param funcref)) ${TICK} (elem declare func $inc) (func $inc (param i32) (result i32) (i32.add (local.get 0) (call $tick)))
       (func (export "get") (result funcref) (drop (call $tick)) (ref.func $inc)) (func (export "throw") (throw $r (ref.func $inc))))`,
    `(module (type $i (func (param i32) (result i32))) (import "a" "get" (func $get (result funcref))) (import "a" "r" (tag $r (param funcref))) (import "a" "throw" (func $throw)) (table $t 2 funcref) (global $g (mut funcref) (ref.null func)) ${TICK}
       (func $keep (param funcref i32) (result funcref) (drop (call $tick)) (local.get 0))
       (func (export "f") (result i32) (local $f funcref) (local $x exnref) (global.set $g (call $get)) (local.set $f (call $keep (call $get) (call $tick))) (table.set $t (i32.const 0) (local.get $f)) (drop (call $tick))
         (local.set $x (block $h (result exnref) (try_table (catch_all_ref $h) (call $throw)) (unreachable))) (drop (call $tick)) (block $h (result funcref) (try_table (catch $r $h) (throw_ref (local.get $x))) (unreachable)) (call $tick) (drop) (global.set $g)
         (table.set $t (i32.const 1) (global.get $g)) (i32.add (call_indirect $t (type $i) (call $tick) (i32.const 0)) (call_indirect $t (type $i) (call $tick) (i32.const 1)))))`]],
  ["a host function in the table of another instance, called from both", [
    `(module (type $i (func (param i32) (result i32))) (table $t (export "t") 3 funcref) ${TICK} (func (export "call") (param i32) (result i32) (i32.add (call $tick) (call_indirect (type $i) (local.get 0) (i32.const 0)))))`,
    `(module (type $i (func (param i32) (result i32))) (import "env" "note" (func $note (param i32) (result i32))) (import "a" "t" (table $t 3 funcref)) (import "a" "call" (func $call (param i32) (result i32))) (elem declare func $note) ${TICK}
       (func (export "f") (result i32) (table.set $t (i32.const 0) (ref.func $note)) (drop (call $tick)) (i32.const 1000) (call $call (i32.const 5)) (drop (call $tick)) (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 1)) (table.fill $t (i32.const 0) (ref.null func) (i32.const 1)) (drop (call $tick)) (call_indirect $t (type $i) (call $tick) (i32.const 1)) (i32.add) (i32.add)))`],
    { imports: HOST }],
  ["an exported import, and a host function with several results, across instances", [
    `(module (import "env" "both" (func $both (param i32 i64) (result i64 i32))) (export "both" (func $both)) ${TICK} (export "tick" (func $tick)))`,
    `(module (import "a" "both" (func $both (param i32 i64) (result i64 i32))) (import "a" "tick" (func $tick (result i32))) (func $g (param i32 i64) (result i64 i32) (return_call $both (i32.add (local.get 0) (call $tick)) (local.get 1)))
       (func (export "f") (result i64) (local $n i32) (i64.const 3) (call $g (call $tick) (i64.const 40)) (local.set $n) (i64.add) (i64.mul (i64.extend_i32_s (i32.add (local.get $n) (call $tick))))))`],
    { imports: HOST }],
  ["memories of both widths shared by two instances, copied in pieces", [
    `(module (memory $w (export "wide") i64 40 40) (memory $n (export "narrow") 40 40) ${TICK} (export "tick" (func $tick)))`,
    `(module (import "a" "wide" (memory $w i64 40)) (import "a" "narrow" (memory $n 40)) (import "a" "tick" (func $tick (result i32)))
       (func (export "f") (result i64) (local $l i64) (local.set $l (i64.const 2200000)) (memory.fill $w (i64.const 100) (i32.add (i32.const 64) (call $tick)) (local.get $l)) (i64.store $w (i64.const 1500000) (i64.const 0x0102030405060708))
         (memory.copy $n $w (i32.const 7) (i64.const 100) (i32.wrap_i64 (local.get $l))) (memory.copy $w $w (i64.const 90) (i64.const 100) (local.get $l)) (memory.copy $w $n (i64.const 0) (i32.const 7) (i32.const 1600000))
         (i64.add (i64.load $w (i64.const 1499900)) (i64.xor (i64.load $n (i32.const 1499907)) (i64.load $w (i64.const 2200080))))))`]],
];

for (const [what, texts, options] of LINKED) {
  const modules = Object.fromEntries(texts.map((text, index) => [String.fromCharCode(97 + index), text]));
  test(`linked: ${what}`, () => void survivesLinked(modules, options));
}

/** Modules that wabt cannot assemble. */
// biome-ignore format: one line a case
const ALONE: readonly (readonly [what: string, text: string, options?: Case])[] = [
  ["64-bit tables beside 32-bit ones: init, copy, fill, grow, indices behind calls", `(module (type $i (func (param i32) (result i32))) (table $w i64 6 40 funcref) (table $n 6 funcref) ${TICK} (elem $p func $inc $id $inc) (func $id (type $i) (local.get 0)) (func $inc (type $i) (i32.add (local.get 0) (call $tick)))
     (func $wide (result i64) (i64.extend_i32_u (call $tick)))
     (func (export "f") (result i32) (local $s i32) (table.init $w $p (i64.const 1) (i32.const 0) (i32.const 3)) (drop (call $tick)) (table.copy $n $w (i32.const 0) (i64.const 1) (i32.const 3)) (drop (call $tick)) (table.copy $w $n (i64.const 3) (i32.const 0) (i32.const 3)) (elem.drop $p) (drop (call $tick))
       (table.fill $w (call $wide) (ref.func $id) (i64.const 1)) (drop (table.grow $w (ref.func $inc) (i64.const 5))) (drop (call $tick))
       (local.set $s (call_indirect $w (type $i) (call $tick) (i64.sub (call $wide) (i64.const 5)))) (local.set $s (i32.add (local.get $s) (call_indirect $w (type $i) (i32.const 10) (i64.const 10)))) (i32.add (local.get $s) (i32.add (call_indirect $n (type $i) (call $tick) (i32.const 2)) (i32.wrap_i64 (table.size $w))))))`],
  ["call_ref with operands below, of every kind of target", `(module (type $i (func (param i32) (result i32))) (import "env" "note" (func $note (param i32) (result i32))) ${TICK} (elem declare func $note $inc $deep) (func $inc (type $i) (i32.add (local.get 0) (call $tick)))
     (func $deep (type $i) (if (result i32) (local.get 0) (then (i32.add (call_ref $i (i32.sub (local.get 0) (i32.const 1)) (ref.func $deep)) (call $tick))) (else (i32.const 0)))) (func $pick (param i32) (result (ref $i)) (drop (call $tick)) (if (result (ref $i)) (i32.eqz (local.get 0)) (then (ref.func $note)) (else (if (result (ref $i)) (i32.eq (local.get 0) (i32.const 1)) (then (ref.func $inc)) (else (ref.func $deep))))))
     (func (export "f") (result i32) (local $k i32) (local $s i32) (loop $l (local.set $s (i32.add (i32.add (local.get $s) (call $tick)) (i32.wrap_i64 (i64.mul (i64.extend_i32_u (call $tick)) (i64.extend_i32_u (call_ref $i (i32.add (call $tick) (i32.const 2)) (call $pick (local.get $k)))))))) (br_if $l (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 3)))) (local.get $s)))`, { imports: HOST }],
  ["br_on_null and br_on_non_null in loops with operands below", `(module (type $i (func (param i32) (result i32))) ${TICK} (elem declare func $inc) (func $inc (type $i) (i32.add (local.get 0) (call $tick))) (func $maybe (param i32) (result (ref null $i)) (drop (call $tick)) (if (result (ref null $i)) (i32.and (local.get 0) (i32.const 1)) (then (ref.func $inc)) (else (ref.null $i))))
     (func (export "f") (result i32) (local $k i32) (local $s i32) (local $r (ref null $i)) (loop $l (local.set $s (i32.add (local.get $s) (block $out (result i32) (drop (block $null (result i32) (br $out (call_ref $i (call $tick) (block $some (result (ref $i)) (br_on_non_null $some (call $maybe (local.get $k))) (br $null (call $tick))))) )) (block $full (result (ref $i)) (br_on_non_null $full (call $maybe (i32.add (local.get $k) (i32.const 1)))) (br $out (i32.const 1000))) (local.set $r) (call_ref $i (i32.const 50) (local.get $r)))))
       (br_if $l (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 4)))) (local.get $s)))`],
  ["return_call_ref in a loop, out of a try, to another type of frame", `(module (type $i (func (param i32) (result i32))) (tag $e (param i32)) ${TICK} (elem declare func $down $end) (func $end (type $i) (if (i32.gt_u (call $tick) (i32.const 12)) (then (throw $e (local.get 0)))) (i32.add (local.get 0) (call $tick)))
     (func $down (type $i) (local $n i32) (loop $l (local.set $n (i32.add (local.get $n) (call $tick))) (br_if $l (i32.lt_u (local.get $n) (i32.const 5)))) (block $h (result i32) (try_table (catch $e $h) (drop (call $tick)) (if (i32.gt_s (local.get 0) (i32.const 0)) (then (return_call_ref $i (i32.sub (local.get 0) (i32.const 1)) (ref.func $down)))) (return_call_ref $i (local.get $n) (ref.func $end))) (unreachable)) (drop) (i32.const -1))
     (func (export "f") (result i32) (block $h (result i32) (try_table (result i32) (catch $e $h) (i32.add (call $down (i32.const 3)) (call_ref $i (i32.const 2) (ref.func $down)))))))`],
];

for (const [what, text, options] of ALONE) {
  test(`alone: ${what}`, () => void survives(text, { ...options, assemble: assembleWithBinaryen }));
}

test("linked: one function under two indices, and references to itself", () => {
  const a = `(module (type $i (func (result i32))) ${TICK} (export "t1" (func $tick)) (export "t2" (func $tick)) (table (export "t") 2 funcref) (elem (i32.const 0) $tick $tick))`;
  const b = `(module (type $i (func (result i32))) (import "a" "t1" (func $x (result i32))) (import "a" "t2" (func $y (result i32))) (import "a" "t" (table 2 funcref)) (elem declare func $x $y) (global $g (mut funcref) (ref.null func))
    (func (export "f") (result i32) (local $r funcref) (local.set $r (ref.func $x)) (global.set $g (ref.func $y)) (drop (call $x)) (table.set (i32.const 0) (local.get $r)) (table.set (i32.const 1) (global.get $g)) (i32.add (call $y) (i32.mul (call_indirect (type $i) (i32.const 0)) (call_indirect (type $i) (i32.const 1))))))`;
  survivesLinked({ a, b }, { assemble, result: 14 });
});
