// The command line among others: readers that have gone, devices that are full, files that are none, names that would act
// on a terminal, signals. Each gives one error with a documented exit code, or none.
import assert from "node:assert/strict";
import { type SpawnOptions, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ERRNO } from "../../src/session/index.ts";
import { assemble } from "../assemble.ts";
import { cli, counter, endsWith, folder, Guest } from "./support.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

/** Runs the command line with a standard output of its own kind. @param stdout "gone": a pipe that nobody reads */
async function withOutput(home: string, stdout: "gone" | number, ...args: string[]) {
  const stdio: SpawnOptions["stdio"] = ["ignore", stdout === "gone" ? "pipe" : stdout, "pipe"];
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, RTCR_HOME: home }, stdio });
  child.stdout?.destroy();
  let err = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  const code = await new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
  return { code, err };
}

test("a reader that has gone is no failure", async (t) => {
  const home = folder(t);
  for (const args of [["list"], ["--help"], ["torture", "--help"], ["list", "--json"]]) {
    assert.deepEqual(await withOutput(home, "gone", ...args), { code: 0, err: "" }, args.join(" "));
  }
  assert.equal((await withOutput(home, "gone", "inspect", "nothing")).code, 3);
});

/** A program that writes for ever, or until that fails: then it exits with the errno if it is `heedful`. */
function writer(path: string, heedful: boolean): string {
  const file = join(path, heedful ? "heedful.wasm" : "heedless.wasm");
  const failed = heedful ? "(if (local.get 0) (then (call $exit (local.get 0))))" : "";
  writeFileSync(
    file,
    assemble(`(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "\\40\\00\\00\\00\\02\\00\\00\\00y\\n")
      (data (i32.const 64) "y\\n")
      (func (export "_start") (local i32)
        (loop $again
          (local.set 0 (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))
          ${failed}
          (br $again))))`),
  );
  return file;
}

test("a program whose reader goes away is told: one that heeds it ends as it likes", async (t) => {
  const path = folder(t);
  const program = writer(path, true);
  const guest = new Guest(t, path, "run", program);
  guest.process.stdout.once("data", () => guest.process.stdout.destroy());
  assert.deepEqual([await guest.ended, guest.err], [ERRNO.indexOf("pipe"), ""]);
  const holding = new Guest(t, path, "run", "--hold-output", counter(path));
  holding.process.stdout.destroy();
  holding.send("x");
  assert.deepEqual([await holding.finish(), holding.err], [0, ""]);
  assert.deepEqual(readdirSync(join(path, "runs/heedful")), ["lock"]);
});

test("one that does not heed it goes on, can be saved and ended, and leaves nothing", async (t) => {
  const path = folder(t);
  const guest = new Guest(t, path, "run", writer(path, false));
  await new Promise((resolve) => guest.process.stdout.once("data", resolve));
  guest.process.stdout.destroy();
  assert.match((await cli(path, "ps")).out, /^heedless /m);
  assert.equal((await cli(path, "checkpoint", "heedless")).code, 0);
  assert.equal((await cli(path, "kill", "heedless")).code, 0);
  assert.deepEqual([await guest.ended, guest.err], [137, ""]);
  assert.deepEqual(JSON.parse((await cli(path, "ps", "--json")).out), []);
  assert.deepEqual(readdirSync(join(path, "runs/heedless")), ["lock"]);
});

test("output that cannot be written is one error", { skip: process.platform !== "linux" && "/dev/full" }, async (t) => {
  const full = openSync("/dev/full", "w");
  try {
    const { code, err } = await withOutput(folder(t), full, "list");
    assert.equal(code, 1);
    assert.match(err, /^error: standard output: ENOSPC: [^\n]*\n$/);
  } finally {
    closeSync(full);
  }
});

