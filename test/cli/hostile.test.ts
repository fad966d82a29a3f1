// What is refused, with the exact message and exit code.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { canonicalJson } from "../../src/checkpoint/index.ts";
import { assemble, assembleWithBinaryen } from "../assemble.ts";
import { cli, counter, folder, Guest, type Result } from "./support.ts";

const GC_MODULE = `(module
  (type $point (struct (field i32) (field i32)))
  (func $make (result i32)
    (struct.get $point 0 (struct.new $point (i32.const 1) (i32.const 2))))
  (func (export "_start") (drop (call $make))))`;

test("a GC module: check lists every obstacle, run refuses", async (t) => {
  const path = folder(t);
  const file = join(path, "gc.wasm");
  writeFileSync(file, assembleWithBinaryen(GC_MODULE));
  const { code, out } = await cli(path, "check", "--json", file);
  assert.equal(code, 5);
  const { saveable, obstacles } = JSON.parse(out);
  assert.equal(saveable, false);
  const named = obstacles.map(
    ({ instruction, statement }: { instruction?: string; statement: string }) => instruction ?? statement,
  );
  assert.ok(named.includes("struct.new") && named.includes("struct.get"), String(named));
  const run = await cli(path, "run", file);
  assert.equal(run.code, 5);
  assert.match(
    run.err,
    /^error: unsupported module: byte \d+, type section: .*; rtcr does not save garbage-collected objects\n$/,
  );
});

test("malformed and invalid modules, and files that are none", async (t) => {
  const path = folder(t);
  const cases: readonly [name: string, bytes: Uint8Array, err: RegExp][] = [
    ["empty", new Uint8Array(), /^error: malformed module: byte 0: expected .*\n$/],
    [
      "text",
      new TextEncoder().encode("not a module at all"),
      /^error: malformed module: byte 0: expected .*, found .*\n$/,
    ],
    [
      "cut",
      assemble("(module (func))").subarray(0, 12),
      /^error: malformed module: byte 9, type section: expected .*\n$/,
    ],
    ["invalid", assembleInvalid(), /^error: invalid module: .*\n$/],
  ];
  for (const [name, bytes, err] of cases) {
    const file = join(path, `${name}.wasm`);
    writeFileSync(file, bytes);
    for (const verb of ["check", "run"]) {
      const result = await cli(path, verb, file);
      assert.deepEqual([name, verb, result.code], [name, verb, 1], result.err);
      assert.match(result.err, err);
    }
  }
});

/** An add with one operand. */
function assembleInvalid(): Uint8Array {
  const bytes = assemble('(module (func (export "_start") (drop (i32.add (i32.const 1) (i32.const 2)))))');
  const at = Buffer.from(bytes).indexOf(Buffer.from([0x41, 1, 0x41, 2]));
  bytes.set([0x01, 0x01], at);
  return bytes;
}

test("a program that is no command", async (t) => {
  const path = folder(t);
  const file = join(path, "library.wasm");
  writeFileSync(file, assemble('(module (func (export "add")))'));
  assert.deepEqual(await cli(path, "run", file), {
    ...{ code: 1, out: "" },
    err: "error: the module exports no function _start: it is not a WASI command\n",
  });
});

test("damaged, truncated, foreign and newer images are refused whole", async (t) => {
  const path = folder(t);
  const home = join(path, "home");
  const id = await stoppedCounter(t, home, counter(path));
  const short = id.slice(0, 8);
  const broken = (name: string, breakIt: (store: string) => void): Promise<Result> => {
    const copy = join(path, name);
    cpSync(home, copy, { recursive: true });
    breakIt(join(copy, "store"));
    return cli(copy, "restore", "latest");
  };
  const manifest = (store: string) => join(store, "manifests", id);
  const edited = (file: string, edit: (bytes: Buffer) => Uint8Array) => writeFileSync(file, edit(readFileSync(file)));
  const cases: readonly [name: string, breakIt: (store: string) => void, err: RegExp][] = [
    [
      "flipped",
      (store) => edited(manifest(store), flip),
      /^error: store: manifest ([0-9a-f]{8}) reads back as [0-9a-f]{8} \(\d+ bytes\), expected \1\nhint: rtcr verify\n$/,
    ],
    [
      "cut",
      (store) => edited(manifest(store), (bytes) => bytes.subarray(0, 100)),
      /^error: store: manifest [0-9a-f]{8} reads back as [0-9a-f]{8} \(100 bytes\), expected [0-9a-f]{8}\nhint: rtcr verify\n$/,
    ],
    [
      "gone",
      (store) => renameSync(manifest(store), join(store, "elsewhere")),
      new RegExp(`^error: store: manifest ${short} is missing, expected it in the store\\n$`),
    ],
    [
      "segment",
      (store) => edited(segment(store), flip),
      /^error: store: .*(reads back as|damaged).*\n(hint: rtcr verify\n)?$/,
    ],
    [
      "segment-cut",
      (store) => edited(segment(store), (bytes) => bytes.subarray(0, bytes.length - 40)),
      /^error: store: .*\n(hint: rtcr verify\n)?$/,
    ],
    ["foreign", (store) => writeFileSync(join(store, "store.json"), "{}"), /^error: store: .*\n$/],
    [
      "newer",
      (store) => writeFileSync(join(store, "store.json"), `${canonicalJson({ $rtcr: "store", format: 2 }, 1)}\n`),
      /^error: store: .*format 2, this build reads 1.*\n$/,
    ],
  ];
  for (const [name, breakIt, err] of cases) {
    const result = await broken(name, breakIt);
    assert.deepEqual([name, result.code, result.out], [name, 4, ""], result.err);
    assert.match(result.err, err, name);
  }
});

