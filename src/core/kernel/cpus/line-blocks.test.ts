// Callers of one CPU whose servers are on two others: neither waits for the other one's server, nor gets its bytes (I5 of
// lines.ts).
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked } from "../../../../test/support/calls.ts";
import { counter, machine } from "../../../../test/support/cpus.ts";
import {
  answerPlus,
  ask,
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
import type { KernelThread } from "../thread.ts";
import type { StartCpu } from "./protocol.ts";
import { startNodeCpu } from "./start-node.ts";

const turns = (count: number) => `(local.set $i (i32.const 0))
  (loop $busy (br_if $busy (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))`;
/** Opcode 1 answers plus one, 2 computes first until 72 is not 0, 3 for about a millisecond; 76 counts calls of opcode 2. */
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch(
  "d",
  `${onOpcode(
    2,
    `(i32.store (i32.const 76) (i32.add (i32.load (i32.const 76)) (i32.const 1)))
     (loop $wait (br_if $wait (i32.eqz (i32.load (i32.const 72)))))`,
  )}
   ${onOpcode(3, turns(1_000_000))} ${answerPlus(1)}`,
)}`;

/** Calls opcode `opcode` with `word` until `more` is 0 or an answer is wrong, counts right ones at 64, logs the last one. */
const calls = (opcode: number, word: number, more: string) =>
  main(`(loop $l (local.set $i ${ask(SLOT.free, opcode, word)})
    (if (i32.eq (local.get $i) (i32.const ${word + 1})) (then
      (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
      (br_if $l ${more})))) ${log("(local.get $i)")}`);
const times = (count: number) => `(i32.lt_u (i32.load (i32.const 64)) (i32.const ${count}))`;
const UNTIL_TOLD = "(i32.eqz (i32.load (i32.const 72)))";
const [SLOW, FAST] = [0x777776, 100];

/** A server on a CPU, and a client of it on CPU 1. */
async function pair(system: TestSystem, cpu: number, code: string) {
  const server = system.component(`server${cpu}`, SERVER, { cpu });
  const ep = server.start("ep") as KernelThread;
  await until(() => ep.idle);
  const client = system.component(`client${cpu}`, code, { cpu: 1 });
  client.component.table.insert(system.object(server, ep.capability));
  return { server, client, thread: client.thread("main") as KernelThread };
}

/** Lets the component go on that waits for its word at 72. */
const tell = ({ component }: TestComponent): void => component.view.setInt32(72, 1, true);

/** Waits until a client has made calls of which the kernel was not asked. @param count of those that it was asked for */
async function goesByItself(client: TestComponent, count: () => number): Promise<void> {
  let [calls, kernels] = [counter(client), count()];
  await until(() => {
    const byItself = count() === kernels && counter(client) > calls + 20;
    [calls, kernels] = [counter(client), count()];
    return byItself;
  });
}

/** A machine whose CPUs can be ended. */
async function mortal() {
  const started: ReturnType<StartCpu>[] = [];
  const start: StartCpu = (setup, lost) => {
    const cpu = startNodeCpu(setup, lost);
    started[setup.number] = cpu;
    return cpu;
  };
  const system = await machine(4, { cpus: { width: 4, height: 1, start } });
  return { system, end: (cpu: number) => started[cpu]!.terminate() };
}

for (const begun of [true, false]) {
  for (const event of ["its answer", "the end of its CPU", "the end of its caller", "nothing"] as const) {
    const line = begun ? "a line that has ended" : "a line that never began";
    test(`S34, S36: while a call by ${line} is under way another caller of that CPU has a line, and after it (${event})`, async () => {
      const { system, end } = await mortal();
      const slow = await pair(system, 2, calls(2, SLOW, "(i32.const 0)"));
      const fast = await pair(system, 3, calls(1, FAST, UNTIL_TOLD));
      const cpu = system.kernel.cpus!.at(1);
      const count = asked(system);
      const answers = () => slow.server.component.view.getInt32(76, true) > 0;
      cpu.hold();
      slow.thread.start(0, 0);
      if (begun) {
        cpu.release();
        await until(answers);
        fast.thread.start(0, 0);
      } else {
        fast.thread.start(0, 0);
        cpu.release(); // the first one cannot linger in its call: the other waits for the CPU
        await until(answers);
      }
      await goesByItself(fast.client, count);
      if (event === "the end of its CPU") end(2);
      if (event === "the end of its caller") slow.client.pd.destroy();
      if (event !== "nothing") tell(slow.server);
      await goesByItself(fast.client, count);
      tell(fast.client);
      await until(() => logged(system, "client3").length > 0);
      assert.deepEqual(logged(system, "client3"), [FAST + 1]);
      if (event === "its answer") {
        await until(() => logged(system, "client2").length > 0);
        assert.deepEqual(logged(system, "client2"), [SLOW + 1]);
      }
      system.close();
    });
  }
}

test("S34, S36: two callers of a CPU, of servers on two others, get the answers to their own calls", async () => {
  const system = await machine(4);
  const slow = await pair(system, 2, calls(3, SLOW, times(1000)));
  const fast = await pair(system, 3, calls(1, FAST, times(20_000)));
  for (const { thread } of [slow, fast]) thread.start(0, 0);
  await system.rest();
  assert.deepEqual(logged(system, "client2"), [SLOW + 1]);
  assert.deepEqual(logged(system, "client3"), [FAST + 1]);
  assert.deepEqual([counter(slow.client), counter(fast.client)], [1000, 20_000]);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});
