// Components on several CPUs: they run side by side, call each other and the kernel, and are stopped and looked at.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counter, machine } from "../../../../test/support/cpus.ts";
import {
  answerPlus,
  ask,
  BUSY,
  block,
  dispatch,
  log,
  logged,
  main,
  onOpcode,
  SERVES,
  tableOf,
} from "../../../../test/support/guest-code.ts";
import { SLOT, type TestSystem } from "../../../../test/support/kernel-system.ts";
import { until } from "../../../../test/support/until.ts";
import { CALL_STATUS, FUTEX } from "../../../abi/index.ts";
import type { KernelThread } from "../thread.ts";
import type { StartCpu } from "./protocol.ts";
import { startNodeCpu } from "./start-node.ts";

/** Counts at 64 for ever, without a host call. */
const SPIN = `(func (export "rtcr_component_start")
  (loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l)))`;

/** Opcode 1 answers plus one, 2 blocks first, 3 computes first, 5 traps. */
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch(
  "d",
  [onOpcode(2, block()), onOpcode(3, BUSY), onOpcode(5, "unreachable"), `${answerPlus(1)} (return (i32.const 0))`].join(
    " ",
  ),
)}`;

const status = (value: number) => value << 16;

/** A server on a CPU, and its object. */
async function serverOn(system: TestSystem, cpu: number, code = SERVER) {
  const server = system.component(`server${cpu}`, code, { cpu });
  const ep = server.start("ep") as KernelThread;
  await system.rest();
  return { server, ep, object: system.object(server, ep.capability) };
}

test("S28: components run on the CPUs of their first threads, further threads with them", async () => {
  const system = await machine(3);
  for (const cpu of [0, 1, 2]) {
    const a = system.component(`a${cpu}`, main(log("(i32.const 7)") + log("(i32.const 8)")), { cpu });
    const thread = a.start("main") as KernelThread;
    await system.rest();
    const elsewhere = system.component(`b${cpu}`, main(""), { cpu: 2 - cpu });
    const made = elsewhere.cpu.createThread(a.pd.capability, { name: "elsewhere" });
    assert(made.ok);
    const second = made.value.object as KernelThread;
    second.start(0, 0);
    await system.rest();
    assert.deepEqual([a.component.cpu, thread.location.x, second.location.x], [cpu, cpu, cpu]);
    assert.deepEqual(logged(system, `a${cpu}`), [7, 8, 7, 8]);
    assert.equal(a.component.engine.threads, 0);
  }
  system.close();
});

test("S14: an endless loop on CPU 1 holds up nobody on CPUs 0 and 2", async () => {
  const system = await machine(3);
  const loops = system.component("loops", SPIN, { cpu: 1 });
  const thread = loops.start("main") as KernelThread;
  for (const [client, server] of [
    [0, 2],
    [2, 0],
  ] as const) {
    const { object } = await serverOnNoRest(system, server);
    const made = system.component(`client${client}`, main(log(ask(SLOT.free, 1, 41)) + log(ask(SLOT.free, 3, 1))), {
      cpu: client,
    });
    made.component.table.insert(object);
    made.start("main");
    await until(() => logged(system, `client${client}`).length === 2);
    assert.deepEqual(logged(system, `client${client}`), [42, 2]);
  }
  const before = counter(loops);
  await until(() => counter(loops) !== before);
  assert.equal(thread.nativeState().activity, "running");
  system.close();
});

/** As `serverOn` while something runs for ever. */
async function serverOnNoRest(system: TestSystem, cpu: number) {
  const server = system.component(`server${cpu}`, SERVER, { cpu });
  const ep = server.start("ep") as KernelThread;
  await until(() => ep.idle);
  return { server, ep, object: system.object(server, ep.capability) };
}

test("S14: an endless loop on CPU 0 answers calls of CPU 1 to CPU 2 and to core at its polls, and does not give way", async () => {
  const system = await machine(3, { now: () => 0 }); // the event loop's turn never comes
  const { object } = await serverOn(system, 2);
  const calls = 500;
  const client = system.component(
    "client",
    main(`(loop $l (local.set $i ${ask(SLOT.free, 1, "(local.get $i)")}) (drop ${ask(SLOT.pd, 16)})
      (br_if $l (i32.lt_u (local.get $i) (i32.const ${calls})))) ${log("(local.get $i)")}`),
    { cpu: 1 },
  );
  client.component.table.insert(object);
  const loops = system.component("loops", SPIN).thread("main") as KernelThread;
  system.lines.push = (line) => {
    const served = loops.onStack ? "at a poll" : "from the event loop";
    loops.pause();
    return Array.prototype.push.call(system.lines, line, served);
  };
  const { slices } = system.kernel.scheduler;
  client.start("main");
  loops.start(0, 0);
  await system.rest();
  assert.deepEqual([...system.lines], [`[client] ${calls.toString(16).padStart(8, "0")}`, "at a poll"]);
  assert.equal(system.kernel.scheduler.slices, slices + 1);
  system.close();
});

for (const [from, to] of [
  [0, 1],
  [1, 0],
  [1, 2],
  [1, 1],
] as const) {
  test(`S34, S36: calls from CPU ${from} to CPU ${to}: answered, blocked, computing, and ended by the server's death`, async () => {
    const system = await machine(3);
    const { server, ep, object } = await serverOn(system, to);
    const body = [ask(SLOT.free, 1, 41), ask(SLOT.free, 3, 9), ask(SLOT.free, 2, 1), ask(SLOT.free, 2, 1)];
    const client = system.component("client", main(body.map(log).join(" ")), { cpu: from });
    client.component.table.insert(object);
    const thread = client.start("main") as KernelThread;
    await system.rest();
    assert.deepEqual(logged(system, "client"), [42, 10]);
    assert.equal(thread.nativeState().activity, "blocked");
    server.component.waits.futexWake(64, 1);
    await system.rest();
    assert.deepEqual(logged(system, "client"), [42, 10, 2]);
    server.cpu.killThread(ep.capability);
    await system.rest();
    assert.deepEqual(logged(system, "client"), [42, 10, 2, status(CALL_STATUS.invalidObject)]);
    assert.equal(system.kernel.calls.size, 0);
    assert.equal(server.component.engine.threads + client.component.engine.threads, 0);
    system.close();
  });
}

