// Machines whose guests are linked, blocked, called back, starting or in trouble.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { assemble } from "../../test/assemble.ts";
import { until } from "../../test/support/until.ts";
import type { HostFunction, HostImports, PlainData } from "../abi/index.ts";
import type { GuestThread } from "./guest-thread.ts";
import { Machine } from "./index.ts";

/** A host function that asks its machine to freeze, and stands still itself then. */
function pausing(machine: () => Machine): HostFunction {
  const call: HostFunction["call"] = (running) => {
    if (running.progress !== undefined) return undefined;
    void machine().freeze();
    return running.freeze("paused");
  };
  return { freeze: "restartable", call };
}

const nothing: HostFunction = { freeze: "instant", call: () => undefined };
/** A safe point. */
const point: HostFunction = { freeze: "restartable", call: () => undefined };

const results = async (thread: GuestThread) => {
  const outcome = await thread.done;
  assert(outcome.kind === "returned", `the thread returned: ${JSON.stringify(outcome)}`);
  return outcome.results;
};

test("linked instances: frozen inside calls from one into the other and back", async () => {
  const a = assemble(`(module (type $t (func (param i32) (result i32)))
    (memory (export "memory") 1) (table (export "table") 1 funcref)
    (func (export "even") (type $t)
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (if (result i32) (local.get 0)
        (then (i32.add (i32.const 1) (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
        (else (i32.const 1000)))))`);
  const b = assemble(`(module (type $t (func (param i32) (result i32)))
    (import "a" "even" (func $even (type $t))) (import "a" "memory" (memory 1)) (import "a" "table" (table 1 funcref))
    (import "host" "pause" (func $pause)) (global (export "calls") (mut i32) (i32.const 0))
    (elem (i32.const 0) $odd)
    (func $odd (export "odd") (type $t)
      (global.set 0 (i32.add (global.get 0) (i32.const 1)))
      (if (i32.eq (local.get 0) (i32.const 1)) (then (call $pause)))
      (i32.add (i32.const 1) (call $even (i32.sub (local.get 0) (i32.const 1))))))`);
  using first = new Machine();
  const imports = { host: { pause: pausing(() => first) } };
  const owner = await first.load(a, { name: "a" });
  const user = await first.load(b, { name: "b", imports, links: { a: owner } });
  const thread = user.start("odd", 21);
  await until(() => first.state === "frozen");
  assert.equal(thread.state, "frozen");
  const checkpoint = await first.checkpoint();
  assert.deepEqual(
    checkpoint.group.threads[0]!.frames.map(({ instance }) => instance),
    Array.from({ length: 21 }, (_, depth) => 1 - (depth % 2)),
  );
  first.resume();
  assert.deepEqual(await results(thread), [1021]);

  using second = await Machine.restore(checkpoint, { imports: { host: { pause: point } } });
  second.resume();
  assert.deepEqual(await results(second.threads[0]!), [1021]);
  assert.equal((second.instance("b").exports["calls"] as WebAssembly.Global).value, 11);
  const memory = second.instance("a").exports["memory"] as WebAssembly.Memory;
  assert.equal(new DataView(memory.buffer).getInt32(0, true), 11);
});

