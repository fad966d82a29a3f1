// The embedding API: lifecycles of guests in machines, and every refusal with its message.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assemble } from "../../test/assemble.ts";
import type { HostImports } from "../abi/index.ts";
import { Machine } from "./index.ts";

/** Adds 1 to 2^63 turns, and shows how far it is in its memory. */
const COUNTER = assemble(`(module $counter (memory (export "memory") 1)
  (func $count (export "count") (param $turns i64) (result i64) (local $i i64)
    (loop $again
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (i64.store (i32.const 8) (local.get $i))
      (br_if $again (i64.lt_u (local.get $i) (local.get $turns))))
    (local.get $i))
  (func (export "seen") (result i64) (i64.load (i32.const 8))))`);

const TURNS = 60_000_000n;

test("a computation is frozen, restored in another machine and ends there", async () => {
  const first = new Machine();
  const counter = await first.load(COUNTER, { name: "counter" });
  const thread = counter.start("count", TURNS);
  await sleep(20);
  assert.equal(await first.freeze(), "frozen");
  const seen = (counter.exports["seen"] as () => bigint)();
  assert(seen > 0n && seen < TURNS, `it is under way: ${seen}`);
  await sleep(20);
  assert.equal((counter.exports["seen"] as () => bigint)(), seen);
  assert.equal(thread.state, "frozen");
  const checkpoint = await first.checkpoint({ name: "counting" });
  first.close();
  assert.deepEqual(await thread.done, { kind: "closed" });

  const second = await Machine.restore(checkpoint);
  assert.equal(second.state, "frozen");
  assert.equal((second.instance("counter").exports["seen"] as () => bigint)(), seen);
  second.resume();
  assert.deepEqual(await second.threads[0]!.done, { kind: "returned", results: [TURNS] });
  second.close();
});

test("the event loop runs beside a computation", async () => {
  const machine = new Machine();
  const counter = await machine.load(COUNTER);
  const thread = counter.start("count", 1n << 60n);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await sleep(150);
  clearInterval(timer);
  assert(ticks >= 5, `the timer had its turns: ${ticks}`);
  assert.equal(thread.state, "frozen");
  machine.close();
});

test("two threads take turns", async () => {
  const machine = new Machine({ sliceMs: 2 });
  const counter = await machine.load(COUNTER);
  const long = counter.start("count", 1n << 60n);
  assert.equal(await counter.call("count", 1000n), 1000n);
  assert.equal(long.state, "frozen");
  const results = await Promise.all([counter.call("count", 5_000_000n), counter.call("count", 6_000_000n)]);
  assert.deepEqual(results, [5_000_000n, 6_000_000n]);
  const checkpoint = await machine.checkpoint();
  assert.equal(checkpoint.group.threads.length, 1);
  machine.close();
});
