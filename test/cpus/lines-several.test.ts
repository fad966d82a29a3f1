// Callers on several CPUs of one server: its calls go by their lines, each is answered once, in the order in which they came.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CALL_STATUS } from "../../src/abi/index.ts";
import { GATE, LINE, type StartCpu } from "../../src/core/kernel/cpus/protocol.ts";
import { startNodeCpu } from "../../src/core/kernel/cpus/start-node.ts";
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import { seededRandom, seedOr } from "../random.ts";
import { asked, SERVER as FORWARDS, forEver, lineOf, status } from "../support/calls.ts";
import { counter, machine } from "../support/cpus.ts";
import { disturb } from "../support/disturb.ts";
import {
  answerPlus,
  ask,
  BUSY,
  dispatch,
  log,
  logged,
  main,
  onOpcode,
  SERVES,
  tableOf,
} from "../support/guest-code.ts";
import { SLOT, type TestComponent, type TestSystem } from "../support/kernel-system.ts";
import { until } from "../support/until.ts";

const word = ({ component }: TestComponent, address: number) => component.view.getInt32(address, true);
const say = ({ component }: TestComponent, value: number) => component.view.setInt32(72, value, true);
const next = (at: number) => `(i32.store (i32.const ${at}) (i32.add (i32.load (i32.const ${at})) (i32.const 1)))`;
const WORD = "(i32.load offset=40 (local.get $m))";
const random = (most: number) => `(i32.rem_u (call $random) (i32.const ${most}))`;
const RANDOM = (seed: number) => `(global $state (mut i32) (i32.const ${seed | 1}))
  (func $random (result i32)
    (global.set $state (i32.add (i32.mul (global.get $state) (i32.const 1664525)) (i32.const 1013904223)))
    (i32.shr_u (global.get $state) (i32.const 8)))`;

/** By the object that is called: the number that it was asked with last, from 1 on; at 64 how often it was another one than the next. */
const LAST = "(i32.add (i32.const 8192) (i32.shl (local.get $object) (i32.const 2)))";
const SERVER = `${tableOf("d")} ${SERVES} ${RANDOM(7)} ${dispatch(
  "d",
  `(if (i32.ne ${WORD} (i32.add (i32.load ${LAST}) (i32.const 1))) (then ${next(64)}))
   (i32.store ${LAST} ${WORD})
   (if (i32.eqz ${random(40)}) (then ${BUSY}))
   (if (i32.eqz ${random(60)}) (then (drop ${ask(SLOT.pd, 16)})))
   (if (i32.eqz ${random(90)}) (then (call $yield)))
   ${answerPlus(1)}`,
)}`;