test("a blocked host function is issued again with its progress, in another machine", async () => {
  const bytes = assemble(`(module (import "host" "sum" (func $sum (param i32) (result i32)))
    (func (export "total") (result i32) (i32.add (i32.const 100) (call $sum (i32.const 3)))))`);
  /** Sums up as many numbers as it is asked for. */
  const summing = (numbers: number[]): HostImports => ({
    host: {
      sum: {
        freeze: "restartable",
        call: (call, count) => {
          let { taken, sum } = (call.progress ?? { taken: 0, sum: 0 }) as { taken: number; sum: number };
          while (taken < (count as number)) {
            const next = numbers.shift();
            if (next !== undefined) {
              taken++;
              sum += next;
            } else if (call.wait(undefined) === "freeze") call.freeze({ taken, sum });
          }
          return sum;
        },
      },
    },
  });
  using first = new Machine();
  const thread = (await first.load(bytes, { imports: summing([1]) })).start("total");
  await until(() => thread.state === "waiting");
  const checkpoint = await first.checkpoint();
  assert.deepEqual(checkpoint.group.threads[0]!.hostCall?.progress, { taken: 1, sum: 1 } satisfies PlainData);

  const numbers: number[] = [];
  using second = await Machine.restore(checkpoint, { imports: summing(numbers) });
  const [restored] = second.threads;
  second.resume();
  await until(() => restored!.state === "waiting");
  numbers.push(20);
  second.wake();
  await until(() => numbers.length === 0);
  numbers.push(300);
  second.wake();
  assert.deepEqual(await results(restored!), [421]);
  assert.equal(thread.state, "waiting");
});

test("a blocked host function goes on when its time is over, and over again, while other threads run", async () => {
  const bytes = assemble(`(module (import "host" "sleep" (func $sleep (result i32)))
    (func (export "sleep") (result i32) (call $sleep)) (func (export "one") (result i32) (i32.const 1)))`);
  let enough = false;
  const sleep: HostFunction = {
    freeze: "restartable",
    call: (call) => {
      while (!enough) if (call.wait(1_000_000n) === "freeze") call.freeze(null);
      return 7;
    },
  };
  using machine = new Machine();
  const instance = await machine.load(bytes, { imports: { host: { sleep } } });
  const sleeping = instance.start("sleep");
  assert.equal(await instance.call("one"), 1);
  assert.equal(sleeping.outcome, undefined);
  enough = true; // nobody wakes it: its time is over again and again
  assert.deepEqual(await results(sleeping), [7]);
});

const CALLED_BACK = assemble(`(module (import "host" "visit" (func $visit)) (import "host" "point" (func $point))
  (memory (export "memory") 1)
  (func (export "work") (param i64) (local i64)
    (loop $l (local.set 1 (i64.add (local.get 1) (i64.const 1))) (br_if $l (i64.lt_u (local.get 1) (local.get 0))))
    (i32.store (i32.const 0) (i32.const 1)))
  (func (export "go") (result i32) (call $visit) (call $point) (i32.load (i32.const 0))))`);

/** Runs "go", whose host function asks for a freeze and calls back; what became of the freeze. */
async function callBack(turns: bigint, deadlineMs: number): Promise<void> {
  using machine = new Machine();
  const outcomes: unknown[] = [];
  const freeze = async () => outcomes.push(await machine.freeze({ deadlineMs }));
  const visit: HostFunction = {
    freeze: "instant",
    call: () => {
      void freeze();
      (machine.instance("m").exports["work"] as (turns: bigint) => void)(turns);
      return undefined;
    },
  };
  const instance = await machine.load(CALLED_BACK, { name: "m", imports: { host: { visit, point } } });
  const thread = instance.start("go");
  const memory = new DataView((instance.exports["memory"] as WebAssembly.Memory).buffer);
  await until(() => outcomes.length > 0);
  assert.equal(memory.getInt32(0, true), 1, "the callback was not cut short");
  if (deadlineMs === 0) {
    assert.deepEqual(outcomes, ["host-callback"]);
    assert.equal(machine.state, "running");
    assert.equal(await machine.freeze(), "frozen");
  } else {
    assert.deepEqual(outcomes, ["frozen"]);
    assert.equal(thread.state, "frozen");
  }
  machine.resume();
  assert.deepEqual(await results(thread), [1]);
}

test("a freeze waits until a callback into the guest has returned", () => callBack(100_000n, 600_000));
test("a callback beyond the deadline: the freeze is called off by name, the next one works", () =>
  callBack(100_000n, 0));

