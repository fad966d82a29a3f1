// CRIU for benches: whether it can be used, a dump and a restore of a native program, and what else a sample needs.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..");
const CRIU_ROOT = join(ROOT, "build/criu/root");
const LIBRARIES = join(CRIU_ROOT, "usr/lib/x86_64-linux-gnu");
const CRIU = [
  join(LIBRARIES, "ld-linux-x86-64.so.2"),
  "--library-path",
  LIBRARIES,
  join(CRIU_ROOT, "usr/sbin/criu"),
] as const;
const DEADLINE_MS = 60_000;

/** Milliseconds and bytes of one dump and restore. */
export interface Sample {
  readonly frozen: number;
  readonly dump: number;
  readonly restore: number;
  readonly imageBytes: number;
}

export interface CriuSample extends Sample {
  readonly flushed: number;
}

/** Why CRIU cannot be used here; undefined: it can. */
export function criuProblem(): string | undefined {
  if (!existsSync(CRIU[3])) return "CRIU is not there: run scripts/install-criu.sh";
  if (process.getuid?.() !== 0) return "CRIU needs root";
  if (spawnSync("gcc", ["--version"]).status !== 0) return "gcc is not there";
  const check = spawnSync(CRIU[0], [...CRIU.slice(1), "check"], { encoding: "utf8" });
  return check.status === 0 ? undefined : `CRIU cannot run here: ${check.stderr.trim().split("\n").at(-1)}`;
}

export function criuVersion(): string {
  return execFileSync(CRIU[0], [...CRIU.slice(1), "--version"], { encoding: "utf8" }).trim();
}

/** A module of dist/. */
export function fromDist<T>(path: string): Promise<T> {
  return import(new URL(`../dist/${path}`, import.meta.url).href);
}

/** A folder of its own for one sample, with the file that the program writes. */
export async function inFolder<T>(folder: string, work: (place: string, file: string) => Promise<T>): Promise<T> {
  const place = mkdtempSync(join(folder, "sample-"));
  const file = join(place, "out", "lines");
  mkdirSync(join(place, "out"));
  try {
    return await work(place, file);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** @param args of the program, given the file that it is to write lines to */
export function criuSample(
  native: string,
  folder: string,
  args: (file: string) => readonly string[],
): Promise<CriuSample> {
  return inFolder(folder, async (place, file) => {
    const images = join(place, "images");
    mkdirSync(images);
    const log = openSync(join(place, "log"), "w");
    const program = spawn(native, args(file), { detached: true, stdio: ["ignore", log, log] });
    const pid = Number(program.pid);
    const ended = new Promise((resolve) => program.once("exit", resolve));
    try {
      await grows(file, 0);
      const at = performance.now();
      const dumped = await criu("dump", "-t", String(pid), "-D", images, "--display-stats");
      const dump = performance.now() - at;
      flushFolder(images);
      const flushed = performance.now() - at;
      await ended;
      const frozen = Number(/Frozen time: *(\d+) us/i.exec(dumped)?.[1]) / 1000;
      if (Number.isNaN(frozen)) throw new Error(`CRIU gave no statistics: ${dumped}`);
      const before = statSync(file).size;
      const begin = performance.now();
      const restoring = criu("restore", "-D", images, "--restore-detached");
      await grows(file, before, restoring);
      const restore = performance.now() - begin;
      await restoring;
      return { frozen, dump, flushed, restore, imageBytes: folderBytes(images) };
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

export function exitOf(child: ChildProcess): Promise<void> {
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
export async function grows(file: string, bytes: number, work: Promise<unknown> = Promise.resolve()): Promise<void> {
  let failed: { readonly reason: unknown } | undefined;
  work.catch((reason: unknown) => (failed = { reason }));
  const begin = performance.now();
  while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= bytes) {
    if (failed) throw failed.reason;
    if (performance.now() - begin > DEADLINE_MS) throw new Error(`${file} has not grown within ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 0)); // 1 ms: does not keep a core from those who are measured
  }
}

function flushFolder(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = openSync(join(folder, name), "r");
    fsyncSync(file);
    closeSync(file);
  }
}

export function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
