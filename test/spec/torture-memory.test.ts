// Memories under torture: bulk operations in pieces, traps before anything is written, growth, segments, atomic waits.

import { test } from "node:test";
import { type Case, survives } from "../torture.ts";

type Row = readonly [what: string, text: string, options?: Case];

const MEBIBYTE = 1 << 20;
/** Writes numbers all over the first 5 MiB of memory `$m`, whose addresses are `i32` or `i64`. */
function fillPattern(type: "i32" | "i64"): string {
  return `(func $pattern (local $p ${type}) (loop $l
      (i64.store $m (local.get $p) (i64.mul (i64.const 0x9e3779b97f4a7c15) ${type === "i64" ? "(i64.add (local.get $p) (i64.const 1))" : "(i64.extend_i32_u (i32.add (local.get $p) (i32.const 1)))"}))
      (local.set $p (${type}.add (local.get $p) (${type}.const 39973)))
      (br_if $l (${type}.lt_u (local.get $p) (${type}.const ${5 * MEBIBYTE})))))`;
}

/** A module with 6 MiB of memory and one bulk operation of lengths that are not known before it runs. */
function bulk(operation: string, memory = `(memory $m (export "memory") 96)`): string {
  return `(module ${memory} ${fillPattern("i32")} (func $n (param i32) (result i32) (local.get 0))
    (func (export "g") (call $pattern))
    (func (export "f") (result i32) (call $pattern) (i32.const 5) ${operation} (i32.add (i32.load $m (i32.const 1000)))))`;
}

// biome-ignore format: one line a case
const BULK: readonly Row[] = [
  ["copy downwards, overlapping", bulk("(memory.copy (i32.const 1000) (i32.const 4000) (call $n (i32.const 3500001)))")],
  ["copy upwards, overlapping", bulk("(memory.copy (i32.const 4000) (i32.const 1000) (call $n (i32.const 3500001)))")],
  ["copy far upwards", bulk("(memory.copy (i32.const 2500000) (i32.const 1000) (call $n (i32.const 2400000)))")],
  ["copy onto itself", bulk("(memory.copy (i32.const 1000) (i32.const 1000) (call $n (i32.const 3500000)))")],
  ["copy of one piece exactly", bulk(`(memory.copy (i32.const 1000) (i32.const 4000) (call $n (i32.const ${MEBIBYTE})))`)],
  ["copy of one piece and a byte", bulk(`(memory.copy (i32.const 1000) (i32.const 4000) (call $n (i32.const ${MEBIBYTE + 1})))`)],
  ["copy of nothing", bulk("(memory.copy (i32.const 1000) (i32.const 4000) (call $n (i32.const 0)))")],
  ["fill", bulk("(memory.fill (i32.const 1000) (i32.const 77) (call $n (i32.const 4100003)))")],
  ["fill up to the end", bulk(`(memory.fill (i32.const 1000) (i32.const 77) (call $n (i32.const ${96 * 65536 - 1000})))`)],
  ["fill: a trap before anything is written", bulk(`(memory.fill (i32.const 1000) (i32.const 77) (call $n (i32.const ${96 * 65536 - 999})))`)],
  ["copy: a trap for the destination", bulk("(memory.copy (i32.const 4000000) (i32.const 1) (call $n (i32.const 3000000)))")],
  ["copy: a trap for the source", bulk("(memory.copy (i32.const 1) (i32.const 4000000) (call $n (i32.const 3000000)))")],
  ["copy: a trap for a length as large as it gets", bulk("(memory.copy (i32.const 1000) (i32.const 1) (call $n (i32.const -1)))")],
  ["copy: a trap for an address as large as it gets", bulk("(memory.copy (call $n (i32.const -1)) (i32.const 1) (call $n (i32.const 3000000)))")],
];

for (const [what, text, options] of BULK)
  test(`bulk: ${what}`, () => void survives(text, { points: 0, every: 29, ...options }));
for (const [what, text, options] of BULK.slice(0, 3)) {
  const late = text.replace("(call $pattern) (i32.const 5)", "(i32.const 5)");
  test(`bulk: ${what}, at every point`, () => void survives(late, { points: 2, ...options }));
}

test("bulk: pieces of a few bytes, as torture has them", () => {
  const text = `(module (memory $m (export "memory") 1) (data $d "0123456789abcdefghij")
    (func $n (param i32) (result i32) (local.get 0))
    (func (export "f") (result i32)
      (memory.init $d (i32.const 0) (i32.const 0) (call $n (i32.const 20)))
      (memory.copy (i32.const 3) (i32.const 0) (call $n (i32.const 20)))
      (memory.copy (i32.const 0) (i32.const 5) (call $n (i32.const 20)))
      (memory.fill (i32.const 30) (i32.const 7) (call $n (i32.const 20))) (i32.load (i32.const 20))))`;
  survives(text, { points: 3 * 6, options: { pieceBytes: 3 } });
  survives(text, { points: 0 });
});

