// Calls across CPUs beside the least that they can cost: two workers that take turns at one shared word.
import { Worker } from "node:worker_threads";
import { startNodeCpu } from "../src/core/index-node.ts";
import { Cpus } from "../src/core/kernel/cpus/index.ts";
import { startKernelTicker } from "../src/core/kernel/index.ts";
import { dispatch, main, SERVES, tableOf } from "../test/support/guest-code.ts";
import { TestSystem } from "../test/support/kernel-system.ts";
import { median, rounded } from "./measure.ts";

const CPUS = 4;
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

interface Call {
  /** Callers take turns as they come: each makes all calls. */
  readonly from: readonly number[];
  /** "core": a call of its PD session */
  readonly to: number | "core";
  /** In each message. */
  readonly capabilities?: number;
}

function call(system: TestSystem, { from, to, capabilities = 0 }: Call): Run {
  const label = `${from}-${to}-${capabilities}`;
  const header = `(i32.store (i32.const 2048) (i32.const 0)) (i32.store (i32.const 2052) (i32.const ${capabilities}))
    (i32.store (i32.const 2056) (i32.const 1))`;
  const [slot, opcode] = to === "core" ? [2, 16] : [4, 1];
  const code =
    main(`(loop $again ${header} (drop (call $call (i32.const ${slot}) (i32.const ${opcode}) (i32.const 2048)))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${CALLS}))))`);
  const clients = from.map((cpu) => system.component(`client ${label} ${cpu}`, code, { cpu }));
  if (to !== "core") {
    const server = system.component(`server ${label}`, SERVER, { cpu: to });
    const object = system.object(server, server.start("ep").capability);
    for (const { component } of clients) component.table.insert(object);
  }
  return async () => {
    await system.rest();
    const begin = performance.now();
    for (const client of clients) client.start("main", 0, 61_440);
    await system.rest();
    return ((performance.now() - begin) * 1e6) / (CALLS * clients.length);
  };
}

const ROWS: readonly [name: string, call: Call][] = [
  ["core from CPU 1", { from: [1], to: "core" }],
  ["rpc, CPU 1 to CPU 0", { from: [1], to: 0 }],
  ["rpc, CPU 0 to CPU 1", { from: [0], to: 1 }],
  ["rpc, CPU 1 to CPU 2", { from: [1], to: 2 }],
  ["rpc with a capability, CPU 1 to CPU 2", { from: [1], to: 2, capabilities: 1 }],
  ["rpc, CPUs 1 and 3 to one server on CPU 2", { from: [1, 3], to: 2 }],
  ["rpc, CPU 1 to CPU 1", { from: [1], to: 1 }],
];

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
    ...ROWS.map(([name, each]) => ({ name, run: call(system, each), ns: [] })),
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
