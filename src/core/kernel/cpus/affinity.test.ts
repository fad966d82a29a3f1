// Components go to other CPUs with `affinity` of their first threads.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counter, machine } from "../../../../test/support/cpus.ts";
import {
  answerPlus,
  ask,
  block,
  dispatch,
  log,
  logged,
  main,
  onOpcode,
  SERVES,
  tableOf,
} from "../../../../test/support/guest-code.ts";
import { SLOT, type TestComponent, type TestSystem } from "../../../../test/support/kernel-system.ts";
import { until } from "../../../../test/support/until.ts";
import type { Location } from "../../../session/index.ts";
import { CoreCpuSession } from "../../cpu/index.ts";
import type { KernelThread } from "../thread.ts";

const CPUS = 3;
const SPIN = main(`(loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l))`);
/** Opcode 1 answers plus one, 2 blocks first. */
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch("d", `${onOpcode(2, block())} ${answerPlus(1)}`)}`;

const at = (x: number): Location => ({ x, y: 0, width: 1, height: 1 });

/** A thread of a session that may use all CPUs; the component is on the first. */
function roaming(system: TestSystem, made: TestComponent, name: string): KernelThread {
  const session = new CoreCpuSession(system.kernel, {
    ...{ badges: system.core.badges, label: made.label, space: { width: CPUS, height: 1 } },
  });
  const thread = session.createThread(made.pd.capability, { name, affinity: at(0) });
  assert(thread.ok);
  return thread.value.object as KernelThread;
}

for (const windows of [false, true]) {
  test(`S28: a component that computes goes to the CPU of its first thread's affinity: windows ${windows}`, async () => {
    const system = await machine(CPUS);
    const a = system.component("a", SPIN, windows ? { load: { windows: true } } : {});
    const first = roaming(system, a, "first");
    const second = roaming(system, a, "second");
    first.start(0, 0);
    for (const cpu of [1, 2, 2, 0, 1, 0]) {
      first.affinity(at(cpu));
      await until(() => a.component.cpu === cpu);
      const before = counter(a);
      await until(() => counter(a) !== before);
      assert.deepEqual([first.location, second.location], [at(cpu), at(cpu)]);
      assert.equal(first.state().ok, true);
    }
    second.affinity(at(2));
    await system.kernel.scheduler.ready(second);
    assert.deepEqual([a.component.cpu, second.location], [0, at(0)], "others follow the first");
    first.affinity({ x: 0, y: 0, width: 2, height: 1 });
    assert.deepEqual(first.location, { x: 0, y: 0, width: 2, height: 1 }, "it is within it: nothing moves");
    system.close();
  });

  test(`S28: a component goes elsewhere from within a call of its own: windows ${windows}`, async () => {
    const system = await machine(CPUS);
    const body = Array.from(
      { length: 6 },
      () => `(drop ${ask(SLOT.free, 0)}) ${log("(local.tee $i (i32.add (local.get $i) (i32.const 1)))")}`,
    );
    const a = system.component("a", main(body.join(" ")), windows ? { load: { windows: true } } : {});
    const thread = roaming(system, a, "main");
    const cpus: number[] = [];
    const { INVALID } = await import("../../../session/index.ts");
    const moves = system.capability({
      kind: "rom" as const,
      dataspace: () => {
        cpus.push(a.component.cpu);
        thread.affinity(at(cpus.length % CPUS));
        return INVALID;
      },
    });
    a.component.table.insert(moves);
    thread.start(0, 0);
    await system.rest();
    assert.deepEqual(logged(system, "a"), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual([...cpus, a.component.cpu], [0, 1, 2, 0, 1, 2, 0]);
    system.close();
  });

  test(`S28, S34: client and server go elsewhere while the one waits for the other: windows ${windows}`, async () => {
    const system = await machine(CPUS);
    const load = windows ? { load: { windows: true } } : {};
    const server = system.component("server", SERVER, load);
    const ep = roaming(system, server, "ep");
    ep.start(0, 0);
    await system.rest();
    const client = system.component(
      "client",
      main(
        `(loop $l ${log(`(local.tee $i ${ask(SLOT.free, 2, "(local.get $i)")})`)} (br_if $l (i32.lt_u (local.get $i) (i32.const 9))))`,
      ),
      load,
    );
    const thread = roaming(system, client, "main");
    client.component.table.insert(system.object(server, ep.capability));
    thread.start(0, 0);
    for (let turn = 0; turn < 9; turn++) {
      await system.rest();
      assert.equal(logged(system, "client").length, turn);
      ep.affinity(at((turn / CPUS) | 0));
      thread.affinity(at(turn % CPUS));
      assert.deepEqual([server.component.cpu, client.component.cpu], [(turn / CPUS) | 0, turn % CPUS]);
      await system.rest();
      assert.deepEqual([ep.nativeState().activity, thread.nativeState().activity], ["blocked", "blocked"]);
      server.component.waits.futexWake(64, 1);
    }
    await system.rest();
    assert.deepEqual(logged(system, "client"), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(system.kernel.calls.size, 0);
    assert.equal(server.component.engine.threads + client.component.engine.threads, 0);
    system.close();
  });
}

test("S14, S28: what a program has written where nothing was ever attached goes elsewhere with it", async () => {
  const system = await machine(CPUS);
  const page = system.root.alloc(4096);
  assert(page.ok);
  const attached = 0x1a00_0000; // memory reaches so far
  const words = [attached - 0x0100_0000, attached - 4, attached + 0x2000];
  const writes = words.map((at, i) => `(i32.store (i32.const ${at}) (i32.const ${i + 1}))`);
  const reads = words.map((at) => log(`(i32.load (i32.const ${at}))`));
  const body = `${writes.join(" ")} (loop $l ${block()} ${reads.join(" ")} (br $l))`;
  const a = system.component("a", main(body));
  assert(a.pd.addressSpaceMap.attach(page.value, { address: attached }).ok);
  const thread = roaming(system, a, "main");
  thread.start(0, 0);
  for (const cpu of [1, 2, 0]) {
    await system.rest();
    thread.affinity(at(cpu));
    assert.equal(a.component.cpu, cpu);
    await system.rest();
    system.lines.length = 0;
    a.component.waits.futexWake(64, 1);
    await system.rest();
    assert.deepEqual(logged(system, "a"), [1, 2, 3]);
  }
  system.close();
});

test("S28, S34: client and server go elsewhere while they call each other all the time", async () => {
  const system = await machine(CPUS);
  const server = system.component("server", SERVER);
  const ep = roaming(system, server, "ep");
  ep.start(0, 0);
  await system.rest();
  const client = system.component(
    "client",
    main(`(loop $l (local.set $i ${ask(SLOT.free, 1, "(local.get $i)")}) (i32.store (i32.const 64) (local.get $i))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 20000)))) ${log("(local.get $i)")}`),
  );
  const thread = roaming(system, client, "main");
  client.component.table.insert(system.object(server, ep.capability));
  thread.start(0, 0);
  for (let turn = 0; turn < 36 && !thread.dead; turn++) {
    const [who, cpu] = turn % 2 === 0 ? [ep, (turn >> 1) % CPUS] : [thread, ((turn + 3) >> 2) % CPUS];
    who.affinity(at(cpu));
    await until(() => who.dead || who.component.cpu === cpu);
    const before = counter(client);
    await until(() => thread.dead || counter(client) !== before);
  }
  await until(() => thread.dead);
  assert.deepEqual(logged(system, "client"), [20_000]);
  system.close();
});

test("S28: a component that only CPU 0 can run stays there, with a warning, and its threads say so", async () => {
  const system = await machine(CPUS);
  const waits = "(drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const 1)))";
  const alone = system.component("alone", main(waits));
  const thread = roaming(system, alone, "main");
  thread.affinity(at(1));
  assert.deepEqual([alone.component.cpu, thread.location], [0, at(0)]);
  assert.match(system.warnings.at(-1)!, /^alone: stays on CPU 0: a memory that cannot be shared/);
  system.close();
});
