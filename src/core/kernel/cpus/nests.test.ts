// Calls between components of one CPU that is not the kernel's: nested, and repeated without asking the kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counts, pairOn, SERVER, status } from "../../../../test/support/calls.ts";
import { counter, machine } from "../../../../test/support/cpus.ts";
import { answerPlus, ask, dispatch, log, logged, main, SERVES, tableOf } from "../../../../test/support/guest-code.ts";
import { SLOT } from "../../../../test/support/kernel-system.ts";
import { until } from "../../../../test/support/until.ts";
import { CALL_STATUS } from "../../../abi/index.ts";

/** Both on CPU 1. */
const pair = pairOn.bind(undefined, 1);

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
