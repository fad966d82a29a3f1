// Sessions of browser runs, which need no browser: streams, files in memory over a capture, what is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Volume } from "memfs";
import type { SavedGroup } from "../abi/index.ts";
import { ByteRing } from "../core/index.ts";
import type { Disk } from "../core/memory-files/index.ts";
import type { Errno } from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { createWasi } from "../wasi/index.ts";
import type { RunSessions } from "./cpu.ts";
import type { WebCpuData } from "./protocol.ts";
import { openWebSessions } from "./sessions-web.ts";

const CREATE = {
  create: true,
  exclusive: false,
  truncate: false,
  directory: false,
  follow: false,
  read: true,
  write: true,
  append: false,
};
const group: SavedGroup = { abi: 1, instances: [], threads: [] };

function data(memoryDirectories: readonly string[], input: ByteRing, captured?: RunSessions): WebCpuData {
  const spec = { args: ["p"], environment: [], memoryDirectories, holdOutput: false, deterministic: true };
  const resumption = captured && {
    state: { group, wasi: createWasi(captured.sessions).capture() },
    acceptChangedFiles: false,
    outputReleased: true,
  };
  return { module: new Uint8Array(0), hash: "", spec, input: input.shared, resumption };
}

const disk = (): Disk => new Volume() as Disk;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (content: string) => new TextEncoder().encode(content);

function value<T>(attempt: Attempt<T, Errno>): T {
  assert(attempt.ok);
  return attempt.value;
}

test("streams and files in memory go on where they were captured", () => {
  const written: string[] = [];
  const output = (stream: 1 | 2, chunk: Uint8Array) => void written.push(`${stream} ${text(chunk)}`);
  const ring = ByteRing.create(64);
  ring.write(bytes("first second"));
  const before = openWebSessions(data(["/data"], ring), output, disk);
  const some = new Uint8Array(6);
  assert.equal(value(before.sessions.stdin.read(some)), 6);
  before.sessions.stdout.write(bytes("out"));
  before.sessions.stderr.write(bytes("err"));
  const { files } = before.sessions;
  const file = value(files.open(files.roots[0]!.handle, "kept.txt", CREATE));
  files.write(file, bytes("kept"), 0n);

  const after = openWebSessions(data(["/data"], ByteRing.create(64), before), output, disk);
  const rest = new Uint8Array(16);
  assert.equal(text(rest.subarray(0, value(after.sessions.stdin.read(rest)))), "second");
  assert.equal(value(after.sessions.files.read(file, rest, 0n)), 4);
  assert.equal(text(rest.subarray(0, 4)), "kept");
  assert.deepEqual(written, ["1 out", "2 err"]);
});

test("directories that a browser cannot offer are refused by name", () => {
  const open = (directories: readonly string[], captured?: RunSessions, makeDisk?: () => Disk) =>
    openWebSessions(data(directories, ByteRing.create(64), captured), () => {}, makeDisk);
  assert.throws(() => open(["/data"]), {
    code: "no-disk",
    message: /^directories in memory \(\/data\) need a disk: start the CPU by serveWebCpu\(\{ disk \}\) in a worker/,
  });
  const captured = open(["/data"], undefined, disk);
  assert.throws(() => open([], captured), {
    code: "wrong-state",
    message: /^the captured run has 1 volumes of files, expected 0: browsers offer directories in memory, not those of/,
  });
});