test("S31, S34: signals and wake-ups go between CPUs", async () => {
  const system = await machine(2);
  const a = system.component(
    "a",
    `${tableOf("d")} ${dispatch("d", log("(i32.add (i32.shl (local.get $kind) (i32.const 8)) (local.get $value))"))}
     ${main(`(call $serve (i32.const 1) (i32.const 4096) (i32.const 4096)) (call $serve_signals (i32.const ${SLOT.free}))`)}`,
    { cpu: 1 },
  );
  const source = a.pd.allocSignalSource();
  assert(source.ok && a.component.table.insert(source.value) === SLOT.free);
  const context = a.pd.allocContext(source.value, 1);
  assert(context.ok);
  const ep = a.start("ep");
  await system.rest();
  a.pd.submit(context.value, 3);
  await system.rest();
  const waker = system.component("waker", main(`(call $ep_wakeup (i32.const ${SLOT.free}))`));
  waker.component.table.insert(ep.capability);
  waker.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "a"), [0x103, 0x200]);
  system.close();
});

test("S24, S30: futex waits of other CPUs end by others, by time and by cancel_blocking", async () => {
  const system = await machine(2);
  const wait = (timeout: number) => log(`(call $futex_wait (i32.const 64) (i32.const 0) (i64.const ${timeout}))`);
  const a = system.component("a", main(wait(-1) + wait(2_000_000) + wait(-1)), { cpu: 1 });
  const thread = a.start("main") as KernelThread;
  await system.rest();
  assert.equal(thread.nativeState().waitsFor, "wait at 0x40");
  assert.equal(a.component.waits.futexWake(64, 1), 1);
  await until(() => logged(system, "a").length === 2);
  await system.rest();
  thread.cancelBlocking();
  await system.rest();
  assert.deepEqual(logged(system, "a"), [FUTEX.woken, FUTEX.timedOut, FUTEX.canceled]);
  system.close();
});

test("S24: memory.atomic.wait on another CPU is ended by memory.atomic.notify and by time", async () => {
  const { assemble } = await import("../../../../test/assemble.ts");
  const { PRELUDE } = await import("../../../../test/support/kernel-system.ts");
  const system = await machine(2);
  const shared = PRELUDE.replace('(memory (export "memory") 2)', '(memory (export "memory") 2 2 shared)');
  const a = system.component(
    "a",
    assemble(`(module ${shared} ${tableOf("notify")}
      (func $notify (param i32) (call $log (i32.const 4096) (memory.atomic.notify (i32.const 64) (i32.const 1))))
      ${main(
        log("(memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1))") +
          log("(memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const 1000000))"),
      )})`),
    { cpu: 1 },
  );
  a.start("waits");
  await system.rest();
  a.start("notifies", 1, 8192);
  await until(() => logged(system, "a").length === 3);
  assert.deepEqual(logged(system, "a").toSorted(), [0, 1, 2]);
  system.close();
});

