// Promise 7: frozen under one form of polls, thawed under another. At every point the next form takes over.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadProgram } from "../../src/core/program.ts";
import { captureGroup, Group, restoreGroup } from "../../src/engine/index.ts";
import type { RewriteOptions } from "../../src/instrument/index.ts";
import { assemble } from "../assemble.ts";
import { carried } from "../torture.ts";

const FORMS: readonly RewriteOptions[] = [{ mostTurns: 1 }, {}, { mostTurns: 3 }, { mostTurns: 1, hints: false }];

/** A recursion through loops: counted ones, strip-mined ones, one that polls at every turn, with operands below. */
const BYTES = assemble(`(module (memory (export "memory") 1)
  (func $mix (param $n i32) (result i32) (local $i i32) (local $s i32)
    (loop $counted (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 3)) (local.get $i)))
      (br_if $counted (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))
    (i32.add (local.get $s) (loop $mined (result i32)
      (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get $n)))
      (br_if $mined (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))) (local.get $i))))
  (func $f (export "f") (param $n i32) (result i32) (local $i i32) (local $s i32)
    (if (i32.eqz (local.get $n)) (then (return (call $mix (i32.const 13)))))
    (loop $turn
      (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 5))
        (i32.xor (i32.load (i32.const 8)) (i32.add (call $f (i32.sub (local.get $n) (i32.const 1))) (call $mix (i32.add (local.get $i) (i32.const 9)))))))
      (br_if $turn (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))
    (local.get $s)))`);

test("a thread goes from one form of polls to the next at every point", () => {
  const expected = (new WebAssembly.Instance(new WebAssembly.Module(BYTES)).exports["f"] as (n: number) => number)(3);
  const programs = FORMS.map((options) => loadProgram(BYTES, "forms", options));
  for (let first = 0; first < programs.length; first++) {
    const group = (points: number) => {
      const fresh = new Group();
      fresh.add("m", programs[(first + points) % programs.length]!);
      return fresh;
    };
    let present = group(0);
    const { index } = programs[0]!.info.exports.find(({ name }) => name === "f")!;
    let thread = present.spawn({ instance: 0, function: index, name: "f" }, [3]);
    let points = 0;
    for (;;) {
      present.request();
      present.run(thread);
      if (thread.ending) break;
      assert(++points < 5_000, "progress");
      const saved = carried(captureGroup(present));
      present = group(points);
      restoreGroup(present, saved);
      thread = present.threads[0]!;
    }
    assert.deepEqual(thread.ending, { kind: "returned", results: [expected] }, `beginning with form ${first}`);
    assert(points >= 40, `at least 40 points, found ${points}`);
  }
});
