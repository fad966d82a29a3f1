// Values under calls: every kind of value, in every nesting, at every safe point.

import { test } from "node:test";
import { type Case, survives } from "../torture.ts";

type Row = readonly [what: string, text: string, options?: Case & { readonly type?: string }];

// biome-ignore format: one line a case
const OPERANDS: readonly Row[] = [
  ["i32 below a call", "(i32.add (local.get 0) (call $tick))", { args: [5], result: 6 }],
  ["several calls in one expression", "(i32.sub (i32.mul (call $tick) (call $tick)) (i32.add (call $tick) (call $tick)))", { result: -5 }],
  ["a changed local below a call", "(local.set $a (i32.const 7)) (local.get $a) (local.set $a (i32.const 9)) (i32.add (call $tick)) (i32.add (local.get $a))", { result: 17 }],
  ["a teed local below a call", "(i32.add (local.tee $a (i32.const 3)) (i32.mul (call $tick) (local.tee $a (i32.const 5)))) (i32.add (local.get $a))", { result: 13 }],
  ["i64, f32, f64 below a call", "(i64.add (i64.const 1) (i64.mul (i64.extend_i32_u (call $tick)) (i64.trunc_f64_s (f64.add (f64.promote_f32 (f32.add (f32.const 1.5) (f32.convert_i32_s (call $tick)))) (f64.convert_i32_s (call $tick))))))", { type: "-> i64", result: 7n }],
  ["payloads of NaNs in locals", "(local.set $x (f32.reinterpret_i32 (i32.const 0x7fa01234))) (local.set $d (f64.reinterpret_i64 (i64.const 0x7ff4000000005678))) (call $nothing) (i64.add (i64.extend_i32_u (i32.reinterpret_f32 (local.get $x))) (i64.reinterpret_f64 (local.get $d)))", { type: "-> i64", result: 0x7fa01234n + 0x7ff4000000005678n }],
  ["payloads of NaNs as operands", "(f32.reinterpret_i32 (i32.const 0x7fa01234)) (call $nothing) (i32.reinterpret_f32)", { result: 0x7fa01234 }],
  ["payloads of NaNs as operands, f64", "(f64.reinterpret_i64 (i64.const 0x7ff4000000005678)) (call $nothing) (i64.reinterpret_f64)", { type: "-> i64", result: 0x7ff4000000005678n }],
  ["v128 in a local and as an operand", "(local.set $v (i8x16.splat (call $tick))) (i32x4.splat (call $tick)) (call $nothing) (i32x4.extract_lane 1 (i32x4.add (local.get $v)))", { result: 0x01010103 }],
  ["v128 constants", "(v128.const i32x4 1 2 3 4) (call $nothing) (i32x4.extract_lane 2)", { result: 3 }],
  ["several results", "(local.set $l (i64.const 100)) (call $two (i32.const 9)) (local.set $l (i64.add (local.get $l))) (call $nothing) (i32.add (i32.wrap_i64 (local.get $l)))", { result: 110 }],
  ["several results stay below a call", "(call $two (i32.const 9)) (call $two (i32.const 8)) (i64.extend_i32_u (call $tick)) (i64.mul) (local.set $l) (drop) (i64.add (local.get $l)) (local.set $l) (i32.add (i32.wrap_i64 (local.get $l)))", { result: 16 }],
  ["results of a block below a call", "(block (result i32 i64) (call $two (i32.const 4))) (local.set $l) (i32.add (call $tick)) (i32.add (i32.wrap_i64 (local.get $l)))", { result: 7 }],
  ["null references as operands", "(ref.null func) (call $nothing) (ref.is_null) (ref.null extern) (call $nothing) (ref.is_null) (i32.add)", { result: 2 }],
  ["select below a call", "(i32.add (select (i32.const 3) (i32.const 4) (call $tick)) (call $tick))", { result: 5 }],
  ["drop between", "(call $tick) (call $tick) (drop) (i32.add (call $tick))", { result: 4 }],
];

