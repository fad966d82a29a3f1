// Calls between components of two CPUs that are not the kernel's: repeated by a line, without asking the kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, counts, forEver, lineOf, moves, pairOn, serverOn, status } from "../../../../test/support/calls.ts";
import { counter, machine } from "../../../../test/support/cpus.ts";
import { answerPlus, ask, dispatch, log, logged, main, SERVES, tableOf } from "../../../../test/support/guest-code.ts";
import { SLOT } from "../../../../test/support/kernel-system.ts";
import { until } from "../../../../test/support/until.ts";
import { CALL_STATUS } from "../../../abi/index.ts";
import type { KernelThread } from "../thread.ts";
import { GATE, type StartCpu } from "./protocol.ts";
import { startNodeCpu } from "./start-node.ts";

/** Calls until 72 is not 0, then counts at 68 for ever without a call. */
const CALLS_AND_SPINS = main(`(loop $l (drop ${ask(SLOT.free, 1, 1)}) (br_if $l (i32.eqz (i32.load (i32.const 72)))))
  (loop $l (i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (i32.const 1))) (br $l))`);
const SPIN = main(`(loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l))`);

/** A server on CPU 2, and a client of it on CPU 1. */
const pair = pairOn.bind(undefined, 2);

test("S34, S36: calls go on over a chain of CPUs without asking the kernel", async () => {
  const system = await machine(4);
  const last = await serverOn(3, system);
  const { server, thread, ep } = await pair(system, counts(4, 10_000));
  server.component.table.insert(last.object);
  const count = asked(system);
  thread.start(0, 0);
  await system.rest();
  assert.deepEqual(logged(system, "client"), [10_000]);
  assert(count() < 2000, `${count()} of 20,000 calls`);
  assert.equal(ep.idle && last.ep.idle, true);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S1, S36: a line is for its caller's slot, not for one of the same number of who has called the caller", async () => {
  const system = await machine(3);
  const last = await serverOn(2, system);
  const near = await serverOn(1, system);
  near.server.component.table.insert(last.object);
  const decoy = system.component("decoy", `${tableOf("d")} ${SERVES} ${dispatch("d", answerPlus(7))}`);
  const decoyObject = system.object(decoy, decoy.start("ep").capability);
  // Nothing but calls, because others would end the line.
  const calls = Array.from({ length: 40 }, (_, i) => [ask(SLOT.free + 1, 4, i), ask(SLOT.free, 1, i)]).flat();
  const stores = calls.map((call, i) => `(i32.store (i32.const ${64 + 4 * i}) ${call})`);
  const client = system.component("client", main(stores.join(" ")), { cpu: 1 });
  for (const object of [decoyObject, near.object]) client.component.table.insert(object);
  client.start("main");
  await system.rest();
  const found = calls.map((_, i) => client.component.view.getInt32(64 + 4 * i, true));
  assert.deepEqual(
    found,
    calls.map((_, i) => (i >> 1) + (i % 2 === 0 ? 1 : 7)),
  );
  system.close();
});

test("S34, S36: a server that its caller nests has a line of its own", async () => {
  const system = await machine(3);
  const last = await serverOn(2, system);
  const near = await serverOn(1, system);
  near.server.component.table.insert(last.object);
  const client = system.component("client", counts(4, 10_000), { cpu: 1 });
  client.component.table.insert(near.object);
  const count = asked(system);
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [10_000]);
  assert(count() < 2000, `${count()} of 20,000 calls`);
  assert.equal(near.ep.idle && last.ep.idle, true);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S34: two clients on two CPUs both get answers of the server", async () => {
  const system = await machine(4);
  const { client, object, thread } = await pair(system, forEver());
  const other = system.component("other", forEver(), { cpu: 3 });
  other.component.table.insert(object);
  thread.start(0, 0);
  await moves(client);
  other.start("main");
  await moves(other);
  const before = [counter(client), counter(other)] as const;
  await until(() => counter(client) > before[0] + 200 && counter(other) > before[1] + 200);
  system.close();
});

test("S14, S28: threads of both CPUs run beside a caller and a server that have a line", async () => {
  const system = await machine(3);
  const { client, thread } = await pair(system, forEver());
  thread.start(0, 0);
  for (const cpu of [1, 2]) {
    await moves(client);
    const spin = system.component(`spin${cpu}`, SPIN, { cpu });
    spin.start("main");
    await moves(spin);
    await moves(client);
    await moves(spin);
    spin.pd.destroy();
    await moves(client);
  }
  system.close();
});

test("S28: a server is charged for its calls, not for the time in which its line's caller does something else", async () => {
  const system = await machine(3);
  const { ep, client, thread } = await pair(system, CALLS_AND_SPINS);
  const [begin, before] = [performance.now(), ep.usedMs];
  thread.start(0, 0);
  const cpu = system.kernel.cpus!.at(1);
  await until(() => lineOf(cpu).state !== GATE.closed && lineOf(cpu).state !== GATE.last);
  client.component.view.setInt32(72, 1, true);
  const spun = () => client.component.view.getInt32(68, true);
  await until(() => spun() > 0);
  const spins = performance.now();
  await until(() => performance.now() - spins > 200);
  assert.equal(ep.onStack, true, "it has a line");
  const spunMs = performance.now() - spins;
  ep.nativeState();
  assert.equal(ep.onStack, false);
  const [used, mostMs] = [ep.usedMs - before, performance.now() - begin - spunMs];
  assert(used <= mostMs, `${used} ms, of ${mostMs} in which it could be called`);
  assert.equal(thread.nativeState().activity, "running");
  system.close();
});