test("held output that cannot be written is said, and held on", {
  skip: process.platform !== "linux" && "/dev/full",
}, async (t) => {
  const path = folder(t);
  const full = openSync("/dev/full", "w");
  t.after(() => closeSync(full));
  const guest = new Guest(t, path, "run", "--hold-output", counter(path));
  assert.equal(await guest.finish(), 0, "nothing was held");
  const stdio: SpawnOptions["stdio"] = ["pipe", full, "pipe"];
  const env = { ...process.env, RTCR_HOME: path };
  const child = endsWith(t, spawn(process.execPath, [MAIN, "run", "--hold-output", counter(path)], { env, stdio }));
  let err = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
  child.stdin!.write("x");
  const saved = await heldCheckpoint(path, () => child.exitCode !== null);
  const { id } = JSON.parse((await cli(path, "list", "--json")).out).at(-1);
  const what = "held output (2 bytes) could not be written: nospc; it is held on";
  assert.deepEqual(saved, {
    ...{ code: 1, out: "" },
    err: `error: checkpoint ${id.slice(0, 8)} was made, but its ${what}\n`,
  });
  assert.ok(!existsSync(join(path, "released", id)), "a restore has it still");
  child.stdin!.end();
  assert.equal(await ended, 1);
  assert.equal(err, "error: held output (2 bytes) could not be written: nospc\n");
});

test("what --checkpoint-every says of held output that was refused: the checkpoint was made", {
  skip: process.platform !== "linux" && "/dev/full",
}, async (t) => {
  const path = folder(t);
  const full = openSync("/dev/full", "w");
  t.after(() => closeSync(full));
  const stdio: SpawnOptions["stdio"] = ["pipe", full, "pipe"];
  const env = { ...process.env, RTCR_HOME: path };
  const args = ["run", "--hold-output", "--checkpoint-every", "10ms", counter(path)];
  const child = endsWith(t, spawn(process.execPath, [MAIN, ...args], { env, stdio }));
  child.stdin!.write("x");
  let err = "";
  for await (const text of child.stderr!.setEncoding("utf8")) if ((err += text).includes("\n")) break;
  const [, id] =
    /^warning: checkpoint ([0-9a-f]{8}) was made, but its held output \(2 bytes\) could not/.exec(err) ?? [];
  assert.ok(id !== undefined, err);
  assert.ok((await cli(path, "list")).out.includes(id));
});

test("when a full disk refuses held output nothing else of it is written, so that a restore writes it once", {
  skip: process.platform !== "linux" && "/dev/full",
}, async (t) => {
  const path = folder(t);
  const full = openSync("/dev/full", "w");
  t.after(() => closeSync(full));
  const program = join(path, "counter.wasm");
  writeFileSync(program, assemble(BOTH));
  const env = { ...process.env, RTCR_HOME: path };
  const stdio: SpawnOptions["stdio"] = ["pipe", full, "pipe"];
  const child = endsWith(t, spawn(process.execPath, [MAIN, "run", "--hold-output", program], { env, stdio }));
  let err = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = new Promise((resolve) => child.on("close", resolve));
  assert.equal((await heldCheckpoint(path, () => child.exitCode !== null)).code, 1);
  child.kill("SIGKILL");
  await ended;
  assert.equal(err, "");
  const restored = new Guest(t, path, "restore", "latest");
  assert.equal(await restored.finish(), 0);
  assert.deepEqual([restored.out, restored.err], ["o", "e"]);
});

