// Who comes when is part of what is saved of threads: places among those that are ready, and among those that wait.
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { log, logged, tableOf } from "../../../test/support/guest-code.ts";
import { type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import { until } from "../../../test/support/until.ts";
import type { PlainData } from "../../abi/index.ts";
import { type NativeCpu, objectOf, type ThreadPlace } from "../../session/index.ts";
import { plainOf } from "../../util/index.ts";
import type { KernelThread } from "./thread.ts";

/** Threads wait at a futex, or at a word of shared memory, and log their stack pointer. */
const WAITERS = `(memory $shared 1 1 shared) ${tableOf("futex", "atomic", "notify")}
  (func $futex (param $sp i32) (drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1)))
    (call $log (local.get $sp) (local.get $sp)))
  (func $atomic (param $sp i32) (drop (memory.atomic.wait32 $shared (i32.const 8) (i32.const 0) (i64.const -1)))
    (call $log (local.get $sp) (local.get $sp)))
  (func $notify (param $sp i32) (drop (memory.atomic.notify $shared (i32.const 8) (i32.const 1))))
  (func (export "rtcr_component_start"))`;
const STACKS = [4096, 8192, 12_288];

/** Sets the saved states of threads of a component in another order than that in which they began to wait. */
async function restoredBackwards(component: TestComponent, ip: number): Promise<readonly KernelThread[]> {
  const threads = STACKS.map((sp) => component.start(`t${sp}`, ip, sp) as KernelThread);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  const saved = threads.map((thread) => structuredClone(thread.state()));
  for (const [i, state] of [...saved.entries()].reverse()) {
    ok(state.ok);
    ok(threads[i]!.setState({ saved: state.value.saved }).ok);
  }
  return threads;
}

test("S26, S88: threads that waited for a futex are woken in the order in which they came, whatever that of a restore", async () => {
  const system = new TestSystem();
  const a = system.component("a", WAITERS);
  await restoredBackwards(a, 1);
  for (let woken = 1; woken <= STACKS.length; woken++) {
    equal(a.component.waits.futexWake(64, 1), 1);
    await system.rest();
    deepEqual(logged(system, "a"), STACKS.slice(0, woken));
  }
  system.close();
});

test("S26, S88: so are those in memory.atomic.wait; a wait that has begun anew is not over because the one before is", async () => {
  const system = new TestSystem();
  const a = system.component("a", WAITERS);
  await restoredBackwards(a, 2);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  deepEqual(logged(system, "a"), [], "nobody has notified");
  for (let woken = 1; woken <= STACKS.length; woken++) {
    a.start("notifies", 3, 16_384 * woken);
    await until(() => {
      system.kernel.settle();
      return logged(system, "a").length >= woken;
    });
    deepEqual(logged(system, "a"), STACKS.slice(0, woken));
  }
  system.close();
});

test("S26: a state without places is one of an older build: its thread comes last", async () => {
  const system = new TestSystem();
  const a = system.component("a", WAITERS);
  const threads = await restoredBackwards(a, 1);
  const state = threads[0]!.state();
  ok(state.ok);
  const { waiting, turns, ...rest } = state.value.saved as Record<string, PlainData>;
  const { place, ...older } = waiting as Record<string, PlainData>;
  deepEqual([place, turns], [0, undefined]);
  ok(threads[0]!.setState({ saved: { ...rest, waiting: older } as never }).ok);
  a.component.waits.futexWake(64, 3);
  await system.rest();
  deepEqual(logged(system, "a").toSorted(), STACKS.toSorted());
  deepEqual(
    threads.map(({ dead }) => dead),
    [true, true, true],
  );
  system.close();
});

test("S26, S34: whom somebody has woken before it serves is woken after a restore, too, and its turns are those it had", async () => {
  const system = new TestSystem();
  const a = system.component("a", WAITERS);
  const [woken, other] = STACKS.slice(0, 2).map((sp) => a.start(`t${sp}`, 1, sp) as KernelThread);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  woken!.ep.wakeup = true;
  woken!.ep.turns = { last: 1, source: 0, signals: false };
  const state = woken!.state();
  ok(state.ok && other!.setState({ saved: state.value.saved }).ok);
  deepEqual([other!.entrypoint?.wakeup, other!.entrypoint?.turns], [true, woken!.ep.turns]);
  system.close();
});

test("S28, S88: the place of a thread goes over to another, in whole numbers, and decides between equals", async () => {
  const now = { ms: 0 };
  const system = new TestSystem({ now: () => now.ms });
  const a = system.component(
    "a",
    `${tableOf("run")} (func $run (param $sp i32) (loop $l
      (call $log (local.get $sp) (local.get $sp)) (br_if $l (i32.lt_u (i32.load (i32.const 64)) (i32.const 1)))))
     (func (export "rtcr_component_start"))`,
  );
  const native = objectOf<NativeCpu>(a.cpu.nativeCpu(), "native-cpu")!;
  const [first, second, third] = STACKS.map((sp) => a.thread(`t${sp}`, sp === 4096 ? 3 : 10));
  const placeOf = ({ capability }: KernelThread) =>
    plainOf((to) => native.writePlace(capability, to)) as unknown as ThreadPlace;
  const places = [first, second, third].map((thread) => placeOf(thread as KernelThread));
  deepEqual(
    places.map(({ ahead }) => ahead),
    [0, 0, 0],
  );
  ok(places[0]!.rank < places[1]!.rank && places[1]!.rank < places[2]!.rank);
  native.setPlace(first!.capability, { ahead: 700_000, rank: 5 });
  native.setPlace(second!.capability, { ahead: 0, rank: 900 });
  native.setPlace(third!.capability, { ahead: 0, rank: 899 });
  deepEqual(placeOf(second as KernelThread), { ahead: 0, rank: 900 });
  ok((a.thread("later") as KernelThread).rank > 900, "new threads come behind all that were restored");
  let points = 0;
  system.kernel.everyPoint = true;
  system.kernel.atPoint = () => {
    if (++points % 10 === 0) now.ms++;
    if (points === 200) a.component.view.setInt32(64, 1, true);
    return points % 10 === 0;
  };
  for (const [i, thread] of [first, second, third].entries()) thread!.start(1, STACKS[i]!);
  await system.rest();
  const order = [...new Set(logged(system, "a"))];
  deepEqual(order, [12_288, 8192, 4096], "the lower rank first, then the higher, then who has had more");
  ok(Number.isSafeInteger((first as KernelThread).virtual), "sums do not depend on where they begin");
  system.close();
});

test("S28: whatever places say, new threads have numbers of their own", () => {
  const system = new TestSystem();
  const a = system.component("a", `(func (export "rtcr_component_start"))`);
  const native = objectOf<NativeCpu>(a.cpu.nativeCpu(), "native-cpu")!;
  const most = Number.MAX_SAFE_INTEGER;
  native.setPlace(a.thread("made up").capability, { ahead: most, rank: most, slice: most });
  const ids = Array.from({ length: 3 }, (_, i) => (a.thread(`t${i}`) as KernelThread).id);
  equal(new Set(ids).size, 3);
  system.close();
});

/** `a` asks the entrypoint of `b`, both pass many safe points; the order of what they log. */
async function handedOver(cutAt: number | undefined): Promise<readonly string[]> {
  const system = new TestSystem();
  const server = system.component(
    "b",
    `${tableOf("dispatch", "other")}
     (func $dispatch (param $m i32) (param $kind i32) (param $object i32) (param $value i32) (result i32) (local $i i32)
       (loop $l (call $yieldless) (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
       ${log("(local.get $i)")} (i32.const 0))
     (func $yieldless (drop (call $ask (i32.const 8192) (i32.const 1) (i32.const 9) (i32.const 0))))
     (func $other (param $sp i32) (local $i i32) ${log("(i32.const 99)")})
     (func (export "rtcr_component_start") (call $serve (i32.const 1) (i32.const 4096) (i32.const 4096)))`,
  );
  const entrypoint = server.start("ep");
  await system.rest();
  const client = system.component(
    "a",
    `(func (export "rtcr_component_start") (drop (call $ask (i32.const 4096) (i32.const 4) (i32.const 0) (i32.const 0)))
      ${log("(i32.const 7)")})`,
  );
  client.component.table.insert(system.object(server, entrypoint.capability));
  let points = 0;
  system.kernel.everyPoint = true;
  system.kernel.atPoint = () => {
    if (++points !== cutAt) return false;
    system.kernel.scheduler.cut();
    return true;
  };
  client.start("main");
  server.start("other", 2, 32_768);
  await system.rest();
  if (cutAt !== undefined) ok(points >= cutAt, `${points} points`);
  system.close();
  return [...system.lines, `${points} points`];
}

test("S23, S88: a slice that was cut goes on where it was, within the calls that were nested, before any other begins", async () => {
  const expected = await handedOver(undefined);
  const points = Number.parseInt(expected.at(-1)!, 10);
  ok(points > 20);
  notEqual(expected[0], "[b] 00000063", "the call comes first");
  for (let point = 1; point <= points; point++) deepEqual(await handedOver(point), expected, `cut at ${point}`);
});

test("S23, S28: a slice that was cut goes on, though a thread of another CPU comes to a safe point meanwhile", async () => {
  const system = new TestSystem();
  const { scheduler } = system.kernel;
  const a = system.component("a", `(func (export "rtcr_component_start") (call $yield) ${log("(i32.const 7)")})`);
  system.kernel.everyPoint = true;
  let stopped = false;
  system.kernel.atPoint = () => {
    if (stopped) return false;
    stopped = true;
    scheduler.cut();
    scheduler.freeze();
    return true;
  };
  a.start("main");
  await until(() => stopped);
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  scheduler.cut(); // as from there: no slice of CPU 0 is under way
  scheduler.resume();
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  deepEqual(logged(system, "a"), [7]);
  system.close();
});

test("S28, S88: a thread that has the place of one whose slice was cut runs, though nothing else does", async () => {
  const system = new TestSystem();
  const a = system.component("a", `(func (export "rtcr_component_start") ${log("(i32.const 7)")})`);
  const thread = a.thread("main") as KernelThread;
  system.kernel.scheduler.setPlace(thread, { ahead: 0, rank: thread.rank, slice: 3 });
  thread.start(0, 0);
  await until(() => thread.dead);
  deepEqual(logged(system, "a"), [7]);
  system.close();
});
