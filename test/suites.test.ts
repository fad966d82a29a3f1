// The runners of public suites on scripts of our own (test/suites/wast): every script passes all three ways, what is
// skipped is exactly what is named here, and what is wrong is reported as failed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assemble } from "./assemble.ts";
import { count, type FileReport } from "./suites/report.ts";
import { runSpecSuite } from "./suites/spec/suite.ts";
import { convertWast } from "./suites/wast.ts";

const WAST = join(import.meta.dirname, "suites/wast");
const SCRIPTS = globSync("*.wast", { cwd: WAST }).sort();
const ROOT = join(import.meta.dirname, "..");

/** What is skipped, by script: line, ways, reason. */
const SKIPS: Readonly<Record<string, readonly string[]>> = {
  "refused.json": [
    "14 plain rewritten: a module in the text format: rtcr reads the binary format only",
    "30 plain rewritten tortured: a module in the text format: rtcr reads the binary format only",
    "32 plain rewritten tortured: unsupported module: byte 11, type section: type 0 is a struct type; rtcr does not save garbage-collected objects",
    "35 plain rewritten tortured: needs the module of line 32: unsupported module: byte 11, type section: type 0 is a struct type; rtcr does not save garbage-collected objects",
  ],
  "tables.json": [
    "64 tortured: an object of the host (Object) is held as externref; only functions of the program can be saved",
  ],
};

const folder = mkdtempSync(join(tmpdir(), "rtcr-suites-"));
after(() => rmSync(folder, { recursive: true }));

describe("scripts of the specification pass on the plain engine, rewritten and tortured", () => {
  let reports: ReadonlyMap<string, FileReport>;
  before(async () => {
    for (const name of SCRIPTS) convertWast(name, readFileSync(join(WAST, name), "utf8"), folder);
    reports = new Map((await runSpecSuite(folder, { deadlineMs: 600_000 })).map((report) => [report.file, report]));
  });

  for (const name of SCRIPTS) {
    const file = `${basename(name, ".wast")}.json`;
    test(file, () => {
      const { checks, points, captures } = reports.get(file)!;
      const failed = checks.filter((check) => check.status === "failed");
      assert.deepEqual(failed, []);
      assert.deepEqual(skips(reports.get(file)!), SKIPS[file] ?? []);
      if (file !== "refused.json" && file !== "threads.json")
        assert.ok(points >= 10 && captures >= 3, `${points} points, ${captures} captures`);
    });
  }
});

describe("what a script gets wrong is a failure, and the exit code is 1", () => {
  const WRONG = `(module (func (export "one") (result i32) (i32.const 1)) (func (export "trap") (unreachable)))
    (assert_return (invoke "one") (i32.const 2))
    (assert_trap (invoke "one") "unreachable")
    (assert_return (invoke "trap"))
    (assert_exhaustion (invoke "trap") "call stack exhausted")
    (assert_invalid (module (func)) "type mismatch")
    (assert_return (invoke "one") (i32.const 1))`;
  const output = suite("wrong", (own) => convertWast("wrong.wast", WRONG, own));

  test("each line is named once, with the ways it fails in", () => {
    assert.equal(output.status, 1);
    assert.deepEqual(
      output.stdout.split("\n").filter((line) => line.startsWith("failed")),
      [
        "failed wrong.json:2 assert_return (plain, rewritten, tortured): expected i32 2, found i32 0x00000001",
        "failed wrong.json:3 assert_trap (plain, rewritten, tortured): expected trapped, found a return",
        "failed wrong.json:4 assert_return (plain, rewritten, tortured): expected returned, found trapped: unreachable",
        "failed wrong.json:5 assert_exhaustion (plain, rewritten, tortured): expected exhausted, found trapped: unreachable",
        'failed wrong.json:6 assert_invalid (plain): the engine accepts it, expected "type mismatch"',
        'failed wrong.json:6 assert_invalid (rewritten): rtcr accepts it, expected "type mismatch"',
      ],
    );
    assert.match(output.stdout, /\n6 passed, 14 failed\n$/);
  });

  test("the JSON file has counts, failures and skips", () => {
    const { passed, failed, skipped, ways, failures } = output.json;
    assert.deepEqual({ passed, failed, skipped }, { passed: 6, failed: 14, skipped: 0 });
    assert.deepEqual(ways["tortured"], { passed: 2, failed: 4, skipped: 0 });
    assert.equal(failures.length, 14);
  });
});

test("wast2json's dialect: no module_type, alternatives beside the action", () => {
  const wat = '(module (func (export "f") (param f32) (result f32) (f32.add (local.get 0) (f32.const 1))))';
  const f32 = (value: string) => ({ type: "f32", value });
  const output = suite("dialect", (own) => {
    writeFileSync(join(own, "d.0.wasm"), assemble(wat));
    const invoke = (value: string) => ({ type: "invoke", field: "f", args: [f32(value)] });
    const commands = [
      { type: "module", line: 1, filename: "d.0.wasm" },
      { type: "assert_return", line: 2, action: invoke("1065353216"), either: [f32("1"), f32("1073741824")] },
      { type: "assert_return", line: 3, action: invoke("2143289344"), expected: [f32("nan:canonical")] },
      { type: "assert_return", line: 4, action: invoke("2141192192"), expected: [{ type: "f32" }] },
    ];
    writeFileSync(join(own, "d.json"), JSON.stringify({ source_filename: "d.wast", commands }));
  });
  assert.match(output.stdout, /\n12 passed, 0 failed\n$/);
  assert.equal(output.status, 0);
});

test("a script that never ends is a failure", async () => {
  const own = join(folder, "endless");
  mkdirSync(own);
  convertWast("endless.wast", '(module (func (export "f") (loop (br 0))))(invoke "f")', own);
  const reports = await runSpecSuite(own, { deadlineMs: 10_000 });
  assert.deepEqual(count(reports[0]!.checks), { passed: 0, failed: 3, skipped: 0 });
  assert.equal(reports[0]!.checks[0]!.message, "no end within 10 s");
});

test("an empty folder and a missing argument are refused", () => {
  assert.equal(suite("empty", () => {}).status, 1);
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/suite-spec.ts")], { encoding: "utf8" });
  assert.equal(status, 2);
  assert.match(stderr, /^usage: npm run suite:spec -- DIR/);
});

function skips(report: FileReport): string[] {
  const lines = new Map<string, string[]>();
  for (const { line, way, status, message } of report.checks) {
    if (status !== "skipped") continue;
    const key = `${line}\0${message}`;
    lines.set(key, [...(lines.get(key) ?? []), way]);
  }
  return [...lines].map(([key, ways]) => key.replace("\0", ` ${ways.join(" ")}: `));
}

interface SuiteOutput {
  readonly status: number | null;
  readonly stdout: string;
  readonly json: {
    readonly passed: number;
    readonly failed: number;
    readonly skipped: number;
    readonly ways: Readonly<Record<string, object>>;
    readonly failures: readonly object[];
  };
}

/** Runs the command on a folder that `fill` has filled. */
function suite(name: string, fill: (folder: string) => void): SuiteOutput {
  const own = join(folder, name);
  mkdirSync(own);
  fill(own);
  const file = join(folder, `${name}-report.json`);
  const args = [join(ROOT, "scripts/suite-spec.ts"), own, "--json", file];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, stdout, json: stdout === "" ? {} : JSON.parse(readFileSync(file, "utf8")) };
}