test("S14, S27: memory grows, traps and used up stacks stay with the component that they happen to", async () => {
  const system = await machine(2);
  const { object } = await serverOn(system, 1);
  const grows = system.component(
    "grows",
    main(
      log("(memory.grow (i32.const 3))") +
        `(i32.store (i32.const 300000) (i32.const 5)) ${log("(i32.load (i32.const 300000))")} ${log("(memory.size)")}`,
    ),
    { cpu: 1 },
  );
  const traps = system.component("traps", main(`${log("(i32.const 1)")}unreachable`), { cpu: 1 });
  const deep = system.component("deep", `(func $f (call $f)) ${main("(call $f)")}`, { cpu: 1 });
  const [, trapped, exhausted] = [grows, traps, deep].map((made) => made.start("main") as KernelThread);
  await system.rest();
  assert.deepEqual(logged(system, "grows"), [2, 5, 5]);
  assert.equal(grows.component.view.getInt32(300_000, true), 5);
  assert.match(trapped!.problem, /^trapped: unreachable/);
  assert.match(exhausted!.problem, /^exhausted/);
  const client = system.component("client", main(log(ask(SLOT.free, 1, 41))), { cpu: 1 });
  client.component.table.insert(object);
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42]);
  system.close();
});

test("S24: a thread that runs on another CPU is paused, looked at, resumed and killed; a component is destroyed", async () => {
  const system = await machine(3);
  const a = system.component("a", SPIN, { cpu: 1 });
  const thread = a.start("main") as KernelThread;
  await until(() => counter(a) !== 0);
  const state = thread.state();
  assert(state.ok && state.value.frames > 0, "a running thread is stopped to be looked at");
  thread.pause();
  const stopped = counter(a);
  assert.equal(thread.nativeState().activity, "paused");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(counter(a), stopped);
  thread.resume();
  await until(() => counter(a) !== stopped);
  a.cpu.killThread(thread.capability);
  await system.rest();
  assert.equal(a.component.engine.threads, 0);
  const b = system.component("b", SPIN, { cpu: 2 });
  b.start("main");
  await until(() => counter(b) !== 0);
  const { view } = b.component;
  b.pd.destroy();
  const last = view.getInt32(64, true);
  await system.rest();
  assert.equal(view.getInt32(64, true), last, "nothing of it runs any more");
  system.close();
});

test("S24: a component that ends when its thread has just been sent to its CPU takes nobody with it", async () => {
  const system = await machine(2);
  const stays = system.component("stays", SPIN, { cpu: 1 });
  const thread = stays.start("main") as KernelThread;
  for (let i = 0; i < 100; i++) {
    thread.pause();
    await system.rest();
    const goes = system.component(`goes${i}`, SPIN, { cpu: 1 });
    goes.start("main");
    goes.pd.destroy();
    await system.rest();
    thread.resume();
  }
  const before = counter(stays);
  await until(() => counter(stays) !== before || thread.faulted);
  assert.deepEqual([thread.faulted, system.kernel.components.length], [false, 1]);
  system.close();
});

for (const server of [0, 1, 2]) {
  test(`S24, S36: a thread that is killed when it has just asked for a call to CPU ${server} does not make it`, async () => {
    const system = await machine(3);
    const { ep, object } = await serverOn(system, server);
    // A message with a capability always goes to the kernel.
    const client = system.component(
      "client",
      main(`(loop $l (i32.store (i32.const 2048) (i32.const 0)) (i32.store (i32.const 2052) (i32.const 1))
        (i32.store (i32.const 2056) (i32.const ${SLOT.log})) (drop (call $call (i32.const ${SLOT.free}) (i32.const 1) (i32.const 2048)))
        (br $l))`),
      { cpu: 1 },
    );
    client.component.table.insert(object);
    const thread = client.thread("main") as KernelThread;
    const cpu = system.kernel.cpus!.at(1);
    for (let round = 0; round < 3; round++) {
      const killed = round === 0 ? thread : (client.thread("main") as KernelThread);
      killed.start(0, 0);
      while (!cpu.pending);
      client.cpu.killThread(killed.capability);
      await system.rest();
      assert.equal(system.kernel.calls.size, 0);
      assert.equal(ep.idle, true);
      assert.equal(client.component.engine.threads, 0);
    }
    system.close();
  });
}

