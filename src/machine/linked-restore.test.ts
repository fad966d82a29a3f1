// Restores of linked instances: they are instantiated anew, but what instantiation writes into memories and tables of
// others is not the saved state, may not fit, and may have failed the first time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble, assembleWithBinaryen } from "../../test/assemble.ts";
import { until } from "../../test/support/until.ts";
import type { Checkpoint } from "../checkpoint/index.ts";
import { Machine, type MachineOptions } from "./index.ts";

/** Waits until it is woken in a machine where `open` is set. */
function gate(state: { open: boolean }) {
  const call = (running: { wait: (ns: undefined) => string; freeze: (progress: null) => never }) => {
    while (!state.open) if (running.wait(undefined) === "freeze") running.freeze(null);
    return undefined;
  };
  return { host: { gate: { freeze: "restartable", call } } } as const;
}

/** Lets the only thread of a checkpoint run to its end in a new machine. */
async function finish(checkpoint: Checkpoint, options: MachineOptions = {}) {
  const machine = await Machine.restore(checkpoint, { ...options, imports: gate({ open: true }) });
  const [thread] = machine.threads;
  machine.resume();
  const outcome = await thread!.done;
  assert(outcome.kind === "returned", `the thread returned: ${JSON.stringify(outcome)}`);
  return { machine, results: outcome.results };
}

const OWNER = `(module (memory (export "memory") 1 40) (table $t (export "table") 2 60 funcref)
  (func (export "grow") (param i32) (drop (memory.grow (local.get 0))) (drop (table.grow $t (ref.null func) (local.get 0)))))`;

test("an instance needs memories and tables as they had grown when it was loaded", async () => {
  const user = `(module (type $i (func (result i32))) (import "a" "memory" (memory 5)) (import "a" "table" (table $t 6 funcref)) (import "host" "gate" (func $gate))
    (data (i32.const 262144) "\\01\\02\\03") (elem (i32.const 5) $one) (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2)) (elem declare func $two)
    (func (export "f") (result i32 i32)
      (i32.store8 (i32.const 262145) (i32.const 77)) (drop (memory.grow (i32.const 3))) (i32.store8 (i32.const 500000) (i32.const 88))
      (table.set $t (i32.const 5) (ref.func $two)) (drop (table.grow $t (ref.func $one) (i32.const 4)))
      (call $gate)
      (i32.add (i32.load (i32.const 262144)) (i32.load8_u (i32.const 500000)))
      (i32.add (i32.mul (i32.const 10) (call_indirect $t (type $i) (i32.const 5))) (call_indirect $t (type $i) (i32.const 9)))))`;
  using first = new Machine();
  const a = await first.load(assemble(OWNER), { name: "a" });
  await a.call("grow", 4);
  const b = await first.load(assemble(user), { name: "b", imports: gate({ open: false }), links: { a } });
  const thread = b.start("f");
  await until(() => thread.state === "waiting");
  const checkpoint = await first.checkpoint();
  const expected = [0x034d01 + 88, 21];
  const second = await finish(checkpoint);
  assert.deepEqual(second.results, expected);
  assert.equal((second.machine.instance("a").exports["memory"] as WebAssembly.Memory).buffer.byteLength, 8 * 65536);
  // Once more, from the restored machine: nothing of it depends on how it came about.
  const third = await Machine.restore(checkpoint, { imports: gate({ open: false }) });
  assert.deepEqual((await finish(await third.checkpoint())).results, expected);
  third.close();
  second.machine.close();
});

test("elements that were cleared, and memory that was wiped, stay so", async () => {
  const user = `(module (type $i (func (result i32))) (import "a" "memory" (memory 1)) (import "a" "table" (table $t 2 funcref))
    (data $d (i32.const 8) "text") (elem $e (i32.const 0) $one $one) (func $one (result i32) (i32.const 1))
    (func (export "clear") (table.set $t (i32.const 1) (ref.null func)) (i32.store (i32.const 8) (i32.const 0)))
    (func (export "look") (result i32 i32 i32) (ref.is_null (table.get $t (i32.const 0))) (ref.is_null (table.get $t (i32.const 1))) (i32.load (i32.const 8)))
    (func (export "again") (memory.init $d (i32.const 8) (i32.const 0) (i32.const 1)))
    (func (export "again-e") (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))))`;
  using first = new Machine();
  const a = await first.load(assemble(OWNER), { name: "a" });
  const b = await first.load(assemble(user), { name: "b", links: { a } });
  await b.call("clear");
  using second = await Machine.restore(await first.checkpoint());
  second.resume();
  for (const machine of [first, second]) {
    assert.deepEqual(await machine.instance("b").call("look"), [0, 1, 0]);
    // Active segments are dropped once they are written.
    for (const name of ["again", "again-e"])
      await assert.rejects(machine.instance("b").call(name), /out of bounds/, `${name} traps`);
  }
});