// biome-ignore format: one line a case
const NESTING: readonly Row[] = [
  ["block", "(i32.const 3) (block (param i32) (result i32) (i32.add (call $tick))) (i32.add (call $tick))", { result: 6 }],
  ["loop with parameters", "(i32.const 1) (loop $l (param i32) (result i32) (i32.mul (i32.const 3)) (i32.add (call $tick)) (local.tee $a) (local.get $a) (br_if $l (i32.lt_s (i32.const 300))) (i32.add (call $tick)))"],
  ["loop with parameters of several types", "(i64.const 1) (i32.const 5) (local.set $a (i32.const 6)) (loop $l (param i64 i32) (result i64 i32) (call $two (i32.const 3)) (drop) (drop) (i32.add (i32.const 1)) (local.set $a (i32.sub (local.get $a) (i32.const 1))) (br_if $l (local.get $a))) (i64.extend_i32_u) (i64.add)", { type: "-> i64", result: 12n }],
  ["operands below a loop", "(i32.const 100) (call $tick) (loop $l (local.set $a (i32.add (local.get $a) (call $tick))) (br_if $l (i32.lt_u (local.get $a) (i32.const 50)))) (i32.add) (i32.add (local.get $a))"],
  ["if and else", "(loop $l (if (i32.and (call $tick) (i32.const 1)) (then (local.set $b (i32.add (local.get $b) (call $tick)))) (else (local.set $b (i32.xor (local.get $b) (call $id (local.get $a)))))) (local.set $a (i32.add (local.get $a) (i32.const 1))) (br_if $l (i32.lt_u (local.get $a) (i32.const 9)))) (local.get $b)"],
  ["if with parameters and results", "(call $tick) (call $two (i32.const 2)) (drop) (if (param i32) (result i32) (call $tick) (then (i32.add (call $tick))) (else (i32.sub (call $tick)))) (i32.add)"],
  ["if without else, with a parameter", "(call $tick) (if (param i32) (result i32) (call $id (i32.const 0)) (then (i32.add (call $tick)))) (i32.add (call $tick))"],
  ["else of an if", "(call $tick) (if (result i32) (call $id (i32.const 0)) (then (call $id (i32.const 10))) (else (i32.add (call $id (i32.const 20)) (call $tick)))) (i32.add)"],
  ["deep nesting", "(local.set $b (i32.const 4)) (block $o (loop $a1 (block (loop $b1 (if (call $tick) (then (loop $c1 (local.set $a (i32.add (local.get $a) (call $tick))) (br_if $c1 (i32.and (local.get $a) (i32.const 1)))))) (local.set $b (i32.sub (local.get $b) (i32.const 1))) (br_if $o (i32.eqz (local.get $b))) (br_if $b1 (i32.and (call $tick) (i32.const 1))))) (br $a1))) (i32.add (local.get $a) (call $tick))"],
  ["br_if with a value", "(block $o (result i32) (drop (br_if $o (call $id (i32.const 5)) (call $id (i32.const 0)))) (i32.add (call $tick) (br_if $o (call $id (i32.const 7)) (call $id (i32.const 1)))))", { result: 7 }],
  ["br_table over blocks and a loop", "(local.set $a (i32.const 0)) (loop $l (block $d (block $c (block $b (br_table $b $c $d $l (i32.sub (call $tick) (i32.const 1)))) (local.set $a (i32.add (local.get $a) (i32.const 1))) (br $l)) (local.set $a (i32.add (local.get $a) (i32.const 10))) (br $l)) (local.set $a (i32.add (local.get $a) (call $id (i32.const 100))))) (local.get $a)", { result: 111 }],
  ["br_table with values", "(block $a1 (result i32) (block $b1 (result i32) (br_table $a1 $b1 (call $id (i32.const 40)) (call $tick))) (i32.add (call $tick)))", { result: 42 }],
  ["br out of a loop with a value", "(block $o (result i32) (loop $l (br_if $o (call $id (i32.const 9)) (i32.gt_u (call $tick) (i32.const 5))) (drop) (br $l)) (unreachable))", { result: 9 }],
  ["return from the middle", "(loop $l (if (i32.gt_u (call $tick) (i32.const 4)) (then (return (call $id (i32.const 77))))) (br $l)) (unreachable)", { result: 77 }],
  ["a loop with results in a loop", "(loop $o (result i32) (local.set $a (i32.add (local.get $a) (loop $i (result i32) (local.set $b (i32.add (local.get $b) (i32.const 1))) (br_if $i (i32.rem_u (local.get $b) (i32.const 3))) (call $id (local.get $b))))) (br_if $o (i32.lt_u (local.get $a) (i32.const 40))) (local.get $a))"],
  ["operands live across an inner loop", "(loop $o (result i32) (call $tick) (call $tick) (loop $i (local.set $b (i32.add (local.get $b) (i32.const 1))) (br_if $i (i32.and (local.get $b) (i32.const 3)))) (i32.mul) (local.set $a (i32.add (local.get $a))) (br_if $o (i32.lt_u (local.get $a) (i32.const 90))) (local.get $a))"],
];

// biome-ignore format: one line a case
const DEAD: readonly Row[] = [
  ["behind br", "(block $o (call $nothing) (br $o) (drop (call $tick)) (loop (br 0)) (if (i32.const 1) (then (call $nothing)) (else (call $nothing)))) (call $tick)", { result: 1 }],
  ["behind br, bottom-typed operands", "(block $o (result i32) (call $id (i32.const 3)) (br $o) (i32.add) (call $id) (drop) (f64.add) (drop) (unreachable)) (i32.add (call $tick))", { result: 4 }],
  ["behind return in an if", "(if (call $tick) (then (return (call $id (i32.const 6))) (call $nothing) (br 0)) (else (unreachable) (drop (call $tick)))) (i32.const 1)", { result: 6 }],
  ["behind unreachable", "(if (i32.eqz (call $tick)) (then (unreachable) (local.set $a) (drop (i32.add (call $tick))) (drop (memory.grow)))) (call $tick)", { result: 2 }],
  ["behind br_table", "(block $o (block $p (br_table $o $p (call $tick)) (drop (call $tick))) (local.set $a (call $tick))) (i32.add (local.get $a) (call $tick))"],
  ["loops that are never entered", "(block $o (br $o) (loop $l (param) (drop (call $tick)) (br $l))) (call $tick)", { result: 1 }],
  ["tries that are never entered", "(block $o (br $o) (try_table (catch_all $o) (call $nothing))) (call $tick)", { result: 1 }],
  ["dead try with values", "(block $o (result i32) (br $o (call $tick)) (try_table (result i32) (i32.const 1) (call $id)) (i32.add))", { result: 1 }],
];

for (const [group, rows] of Object.entries({ operands: OPERANDS, nesting: NESTING, "dead code": DEAD })) {
  for (const [what, text, options] of rows) test(`${group}: ${what}`, () => void survives(text, options));
}