const WIDE = `(memory $m (export "memory") i64 96)`;
test("bulk: 64-bit memories", () => {
  const text = `(module ${WIDE} ${fillPattern("i64")} (func $n (param i64) (result i64) (local.get 0))
    (func (export "f") (result i32) (call $pattern)
      (memory.fill (i64.const 70) (i32.const 3) (call $n (i64.const 1500000)))
      (memory.copy (i64.const 1000) (i64.const 400) (call $n (i64.const 3500001)))
      (memory.copy (i64.const 10) (i64.const 400) (call $n (i64.const 3500001))) (i32.load (i64.const 1000))))`;
  survives(text, { every: 31 });
});

test("bulk: a trap in a 64-bit memory, at addresses near 2^64", () => {
  const text = `(module ${WIDE} (func $n (param i64) (result i64) (loop) (local.get 0))
    (func (export "f") (memory.fill (i64.const 70) (i32.const 3) (call $n (i64.const -8)))))`;
  survives(text);
});

test("bulk: between two memories of different width", () => {
  const text = `(module (memory $m (export "memory") 96) (memory $w (export "wide") i64 96) ${fillPattern("i32")}
    (func (export "f") (call $pattern)
      (memory.copy $w $m (i64.const 1000) (i32.const 400) (i32.const 3500001))
      (memory.copy $m $w (i32.const 5) (i64.const 1001) (i32.const 3500001))))`;
  survives(text, { every: 31 });
});

test("bulk: memory.init of several MiB, dropped afterwards", () => {
  const data = Array.from({ length: 2500 }, (_, i) => `"${String.fromCharCode(97 + (i % 26)).repeat(1001)}"`).join(" ");
  const text = `(module (memory $m (export "memory") 96) (data $d ${data}) (func $nothing (loop))
    (func (export "f") (result i32) (memory.init $d (i32.const 100) (i32.const 3) (i32.const 2500000)) (call $nothing) (data.drop $d) (call $nothing)
      (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (i32.load (i32.const 2000000)))
    (func (export "g") (memory.init $d (i32.const 100) (i32.const 3) (i32.const 2502500))))`;
  survives(text, { points: 4 });
  survives(text, { entry: "g", points: 0 });
  survives(text.replace("2502500))))", "-3))))"), { entry: "g", points: 0 });
});

// biome-ignore format: one line a case
const GROWTH: readonly Row[] = [
  ["memory.grow between freezes", `(module (memory (export "memory") 1 9) (func $nothing (loop)) (func (export "f") (result i32) (local i32) (loop $l (i32.store (i32.mul (memory.size) (i32.const 65532)) (memory.size)) (call $nothing) (local.set 0 (i32.add (local.get 0) (memory.grow (i32.const 1)))) (br_if $l (i32.lt_u (memory.size) (i32.const 9)))) (i32.add (local.get 0) (memory.grow (i32.const 1)))))`],
  ["several memories", `(module (memory $a 1 9) (memory $b i64 1 9) (func $nothing (loop)) (func (export "f") (result i64) (drop (memory.grow $a (i32.const 1))) (drop (memory.grow $b (i64.const 2))) (i32.store $a (i32.const 70000) (i32.const 4)) (call $nothing) (i64.store $b (i64.const 140000) (i64.const 5)) (call $nothing) (i64.add (i64.extend_i32_u (i32.load $a (i32.const 70000))) (i64.add (memory.size $b) (i64.load $b (i64.const 140000))))))`, { result: 12n }],
  ["atomics", `(module (memory (export "memory") 1 1 shared) (func $nothing (loop)) (func (export "f") (result i64) (i64.atomic.store (i32.const 8) (i64.const 40)) (call $nothing) (i64.atomic.rmw.add (i32.const 8) (i64.const 2)) (call $nothing) (i64.add (i64.extend_i32_u (memory.atomic.notify (i32.const 0) (i32.const 1)))) (atomic.fence)))`, { result: 40n }],
  ["a wait that is over: not equal", `(module (memory 1 1 shared) (func (export "f") (result i32) (loop) (memory.atomic.wait32 offset=4 (i32.const 8) (i32.const 1) (i64.const -1))))`, { result: 1 }],
  ["a wait that times out", `(module (memory 1 1 shared) (func (export "f") (result i32) (loop) (i32.add (i32.mul (i32.const 10) (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const 3000000))) (memory.atomic.wait64 offset=8 (i32.const 8) (i64.const 0) (i64.const 2000000)))))`, { result: 22 }],
  ["a wait on no alignment traps", `(module (memory 1 1 shared) (func (export "f") (result i32) (loop) (memory.atomic.wait32 (i32.const 7) (i32.const 0) (i64.const 1))))`],
  ["a wait out of bounds traps", `(module (memory 1 1 shared) (func (export "f") (result i32) (loop) (memory.atomic.wait64 offset=8 (i32.const 65528) (i64.const 0) (i64.const 1))))`],
];

for (const [what, text, options] of GROWTH) test(`memories: ${what}`, () => void survives(text, options));
