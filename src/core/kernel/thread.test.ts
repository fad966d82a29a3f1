// Threads: who runs when, stopping and going on, state, exceptions, waiting.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { SLOT, type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import { until } from "../../../test/support/until.ts";
import { CALL_STATUS, FUTEX } from "../../abi/index.ts";
import { INVALID, type SignalContext } from "../../session/index.ts";
import type { KernelThread } from "./thread.ts";
import { startKernelTicker } from "./ticker.ts";

/** Counts at 64 for ever. */
const SPIN = `(func (export "rtcr_component_start")
  (loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l)))`;

/** Waits at 64 for ever, and logs how that has ended. */
const WAITS = `(func (export "rtcr_component_start")
  (call $log (i32.const 1024) (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1))))`;

function values(system: TestSystem, label = "a"): number[] {
  const prefix = `[${label}] `;
  return system.lines
    .filter((line) => line.startsWith(prefix))
    .map((line) => Number.parseInt(line.slice(prefix.length), 16));
}

/** Runs `body` at each safe point, of which every one gives way. */
function atEachPoint(system: TestSystem, body: (point: number) => void): void {
  let points = 0;
  system.kernel.everyPoint = true;
  system.kernel.atPoint = () => {
    body(++points);
    return true;
  };
}

const macrotask = () => new Promise((resolve) => setImmediate(resolve));

class Context implements SignalContext {
  readonly kind = "signal-context";
  readonly pending = 0;
  count = 0;
  submit(count: number): void {
    this.count += count;
  }
}

for (const [where, components] of [
  ["in one component", 1],
  ["in three components", 3],
] as const) {
  test(`S24, S28: threads of weights 10, 20 and 70 get such shares, ${where}`, async () => {
    let points = 0;
    const system = new TestSystem({ now: () => points });
    const made = Array.from({ length: components }, (_, i) => system.component(`c${i}`, SPIN));
    const threads = [10, 20, 70].map((weight, i) => made[i % components]!.thread(`t${i}`, weight) as KernelThread);
    system.kernel.everyPoint = true;
    system.kernel.atPoint = () => {
      if (++points === 60_000) for (const thread of threads) thread.pause();
      return points % 20 === 0;
    };
    for (const thread of threads) thread.start(0, 0);
    await system.rest();
    const total = threads.reduce((sum, { usedMs }) => sum + usedMs, 0);
    const shares = threads.map(({ usedMs }) => (100 * usedMs) / total);
    for (const [i, share] of [10, 20, 70].entries()) {
      assert(Math.abs(shares[i]! - share) <= 5, `expected about ${share} %, found ${shares[i]} %`);
    }
    system.close();
  });
}

test("S28: shares follow the quota of sessions", async () => {
  let points = 0;
  const system = new TestSystem({ now: () => points });
  const [x, y] = [system.component("x", SPIN, { quota: 8192 }), system.component("y", SPIN, { quota: 24_576 })];
  const threads = [x.thread("x1"), x.thread("x2"), y.thread("y")] as KernelThread[];
  system.kernel.everyPoint = true;
  system.kernel.atPoint = () => {
    if (++points === 40_000) for (const thread of threads) thread.pause();
    return points % 20 === 0;
  };
  for (const thread of threads) thread.start(0, 0);
  await system.rest();
  const shares = threads.map(({ usedMs }) => usedMs / 400);
  for (const [i, share] of [12.5, 12.5, 75].entries()) assert(Math.abs(shares[i]! - share) <= 5, `${shares}`);
  system.close();
});

test("S24: a thread of higher priority runs first, one of lower priority when the others wait", async () => {
  const system = new TestSystem();
  const report = (value: number) =>
    `(func (export "rtcr_component_start") (local i32)
      (loop $l (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50))))
      (call $log (i32.const 1024) (i32.const ${value})))`;
  const low = system.component("low", report(1), { priority: 5 });
  const high = system.component("high", report(2), { priority: 1 });
  atEachPoint(system, () => {});
  low.start("low");
  high.start("high");
  await system.rest();
  assert.deepEqual(system.lines, ["[high] 00000002", "[low] 00000001"]);
  system.close();
});

