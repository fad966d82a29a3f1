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
import { Core, nativeBinary } from "../src/core/index.ts";
import { NATIVE_PROGRAMS } from "../src/native/index.ts";
import { Rtcr, RtcrFault, type RtcrOptions, STRATEGIES, type Strategy } from "../src/rtcr/index.ts";
import type { Env } from "../src/session/index.ts";
import {
  contentBytes,
  loadCheckpoint,
  nodeSha256,
  openDirectoryStore,
  saveCheckpoint,
} from "../src/store/index-node.ts";
import { required } from "../src/util/index.ts";
import { componentFile } from "./evaluation/run-benchmark.ts";
import { median, rounded } from "./measure.ts";

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

/** A system whose supervisor has no children yet. */
class System {
  readonly env: Promise<Env>;
  readonly #core: Core;
  #said: (() => void) | undefined;

  constructor(every: number) {
    const { promise, resolve, reject } = Promise.withResolvers<Env>();
    this.env = promise;
    const supervisor = (env: Env) => {
      resolve(env);
      return { dispose: () => {} };
    };
    const services = ["PD", "CPU", "ROM", "LOG", "RM", "Timer"].map((name) => `<service name="${name}"/>`).join("");
    const routes = `<parent-provides>${services}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;
    const child = `<start name="${CHILD}" caps="1000" ram="100M"><config dataspaces="1" pages="${PAGES}" every="${every}" iterations="100000"/></start>`;
    const config = `<config>${routes}<start name="rtcr" caps="5000" ram="200M"><config>${routes}${child}</config></start></config>`;
    const programs = new Map([...NATIVE_PROGRAMS, ["rtcr", supervisor] as const]);
    const modules = new Map(Array.from(programs.keys(), (name) => [name, nativeBinary(name)]));
    modules.set(CHILD, componentFile(CHILD)).set("config", new TextEncoder().encode(config));
    this.#core = new Core({
      ...{ quota: { ram: 1 << 30, caps: 50_000 }, modules, programs, hash: nodeSha256 },
      output: (line) => (line.includes(`-> ${CHILD}]`) ? this.#said?.() : reject(new Error(line))),
      kernel: { failed: reject },
    });
    this.#core.start({ name: "init", binary: "init" });
  }

  /** Starts the child. @returns when it has said its first line */
  async begin(options: Pick<RtcrOptions, "restore" | "strategy"> = {}): Promise<Rtcr> {
    const env = await this.env;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#said = resolve;
    const restored: RtcrOptions["restored"] = (outcome) => {
      if (outcome instanceof RtcrFault) reject(outcome);
    };
    const rtcr = new Rtcr(env, { ...options, restored });
    await promise;
    return rtcr;
  }

  dispose(): void {
    this.#core.dispose();
  }
}

async function save(folder: string, every: number): Promise<void> {
  const system = new System(every);
  const rtcr = await system.begin();
  await new Promise((resolve) => setImmediate(resolve)); // no component is on the JavaScript stack then
  const store = await openDirectoryStore(folder);
  await saveCheckpoint(store, toCheckpoint(rtcr.checkpoint("sparse").system), { sha256: nodeSha256 });
  await store.close();
  system.dispose();
}

async function restore(folder: string, every: number, strategy: Strategy): Promise<Sample> {
  const system = new System(every);
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
