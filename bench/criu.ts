// The same C program natively under CRIU and as Wasm under rtcr: how long does it stand still, how long does a dump take,
// how soon after a restore is the first output there, how large is the image?
//
//   npm run bench -- criu [--json FILE] [--rounds N] [--sizes MIB,MIB]
//
// bench/guests/dirty.c dirties so many MiB and appends lines to an open file; output is what comes into that file. Both
// take turns, size by size. Medians; milliseconds.
//
// frozen   CRIU's own figure; rtcr's from the safe point to the end of the copy, after which the program could go on
// dump     CRIU from the start of its process to its end, without flushing anything; rtcr the capture and the storing of it,
//          flushed to the disk (fsync), in a process that runs already
// restore  from the request to the first new line; CRIU as a new process, rtcr in a warm process, whose CPU (a worker)
//          waits for something to run; cold: the command line, with the start of Node and the worker, the module's compilation and everything else
//
// CRIU comes by scripts/install-criu.sh; where it cannot run nothing is measured, and that is said.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compilerOf } from "../scripts/guest-compilers.ts";
import type { SpareCpu as NodeSpareCpu, Supervisor as NodeSupervisor } from "../src/machine/supervisor-node.ts";
import { loadCheckpoint, nodeSha256, openDirectoryStore, saveCheckpoint } from "../src/store/index-node.ts";
import { median, rounded } from "./measure.ts";

const ROOT = join(import.meta.dirname, "..");
const CRIU_ROOT = join(ROOT, "build/criu/root");
const LIBRARIES = join(CRIU_ROOT, "usr/lib/x86_64-linux-gnu");
const CRIU = [
  join(LIBRARIES, "ld-linux-x86-64.so.2"),
  "--library-path",
  LIBRARIES,
  join(CRIU_ROOT, "usr/sbin/criu"),
] as const;
const SOURCE = "bench/guests/dirty.c";
const DEADLINE_MS = 60_000;
const GUEST_DIRECTORY = "/out";

/** Milliseconds and bytes of one dump and restore. */
interface Sample {
  readonly frozen: number;
  readonly dump: number;
  readonly restore: number;
  readonly imageBytes: number;
}

