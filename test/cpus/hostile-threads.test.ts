// Whatever happens to one of the threads that a component has on several CPUs is what would happen to it on one.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StartCpu } from "../../src/core/kernel/cpus/protocol.ts";
import { startNodeCpu } from "../../src/core/kernel/cpus/start-node.ts";
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import type { Location } from "../../src/session/index.ts";
import { PlainWriter } from "../../src/util/index.ts";
import { machine, until } from "../support/cpus.ts";
import type { TestComponent, TestSystem } from "../support/kernel-system.ts";
import { GROWING, GROWTHS, spinning } from "../support/spawn-module.ts";

const CPUS = 3;
const at = (x: number, width = 1): Location => ({ x, y: 0, width, height: 1 });

/** What a thread of SPINNING has counted; 0: the first one. */
const count = ({ component }: TestComponent, number: number) =>
  component.words[(number === 0 ? 64 : 252 + 4 * number) / 4]!;

/** Until these threads, by their numbers, count on. */
async function counting(a: TestComponent, ...numbers: readonly number[]): Promise<void> {
  const before = numbers.map((number) => count(a, number));
  await until(() => numbers.every((number, i) => count(a, number) !== before[i]));
}

async function spins(system: TestSystem, first = ""): Promise<{ a: TestComponent; threads: readonly KernelThread[] }> {
  const a = system.component("a", spinning(2, first), { cpus: CPUS });
  a.start("main");
  await until(() => a.component.threads.length === 3 || a.component.threads.some(({ faulted }) => faulted));
  return { a, threads: [...a.component.threads] };
}

async function watched(options: { readonly start?: StartCpu } = {}) {
  const failures: unknown[] = [];
  const start = options.start ?? startNodeCpu;
  const system = await machine(CPUS, {
    failed: (thrown) => failures.push(thrown),
    cpus: { width: CPUS, height: 1, start },
  });
  return { system, failures };
}

test("S24, S28: three threads of one component compute on three CPUs at the same time", async () => {
  const { system, failures } = await watched();
  const { a, threads } = await spins(system);
  assert.deepEqual(
    threads.map(({ cpu, location }) => [cpu, location]),
    [0, 1, 2].map((cpu) => [cpu, at(0, CPUS)]),
  );
  for (let turn = 0; turn < 5; turn++) await counting(a, 0, 1, 2);
  const { entered } = a.component;
  await until(() => entered.includes(threads[1]!) && entered.includes(threads[2]!));
  assert.deepEqual(failures, []);
  system.close();
});

test("S25, S26: each is paused, read, set back and goes on alone", async () => {
  const { system, failures } = await watched();
  const { a, threads } = await spins(system);
  for (const [number, thread] of threads.entries()) {
    const others = [0, 1, 2].filter((other) => other !== number);
    thread.pause();
    await until(() => !thread.onStack);
    const stood = count(a, number);
    await counting(a, ...others);
    assert.equal(count(a, number), stood);
    const state = thread.state();
    assert(state.ok && state.value.paused);
    assert.equal(thread.setState(state.value).ok, true);
    await counting(a, ...others);
    assert.equal(count(a, number), stood);
    thread.resume();
    await counting(a, 0, 1, 2);
    assert.equal(thread.cpu, number);
  }
  assert.deepEqual([failures, system.warnings], [[], []]);
  system.close();
});

test("S26: an instance is captured with all that is on other CPUs, which go on", async () => {
  const { system, failures } = await watched();
  const { a } = await spins(system);
  const native = a.pd.nativePd().object!;
  native.prepareCapture();
  for (let turn = 0; turn < 10; turn++) {
    await counting(a, 1, 2);
    assert(native.captureInstance(new PlainWriter(new Uint8Array(1 << 16))).ok);
  }
  await counting(a, 0, 1, 2);
  assert.deepEqual(failures, []);
  system.close();
});

test("S28: threads go where their affinities say, one by one, and with the first what follows it", async () => {
  const { system, failures } = await watched();
  const { a, threads } = await spins(system);
  const [first, one, two] = threads as [KernelThread, KernelThread, KernelThread];
  const where = () => threads.map(({ cpu }) => cpu);
  for (const [thread, location, expected] of [
    [one, at(2), [0, 2, 2]],
    [two, at(0), [0, 2, 0]],
    [first, at(1), [1, 2, 0]],
    [two, at(1), [1, 2, 1]],
    [first, at(2), [2, 2, 1]],
    [one, at(0, 2), [2, 1, 1]],
    [two, at(0, 2), [2, 1, 0]],
    [first, at(0), [0, 1, 0]],
  ] as const) {
    thread.affinity(location);
    await until(() => where().join() === expected.join());
    await counting(a, 0, 1, 2);
    assert.deepEqual(thread.location, location);
    assert(threads.every((each) => each.state().ok));
  }
  assert.deepEqual([failures, system.warnings], [[], []]);
  system.close();
});

