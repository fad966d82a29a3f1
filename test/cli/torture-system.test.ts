// rtcr torture SYSTEM.xml: children of a supervisor are frozen together again and again, and notice nothing.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { cli, folder } from "./support.ts";

const BUILD = join(import.meta.dirname, "../../build");
const SERVICES = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report", "File_system"];
const PROVIDED = `<parent-provides>${SERVICES.map((name) => `<service name="${name}"/>`).join("")}</parent-provides>
<default-route><any-service><parent/></any-service></default-route>`;

/** A system whose supervisor has these children. */
function system(t: TestContext, programs: readonly string[], children: string): { path: string; file: string } {
  const path = folder(t);
  for (const name of programs) {
    const from = ["components", "apps"].map((kind) => join(BUILD, kind, `${name}.wasm`)).find(existsSync);
    if (!from) throw new Error(`${name}.wasm is missing: run npm run build:guests and npm run apps`);
    copyFileSync(from, join(path, `${name}.wasm`));
  }
  const file = join(path, "system.xml");
  const inside = `<config>${PROVIDED}<default caps="300" ram="8M"/>${children}</config>`;
  writeFileSync(file, `<config>${PROVIDED}<start name="rtcr" caps="8000" ram="128M">${inside}</start></config>`);
  return { path, file };
}

const TWO = `<start name="sheep_counter_timer"><config turns="5" sleep_ms="3"/></start>
<start name="stack_counter"><config turns="3" iterations="20"/></start>`;

for (const strategy of ["direct", "bootstrap"]) {
  test(`S88, S97: children that are restored together again and again notice nothing (${strategy})`, async (t) => {
    const { path, file } = system(t, ["sheep_counter_timer", "stack_counter"], TWO);
    const args = ["--json", "--points", "6", "--seed", "7", "--strategy", strategy];
    const { code, out, err } = await cli(path, "torture", ...args, file);
    assert.equal(code, 0, err + out);
    const report = JSON.parse(out);
    assert.deepEqual(
      [report.supervisor, report.strategy, report.seed, report.identical],
      ["init -> rtcr", strategy, 7, true],
    );
    assert.ok(report.taken >= 3 && report.taken <= 6, out);
    assert.equal(report.lines, 10); // 5 and 3, and two exits
  });
}

test("S97: every so many points, and what is printed", async (t) => {
  const { path, file } = system(t, ["stack_counter"], TWO.split("\n")[1]!);
  const { code, out, err } = await cli(path, "torture", "--every", "20", file);
  assert.equal(code, 0, err + out);
  assert.match(
    out,
    /^uninterrupted {2}\d+ safe points passed {2}\d+ ms {2}4 lines\ntortured {7}[1-9]\d* points taken {2}\d+ ms {2}direct\nidentical\n$/,
  );
});

const CRUISE: readonly (readonly [
  name: string,
  service: string | undefined,
  from: readonly string[],
  inside: string,
])[] = [
  ["actuator", "Actuator", [], ""],
  ["sensor", "Sensor", ["actuator"], '<config steps="200"/><exit propagate="yes"/>'],
  ["watchdog", "Watchdog", [], '<config looks="10"/>'],
  ["logger", "Recorder", [], ""],
  ["controller", undefined, ["sensor", "actuator", "watchdog", "logger"], ""],
];

/** The children of the cruise control, each under the service that the others know it by. */
function cruise(): string {
  const serviceOf = new Map(CRUISE.map(([name, service]) => [name, service]));
  const children = CRUISE.map(([name, service, from, inside]) => {
    const provides = service ? `<provides><service name="${service}"/></provides>` : "";
    const routes = from.map((server) => `<service name="${serviceOf.get(server)}"><child name="${server}"/></service>`);
    const route = `<route>${routes.join("")}<any-service><parent/></any-service></route>`;
    return `<start name="${name}"><binary name="cruise_${name}" windows="yes"/>${provides}${route}${inside}</start>`;
  });
  return children.join("");
}

const LOADS = [1, 2].map(
  (
    seed,
  ) => `<start name="load-${seed}"><binary name="kv_load"/><config seed="${seed}" keys="16" operations="60" report="10"/>
    <route><service name="Kv"><child name="server"/></service><any-service><parent/></any-service></route></start>`,
);
const KV = `<start name="server"><binary name="kv_server"/><provides><service name="Kv"/></provides></start>${LOADS.join("")}`;

