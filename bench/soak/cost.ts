// What does one checkpoint of the long run's system cost in CPU time?
//
//   npm run bench -- soak [--json FILE] [--rounds N] [--seconds N]
//
// Windows with ten checkpoints a second and without any take turns while all components run. In the thread of the
// supervisor, which runs components too, the checkpoint's own calls are measured; of all other threads (the store's, Node's
// that write for it, V8's that collect garbage and compile) what they take more in a window with checkpoints than in those
// without on both of its sides. CPU time, so that other work on the machine changes little; medians.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildComponents, componentNamed } from "../../scripts/build-guests.ts";
import { median, rounded } from "../measure.ts";
import { threadMs } from "./store-worker.ts";
import { type Instance, SoakSystem } from "./system.ts";
import { BINARIES } from "./workloads.ts";

const EVERY_MS = 100;
/** Components are compiled, caches are filled. */
const WARM_UP_MS = 10_000;

/** CPU milliseconds. */
interface Times {
  readonly wall: number;
  readonly capture: number;
  readonly handOver: number;
  readonly store: number;
  readonly others: number;
  readonly checkpoints: number;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "12" },
      seconds: { type: "string", default: "3" },
    },
  });
  await buildComponents(BINARIES.map(componentNamed));
  const folder = mkdtempSync(join(process.cwd(), ".soak-"));
  const system = new SoakSystem(folder);
  try {
    await system.start();
    const instance = await system.begin();
    await window(system, WARM_UP_MS, instance);
    const rows = await costs(system, instance, Number(values.rounds), Number(values.seconds) * 1000);
    const result = Object.fromEntries(
      Object.keys(rows[0]!).map((key) => [key, rounded(median(rows.map((row) => row[key as keyof Cost])))]),
    );
    console.table([result]);
    const report = { bench: "soak", node: process.version, load: loadavg(), result };
    if (values.json) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
    return 0;
  } finally {
    await system.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CPU milliseconds of one checkpoint, by thread. */
interface Cost {
  readonly capture: number;
  readonly handOver: number;
  readonly store: number;
  readonly others: number;
  readonly all: number;
}

async function costs(system: SoakSystem, instance: Instance, rounds: number, windowMs: number): Promise<Cost[]> {
  const rows: Cost[] = [];
  let before = await window(system, windowMs);
  for (let round = 0; round < rounds; round++) {
    const within = await window(system, windowMs, instance);
    const after = await window(system, windowMs);
    const one = (key: "capture" | "handOver" | "store" | "others") => {
      const without = (before[key] + after[key]) / (before.wall + after.wall);
      return (within[key] - without * within.wall) / within.checkpoints;
    };
    const [capture, handOver, store, others] = [one("capture"), one("handOver"), one("store"), one("others")];
    rows.push({ capture, handOver, store, others, all: capture + handOver + store + others });
    before = after;
  }
  return rows;
}

/** @param instance to make checkpoints of. Default: none are made */
async function window(system: SoakSystem, ms: number, instance?: Instance): Promise<Times> {
  const begin = await times(system);
  const beginMs = performance.now();
  for (let dueMs = beginMs; dueMs < beginMs + ms; dueMs += EVERY_MS) {
    await system.pause(Math.max(0, dueMs - performance.now()));
    await system.room();
    if (instance) void system.save(instance);
  }
  const end = await times(system); // behind all that was saved
  return Object.fromEntries(
    Object.entries(end).map(([key, value]) => [key, value - begin[key as keyof Times]]),
  ) as unknown as Times;
}

async function times(system: SoakSystem): Promise<Times> {
  const store = await system.store.do("time", undefined);
  const { user, system: kernel } = process.cpuUsage();
  const others = (user + kernel) / 1000 - threadMs() - store;
  const { cpuMs, checkpoints } = system;
  return { wall: performance.now(), ...cpuMs, store, others, checkpoints };
}