test("a checkpoint asked for by a host function is made when that has returned", async () => {
  const bytes = assemble(`(module (import "host" "save" (func $save)) (import "host" "point" (func $point))
    (global $g (mut i32) (i32.const 5))
    (func (export "go") (result i32) (call $save) (call $point) (global.get $g)))`);
  using first = new Machine();
  let saved: ReturnType<Machine["checkpoint"]> | undefined;
  const save: HostFunction = { freeze: "instant", call: () => void (saved = first.checkpoint()) };
  const instance = await first.load(bytes, { imports: { host: { save, point } } });
  assert.equal(await instance.call("go"), 5);
  using second = await Machine.restore((await saved)!, { imports: { host: { save: nothing, point } } });
  second.resume();
  assert.deepEqual(await results(second.threads[0]!), [5]);
});

test("a start function is frozen and ends in another machine", async () => {
  const bytes = assemble(`(module (import "host" "pause" (func $pause)) (global $g (mut i32) (i32.const 0)) (start $s)
    (func $s (local i32) (loop $l
      (if (i32.eq (local.get 0) (i32.const 5)) (then (call $pause)))
      (global.set $g (i32.add (global.get $g) (local.get 0)))
      (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 10)))))
    (func (export "sum") (result i32) (global.get $g)))`);
  using first = new Machine();
  const loading = first.load(bytes, { name: "m", imports: { host: { pause: pausing(() => first) } } });
  await until(() => first.state === "frozen");
  assert.equal(first.instance("m").starting?.state, "frozen");
  const checkpoint = await first.checkpoint();
  first.resume();
  assert.equal(await (await loading).call("sum"), 45);

  using second = await Machine.restore(checkpoint, { imports: { host: { pause: point } } });
  assert.deepEqual(
    second.threads.map(({ name, instance }) => [name, instance]),
    [["start", "m"]],
  );
  second.resume();
  assert.deepEqual(await results(second.threads[0]!), []);
  assert.equal(await second.instance("m").call("sum"), 45);
});

test("a reference of the host cannot be saved: refused by name, the machine goes on", async () => {
  const bytes = assemble(`(module (import "host" "pause" (func $pause))
    (func (export "hold") (param externref) (result externref) (call $pause) (local.get 0))
    (func (export "other") (result i32) (i32.const 4)))`);
  using machine = new Machine();
  const instance = await machine.load(bytes, { imports: { host: { pause: pausing(() => machine) } } });
  const thing = { some: "thing" };
  const thread = instance.start("hold", thing);
  await until(() => machine.state === "frozen");
  await assert.rejects(machine.checkpoint(), {
    name: "EngineFault",
    code: "unsaveable",
    message: "an object of the host (Object) is held as externref; only functions of the program can be saved",
  });
  assert.equal(machine.state, "frozen");
  machine.resume();
  assert.equal(await instance.call("other"), 4);
  assert.equal((await results(thread))[0], thing);
});

test("sessions of the embedder are part of a checkpoint", async () => {
  const bytes = assemble(`(module (import "host" "next" (func $next (result i32)))
    (func (export "next") (result i32) (call $next)))`);
  const counter = () => {
    let value = 0;
    const restore = (state: PlainData) => {
      value = state as number;
    };
    const next: HostFunction = { freeze: "instant", call: () => ++value };
    return { imports: { host: { next } }, sessions: { counter: { capture: () => value, restore } } };
  };
  const one = counter();
  using first = new Machine({ sessions: one.sessions });
  const instance = await first.load(bytes, { name: "m", imports: one.imports });
  assert.equal(await instance.call("next"), 1);
  assert.equal(await instance.call("next"), 2);
  const checkpoint = await first.checkpoint();
  const two = counter();
  using second = await Machine.restore(checkpoint, two);
  second.resume();
  assert.equal(await second.instance("m").call("next"), 3);
  await assert.rejects(Machine.restore(checkpoint, { imports: two.imports }), {
    code: "no-session",
    message: "the checkpoint holds the state of session counter: give options.sessions.counter to restore it",
  });
});

