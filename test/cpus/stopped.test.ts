// What nobody lets run does not run, on whatever CPU it comes to be.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ThreadInfo } from "../../src/checkpoint/index.ts";
import type { KernelThread } from "../../src/core/kernel/index.ts";
import { RtcrCpu } from "../../src/rtcr/cpu.ts";
import { EVERYWHERE, RtcrCpuThread } from "../../src/rtcr/cpu-thread.ts";
import { RtcrPd } from "../../src/rtcr/pd.ts";
import { ChildContext } from "../../src/rtcr/tracked.ts";
import { INVALID } from "../../src/session/index.ts";
import { assemble } from "../assemble.ts";
import { counter, machine, until } from "../support/cpus.ts";
import { log, logged, main } from "../support/guest-code.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { runSpawning } from "../support/spawn-module.ts";

/** Counts at 64 for ever. */
const SPIN = `(func (export "rtcr_component_start")
  (loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l)))`;

test("S25, S28: on a CPU that is first needed while nothing is to run nothing runs until something may", async () => {
  const system = await machine(2);
  const { scheduler } = system.kernel;
  scheduler.freeze();
  const a = system.component("a", SPIN, { cpu: 1 });
  const thread = a.start("main") as KernelThread;
  assert.deepEqual([thread.cpu, thread.onStack], [1, false]);
  scheduler.resume();
  await until(() => counter(a) > 0);
  system.close();
});

test("S23, S28: a slice that was cut goes on where its component has gone meanwhile", async () => {
  const system = await machine(2);
  const { kernel } = system;
  const a = system.component("a", `(func (export "rtcr_component_start") (call $yield) ${log("(i32.const 7)")})`);
  kernel.everyPoint = true;
  let stopped = false;
  kernel.atPoint = () => {
    if (stopped) return false;
    stopped = true;
    kernel.scheduler.cut();
    kernel.scheduler.freeze();
    return true;
  };
  const thread = a.start("main") as KernelThread;
  await until(() => stopped && !thread.onStack);
  assert.equal(a.component.place(1), undefined);
  kernel.scheduler.resume();
  await until(() => thread.dead);
  assert.deepEqual([thread.cpu, logged(system, "a")], [1, [7]]);
  system.close();
});

test("S23, S28: who stops a system at a safe point is told the CPU of the thread, not of its component", async () => {
  const system = await machine(2);
  const told = new Set<string>();
  system.kernel.atPoint = (component, cpu) => {
    told.add(`component on ${component.cpu}, point on ${cpu}`);
    return false;
  };
  await runSpawning(system, { cpu: 0, cpus: 2 });
  assert.deepEqual([...told].sort(), ["component on 0, point on 0", "component on 0, point on 1"]);
  system.close();
});

test("S26, S28, S94: a thread that stands at a single step does not go on while a restore gives it that state", async () => {
  const system = await machine(2);
  const a = system.component("a", SPIN, { cpu: 1 });
  const context = new ChildContext(system.core.badges);
  const cpu = new RtcrCpu(context, { id: 1, args: "", real: a.cpu.capability });
  const pd = new RtcrPd(context, { id: 2, args: "", real: a.pd.capability });
  const made = cpu.createThread(pd.base.capability, { name: "t" });
  const thread = made.ok && made.value.object;
  assert(thread instanceof RtcrCpuThread);
  thread.singleStep(true);
  thread.start(0, 0);
  await until(() => cpu.stopped() !== "");
  const state = thread.state();
  assert(state.ok);
  const recorded: ThreadInfo = {
    ...{ badge: 1, allocated: 1, bootstrapped: true, nativeBadge: 2, pdBadge: 3, name: "t", weight: 10, utcb: 0 },
    ...{ started: true, paused: false, singleStep: true, affinity: EVERYWHERE },
    ...{ faultHandlerBadge: 0, stackPointer: 0, state: state.value.saved },
  };
  for (let restores = 0; restores < 3; restores++) {
    const before = counter(a);
    thread.real.object!.pause();
    assert(thread.restore(recorded, INVALID, new Map()).ok);
    thread.release();
    assert.deepEqual([counter(a), cpu.stopped()], [before, 'thread "t"']);
  }
  thread.resume();
  const before = counter(a);
  await until(() => cpu.stopped() !== "" && counter(a) > before);
  system.close();
});

test("S24, S28: who could notify a wait behind windows stands while it begins anew, on whatever CPU", async () => {
  const AT = 0x4000_0000;
  const system = await machine(2);
  const shared = PRELUDE.replace('(memory (export "memory") 2)', '(memory (export "memory") 2 65536 shared)');
  const waits = main(`(drop (memory.atomic.wait32 (i32.const ${AT}) (i32.const 0) (i64.const -1)))`);
  const load = { windows: true };
  const a = system.component("a", assemble(`(module ${shared} ${waits})`), { load });
  const b = system.component("b", SPIN, { cpu: 1, load });
  const allocated = system.root.alloc(4096);
  assert(allocated.ok);
  for (const { pd } of [a, b]) assert(pd.addressSpaceMap.attach(allocated.value, { address: AT }).ok);
  const thread = a.start("waits") as KernelThread;
  b.start("spins");
  await until(() => thread.waiting?.kind === "atomic" && counter(b) > 0);
  const seen: boolean[] = [];
  const { resume } = a.component.waits;
  a.component.waits.resume = (waiters) => {
    const before = counter(b);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    seen.push(counter(b) !== before);
    resume.call(a.component.waits, waiters);
  };
  a.component.waits.look();
  assert.equal(a.component.place(1), undefined);
  assert.deepEqual(seen, [false, false]);
  const before = counter(b);
  await until(() => counter(b) !== before);
  system.close();
});
