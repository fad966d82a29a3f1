// The embedding API from outside: the example of docs/EMBEDDING.md from the sources and from the built package, a
// compiled guest moved through stores.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";
import {
  type HostFunction,
  type HostImports,
  loadCheckpoint,
  Machine,
  type Store,
  saveCheckpoint,
} from "../src/index.ts";
import { nodeSha256, openDirectoryStore, openMemoryStore } from "../src/index-node.ts";
import { assemble } from "./assemble.ts";

const ROOT = join(import.meta.dirname, "..");
const GUIDE = readFileSync(join(ROOT, "docs/EMBEDDING.md"), "utf8");

/** The first block of a language in the guide. */
function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(GUIDE);
  assert(found, `docs/EMBEDDING.md has a block of ${language}`);
  return found[1]!;
}

/** Does something in a folder of its own. */
async function inFolder<T>(action: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-embedding-"));
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the example prints. */
function runExample(folder: string, code: string): string {
  writeFileSync(join(folder, "package.json"), "{}");
  writeFileSync(join(folder, "adder.wasm"), assemble(block("wat")));
  writeFileSync(join(folder, "example.mjs"), code);
  return execFileSync(process.execPath, ["example.mjs"], { cwd: folder, encoding: "utf8" });
}

test("the example of docs/EMBEDDING.md prints what it says, from the sources", () =>
  inFolder((folder) => {
    const sources = pathToFileURL(join(ROOT, "src/index.ts")).href;
    assert.equal(runExample(folder, block("js").replace('from "rtcr"', `from "${sources}"`)), block("text"));
  }));

test("the example runs with the built package; rtcr/node has all of rtcr", () =>
  inFolder((folder) => {
    const modules = join(folder, "node_modules");
    const installed = join(modules, "rtcr");
    mkdirSync(installed, { recursive: true });
    cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
    for (const name of ["@noble", "memfs"]) symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const build = [tsc, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(installed, "dist")];
    execFileSync(process.execPath, build, { stdio: "inherit" });
    assert.equal(runExample(folder, block("js")), block("text"));
    const same = `import * as all from "rtcr/node"; import { Machine } from "rtcr";
      console.log(all.Machine === Machine, typeof all.openDirectoryStore);`;
    assert.equal(runExample(folder, same), "true function\n");
  }));

/** Counts primes by trial division, noting them in an array that its runtime allocates and collects. */
const PRIMES = `
  @external("host", "step") declare function step(candidate: i32): void;
  class Found { constructor(public list: Array<i32>, public last: string) {} }
  export function primes(limit: i32): i32 {
    let found = new Found(new Array<i32>(), "");
    for (let candidate = 2; candidate < limit; candidate++) {
      step(candidate);
      let prime = true;
      for (let i = 0; i < found.list.length; i++) if (candidate % found.list[i] == 0) { prime = false; break; }
      if (prime) found = new Found(found.list.concat([candidate]), candidate.toString());
    }
    let sum = 0;
    for (let i = 0; i < found.list.length; i++) sum += found.list[i];
    return sum * 10000 + i32.parse(found.last);
  }`;

const LIMIT = 300;
const EXPECTED = 8275 * 10000 + 293;

/** Host functions that freeze the machine at every candidate that `stops` at. */
function stepping(machine: () => Machine, stops: (candidate: number) => boolean): HostImports {
  const call: HostFunction["call"] = (_, candidate) => {
    if (stops(candidate as number)) void machine().freeze();
    return undefined;
  };
  const abort = () => {
    throw new Error("the guest aborts");
  };
  return { host: { step: { freeze: "instant", call } }, env: { abort: { freeze: "instant", call: abort } } };
}

async function compileAssemblyScript(text: string): Promise<Uint8Array> {
  const { error, binary } = await asc.compileString(text, { optimizeLevel: 2, runtime: "incremental" });
  if (error || !binary) throw error ?? new Error("assemblyscript gave no module");
  return binary;
}

/** Every 50th candidate the machine is saved, closed and restored from the store. */
async function movedThrough(store: Store, bytes: Uint8Array): Promise<{ readonly result: unknown; moves: number }> {
  let machine = new Machine();
  const imports = stepping(
    () => machine,
    (candidate) => candidate % 50 === 0,
  );
  try {
    let thread = (await machine.load(bytes, { name: "primes", imports })).start("primes", LIMIT);
    for (let moves = 0; ; moves++) {
      while (machine.state === "running" && !thread.outcome) await turn();
      if (thread.outcome) return { result: thread.outcome, moves };
      await saveCheckpoint(store, await machine.checkpoint({ name: "primes" }), { sha256: nodeSha256 });
      machine.close();
      machine = await Machine.restore(await loadCheckpoint(store, "latest"), { imports });
      thread = machine.threads[0]!;
      machine.resume();
    }
  } finally {
    machine.close();
  }
}

test("an AssemblyScript guest goes from machine to machine, through a store in memory", async () => {
  const moved = await movedThrough(openMemoryStore(), await compileAssemblyScript(PRIMES));
  assert.deepEqual(moved, { result: { kind: "returned", results: [EXPECTED] }, moves: 5 });
});

test("an AssemblyScript guest goes from machine to machine, through a store in a directory", () =>
  inFolder(async (folder) => {
    const store = await openDirectoryStore(join(folder, "store"));
    const moved = await movedThrough(store, await compileAssemblyScript(PRIMES));
    await store.close();
    assert.deepEqual(moved, { result: { kind: "returned", results: [EXPECTED] }, moves: 5 });
  }));
