// Calls of every kind, references to functions, tables, segments and memories that change, under torture.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostCall, HostImports, HostValue } from "../../src/abi/index.ts";
import { assemble, assembleWithBinaryen } from "../assemble.ts";
import { type Case, Scenario, survives, survivesLinked } from "../torture.ts";

type Row = readonly [what: string, text: string, options?: Case];

/** Typed function references are beyond wabt. */
function assembleEither(wat: string): Uint8Array {
  return /call_ref|\(ref |br_on/.test(wat) ? assembleWithBinaryen(wat) : assemble(wat);
}

/** A module with a counter that polls, a table, the imports and the functions of a case; `f` is called. */
function module(text: string): string {
  const [imports, functions] = text.includes(" | ") ? text.split(" | ") : ["", text];
  return `(module (type $i (func (param i32) (result i32))) (type $ii (func (param i32 i32) (result i32))) ${imports}
    (global $ticks (mut i32) (i32.const 0))
    (func $tick (result i32) (loop) (global.set $ticks (i32.add (global.get $ticks) (i32.const 1))) (global.get $ticks))
    (func $nothing (loop))
    (func $id (type $i) (loop) (local.get 0))
    (func $inc (type $i) (i32.add (local.get 0) (call $tick)))
    (func $twice (type $i) (i32.mul (local.get 0) (call $id (i32.const 2))))
    (table $t 4 funcref) (elem (table $t) (i32.const 0) func $id $inc $twice)
    ${functions})`;
}

// biome-ignore format: one line a case
const CALLS: readonly Row[] = [
  ["indirect", `(func (export "f") (result i32) (local $a i32) (local $s i32) (loop $l (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 3)) (call_indirect $t (type $i) (i32.add (local.get $a) (call $tick)) (local.get $a)))) (local.set $a (i32.add (local.get $a) (i32.const 1))) (br_if $l (i32.lt_u (local.get $a) (i32.const 3)))) (local.get $s))`],
  ["indirect through a second table", `(table $u 2 funcref) (elem (table $u) (i32.const 0) func $inc $twice) (func (export "f") (result i32) (i32.add (call_indirect $u (type $i) (i32.const 5) (i32.const 1)) (call_indirect $u (type $i) (call $tick) (call $id (i32.const 0)))))`],
  ["indirect, out of bounds behind a call", `(func (export "f") (result i32) (call_indirect $t (type $i) (i32.const 5) (i32.add (call $tick) (i32.const 80))))`],
  ["indirect, null", `(func (export "f") (result i32) (call_indirect $t (type $i) (call $tick) (i32.const 3)))`],
  ["indirect, wrong type", `(func (export "f") (result i32) (call_indirect $t (type $ii) (call $tick) (i32.const 3) (i32.const 1)))`],
  ["a recursion of 1,000", `(func $r (type $i) (if (result i32) (local.get 0) (then (i32.add (call $r (i32.sub (local.get 0) (i32.const 1))) (i32.const 3))) (else (call $tick)))) (func (export "f") (result i32) (call $r (i32.const 1000)))`, { every: 97 }],
  ["a recursion of 10,000", `(func $r (type $i) (if (result i32) (local.get 0) (then (i32.add (call $r (i32.sub (local.get 0) (i32.const 1))) (i32.const 3))) (else (call $tick)))) (func (export "f") (result i32) (call $r (i32.const 10000)))`, { every: 3001 }],
  ["mutual recursion", `(func $even (type $i) (if (result i32) (local.get 0) (then (call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))
     (func $odd (type $i) (if (result i32) (local.get 0) (then (i32.sub (i32.const 1) (i32.sub (i32.const 1) (call $even (i32.sub (local.get 0) (i32.const 1)))))) (else (i32.const 0)))) (func (export "f") (result i32) (i32.add (call $even (i32.const 30)) (call $odd (i32.const 31))))`, { result: 2 }],
  ["recursion through a table", `(table $u 1 funcref) (elem (table $u) (i32.const 0) func $r) (func $r (type $i) (if (result i32) (local.get 0) (then (i32.add (i32.const 2) (call_indirect $u (type $i) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))) (else (i32.const 1)))) (func (export "f") (result i32) (call $r (i32.const 20)))`, { result: 41 }],
  ["tail calls", `(func $r (type $ii) (if (i32.eqz (local.get 0)) (then (return (local.get 1)))) (return_call $r (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (call $tick)))) (func (export "f") (result i32) (i32.add (call $r (i32.const 20) (i32.const 0)) (call $tick)))`],
  ["a tail call right at the start", `(func (export "f") (result i32) (return_call $inc (i32.const 4)))`, { result: 5 }],
  ["tail calls through a table", `(table $u 1 funcref) (elem (table $u) (i32.const 0) func $r) (func $r (type $ii) (if (i32.eqz (local.get 0)) (then (return (local.get 1)))) (return_call_indirect $u (type $ii) (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (call $tick)) (i32.const 0))) (func (export "f") (result i32) (i32.add (call $r (i32.const 9) (i32.const 0)) (call $tick)))`],
  ["tail calls through references", `(elem declare func $r) (func $r (type $ii) (if (i32.eqz (local.get 0)) (then (return (local.get 1)))) (return_call_ref $ii (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (call $tick)) (ref.func $r))) (func (export "f") (result i32) (i32.add (call $r (i32.const 9) (i32.const 0)) (call $tick)))`],
  ["a tail call out of a try block is no part of it", `(tag $e (param i32)) (func $throws (result i32) (loop) (throw $e (call $tick))) (func $g (result i32) (block $h (result i32) (try_table (catch $e $h) (call $nothing) (return_call $throws)) (unreachable)) (drop) (i32.const 99)) (func (export "f") (result i32) (block $h (result i32) (try_table (result i32) (catch $e $h) (call $g))))`, { result: 1 }],
  ["many parameters and locals", `(func $many (param ${"i32 i64 f32 f64 ".repeat(30)}) (result i32) (local ${"i32 f64 ".repeat(40)}) (local.set 130 (call $tick)) (i32.add (local.get 0) (i32.add (local.get 116) (i32.add (call $tick) (local.get 130))))) (func (export "f") (result i32) (call $many ${"(i32.const 3) (i64.const 4) (f32.const 5) (f64.const 6) ".repeat(30)}))`],
  ["more live values than a saver takes", `(func (export "f") (result i64) (local ${"i64 ".repeat(1200)}) ${Array.from({ length: 1200 }, (_, i) => `(local.set ${i} (i64.const ${i * i}))`).join("")} (call $nothing) (i64.const 0) ${Array.from({ length: 1200 }, (_, i) => `(i64.add (local.get ${i}))`).join("")})`],
  ["a start function", `(start $s) (func $s (loop $l (drop (call $tick)) (br_if $l (i32.lt_u (global.get $ticks) (i32.const 10))))) (func (export "f") (result i32) (call $tick))`, { result: 11 }],
];

// biome-ignore format: one line a case
const REFERENCES: readonly Row[] = [
  ["call_ref", `(elem declare func $inc) (func (export "f") (result i32) (call_ref $i (call $tick) (ref.func $inc)))`, { result: 3 }],
  ["a reference as an operand below a call", `(elem declare func $twice) (func $apply (param (ref $i) i32) (result i32) (call_ref $i (local.get 1) (local.get 0))) (func $pick (result (ref $i)) (call $nothing) (ref.func $twice)) (func (export "f") (result i32) (call $apply (call $pick) (i32.add (call $tick) (i32.const 20))))`, { result: 42 }],
  ["nullable typed local", `(func (export "f") (result i32) (local $r (ref null $i)) (call $nothing) (ref.is_null (local.get $r)) (local.set $r (ref.func $inc)) (call $nothing) (i32.add (call_ref $i (i32.const 4) (local.get $r))))`],
  ["non-null local", `(func (export "f") (result i32) (local $r (ref $i)) (local.set $r (ref.func $inc)) (call $nothing) (call_ref $i (i32.const 4) (local.get $r)) (call $nothing) (i32.add (call_ref $i (i32.const 7) (local.tee $r (ref.func $twice)))) (call $nothing) (i32.add (call_ref $i (i32.const 7) (local.get $r))))`],
  ["non-null parameter", `(func $g (param $r (ref $i)) (param $n i32) (result i32) (call $nothing) (call_ref $i (local.get $n) (local.get $r)) (call $nothing) (i32.add (call_ref $i (local.get $n) (local.get $r)))) (func (export "f") (result i32) (call $g (ref.func $inc) (i32.const 3)))`],
  ["non-null results and block parameters", `(func $pick (param i32) (result (ref $i)) (call $nothing) (if (result (ref $i)) (local.get 0) (then (ref.func $inc)) (else (ref.func $twice)))) (func (export "f") (result i32) (call_ref $i (call_ref $i (i32.const 10) (block (result (ref $i)) (call $nothing) (call $pick (i32.const 1)))) (call $pick (i32.const 0))))`],
  ["br_on_null and br_on_non_null", `(func $apply (param (ref $i) i32) (result i32) (call_ref $i (local.get 1) (local.get 0))) (func $g (param $r (ref null $i)) (result i32) (block $n (call $nothing) (return (call $apply (br_on_null $n (local.get $r)) (call $tick)))) (block $v (result (ref $i)) (call $nothing) (br_on_non_null $v (local.get $r)) (return (call $id (i32.const 100)))) (drop) (i32.const 7)) (func (export "f") (result i32) (i32.add (call $g (ref.null $i)) (call $g (ref.func $inc))))`],
  ["identity of references", `(func (export "f") (result i32) (local $r funcref) (local.set $r (ref.func $inc)) (call $nothing) (table.set $t (i32.const 3) (local.get $r)) (call $nothing) (call_indirect $t (type $i) (i32.const 5) (i32.const 3)))`],
  ["null references in locals", `(func (export "f") (result i32) (local $a funcref) (local $b externref) (call $nothing) (i32.add (ref.is_null (local.get $a)) (ref.is_null (local.get $b))))`, { result: 2 }],
  ["table.grow, set, fill, copy between freezes", `(func (export "f") (result i32) (local $s i32) (drop (table.grow $t (ref.func $inc) (call $id (i32.const 3)))) (call $nothing) (table.set $t (i32.const 0) (ref.func $twice)) (call $nothing) (table.fill $t (i32.const 3) (ref.func $id) (i32.const 2)) (call $nothing) (table.copy $t $t (i32.const 1) (i32.const 2) (i32.const 3)) (call $nothing)
     (call_indirect $t (type $i) (i32.const 10) (i32.const 0)) (call_indirect $t (type $i) (i32.const 10) (i32.const 1)) (call_indirect $t (type $i) (i32.const 10) (i32.const 2)) (call_indirect $t (type $i) (i32.const 10) (i32.const 6)) (i32.add) (i32.add) (i32.add) (i32.mul (table.size $t)))`],
  ["elem.drop and table.init", `(elem $p func $twice $inc) (func (export "f") (result i32) (call $nothing) (table.init $t $p (i32.const 0) (i32.const 0) (i32.const 2)) (call $nothing) (elem.drop $p) (call $nothing) (table.init $t $p (i32.const 0) (i32.const 0) (i32.const 0)) (call $nothing) (call_indirect $t (type $i) (i32.const 8) (i32.const 0)))`, { result: 16 }],
  ["elem.drop, then a trap", `(elem $p func $twice $inc) (func (export "f") (call $nothing) (elem.drop $p) (call $nothing) (table.init $t $p (i32.const 0) (i32.const 0) (i32.const 1)))`],
];

// biome-ignore format: one line a case
const WITH_BINARYEN: readonly Row[] = [
  ["non-null table elements", `(module (type $i (func (param i32) (result i32))) (table $t 3 (ref $i) (ref.func $id)) (func $id (type $i) (loop (nop)) (local.get 0)) (func $dbl (type $i) (i32.add (call $id (local.get 0)) (local.get 0))) (elem declare func $dbl)
     (func (export "f") (result i32) (local $r (ref $i)) (local.set $r (table.get $t (i32.const 1))) (table.set $t (i32.const 2) (ref.func $dbl)) (drop (call $id (i32.const 1))) (i32.add (call_ref $i (i32.const 3) (local.get $r)) (call_indirect $t (type $i) (i32.const 4) (i32.const 2)))))`],
  ["64-bit tables", `(module (type $i (func (param i32) (result i32))) (table $t i64 3 9 funcref) (func $id (type $i) (loop (nop)) (local.get 0)) (elem $p (table $t) (i64.const 0) func $id $id)
     (func (export "f") (result i32) (drop (table.grow $t (ref.func $id) (i64.const 2))) (drop (call $id (i32.const 1))) (i32.add (call_indirect $t (type $i) (i32.const 4) (i64.const 4)) (i32.wrap_i64 (table.size $t)))))`],
];

for (const [group, rows] of Object.entries({ calls: CALLS, references: REFERENCES })) {
  for (const [what, text, options] of rows) {
    test(`${group}: ${what}`, () => void survives(module(text), { assemble: assembleEither, ...options }));
  }
}
for (const [what, text, options] of WITH_BINARYEN) {
  test(`references: ${what}`, () => void survives(text, { ...options, assemble: assembleWithBinaryen }));
}

function read(log: (entry: unknown) => void, value: HostValue): number {
  log(["read", value]);
  return Number(value) * 2;
}

const HOST = (log: (entry: unknown) => void): HostImports => ({
  env: {
    log: { freeze: "instant", call: (_, ...args) => log(args) as undefined },
    read: { freeze: "restartable", call: (_, value) => read(log, value) },
    pair: { freeze: "restartable", call: (_, a, b) => [b as bigint, a as number] },
  },
});

// biome-ignore format: one line a case
const IMPORTS: readonly Row[] = [
  ["a host function below operands", `(import "env" "log" (func $log (param i32 f64))) | (func (export "f") (result i32) (call $tick) (call $log (call $tick) (f64.const 1.5)) (i32.add (call $tick)))`],
  ["a restartable one is issued once", `(import "env" "read" (func $read (type $i))) | (func (export "f") (result i32) (i32.add (call $read (call $tick)) (call $read (call $tick))))`, { result: 6 }],
  ["several results", `(import "env" "pair" (func $pair (param i32 i64) (result i64 i32))) | (func (export "f") (result i64) (local i32) (i64.const 7) (call $pair (call $tick) (i64.const 5)) (local.set 0) (i64.add) (i64.add (i64.extend_i32_s (local.get 0))))`, { result: 13n }],
  ["tail call into the host", `(import "env" "read" (func $read (type $i))) | (func $g (type $i) (return_call $read (i32.add (local.get 0) (call $tick)))) (func (export "f") (result i32) (i32.add (call $g (i32.const 4)) (call $tick)))`, { result: 12 }],
  ["a host function through a table", `(import "env" "read" (func $read (type $i))) | (table $u 1 funcref) (elem (table $u) (i32.const 0) func $read) (func (export "f") (result i32) (i32.add (call $tick) (call_indirect $u (type $i) (call $tick) (i32.const 0))))`, { result: 5 }],
  ["a host function as a reference", `(import "env" "read" (func $read (type $i))) | (elem declare func $read) (func (export "f") (result i32) (local $r (ref null $i)) (local.set $r (ref.func $read)) (call $nothing) (call_ref $i (call $tick) (local.get $r)))`, { result: 2 }],
  ["the entry is an import", `(import "env" "read" (func $read (type $i))) | (export "g" (func $read))`, { entry: "g", args: [4], result: 8 }],
];

for (const [what, text, options] of IMPORTS) {
  test(`imports: ${what}`, () => void survives(module(text), { imports: HOST, assemble: assembleEither, ...options }));
}

test("linked instances: recursion across two, memory and table shared", () => {
  const a = `(module (type $i (func (param i32) (result i32))) (memory (export "memory") 1) (table (export "t") 2 funcref)
    (func $a (export "a") (param i32) (result i32) (i32.store (i32.mul (local.get 0) (i32.const 4)) (local.get 0))
      (if (result i32) (local.get 0) (then (i32.add (call_indirect (type $i) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)) (i32.const 10))) (else (i32.const 5))))
    (elem (i32.const 0) func $a))`;
  const b = `(module (type $i (func (param i32) (result i32))) (import "a" "a" (func $a (type $i))) (import "a" "memory" (memory 1)) (import "a" "t" (table 2 funcref))
    (func $b (type $i) (i32.add (call $a (local.get 0)) (i32.load (i32.mul (local.get 0) (i32.const 4))))) (elem (i32.const 1) func $b)
    (func (export "f") (param i32) (result i32) (i32.add (call $a (local.get 0)) (call_indirect (type $i) (i32.const 3) (i32.const 1)))))`;
  survivesLinked({ a, b }, { args: [8] });
});

test("linked instances: three, with exceptions, globals and tail calls across", () => {
  const a = `(module (tag $e (export "e") (param i32)) (global (export "g") (mut i64) (i64.const 0)) (global $v (export "v") (mut v128) (v128.const i32x4 1 2 3 4))
    (func (export "throw") (param i32) (loop) (throw $e (local.get 0))))`;
  const b = `(module (import "a" "e" (tag $e (param i32))) (import "a" "throw" (func $throw (param i32))) (import "a" "g" (global $g (mut i64)))
    (func (export "mid") (param i32) (result i32) (global.set $g (i64.add (global.get $g) (i64.const 1))) (loop) (call $throw (local.get 0)) (i32.const 1)))`;
  const c = `(module (import "a" "e" (tag $e (param i32))) (import "b" "mid" (func $mid (param i32) (result i32))) (import "a" "v" (global $v (mut v128)))
    (func $g (param i32) (result i32) (return_call $mid (local.get 0)))
    (func (export "f") (result i32) (local i32 i32) (loop $l (local.set 0 (i32.add (local.get 0) (block $h (result i32) (try_table (result i32) (catch $e $h) (call $g (local.get 1))))))
      (global.set $v (i32x4.add (global.get $v) (i32x4.splat (local.get 1)))) (local.set 1 (i32.add (local.get 1) (i32.const 1))) (br_if $l (i32.lt_u (local.get 1) (i32.const 5)))) (i32.add (local.get 0) (i32x4.extract_lane 0 (global.get $v)))))`;
  survivesLinked({ a, b, c }, { result: 21 });
});

test("linked instances: every one with a start function", () => {
  const a = `(module (global $g (export "g") (mut i32) (i32.const 1)) (start $s) (func $s (loop $l (global.set $g (i32.mul (global.get $g) (i32.const 3))) (br_if $l (i32.lt_u (global.get $g) (i32.const 50))))))`;
  const b = `(module (import "a" "g" (global $g (mut i32))) (start $s) (func $s (loop) (global.set $g (i32.add (global.get $g) (i32.const 1)))) (func (export "f") (result i32) (loop) (global.get $g)))`;
  survivesLinked({ a, b }, { result: 82 });
});

test("linked instances: a host call that is issued again sees the memory of the instance that called", () => {
  const side = (
    name: string,
    rest: string,
  ) => `(module (import "env" "mark" (func $mark (param i32) (result i32))) (memory (export "memory") 1)
    (func (export "${name}") (param i32) (result i32) (loop) (i32.add (call $mark (local.get 0)) (i32.load8_u (i32.const 0)))) ${rest})`;
  const a = side("a", "");
  const b = side("f", "")
    .replace("(memory", `(import "a" "a" (func $a (param i32) (result i32))) (memory`)
    .replace("(loop)", "(loop) (drop (call $a (i32.const 40)))");
  const mark = (call: HostCall, value: HostValue) => {
    call.memory[0] = Number(value);
    return 1;
  };
  const imports = (): HostImports => ({ env: { mark: { freeze: "restartable", call: mark } } });
  for (const every of [1, 2, 3]) {
    const modules = Object.entries({ a, b }).map(([name, wat]) => ({ name, bytes: assemble(wat) }));
    const scenario = new Scenario(modules, { imports, args: [7] });
    const { outcome, group } = scenario.rewritten(every);
    assert.deepEqual(outcome.ending, { returned: [8] });
    assert.deepEqual(
      group.instances.map((instance) => instance.bytes()[0]),
      [40, 7],
    );
  }
});
