// Components of other CPUs that end, move and change what they can in the midst of calls harm themselves only.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counter, machine } from "../../../../test/support/cpus.ts";
import {
  answerPlus,
  ask,
  dispatch,
  diver,
  log,
  logged,
  main,
  onOpcode,
  SERVES,
  tableOf,
} from "../../../../test/support/guest-code.ts";
import { SLOT, type TestComponent, type TestSystem } from "../../../../test/support/kernel-system.ts";
import { until } from "../../../../test/support/until.ts";
import { CALL_STATUS } from "../../../abi/index.ts";
import { type Capability, INVALID } from "../../../session/index.ts";
import type { KernelThread } from "../thread.ts";

const SPIN = main(`(loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l))`);
/** Where the second of two attachments of one dataspace goes, so that both must lie behind windows. */
const [AT, AGAIN] = [0x1a00_0000, 0x1b00_0000];

const status = (value: number) => value << 16;

/** A kernel whose CPUs nothing may harm, and what was thrown that no guest can be blamed for. */
async function watched(count = 2) {
  const failures: unknown[] = [];
  const system = await machine(count, { failed: (thrown) => failures.push(thrown) });
  const unharmed = async (): Promise<void> => {
    assert.deepEqual(failures, []);
    for (let cpu = 1; cpu < count; cpu++) {
      const bystander = system.component("bystander", SPIN, { cpu });
      bystander.start("main");
      await until(() => counter(bystander) !== 0 || failures.length > 0);
      assert.deepEqual(failures, []);
      bystander.pd.destroy();
    }
  };
  return { system, unharmed };
}

/** An object in TypeScript: whoever calls opcode 0 of it has `body` done within the call. */
function hook(system: TestSystem, body: () => void): Capability {
  return system.capability({
    kind: "rom" as const,
    dataspace: () => {
      body();
      return INVALID;
    },
  });
}

async function serves(system: TestSystem, server: TestComponent): Promise<{ ep: KernelThread; object: Capability }> {
  const ep = server.start("ep") as KernelThread;
  await system.rest();
  return { ep, object: system.object(server, ep.capability) };
}

for (const cpu of [1, 2])
  test(`S36: a server on CPU ${cpu} that has its message buffer moved behind windows within a call harms itself only`, async () => {
    const { system, unharmed } = await watched(3);
    const code = `${tableOf("d")} ${dispatch(
      "d",
      `${onOpcode(2, `(drop ${ask(SLOT.free, 0)}) (return (i32.const 1))`)} ${answerPlus(1)}`,
    )} ${SERVES}`;
    const server = system.component("server", code, { cpu, load: { windows: true } });
    const { data } = server.component.home!;
    const again = () => assert(server.pd.addressSpaceMap.attach(data, { address: AT }).ok);
    server.component.table.insert(hook(system, again));
    const { object } = await serves(system, server);
    // A call of anything else would give the server back to the kernel.
    const calls = [1, 2, 1, 1].map(
      (opcode, i) => `(i32.store (i32.const ${64 + 4 * i}) ${ask(SLOT.free, opcode, 41)})`,
    );
    const logs = calls.map((_, i) => log(`(i32.load (i32.const ${64 + 4 * i}))`));
    const client = system.component("client", main([...calls, ...logs].join(" ")), { cpu: 1 });
    client.component.table.insert(object);
    client.start("main");
    await system.rest();
    assert(server.component.windowed(4096, 4096));
    assert.deepEqual(logged(system, "client"), [42, status(CALL_STATUS.invalidOpcode), 42, 42]);
    await unharmed();
    system.close();
  });

for (const [cpu, windows] of [
  [1, false],
  [1, true],
  [2, false],
  [2, true],
] as const) {
  for (const victims of [["client"], ["server"], ["server", "client"], ["client", "server"]]) {
    test(`S14: ${victims.join(" and ")} destroyed within a call from CPU 1 to CPU ${cpu} that the kernel was not asked for: windows ${windows}`, async () => {
      const { system, unharmed } = await watched(3);
      const load = windows ? { load: { windows: true } } : {};
      const code = `${tableOf("d")} ${SERVES} ${dispatch("d", `${onOpcode(2, `(drop ${ask(SLOT.free, 0)})`)} ${answerPlus(1)}`)}`;
      const server = system.component("server", code, { cpu, ...load });
      const twice = `(drop ${ask(SLOT.free, 1)}) (drop ${ask(SLOT.free, 1)})`;
      const client = system.component("client", main(twice + log(ask(SLOT.free, 2, 41))), { cpu: 1, ...load });
      const made: Readonly<Record<string, TestComponent>> = { server, client };
      const attach = ({ pd }: TestComponent) => {
        const shared = pd.alloc(4096);
        assert(shared.ok);
        for (const address of [AT, AGAIN])
          assert.equal(pd.addressSpaceMap.attach(shared.value, { address }).ok, windows);
      };
      const end = () => {
        for (const name of victims) {
          if (windows) attach(made[name]!); // so that its CPU is to be told of it
          made[name]!.pd.destroy();
        }
      };
      server.component.table.insert(hook(system, end));
      const { object } = await serves(system, server);
      client.component.table.insert(object);
      client.start("main");
      await system.rest();
      const left = victims.includes("client") ? [] : [status(CALL_STATUS.invalidObject)];
      assert.deepEqual(logged(system, "client"), left);
      assert.equal(system.kernel.calls.size, 0);
      await unharmed();
      system.close();
    });
  }
}