test("S24: names are cut, weights clamped with a warning, bad PDs and dead sessions refused", () => {
  const system = new TestSystem();
  const { cpu, pd } = system.component("a", SPIN);
  const named = cpu.createThread(pd.capability, { name: "x".repeat(40) });
  assert(named.ok && (named.value.object as KernelThread).name.length === 32);
  for (const [weight, used] of [
    [0, 10],
    [40_000, 32_768],
    [32_768, 32_768],
    [1, 1],
  ]) {
    const made = cpu.createThread(pd.capability, { name: "t", weight: weight! });
    assert.equal(made.ok && (made.value.object as KernelThread).weight, used);
  }
  assert.deepEqual(cpu.createThread(INVALID, { name: "t" }), { ok: false, reason: "thread-creation-failed" });
  assert.deepEqual(cpu.createThread(cpu.capability as never, { name: "t" }), {
    ok: false,
    reason: "thread-creation-failed",
  });
  cpu.dispose();
  assert.equal(cpu.createThread(pd.capability, { name: "t" }).ok, false);
  system.close();
});

test("S24: kill ends a thread wherever it is; foreign and invalid capabilities are ignored", async () => {
  const system = new TestSystem();
  const a = system.component("a", SPIN);
  const b = system.component("b", SPIN);
  const thread = a.start("t") as KernelThread;
  atEachPoint(system, (point) => {
    if (point === 100) b.cpu.killThread(thread.capability);
    if (point === 200) a.cpu.killThread(thread.capability);
    assert(point <= 201, "a killed thread runs no further than to its next safe point");
  });
  await system.rest();
  a.cpu.killThread(INVALID);
  assert.equal(thread.dead, true);
  assert.equal(thread.capability.valid, false);
  assert.deepEqual(thread.state(), { ok: false, reason: "state-access-failed" });
  assert.equal(a.component.engine.threads, 0);
  system.close();
});

test("S25: paused and resumed 10,000 times, twice each, a thread loses nothing", async () => {
  let now = 0;
  const system = new TestSystem({ now: () => (now += 10) }); // one slice between two turns of the event loop
  const a = system.component(
    "a",
    `(func (export "rtcr_component_start") (local i32)
      (loop $l
        (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 3)))
        (call $cap_retain (i32.const 0))
        (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 20000))))
      (call $log (i32.const 1024) (i32.load (i32.const 64))))`,
  );
  atEachPoint(system, () => {});
  const thread = a.start("t") as KernelThread;
  let rounds = 0;
  for (; rounds < 10_000 && !thread.dead; rounds++) {
    thread.pause();
    thread.pause();
    const before = thread.component.view.getInt32(64, true);
    if (rounds % 7 === 0) await macrotask();
    assert.equal(thread.component.view.getInt32(64, true), before, "a paused thread does not run");
    thread.resume();
    thread.resume();
    await macrotask();
  }
  if (!TestSystem.elsewhere) assert.equal(rounds, 10_000); // there it runs on beside us, and ends when it has counted
  await system.rest();
  assert.deepEqual(values(system), [60_000]);
  system.close();
});

test("S25: a thread paused while it waits goes on when both are over, in either order", async () => {
  for (const first of ["resume", "wake"]) {
    const system = new TestSystem();
    const a = system.component("a", WAITS);
    const thread = a.start("t") as KernelThread;
    await system.rest();
    thread.pause();
    const state = thread.state();
    assert(state.ok && state.value.paused);
    if (first === "resume") thread.resume();
    else assert.equal(a.component.waits.futexWake(64, 1), 1);
    await system.rest();
    assert.deepEqual(values(system), []);
    if (first === "resume") a.component.waits.futexWake(64, 1);
    else thread.resume();
    await system.rest();
    assert.deepEqual(values(system), [FUTEX.woken]);
    system.close();
  }
});

