// How many turns lie between two polls, for loops as text: one line a loop.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { survives } from "../../test/torture.ts";
import { OP } from "../wasm/index.ts";
import { mostTurnsOf } from "./counted-loops.ts";
import { loopTurns } from "./loops.ts";
import { Program } from "./program.ts";

const ENDLESS = Number.POSITIVE_INFINITY;

/** The last loop of a function with a parameter $n and locals $i and $j, and its instructions. */
function lastLoop(text: string) {
  const program = new Program(
    assemble(`(module (memory 1) (func $f) (func (param $n i32) (local $i i32) (local $j i32) ${text}))`),
  );
  const body = program.planner.decode(1);
  const at = body.op.subarray(0, body.count).lastIndexOf(OP.loop);
  return { body, at };
}

const add = (step: number) => `(i32.add (local.get $i) (i32.const ${step}))`;
/** A loop that adds `step` to $i and goes on while `compare` with `limit` holds. */
const upTo = (compare: string, limit: number, step = 1) =>
  `(loop $l (nop) (br_if $l (i32.${compare} (local.tee $i ${add(step)}) (i32.const ${limit}))))`;
const from = (first: number, loop: string) => `(local.set $i (i32.const ${first})) ${loop}`;

const BOUNDS: readonly (readonly [text: string, turns: number])[] = [
  [upTo("ne", 64), 65],
  [upTo("ne", 64, 8), 9],
  [upTo("ne", 64, 7), ENDLESS],
  [upTo("ne", 0), ENDLESS],
  [from(10, upTo("ne", 64, 2)), 28],
  [from(64, upTo("ne", 0, -4)), 17],
  [from(-64, upTo("ne", 0, 4)), 17],
  [from(70, upTo("ne", 64, -1)), 7],
  [upTo("lt_u", 100, 10), 12],
  [`(local.set $i (local.get $n)) ${upTo("lt_u", 100, 10)}`, 12],
  [`(local.set $i (local.get $n)) ${upTo("lt_s", 100, 10)}`, ENDLESS],
  [`(local.set $i (local.get $n)) ${upTo("ne", 100, 10)}`, ENDLESS],
  [upTo("lt_u", -1, 1), ENDLESS],
  [upTo("lt_u", -1, -1), ENDLESS],
  [from(0, upTo("lt_s", 100, 10)), 12],
  [from(0x7fffffff, upTo("lt_s", 0, 1)), ENDLESS],
  [from(0, upTo("lt_s", 0x7fffffff, 2)), ENDLESS],
  [from(100, upTo("gt_s", 0, -10)), 12],
  [from(100, upTo("gt_u", 10, -10)), 11],
  [from(100, upTo("gt_u", 5, -10)), ENDLESS],
  [from(8, `(loop $l (br_if $l (local.tee $i ${add(-1)})))`), 9],
  [from(0, `(loop $l (local.set $i ${add(1)}) (nop) (br_if $l (i32.lt_u (local.get $i) (i32.const 9))))`), 11],
  [from(0, `(block $b (br_if $b (local.get $n)) (local.set $j (i32.const 1))) ${upTo("ne", 5)}`), 6],
  [from(0, `(block $b (br_if $b (local.get $n)) (local.set $i (i32.const 1))) ${upTo("ne", 5)}`), ENDLESS],
  [from(0, `(if (local.get $n) (then (local.set $i (i32.const 3))) (else ${upTo("ne", 5)}))`), 6],
  [from(0, `(loop $m ${upTo("ne", 5)} (br_if $m (local.get $n)))`), ENDLESS],
  [from(0, `(loop $l (local.set $i ${add(1)}) (br_if $l (local.get $n)) (br_if $l (i32.ne (local.get $i) (i32.const 9))))`), ENDLESS],
  [from(0, `(loop $l (if (local.get $n) (then (local.set $i ${add(1)}))) (br_if $l (i32.ne (local.get $i) (i32.const 9))))`), ENDLESS],
  [from(0, `(loop $l (local.set $i ${add(1)}) (local.set $i ${add(1)}) (br_if $l (i32.ne (local.get $i) (i32.const 10))))`), ENDLESS],
  [from(0, `(loop $l (local.set $i (i32.const 3)) (br_if $l (i32.ne (local.get $i) (i32.const 9))))`), ENDLESS],
  [from(0, `(loop $l (block $b (br_if $b (local.get $n)) (br_if $l (i32.ne (local.tee $i ${add(1)}) (i32.const 9)))))`), ENDLESS],
  [`(loop $l (br $l))`, ENDLESS],
]; // biome-ignore format: one line a loop

