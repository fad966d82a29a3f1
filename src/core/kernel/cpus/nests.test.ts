// Calls between components of one CPU that is not the kernel's: nested, and repeated without asking the kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, counts, forEver, moves, SERVER, status } from "../../../../test/support/calls.ts";
import { counter, machine } from "../../../../test/support/cpus.ts";
import { answerPlus, ask, dispatch, log, logged, main, SERVES, tableOf } from "../../../../test/support/guest-code.ts";
import { SLOT, type TestSystem } from "../../../../test/support/kernel-system.ts";
import { until } from "../../../../test/support/until.ts";
import { CALL_STATUS } from "../../../abi/index.ts";
import { readTraceBuffer, TraceControl } from "../../trace/index.ts";
import type { KernelThread } from "../thread.ts";

/** A server and a client of it, both on CPU 1. */
async function pair(system: TestSystem, code: string, serves = SERVER) {
  const server = system.component("server", serves, { cpu: 1 });
  const ep = server.start("ep") as KernelThread;
  await system.rest();
  const client = system.component("client", code, { cpu: 1 });
  const object = system.object(server, ep.capability);
  client.component.table.insert(object);
  return { server, ep, client, object, thread: client.thread("main") as KernelThread };
}

test("S34, S36: a client on CPU 1 calls a server there ten thousand times and asks the kernel for few of them", async () => {
  const system = await machine(2);
  const { thread, ep } = await pair(system, counts(1, 10_000));
  const calls = asked(system);
  thread.start(0, 0);
  await system.rest();
  assert.deepEqual(logged(system, "client"), [10_000]);
  assert(calls() < 1000, `${calls()} of 10,000 calls`);
  assert.equal(ep.idle, true);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S26, S36: a server's own globals are those of its last call, also of one that its client made without asking", async () => {
  const system = await machine(2);
  const moving = `${tableOf("d")} ${SERVES} ${dispatch(
    "d",
    `(global.set $__stack_pointer (i32.sub (global.get $__stack_pointer) (i32.const 16))) ${answerPlus(1)}`,
  )}`;
  // Calls three times, counts at 64, and waits at 72 until that is as much.
  const turns = main(`(loop $l ${`(drop ${ask(SLOT.free, 1, 1)})`.repeat(3)}
    (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
    (loop $wait (br_if $wait (i32.lt_u (i32.load (i32.const 72)) (i32.load (i32.const 64))))) (br $l))`);
  const { ep, client, thread } = await pair(system, turns, moving);
  thread.start(0, 0);
  const found: number[] = [];
  for (let turn = 1; turn <= 4; turn++) {
    await until(() => counter(client) === turn);
    found.push(ep.component.stackPointerOf(ep));
    client.component.view.setInt32(72, turn, true);
  }
  assert.deepEqual(
    found.map((at) => found[0]! - at),
    [0, 48, 96, 144],
  );
  system.close();
});

test("S4, S36: an object that dies answers its client on the same CPU no more", async () => {
  const system = await machine(2);
  const { server, client, object, thread } = await pair(system, forEver());
  thread.start(0, 0);
  await moves(client);
  server.pd.freeRpcCap(object as never);
  await system.rest();
  assert.deepEqual(logged(system, "client"), [status(CALL_STATUS.invalidObject)]);
  system.close();
});

test("S36: what is traced is recorded from the next call on, also of a server that its client calls without asking", async () => {
  const system = await machine(2);
  const { server, ep, client, thread } = await pair(system, forEver());
  thread.start(0, 0);
  await moves(client);
  const [buffer, policy] = [1 << 23, 4096].map((size) => server.pd.alloc(size));
  assert(buffer?.ok && policy?.ok);
  policy.value.object!.write(0, new TextEncoder().encode("rpc_dispatch"));
  const control = new TraceControl(() => server.cpu.traceChanged());
  control.acquire(system, buffer.value);
  ep.trace = control;
  for (let round = 0; round < 3; round++) {
    await moves(client); // the server is leased again
    control.enable(policy.value);
    const recorded = (): number => readTraceBuffer(buffer.value.object!).length;
    const before = recorded();
    const calls = counter(client);
    await until(() => counter(client) > calls + 2);
    thread.pause();
    const entries: number = recorded() - before;
    const made: number = counter(client) - calls;
    assert(Math.abs(entries - made) <= 1, `${entries} entries of ${made} calls`);
    control.disable();
    thread.resume();
  }
  system.close();
});

