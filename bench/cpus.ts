// Calls across CPUs beside the least that they can cost: two workers that take turns at one shared word.
import { Worker } from "node:worker_threads";
import { startNodeCpu } from "../src/core/index-node.ts";
import { Cpus } from "../src/core/kernel/cpus/index.ts";
import { startKernelTicker } from "../src/core/kernel/index.ts";
import { dispatch, main, SERVES, tableOf } from "../test/support/guest-code.ts";
import { TestSystem } from "../test/support/kernel-system.ts";
import { median, rounded } from "./measure.ts";

const CPUS = 3;
const CALLS = 2_000;
const SPINS = 2_000;
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch("d", "")}`;

/** Runs `calls` operations; nanoseconds. */
type Run = () => Promise<number>;

/** @param spins looks before a worker sleeps; undefined: it waits as the machine's CPUs do */
function bare(spins?: number): { readonly run: Run; readonly close: () => void } {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const door = Cpus.door();
  const file = new URL("./round-trip-worker.ts", import.meta.url);
  const workers = [0, 1].map((me) => new Worker(file, { workerData: { words, door, me, spins } }));
  const run = async () => {
    const ended = workers.map((worker) => new Promise<number>((resolve) => worker.once("message", resolve)));
    for (const worker of workers) worker.postMessage(CALLS);
    return ((await Promise.all(ended))[1]! * 1e6) / CALLS;
  };
  return { run, close: () => workers.forEach((worker) => void worker.terminate()) };
}

/** @param to "core": a call of its PD session */
function call(system: TestSystem, from: number, to: number | "core"): Run {
  const label = `${from}-${to}`;
  const header = `(i32.store (i32.const 2048) (i32.const 0)) (i32.store (i32.const 2052) (i32.const 0))`;
  const [slot, opcode] = to === "core" ? [2, 16] : [4, 1];
  const code =
    main(`(loop $again ${header} (drop (call $call (i32.const ${slot}) (i32.const ${opcode}) (i32.const 2048)))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${CALLS}))))`);
  const client = system.component(`client ${label}`, code, { cpu: from });
  if (to !== "core") {
    const server = system.component(`server ${label}`, SERVER, { cpu: to });
    client.component.table.insert(system.object(server, server.start("ep").capability));
  }
  return async () => {
    await system.rest();
    const begin = performance.now();
    client.start("main", 0, 61_440);
    await system.rest();
    return ((performance.now() - begin) * 1e6) / CALLS;
  };
}

/** Medians and ratios to bare round trips of the same round. */
export async function cpuRows(rounds: number): Promise<object[]> {
  const width = CPUS;
  const system = new TestSystem({ cpus: { width, height: 1, start: startNodeCpu }, ticker: startKernelTicker });
  await system.kernel.ready;
  const alike = bare();
  const spinning = bare(SPINS);
  const sleeping = bare(0);
  const rows: { readonly name: string; readonly run: Run; readonly ns: number[] }[] = [
    { name: "bare round trip, asleep each time", run: sleeping.run, ns: [] },
    { name: `bare round trip, both look ${SPINS} times first`, run: spinning.run, ns: [] },
    { name: "bare round trip, waiting as CPUs do", run: alike.run, ns: [] },
    { name: "core from CPU 1", run: call(system, 1, "core"), ns: [] },
    ...(
      [
        [1, 0],
        [0, 1],
        [1, 2],
        [1, 1],
      ] as const
    ).map(([from, to]) => ({ name: `rpc, CPU ${from} to CPU ${to}`, run: call(system, from, to), ns: [] })),
  ];
  for (const { run } of rows) await run();
  for (let round = 0; round < rounds; round++) for (const { run, ns } of rows) ns.push(await run());
  system.close();
  for (const pair of [alike, spinning, sleeping]) pair.close();
  const to = (ns: readonly number[], base: readonly number[]) =>
    rounded(median(ns.map((value, round) => value / base[round]!)), 2);
  return rows.map(({ name, ns }) => ({
    name,
    us: rounded(median(ns) / 1000, 2),
    least: rounded(Math.min(...ns) / 1000, 2),
    "to asleep": to(ns, rows[0]!.ns),
    "to looking": to(ns, rows[1]!.ns),
    "to alike": to(ns, rows[2]!.ns),
  }));
}
