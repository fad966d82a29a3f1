// Every guest program builds, and under Node's own WASI runs to the end its row names, twice with the same output.
//
// The expected output is apps/expected/<name>.txt. To write it anew after a wanted change (review the diff):
//   ACCEPT=1 node --test test/apps.test.ts
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { APPS, type App } from "../apps/apps.ts";
import { type BuiltApp, buildApps } from "../scripts/build-apps.ts";
import { runApp } from "./run-app.ts";

const APPS_FOLDER = join(import.meta.dirname, "../apps");

let built: ReadonlyMap<string, BuiltApp>;
before(async () => {
  built = new Map((await buildApps()).map((b) => [b.app.name, b]));
});

describe("guest programs run to their expected end with their expected output", () => {
  for (const app of APPS) test(app.name, () => runsAsExpected(app));
});

describe("benchmarks", () => {
  for (const app of APPS.filter((a) => a.benchSize !== undefined)) {
    test(`${app.name} can be called repeatedly`, () => canBeCalledRepeatedly(app));
  }
});

test("tail calls do not grow the stack", async () => {
  const { app, file } = built.get("tail-call")!;
  const run = await runApp({ ...app, args: ["1000000"] }, readFileSync(file));
  assert.equal(run.ends, 0);
});

test("the manifest has unique names, and a row for every source", () => {
  assert.equal(new Set(APPS.map((app) => app.name)).size, APPS.length);
  const sources = readdirSync(APPS_FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => /^(c|cpp|rust|assemblyscript|wat|bench)\/[^/]+\.(c|cpp|rs|ts|wat)$/.test(file))
    .map((file) => `apps/${file}`);
  assert.deepEqual(sources.sort(), APPS.map((app) => app.source).sort());
});

async function runsAsExpected(app: App): Promise<void> {
  const bytes = readFileSync(built.get(app.name)!.file);
  const first = await runApp(app, bytes);
  const second = await runApp(app, bytes);
  assert.equal(first.ends, app.ends, `output: ${first.stdout}${first.stderr}`);
  assert.deepEqual(second, first);
  const expected = join(APPS_FOLDER, "expected", `${app.name}.txt`);
  if (process.env["ACCEPT"]) writeFileSync(expected, first.stdout);
  assert.ok(existsSync(expected), `${expected} is missing; write it with ACCEPT=1 node --test test/apps.test.ts`);
  assert.equal(first.stdout, readFileSync(expected, "utf8"));
}

async function canBeCalledRepeatedly(app: App): Promise<void> {
  const nothing = () => 0;
  const imports = { wasi_snapshot_preview1: new Proxy({}, { get: () => nothing }) };
  const { instance } = await WebAssembly.instantiate(readFileSync(built.get(app.name)!.file), imports);
  const run = instance.exports["run"] as (n: number) => number;
  assert.equal(run(1), run(1));
}