interface Programs {
  /** That of dist/: workers of the sources would read and strip TypeScript first. */
  readonly Supervisor: typeof NodeSupervisor;
  readonly SpareCpu: typeof NodeSpareCpu;
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
    },
  });
  const problem = criuProblem();
  if (problem) {
    console.log(`skipped: ${problem}`);
    return 0;
  }
  const folder = mkdtempSync(join(ROOT, ".bench-criu-"));
  try {
    const programs = await build(folder);
    const rows: object[] = [];
    for (const sizeMiB of values.sizes.split(",").map(Number)) {
      rows.push(await sizeRow(programs, folder, sizeMiB, Number(values.rounds)));
      console.error(JSON.stringify(rows.at(-1)));
    }
    console.table(rows);
    const versions = {
      criu: execFileSync(CRIU[0], [...CRIU.slice(1), "--version"], { encoding: "utf8" }).trim(),
      node: process.version,
    };
    const result = { bench: "criu", ...versions, load: loadavg(), rounds: values.rounds, rows };
    if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why CRIU cannot be used here; undefined: it can. */
function criuProblem(): string | undefined {
  if (!existsSync(CRIU[3])) return "CRIU is not there: run scripts/install-criu.sh";
  if (process.getuid?.() !== 0) return "CRIU needs root";
  if (spawnSync("gcc", ["--version"]).status !== 0) return "gcc is not there";
  const check = spawnSync(CRIU[0], [...CRIU.slice(1), "check"], { encoding: "utf8" });
  return check.status === 0 ? undefined : `CRIU cannot run here: ${check.stderr.trim().split("\n").at(-1)}`;
}

async function build(folder: string): Promise<Programs> {
  execFileSync(process.execPath, [join(ROOT, "scripts/build.js")]);
  const built = new URL("../dist/machine/supervisor-node.js", import.meta.url);
  const { Supervisor, SpareCpu } = (await import(built.href)) as Pick<Programs, "Supervisor" | "SpareCpu">;
  const programs = { Supervisor, SpareCpu, native: join(folder, "dirty"), wasm: join(folder, "dirty.wasm") };
  execFileSync("gcc", ["-O2", "-Wall", "-Werror", join(ROOT, SOURCE), "-o", programs.native]);
  await compilerOf("c").compile(join(ROOT, SOURCE), programs.wasm);
  return programs;
}

async function sizeRow(programs: Programs, folder: string, sizeMiB: number, rounds: number): Promise<object> {
  const criu: Sample[] = [];
  const rtcr: Sample[] = [];
  const cold: Pick<Sample, "dump" | "restore">[] = [];
  await rtcrSample(programs, folder, sizeMiB); // warms up
  for (let round = 0; round < rounds; round++) {
    criu.push(await criuSample(programs, folder, sizeMiB));
    rtcr.push(await rtcrSample(programs, folder, sizeMiB));
    cold.push(await coldSample(programs, folder, sizeMiB));
  }
  const ms = <K extends string>(samples: readonly Record<K, number>[], key: K) =>
    rounded(median(samples.map((sample) => sample[key])), 1);
  const mib = (samples: readonly Sample[]) =>
    rounded(median(samples.map(({ imageBytes }) => imageBytes)) / (1 << 20), 1);
  return {
    MiB: sizeMiB,
    ...{ "frozen: CRIU": ms(criu, "frozen"), rtcr: ms(rtcr, "frozen") },
    ...{ "dump: CRIU": ms(criu, "dump"), "rtcr, fsync": ms(rtcr, "dump"), "rtcr cold": ms(cold, "dump") },
    ...{
      "restore: CRIU": ms(criu, "restore"),
      "rtcr warm": ms(rtcr, "restore"),
      "rtcr restore cold": ms(cold, "restore"),
    },
    ...{ "image MiB: CRIU": mib(criu), "image rtcr": mib(rtcr) },
  };
}

/** A folder of its own for one sample, with the file that the program writes. */
async function inFolder<T>(folder: string, work: (place: string, file: string) => Promise<T>): Promise<T> {
  const place = mkdtempSync(join(folder, "sample-"));
  const file = join(place, "out", "lines");
  mkdirSync(join(place, "out"));
  try {
    return await work(place, file);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function criuSample({ native }: Programs, folder: string, sizeMiB: number): Promise<Sample> {
  return inFolder(folder, async (place, file) => {
    const images = join(place, "images");
    mkdirSync(images);
    const log = openSync(join(place, "log"), "w");
    const program = spawn(native, [String(sizeMiB), file], { detached: true, stdio: ["ignore", log, log] });
    const pid = Number(program.pid);
    const ended = new Promise((resolve) => program.once("exit", resolve));
    try {
      await grows(file, 0);
      const at = performance.now();
      const dumped = await criu("dump", "-t", String(pid), "-D", images, "--display-stats");
      const dump = performance.now() - at;
      await ended;
      const frozen = Number(/Frozen time: *(\d+) us/i.exec(dumped)?.[1]) / 1000;
      if (Number.isNaN(frozen)) throw new Error(`CRIU gave no statistics: ${dumped}`);
      const before = statSync(file).size;
      const begin = performance.now();
      const restoring = criu("restore", "-D", images, "--restore-detached");
      await grows(file, before, restoring);
      const restore = performance.now() - begin;
      await restoring;
      return { frozen, dump, restore, imageBytes: folderBytes(images) };
    } finally {
      closeSync(log);
      stopOwn(pid, native);
    }
  });
}

/** Ends a program by its id, if that is still what it was started as. */
function stopOwn(pid: number, file: string): void {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(file)) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function rtcrSample({ wasm, Supervisor, SpareCpu }: Programs, folder: string, sizeMiB: number): Promise<Sample> {
  return inFolder(folder, async (place, file) => {
    const cache = join(folder, "cache");
    mkdirSync(cache, { recursive: true });
    const module = new Uint8Array(readFileSync(wasm));
    const hash = nodeSha256(module);
    const directories = [{ hostPath: join(place, "out"), guestPath: GUEST_DIRECTORY, writable: true }];
    const spec = {
      ...{ args: ["dirty", String(sizeMiB), `${GUEST_DIRECTORY}/lines`], environment: [], memoryDirectories: [] },
      ...{ directories, holdOutput: false, deterministic: false },
    };
    const first = await Supervisor.start({ module, hash, spec, cache });
    await grows(file, 0);
    const store = await openDirectoryStore(join(place, "store"));
    const at = performance.now();
    const { state, pausedMs } = await first.captureFrozen();
    const program = { created: new Date().toISOString(), name: "dirty", program: {}, sessions: { wasi: state.wasi } };
    await saveCheckpoint(store, { ...program, group: state.group }, { sha256: nodeSha256 });
    const dump = performance.now() - at;
    await first.kill();
    const before = statSync(file).size;
    const spare = await SpareCpu.start();
    const begin = performance.now();
    const loaded = await loadCheckpoint(store, "latest", { sha256: nodeSha256, allocate: shared });
    const again = { group: loaded.group, wasi: loaded.sessions["wasi"] ?? {} };
    const resumption = { state: again, acceptChangedFiles: false, outputReleased: true };
    const second = await Supervisor.start({ module, hash, spec, cache, resumption, spare });
    await grows(file, before);
    const restore = performance.now() - begin;
    await second.kill();
    await store.close();
    return { frozen: pausedMs, dump, restore, imageBytes: folderBytes(join(place, "store")) };
  });
}

/** Memory that the CPU reads without another copy, as the command line does it. */
function shared(sizeBytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(sizeBytes));
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

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (code === 0 || signal === "SIGKILL") resolve();
      else reject(new Error(`${child.spawnargs.slice(1).join(" ")}: exit code ${code}`));
    });
  });
}

/** @returns what CRIU has printed */
function criu(...args: readonly string[]): Promise<string> {
  const child = spawn(CRIU[0], [...CRIU.slice(1), ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => (text += bytes));
  child.stderr.on("data", (bytes: Buffer) => (text += bytes));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0 ? resolve(text) : reject(new Error(`criu ${args[0]}: exit code ${code}: ${text}`)),
    );
  });
}

/** Resolves when the file is longer than it was; rejects when `work` does. */
async function grows(file: string, bytes: number, work: Promise<unknown> = Promise.resolve()): Promise<void> {
  let failed: { readonly reason: unknown } | undefined;
  work.catch((reason: unknown) => (failed = { reason }));
  const begin = performance.now();
  while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= bytes) {
    if (failed) throw failed.reason;
    if (performance.now() - begin > DEADLINE_MS) throw new Error(`${file} has not grown within ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 0)); // 1 ms: does not keep a core from those who are measured
  }
}

function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