test("S14: a component destroyed within its own call of a parent on CPU 0 takes nobody with it", async () => {
  const { system, unharmed } = await watched();
  const parent = system.component(
    "parent",
    `${tableOf("d")} ${SERVES} ${dispatch("d", `(drop ${ask(SLOT.free, 0)})`)}`,
  );
  const child = system.component("child", main(log(ask(SLOT.free, 1, 41))), { cpu: 1, load: { windows: true } });
  parent.component.table.insert(hook(system, () => child.pd.destroy()));
  const { object } = await serves(system, parent);
  child.component.table.insert(object);
  child.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "child"), []);
  assert.equal(system.kernel.calls.size, 0);
  await unharmed();
  system.close();
});

test("S13, S24: a thread of CPU 1 that is killed when it has just met a page fault waits for nothing", async () => {
  const { system, unharmed } = await watched();
  const load = { windows: true };
  const faults = system.component("faults", main(`(i32.store (i32.const ${AT}) (i32.const 1))`), { cpu: 1, load });
  const thread = faults.start("main");
  while (!system.kernel.cpus!.at(1).pending); // the kernel hears of the fault when it is looked for
  faults.cpu.killThread(thread.capability);
  await system.rest();
  assert.equal(faults.pd.addressSpaceMap.state().type, "ready");
  assert.equal(faults.component.engine.threads, 0);
  await unharmed();
  system.close();
});

for (const [how, gives] of [
  ["its thread is killed", (guest: TestComponent, thread: KernelThread) => guest.cpu.killThread(thread.capability)],
  ["it is destroyed", (guest: TestComponent) => guest.pd.destroy()],
] as const) {
  test(`S14: ${how} while its CPU asks for room for frames that are no more`, async () => {
    const { system, unharmed } = await watched();
    const guest = system.component("deep", diver(1_500), { cpu: 1 });
    const thread = guest.start("x") as KernelThread;
    await system.rest();
    thread.pause();
    await until(() => !thread.onStack);
    const before = guest.pd.usedRam();
    const leaves = guest.pd.ramQuota() - before - 8_192;
    assert(guest.pd.budget.ram.withdraw(leaves));
    guest.start("y");
    while (!system.kernel.cpus!.at(1).pending); // it makes room for y: the kernel hears of it when it is looked for
    gives(guest, thread);
    await system.rest();
    await unharmed();
    guest.pd.budget.ram.replenish(leaves);
    if (how === "its thread is killed") assert.equal(guest.pd.usedRam(), before);
    system.close();
  });
}

for (const cpu of [1, 2])
  test(`S26, S36: a server on CPU ${cpu} that was called without the kernel goes on with the stack pointer of the state that it is given`, async () => {
    const { system } = await watched(3);
    const code = `${tableOf("d")} ${SERVES} ${dispatch("d", `(i32.store offset=40 (local.get $m) (global.get 0))`)}`;
    const server = system.component("server", code, { cpu });
    const { ep, object } = await serves(system, server);
    const client = system.component(
      "client",
      main(
        `(loop $l (drop ${ask(SLOT.free, 1)}) ${log(ask(SLOT.free, 1))} (drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1))) (br $l))`,
      ),
      { cpu: 1 },
    );
    client.component.table.insert(object);
    client.start("main");
    await system.rest();
    for (const pointer of [60_000, 50_000]) {
      ep.pause();
      const state = ep.state();
      assert(state.ok);
      assert(ep.setState({ saved: { ...(state.value.saved as object), globals: [pointer] } }).ok);
      ep.resume();
      client.component.waits.futexWake(64, 1);
      await system.rest();
      assert.equal(logged(system, "client").at(-1), pointer);
    }
    system.close();
  });
