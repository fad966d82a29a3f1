// Types that differ from the plain ones of the same signature, and references that come from other instances: what
// the rewriter adds must be of types that all instances agree on, and the call graph must know every target.

import { test } from "node:test";
import type { HostImports } from "../../src/abi/index.ts";
import { assembleWithBinaryen } from "../assemble.ts";
import { type Case, survives, survivesLinked } from "../torture.ts";

type Row = readonly [what: string, text: string, options?: Case];

const TICK = `(global $ticks (mut i32) (i32.const 0))
  (func $tick (result i32) (loop (nop)) (global.set $ticks (i32.add (global.get $ticks) (i32.const 1))) (global.get $ticks))`;

/** `()->()`, `()->i32` and `i32->()` first occur in a group of two, so that none of them is a plain type. */
const GROUP = `(rec (type $v (func)) (type $r (func (result i32))) (type $p (func (param i32))) (type $w (func (param (ref null $v)))))`;

// biome-ignore format: one line a case
const TYPES: readonly Row[] = [
  ["signatures of a recursion group only", `(module ${GROUP} ${TICK} (func $g (type $v) (drop (call $tick))) (func (export "f") (type $r) (call $g) (i32.add (call $tick) (block (result i32) (call $g) (call $tick)))))`, { result: 6 }],
  ["a tag of a recursion group", `(module ${GROUP} (tag $e (type $p)) ${TICK} (func $throws (type $p) (loop (nop)) (throw $e (i32.add (local.get 0) (call $tick)))) (func (export "f") (type $r) (i32.add (block $h (result i32) (try_table (catch $e $h) (call $throws (i32.const 40))) (unreachable)) (call $tick))))`, { result: 43 }],
  ["exception references beside a recursion group", `(module ${GROUP} (tag $e (type $p)) ${TICK} (func (export "f") (type $r) (local $x exnref) (local.set $x (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e (call $tick))) (unreachable))) (drop (call $tick)) (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get $x))) (unreachable))))`, { result: 1 }],
  ["segments beside a recursion group", `(module ${GROUP} (type $d (func (result i32))) (memory 1) (table $t 3 funcref) (data $d "\\05\\06") (elem $p func $tick $tick) ${TICK} (func (export "f") (type $r) (drop (call $tick)) (memory.init $d (i32.const 0) (i32.const 0) (call $tick)) (data.drop $d) (table.init $t $p (i32.const 0) (i32.const 0) (call $tick)) (unreachable)))`],
  ["call_indirect reaches a subtype", `(module (type $s (sub (func (result i32)))) (type $t (sub $s (func (result i32)))) (type $u (sub final $t (func (result i32)))) ${TICK} (table $t 2 funcref) (elem (i32.const 0) $a $b)
     (func $a (type $t) (call $tick)) (func $b (type $u) (i32.mul (call $tick) (i32.const 10))) (func (export "f") (result i32) (i32.add (call_indirect $t (type $s) (i32.const 0)) (call_indirect $t (type $s) (i32.const 1)))))`, { result: 21 }],
  ["call_ref reaches a subtype", `(module (type $s (sub (func (result i32)))) (type $t (sub $s (func (result i32)))) ${TICK} (elem declare func $a)
     (func $a (type $t) (i32.add (call $tick) (call $tick))) (func $g (param $r (ref $s)) (result i32) (i32.add (i32.const 100) (call_ref $s (local.get $r)))) (func (export "f") (result i32) (call $g (ref.func $a))))`, { result: 103 }],
  ["a subtype with narrower results", `(module (type $i (func (result i32))) (type $s (sub (func (result funcref i32 externref)))) (type $t (sub $s (func (result (ref $i) i32 externref)))) ${TICK} (elem declare func $a $tick)
     (func $a (type $t) (ref.func $tick) (call $tick) (ref.null extern)) (func $g (param $r (ref $s)) (result i32) (local $x funcref) (local $n i32) (call_ref $s (local.get $r)) (drop) (local.set $n) (local.set $x) (i32.add (local.get $n) (ref.is_null (local.get $x)))) (func (export "f") (result i32) (i32.add (call $g (ref.func $a)) (call $tick))))`, { result: 3 }],
  ["a reference that cannot be null below a call", `(module (type $i (func (result i32))) ${TICK} (elem declare func $tick)
     (func $a (param i32) (result (ref $i)) (if (local.get 0) (then (return_call $a (i32.sub (local.get 0) (i32.const 1))))) (drop (call $tick)) (ref.func $tick)) (func (export "f") (result i32) (call_ref $i (call $a (call $tick))) (call_ref $i (call $a (i32.const 3))) (i32.add)))`, { result: 8 }],
  ["recursion through a supertype", `(module (type $s (sub (func (param i32) (result i32)))) (type $t (sub $s (func (param i32) (result i32)))) (table $t 1 funcref) (elem (i32.const 0) $r)
     (func $r (type $t) (if (result i32) (local.get 0) (then (i32.add (i32.const 2) (call_indirect $t (type $s) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))) (else (i32.const 1)))) (func (export "f") (result i32) (call $r (i32.const 20))))`, { result: 41 }],
];

for (const [what, text, options] of TYPES) {
  test(`types: ${what}`, () => void survives(text, { ...options, assemble: assembleWithBinaryen }));
}