test("S26: the state of a thread says where it is, and can be set back", async () => {
  const system = new TestSystem();
  const a = system.component(
    "a",
    `(func $inner (param i32)
      (global.set $__stack_pointer (i32.sub (global.get $__stack_pointer) (i32.const 16)))
      (drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1)))
      (global.set $__stack_pointer (i32.add (global.get $__stack_pointer) (i32.const 16)))
      (call $log (i32.const 1024) (local.get 0)))
     (func (export "rtcr_component_start") (call $inner (i32.const 7)) (call $log (i32.const 1024) (global.get $__stack_pointer)))`,
  );
  const thread = a.start("t") as KernelThread;
  await system.rest();
  const state = thread.state();
  assert(state.ok);
  const { frames, stackPointer, saved } = state.value;
  assert.deepEqual([frames, stackPointer], [2, 65_520]);
  const wake = async () => {
    a.component.waits.futexWake(64, 1);
    await system.rest();
  };
  await wake();
  assert.deepEqual(values(system), [7, 65_536]);
  const copy = a.thread("copy") as KernelThread;
  assert.equal(copy.setState({ saved: structuredClone(saved) }).ok, true);
  await system.rest();
  assert.deepEqual(copy.nativeState(), { activity: "blocked", waitsFor: "wait at 0x40", exceptions: 0 });
  await wake();
  assert.deepEqual(values(system), [7, 65_536, 7, 65_536]);
  system.close();
});

test("S26: the stack pointer of a thread is its own, though others have run since, or run now", async () => {
  const system = new TestSystem({ ticker: startKernelTicker });
  await system.kernel.ready;
  const sp = (value: number) => `(global.set $__stack_pointer (i32.const ${value}))`;
  const block = "(drop (call $futex_wait (i32.const 128) (i32.const 0) (i64.const -1)))";
  const a = system.component(
    "a",
    `(table 3 funcref) (elem (i32.const 1) $waits $spins)
     (func $waits (param i32) ${sp(8000)} ${block})
     (func $spins (param i32) ${sp(7000)} (i32.store (i32.const 68) (i32.const 1))
       (loop $l (br_if $l (i32.eqz (i32.load (i32.const 64))))) ${sp(6000)} ${block})
     (func (export "rtcr_component_start"))`,
  );
  const stackPointer = (thread: KernelThread) => {
    const state = thread.state();
    assert(state.ok);
    return state.value.stackPointer;
  };
  const [waits, more] = [1, 2].map((n) => a.start(`waits ${n}`, 1, 4096 * n) as KernelThread);
  await until(() => waits!.waiting?.kind === "futex" && more!.waiting?.kind === "futex");
  assert.deepEqual([stackPointer(waits!), stackPointer(more!)], [8000, 8000]);
  const spins = a.start("spins", 2, 12_288) as KernelThread;
  await until(() => a.component.view.getInt32(68, true) !== 0);
  assert.equal(stackPointer(waits!), 8000);
  a.component.wrote(64, 4);
  a.component.view.setInt32(64, 1, true);
  await until(() => spins.waiting?.kind === "futex");
  assert.deepEqual([waits!, more!, spins].map(stackPointer), [8000, 8000, 6000]);
  system.close();
});

test("S26: a state that does not fit changes nothing", async () => {
  const system = new TestSystem();
  const a = system.component("a", WAITS);
  const thread = a.start("t") as KernelThread;
  await system.rest();
  const state = thread.state();
  assert(state.ok);
  const saved = state.value.saved as Record<string, never>;
  const [activation] = saved["activations"] as unknown as { thread: { frames: object[] } }[];
  const frames = activation!.thread.frames.map((frame) => ({ ...frame, position: 1 }));
  const bad: unknown[] = [
    7,
    "state",
    [],
    {},
    { ...saved, version: 2 },
    { ...saved, globals: [] },
    { ...saved, globals: ["x"] },
    { ...saved, activations: [{ role: -1 }] },
    { ...saved, activations: [{ ...activation, role: "x" }] },
    { ...saved, activations: [{ ...activation, thread: { ...activation!.thread, frames } }] },
    { ...saved, activations: [{ ...activation, thread: { ...activation!.thread, frames: [{}] } }] },
    { ...saved, serving: { entry: { instance: 0, function: 99, name: "" }, argument: 0, message: 1024 } },
    { ...saved, waiting: { kind: "nothing" } },
  ];
  for (const state of bad) {
    const set = thread.setState({ saved: state as never });
    assert.deepEqual(set, { ok: false, reason: "state-access-failed" }, inspect(state));
  }
  a.component.waits.futexWake(64, 1);
  await system.rest();
  assert.deepEqual(values(system), [FUTEX.woken]);
  system.close();
});