test("bounds of counted loops", () => {
  for (const [text, turns] of BOUNDS) {
    const { body, at } = lastLoop(text);
    assert.equal(mostTurnsOf(body, at), turns, text);
  }
});

const NOP = "(nop)";
const FORMS: readonly (readonly [text: string, turns: number])[] = [
  [`(loop $l ${NOP.repeat(14)} (br $l))`, 1024],
  [`(loop $l (br_if $l (local.get $n)))`, 5461],
  [`(loop $l (call $f) (br $l))`, 1],
  [`(loop $l (memory.fill (i32.const 0) (i32.const 0) (local.get $n)) (br $l))`, 1],
  [`(loop $l (drop (memory.grow (i32.const 1))) (br $l))`, 1],
  [`(loop $l ${NOP.repeat(1400)} (br $l))`, 1],
  [upTo("ne", 64), 0],
  [upTo("ne", 2000), 1820],
  ["(loop)", 1],
]; // biome-ignore format: one line a loop

test("turns between two polls", () => {
  for (const [text, turns] of FORMS) {
    const { body, at } = lastLoop(text);
    assert.equal(loopTurns(body, at, ENDLESS), turns, text);
    assert.equal(loopTurns(body, at, 1), 1, `${text}, every turn`);
  }
});

test("strip-mined loops are frozen between any two rounds", () => {
  const sum = (
    turns: number,
  ) => `(loop $l (local.set $b (i32.add (local.get $b) (local.tee $a (i32.add (local.get $a) (i32.const 1)))))
    (br_if $l (i32.lt_u (local.get $a) (local.get 0)))) (local.get $b) (i32.const ${turns}) (i32.add)`;
  survives(sum(0), { args: [300], result: 45_150, options: { mostTurns: 7 } });
  survives(sum(1), { args: [10_000], result: 50_005_001, options: { mostTurns: Number.POSITIVE_INFINITY } });
  const left = `(i32.const 5) (loop $l (result i32) (local.set $a (i32.add (local.get $a) (i32.const 1)))
    (drop (i32.const 1)) (br_if $l (i32.lt_u (local.get $a) (local.get 0))) (local.get $a)) (i32.add)`;
  survives(left, { args: [40], result: 45, options: { mostTurns: 2 } });
  const out = `(block $out (loop $l (br_if $out (i32.gt_u (local.get $a) (local.get 0))) (local.set $a (i32.add (local.get $a) (i32.const 3))) (br $l))) (local.get $a)`;
  survives(out, { args: [50], result: 51, options: { mostTurns: 2 } });
});

test("a call in a polled loop needs no poll in what it calls, a call outside does", () => {
  const entries = (body: string) =>
    new Program(assemble(`(module (func $f (param i32) (if (local.get 0) (then ${body}))))`)).graph.entryPolls[0];
  assert.equal(entries("(loop $l (call $f (i32.const 1)) (br_if $l (local.get 0)))"), 0);
  assert.equal(entries("(call $f (i32.const 1)) (loop $l (call $f (i32.const 1)) (br_if $l (local.get 0)))"), 1);
  assert.equal(entries("(call $f (i32.const 1))"), 1);
});
