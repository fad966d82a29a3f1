// CPUs that end while the kernel waits for them in place, where it does not hear events: it finds out by looking.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counter, machine } from "../../../../test/support/cpus.ts";
import { log, logged, main } from "../../../../test/support/guest-code.ts";
import { until } from "../../../../test/support/until.ts";
import type { KernelThread } from "../thread.ts";
import type { Command, StartCpu, StartedCpu } from "./protocol.ts";
import type { RemoteCpu } from "./remote-cpu.ts";
import { nodeCpuWith } from "./start-node.ts";

const SPIN = main(`(loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l))`);
const ENDS = ["exit", "memory", "terminate"] as const;

/** A machine whose CPU 1 ends when it is told to. */
async function mortal() {
  const file = new URL("../../../../test/support/dying-cpu-node.ts", import.meta.url);
  const startDying = nodeCpuWith({ file, maxOldGenerationSizeMb: 64 });
  let first: StartedCpu | undefined;
  const start: StartCpu = (setup, lost) => {
    const cpu = startDying(setup, lost);
    first ??= cpu;
    return cpu;
  };
  const system = await machine(3, { cpus: { width: 3, height: 1, start } });
  const cpu = system.kernel.cpus!.at(1);
  const end = (how: (typeof ENDS)[number]) => {
    if (how === "terminate") first!.terminate();
    else cpu.tell(command(how));
  };
  return { system, cpu, end };
}

const command = (name: string): Command => ({ type: "engine", engine: 0, name, args: [] });

/** Until it is lost: a worker that is terminated may do something more. */
const WAITS: readonly [name: string, wait: (cpu: RemoteCpu, cpus: { still(body: () => void): void }) => void][] = [
  ["for its reply", (cpu) => assert.throws(() => cpu.ask(command("none")))],
  ["for its thread to stop", (cpu) => assert.equal(cpu.stop(), true)],
  ["for all CPUs to stand still", (_, cpus) => cpus.still(() => {})],
];

for (const how of ENDS) {
  for (const [name, wait] of WAITS) {
    test(`S14: a CPU that ends (${how}) while the kernel waits ${name} is lost at once, and all others go on`, async () => {
      const { system, cpu, end } = await mortal();
      const lost = system.component("lost", SPIN, { cpu: 1 });
      const thread = lost.start("main") as KernelThread;
      const other = system.component("other", main(log("(i32.const 7)")), { cpu: 2 });
      const second = other.thread("main") as KernelThread;
      await until(() => counter(lost) !== 0);
      end(how);
      while (cpu.lost === undefined) wait(cpu, system.kernel.cpus!);
      assert.equal(cpu.lost, "CPU 1 has ended");
      assert.equal(thread.problem, "CPU 1 has ended");
      assert.throws(() => cpu.ask(command("none")), /CPU 1 has ended$/);
      second.start(0, 0);
      await system.rest();
      assert.deepEqual(logged(system, "other"), [7]);
      system.close();
    });
  }
}

test("S14, S28: threads are on those CPUs of a location that are left, on CPU 0 if none is, and it is said which was lost", async () => {
  const system = await machine(4);
  const cpus = system.kernel.cpus!;
  const turns = (x: number, width: number) =>
    [0, 1, 2, 3].map((turn) => cpus.inTurn({ x, y: 0, width, height: 1 }, turn));
  assert.deepEqual(turns(1, 3), [1, 2, 3, 1]);
  cpus.at(2).link.lose("CPU 2 has ended");
  assert.deepEqual(
    [turns(1, 3), turns(2, 1), turns(2, 2)],
    [
      [1, 3, 3, 1],
      [0, 0, 0, 0],
      [3, 3, 3, 3],
    ],
  );
  assert.equal(cpus.numberAt({ x: 2, y: 0, width: 2, height: 1 }), 3);
  assert.match(system.warnings.join(), /^CPU 2 has ended: what ran there stands/);
  const late = system.component("late", main(log("(i32.const 7)")), { cpu: 2 });
  const thread = late.start("main") as KernelThread;
  await system.rest();
  assert.deepEqual([thread.problem, thread.cpu, logged(system, "late")], ["", 0, [7]]);
  system.close();
});

test("S14: a CPU whose worker never began is lost when the kernel waits for it", async () => {
  const file = new URL("./no-such-file.ts", import.meta.url);
  const system = await machine(2, { cpus: { width: 2, height: 1, start: nodeCpuWith({ file }) } });
  const component = system.component("c", main(""), { cpu: 1 });
  assert.equal(component.cpu.createThread(component.pd.capability, { name: "t" }).ok, false);
  assert.match(system.warnings.at(-1)!, /CPU 1 has ended$/);
  system.close();
});