test("S25, S30: a call by a line that blocks is ended by others and by cancel_blocking; its client waits in place", async () => {
  const system = await machine(3);
  const calls = [ask(SLOT.free, 1, 1), ask(SLOT.free, 1, 2), ask(SLOT.free, 2, 5), ask(SLOT.free, 1, 5)];
  const results = calls.map((call, i) => `(i32.store (i32.const ${68 + 4 * i}) ${call})`);
  const { server, client, ep, thread } = await pair(system, main(results.join(" ")));
  const words = (count: number) =>
    calls.slice(0, count).map((_, i) => client.component.view.getInt32(68 + 4 * i, true));
  for (const canceled of [false, true]) {
    const again = canceled ? (client.start("again") as KernelThread) : thread;
    if (!canceled) thread.start(0, 0);
    await system.rest();
    assert.deepEqual(words(2), [2, 3]);
    assert.deepEqual(
      [ep, again].map((each) => each.nativeState().activity),
      ["blocked", "blocked"],
    );
    assert.equal(ep.nativeState().waitsFor, "wait at 0x40");
    assert.equal(again.nativeState().waitsFor, "call rpc-object.2");
    if (canceled) {
      again.cancelBlocking();
      await until(() => words(3)[2] === status(CALL_STATUS.blockingCanceled));
    }
    assert.equal(server.component.waits.futexWake(64, 1), 1);
    await system.rest();
    assert.deepEqual(words(4), [2, 3, canceled ? status(CALL_STATUS.blockingCanceled) : 6, 6]);
    assert.equal(server.component.engine.threads + client.component.engine.threads, 0);
    assert.equal(system.kernel.calls.size, 0);
  }
  system.close();
});

test("S36, S82: a call by a line that is under way is recorded with its own opcode, and without the line's first request", async () => {
  const system = await machine(3);
  const { server, thread, ep } = await pair(
    system,
    main(`(drop ${ask(SLOT.free, 1, 1)}) (drop ${ask(SLOT.free, 2, 5)})`),
  );
  thread.start(0, 0);
  await system.rest();
  assert.deepEqual([ep.nativeState().activity, thread.nativeState().activity], ["blocked", "blocked"]);
  const calls: unknown[] = [];
  system.kernel.calls.each(({ caller, entrypoint, opcode, state, message }) => {
    assert.deepEqual([caller, entrypoint], [thread, ep]);
    calls.push({ opcode, state, bytes: message.bytes.length });
  });
  assert.deepEqual(calls, [{ opcode: 2, state: "dispatched", bytes: 0 }]);
  server.component.waits.futexWake(64, 1);
  await system.rest();
  assert.equal(thread.dead, true);
  system.close();
});

test("S27, S36: a server that traps in a call by a line leaves its client waiting until it ends", async () => {
  const system = await machine(3);
  const results = [ask(SLOT.free, 1, 1), ask(SLOT.free, 1, 2), ask(SLOT.free, 5, 5)];
  const { server, ep, thread } = await pair(
    system,
    main(`(drop ${results[0]}) (drop ${results[1]}) ${log(results[2]!)}`),
  );
  thread.start(0, 0);
  await system.rest();
  assert.match(ep.problem, /^trapped: unreachable/);
  assert.equal(thread.nativeState().activity, "blocked");
  server.pd.destroy();
  await system.rest();
  assert.deepEqual(logged(system, "client"), [status(CALL_STATUS.invalidObject)]);
  system.close();
});

for (const victim of [1, 2]) {
  test(`S14: CPU ${victim} dies while it has a line; the other one goes on`, async () => {
    const started: ReturnType<StartCpu>[] = [];
    const start: StartCpu = (setup, lost) => {
      const cpu = startNodeCpu(setup, lost);
      started[setup.number] = cpu;
      return cpu;
    };
    const system = await machine(3, { cpus: { width: 3, height: 1, start } });
    const { server, ep, client, thread } = await pair(system, forEver());
    thread.start(0, 0);
    await moves(client);
    started[victim]!.terminate();
    const lost = victim === 1 ? thread : ep;
    await until(() => lost.exception);
    assert.match(lost.problem, /^CPU \d has ended/);
    (victim === 1 ? client : server).pd.destroy();
    await system.rest();
    if (victim === 1) assert.equal(ep.idle, true);
    else assert.deepEqual(logged(system, "client"), [status(CALL_STATUS.invalidObject)]);
    assert.equal(system.kernel.calls.size, 0);
    const after = system.component("after", main(log("(i32.const 3)")), { cpu: 3 - victim });
    after.start("main");
    await system.rest();
    assert.deepEqual(logged(system, "after"), [3]);
    system.close();
  });
}

for (const [opcode, calls] of [
  [1, 40_000],
  [3, 300],
  [4, 40_000],
] as const) {
  test(`S25, S26: client and servers of three CPUs are stopped, made anew and moved in the midst of calls (opcode ${opcode})`, async () => {
    const system = await machine(4);
    const last = await serverOn(3, system, "last");
    const { server, client, thread } = await pair(system, counts(opcode, calls));
    server.component.table.insert(last.object);
    thread.start(0, 0);
    for (let turn = 0; turn < 40 && !thread.dead; turn++) {
      const { component } = [client, server, last.server][turn % 3]!;
      component.atRest(() => component.recreate());
      if (turn % 10 === 9)
        assert.equal(
          component.atRest(() => component.place(((turn / 10 + component.cpu) % 4) | 0)),
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