// What is compared: all lines and their order, numbers of keys that depend on how the loads interleave included.
const SYSTEMS = [
  ["a key-value server with two loads", ["kv_server", "kv_load"], KV, 12],
  ["the cruise control, which ends when its sensor does", CRUISE.map(([name]) => `cruise_${name}`), cruise(), 6],
] as const;

for (const [what, programs, children, points] of SYSTEMS) {
  for (const strategy of ["direct", "bootstrap"]) {
    test(`S88, S97, S122: ${what}, is the same line by line at many points (${strategy})`, async (t) => {
      const { path, file } = system(t, programs, children);
      const args = ["--json", "--points", String(points), "--seed", "5", "--strategy", strategy];
      const { code, out, err } = await cli(path, "torture", ...args, file);
      assert.equal(code, 0, err + out);
      const { taken, identical, lines } = JSON.parse(out);
      assert.deepEqual([taken, identical], [points, true]);
      assert.ok(lines >= 2, out);
    });
  }
}

/** A WASI program as a child, with its arguments. */
const command = (name: string, ...args: readonly string[]) =>
  `<start name="${name}" ram="24M"><config>${args.map((arg) => `<arg value="${arg}"/>`).join("")}</config></start>`;

const PROGRAMS = ["files", "clock", "collections", "containers"]; // C with open files, C that asks for times, Rust, C++

for (const strategy of ["direct", "bootstrap"]) {
  test(`S88, S97: WASI programs in a tree, with open files, times and arguments, notice nothing (${strategy})`, async (t) => {
    const children = [
      command("files", "40"),
      command("clock"),
      command("collections", "20"),
      command("containers", "20"),
    ];
    const beside = `<start name="stack_counter"><config turns="3" iterations="20"/></start>`;
    const { path, file } = system(t, [...PROGRAMS, "stack_counter"], children.join("") + beside);
    const args = ["--json", "--points", "12", "--seed", "3", "--strategy", strategy, "--memory-fs"];
    const { code, out, err } = await cli(path, "torture", ...args, file);
    assert.equal(code, 0, err + out);
    const { taken, identical, lines } = JSON.parse(out);
    assert.deepEqual([taken, identical], [12, true]);
    assert.ok(lines >= 20, out);
  });
}

for (const strategy of ["direct", "bootstrap"]) {
  test(`S88, S93-S97: WASI programs that inits keep notice nothing (${strategy})`, async (t) => {
    const init = (name: string, caps: number, ram: string, inside: string) =>
      `<start name="${name}" caps="${caps}" ram="${ram}"><binary name="init"/><config>${PROVIDED}<default caps="300" ram="8M"/>${inside}</config></start>`;
    const deep = init("deep", 900, "50M", command("clock") + command("files", "40"));
    const beside = `<start name="stack_counter" ram="4M"><config turns="3" iterations="20"/></start>`;
    const { path, file } = system(
      t,
      [...PROGRAMS, "stack_counter"],
      init("inner", 3000, "110M", command("collections", "20") + beside + deep),
    );
    const args = ["--json", "--points", "12", "--seed", "4", "--strategy", strategy, "--memory-fs"];
    const { code, out, err } = await cli(path, "torture", ...args, file);
    assert.equal(code, 0, err + out);
    const { taken, identical, lines } = JSON.parse(out);
    assert.deepEqual([taken, identical], [12, true]);
    assert.ok(lines >= 20, out);
  });
}

test("options and systems that cannot be tortured are refused by name", async (t) => {
  const { path, file } = system(t, ["stack_counter"], TWO.split("\n")[1]!);
  const none = join(path, "none.xml");
  writeFileSync(none, "<config/>");
  const cases: readonly (readonly [args: readonly string[], code: number, err: string])[] = [
    [
      ["--fresh-process", file],
      2,
      "--fresh-process is for programs, a system takes --every, --points, --seed, --strategy, --rom, --memory-fs, --json\nhint: rtcr torture --help",
    ],
    [["--strategy", "fast", file], 2, "--strategy fast: expected bootstrap or direct\nhint: rtcr torture --help"],
    [
      ["--strategy", "direct", "x.wasm"],
      2,
      "--strategy is for systems (SYSTEM.xml), found x.wasm\nhint: rtcr torture --help",
    ],
    [[file, "x"], 2, "arguments behind SYSTEM.xml: x, expected none\nhint: rtcr torture --help"],
    [[none], 1, `${none}: 0 supervisors, expected one; there are none: <start> a program rtcr`],
  ];
  for (const [args, code, err] of cases) {
    const result = await cli(path, "torture", ...args);
    assert.deepEqual([result.code, result.out, result.err], [code, "", `error: ${err}\n`], args.join(" "));
  }
});