/** Writes to standard output, then to standard error (a checkpoint between them is refused too), and ends with its input. */
const BOTH = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\01\\00\\00\\00\\41\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 64) "eo")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 32)))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32)))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))))`;

/** The first checkpoint that has output of the counter to hold; it is asked again until it runs and has written. */
async function heldCheckpoint(home: string, over: () => boolean) {
  for (;;) {
    const saved = await cli(home, "checkpoint", "counter");
    if (saved.code === 1 || over()) return saved;
  }
}

test("files that cannot be read or written are named", async (t) => {
  const path = folder(t);
  const program = counter(path);
  const nowhere = join(path, "no/where");
  const cases: readonly [args: readonly string[], code: number, err: string][] = [
    [["run", nowhere], 3, `cannot read ${nowhere}: no such file or directory (ENOENT)`],
    [["check", path], 1, `cannot read ${path}: illegal operation on a directory (EISDIR)`],
    [["torture", nowhere], 3, `cannot read ${nowhere}: no such file or directory (ENOENT)`],
    [["torture", "--stdin", nowhere, program], 3, `cannot read ${nowhere}: no such file or directory (ENOENT)`],
    [["rewrite", nowhere, "-o", join(path, "x")], 3, `cannot read ${nowhere}: no such file or directory (ENOENT)`],
    [["rewrite", program, "-o", path], 1, `cannot write ${path}: illegal operation on a directory (EISDIR)`],
    [["rewrite", program, "-o", nowhere], 3, `cannot write ${nowhere}: no such file or directory (ENOENT)`],
    [
      ["profile", "plot", nowhere, "-o", join(path, "x")],
      3,
      `cannot read ${nowhere}: no such file or directory (ENOENT)`,
    ],
    [["run", `${nowhere}.xml`], 3, ""],
    [["torture", "--seed", "5", program], 2, "--seed is for --points K\nhint: rtcr torture --help"],
  ];
  for (const [args, code, message] of cases) {
    const result = await cli(path, ...args);
    assert.equal(result.code, code, `${args.join(" ")}: ${result.err}`);
    assert.match(result.err, /^error: [^\n]+\n(hint: .*\n)?$/, args.join(" "));
    if (message !== "") assert.equal(result.err, `error: ${message}\n`);
  }
  assert.deepEqual(readdirSync(path).sort(), ["counter.wasm", "runs"], "nothing is left");
});

test("a result goes into a device as into a file, and through a link", async (t) => {
  const path = folder(t);
  const program = counter(path);
  assert.equal((await cli(path, "rewrite", program, "-o", "/dev/null")).code, 0);
  assert.equal(readFileSync("/dev/null").length, 0, "it is still a device");
});

test("what would act on a terminal is shown", async (t) => {
  const path = folder(t);
  const odd = join(path, "a\u001b[31m\u009b.wasm");
  const { err } = await cli(path, "run", odd);
  assert.equal(err, `error: cannot read ${path}/a\\u001b[31m\\u009b.wasm: no such file or directory (ENOENT)\n`);
  writeFileSync(odd, assemble("(module)"));
  const { out, code } = await cli(path, "check", "--json", odd);
  assert.equal(code, 0);
  assert.doesNotMatch(out, /[^\P{Cc}\n]/u);
  JSON.parse(out);
});

test("help of a verb in each way that is asked for it", async (t) => {
  const path = folder(t);
  const { out } = await cli(path, "run", "--help");
  for (const args of [
    ["run", "-h"],
    ["help", "run"],
  ]) {
    assert.deepEqual(await cli(path, ...args), { code: 0, out, err: "" });
  }
  assert.equal((await cli(path, "-h")).out, (await cli(path, "--help")).out);
  const { err, code } = await cli(path, "run", "--checkpoint-every", "-5s", "x.wasm");
  assert.equal(code, 2);
  assert.match(err, /^error: option '--checkpoint-every' argument is ambiguous\nhint: rtcr run --help\n$/);
});

test("a name that cannot be locked is not said to be taken", async (t) => {
  const path = folder(t);
  mkdirSync(join(path, "runs/counter/lock"), { recursive: true, mode: 0o700 });
  const { code, err } = await cli(path, "run", counter(path));
  assert.equal(code, 1);
  assert.match(err, /^error: the folder .*\/runs\/counter cannot be locked: [^\n]+\n$/);
});

test("a signal ends a run, and torture with what it has made for itself", async (t) => {
  const path = folder(t);
  const program = join(path, "endless.wasm");
  writeFileSync(program, assemble('(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))'));
  const until = async (there: () => Promise<boolean> | boolean) => {
    while (!(await there())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const run = new Guest(t, path, "run", "--name", "endless", program);
    await until(async () => run.over || (await cli(path, "ps")).out.includes("endless"));
    run.process.kill(signal);
    assert.deepEqual([await run.ended, run.err], [code, ""]);
    assert.doesNotMatch((await cli(path, "ps")).out, /endless/);

    const scratch = join(path, signal);
    mkdirSync(scratch);
    const env = { ...process.env, TMPDIR: scratch };
    const torture = endsWith(t, spawn(process.execPath, [MAIN, "torture", program], { env, stdio: "ignore" }));
    await until(() => torture.exitCode !== null || readdirSync(scratch).length > 0);
    torture.kill(signal);
    assert.equal(await new Promise((resolve) => torture.on("close", (exit, by) => resolve(by ?? exit))), code);
    assert.deepEqual(readdirSync(scratch), []);
  }
});
