// The same C program natively under CRIU and as Wasm under rtcr: how long does it stand still, how long does a dump take,
// how soon after a restore is the first output there, how large is the image?
//
//   npm run bench -- criu [--json FILE] [--rounds N] [--sizes MIB,MIB] [--only file|threads]
//
// bench/guests/dirty.c dirties so many MiB and appends lines to an open file; output is what comes into that file. Both
// take turns, size by size. Medians; milliseconds.
//
// frozen   CRIU's own figure; rtcr's from the safe point to the end of the copy, after which the program goes on
// dump     of a program that ends with it: CRIU from the start of its process to its end, then the same and its images
//          flushed to the disk (fsync); rtcr the capture and the storing, in a process that runs already, flushed as always,
//          and once more into a store whose files nobody flushes. Goes on: a checkpoint of a program that does, flushed
// restore  from the request to the first new line; CRIU as a new process, rtcr in a warm process, whose CPU (a worker)
//          waits for something to run; expected: that CPU was told which program that will probably be, and has loaded it;
//          cold: the command line, with the start of Node and the worker, the module's compilation and everything else
//
// A second table has the same for a program with threads (criu-threads.ts), with half as many rounds. Both are printed as
// docs/BENCHMARKS.md has them, the least of each group in bold.
//
// CRIU comes by scripts/install-criu.sh; where it cannot run nothing is measured, and that is said.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compilerOf } from "../scripts/guest-compilers.ts";
import type {
  SpareCpu as NodeSpareCpu,
  Supervisor as NodeSupervisor,
  SupervisorOptions,
} from "../src/machine/supervisor-node.ts";
import type * as Directory from "../src/store/directory.ts";
import type * as DirectoryNode from "../src/store/directory-node.ts";
import type { FileOperations } from "../src/store/files.ts";
import type * as StoreModule from "../src/store/index-node.ts";
import { nodeSha256, type Store } from "../src/store/index-node.ts";
import { threadRows } from "./criu-threads.ts";
import {
  type CriuSample,
  criuProblem,
  criuSample,
  criuVersion,
  exitOf,
  folderBytes,
  fromDist,
  grows,
  inFolder,
  ROOT,
  type Sample,
} from "./criu-tools.ts";
import { markdownHead, markdownRow, type Row } from "./markdown.ts";
import { median, rounded } from "./measure.ts";
import { positiveWhole } from "./positive.ts";

const SOURCE = "bench/guests/dirty.c";
const GUEST_DIRECTORY = "/out";

interface RtcrSample extends Sample {
  readonly unflushed: number;
  readonly goesOn: number;
  readonly expected: number;
}

/** Modules of dist/: workers of the sources would read and strip TypeScript first. */
interface Built {
  readonly Supervisor: typeof NodeSupervisor;
  readonly SpareCpu: typeof NodeSpareCpu;
  readonly images: Pick<typeof StoreModule, "openDirectoryStore" | "openImage" | "saveCheckpoint">;
  /** Opens a store as `openDirectoryStore` does, but nothing that is written to it is flushed. */
  readonly unflushedStore: (path: string) => Promise<Store>;
}

interface Programs extends Built {
  readonly native: string;
  readonly wasm: string;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "7" },
      sizes: { type: "string", default: "1,16,64,256" },
      only: { type: "string" },
    },
  });
  const rounds = positiveWhole(values.rounds, "--rounds");
  const sizes = values.sizes.split(",").map((size) => positiveWhole(size, "--sizes"));
  if (values.only !== undefined && values.only !== "file" && values.only !== "threads") {
    console.error(`error: --only is "${values.only}", expected file or threads`);
    return 2;
  }
  const problem = criuProblem();
  if (problem) {
    console.log(`skipped: ${problem}`);
    return 0;
  }
  const folder = mkdtempSync(join(ROOT, ".bench-criu-"));
  try {
    const programs = await build(folder);
    const rows = await rowsOf(sizes, values.only !== "threads", (size) => sizeRow(programs, folder, size, rounds));
    const threadRow = await threadRows(folder, Math.ceil(rounds / 2));
    const threads = await rowsOf(sizes, values.only !== "file", threadRow);
    const versions = { criu: criuVersion(), node: process.version };
    const result = { bench: "criu", ...versions, load: loadavg(), rounds, rows, threads };
    if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A table, row by row as they come. */
async function rowsOf(
  sizes: readonly number[],
  wanted: boolean,
  row: (sizeMiB: number) => Promise<Row>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const sizeMiB of wanted ? sizes : []) {
    const made = await row(sizeMiB);
    if (rows.length === 0) console.log(`\n${markdownHead(made)}`);
    console.log(markdownRow(made));
    rows.push(made);
  }
  return rows;
}

