// A state that was saved under some options of the rewriter is continued under others: positions and values of frames
// follow from the original module alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostImports } from "../../src/abi/index.ts";
import { loadProgram } from "../../src/core/program.ts";
import { captureGroup, Group, restoreGroup } from "../../src/engine/index.ts";
import type { RewriteOptions } from "../../src/instrument/index.ts";
import { assemble } from "../assemble.ts";
import { auditMirror, mirrorForTests } from "../support/mirror-audit.ts";
import { carried } from "../torture.ts";

function host(freeze: "restartable" | "instant"): HostImports {
  return { h: { h: { freeze, call: () => 5 } } };
}
const INSTANT: RewriteOptions = { importKind: () => "instant" };
const RESTARTABLE: RewriteOptions = { importKind: () => "restartable" };

/** Runs `f` and moves it, at every n-th safe point, from a group rewritten under one of the options to the next's. */
function moves(text: string, options: readonly RewriteOptions[], result: unknown, every = 1): number {
  const bytes = assemble(text);
  const programs = options.map((option) => loadProgram(bytes, "m", option));
  const entry = programs[0]!.info.exports.find(({ name }) => name === "f")!;
  const make = (number: number) => {
    const group = new Group();
    const option = options[number % programs.length]!;
    const program = programs[number % programs.length]!;
    const mirror = program.info.mirror ? mirrorForTests() : undefined;
    group.add("m", program, host(option === INSTANT ? "instant" : "restartable"), {}, { mirror });
    return group;
  };
  let group = make(0);
  let thread = group.spawn({ instance: 0, function: entry.index, name: "f" }, []);
  let points = 0;
  let polls = 0;
  for (;;) {
    group.policy = () => ++polls % every === 0;
    group.request();
    group.run(thread);
    const [instance] = group.instances;
    if (instance!.mirror) auditMirror(instance!);
    if (thread.ending) break;
    const saved = carried(captureGroup(group));
    group = make(++points);
    restoreGroup(group, saved);
    for (const { mirror, memories } of group.instances) mirror?.wrote(0, memories[0]!.buffer.byteLength);
    thread = group.threads[0]!;
  }
  assert.deepEqual(thread.ending, { kind: "returned", results: [result] });
  return points;
}

/** Every call waits in the host: under INSTANT, no function of these is instrumented. */
function waiting(functions: string): string {
  return `(module (import "h" "h" (func $h (result i32))) (tag $e (param i32)) (type $i (func (result i32))) (table $t 1 funcref) (elem (table $t) (i32.const 0) func $one)
    (func $one (result i32) (i32.const 1)) ${functions})`;
}

const CASES: readonly (readonly [what: string, functions: string, result: unknown])[] = [
  ["operands and locals", `(func $g (param i32) (result i32) (i32.mul (local.get 0) (call $h))) (func (export "f") (result i32) (local i32) (local.set 0 (i32.const 7)) (i32.add (i32.add (i32.const 2) (call $g (i32.const 3))) (local.get 0)))`, 24],
  ["operands that no constant gives", `(func $g (param i32) (result i32) (i32.mul (i32.add (local.get 0) (call $one)) (i32.add (call $h) (i32.mul (call $one) (call $h))))) (func (export "f") (result i32) (i32.sub (i32.eqz (i32.const 0)) (call $g (i32.const 3))))`, -39],
  ["vectors", `(func (export "f") (result i32) (local v128) (local.set 0 (i32x4.splat (call $one))) (i32x4.extract_lane 2 (i32x4.add (i32x4.splat (call $h)) (local.get 0))))`, 6],
  ["loops and blocks", `(func $g (result i32) (local i32 i32) (loop $l (block $b (br_if $b (i32.gt_u (local.get 0) (i32.const 3))) (local.set 1 (i32.add (local.get 1) (call $h))) (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br $l))) (local.get 1)) (func (export "f") (result i32) (i32.add (call $g) (call $g)))`, 40],
  ["try_table", `(func $g (param i32) (throw $e (i32.add (local.get 0) (call $h)))) (func (export "f") (result i32) (block $b (result i32) (try_table (catch $e $b) (call $g (i32.const 2))) (unreachable)))`, 7],
  ["references", `(func $g (param funcref) (result i32) (table.set $t (i32.const 0) (local.get 0)) (call $h)) (func (export "f") (result i32) (local funcref) (local.set 0 (table.get $t (i32.const 0))) (i32.add (call $g (ref.null func)) (i32.const 1)) (table.set $t (i32.const 0) (local.get 0)) (i32.add (call_indirect $t (type $i) (i32.const 0))))`, 7],
  ["references as operands", `(func $g (param funcref i32) (result i32) (table.set $t (i32.const 0) (local.get 0)) (i32.add (local.get 1) (call_indirect $t (type $i) (i32.const 0)))) (func (export "f") (result i32) (call $g (table.get $t (i32.const 0)) (call $h)))`, 6],
  ["exception references", `(func (export "f") (result i32) (local exnref) (block $b (result exnref) (try_table (catch_all_ref $b) (throw $e (i32.const 4))) (unreachable)) (local.set 0) (block $b (result i32) (try_table (result i32) (catch $e $b) (drop (call $h)) (throw_ref (local.get 0)))) (i32.add (call $h)))`, 9],
]; // biome-ignore format: one line a case

for (const [what, functions, result] of CASES) {
  test(`other options: ${what}`, () => {
    assert(moves(waiting(functions), [RESTARTABLE, RESTARTABLE], result) > 0);
    moves(waiting(functions), [RESTARTABLE, INSTANT], result);
  });
}

test("other options: loops that poll at every turn, at every third, hardly ever", () => {
  const text = `(module (func $sum (param i32) (result i32) (local i32) (loop $l (local.set 1 (i32.add (local.get 1) (local.get 0))) (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0))) (local.get 1))
    (func (export "f") (result i32) (i32.add (call $sum (i32.const 30)) (call $sum (i32.const 4000)))))`;
  const turns = [1, 3, 7, 100].map((mostTurns) => ({ mostTurns }));
  const points = moves(text, turns, 465 + 8002000);
  assert(points > 20, `more than 20 points, found ${points}`);
});

test("S109: other options: frozen with a mirror of memory and continued without, and the other way round", () => {
  const text = `(module (memory 3) (func $set (param i32 i32) (i32.store offset=4 (local.get 0) (local.get 1)) (i64.store offset=12 (local.get 0) (i64.const -2)))
    (func (export "f") (result i32) (local $i i32) (local $sum i32)
      (memory.fill (i32.const 100) (i32.const 7) (i32.const 70000))
      (loop $l
        (call $set (i32.mul (local.get $i) (i32.const 1021)) (local.get $i))
        (memory.copy (i32.add (i32.const 70000) (i32.mul (local.get $i) (i32.const 31))) (i32.mul (local.get $i) (i32.const 1000)) (i32.const 9000))
        (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load offset=4 (i32.mul (local.get $i) (i32.const 77)))))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 60))))
      (local.get $sum)))`;
  const piecewise = { pieceBytes: 1000, mostTurns: 1 };
  const result = new WebAssembly.Instance(new WebAssembly.Module(assemble(text))).exports["f"] as () => number;
  const points = moves(text, [{ mirror: true, ...piecewise }, piecewise, { mirror: true }, {}], result());
  assert(points > 40, `more than 40 points, found ${points}`);
});