test("what goes wrong in a guest ends its thread with a report, the machine lives on", async () => {
  const bytes =
    assemble(`(module $m (import "host" "fail" (func $fail)) (import "host" "quit" (func $quit)) (tag $e (param i32))
    (func $inner (param i32) (if (i32.eqz (local.get 0)) (then unreachable)) (call $inner (i32.sub (local.get 0) (i32.const 1))))
    (func $trap (export "trap") (call $inner (i32.const 2)))
    (func $deep (export "deep") (call $deep) (call $deep))
    (func $throw (export "throw") (throw $e (i32.const 3)))
    (func $failing (export "fail") (call $fail))
    (func (export "quit") (call $quit))
    (func (export "fine") (result i32 i64) (i32.const 1) (i64.const 2)))`);
  using machine = new Machine();
  const fail: HostFunction = {
    freeze: "instant",
    call: () => {
      throw new Error("no such luck");
    },
  };
  const quit: HostFunction = { freeze: "instant", call: (call) => call.exit(9) };
  const instance = await machine.load(bytes, { name: "m", imports: { host: { fail, quit } } });
  const trap = "trap: unreachable\n  in inner\n  in inner\n  in inner\n  in trap";
  await assert.rejects(instance.call("trap"), { code: "trapped", message: `m: trap: ${trap}` });
  await assert.rejects(instance.call("deep"), {
    code: "exhausted",
    message: /^m: deep: trap: call stack exhausted\n {2}in deep/,
  });
  await assert.rejects(instance.call("throw"), { code: "threw", message: /^m: throw: uncaught exception/ });
  await assert.rejects(instance.call("fail"), {
    code: "threw",
    message: "m: fail: error in a host function: no such luck\n  in failing",
  });
  await assert.rejects(instance.call("quit"), { code: "exited", message: "m: quit ended with exit code 9" });
  assert.deepEqual(await instance.call("fine"), [1, 2n]);
});

test("a trap after a thaw is reported by the same names", async () => {
  const bytes = assemble(`(module $m (import "host" "pause" (func $pause))
    (func $inner (param i32) (loop $l (call $pause) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) unreachable)
    (func $outer (export "go") (call $inner (i32.const 2))))`);
  using machine = new Machine();
  const instance = await machine.load(bytes, { name: "m", imports: { host: { pause: pausing(() => machine) } } });
  const thread = instance.start("go");
  while (!thread.outcome) {
    await turn();
    machine.resume();
  }
  const outcome = await thread.done;
  assert.deepEqual("report" in outcome && outcome.report, ["trap: unreachable", "  in inner", "  in outer"]);
});

test("the wrong module, or none, is refused by name", async () => {
  const bytes = assemble(`(module (func (export "f") (result i32) (i32.const 1)))`);
  const other = assemble(`(module (func (export "f") (result i32) (i32.const 2)))`);
  using machine = new Machine();
  await machine.load(bytes, { name: "m" });
  const checkpoint = await machine.checkpoint({ carryModules: false });
  const { module } = machine.instance("m");
  await assert.rejects(Machine.restore(checkpoint, { modules: [other] }), (thrown: Error & { detail: object }) => {
    const { found } = thrown.detail as { found: string[] };
    const expected = `m: expected module ${module.slice(0, 8)}, found ${found[0]!.slice(0, 8)}`;
    assert.equal(thrown.message, expected);
    return "code" in thrown && thrown.code === "wrong-module";
  });
  await assert.rejects(Machine.restore(checkpoint), {
    message: `m: expected module ${module.slice(0, 8)}, found none`,
  });
  using restored = await Machine.restore(checkpoint, { modules: [other, bytes] });
  restored.resume();
  assert.equal(await restored.instance("m").call("f"), 1);
});

