// What rtcr relies on and no specification promises, watched in every engine: that a plain load of the flag is refreshed
// in optimised loops, and that code entered through a thaw becomes fast. Runs in a browser's worker (suite-worker.ts) and
// under Node; notes are printed.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SavedGroup } from "../../src/abi/index.ts";
import { type LoadedProgram, loadProgram } from "../../src/core/program.ts";
import { captureGroup, type EngineFault, Group, restoreGroup, type Thread } from "../../src/engine/index.ts";
import { startTicker } from "../../src/machine/ticker.ts";
import { assemble } from "../assemble.ts";
import { note } from "./node-shims.ts";

const ROUNDS = 200;
const SAMPLES = 5;
const TURNS = 60_000_000;

/** `spin` never ends; `work` does n turns of arithmetic through memory. */
const BYTES = assemble(`(module (memory (export "memory") 1)
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 3))) (else (i32.const 1))))
  (func (export "spin") (local i32) (loop $l (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br $l)))
  (func (export "work") (param $n i32) (result i32) (local $i i32) (local $x i32)
    (loop $l
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (local.get $i)))
      (i32.store (i32.and (local.get $x) (i32.const 65532)) (i32.xor (local.get $x) (i32.load (i32.and (local.get $i) (i32.const 65532)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $x)))`);

function prepare(program: LoadedProgram, name: string, args: readonly unknown[]): { group: Group; thread: Thread } {
  const group = new Group();
  group.add("canary", program);
  const { index } = program.info.exports.find((entry) => entry.name === name)!;
  return { group, thread: group.spawn({ instance: 0, function: index, name }, args) };
}

for (const [form, options] of [
  ["that polls at every turn", { mostTurns: 1 }],
  ["that is strip-mined", {}],
] as const)
  test(`a request is seen by an optimised loop ${form}`, async () => {
    const { group, thread } = prepare(loadProgram(BYTES, "canary", options), "spin", []);
    const ticker = startTicker(group.control.words, 2);
    await ticker.ready;
    ticker.run();
    for (let round = 0; round < ROUNDS; round++) {
      group.release();
      group.run(thread); // for ever, where the load was moved out of the loop
      assert(thread.state === "frozen", `round ${round}: the thread is frozen`);
    }
    ticker.close();
    note(`${ROUNDS} requests seen`);
  });

/** A recursion `depth` deep, frozen at its bottom: frames of a shallow one, repeated. */
function deepState(program: LoadedProgram, depth: number): SavedGroup {
  const { group, thread } = prepare(program, "deep", [50]);
  let polls = 0;
  group.policy = () => ++polls === 40;
  group.request();
  group.run(thread);
  const saved = captureGroup(group);
  const [shallow] = saved.threads;
  const { frames } = shallow!;
  const repeated = Array.from({ length: depth - frames.length }, () => frames[1]!);
  return { ...saved, threads: [{ ...shallow!, frames: [frames[0]!, ...repeated, ...frames.slice(1)] }] };
}

/** Whether a saved recursion of `depth` frames can go on here; if so it returns what it should. */
function fits(program: LoadedProgram, depth: number): boolean {
  const group = new Group();
  group.add("canary", program);
  restoreGroup(group, deepState(program, depth));
  const thread = group.threads[0]!;
  try {
    group.run(thread);
  } catch (thrown) {
    assert.equal((thrown as EngineFault).code, "stack-depth");
    const message = `thread 1 has ${depth} frames, more than this engine's stack holds`;
    assert.equal((thrown as EngineFault).message, message);
    assert.equal(thread.state, "frozen");
    return false;
  }
  assert.equal(thread.ending?.kind, "returned");
  return true;
}

test("a stack that goes on here, or is refused by name", () => {
  const program = loadProgram(BYTES, "canary");
  let depth = 1_000;
  assert(fits(program, depth), `a recursion of ${depth} goes on`);
  while (depth < 2_000_000 && fits(program, depth * 2)) depth *= 2;
  note(`a saved recursion of ${depth} frames goes on, one of ${2 * depth} is refused`);
});

/** Milliseconds of work that was frozen at its very beginning, captured, and taken up by a fresh group. */
function thawedMs(
  program: LoadedProgram,
  reEnterEveryMs: number,
  words: (words: Int32Array<SharedArrayBuffer>) => void,
): [number, unknown] {
  const first = prepare(program, "work", [TURNS]);
  first.group.request();
  first.group.run(first.thread);
  const group = new Group();
  group.add("canary", program);
  restoreGroup(group, captureGroup(first.group));
  const thread = group.threads[0]!;
  if (Number.isFinite(reEnterEveryMs)) words(group.control.words);
  const begin = performance.now();
  while (!thread.ending) {
    group.release();
    group.run(thread);
  }
  return [performance.now() - begin, thread.ending];
}

test("work that was thawed becomes as fast as work that was not", async () => {
  const program = loadProgram(BYTES, "canary");
  const plain = new WebAssembly.Instance(new WebAssembly.Module(BYTES)).exports["work"] as (n: number) => number;
  const expected = { kind: "returned", results: [plain(TURNS)] };
  const best = { plain: Infinity, rewritten: Infinity, once: Infinity, again: Infinity };
  for (let sample = 0; sample < SAMPLES; sample++) {
    let begin = performance.now();
    plain(TURNS);
    best.plain = Math.min(best.plain, performance.now() - begin);
    const { group, thread } = prepare(program, "work", [TURNS]);
    begin = performance.now();
    group.run(thread);
    best.rewritten = Math.min(best.rewritten, performance.now() - begin);
    const [onceMs, onceEnding] = thawedMs(program, Infinity, () => {});
    best.once = Math.min(best.once, onceMs);
    let close = () => {};
    const [againMs, againEnding] = thawedMs(program, 20, (words) => {
      const ticker = startTicker(words, 20);
      ticker.run();
      close = ticker.close;
    });
    close();
    best.again = Math.min(best.again, againMs);
    assert.deepEqual([onceEnding, againEnding], [expected, expected]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const ratio = (ms: number) => (ms / best.plain).toFixed(2);
  const thawed = `thawed once ${ratio(best.once)}, thawed and entered again ${ratio(best.again)}`;
  note(`work of ${best.plain.toFixed(0)} ms: rewritten ${ratio(best.rewritten)}, ${thawed} times the plain time`);
});
