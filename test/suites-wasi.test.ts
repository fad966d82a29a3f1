// The runner of wasi-testsuite on small programs of our own, in both forms of the JSON file: what passes, what fails and
// why, and that the given directories stay as they were.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assemble } from "./assemble.ts";
import type { FileReport } from "./suites/report.ts";
import { runWasiSuite } from "./suites/wasi/suite.ts";

const folder = mkdtempSync(join(tmpdir(), "rtcr-suites-"));
after(() => rmSync(folder, { recursive: true }));

describe("cases of wasi-testsuite run plain and tortured", () => {
  const WASI = `(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 64) "hello.txt")
    (func $put (param $fd i32) (param $length i32)
      (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (local.get $length))
      (if (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))))`;
  /** Programs by name: the body of _start. */
  const PROGRAMS: Readonly<Record<string, string>> = {
    repeat:
      "(local i32) (loop (call $put (i32.const 1) (i32.const 5)) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 4))))",
    exit: "(call $exit (i32.const 33))",
    echo: `(loop
      (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 3))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 12)))
      (if (i32.load (i32.const 12)) (then (call $put (i32.const 1) (i32.load (i32.const 12))) (br 1))))`,
    file: `(local i32)
      (if (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16))
        (then (call $exit (i32.const 2))))
      (loop (call $put (i32.load (i32.const 16)) (i32.const 9)) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 30))))`,
    trap: "(unreachable)",
  };
  /** Cases: program, JSON, and what comes of it. */
  const CASES: Readonly<Record<string, readonly [program: string, json: object | undefined, failure?: RegExp]>> = {
    "flat output": ["repeat", { stdout: "hello".repeat(4) }],
    "flat exit code": ["exit", { exit_code: 33 }],
    "flat input": ["echo", { stdin: "one two three", stdout: "one two three" }],
    operations: [
      "echo",
      {
        operations: [
          { type: "run" },
          { type: "write", id: "stdin", payload: "Hello, " },
          { type: "write", id: "stdin", payload: "world!" },
          { type: "read", id: "stdout", payload: "Hello, wo" },
          { type: "wait" },
        ],
      },
    ],
    "operations with an exit code": ["exit", { operations: [{ type: "run" }, { type: "wait", exit_code: 33 }] }],
    dirs: ["file", { dirs: ["given.dir"] }],
    root: ["file", { root: "given.dir" }],
    "a trap": ["trap", { exit_code: 134 }],
    nothing: ["repeat", undefined],
    "wrong output": ["repeat", { stdout: "hell" }, /^expected stdout "hell", found "hellohello/],
    "wrong exit code": ["exit", {}, /^expected exit code 0, found 33/],
    "no directory": ["file", {}, /^expected exit code 0, found 2/],
    sockets: [
      "exit",
      { operations: [{ type: "run" }, { type: "connect" }] },
      /expected operations run, .* found connect$/,
    ],
    proposals: ["exit", { proposals: ["http"] }, /expected a case of preview1, found one of http$/],
  };
  const own = join(folder, "wasi");
  let reports: ReadonlyMap<string, FileReport>;

  before(async () => {
    mkdirSync(join(own, "given.dir"), { recursive: true });
    for (const [name, [program, json]] of Object.entries(CASES)) {
      writeFileSync(
        join(own, `${name}.wasm`),
        assemble(`(module ${WASI} (func (export "_start") ${PROGRAMS[program]!}))`),
      );
      if (json) writeFileSync(join(own, `${name}.json`), JSON.stringify(json));
    }
    reports = new Map((await runWasiSuite(own, { deadlineMs: 600_000 })).map((report) => [report.file, report]));
  });

  for (const [name, [program, , failure]] of Object.entries(CASES)) {
    test(name, () => {
      const { checks, points } = reports.get(`${name}.wasm`)!;
      assert.deepEqual(
        checks.map(({ way }) => way),
        ["plain", "tortured"],
      );
      for (const { status, message } of checks) {
        if (failure) assert.match(message!, failure);
        else assert.equal(`${status} ${message ?? ""}`, "passed ");
      }
      if (program === "repeat" || program === "file") assert.ok(points >= 4 || failure, `${points} points`);
    });
  }

  test("the given directory stays as it was", () => {
    assert.deepEqual(readdirSync(join(own, "given.dir")), []);
  });
});