test("refusals of calls and links", async () => {
  const bytes = assemble(`(module (func (export "f") (param i32 i64)) (func (export "v") (param v128)))`);
  const user = assemble(`(module (import "a" "f" (func (param i32 i64))))`);
  using machine = new Machine();
  const m = await machine.load(bytes, { name: "m" });
  const refuses = (promise: Promise<unknown>, code: string, message: string) =>
    assert.rejects(promise, { code, message });
  await refuses(m.call("g"), "no-export", "m: expected an exported function called g, found f, v");
  await refuses(m.call("f", 1), "arguments", "m.f: expected 2 arguments, found 1");
  await refuses(m.call("f", 1, 2), "arguments", "m.f: argument 1: expected a bigint (i64), found number");
  await refuses(m.call("v", 1), "arguments", "m.v: a value of type v128 cannot pass between JavaScript and a guest");
  await refuses(
    machine.load(bytes, { name: "m" }),
    "name-taken",
    "the machine has an instance called m: choose another name",
  );
  const f = (() => {}) as unknown as WebAssembly.ExportValue;
  await refuses(
    machine.load(user, { name: "u", links: { a: { f } } }),
    "foreign-function",
    "u: link a.f is no function of this machine: declare it in imports, with what a freeze means",
  );
  await refuses(machine.load(user, { name: "u" }), "link", "u: import func a.f is missing");
  const linked = await machine.load(user, { name: "u", links: { a: { f: m.exports["f"]! } } });
  assert.deepEqual(linked.exports, {});
  assert.throws(() => machine.instance("x"), { message: "expected an instance called x, found m, u" });
  machine.close();
  await refuses(m.call("f", 1, 2n), "closed", "the machine was closed");
});

test("threads that hold references of the host take turns, and may be blocked with them", async () => {
  const bytes = assemble(`(module (import "host" "wait" (func $wait (param externref)))
    (import "host" "pause" (func $pause)) (type $f (func (param i32) (result i32)))
    (func $one (export "one") (type $f) (i32.add (i32.const 1) (local.get 0)))
    (func $keep (export "keep") (param externref funcref) (result externref funcref)
      (call $pause) (local.get 0) (local.get 1))
    (func (export "block") (param externref) (result externref) (call $wait (local.get 0)) (local.get 0)))`);
  let open = false;
  const wait: HostFunction = {
    freeze: "restartable",
    call: (call) => {
      while (!open) if (call.wait(undefined) === "freeze") call.freeze();
      return undefined;
    },
  };
  using machine = new Machine({ sliceMs: Infinity });
  const instance = await machine.load(bytes, { imports: { host: { wait, pause: pausing(() => machine) } } });
  const things = [{ a: 1 }, { b: 2 }, { c: 3 }];
  const one = instance.exports["one"] as () => number;
  const blocked = instance.start("block", things[0]);
  const threads = things.map((thing) => instance.start("keep", thing, one));
  for (const thread of threads) {
    await until(() => machine.state === "frozen");
    assert.equal(thread.state, "frozen");
    machine.resume();
  }
  assert.equal(blocked.state, "waiting");
  await assert.rejects(machine.checkpoint(), { code: "unsaveable" });
  open = true;
  machine.wake();
  assert.equal((await results(blocked))[0], things[0]);
  for (const [i, thread] of threads.entries()) assert.deepEqual(await results(thread), [things[i], one]);
});

test("threads wait for each other with atomics, without a ticker", async () => {
  const bytes = assemble(`(module (memory (export "memory") 1 1 shared)
    (func (export "wait") (param i64) (result i32)
      (memory.atomic.wait32 (i32.const 8) (i32.const 0) (local.get 0)))
    (func (export "notify") (result i32)
      (i32.atomic.store (i32.const 8) (i32.const 1)) (memory.atomic.notify (i32.const 8) (i32.const 9))))`);
  using machine = new Machine({ sliceMs: Infinity });
  const instance = await machine.load(bytes);
  assert.equal(await instance.call("wait", 5_000_000n), 2);
  const waiting = instance.start("wait", -1n);
  await until(() => waiting.state === "frozen");
  await instance.call("notify");
  const [outcome] = await results(waiting);
  assert(outcome === 0 || outcome === 1, `it saw the change: ${outcome}`);
});
