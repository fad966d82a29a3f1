// Calls of a client on CPU 1 to a server there, which it nests, and to one on CPU 2, by a line: either way it repeats them
// without asking the kernel, and nobody sees a difference. What each of them has alone: nests.test.ts, lines.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, counts, forEver, moves, pairOn, status } from "../../../../test/support/calls.ts";
import { counter, machine } from "../../../../test/support/cpus.ts";
import { logged } from "../../../../test/support/guest-code.ts";
import { until } from "../../../../test/support/until.ts";
import { CALL_STATUS } from "../../../abi/index.ts";
import { readTraceBuffer, TraceControl } from "../../trace/index.ts";

for (const [cpu, where] of [
  [1, "on the same CPU"],
  [2, "on another CPU"],
] as const) {
  test(`S34, S36: a client calls a server ${where} ten thousand times and asks the kernel for few of them`, async () => {
    const system = await machine(cpu + 1);
    const { thread, ep } = await pairOn(cpu, system, counts(1, 10_000));
    const count = asked(system);
    thread.start(0, 0);
    await system.rest();
    assert.deepEqual(logged(system, "client"), [10_000]);
    assert(count() < 1000, `${count()} of 10,000 calls`);
    assert.equal(ep.idle, true);
    assert.equal(system.kernel.calls.size, 0);
    system.close();
  });

  test(`S4, S36: an object that dies answers its client no more: a server ${where}`, async () => {
    const system = await machine(cpu + 1);
    const { server, client, object, thread } = await pairOn(cpu, system, forEver());
    thread.start(0, 0);
    await moves(client);
    server.pd.freeRpcCap(object as never);
    await system.rest();
    assert.deepEqual(logged(system, "client"), [status(CALL_STATUS.invalidObject)]);
    system.close();
  });

  test(`S36: what is traced is recorded from the next call on: a server ${where}`, async () => {
    const system = await machine(cpu + 1);
    const { server, ep, client, thread } = await pairOn(cpu, system, forEver());
    thread.start(0, 0);
    await moves(client);
    const [buffer, policy] = [1 << 23, 4096].map((size) => server.pd.alloc(size));
    assert(buffer?.ok && policy?.ok);
    policy.value.object!.write(0, new TextEncoder().encode("rpc_dispatch"));
    const control = new TraceControl(() => server.cpu.traceChanged());
    control.acquire(system, buffer.value);
    ep.trace = control;
    for (let round = 0; round < 3; round++) {
      await moves(client); // the kernel is asked no more
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

  for (const opcode of [1, 3]) {
    test(`S24, S36: a server ${where} is paused, killed, and its client killed, between and within calls (opcode ${opcode})`, async () => {
      const system = await machine(cpu + 1);
      for (const victim of ["server", "client"] as const) {
        const { server, ep, client, thread } = await pairOn(cpu, system, forEver(opcode));
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
        assert.deepEqual([server.component.engine.threads, client.component.engine.threads, victim], [0, 0, victim]);
        assert.equal(system.kernel.calls.size, 0);
        system.lines.length = 0;
        server.pd.destroy();
        client.pd.destroy();
      }
      system.close();
    });
  }

  test(`S31, S34: a server ${where} that its client calls all the time serves signals, and callers of all CPUs in turn`, async () => {
    const cpus = cpu + 2;
    const system = await machine(cpus);
    const { server, ep, client, object, thread } = await pairOn(cpu, system, forEver());
    const source = server.pd.allocSignalSource();
    assert(source.ok);
    system.kernel.signals.serve(ep, source.value.object!);
    const context = server.pd.allocContext(source.value, 1);
    assert(context.ok);
    thread.start(0, 0);
    for (let other = 0; other < cpus; other++) {
      await moves(client);
      server.pd.submit(context.value, other + 1);
      await until(() => logged(system, "server").length > other);
      const label = `other${other}`;
      const caller = system.component(label, counts(1, 100), { cpu: other });
      caller.component.table.insert(object);
      caller.start("main");
      await until(() => logged(system, label).length > 0);
      assert.deepEqual(logged(system, label), [100]);
    }
    assert.equal(logged(system, "server").length, cpus);
    system.close();
  });
}
