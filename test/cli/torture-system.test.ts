// rtcr torture SYSTEM.xml: what it prints, and what it refuses. Systems that it is tried on: test/tortured/.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { writeSystem } from "../tortured/tortured.ts";
import { cli, folder } from "./support.ts";

/** A system whose supervisor has these children. */
function system(t: TestContext, programs: readonly string[], children: string): { path: string; file: string } {
  const path = folder(t);
  return { path, file: writeSystem(path, { programs, children }) };
}

const TWO = `<start name="sheep_counter_timer"><config turns="5" sleep_ms="3"/></start>
<start name="stack_counter"><config turns="3" iterations="20"/></start>`;

for (const [strategy, where] of [
  ...[["direct"], ["bootstrap"], ["direct", "--in-place"], ["bootstrap", "--in-place"]],
  ...[
    ["direct", "--fresh-process"],
    ["bootstrap", "--fresh-process"],
  ],
]) {
  const how = [strategy, where].join(" ").trim();
  test(`S88, S97: children that are restored together again and again notice nothing (${how})`, async (t) => {
    const { path, file } = system(t, ["sheep_counter_timer", "stack_counter"], TWO);
    const points = where === "--fresh-process" ? 3 : 6;
    const args = ["--json", "--points", `${points}`, "--seed", "7", "--strategy", strategy!, ...(where ? [where] : [])];
    const { code, out, err } = await cli(path, "torture", ...args, file);
    assert.equal(code, 0, err + out);
    const report = JSON.parse(out);
    assert.deepEqual(
      [report.supervisor, report.strategy, report.inPlace, report.freshProcess, report.seed, report.identical],
      ["init -> rtcr", strategy, where === "--in-place", where === "--fresh-process", 7, true],
    );
    assert.ok(report.taken >= points / 2 && report.taken <= points, out);
    assert.equal(report.lines, 10); // 5 and 3, and two exits
  });
}