test("S24, S36: a server is paused, killed, and its client killed, between and within calls on the same CPU", async () => {
  const system = await machine(2);
  for (const victim of ["server", "client"] as const) {
    const { server, ep, client, thread } = await pair(system, forEver());
    thread.start(0, 0);
    await moves(client);
    ep.pause();
    await until(() => thread.nativeState().activity === "blocked");
    const stopped = counter(client);
    assert.equal(ep.nativeState().activity, "paused");
    assert.equal(ep.state().ok && thread.state().ok, true);
    assert.equal(counter(client), stopped);
    ep.resume();
    await moves(client);
    if (victim === "server") server.cpu.killThread(ep.capability);
    else client.cpu.killThread(thread.capability);
    await system.rest();
    assert.deepEqual(logged(system, "client"), victim === "server" ? [status(CALL_STATUS.invalidObject)] : []);
    if (victim === "client") assert.equal(ep.idle, true);
    assert.equal(server.component.engine.threads + client.component.engine.threads, 0);
    assert.equal(system.kernel.calls.size, 0);
    system.lines.length = 0;
    server.pd.destroy();
    client.pd.destroy();
  }
  system.close();
});

test("S31, S34: a server that its client calls all the time serves signals, and callers of other CPUs", async () => {
  const system = await machine(3);
  const { server, ep, client, object, thread } = await pair(system, forEver());
  const source = server.pd.allocSignalSource();
  assert(source.ok);
  system.kernel.signals.serve(ep, source.value.object!);
  const context = server.pd.allocContext(source.value, 1);
  assert(context.ok);
  thread.start(0, 0);
  for (const [turn, cpu] of [0, 1, 2].entries()) {
    await moves(client);
    server.pd.submit(context.value, turn + 1);
    await until(() => logged(system, "server").length > turn);
    const other = system.component(`other${cpu}`, counts(1, 100), { cpu });
    other.component.table.insert(object);
    other.start("main");
    await until(() => logged(system, `other${cpu}`).length > 0);
    assert.deepEqual(logged(system, `other${cpu}`), [100]);
  }
  assert.deepEqual(logged(system, "server"), [1, 2, 3]);
  system.close();
});

test("S25, S30: a nested call that blocks is ended by others and by cancel_blocking; its client waits in place", async () => {
  const system = await machine(2);
  const { server, client, ep, thread } = await pair(
    system,
    main([ask(SLOT.free, 1, 1), ask(SLOT.free, 2, 5), ask(SLOT.free, 2, 6), ask(SLOT.free, 1, 3)].map(log).join(" ")),
  );
  thread.start(0, 0);
  await system.rest();
  assert.deepEqual(logged(system, "client"), [2]);
  assert.deepEqual(
    [ep, thread].map((each) => each.nativeState().activity),
    ["blocked", "blocked"],
  );
  assert.equal(ep.nativeState().waitsFor, "wait at 0x40");
  assert.equal(server.component.waits.futexWake(64, 1), 1);
  await system.rest();
  assert.deepEqual(logged(system, "client"), [2, 6]);
  thread.cancelBlocking();
  await until(() => logged(system, "client").length === 3);
  assert.deepEqual(logged(system, "client"), [2, 6, status(CALL_STATUS.blockingCanceled)]);
  server.component.waits.futexWake(64, 1);
  await system.rest();
  assert.deepEqual(logged(system, "client"), [2, 6, status(CALL_STATUS.blockingCanceled), 4]);
  assert.equal(server.component.engine.threads + client.component.engine.threads, 0);
  system.close();
});

for (const [opcode, calls] of [
  [1, 60_000],
  [3, 300],
  [4, 60_000],
] as const) {
  test(`S25, S26: client and server of one CPU are stopped, made anew and moved in the midst of calls (opcode ${opcode})`, async () => {
    const system = await machine(3);
    const { server, client, thread, object } = await pair(system, counts(opcode, calls));
    const last = system.component("last", SERVER, { cpu: 1 });
    const lastEp = last.start("ep");
    await system.rest();
    server.component.table.insert(system.object(last, lastEp.capability));
    assert(object.valid);
    thread.start(0, 0);
    for (let turn = 0; turn < 40 && !thread.dead; turn++) {
      const { component } = [client, server, last][turn % 3]!;
      component.atRest(() => component.recreate());
      if (turn % 10 === 9)
        assert.equal(
          component.atRest(() => component.place(((turn / 10) % 3) | 0)),
          undefined,
        );
      await new Promise((resolve) => setTimeout(resolve, turn % 4));
    }
    await until(() => thread.dead);
    assert.deepEqual(logged(system, "client"), [calls]);
    await system.rest();
    assert.equal(system.kernel.calls.size, 0);
    system.close();
  });
}
