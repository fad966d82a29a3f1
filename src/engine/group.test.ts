// Groups: stacks that do not fit, endings, threads that take turns.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import type { HostCall, HostImports, HostValue } from "../abi/index.ts";
import { loadProgram } from "../core/program.ts";
import { Group, type Thread } from "./index.ts";

function spawn(group: Group, text: string, args: readonly unknown[] = [], imports: HostImports = {}): Thread {
  const program = loadProgram(assemble(text), "m", { mostTurns: 1 });
  group.add("m", program, imports);
  const { index } = program.info.exports.find((entry) => entry.name === "f")!;
  return group.spawn({ instance: 0, function: index, name: "f" }, args);
}

/** A recursion that polls at its end. */
const DEEP = `(module (import "h" "h" (func $h (result i32)))
  (func $r (param i32 i32) (result i32) (if (result i32) (local.get 0) (then (i32.add (call $r (i32.sub (local.get 0) (i32.const 1)) (local.get 1)) (i32.const 3))) (else (if (result i32) (local.get 1) (then (call $h)) (else (loop $l (result i32) (i32.const 1)))))))
  (func (export "f") (param i32 i32) (result i32) (call $r (local.get 0) (local.get 1))))`;
const HOST: HostImports = { h: { h: { freeze: "restartable", call: () => 1 } } };

/** Runs `body` with most of the stack in use. */
function withLittleStack(body: () => void): void {
  let deepest = 0;
  const measure = (depth: number): void => {
    deepest = depth;
    measure(depth + 1);
  };
  assert.throws(() => measure(0), RangeError);
  const dive = (depth: number): void => (depth > 0 ? dive(depth - 1) : body());
  dive(Math.floor(deepest * 0.8));
}

for (const [where, hostCall] of [
  ["at a poll", 0],
  ["in a host call", 1],
] as const) {
  test(`a stack that this engine cannot hold is refused, the thread stays frozen: ${where}`, () => {
    const group = new Group();
    const thread = spawn(group, DEEP, [6000, hostCall], HOST);
    let polls = 0;
    group.policy = () => ++polls === 6002;
    group.request();
    group.run(thread);
    assert.equal(thread.state, "frozen");
    const before = group.save(thread);
    assert(before.frames.length > 6000);
    const message = /^thread 1 has 600\d frames, more than this engine's stack holds$/;
    withLittleStack(() => {
      assert.throws(() => group.run(thread), { name: "EngineFault", code: "stack-depth", message });
    });
    assert.equal(thread.state, "frozen");
    assert.deepEqual(group.save(thread), before);
    group.release();
    group.run(thread);
    assert.deepEqual(thread.ending, { kind: "returned", results: [18001] });
  });
}

test("a stack that the program exhausts ends it", () => {
  const group = new Group();
  const thread = spawn(group, `(module (func $f (export "f") (result i32) (i32.add (call $f) (i32.const 1))))`);
  group.run(thread);
  assert.equal(thread.ending?.kind, "exhausted");
});

test("an exception of the host is no exhausted stack", () => {
  const group = new Group();
  const fails = (): never => {
    throw new RangeError("offset is out of bounds");
  };
  const text = `(module (import "h" "h" (func $h)) (func (export "f") (call $h)))`;
  const thread = spawn(group, text, [], { h: { h: { freeze: "instant", call: fails } } });
  group.run(thread);
  assert.equal(thread.ending?.kind, "threw");
});

test("threads take turns: each goes on where it was, in the memory that they share", () => {
  const group = new Group();
  const text = `(module (memory 1) (func (export "f") (param i32) (result i32) (local i32 i32)
    (loop $l (local.set 2 (i32.add (local.get 2) (i32.load (i32.const 0)))) (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get 0)))
      (local.set 1 (i32.add (local.get 1) (i32.const 1))) (br_if $l (i32.lt_u (local.get 1) (i32.const 10)))) (local.get 2)))`;
  const first = spawn(group, text, [1]);
  const second = group.spawn(first.entry, [100]);
  group.request();
  for (let turn = 0; group.threads.length > 0; turn++) group.run(group.threads[turn % group.threads.length]!);
  // Each adds what it finds before it adds its own number; they alternate from the second poll on.
  const expected = { first: 0, second: 0 };
  for (let turn = 0, sum = 0; turn < 20; turn++) {
    expected[turn % 2 ? "second" : "first"] += sum;
    sum += turn % 2 ? 100 : 1;
  }
  assert.deepEqual(first.ending, { kind: "returned", results: [expected.first] });
  assert.deepEqual(second.ending, { kind: "returned", results: [expected.second] });
});

test("a group whose continuations cannot be made says so, and the thread stays frozen", () => {
  const group = new Group({
    compile: () => {
      throw new Error("no compiler today");
    },
  });
  const thread = spawn(group, `(module (func (export "f") (result i32) (loop $l (result i32) (i32.const 1))))`);
  group.request();
  group.run(thread);
  assert.throws(() => group.run(thread), /no compiler today/);
  assert.equal(thread.state, "frozen");
});

test("a host function of 300 parameters and 200 results is issued again", () => {
  const group = new Group();
  const params = Array.from({ length: 300 }, (_, i) => (i % 2 ? 1 : 1n));
  const types = params.map((value) => (typeof value === "bigint" ? "i64" : "i32")).join(" ");
  const values = params.map((value) => (typeof value === "bigint" ? "(i64.const 1)" : "(i32.const 1)")).join(" ");
  const text = `(module (import "h" "h" (func $h (param ${types}) (result ${"i32 ".repeat(200)})))
    (func (export "f") (result i32) (call $h ${values}) ${"(i32.add) ".repeat(199)}))`;
  let calls = 0;
  const call = (_: HostCall, ...args: HostValue[]) => {
    calls++;
    return new Array<number>(200).fill(args.filter((arg) => arg === 1 || arg === 1n).length);
  };
  const thread = spawn(group, text, [], { h: { h: { freeze: "restartable", call } } });
  group.request();
  let freezes = 0;
  for (group.run(thread); thread.state === "frozen"; group.run(thread)) freezes++;
  assert.deepEqual(thread.ending, { kind: "returned", results: [300 * 200] });
  assert.deepEqual([freezes, calls], [2, 1]); // at the entry and before the call
});

test("a frozen thread's frames are read while another one runs, which then freezes and goes on", () => {
  const group = new Group();
  let other: Thread | undefined;
  let seen = -1;
  const look: HostImports = {
    h: {
      h: {
        freeze: "restartable",
        call: (call: HostCall) => {
          if (call.progress !== undefined) return 1;
          if (other) seen = group.save(other).frames.length;
          return call.freeze(true);
        },
      },
    },
  };
  const first = spawn(group, DEEP, [10, 1], look);
  const { entry } = first;
  const second = group.spawn(entry, [20, 1]);
  const third = group.spawn(entry, [30, 1]);
  for (const thread of [first, second]) group.run(thread);
  other = first; // its records have been moved out for the second's
  group.run(third);
  assert.deepEqual([seen, third.state], [12, "frozen"]);
  assert.equal(group.save(third).frames.length, 32);
  for (const thread of [third, first, second]) group.run(thread);
  assert.deepEqual(
    [first, second, third].map(({ ending }) => ending),
    [31, 61, 91].map((result) => ({ kind: "returned", results: [result] })),
  );
});