const ROUTED = `<parent-provides>${["PD", "CPU", "ROM", "RM", "LOG", "Timer"]
  .map((name) => `<service name="${name}"/>`)
  .join("")}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;

/** A supervisor in an init that a supervisor keeps, with a child of the same name as one outside. */
const INNER = `<start name="stack_counter"><config turns="2" iterations="10"/></start>
<start name="middle" caps="3000" ram="60M"><binary name="init"/><config>
  ${ROUTED}
  <start name="inner" caps="2000" ram="40M"><binary name="rtcr"/><config>
    ${ROUTED}<default caps="300" ram="8M"/>
    <start name="sheep_counter_timer"><config turns="4" sleep_ms="3"/></start>
    <start name="stack_counter"><config turns="2" iterations="10"/></start></config></start></config></start>`;

const FILES = `<start name="files" caps="300" ram="12M"><config><arg value="6"/></config></start>`;

test("S93, S97: a supervisor beneath another one is tortured by its label; what there is, is listed", async (t) => {
  const { path, file } = system(t, ["sheep_counter_timer", "stack_counter"], INNER);
  const label = "init -> rtcr -> middle -> inner";
  for (const more of [["--strategy", "bootstrap"], ["--in-place"]]) {
    const args = ["--json", "--points", "4", "--seed", "3", ...more, "--supervisor", label, file];
    const { code, out, err } = await cli(path, "torture", ...args);
    assert.equal(code, 0, err + out);
    const { supervisor, taken, identical } = JSON.parse(out);
    assert.deepEqual([supervisor, identical, taken >= 2], [label, true, true], out);
  }
  const { code, err } = await cli(path, "torture", "--supervisor", "init -> inner", file);
  const there = `there are init -> rtcr (stack_counter, middle); ${label} (sheep_counter_timer, stack_counter)`;
  assert.deepEqual([code, err], [3, `error: ${file}: no supervisor "init -> inner"; ${there}\n`]);
});

test("S71, S88, S97, S108: increments, files and an inner supervisor's children go over to fresh processes", async (t) => {
  const { path, file } = system(t, ["sheep_counter_timer", "stack_counter", "files"], INNER + FILES);
  const label = "init -> rtcr -> middle -> inner";
  for (const more of [
    ["--supervisor", "init -> rtcr", "--memory-fs"],
    ["--supervisor", label, "--strategy", "bootstrap"],
  ]) {
    const args = ["--json", "--points", "4", "--seed", "5", "--fresh-process", "--increments", "1", ...more, file];
    const { code, out, err } = await cli(path, "torture", ...args);
    assert.equal(code, 0, err + out);
    const { taken, identical, increments, files } = JSON.parse(out);
    assert.ok(identical && taken >= 3 && increments === taken && files > 0 === more.includes("--memory-fs"), out);
  }
});

test("S97: restores that stand by are counted, and told to go on also where only the configuration lets them", async (t) => {
  const { path, file } = system(t, ["sheep_counter_timer", "stack_counter"], TWO);
  const run = async (...more: readonly string[]) => {
    const { code, out, err } = await cli(path, "torture", "--points", "3", "--seed", "7", "--in-place", ...more, file);
    assert.equal(code, 0, err + out);
    return out;
  };
  assert.match(await run("--standby"), / direct, in place, 3 restores stood by, 1 renewed\n/);
  const configured = readFileSync(file, "utf8").replace("<default ", '<restore standby="yes"/><default ');
  writeFileSync(file, configured);
  assert.match(await run(), / direct, in place, 3 restores stood by, 0 renewed\n/);
});

test("S97: every so many points, and what is printed", async (t) => {
  const { path, file } = system(t, ["stack_counter"], TWO.split("\n")[1]!);
  const { code, out, err } = await cli(path, "torture", "--every", "20", file);
  assert.equal(code, 0, err + out);
  assert.match(
    out,
    /^uninterrupted {2}\d+ safe points passed {2}\d+ ms {2}4 lines\ntortured {7}[1-9]\d* points taken {2}\d+ ms {2}direct\ncompared {7}all lines in their order, exit values\nidentical\n$/,
  );
});

test("options and systems that cannot be tortured are refused by name", async (t) => {
  const { path, file } = system(t, ["stack_counter"], TWO.split("\n")[1]!);
  const none = join(path, "none.xml");
  writeFileSync(none, "<config/>");
  const cases: readonly (readonly [args: readonly string[], code: number, err: string])[] = [
    [
      ["--verbose", file],
      2,
      "--verbose is for programs, a system takes --every, --points, --seed, --supervisor, --strategy, --rom, --cpus, --in-place, --standby, --increments, --redundant, --ignore, --by, --rising, --fresh-process, --memory-fs, --json\nhint: rtcr torture --help",
    ],
    [
      ["--in-place", "--fresh-process", file],
      2,
      "--in-place and --fresh-process, expected one of them\nhint: rtcr torture --help",
    ],
    [["--standby", "x.wasm"], 2, "--standby is for systems (SYSTEM.xml), found x.wasm\nhint: rtcr torture --help"],
    [["--redundant", file], 2, "--redundant is for --increments K\nhint: rtcr torture --help"],
    [["--strategy", "fast", file], 2, "--strategy fast: expected bootstrap or direct\nhint: rtcr torture --help"],
    [
      ["--strategy", "direct", "x.wasm"],
      2,
      "--strategy is for systems (SYSTEM.xml), found x.wasm\nhint: rtcr torture --help",
    ],
    [["--by", "(", file], 2, "--by (: Invalid regular expression: /(/: Unterminated group\nhint: rtcr torture --help"],
    [["--by", "^(?:thread)", file], 2, "--by ^(?:thread): no group ( ), expected one\nhint: rtcr torture --help"],
    [["--rising", "\\d+", file], 2, "--rising \\d+: no group ( ), expected one\nhint: rtcr torture --help"],
    [[file, "x"], 2, "arguments behind SYSTEM.xml: x, expected none\nhint: rtcr torture --help"],
    [[none], 1, `${none}: 0 outermost supervisors, expected one; there are none: <start> a program rtcr`],
  ];
  for (const [args, code, err] of cases) {
    const result = await cli(path, "torture", ...args);
    assert.deepEqual([result.code, result.out, result.err], [code, "", `error: ${err}\n`], args.join(" "));
  }
});
