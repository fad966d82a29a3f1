// The embedding API: lifecycles of guests in machines, and every refusal with its message.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { assemble } from "../../test/assemble.ts";
import { Machine } from "./index.ts";

/** Counts to a number of turns, and shows how far it is in its memory; what its memory says at 16 is turns more. */
const COUNTER = assemble(`(module $counter (memory (export "memory") 1)
  (func $count (export "count") (param $turns i64) (result i64) (local $i i64)
    (loop $again
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (i64.store (i32.const 8) (local.get $i))
      (br_if $again (i64.lt_u (local.get $i) (i64.add (local.get $turns) (i64.load (i32.const 16))))))
    (local.get $i))
  (func (export "seen") (result i64) (i64.load (i32.const 8))))`);

/** More than there is time for. */
const TURNS = 1n << 60n;

test("a computation is frozen, restored in another machine and ends there", async () => {
  using first = new Machine();
  const counter = await first.load(COUNTER, { name: "counter" });
  const seen = (machine: Machine) => (machine.instance("counter").exports["seen"] as () => bigint)();
  const thread = counter.start("count", TURNS);
  while (seen(first) === 0n) await turn();
  assert.equal(await first.freeze(), "frozen");
  const reached = seen(first);
  assert(reached < TURNS, `it is under way: ${reached}`);
  await sleep(20);
  assert.equal(seen(first), reached);
  assert.equal(thread.state, "frozen");
  const checkpoint = await first.checkpoint({ name: "counting" });
  first.close();
  assert.deepEqual(await thread.done, { kind: "closed" });

  using second = await Machine.restore(checkpoint);
  assert.equal(second.state, "frozen");
  assert.equal(seen(second), reached);
  const { memory } = second.instance("counter").exports as { memory: WebAssembly.Memory };
  new DataView(memory.buffer).setBigInt64(16, reached + 1000n - TURNS, true);
  second.resume();
  assert.deepEqual(await second.threads[0]!.done, { kind: "returned", results: [reached + 1000n] });
});

test("the event loop has its turns beside a computation", async () => {
  using machine = new Machine({ sliceMs: 2 });
  const counter = await machine.load(COUNTER);
  const thread = counter.start("count", TURNS);
  for (let timers = 0; timers < 10; timers++) await sleep(1);
  assert.equal(thread.state, "frozen");
});

test("threads take turns", async () => {
  using machine = new Machine({ sliceMs: 2 });
  const counter = await machine.load(COUNTER);
  const long = counter.start("count", TURNS);
  assert.equal(await counter.call("count", 1000n), 1000n);
  const results = await Promise.all([counter.call("count", 5_000_000n), counter.call("count", 6_000_000n)]);
  assert.deepEqual(results, [5_000_000n, 6_000_000n]);
  assert.equal(long.state, "frozen");
  const checkpoint = await machine.checkpoint();
  assert.equal(checkpoint.group.threads.length, 1);
});
