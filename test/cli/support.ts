// The command line as tests call it: in this process where no guest runs, in processes of its own where one does.

import assert from "node:assert/strict";
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { main } from "../../src/cli/cli.ts";
import { assemble } from "../assemble.ts";
import "../own-config.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Leavings {
  readonly processes: ChildProcess[];
  readonly folders: string[];
}

const leavings = new WeakMap<TestContext, Leavings>();

/** What goes with a test: processes first, as they write into the folders. Hooks of a test run in the order they came in. */
function leavingsOf(t: TestContext): Leavings {
  const known = leavings.get(t);
  if (known) return known;
  const own: Leavings = { processes: [], folders: [] };
  leavings.set(t, own);
  t.after(async () => {
    await Promise.all(own.processes.map(killed));
    for (const path of own.folders) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  });
  return own;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** A folder that goes with the test, after its processes. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "rtcr-cli-"));
  leavingsOf(t).folders.push(path);
  return path;
}

/** A process that ends with the test at the latest. */
export function endsWith<Child extends ChildProcess>(t: TestContext, child: Child): Child {
  leavingsOf(t).processes.push(child);
  return child;
}

/** Runs a verb in this process, with its state in `home`. */
export async function cli(home: string, ...args: string[]): Promise<Result> {
  let out = "";
  let err = "";
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    environment: { RTCR_HOME: home },
  };
  const code = await main(args, io);
  return { code, out, err };
}

/** A process that runs a guest, talked to through its standard streams. */
export class Guest {
  readonly process: ChildProcessWithoutNullStreams;
  out = "";
  err = "";
  readonly ended: Promise<number | string>;
  over = false;

  constructor(t: TestContext, home: string, ...args: string[]) {
    const env = { ...process.env, RTCR_HOME: home };
    this.process = endsWith(t, spawn(process.execPath, [MAIN, ...args], { env }));
    this.process.stdout.setEncoding("utf8").on("data", (text: string) => (this.out += text));
    this.process.stderr.setEncoding("utf8").on("data", (text: string) => (this.err += text));
    this.process.stdin.on("error", () => {}); // it may have ended
    this.ended = new Promise((resolve) => {
      this.process.on("close", (code, signal) => {
        this.over = true;
        resolve(signal ?? code ?? -1);
      });
    });
  }

  /** Resolves when its output is exactly `text`. */
  async says(text: string): Promise<void> {
    while (this.out !== text && text.startsWith(this.out)) {
      const more = new Promise<void>((resolve) => this.process.stdout.once("data", () => setImmediate(resolve)));
      const over = await Promise.race([more.then(() => false), this.ended.then(() => true)]);
      if (over) break;
    }
    assert.equal(this.out, text, this.err);
  }

  send(text: string): void {
    this.process.stdin.write(text);
  }

  /** Ends its input; the exit code. */
  async finish(): Promise<number | string> {
    this.process.stdin.end();
    return this.ended;
  }
}

/**
 * A program that counts what it reads: for each byte of input it writes its number and a newline, to standard output
 * and, when it is given a directory, to the end of the file `log` in it. Never more than 9.
 */
export function counter(path: string): string {
  const file = join(path, "counter.wasm");
  writeFileSync(file, assemble(COUNTER));
  return file;
}

const COUNTER = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 16) "\\80\\00\\00\\00\\02\\00\\00\\00")
  (data (i32.const 200) "log")
  (func $tick (param $n i32) (param $log i32)
    (i32.store8 (i32.const 128) (i32.add (i32.const 48) (local.get $n)))
    (i32.store8 (i32.const 129) (i32.const 10))
    (drop (call $write (local.get $log) (i32.const 16) (i32.const 1) (i32.const 32)))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32))))
  (func $main (export "_start") (local $n i32) (local $log i32)
    (i32.store (i32.const 40) (i32.const 99))
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 200) (i32.const 3) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 1) (i32.const 40)))
    (local.set $log (i32.load (i32.const 40)))
    (loop $again
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))
      (if (i32.load (i32.const 32))
        (then
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (call $tick (local.get $n) (local.get $log))
          (br $again))))))`;