test("tables of 64-bit indices and without nulls, grown before another instance imports them", async () => {
  const owner = `(module (type $i (func (result i32))) (table $w (export "wide") i64 1 funcref) (table $n (export "full") 1 (ref $i) (ref.func $one))
    (func $one (type $i) (i32.const 1)) (func (export "grow") (drop (table.grow $w (ref.func $one) (i64.const 3))) (drop (table.grow $n (ref.func $one) (i32.const 2)))))`;
  const user = `(module (type $i (func (result i32))) (import "a" "wide" (table $w i64 4 funcref)) (import "a" "full" (table $n 3 (ref $i)))
    (elem (table $w) (i64.const 2) func $two) (elem (table $n) (i32.const 1) (ref $i) (ref.func $two)) (func $two (type $i) (i32.const 2))
    (func (export "f") (result i32) (i32.add (i32.add (call_indirect $w (type $i) (i64.const 2)) (call_indirect $w (type $i) (i64.const 3)))
      (i32.mul (i32.const 10) (i32.add (call_indirect $n (type $i) (i32.const 1)) (call_indirect $n (type $i) (i32.const 2)))))))`;
  using first = new Machine();
  const a = await first.load(assembleWithBinaryen(owner), { name: "a" });
  await a.call("grow");
  const b = await first.load(assembleWithBinaryen(user), { name: "b", links: { a } });
  assert.equal(await b.call("f"), 33);
  using second = await Machine.restore(await first.checkpoint());
  second.resume();
  assert.equal(await second.instance("b").call("f"), 33);
});

/** Puts `$left` into the owner's table, then fails in a segment behind that. */
const FAILING = `(module (type $i (func (result i32))) (import "a" "table" (table $t 2 funcref)) (import "host" "gate" (func $gate))
  (memory 1) (global $calls (mut i32) (i32.const 0)) (elem (i32.const 0) $left) (data $d (i32.const 0) "\\05") (data (i32.const 65536) "x")
  (func $left (type $i) (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (call $gate) (loop $l) (i32.store (i32.const 4) (i32.const 100)) (call $gate)
    (i32.add (i32.add (i32.load8_u (i32.const 0)) (i32.load (i32.const 4))) (global.get $calls))))`;
const CALLER = `(module (type $i (func (result i32))) (import "a" "table" (table $t 2 funcref)) (func (export "f") (result i32) (i32.add (i32.const 1000) (call_indirect $t (type $i) (i32.const 0)))))`;

test("functions that a failed instantiation has left in a table are frozen, saved and restored", async () => {
  using first = new Machine();
  const state = { open: false };
  const a = await first.load(assemble(OWNER), { name: "a" });
  const options = { name: "b", imports: gate(state), links: { a } };
  await assert.rejects(first.load(assemble(FAILING), options), WebAssembly.RuntimeError);
  assert.deepEqual(
    first.instances.map(({ name }) => name),
    ["a"],
  );
  // The name is free, also for another that fails: its function takes the place of the first one's.
  await assert.rejects(first.load(assemble(FAILING), options), WebAssembly.RuntimeError);
  const caller = await first.load(assemble(CALLER), { name: "b", links: { a } });
  const thread = caller.start("f");
  await until(() => thread.state === "waiting");
  const checkpoint = await first.checkpoint();
  for (let copies = 0; copies < 2; copies++) {
    const { machine, results } = await finish(checkpoint);
    assert.deepEqual(results, [1106]);
    assert.equal(await machine.instance("b").call("f"), 1107, "its globals and its memory were restored");
    machine.close();
  }
  state.open = true;
  first.wake();
  assert.deepEqual(await thread.done, { kind: "returned", results: [1106] });
});

test("a failed instantiation that has left nothing is no part of the machine", async () => {
  using machine = new Machine();
  const a = await machine.load(assemble(OWNER), { name: "a" });
  const failing = `(module (import "a" "table" (table $t 2 funcref)) (elem (i32.const 2) $f) (func $f))`;
  await assert.rejects(machine.load(assemble(failing), { name: "b", links: { a } }), WebAssembly.RuntimeError);
  assert.equal((await machine.checkpoint()).group.instances.length, 1);
});