for (const number of [1, 2]) {
  const only = (what: string) => `(if (i32.eq (local.get $number) (i32.const ${number})) (then ${what}))`;
  const others = [0, 1, 2].filter((other) => other !== number);

  test(`S27: a trap stops thread ${number}, and no other`, async () => {
    const { system, failures } = await watched();
    const { a, threads } = await spins(system, only("(unreachable)"));
    await until(() => threads[number]!.faulted);
    await counting(a, ...others);
    assert.deepEqual(
      threads.map(({ faulted }) => faulted),
      [0, 1, 2].map((each) => each === number),
    );
    assert.match(threads[number]!.problem, /unreachable/);
    assert.deepEqual(failures, []);
    system.close();
  });

  test(`S24: thread ${number} is killed while it runs; its instance and CPU are there for the next`, async () => {
    const { system, failures } = await watched();
    const { a, threads } = await spins(system);
    await counting(a, 1, 2);
    a.cpu.killThread(threads[number]!.capability);
    await until(
      () => a.component.parts.standing === 2 && a.component.entered.every((thread) => thread !== threads[number]),
    );
    await counting(a, ...others);
    const starter = threads[0]!;
    const made = starter.owner.spawn(starter);
    assert(made.ok);
    const again = made.value;
    assert(a.component.starts.beginSpawned(again, number));
    again.started = true;
    system.kernel.scheduler.ready(again);
    await counting(a, 0, 1, 2);
    assert.deepEqual([again.instance, again.cpu], [number, number]);
    assert.deepEqual([failures, system.warnings], [[], []]);
    system.close();
  });
}

test("S24, S28: the instance of a thread that was killed is nobody else's as long as the thread has not given way", async () => {
  const { system, failures } = await watched();
  const { a, threads } = await spins(system);
  const [starter, one] = threads as [KernelThread, KernelThread];
  await until(() => one.onStack);
  a.cpu.killThread(one.capability);
  const made = starter.owner.spawn(starter);
  assert(made.ok && a.component.starts.beginSpawned(made.value, 1));
  assert.deepEqual([one.onStack, made.value.instance], [true, 3]);
  assert.deepEqual([failures, system.warnings], [[], []]);
  system.close();
});

test("S14, S28: the component ends while all its threads run", async () => {
  const { system, failures } = await watched();
  for (let turn = 0; turn < 5; turn++) {
    const { a } = await spins(system);
    await counting(a, 0, 1, 2);
    a.pd.destroy();
    assert.equal(a.component.threads.length, 0);
  }
  await system.rest();
  assert.deepEqual([failures, system.warnings], [[], []]);
  system.close();
});

test("S28: growths of three CPUs at once: each page is given to one of them", async () => {
  const { system, failures } = await watched();
  const a = system.component("a", GROWING, { cpus: CPUS });
  a.start("main");
  await until(() => a.component.words[68 / 4] === CPUS);
  const first = 1024 / 4 + 2;
  const told = a.component.words.slice(first, first + CPUS * GROWTHS);
  assert.deepEqual(new Set(told), new Set([1]));
  assert.deepEqual([failures, system.warnings], [[], []]);
  system.close();
});

test("S24: a thread that has ended with its program while it ran on another CPU starts no thread", async () => {
  const { system, failures } = await watched();
  const { a, threads } = await spins(system);
  const [first, one] = threads as [KernelThread, KernelThread];
  await counting(a, 1);
  system.kernel.lifetimes.exited(first, 0);
  const before = a.component.actFor(one);
  assert.equal(a.component.hostFunction("wasi", "thread-spawn").call(undefined as never, 1), -1);
  a.component.actFor(before);
  await until(() => a.component.parts.standing === 0);
  assert.deepEqual([a.component.threads, failures, system.warnings], [[], [], []]);
  system.close();
});

test("S26: a state that names another instance than its thread's is refused", async () => {
  const { system, failures } = await watched();
  const { a, threads } = await spins(system);
  await counting(a, 1, 2);
  const state = threads[2]!.state();
  assert(state.ok);
  const forged = { ...(state.value.saved as object), instance: 1 };
  assert.deepEqual(threads[1]!.setState({ saved: forged }), { ok: false, reason: "state-access-failed" });
  await counting(a, 0, 1, 2);
  assert.deepEqual(failures, []);
  system.close();
});

test("S28: a CPU that ends stops the threads that are on it, by name; the others go on, and the component can end", async () => {
  const lose: ((why: string) => void)[] = [];
  const start: StartCpu = (setup, lost) => {
    lose[setup.number] = lost;
    return startNodeCpu(setup, lost);
  };
  const { system, failures } = await watched({ start });
  const { a, threads } = await spins(system);
  await counting(a, 1, 2);
  const state = threads[2]!.state();
  assert(state.ok);
  lose[2]!("CPU 2 has ended");
  assert.deepEqual(
    threads.map(({ faulted }) => faulted),
    [false, false, true],
  );
  assert.equal(threads[2]!.problem, "CPU 2 has ended");
  await counting(a, 0, 1);
  assert.deepEqual(threads[2]!.setState(state.value), { ok: false, reason: "state-access-failed" });
  const native = a.pd.nativePd().object!;
  assert.deepEqual(native.captureInstance(new PlainWriter(new Uint8Array(1 << 16))), {
    ok: false,
    reason: "unsaveable",
  });
  a.cpu.killThread(threads[2]!.capability);
  assert(native.captureInstance(new PlainWriter(new Uint8Array(1 << 16))).ok, "nothing of it is there any more");
  await counting(a, 0, 1);
  a.pd.destroy();
  assert.deepEqual(failures, []);
  system.close();
});
