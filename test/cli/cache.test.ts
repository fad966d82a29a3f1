// Code that is kept in the state directory: what is in it is run, so whose it is matters; whether it is there never does.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { cli, counter, folder, Guest } from "./support.ts";

/** A state directory with a checkpoint of a counter at 1. */
async function stopped(t: TestContext): Promise<string> {
  const path = folder(t);
  const guest = new Guest(t, path, "run", counter(path));
  guest.send("a");
  await guest.says("1\n");
  assert.equal((await cli(path, "checkpoint", "--stop", "counter")).code, 0);
  await guest.ended;
  return path;
}

/** @returns what it says of itself */
async function goesOn(t: TestContext, path: string): Promise<string> {
  const guest = new Guest(t, path, "restore", "counter");
  guest.send("b");
  await guest.says("2\n");
  assert.equal(await guest.finish(), 0, guest.err);
  return guest.err;
}

/** Names in the folder of kept code. */
function kept(path: string): string[] {
  return readdirSync(join(path, "cache")).flatMap((seal) => readdirSync(join(path, "cache", seal)));
}

/** What Node says of its cache when the command line begins. */
function told(path: string, more: NodeJS.ProcessEnv = {}): string {
  const { NODE_COMPILE_CACHE: _, ...environment } = process.env;
  const env = { ...environment, RTCR_HOME: path, NODE_DEBUG_NATIVE: "COMPILE_CACHE", ...more };
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const { stderr, stdout, status } = spawnSync(process.execPath, [main, "--version"], { env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout + stderr;
}

test("a checkpoint that stops a program leaves what its restore needs of the rewriter, which finds it", async (t) => {
  const path = await stopped(t);
  assert.equal(kept(path).filter((name) => name.endsWith(".asked")).length, 1);
  await goesOn(t, path);
  assert.ok(told(path).includes(join(path, "cache")));
});

test("a restore goes on without what was kept, with it damaged, and after gc", async (t) => {
  const path = await stopped(t);
  const [seal] = readdirSync(join(path, "cache"));
  const files = kept(path).filter((name) => name !== "node");
  assert.equal(files.length, 2);
  for (const file of files)
    writeFileSync(join(path, "cache", seal!, file), "damaged, and longer than a hash is, which is 32 bytes");
  await goesOn(t, path);
  rmSync(join(path, "cache"), { recursive: true });
  await goesOn(t, path);
  assert.equal((await cli(path, "gc")).code, 0);
  await goesOn(t, path);
});

test("what gc takes away under a running program is missed by nobody", async (t) => {
  const path = folder(t);
  const guest = new Guest(t, path, "run", counter(path));
  guest.send("a");
  await guest.says("1\n");
  assert.equal((await cli(path, "gc")).code, 0);
  assert.ok(!existsSync(join(path, "cache")) || kept(path).length === 0);
  assert.equal((await cli(path, "checkpoint", "--stop", "counter")).code, 0);
  assert.equal(await guest.ended, 0);
  await goesOn(t, path);
});

for (const place of ["", "cache"]) {
  test(`no code is read or kept where others can write: ${place || "the state directory"}`, async (t) => {
    const path = await stopped(t);
    assert.ok(told(path).includes(join(path, "cache")));
    chmodSync(join(path, place), 0o777);
    const before = kept(path);
    assert.ok(!told(path).includes(join(path, "cache")));
    const warnings = (await goesOn(t, path)).match(/^warning: .*$/gm) ?? [];
    const [warning, ...more] = warnings.filter((line) =>
      line.startsWith(`warning: others can write to ${path}: no code`),
    );
    assert.deepEqual([warning !== undefined, more], [place === "", []]);
    assert.deepEqual(kept(path), before);
  });
}

test("a program runs, is stopped and restored where nothing can be kept", async (t) => {
  const path = folder(t);
  writeFileSync(join(path, "cache"), "");
  const guest = new Guest(t, path, "run", counter(path));
  guest.send("a");
  await guest.says("1\n");
  assert.equal((await cli(path, "checkpoint", "--stop", "counter")).code, 0);
  assert.equal(await guest.ended, 0, guest.err);
  await goesOn(t, path);
});

test("NODE_DISABLE_COMPILE_CACHE turns Node's part of it off", async (t) => {
  const path = await stopped(t);
  assert.ok(!told(path, { NODE_DISABLE_COMPILE_CACHE: "1" }).includes("reading cache"));
  assert.ok(told(path).includes("reading cache"));
});
