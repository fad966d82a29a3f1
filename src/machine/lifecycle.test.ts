// Lifecycles of machines: frozen, forked, closed, with tickers of other kinds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { assemble } from "../../test/assemble.ts";
import type { HostFunction, PlainData } from "../abi/index.ts";
import { Machine, MachineFault, type Ticker } from "./index.ts";

/** Counts in its memory for ever, a host call at each turn. */
const COUNTER = assemble(`(module (import "host" "turn" (func $turn)) (memory (export "memory") 1)
  (func (export "count") (loop $l
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (call $turn) (br $l)))
  (func (export "seen") (result i32) (i32.load (i32.const 0))))`);

/** How far the counter of a machine may count. */
interface Leave {
  upTo: number;
}

/** Its calls block when the guest has counted as far as it may. They note nothing: a turn may end before any wait. */
function importsOf(leave: Leave) {
  const turn: HostFunction = {
    freeze: "restartable",
    call: (call) => {
      const { buffer, byteOffset } = call.memory;
      const count = new DataView(buffer, byteOffset).getInt32(0, true);
      while (count >= leave.upTo) if (call.wait(undefined) === "freeze") call.freeze();
    },
  };
  return { host: { turn } };
}

const imports = importsOf({ upTo: 1 });

/** A machine that has counted as far as it may. */
async function counting(leave: Leave): Promise<Machine> {
  const machine = new Machine();
  const counter = await machine.load(COUNTER, { name: "counter", imports: importsOf(leave) });
  const thread = counter.start("count");
  await reach(machine, leave, leave.upTo);
  assert.equal(thread.state, "waiting");
  return machine;
}

function seen(machine: Machine): number {
  return (machine.instance("counter").exports["seen"] as () => number)();
}

async function reach(machine: Machine, leave: Leave, count: number): Promise<void> {
  leave.upTo = count;
  machine.wake();
  while (seen(machine) < count || machine.threads[0]!.state !== "waiting") await turn();
}

test("a checkpoint does not change with its machine; two machines go on from it", async () => {
  const [leave, leave2] = [{ upTo: 3 }, { upTo: 3 }];
  using first = await counting(leave);
  const checkpoint = await first.checkpoint();
  assert.equal(first.state, "running");
  await reach(first, leave, 5);
  using second = await Machine.restore(checkpoint, { imports: importsOf(leave2) });
  using third = await Machine.restore(checkpoint, { imports: importsOf({ upTo: 9 }) });
  assert.deepEqual([seen(first), seen(second), seen(third)], [5, 3, 3]);
  second.resume();
  await reach(second, leave2, 4);
  assert.deepEqual([seen(first), seen(second), seen(third)], [5, 4, 3]);
  assert.equal(third.state, "frozen");
});

test("a frozen machine stays frozen: threads are started, woken and saved, none runs", async () => {
  const leave = { upTo: 2 };
  using machine = await counting(leave);
  assert.equal(await machine.freeze(), "frozen");
  assert.equal(await machine.freeze(), "frozen");
  const added = machine.instance("counter").start("seen");
  leave.upTo = 3;
  machine.wake();
  for (let i = 0; i < 10; i++) await turn();
  assert.deepEqual([seen(machine), added.state], [2, "ready"]);
  const checkpoint = await machine.checkpoint();
  assert.equal(machine.state, "frozen");
  machine.resume();
  assert.equal((await added.done).kind, "returned");

  using restored = await Machine.restore(checkpoint, { imports: importsOf(leave), sliceMs: Infinity });
  restored.resume();
  const [, ready] = restored.threads; // the other one's call is issued again first: it counts to 3
  assert.equal(ready!.name, "seen");
  assert.deepEqual(await ready!.done, { kind: "returned", results: [3] });
});

test("checkpoints of different moments restore different states", async () => {
  const leave = { upTo: 1 };
  using machine = await counting(leave);
  const early = await machine.checkpoint({ name: "early" });
  await reach(machine, leave, 4);
  const late = await machine.checkpoint({ name: "late", parent: "an id" });
  assert.deepEqual([early.name, early.parent, late.name, late.parent], ["early", undefined, "late", "an id"]);
  for (const [checkpoint, count] of [[early, 1] as const, [late, 4] as const]) {
    using restored = await Machine.restore(checkpoint, { imports: importsOf(leave) });
    assert.equal(seen(restored), count);
  }
});

test("a host function may close its machine: the guest stops, everything after is refused", async () => {
  using machine = new Machine({ sliceMs: Infinity });
  let turns = 0;
  const closing: HostFunction = {
    freeze: "restartable",
    call: () => {
      if (++turns === 3) machine.close();
      return undefined;
    },
  };
  const counter = await machine.load(COUNTER, { name: "counter", imports: { host: { turn: closing } } });
  const thread = counter.start("count");
  assert.deepEqual(await thread.done, { kind: "closed" });
  await turn();
  assert.equal(turns, 3);
  const closed = { name: "MachineFault", code: "closed", message: "the machine was closed" };
  await assert.rejects(machine.checkpoint(), closed);
  await assert.rejects(machine.freeze(), closed);
  await assert.rejects(machine.load(COUNTER, { imports }), closed);
  assert.throws(() => machine.resume(), closed);
  assert.throws(() => counter.start("seen"), closed);
});

test("the ticker runs while threads do", async () => {
  const calls: string[] = [];
  const ticker = (): Ticker => ({
    ready: Promise.resolve(),
    run: () => calls.push("run"),
    rest: () => calls.push("rest"),
    close: () => calls.push("close"),
  });
  const machine = new Machine({ ticker });
  const counter = await machine.load(COUNTER, { imports });
  assert.equal(await counter.call("seen"), 0);
  await turn();
  await turn();
  machine.close();
  assert.deepEqual(calls, ["run", "rest", "close"]);
});

test("a machine without the ticker it needs is refused", async () => {
  const ready = Promise.reject(new MachineFault("no-ticker", "no worker could be started"));
  const ticker = (): Ticker => ({ ready, run: () => {}, rest: () => {}, close: () => {} });
  using machine = new Machine({ ticker });
  await assert.rejects(machine.load(COUNTER, { imports }), { code: "no-ticker" });
});

test("a restore that is refused leaves nothing behind", async () => {
  using machine = await counting({ upTo: 1 });
  const checkpoint = await machine.checkpoint();
  const [thread] = checkpoint.group.threads;
  const frames = thread!.frames.map((frame) => ({ ...frame, position: frame.position + 1 }));
  const damaged = { ...checkpoint, group: { ...checkpoint.group, threads: [{ ...thread!, frames }] } };
  let restored = 0;
  const restore = (_: PlainData) => void restored++;
  const sessions = { mine: { capture: () => null, restore } };
  await assert.rejects(Machine.restore({ ...damaged, sessions: { mine: 1 } }, { imports, sessions }), {
    name: "EngineFault",
    code: "mismatch",
    message: /the program has no safe point there/,
  });
  assert.equal(restored, 0);
  await assert.rejects(Machine.restore(checkpoint), {
    code: "link",
    message: "counter: import func host.turn is missing",
  });
});