/** Modules `a` and `b`: `a` has a function that polls, and gives it away. */
// biome-ignore format: one line a case
const LINKED: readonly (readonly [what: string, a: string, b: string, options?: Case])[] = [
  ["continuations across modules of which one has its types in a group", `(module ${TICK} (func $v (export "v") (drop (call $tick))) (export "t" (func $tick)))`, `(module ${GROUP} (type $plain (func (result i32))) (import "a" "t" (func $t (type $plain))) (func $g (type $r) (i32.add (call $t) (call $t))) (func (export "f") (type $r) (i32.add (call $g) (call $t))))`, { result: 6 }],
  ["continuations of a function of a group", `(module ${GROUP} ${TICK} (func $g (export "g") (type $r) (i32.add (call $tick) (call $tick))))`, `(module ${GROUP} (import "a" "g" (func $g (type $r))) (func (export "f") (result i32) (i32.add (call $g) (call $g))))`, { result: 10 }],
  ["a function out of an imported global", `(module (type $i (func (param f32) (result i32))) ${TICK} (func $g (type $i) (call $tick)) (global (export "g") (mut (ref null $i)) (ref.func $g)))`, `(module (type $i (func (param f32) (result i32))) (import "a" "g" (global $g (mut (ref null $i)))) (func $own (type $i) (i32.const 5)) (func $h (result i32) (i32.add (i32.const 10) (call_ref $i (f32.const 1) (global.get $g)))) (func (export "f") (result i32) (i32.add (call $h) (call $h))))`, { result: 23 }],
  ["a function that an import returns, called by another", `(module (type $i (func (param f32) (result i32))) ${TICK} (elem declare func $g) (func $g (type $i) (call $tick)) (func (export "get") (result (ref $i)) (ref.func $g)))`, `(module (type $i (func (param f32) (result i32))) (import "a" "get" (func $get (result (ref $i)))) (global $g (mut (ref null $i)) (ref.null $i)) (func $h (result i32) (i32.add (i32.const 10) (call_ref $i (f32.const 1) (global.get $g)))) (func (export "f") (result i32) (global.set $g (call $get)) (i32.add (call $h) (call $h))))`, { result: 23 }],
  ["a function that is an argument of an export", `(module (type $i (func (param f32) (result i32))) (table $t 1 funcref) (func $h (result i32) (i32.add (i32.const 10) (call_indirect $t (type $i) (f32.const 1) (i32.const 0)))) (func (export "call") (param funcref) (result i32) (table.set $t (i32.const 0) (local.get 0)) (i32.add (call $h) (call $h))))`, `(module (type $i (func (param f32) (result i32))) (import "a" "call" (func $call (param funcref) (result i32))) ${TICK} (elem declare func $g) (func $g (type $i) (call $tick)) (func (export "f") (result i32) (i32.add (call $call (ref.func $g)) (call $tick))))`, { result: 26 }],
  ["a function that an exception carries", `(module (type $i (func (param f32) (result i32))) (tag $e (export "e") (param (ref $i))) ${TICK} (elem declare func $g) (func $g (type $i) (call $tick)) (func (export "throw") (throw $e (ref.func $g))))`, `(module (type $i (func (param f32) (result i32))) (import "a" "e" (tag $e (param (ref $i)))) (import "a" "throw" (func $throw)) (global $g (mut (ref null $i)) (ref.null $i)) (func $h (result i32) (i32.add (i32.const 10) (call_ref $i (f32.const 1) (global.get $g)))) (func (export "f") (result i32) (global.set $g (block $h (result (ref $i)) (try_table (catch $e $h) (call $throw)) (unreachable))) (i32.add (call $h) (call $h))))`, { result: 23 }],
  ["a function that comes as a result through the own table's type", `(module (type $i (func (param f32) (result i32))) (type $get (func (result (ref $i)))) ${TICK} (table (export "t") 1 funcref) (elem (i32.const 0) $get) (elem declare func $g) (func $g (type $i) (call $tick)) (func $get (type $get) (ref.func $g)))`, `(module (type $i (func (param f32) (result i32))) (type $get (func (result (ref $i)))) (import "a" "t" (table $t 1 funcref)) (global $g (mut (ref null $i)) (ref.null $i)) (func $h (result i32) (i32.add (i32.const 10) (call_ref $i (f32.const 1) (global.get $g)))) (func (export "f") (result i32) (global.set $g (call_indirect $t (type $get) (i32.const 0))) (i32.add (call $h) (call $h))))`, { result: 23 }],
];

for (const [what, a, b, options] of LINKED) {
  test(`types, linked: ${what}`, () => void survivesLinked({ a, b }, { ...options, assemble: assembleWithBinaryen }));
}

test("types: a restartable host function returns a typed reference", () => {
  const text = `(module (type $i (func (result i32))) (import "env" "get" (func $get (param i32) (result (ref null $i)))) ${TICK}
    (elem declare func $g) (func $g (export "g") (type $i) (call $tick)) (func (export "f") (result i32) (i32.add (call $tick) (call_ref $i (call $get (call $tick))))))`;
  const imports = (_: unknown, exports: () => WebAssembly.Exports): HostImports => ({
    env: { get: { freeze: "restartable", call: () => exports()["g"] as never } },
  });
  survives(text, { imports, assemble: assembleWithBinaryen });
});
