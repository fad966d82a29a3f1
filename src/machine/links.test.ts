// What machines are given and hand out: linked values, host functions by instance, function references.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import type { HostFunction } from "../abi/index.ts";
import { Machine } from "./index.ts";

/** A host function that notes the numbers it is given. */
function noting(notes: unknown[]): HostFunction {
  return { freeze: "instant", call: (_, value) => void notes.push(value) };
}

test("linked memories, tables and globals of the embedder are saved and restored with the guest's state", async () => {
  const bytes = assemble(`(module (import "env" "memory" (memory 1 4)) (import "env" "table" (table 1 9 funcref))
    (import "env" "global" (global $g (mut i64))) (elem declare func $seven)
    (func $seven (result i32) (i32.const 7))
    (func (export "set") (drop (memory.grow (i32.const 1))) (i32.store (i32.const 70000) (i32.const 11))
      (global.set $g (i64.const -5)) (drop (table.grow (ref.func $seven) (i32.const 1))))
    (func (export "get") (result i32 i64 i32)
      (i32.load (i32.const 70000)) (global.get $g) (call_indirect (result i32) (i32.const 1))))`);
  const links = () => ({
    env: {
      memory: new WebAssembly.Memory({ initial: 1, maximum: 4 }),
      table: new WebAssembly.Table({ element: "anyfunc", initial: 1, maximum: 9 }),
      global: new WebAssembly.Global({ value: "i64", mutable: true }, 0n),
    },
  });
  using first = new Machine();
  const instance = await first.load(bytes, { name: "m", links: links() });
  await instance.call("set");
  const given = links();
  using second = await Machine.restore(await first.checkpoint(), { links: given });
  assert.equal(given.env.memory.buffer.byteLength, 2 * 65536);
  assert.equal(given.env.global.value, -5n);
  second.resume();
  assert.deepEqual(await second.instance("m").call("get"), [11, -5n, 7]);
});

test("instances have host functions of their own, also after a restore", async () => {
  const bytes = assemble(`(module (import "host" "note" (func $note (param i32)))
    (func (export "tell") (param i32) (call $note (local.get 0))))`);
  const notes: unknown[][] = [[], [], [], []];
  const importing = (number: number) => ({ imports: { host: { note: noting(notes[number]!) } } });
  using first = new Machine();
  await (await first.load(bytes, { name: "a", ...importing(0) })).call("tell", 1);
  await (await first.load(bytes, { name: "b", ...importing(1) })).call("tell", 2);
  const instances = { a: importing(2), b: importing(3) };
  using second = await Machine.restore(await first.checkpoint(), { instances });
  second.resume();
  for (const instance of second.instances) await instance.call("tell", 3);
  assert.deepEqual(notes, [[1], [2], [3], [3]]);
  assert.equal(second.instance("a").module, second.instance("b").module);
});

test("a host function calls the function that it was given: no freeze passes it", async () => {
  const bytes = assemble(`(module (import "host" "each" (func $each (param funcref) (result i32)))
    (import "host" "point" (func $point)) (elem declare func $double)
    (func $double (param i32) (result i32) (call $point) (i32.mul (i32.const 2) (local.get 0)))
    (func (export "go") (result i32) (call $each (ref.func $double))))`);
  using machine = new Machine({ sliceMs: Infinity });
  let freezing: Promise<unknown> | undefined;
  const each: HostFunction = {
    freeze: "instant",
    call: (_, fn) => {
      freezing = machine.freeze();
      return [1, 2, 3].reduce((sum, value) => sum + (fn as (value: number) => number)(value), 0);
    },
  };
  const point: HostFunction = { freeze: "restartable", call: () => undefined };
  const instance = await machine.load(bytes, { imports: { host: { each, point } } });
  assert.equal(await instance.call("go"), 12);
  assert.equal(await freezing, "frozen");
  assert.equal(machine.state, "frozen");
});

test("only what the module exports is visible; exports are the functions themselves", async () => {
  const bytes =
    assemble(`(module (memory (export "memory") 1) (table (export "table") 1 funcref) (elem (i32.const 0) $f)
    (func $f (export "f") (result i32) (i32.const 3)))`);
  using machine = new Machine();
  const { exports } = await machine.load(bytes);
  assert.deepEqual(Object.keys(exports).sort(), ["f", "memory", "table"]);
  assert.equal((exports["table"] as WebAssembly.Table).get(0), exports["f"]);
  assert.equal((exports["f"] as () => number)(), 3);
  assert((exports["memory"] as WebAssembly.Memory).buffer instanceof ArrayBuffer);
});

test("an exit ends its thread from inside callbacks too, and nothing but threads", async () => {
  const bytes = assemble(`(module (import "host" "back" (func $back)) (import "host" "quit" (func $quit))
    (func (export "quit") (call $quit)) (func (export "go") (call $back) (call $back))
    (func (export "fine") (result i32) (call $back) (i32.const 1)))`);
  using machine = new Machine();
  let swallowed = 0;
  const back: HostFunction = {
    freeze: "instant",
    call: () => {
      try {
        (machine.instance("m").exports["quit"] as () => void)();
      } catch {
        swallowed++;
      }
      return undefined;
    },
  };
  const quit: HostFunction = { freeze: "instant", call: (call) => call.exit(4) };
  const instance = await machine.load(bytes, { name: "m", imports: { host: { back, quit } } });
  await assert.rejects(instance.call("go"), { code: "exited", message: "m: go ended with exit code 4" });
  assert.equal(swallowed, 1);
  assert.throws(() => (instance.exports["quit"] as () => void)(), {
    code: "busy",
    message: "exit with code 4: expected a thread that ends, found a call by the embedder",
  });
  assert.equal((instance.exports["fine"] as () => number)(), 1);
});