test("S27: a trap stops the thread and tells its own handler, else the session's", async () => {
  const system = new TestSystem();
  const a = system.component("a", `(func (export "rtcr_component_start") unreachable)`);
  const [own, common] = [new Context(), new Context()];
  a.cpu.exceptionSigh(system.capability(common));
  const plain = a.start("plain") as KernelThread;
  const special = a.thread("special") as KernelThread;
  special.exceptionSigh(system.capability(own));
  special.start(0, 0);
  await system.rest();
  assert.deepEqual([own.count, common.count], [1, 1]);
  for (const thread of [plain, special]) {
    thread.resume();
    const state = thread.state();
    assert(state.ok && state.value.exception);
    assert.deepEqual(thread.nativeState(), { activity: "faulted", waitsFor: "", exceptions: 1 });
    assert.match(thread.problem, /^trapped: unreachable/);
  }
  system.close();
});

test("S26: single step stops at every safe point, and the result is the same", async () => {
  const system = new TestSystem();
  const a = system.component(
    "a",
    `(func (export "rtcr_component_start") (local i32)
      (loop $l (call $yield) (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 5))))
      (call $log (i32.const 1024) (local.get 0)))`,
  );
  const handler = new Context();
  a.cpu.exceptionSigh(system.capability(handler));
  const thread = a.thread("t") as KernelThread;
  thread.singleStep(true);
  thread.start(0, 0);
  let steps = 0;
  for (; !thread.dead && steps < 100; steps++) {
    await system.rest();
    assert.equal(thread.dead || thread.exception, true);
    assert.equal(handler.count, thread.exceptions);
    if (steps === 4) thread.singleStep(false);
    thread.resume();
    await macrotask();
  }
  assert.equal(thread.exceptions, 5);
  await system.rest();
  assert.deepEqual(values(system), [5]);
  system.close();
});

test("S30: cancel_blocking ends a futex wait, a call, a wait for a signal and a wait for a wake-up", async () => {
  const system = new TestSystem();
  const waits: [what: string, code: string, result: number][] = [
    ["futex", "(call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1))", FUTEX.canceled],
    ["call", "(call $call (i32.const 4) (i32.const 1) (i32.const 1024))", CALL_STATUS.blockingCanceled],
    ["signal", "(call $call (i32.const 5) (i32.const 0) (i32.const 1024))", CALL_STATUS.blockingCanceled],
    ["wakeup", "(call $serve (i32.const 1) (i32.const 0) (i32.const 1024)) (call $ep_wait_wakeup (i32.const 1024))", 1],
  ];
  for (const [what, code, result] of waits) {
    const label = `c-${what}`;
    const c = system.component(
      label,
      `(table 2 funcref) (elem (i32.const 1) $d)
       (func $d (param i32 i32 i32 i32) (result i32) (i32.const 0))
       (func (export "rtcr_component_start") (local i32) ${code} (local.set 0) (call $log (i32.const 1024) (local.get 0)))`,
    );
    const busy = system.component(`busy-${what}`, SPIN).thread("never started");
    assert.equal(c.component.table.insert(system.object(c, busy.capability)), SLOT.free);
    const source = c.pd.allocSignalSource();
    assert(source.ok && c.component.table.insert(source.value) === SLOT.free + 1);
    const thread = c.start("t") as KernelThread;
    await system.rest();
    assert.equal(thread.nativeState().activity, "blocked", what);
    assert.deepEqual(values(system, label), []);
    thread.cancelBlocking();
    thread.cancelBlocking();
    await system.rest();
    assert.deepEqual(values(system, label), [result], what);
  }
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S24: futexes wake in order, and time ends a wait", async () => {
  let now = 0;
  const system = new TestSystem({ now: () => now });
  const a = system.component(
    "a",
    `(table 3 funcref) (elem (i32.const 1) $wait $timed)
     (func $wait (param $sp i32) (drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1))) (call $log (local.get $sp) (local.get $sp)))
     (func $timed (param $sp i32) (call $log (local.get $sp) (call $futex_wait (i32.const 64) (i32.const 0) (i64.const 5000000))))
     (func (export "rtcr_component_start"))`,
  );
  for (const sp of [4096, 8192, 12_288]) a.start("waits", 1, sp);
  const timed = a.start("timed", 2, 16_384) as KernelThread;
  await until(() => timed.waiting?.kind === "futex");
  assert.equal(a.component.waits.futexWake(64, 2), 2);
  now = 6;
  await system.rest();
  assert.deepEqual(values(system), [4096, 8192, FUTEX.timedOut]);
  assert.equal(a.component.waits.futexWake(64, 10), 1);
  await system.rest();
  assert.deepEqual(values(system).at(-1), 12_288);
  system.close();
});

