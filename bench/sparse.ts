// What does the restore of a memory cost that is zero for the most part, and how much of it is resident afterwards?
//
//   npm run bench -- sparse [--json FILE] [--rounds N]
//
// A component with one dataspace of 64 MiB, in which every page, every 16th or only one holds something, is stored and restored in
// another process, which has begun already: milliseconds from the opening of the image to the component's first line, and
// how much larger the process is then, the image's bytes included; by A (bootstrap) and B (direct), in turns, medians.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildComponents, componentNamed } from "../scripts/build-guests.ts";
import { fromCheckpoint, toCheckpoint } from "../src/checkpoint/index.ts";
import { STRATEGIES, type Strategy } from "../src/rtcr/index.ts";
import {
  contentBytes,
  loadCheckpoint,
  nodeSha256,
  openDirectoryStore,
  saveCheckpoint,
} from "../src/store/index-node.ts";
import { required } from "../src/util/index.ts";
import { median, rounded } from "./measure.ts";
import { OneChild } from "./one-child.ts";

const MIB = 1 << 20;
const PAGES = 64 * 256;
/** Every so many pages one holds something. */
const EVERY = [1, 16, PAGES] as const;
const CHILD = "many_dataspaces";

interface Sample {
  readonly ms: number;
  /** Bytes. */
  readonly resident: number;
}

function systemOf(every: number): OneChild {
  return new OneChild(CHILD, `<config dataspaces="1" pages="${PAGES}" every="${every}" iterations="100000"/>`);
}

async function save(folder: string, every: number): Promise<void> {
  const system = systemOf(every);
  const rtcr = await system.begin();
  await new Promise((resolve) => setImmediate(resolve)); // no component is on the JavaScript stack then
  const store = await openDirectoryStore(folder);
  await saveCheckpoint(store, toCheckpoint(rtcr.checkpoint("sparse").system), { sha256: nodeSha256 });
  await store.close();
  system.dispose();
}

async function restore(folder: string, every: number, strategy: Strategy): Promise<Sample> {
  const system = systemOf(every);
  await system.env;
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  const store = await openDirectoryStore(folder);
  const image = await loadCheckpoint(store, "latest", { sha256: nodeSha256, allocateContent: contentBytes });
  await system.begin({ restore: fromCheckpoint(image), strategy });
  const sample = { ms: performance.now() - begin, resident: process.memoryUsage.rss() - before };
  await store.close();
  system.dispose();
  return sample;
}

/** In a process of its own. */
function restoredApart(folder: string, every: number, strategy: Strategy): Sample {
  const args = [import.meta.filename, "--restore", folder, "--every", `${every}`, "--strategy", strategy];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Sample;
}

function row(folder: string, every: number, rounds: number): Record<string, number> {
  const samples = new Map(STRATEGIES.map((strategy) => [strategy, [] as Sample[]]));
  for (let round = 0; round < rounds; round++) {
    for (const strategy of STRATEGIES) samples.get(strategy)!.push(restoredApart(folder, every, strategy));
  }
  const of = (strategy: Strategy, value: (sample: Sample) => number) =>
    rounded(median(required(samples.get(strategy), strategy).map(value)), 1);
  return {
    "used pages": Math.ceil(PAGES / every),
    "A, ms": of("bootstrap", ({ ms }) => ms),
    "B, ms": of("direct", ({ ms }) => ms),
    "A, resident MiB": of("bootstrap", ({ resident }) => resident / MIB),
    "B, resident MiB": of("direct", ({ resident }) => resident / MIB),
  };
}

export async function run(args: readonly string[]): Promise<number> {
  const options = { json: { type: "string" }, rounds: { type: "string", default: "5" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  await buildComponents([componentNamed(CHILD)]);
  const folder = mkdtempSync(join(process.cwd(), ".bench-sparse-"));
  try {
    const rows: Record<string, number>[] = [];
    for (const every of EVERY) {
      const place = join(folder, `${every}`);
      await save(place, every);
      rows.push(row(place, every, Number(values.rounds)));
    }
    console.table(rows);
    const result = { bench: "sparse", node: process.version, load: loadavg(), rows };
    if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}

if (import.meta.main) {
  const options = { restore: { type: "string" }, every: { type: "string" }, strategy: { type: "string" } } as const;
  const { restore: folder = "", every, strategy } = parseArgs({ options }).values;
  const wanted = required(
    STRATEGIES.find((name) => name === strategy),
    "a strategy",
  );
  console.log(JSON.stringify(await restore(folder, Number(every), wanted)));
}
