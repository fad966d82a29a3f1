// How soon does a child go on whose restore has stood by, beside one whose restore begins then?
//
//   npm run bench -- standby [--json FILE] [--rounds N]
//
// A component whose memory is full, restored in a process that runs already and has the checkpoint in memory, a fresh system for
// each restore, by A (bootstrap) and B (direct), in turns, medians. Milliseconds to the component's first line: from the beginning of
// its supervisor, and from when one that stands by is told to go on; processor time of the process between the two; and how
// much larger the process is when all is ready, and when the component has gone on.
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { buildComponents, componentNamed } from "../scripts/build-guests.ts";
import type { SystemCheckpoint } from "../src/checkpoint/index.ts";
import { STRATEGIES, type Strategy } from "../src/rtcr/index.ts";
import { median, rounded } from "./measure.ts";
import { OneChild } from "./one-child.ts";

const MIB = 1 << 20;
const SIZES_MIB = [1, 16, 64, 256];
const CHILD = "many_dataspaces";

interface Sample {
  readonly ms: number;
  readonly cpuMs: number;
  /** Bytes. */
  readonly readyBytes: number;
  readonly bytes: number;
}

function systemOf(mib: number): OneChild {
  return new OneChild(CHILD, `<config dataspaces="1" pages="${mib * 256}" every="1" iterations="100000"/>`);
}

async function taken(mib: number): Promise<SystemCheckpoint> {
  const system = systemOf(mib);
  const rtcr = await system.begin();
  await new Promise((resolve) => setImmediate(resolve)); // no component is on the JavaScript stack then
  const { system: checkpoint } = rtcr.checkpoint("standby");
  system.dispose();
  return checkpoint;
}

/** The memory of systems before is given back. */
async function collected(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let time = 0; time < 3; time++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function restored(mib: number, restore: SystemCheckpoint, strategy: Strategy, standby: boolean): Promise<Sample> {
  const system = systemOf(mib);
  await system.env;
  await collected();
  const before = process.memoryUsage.rss();
  const goOn = standby ? await system.standBy({ restore, strategy }) : () => system.begin({ restore, strategy });
  const readyBytes = process.memoryUsage.rss() - before;
  const [begin, used] = [performance.now(), process.cpuUsage()];
  await goOn();
  const [ms, { user, system: kernel }] = [performance.now() - begin, process.cpuUsage(used)];
  const sample = { ms, cpuMs: (user + kernel) / 1000, readyBytes, bytes: process.memoryUsage.rss() - before };
  system.dispose();
  return sample;
}

async function row(mib: number, rounds: number): Promise<Record<string, number>> {
  const restore = await taken(mib);
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const strategy of STRATEGIES) {
      for (const standby of [false, true]) {
        const sample = await restored(mib, restore, strategy, standby);
        const key = `${strategy === "direct" ? "B" : "A"}${standby ? ", stood by" : ""}`;
        if (round > 0) samples.set(key, [...(samples.get(key) ?? []), sample]); // the first one warms up
      }
    }
  }
  const figures = [...samples].flatMap(([key, list]): [string, number][] => {
    const of = (value: (sample: Sample) => number) => rounded(median(list.map(value)), 1);
    const size: [string, number][] = [[`${key}, resident MiB`, of(({ bytes }) => bytes / MIB)]];
    if (key.endsWith("by")) size.unshift([`${key}, ready MiB`, of(({ readyBytes }) => readyBytes / MIB)]);
    return [[`${key}, ms`, of(({ ms }) => ms)], [`${key}, CPU ms`, of(({ cpuMs }) => cpuMs)], ...size];
  });
  return { MiB: mib, ...Object.fromEntries(figures) };
}

export async function run(args: readonly string[]): Promise<number> {
  const options = { json: { type: "string" }, rounds: { type: "string", default: "5" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  await buildComponents([componentNamed(CHILD)]);
  const rows: Record<string, number>[] = [];
  for (const mib of SIZES_MIB) rows.push(await row(mib, Number(values.rounds)));
  console.table(rows);
  const result = { bench: "standby", node: process.version, load: loadavg(), rows };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}
