// Verbs that run no guest, or run it to torture it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openHome } from "../../src/cli/home.ts";
import { compareOutcomes, compareTrees, type Outcome } from "../../src/cli/torture/outcome.ts";
import { VERBS } from "../../src/cli/verbs/index.ts";
import { assemble } from "../assemble.ts";
import { cli, counter, folder, Guest } from "./support.ts";

test("every verb has a help with its usage and the exit codes", async (t) => {
  const path = folder(t);
  for (const { name, usage } of await Promise.all(VERBS.map((verb) => verb.load()))) {
    const { code, out, err } = await cli(path, name, "--help");
    assert.deepEqual([code, err], [0, ""], name);
    assert.ok(out.startsWith(`usage: rtcr ${name} ${usage}\n`), name);
    assert.match(
      out,
      /\nexit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 damaged checkpoint, 5 refused, 6 peer lost\n$/,
    );
  }
  assert.equal((await cli(path, "--help")).code, 0);
  assert.equal((await cli(path)).code, 2);
});

test("usage errors say what was found and what was expected", async (t) => {
  const path = folder(t);
  const cases: readonly [args: string, err: string][] = [
    [
      "fly",
      'no verb "fly", expected run, ps, checkpoint, restore, kill, list, inspect, diff, verify, rm, gc, check, rewrite, torture, profile',
    ],
    ["run --fly x", "unknown option '--fly'"],
    ["checkpoint", "0 operands, expected 1: rtcr checkpoint [--stop] [--child CHILD]... [--json] NAME"],
    ["run --checkpoint-every soon x", '--checkpoint-every is "soon", expected a time such as 500ms, 5s, 2m or 1h'],
    ["run --env NAME x", '--env is "NAME", expected NAME=value'],
    ["run --dir ::/data x", '--dir is "::/data", expected HOST::GUEST, HOST::GUEST:ro or HOST'],
    ["torture --every 0 x", '--every is "0", expected a whole number of at least 1'],
    ["rewrite x", "no output file, expected -o OUT.wasm"],
  ];
  writeFileSync(join(path, "x"), assemble("(module)"));
  for (const [args, err] of cases) {
    const result = await cli(path, ...args.split(" ").map((arg) => (arg === "x" ? join(path, "x") : arg)));
    assert.deepEqual([args, result.code, result.err.split("\n")[0]], [args, 2, `error: ${err}`]);
  }
});

test("the version is the package's", async (t) => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  for (const arg of ["--version", "-V", "version"]) {
    assert.deepEqual(await cli(folder(t), arg), { code: 0, out: `rtcr ${version}\n`, err: "" });
  }
});

test("verbs that read make no state directory, and those that collect none either", async (t) => {
  const home = join(folder(t), "none");
  for (const [args, code] of [
    ["list", 0],
    ["ps", 0],
    ["verify", 0],
    ["gc", 0],
    ["gc --dry-run --json", 0],
    ["inspect latest", 3],
    ["inspect --live x", 3],
    ["restore latest", 3],
    ["restore latest x.xml", 3],
    ["diff a b", 3],
    ["rm latest", 3],
    ["kill x", 3],
    ["checkpoint x", 3],
    ["run x.wasm", 3],
  ] as const) {
    const result = await cli(home, ...args.split(" "));
    assert.deepEqual([args, result.code], [args, code], result.err);
    assert.ok(!existsSync(home), args);
  }
});

test("gc empties its cache first, for the room that it needs itself", {
  skip: process.platform === "win32",
}, async (t) => {
  const home = folder(t);
  const guest = new Guest(t, home, "run", counter(home));
  assert.equal(await guest.finish(), 0, guest.err);
  const cached = join(home, "cache", "of-old");
  mkdirSync(cached);
  await openHome(home)
    .store()
    .then((store) => store.close());
  // No file can be written to, as if the disk were full: the lock of the store's gc cannot.
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const script = `ulimit -f 0; exec "${process.execPath}" "${main}" gc`;
  const { status, stderr } = spawnSync("sh", ["-c", script], { env: { ...process.env, RTCR_HOME: home } });
  assert.equal(status, 1, String(stderr));
  assert.match(String(stderr), /^error: store: EFBIG/);
  assert.ok(!existsSync(cached));
});

test("a store without checkpoints", async (t) => {
  const path = folder(t);
  for (const verb of ["restore", "inspect", "verify", "rm"]) {
    assert.deepEqual(await cli(path, verb, "latest"), {
      ...{ code: 3, out: "" },
      err: "error: store: no checkpoint latest, expected latest, a run name or an id; the store holds no checkpoint\nhint: rtcr list\n",
    });
  }
  assert.deepEqual(JSON.parse((await cli(path, "list", "--json")).out), []);
});