function flip(bytes: Buffer): Uint8Array {
  bytes[50]! ^= 1;
  return bytes;
}

function segment(store: string): string {
  return join(store, "segments", readdirSync(join(store, "segments"))[0]!);
}

test("a missing directory at a restore, and another in its place", async (t) => {
  const path = folder(t);
  const data = join(path, "data");
  mkdirSync(data);
  await stoppedCounter(t, path, counter(path), "--dir", `${data}::/data:ro`);
  renameSync(data, join(path, "moved"));
  const missing = await cli(path, "restore", "latest");
  assert.equal(missing.code, 3);
  assert.match(
    missing.err,
    /^error: directories that the program is given cannot be opened: \/.*\/data \(.*\)\nhint: --dir HOST::GUEST names another directory for the program's path GUEST\n$/,
  );
  const second = new Guest(t, path, "restore", "--dir", `${join(path, "moved")}::/data:ro`, "latest");
  second.send("x");
  await second.says("2\n");
  assert.equal(await second.finish(), 0);
});

test("files that others have changed are refused, and accepted when the user says so", async (t) => {
  const path = folder(t);
  const data = join(path, "data");
  mkdirSync(data);
  await stoppedCounter(t, path, counter(path), "--dir", `${data}::/data`);
  writeFileSync(join(data, "log"), "something else");
  const refused = await cli(path, "restore", "latest");
  assert.equal(refused.code, 5, refused.err);
  assert.match(
    refused.err,
    /^error: files were changed by others since the checkpoint: \/data\/log .*\nhint: --accept-changed-files goes on with the files as they are\n$/,
  );
  const second = new Guest(t, path, "restore", "--accept-changed-files", "latest");
  second.send("x");
  await second.says("2\n");
  assert.equal(await second.finish(), 0);
});

test("the wrong module, and none", async (t) => {
  const path = folder(t);
  const program = counter(path);
  const id = await stoppedCounter(t, path, program, "--no-module");
  const other = join(path, "other.wasm");
  writeFileSync(other, assemble('(module (func (export "_start")))'));
  const wrong = await cli(path, "restore", "--module", other, "latest");
  assert.equal(wrong.code, 4);
  assert.match(
    wrong.err,
    new RegExp(
      `^error: checkpoint ${id.slice(0, 8)} was made of module [0-9a-f]{8} \\(\\d+ bytes\\), found [0-9a-f]{8} \\(\\d+ bytes\\) in ${other}\\n$`,
    ),
  );
  renameSync(join(path, "modules"), join(path, "modules-elsewhere"));
  const none = await cli(path, "restore", "latest");
  assert.equal(none.code, 3);
  assert.match(
    none.err,
    /which it does not carry and the state directory does not hold\nhint: --module FILE names its file\n$/,
  );
  const second = new Guest(t, path, "restore", "--module", program, "latest");
  second.send("x");
  await second.says("2\n");
  assert.equal(await second.finish(), 0);
});

/** Runs the counter to 1 and stops it; the id of its checkpoint. */
async function stoppedCounter(
  t: Parameters<typeof folder>[0],
  home: string,
  program: string,
  ...options: string[]
): Promise<string> {
  const guest = new Guest(t, home, "run", "--name", "counter", ...options, program);
  guest.send("x");
  await guest.says("1\n");
  const made = await cli(home, "checkpoint", "--stop", "counter");
  assert.equal(made.code, 0, made.err);
  assert.equal(await guest.ended, 0);
  return made.out.trim();
}

test("a program that cannot be begun is refused under torture as under run", async (t) => {
  const path = folder(t);
  const file = join(path, "imports.wasm");
  writeFileSync(file, assemble('(module (import "env" "f" (func $f)) (func (export "_start") (loop (call $f))))'));
  for (const options of [[], ["--fresh-process"]]) {
    const result = await cli(path, "torture", ...options, file);
    assert.deepEqual(result, { code: 5, out: "", err: "error: program: import func env.f is missing\n" });
  }
  assert.equal((await cli(path, "run", file)).code, 5);
});

test("a state directory that cannot be made is refused, not waited for", async (t) => {
  const path = folder(t);
  writeFileSync(join(path, "file"), "");
  const inFile = await cli(join(path, "file/home"), "run", counter(path));
  assert.equal(inFile.code, 1);
  assert.match(inFile.err, /^error: ENOTDIR: not a directory, mkdir '.*\/file\/home'\n$/);
  const inProc = await cli("/proc/rtcr/home", "run", counter(path));
  assert.deepEqual(inProc, { code: 3, out: "", err: "error: ENOENT: no such file or directory, mkdir '/proc/rtcr'\n" });
});

test("a program that cannot be made known is ended", async (t) => {
  const path = folder(t);
  mkdirSync(join(path, "runs/counter/run.json.new"), { recursive: true, mode: 0o700 });
  const guest = new Guest(t, path, "run", counter(path)); // waits for input that never comes
  assert.equal(await guest.ended, 1, guest.err);
  assert.match(guest.err, /^error: EISDIR: /);
});
