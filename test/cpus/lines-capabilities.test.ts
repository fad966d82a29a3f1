// Capabilities in calls between two CPUs: those that both sides know go by lines, and are counted as if the kernel had moved them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import { asked } from "../support/calls.ts";
import { counter, machine } from "../support/cpus.ts";
import { block, dispatch, main, onOpcode, SERVES, tableOf } from "../support/guest-code.ts";
import { SLOT, type TestSystem } from "../support/kernel-system.ts";
import { ended, PASSED, passing, references, say, word } from "../support/passing.ts";
import { until } from "../support/until.ts";

async function pair(system: TestSystem) {
  const { server, ep, clients } = await passing(system, [1], 2);
  const [client] = clients;
  assert(client);
  return { server, ep, client, thread: client.caller, passed: client.passed };
}

test("S2, S34, S36: a capability that is passed and sent back ten thousand times goes by a line, and is counted", async () => {
  const system = await machine(3);
  const { server, client, thread, passed } = await pair(system);
  const count = asked(system);
  thread.start(0, 0);
  await until(() => counter(client) > 10_000);
  say(client, 72, 1);
  await until(() => ended(thread));
  const calls = counter(client);
  assert(count() < 2_000, `${count()} of ${calls} calls`);
  assert.deepEqual([word(client, 68), counter(server), word(server, 68)], [0, calls, 0]);
  assert.deepEqual([references(server, passed), references(client, passed)], [calls, 1 + calls]);
  system.close();
});

test("S2, S3: references are what they are to whoever looks in the midst of calls, and when the server releases some", async () => {
  const system = await machine(3);
  const { server, ep, client, thread, passed } = await pair(system);
  thread.start(0, 0);
  for (let round = 0; round < 20; round++) {
    const before = counter(client);
    await until(() => counter(client) > before + 50);
    const [least, found, most] = [counter(client), references(server, passed), counter(client) + 1];
    assert(found >= least && found <= most, `${found} references, ${least} to ${most} calls`);
    client.component.atRest(() => {
      // A call may be under way: its capability has come, or its reply has not.
      const had = references(server, passed);
      assert([0, 1].includes(had - counter(client)), `${had} references, ${counter(client)} calls`);
      assert.equal(references(client, passed), 1 + counter(client));
    });
    assert.equal(ep.dead, false);
  }
  say(server, 72, 200);
  await until(() => word(server, 72) === 0);
  say(client, 72, 1);
  await until(() => ended(thread));
  assert.equal(references(server, passed), counter(client) - 200);
  assert.deepEqual([word(client, 68), word(server, 68)], [0, 0]);
  assert.equal(references(client, passed), 1 + counter(client));
  system.close();
});

test("S3, S36: a slot that came by a line more often than the kernel knows stays when one reference is released", async () => {
  const system = await machine(3);
  const { server, client, thread, passed } = await pair(system);
  thread.start(0, 0);
  await until(() => counter(client) > 100);
  say(server, 72, 1);
  await until(() => word(server, 72) === 0);
  say(client, 72, 1);
  await until(() => ended(thread));
  assert.deepEqual([word(client, 68), references(server, passed)], [0, counter(client) - 1]);
  system.close();
});

test("S4, S36: a capability whose object dies in the midst of calls by a line arrives as the invalid one from then on", async () => {
  const system = await machine(3);
  const { server, client, thread, passed } = await pair(system);
  thread.start(0, 0);
  await until(() => counter(client) > 200);
  client.pd.freeRpcCap(passed as never);
  const [came, none] = [counter(server), word(server, 68)];
  await until(() => word(server, 68) > none + 100);
  say(client, 72, 1);
  await until(() => ended(thread));
  // One may have been under way.
  assert(counter(server) - came <= 1, `${counter(server) - came} came after its end`);
  assert(word(client, 68) >= 100);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S3, S36: a slot that its server releases to the last reference denotes nothing, and comes anew with the next call", async () => {
  const system = await machine(3);
  const { server, client, thread, passed } = await pair(system);
  say(server, 72, 1 << 30);
  thread.start(0, 0);
  await until(() => counter(client) + word(client, 68) > 300);
  say(client, 72, 1);
  await until(() => ended(thread));
  // It is released in front of the reply, which therefore has none.
  assert.deepEqual([counter(client), word(server, 68), references(server, passed)], [0, 0, 0]);
  assert.equal(counter(server), word(client, 68));
  assert.equal(references(client, passed), 1);
  system.close();
});

/** Keeps what comes, and answers without; opcode 2 blocks first. */
const KEEPS = `${tableOf("d")} ${SERVES} ${dispatch("d", `${onOpcode(2, block())} (i32.store offset=4 (local.get $m) (i32.const 0))`)}`;
/** Passes a capability, once. */
const once = (opcode: number) =>
  main(`(i32.store (i32.const 2048) (i32.const 4)) (i32.store (i32.const 2052) (i32.const 1))
    (i32.store (i32.const 2056) (i32.const ${PASSED}))
    (drop (call $call (i32.const ${SLOT.free}) (i32.const ${opcode}) (i32.const 2048)))`);

test("S2, S36: a capability that its caller has released while the call waited is counted where it comes", async () => {
  const system = await machine(5);
  const server = system.component("server", KEEPS, { cpu: 2 });
  const ep = server.start("ep") as KernelThread;
  await until(() => ep.idle);
  const object = system.object(server, ep.capability);
  const passed = system.object(server, server.thread("keeper").capability);
  const clients = [2, 1, 1].map((opcode, i) => system.component(`client${i}`, once(opcode), { cpu: [3, 1, 4][i]! }));
  const threads = clients.map((client) => client.thread("main") as KernelThread);
  for (const [i, thread] of threads.entries()) {
    for (const each of [object, passed]) clients[i]!.component.table.insert(each);
    thread.start(0, 0);
    await until(() => system.kernel.calls.size === i + 1 && thread.waiting !== undefined);
    await system.rest();
    if (i > 0) continue;
    ep.pause(); // its stack is unwound
    ep.resume();
  }
  clients[2]!.component.table.release(PASSED);
  server.component.waits.futexWake(64, 1);
  await until(() => threads.every(ended));
  await system.rest();
  assert.deepEqual([references(server, passed), references(clients[2]!, passed)], [3, 0]);
  system.close();
});