test("rm and gc delete what no checkpoint needs, and tell before", async (t) => {
  const path = folder(t);
  const data = join(path, "data");
  mkdirSync(data);
  const home = join(path, "home");
  const guest = new Guest(t, home, "run", "--dir", `${data}::/data`, counter(path));
  guest.send("x");
  await guest.says("1\n");
  const id = (await cli(home, "checkpoint", "--stop", "counter")).out.trim();
  await guest.ended; // which is when Node keeps the code that it has compiled
  assert.equal((await cli(home, "verify", id)).code, 0);
  assert.equal((await cli(home, "rm", "--dry-run", "latest")).out, `${id}\n`);
  assert.equal(JSON.parse((await cli(home, "gc", "--json")).out).deletedPages, 0);
  assert.equal(readdirSync(join(home, "journals")).length, 1);
  assert.equal((await cli(home, "rm", "latest")).out, `${id}\n`);
  const foreseen = JSON.parse((await cli(home, "gc", "--dry-run", "--json")).out);
  assert.ok(existsSync(join(home, "store/manifests", id)));
  const done = JSON.parse((await cli(home, "gc", "--json")).out);
  assert.deepEqual({ ...foreseen, dryRun: false }, done);
  assert.ok(done.deletedManifests === 1 && done.deletedPages > 0 && done.journals === 1, JSON.stringify(done));
  assert.equal(existsSync(join(home, "store/manifests", id)), false);
  assert.equal(readdirSync(join(home, "journals")).length, 0);
});

/** Sums up in a loop, and ends with the sum as exit code. */
const LOOP = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $sum (param $n i32) (result i32) (local $s i32)
    (loop $again
      (local.set $s (i32.add (local.get $s) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func (export "_start") (call $exit (i32.rem_u (call $sum (i32.const 1000)) (i32.const 100)))))`;

test("torture: every n-th point, random ones, in fresh processes; none is a failure", async (t) => {
  const path = folder(t);
  const file = join(path, "loop.wasm");
  writeFileSync(file, assemble(LOOP));
  const tortured = async (...args: string[]) => {
    const { code, out } = await cli(path, "torture", "--json", ...args, file);
    return { code, ...JSON.parse(out) };
  };
  const all = await tortured("--verbose");
  assert.deepEqual([all.code, all.identical, all.taken], [0, true, all.safePoints]);
  assert.equal(all.ending, "exited, exit code 0");
  assert.deepEqual([all.reached, all.unreached], [all.sites, []]);
  const third = await tortured("--every", "3");
  assert.deepEqual([third.code, third.taken], [0, Math.floor(all.safePoints / 3)]);
  const few = await tortured("--points", "5", "--seed", "1");
  assert.deepEqual([few.code, few.taken], [0, 5]);
  const fresh = await tortured("--points", "2", "--seed", "1", "--fresh-process");
  assert.deepEqual([fresh.code, fresh.taken, fresh.identical], [0, 2, true]);
  const none = await tortured("--every", "1000000");
  assert.deepEqual([none.code, none.taken, none.identical], [1, 0, true]);
});

test("torture: input is that of the process, taken when the program asks for it", async (t) => {
  const path = folder(t);
  const reading = new Guest(t, join(path, "home"), "torture", "--json", counter(path));
  reading.send("ab");
  reading.send("c");
  assert.equal(await reading.finish(), 0, reading.err);
  const three = JSON.parse(reading.out);
  const fresh = new Guest(t, join(path, "home"), "torture", "--json", "--points=2", "--fresh-process", counter(path));
  fresh.send("abc");
  assert.equal(await fresh.finish(), 0, fresh.err);
  assert.equal(JSON.parse(fresh.out).safePoints, three.safePoints);
  writeFileSync(join(path, "none"), "");
  const none = JSON.parse((await cli(path, "torture", "--json", "--stdin", join(path, "none"), counter(path))).out);
  assert.ok(three.taken > none.taken && none.taken > 0, `${three.taken} points with input, ${none.taken} without`);
  const file = join(path, "loop.wasm");
  writeFileSync(file, assemble(LOOP));
  const other = new Guest(t, join(path, "home"), "torture", file); // its input stays open
  assert.equal(await other.ended, 0, other.err);
});

test("differences between two runs are named", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const outcome: Outcome = { kind: "returned", exitCode: 0, message: "", stdout: bytes("abc"), stderr: bytes("") };
  assert.equal(compareOutcomes(outcome, { ...outcome }), undefined);
  const cases: readonly [Partial<Outcome>, string][] = [
    [{ stdout: bytes("abx") }, 'stdout differs at byte 2: expected "c", found "x"'],
    [{ stdout: bytes("ab") }, 'stdout differs at byte 2: expected "c", found the end (2 bytes)'],
    [{ stderr: bytes("!") }, 'stderr differs at byte 0: expected the end (0 bytes), found "!"'],
    [{ kind: "exited", exitCode: 3 }, "ending differs: expected returned (exit code 0), found exited (exit code 3)"],
  ];
  for (const [change, text] of cases) assert.equal(compareOutcomes(outcome, { ...outcome, ...change })?.text, text);
  assert.equal(
    compareTrees(
      new Map([["/a", "a directory"]]),
      new Map([
        ["/a", "a directory"],
        ["/b", "a directory"],
      ]),
    )?.text,
    "file /b differs: expected nothing, found a directory",
  );
});