async function build(folder: string): Promise<Programs> {
  execFileSync(process.execPath, [join(ROOT, "scripts/build.js")]);
  const { Supervisor, SpareCpu } = await fromDist<Pick<Built, "Supervisor" | "SpareCpu">>("machine/supervisor-node.js");
  const images = await fromDist<Built["images"]>("store/index-node.js");
  const { nodeHost } = await fromDist<typeof DirectoryNode>("store/directory-node.js");
  const { openDirectory } = await fromDist<typeof Directory>("store/directory.js");
  const unflushedStore = (path: string) => openDirectory({ ...nodeHost, files: unflushed(nodeHost.files) }, path);
  const programs = {
    Supervisor,
    SpareCpu,
    images,
    unflushedStore,
    native: join(folder, "dirty"),
    wasm: join(folder, "dirty.wasm"),
  };
  execFileSync("gcc", ["-O2", "-Wall", "-Werror", join(ROOT, SOURCE), "-o", programs.native]);
  await compilerOf("c").compile(join(ROOT, SOURCE), programs.wasm);
  return programs;
}

function unflushed(files: FileOperations): FileOperations {
  const create = async (path: string) => {
    const { write, close } = await files.create(path);
    return { write, close, sync: async () => {} };
  };
  return { ...files, create, syncDirectory: async () => {} };
}

async function sizeRow(programs: Programs, folder: string, sizeMiB: number, rounds: number): Promise<Row> {
  const criu: CriuSample[] = [];
  const rtcr: RtcrSample[] = [];
  const cold: Pick<Sample, "dump" | "restore">[] = [];
  await rtcrSample(programs, folder, sizeMiB); // warms up
  for (let round = 0; round < rounds; round++) {
    criu.push(await criuSample(programs.native, folder, (file) => [String(sizeMiB), file]));
    rtcr.push(await rtcrSample(programs, folder, sizeMiB));
    cold.push(await coldSample(programs, folder, sizeMiB));
  }
  const ms = <K extends string>(samples: readonly Record<K, number>[], key: K) =>
    rounded(median(samples.map((sample) => sample[key])), 1);
  const mib = (samples: readonly Sample[]) =>
    rounded(median(samples.map(({ imageBytes }) => imageBytes)) / (1 << 20), 1);
  return {
    size: { MiB: sizeMiB },
    frozen: { CRIU: ms(criu, "frozen"), rtcr: ms(rtcr, "frozen") },
    dump: {
      ...{ CRIU: ms(criu, "dump"), "CRIU, fsync": ms(criu, "flushed") },
      ...{ rtcr: ms(rtcr, "unflushed"), "rtcr, fsync": ms(rtcr, "dump"), "goes on, fsync": ms(rtcr, "goesOn") },
      cold: ms(cold, "dump"),
    },
    "restore to first output": {
      ...{ CRIU: ms(criu, "restore"), "rtcr, warm": ms(rtcr, "restore"), expected: ms(rtcr, "expected") },
      cold: ms(cold, "restore"),
    },
    "image MiB": { CRIU: mib(criu), rtcr: mib(rtcr) },
  };
}