test("S25, S26: threads of another CPU are saved in the middle and taken up on CPU 0 and elsewhere", async () => {
  const counts =
    main(`(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (i32.store (i32.const 64) (local.get $i))
    (br_if $l (i32.lt_u (local.get $i) (i32.const 100000000)))) ${log("(local.get $i)")}`);
  for (const [from, to] of [
    [1, 0],
    [0, 1],
    [1, 2],
  ]) {
    const system = await machine(3);
    const a = system.component("a", counts, { cpu: from! });
    const b = system.component("b", counts, { cpu: to! });
    const thread = a.start("main") as KernelThread;
    await until(() => counter(a) > 1000);
    thread.pause();
    const saved = thread.state();
    assert(saved.ok);
    const reached = counter(a);
    const other = b.thread("main") as KernelThread;
    other.pause();
    assert(other.setState({ saved: saved.value.saved }).ok);
    b.component.view.setInt32(64, 0, true);
    const again = other.state();
    assert(again.ok);
    assert.deepEqual(again.value.saved, saved.value.saved);
    other.resume();
    await until(() => counter(b) > reached);
    system.close();
  }
});

test("S25: components are made anew and move between CPUs while they wait and serve", async () => {
  const system = await machine(3);
  const { server, object } = await serverOn(system, 1);
  const client = system.component(
    "client",
    main(`(loop $l (local.set $i ${ask(SLOT.free, 3, "(local.get $i)")}) ${log("(local.get $i)")}
      (drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 6))))`),
    { cpu: 2 },
  );
  client.component.table.insert(object);
  client.start("main");
  for (const [turn, cpu] of [1, 0, 2, 1, 0, 2].entries()) {
    await system.rest();
    assert.deepEqual(logged(system, "client").at(-1), turn + 1);
    for (const { component } of [client, server]) {
      component.atRest(() => component.recreate());
      assert.equal(
        component.atRest(() => component.place((cpu + 1) % 3)),
        undefined,
      );
    }
    client.component.waits.futexWake(64, 1);
  }
  await system.rest();
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S14: a CPU that dies stops its components by name; all others go on", async () => {
  const started: ReturnType<StartCpu>[] = [];
  const start: StartCpu = (setup, lost) => {
    const cpu = startNodeCpu(setup, lost);
    started.push(cpu);
    return cpu;
  };
  const system = await machine(3, { cpus: { width: 3, height: 1, start } });
  const lost = system.component("lost", SPIN, { cpu: 1 });
  const thread = lost.start("main") as KernelThread;
  const dead = await serverOnNoRest(system, 1);
  await until(() => counter(lost) !== 0);
  started[0]!.terminate();
  await until(() => thread.exception);
  assert.match(thread.problem, /^CPU 1 has ended/);
  assert.equal(thread.state().ok, false);
  const { object } = await serverOn(system, 2);
  const client = system.component("client", main(log(ask(SLOT.free, 1, 41)) + log(ask(SLOT.free + 1, 1, 41))));
  client.component.table.insert(object);
  client.component.table.insert(dead.object);
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42], "who calls what is stopped waits for it (S27)");
  assert.match(system.warnings.at(-1)!, /^CPU 1 has ended.*: what ran there stands/);
  const late = system.component("late", main(""), { cpu: 1 });
  assert.equal(late.cpu.createThread(late.pd.capability, { name: "t" }).ok, true);
  assert.equal(late.component.cpu, 0, "on one that is left");
  dead.server.pd.destroy();
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42, status(CALL_STATUS.invalidObject)]);
  system.close();
});

test("S28: programs that only CPU 0 can run are refused on others, by name", async () => {
  const system = await machine(2);
  const waits = "(drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const 1)))";
  const alone = system.component("alone", main(waits), { cpu: 1 });
  assert.deepEqual(alone.cpu.createThread(alone.pd.capability, { name: "t" }), {
    ok: false,
    reason: "thread-creation-failed",
  });
  assert.match(system.warnings.at(-1)!, /^alone: thread "t" on CPU 1: a memory that cannot be shared/);
  system.close();
});