// On other CPUs a memory must be declared shared for that: cpus/cpus.test.ts.
if (!TestSystem.elsewhere) {
  test("S24: memory.atomic.wait and notify are the scheduler's, in order and with timeouts", async () => {
    const system = new TestSystem();
    const a = atomics(system);
    for (const sp of [4096, 8192, 12_288]) a.start("waits", 1, sp);
    await system.rest();
    a.start("notifies two", 2, 16_384);
    await until(() => values(system).length === 3);
    assert.deepEqual(values(system).toSorted(), [2, 4096, 8192].toSorted(), "two were woken, with outcome 0");
    a.start("changes the value and notifies all", 3, 20_480);
    await until(() => values(system).length === 5);
    assert.deepEqual(values(system).slice(3).toSorted(), [1, 12_288].toSorted());
    a.start("waits for a value that is not there", 1, 24_576);
    a.start("waits 1 ms", 4, 28_672);
    await until(() => values(system).length === 7);
    assert.deepEqual(values(system).slice(5).toSorted(), [24_577, 28_674].toSorted());
    system.close();
  });
}

function atomics(system: TestSystem): TestComponent {
  return system.component(
    "a",
    `(memory $shared 1 1 shared) (table 5 funcref) (elem (i32.const 1) $wait $two $change $timed)
     (func $wait (param $sp i32) (call $log (local.get $sp)
       (i32.add (local.get $sp) (memory.atomic.wait32 $shared (i32.const 8) (i32.const 0) (i64.const -1)))))
     (func $timed (param $sp i32) (call $log (local.get $sp)
       (i32.add (local.get $sp) (memory.atomic.wait32 $shared (i32.const 16) (i32.const 0) (i64.const 1000000)))))
     (func $two (param $sp i32) (call $log (local.get $sp) (memory.atomic.notify $shared (i32.const 8) (i32.const 2))))
     (func $change (param $sp i32) (i32.store $shared (i32.const 8) (i32.const 1))
       (call $log (local.get $sp) (memory.atomic.notify $shared (i32.const 8) (i32.const -1))))
     (func (export "rtcr_component_start"))`,
  );
}

test("S29: Native_cpu gives the real thread and its extended state", async () => {
  const system = new TestSystem();
  const a = system.component("a", SPIN);
  const thread = a.thread("t");
  const native = a.cpu.nativeCpu().object!;
  assert.equal(native.nativeCap(thread.capability), thread.capability);
  assert.deepEqual(native.threadState(thread.capability), {
    ok: true,
    value: { activity: "new", waitsFor: "", exceptions: 0 },
  });
  assert.deepEqual(native.threadState(INVALID), { ok: false, reason: "state-access-failed" });
  system.close();
});

test("S27: a trap that nobody handles is told to people", async () => {
  const system = new TestSystem();
  system.component("guest", `(func (export "rtcr_component_start") (unreachable))`).start("main");
  await system.rest();
  assert.equal(system.warnings.length, 1);
  assert.match(system.warnings[0]!, /^guest: thread "main" is stopped: trapped: /);
  system.close();
});