function rtcrSample(
  { wasm, images, unflushedStore, ...built }: Programs,
  folder: string,
  sizeMiB: number,
): Promise<RtcrSample> {
  return inFolder(folder, async (place, file) => {
    const cache = join(folder, "cache");
    mkdirSync(cache, { recursive: true });
    const module = new Uint8Array(readFileSync(wasm));
    const program = { module, hash: nodeSha256(module), cache };
    const directories = [{ hostPath: join(place, "out"), guestPath: GUEST_DIRECTORY, writable: true }];
    const spec = {
      ...{ args: ["dirty", String(sizeMiB), `${GUEST_DIRECTORY}/lines`], environment: [], memoryDirectories: [] },
      ...{ directories, holdOutput: false, deterministic: false },
    };
    const first = await built.Supervisor.start({ ...program, spec });
    await grows(file, 0);
    const open = images.openDirectoryStore;
    const saved = async (store: Store, capture: () => ReturnType<NodeSupervisor["capture"]>) => {
      const at = performance.now();
      const { state, pausedMs } = await capture();
      const checkpoint = { created: new Date().toISOString(), name: "dirty", program: {}, group: state.group };
      await images.saveCheckpoint(store, { ...checkpoint, sessions: { wasi: state.wasi } }, { sha256: nodeSha256 });
      return { ms: performance.now() - at, pausedMs };
    };
    const going = await open(join(place, "going"));
    const { ms: goesOn, pausedMs: frozen } = await saved(going, () => first.capture());
    await going.close();
    const frozenOnce = await unflushedStore(join(place, "unflushed"));
    const { ms: unflushed } = await saved(frozenOnce, () => first.captureFrozen());
    await frozenOnce.close();
    await first.resume();
    const store = await open(join(place, "store"));
    const { ms: dump } = await saved(store, () => first.captureFrozen());
    await first.kill();
    const again = (spare: NodeSpareCpu) =>
      restored({ ...built, images, unflushedStore }, store, file, { ...program, spec, spare });
    const restore = await again(await built.SpareCpu.start());
    const expected = await again(await built.SpareCpu.start(program));
    await store.close();
    return { frozen, goesOn, unflushed, dump, restore, expected, imageBytes: folderBytes(join(place, "store")) };
  });
}

/** @returns milliseconds from the request to restore the newest checkpoint to the first new line */
async function restored(
  { Supervisor, images }: Built,
  store: Store,
  file: string,
  options: SupervisorOptions,
): Promise<number> {
  const before = statSync(file).size;
  const begin = performance.now();
  const { reader } = await images.openImage(store, "latest", { sha256: nodeSha256 });
  const state = { group: await reader.outline(), wasi: await reader.session("wasi") };
  const resumption = { state, unfilled: true, acceptChangedFiles: false, outputReleased: true };
  const fill: SupervisorOptions["fill"] = (instance, memory, target) => reader.memory(instance, memory, target);
  const supervisor = await Supervisor.start({ ...options, resumption, fill });
  await grows(file, before);
  const restore = performance.now() - begin;
  await supervisor.kill();
  return restore;
}

/** By the command line: every step is a process of its own. */
function coldSample({ wasm }: Programs, folder: string, sizeMiB: number): Promise<Pick<Sample, "dump" | "restore">> {
  return inFolder(folder, async (place, file) => {
    const env = { ...process.env, RTCR_HOME: join(place, "home") };
    const cli = join(ROOT, "bin/rtcr.js");
    const rtcr = (...args: readonly string[]) => spawn(process.execPath, [cli, ...args], { env, stdio: "ignore" });
    const directory = `${join(place, "out")}::${GUEST_DIRECTORY}`;
    const started = ["run", "--name", "dirty", "--dir", directory, wasm, String(sizeMiB), `${GUEST_DIRECTORY}/lines`];
    const first = exitOf(rtcr(...started));
    await grows(file, 0, first);
    const at = performance.now();
    await exitOf(rtcr("checkpoint", "dirty", "--stop"));
    const dump = performance.now() - at;
    await first;
    const before = statSync(file).size;
    const begin = performance.now();
    const second = rtcr("restore", "dirty");
    await grows(file, before, exitOf(second));
    const restore = performance.now() - begin;
    const ended = new Promise((resolve) => second.once("exit", resolve));
    second.kill("SIGKILL");
    await ended;
    return { dump, restore };
  });
}
