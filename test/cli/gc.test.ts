// What gc leaves alone: modules of runs that begin meanwhile, and everything beside a store that it cannot read.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openHome } from "../../src/cli/home.ts";
import { keepModule, readModule } from "../../src/cli/modules.ts";
import { claimName } from "../../src/cli/runs.ts";
import { cli, counter, folder, Guest } from "./support.ts";

/** A state directory with a checkpoint of a counter at 1, and its id. */
async function stopped(t: TestContext, ...options: readonly string[]): Promise<{ path: string; id: string }> {
  const path = folder(t);
  const guest = new Guest(t, path, "run", ...options, counter(path));
  guest.send("a");
  await guest.says("1\n");
  const { code, out, err } = await cli(path, "checkpoint", "--stop", "counter");
  assert.equal(code, 0, err);
  await guest.ended;
  return { path, id: out.trim() };
}

test("S96: the module of a run that begins while gc waits for a writer stays, for the checkpoints that it will make", async (t) => {
  const { path, id } = await stopped(t, "--no-module");
  assert.equal((await cli(path, "rm", id)).code, 0);
  const home = openHome(path);
  const module = readModule(counter(path));
  const modules = () => readdirSync(join(path, "modules"));
  const store = await home.store();
  const locks = () => readdirSync(join(path, "store", "locks"));
  let collected: ReturnType<typeof cli> | undefined;
  let over = false;
  const claim = claimName(home, "later", "");
  await store.write(async () => {
    collected = cli(path, "gc").finally(() => {
      over = true;
    });
    while (!over && !locks().some((lock) => lock.startsWith("gc."))) await new Promise(setImmediate);
    claim.announce("counter", []);
    keepModule(home, module);
  });
  await store.close();
  const { code, err } = await collected!;
  claim.release();
  assert.equal(code, 0, err);
  assert.deepEqual(modules(), [`${module.hash}.wasm`]);
  for (const args of [["--dry-run"], []]) {
    assert.match((await cli(path, "gc", ...args)).out, / 1 modules/);
    assert.equal(modules().length, args.length, "nobody runs, and no checkpoint needs it");
  }
});

test("a restore that is given a module puts none back that a gc has away", async (t) => {
  const { path, id } = await stopped(t, "--no-module");
  const [name] = readdirSync(join(path, "modules"));
  const aside = `${name}.gc.${"0".repeat(12)}`;
  renameSync(join(path, "modules", name!), join(path, "modules", aside));
  assert.equal((await cli(path, "restore", "--module", join(path, "none.wasm"), id)).code, 3);
  assert.deepEqual(readdirSync(join(path, "modules")), [aside]);
});

test("gc counts files of the cache, and --dry-run what another gc that was killed had away as well", async (t) => {
  const path = folder(t);
  const modules = join(path, "modules");
  const [one, other] = ["a", "b"].map((digit) => `${digit.repeat(64)}.wasm`) as [string, string];
  mkdirSync(join(path, "cache/seal/node/v26"), { recursive: true });
  for (const name of ["cache/seal/rewritten", "cache/seal/node/v26/code", "cache/of-old"])
    writeFileSync(join(path, name), "");
  mkdirSync(modules);
  for (const name of [one, `${one}.gc.${"0".repeat(12)}`, `${other}.gc.${"1".repeat(12)}`])
    writeFileSync(join(modules, name), "");
  const foreseen = JSON.parse((await cli(path, "gc", "--dry-run", "--json")).out);
  assert.deepEqual([foreseen.cached, foreseen.modules], [3, 2]);
  assert.equal(readdirSync(modules).length, 3);
  assert.deepEqual(JSON.parse((await cli(path, "gc", "--json")).out), { ...foreseen, dryRun: false });
  assert.deepEqual([readdirSync(modules), readdirSync(join(path, "cache"))], [[], []]);
});

test("gc deletes nothing, not even the cache, when a checkpoint cannot be read", async (t) => {
  const { path } = await stopped(t);
  const [root] = readdirSync(join(path, "store/roots"));
  writeFileSync(join(path, "store/roots", root!), "{}");
  mkdirSync(join(path, "cache/of-old"));
  assert.equal((await cli(path, "gc")).code, 4);
  assert.ok(existsSync(join(path, "cache/of-old")));
});

test("a store whose mark is lost is still one: its checkpoints are listed, and what they need stays", async (t) => {
  const given = folder(t);
  const { path, id } = await stopped(t, "--no-module", "--dir", `${given}::/out`);
  const files = () => ["journals", "modules", "made"].flatMap((name) => readdirSync(join(path, name)));
  const mark = join(path, "store/store.json");
  const [before, text] = [files(), readFileSync(mark, "utf8")];
  for (const verb of ["list", "gc"]) {
    rmSync(mark);
    assert.equal((await cli(path, verb)).code, 0);
    assert.equal(readFileSync(mark, "utf8"), text);
  }
  assert.deepEqual(files(), before);
  assert.equal(JSON.parse((await cli(path, "list", "--json")).out)[0].id, id);
});

test("what a killed process has left beside the key goes", async (t) => {
  const { path } = await stopped(t);
  const leaving = join(path, `key.${"0".repeat(16)}`);
  writeFileSync(leaving, "");
  assert.equal((await cli(path, "gc", "--dry-run")).code, 0);
  assert.ok(existsSync(leaving));
  assert.equal((await cli(path, "gc")).code, 0);
  assert.ok(!existsSync(leaving) && existsSync(join(path, "key")));
});
