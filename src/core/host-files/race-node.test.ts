// A second thread that swaps directories, files and links while paths through them are resolved: nothing outside of the
// given directory is ever read, written, created, removed or listed. (S: no way out of the given directories.)

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { createFileSystem } from "../files/index.ts";
import { Shell } from "../files/shell.test.ts";
import { JournaledVolume } from "./journaled-volume-node.ts";
import { HostVolume } from "./volume-node.ts";

const ROUNDS = 4000;
/** Of the other thread, which may have no time for that in so many rounds: then there are more. */
const LEAST_TURNS = 100;

/** Swaps `in/x` between what is harmless and a way out, by renames, until told to stop; plain JavaScript, by text. */
const SWAPPER = `
  const { workerData, parentPort } = require("node:worker_threads");
  const fs = require("node:fs");
  const { base, flags } = workerData;
  fs.mkdirSync(base + "/real-dir");
  fs.writeFileSync(base + "/real-dir/secret", "inside");
  fs.writeFileSync(base + "/real-file", "inside");
  const ways = [
    ["dir", base + "/real-dir", "../../out"],
    ["dir", base + "/real-dir", workerData.out],
    ["file", base + "/real-file", "../../out/secret"],
    ["file", base + "/real-file", workerData.out + "/secret"],
    ["new", undefined, "../../out/made"],
  ];
  let turns = 0;
  for (; Atomics.load(flags, 0) === 0; Atomics.store(flags, 1, ++turns)) {
    const [name, real, way] = ways[turns % ways.length];
    const path = base + "/in/" + name;
    try {
      fs.symlinkSync(way, base + "/link");
      if (real !== undefined) fs.renameSync(real, path);
      for (let spin = 0; spin < turns % 700; spin++);
      if (real !== undefined) fs.renameSync(path, real);
      fs.renameSync(base + "/link", path);
      for (let spin = 0; spin < turns % 500; spin++);
      fs.unlinkSync(path);
    } catch {
      for (const rest of [base + "/link", path]) fs.rmSync(rest, { force: true, recursive: name === "new" });
      if (real !== undefined && !fs.existsSync(real)) {
        if (name === "dir") { fs.mkdirSync(real); fs.writeFileSync(real + "/secret", "inside"); }
        else fs.writeFileSync(real, "inside");
      }
    }
    if (turns === 0) parentPort.postMessage("ready");
  }
`;

/** What a program tries; none of it may ever see or touch what is outside. */
const TRIES: readonly string[] = [
  "read dir/secret", "read file", "write dir/secret hacked", "write file hacked", "append file hacked", "resize file 0",
  "write dir/made x", "create dir/made", "mkdir dir/made", "unlink dir/secret", "rename dir/secret dir/gone", "write new x",
  "link dir/secret dir/linked", "linkf file linked", "symlink x dir/made", "touch file 1000000", "touch dir/secret 1000000",
  "ls dir", "rmdir dir/sub", "kind dir/secret", "size file", "rename file dir/file", "read dir/../dir/secret", "readlink dir/deep",
]; // biome-ignore format: one table

async function race(make: (root: string, base: string) => Shell): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), "rtcr-race-"));
  const out = join(base, "out");
  for (const path of [out, join(out, "sub"), join(base, "root"), join(base, "root", "in")]) mkdirSync(path);
  writeFileSync(join(out, "secret"), "outside, 17 bytes");
  const before = statSync(join(out, "secret"), { bigint: true });
  const shell = make(join(base, "root", "in"), base);
  /** Whether it is to stop, and how many turns it has made. */
  const flags = new Int32Array(new SharedArrayBuffer(8));
  const workerData = { base: join(base, "root"), out, flags };
  const worker = new Worker(SWAPPER, { eval: true, workerData });
  await new Promise((resolve) => worker.once("message", resolve));
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  const seen = new Set<string>();
  const met = () => Atomics.load(flags, 1) >= LEAST_TURNS && seen.has("perm");
  for (let i = 0; i < ROUNDS || !met(); i++) seen.add(shell.give(TRIES[i % TRIES.length]!));
  Atomics.store(flags, 0, 1);
  await ended;
  shell.files.dispose();

  assert(!seen.has("outside, 17 bytes") && !seen.has("17"), "nothing outside was read");
  assert(![...seen].some((text) => text.includes("sub")), "nothing outside was listed");
  assert.deepEqual(readdirSync(out).sort(), ["secret", "sub"], "nothing outside was created or removed");
  assert.equal(readFileSync(join(out, "secret"), "utf8"), "outside, 17 bytes");
  assert.equal(statSync(join(out, "secret"), { bigint: true }).mtimeNs, before.mtimeNs);
  assert.equal(statSync(join(out, "secret")).nlink, 1);
  assert(existsSync(join(out, "sub")));
  rmSync(base, { recursive: true });
}

test("links swapped by another thread", async () => {
  await race((hostPath) => {
    const volume = new HostVolume([{ hostPath, guestPath: "/", writable: true }]);
    return new Shell(createFileSystem([volume]));
  });
});

test("links swapped by another thread, with a journal", async () => {
  await race((hostPath, base) => {
    const directories = [{ hostPath, guestPath: "/", writable: true }];
    const files = createFileSystem([new JournaledVolume({ directories, journal: join(base, "journal") })]);
    files.capture();
    return new Shell(files);
  });
});