/** Asks with 1, 2 and so on, up to `count`, which it counts at 64; logs what is no answer to that. */
const client = (seed: number, count: number, beside = 50) =>
  `${RANDOM(seed)} ${main(`(loop $l ${next(64)}
  (local.set $i ${ask(SLOT.free, 1, "(i32.load (i32.const 64))")})
  (if (i32.ne (local.get $i) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (then ${log("(local.get $i)")}))
  (if (i32.eqz ${random(beside)}) (then (drop ${ask(SLOT.pd, 16)})))
  (if (i32.eqz ${random(beside)}) (then (call $yield)))
  (br_if $l (i32.lt_u (i32.load (i32.const 64)) (i32.const ${count}))))`)}`;

/** A server on CPU 2, and clients of an object each. */
async function cast(system: TestSystem, code: string, codes: readonly string[], cpus: readonly number[]) {
  const server = system.component("server", code, { cpu: 2 });
  const ep = server.start("ep") as KernelThread;
  await until(() => ep.idle);
  const clients = codes.map((each, i) => {
    const made = system.component(`client${i}`, each, { cpu: cpus[i]! });
    const object = system.object(server, ep.capability);
    for (const { component } of [server, made]) component.table.insert(object);
    return made;
  });
  const threads = clients.map((each) => each.thread("main") as KernelThread);
  return { server, ep, clients, threads };
}

type Cast = Awaited<ReturnType<typeof cast>>;

async function allAnswered(system: TestSystem, { server, clients, threads }: Cast, count: number): Promise<void> {
  await until(() => threads.every(({ dead, faulted }) => dead || faulted));
  await system.rest();
  assert.deepEqual(
    threads.map(({ problem }) => problem),
    threads.map(() => ""),
  );
  for (const [i, each] of clients.entries())
    assert.deepEqual([counter(each), logged(system, `client${i}`)], [count, []]);
  assert.equal(counter(server), 0, "calls that came twice, out of order or not at all");
  assert.equal(system.kernel.calls.size, 0);
}

for (const cpus of [
  [1, 3],
  [1, 3, 4],
]) {
  test(`S34, S36: clients on CPUs ${cpus} ask the kernel for few of their calls of one server`, async () => {
    const system = await machine(5);
    const made = await cast(
      system,
      SERVER,
      cpus.map((cpu) => client(cpu, 5_000, 1_000_000)),
      cpus,
    );
    const count = asked(system);
    for (const thread of made.threads) thread.start(0, 0);
    await allAnswered(system, made, 5_000);
    // The server itself asks it, once in sixty calls.
    assert(count() < cpus.length * 2_500, `${count()} of ${cpus.length * 5_000} calls`);
    system.close();
  });
}

for (const seed of [1, 2, 3].map((each) => seedOr(each))) {
  test(`S24-S26, S34: clients on several CPUs get the answers to their calls while all are stopped, made anew and moved (seed ${seed})`, async () => {
    const chance = seededRandom(seed);
    const system = await machine(5);
    const cpus = [1, 3, 4, chance.below(5)];
    const codes = cpus.map((_, i) => client(seed * 8 + i, 1_500));
    const made = await cast(system, SERVER, codes, cpus);
    for (const thread of made.threads) thread.start(0, 0);
    for (let turn = 0; turn < 150 && made.threads.some(({ dead }) => !dead); turn++) {
      await new Promise((resolve) => setTimeout(resolve, chance.below(3)));
      const { server, ep, clients, threads } = made;
      await disturb(system, chance, { victims: [ep, ...threads], components: [server, ...clients], cpus: 5 });
    }
    await allAnswered(system, made, 1_500);
    system.close();
  });
}

for (const end of ["is killed", "is lost with its CPU"]) {
  for (const victim of ["server", "client0"]) {
    test(`S14, S24: three clients call a server, and ${victim} ${end}`, async () => {
      const started: ReturnType<StartCpu>[] = [];
      const start: StartCpu = (setup, lost) => (started[setup.number] = startNodeCpu(setup, lost));
      const system = await machine(5, { cpus: { width: 5, height: 1, start } });
      const codes = [1, 3, 4].map(() => forEver());
      const { server, ep, clients, threads } = await cast(system, FORWARDS, codes, [1, 3, 4]);
      for (const thread of threads) thread.start(0, 0);
      await until(() => clients.every((each) => counter(each) > 100));
      const [made, thread] = victim === "server" ? [server, ep] : [clients[0]!, threads[0]!];
      if (end === "is killed") made.cpu.killThread(thread.capability);
      else {
        started[thread.cpu]!.terminate();
        await until(() => thread.exception);
        made.pd.destroy();
      }
      if (victim === "server") {
        await until(() => threads.every(({ dead }) => dead));
        const gone = clients.map((_, i) => logged(system, `client${i}`));
        const invalid = [status(CALL_STATUS.invalidObject)];
        assert.deepEqual(gone, [invalid, invalid, invalid]);
      } else {
        const before = clients.map(counter);
        await until(() => clients.every((each, i) => i === 0 || counter(each) > before[i]! + 100));
        for (const [i, each] of clients.entries()) if (i > 0) each.cpu.killThread(threads[i]!.capability);
        await until(() => ep.idle);
      }
      await system.rest();
      assert.equal(system.kernel.calls.size, 0);
      system.close();
    });
  }
}

/** Opcode 2 computes until 72 is not 0, 3 says who has come: behind one another from 84 on, how many at 80; 76 counts calls of 2. */
const ORDERLY = `${tableOf("d")} ${SERVES} ${dispatch(
  "d",
  `${onOpcode(2, `${next(76)} (loop $wait (br_if $wait (i32.eqz (i32.load (i32.const 72)))))`)}
   ${onOpcode(
     3,
     `(i32.store (i32.add (i32.const 84) (i32.shl (i32.load (i32.const 80)) (i32.const 2))) ${WORD}) ${next(80)}`,
   )}`,
)}`;
/** Calls opcode 1 until it is told 1, waits without a call until it is told 2, then calls `opcode`. */
const orderly = (me: number, opcode: number) =>
  main(`(loop $l (drop ${ask(SLOT.free, 1, 0)}) ${next(64)} (br_if $l (i32.eqz (i32.load (i32.const 72)))))
    ${next(68)} (loop $l (br_if $l (i32.lt_u (i32.load (i32.const 72)) (i32.const 2))))
    (drop ${ask(SLOT.free, opcode, me)})`);

for (const meanwhile of ["nothing", "the kernel wants the server", "a client on CPU 0 calls"]) {
  test(`S34: calls of one server are answered in the order in which they came (${meanwhile})`, async () => {
    const system = await machine(5);
    const cpus = [1, 3, 4, 0];
    const codes = cpus.map((_, i) => orderly(i, i === 0 ? 2 : 3));
    const made = await cast(system, ORDERLY, codes, cpus);
    const { server, ep, clients, threads } = made;
    /** Whether a client's call of its opcode waits for its turn. */
    const waits = (i: number) => {
      const { block } = system.kernel.cpus!.at(cpus[i]!);
      const inside = lineOf({ block }).state === GATE.inside && block.line(2)[LINE.opcode] === 3;
      return inside || ep.ep.queue.some(({ caller, opcode }) => caller === threads[i] && opcode === 3);
    };
    for (const thread of threads) thread.start(0, 0);
    await until(() => clients.every((each) => counter(each) > 10));
    for (const each of clients) say(each, 1);
    await until(() => clients.every((each) => word(each, 68) === 1));
    say(clients[0]!, 2);
    await until(() => word(server, 76) === 1);
    for (const i of [2, 1]) {
      say(clients[i]!, 2);
      await until(() => waits(i));
    }
    if (meanwhile === "the kernel wants the server") ep.nativeState();
    const order = [2, 1];
    if (meanwhile === "a client on CPU 0 calls") {
      say(clients[3]!, 2);
      await until(() => ep.ep.queue.some(({ caller }) => caller === threads[3]));
      order.push(3);
    }
    say(server, 1);
    await until(() => word(server, 80) === order.length);
    assert.deepEqual(
      order.map((_, i) => word(server, 84 + 4 * i)),
      order,
    );
    say(clients[3]!, 2);
    await system.rest();
    assert.equal(system.kernel.calls.size, 0);
    system.close();
  });
}

test("S34: a server may call who has a line to it, and is in no call of it, for another client", async () => {
  const system = await machine(5);
  const ep = (made: TestComponent) => made.start("ep") as KernelThread;
  const server = system.component("server", FORWARDS, { cpu: 2 });
  // Opcode 9 calls the server until it is told 1, then waits without a call until it is told 2.
  const keeps = `(loop $l (drop ${ask(SLOT.free, 1, 0)}) ${next(64)} (br_if $l (i32.eqz (i32.load (i32.const 72)))))
    ${next(68)} (loop $l (br_if $l (i32.lt_u (i32.load (i32.const 72)) (i32.const 2)))) (return (i32.const 0))`;
  const keeper = system.component(
    "keeper",
    `${tableOf("d")} ${SERVES} ${dispatch("d", `${onOpcode(9, keeps)} ${answerPlus(1)}`)}`,
    { cpu: 1 },
  );
  const [objects, kept] = [server, keeper].map((made) => system.object(made, ep(made).capability));
  for (const [made, object] of [
    [server, kept],
    [keeper, objects],
  ] as const)
    made.component.table.insert(object!);
  const callers = [9, 4].map((opcode, i) => {
    const made = system.component(`caller${i}`, main(log(ask(SLOT.free, opcode, 7))), { cpu: i === 0 ? 0 : 3 });
    made.component.table.insert([kept, objects][i]!);
    return made.thread("main"); // now: a thread that is made ends lines
  });
  callers[0]!.start(0, 0);
  await until(() => counter(keeper) > 10);
  say(keeper, 1);
  await until(() => word(keeper, 68) === 1);
  const open = lineOf(system.kernel.cpus!.at(1)).state === GATE.open;
  callers[1]!.start(0, 0);
  const has = (caller: string) => logged(system, caller).length > 0;
  await until(() => has("caller1") || system.kernel.calls.size > 2);
  say(keeper, 2);
  await until(() => has("caller0") && has("caller1"));
  assert.deepEqual([open, ...logged(system, "caller1")], [true, 8]);
  await system.rest();
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S25, S34: calls that wait for a server that is blocked, on a CPU that is not, are answered when it goes on", async () => {
  const system = await machine(5);
  const codes = [ask(SLOT.free, 2, 1), ask(SLOT.free, 1, 2), ask(SLOT.free, 1, 3)].map((call) => main(log(call)));
  const { server, ep, threads } = await cast(system, FORWARDS, codes, [3, 1, 4]);
  for (const [i, thread] of threads.entries()) {
    thread.start(0, 0);
    await until(() => system.kernel.calls.size === i + 1 && thread.waiting !== undefined);
    await system.rest();
    if (i > 0) continue;
    ep.pause(); // its stack is unwound
    ep.resume();
  }
  assert.deepEqual([ep.ep.queued, ep.onStack], [2, false]);
  server.component.waits.futexWake(64, 1);
  await until(() => threads.every(({ dead }) => dead));
  assert.deepEqual(
    threads.map((_, i) => logged(system, `client${i}`)),
    [[2], [3], [4]],
  );
  await system.rest();
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});
