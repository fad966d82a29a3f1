// Checkpoints of systems from the command line: each step in a process of its own, as people do it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { assemble } from "../assemble.ts";
import { cli, counter, folder, Guest } from "./support.ts";

const COMPONENTS = join(import.meta.dirname, "../../build/components");
const SHEEP = "sheep_counter_timer";
const LABEL = `[init -> rtcr -> ${SHEEP}]`;

/** A system in a folder of its own, with a supervisor whose configuration is `inside`. */
function system(t: TestContext, inside = `<child name="${SHEEP}" quota="8M" caps="300"/>`, ...more: string[]): string {
  const path = folder(t);
  for (const name of [SHEEP, ...more]) {
    const file = join(COMPONENTS, `${name}.wasm`);
    if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build:guests`);
    copyFileSync(file, join(path, `${name}.wasm`));
  }
  writeSystem(path, inside);
  return path;
}

function writeSystem(path: string, inside: string): void {
  const services = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report"];
  const provided = services.map((name) => `<service name="${name}"/>`).join("");
  writeFileSync(
    join(path, "system.xml"),
    `<config>\n<parent-provides>${provided}</parent-provides>
<default-route><any-service><parent/></any-service></default-route>
<start name="rtcr" caps="6000" ram="96M"><config>\n${inside}\n</config></start>\n</config>\n`,
  );
}

/** Runs until it has said so many lines. */
async function said(guest: Guest, lines: number): Promise<void> {
  while (guest.out.split("\n").length <= lines) await new Promise((more) => guest.process.stdout.once("data", more));
}

/** The numbers that sheep were counted with. */
function sheep(out: string): number[] {
  return Array.from(out.matchAll(/\] (\d+) sheep/g), ([, number]) => Number(number));
}

test("S77, S111: faults of a supervisor's configuration are named with file, line and what is allowed", async (t) => {
  const path = system(t, `<child nome="${SHEEP}" quota="8M" caps="300"/>\n<module name="fpga"/>`);
  const { code, err } = await cli(path, "run", join(path, "system.xml"));
  assert.equal(code, 1);
  const file = join(path, "system.xml");
  assert.deepEqual(err.split("\n"), [
    `error: ${file}:5:1: <child> has no attribute "name", expected text of 1 to 64 characters`,
    `${file}:5:8: unknown attribute "nome" of <child>, allowed: name, quota, caps, xpos, ypos; did you mean name?`,
    `${file}:6:9: <module name="fpga">: expected one of base, inc, red`,
    "",
  ]);
});

test("S71, S111: a running system is checkpointed, goes on, and is stopped by its last checkpoint", async (t) => {
  const path = system(t);
  const guest = new Guest(t, path, "run", join(path, "system.xml"));
  await said(guest, 1);
  const none = await cli(path, "checkpoint", "--child", "cow", "system");
  assert.equal(none.code, 3);
  assert.equal(none.err, `error: no supervisor keeps children cow, expected one; there are init -> rtcr (${SHEEP})\n`);
  const first = await cli(path, "checkpoint", "--json", "system");
  assert.equal(first.code, 0, first.err);
  const { id, name, children, stopped } = JSON.parse(first.out);
  assert.deepEqual([name, children, stopped], ["system", [SHEEP], false]);
  const before = guest.out.length;
  while (guest.out.length === before) await new Promise((more) => guest.process.stdout.once("data", more));
  const last = await cli(path, "checkpoint", "--child", SHEEP, "--stop", "system");
  assert.equal(last.code, 0, last.err);
  assert.match(last.err, /^system stopped; \d+ new pages, [\d.]+ KiB\n$/);
  assert.equal(await guest.ended, 0, guest.err);
  const counted = sheep(guest.out);
  assert.deepEqual(
    counted,
    counted.map((_, i) => i + 1),
  );
  assert.ok(guest.out.startsWith(`${LABEL} 1 sheep`), guest.out);
  const listed = JSON.parse((await cli(path, "list", "--json")).out) as {
    id: string;
    parent?: string;
    memoryBytes: number;
  }[];
  assert.deepEqual(
    listed.map(({ id, parent }) => [id, parent]),
    [
      [id, undefined],
      [last.out.trim(), id],
    ],
  );
  // the stacks of three threads, and what the program has attached
  assert.ok(listed.every(({ memoryBytes }) => memoryBytes >= 3 * 16_384 && memoryBytes % 4096 === 0));
  const verified = await cli(path, "verify");
  assert.equal(verified.code, 0);
  assert.match(verified.out, /^sound: 2 manifests, \d+ pages, /);
});

test("S71: checkpoints that are asked for while a system ends are refused, and it ends", async (t) => {
  const path = system(t);
  const guest = new Guest(t, path, "run", join(path, "system.xml"));
  await said(guest, 1);
  const { socket } = JSON.parse(readFileSync(join(path, "runs/system/run.json"), "utf8"));
  const asking = connect(socket);
  const [checkpoint, kill] = [{ type: "checkpoint", stop: false }, { type: "kill" }].map((each) =>
    JSON.stringify(each),
  );
  asking.write(`${checkpoint}\n${checkpoint}\n${kill}\n`); // the second waits for the first, which may be in time
  const answers = (await asking.toArray()).join("").trimEnd().split("\n");
  assert.equal(answers.length, 3);
  assert.ok(answers.includes('{"ok":false,"exitCode":3,"message":"the system has ended"}'), answers.join("; "));
  assert.equal(await guest.ended, 137, guest.err);
});

/** What the children of a supervisor have of its parent. */
const ROUTED = `<parent-provides>${["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report"]
  .map((name) => `<service name="${name}"/>`)
  .join("")}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;

for (const [rows, module] of [
  ["S28, S88", ""],
  ["S28, S88, S109", '<module name="red"/>'],
] as const) {
  test(`${rows}: a checkpoint that stops a system stops what runs on other CPUs, too: nothing is said behind it`, async (t) => {
    const counts = '<affinity xpos="1"/><config iterations="1"/>';
    const child = `<start name="stack_counter" caps="300" ram="8M">${counts}</start>`;
    const path = system(t, `${ROUTED}${module}<affinity-space width="2"/>${child}`, "stack_counter");
    const file = join(path, "system.xml");
    let said = "";
    for (const verb of [["run"], ["restore", "latest"], ["restore", "latest"]]) {
      const guest = new Guest(t, path, ...verb, "--cpus", "2", file);
      while (!/stack_counter\] \d+\n/.test(guest.out)) await once(guest.process.stdout, "data");
      const { code, err } = await cli(path, "checkpoint", "--stop", "system");
      assert.equal(code, 0, err);
      assert.equal(await guest.ended, 0, guest.err);
      said += guest.out;
    }
    const counted = Array.from(said.matchAll(/stack_counter\] (\d+)\n/g), ([, number]) => Number(number));
    const gap = counted.findIndex((number, i) => number !== i + 1);
    assert.equal(gap, -1, `behind ${counted[gap - 1]} comes ${counted[gap]}`);
  });
}

/** A system that has counted some sheep and was stopped by a checkpoint; how many, and the checkpoint's id. */
async function stopped(t: TestContext, path: string): Promise<{ readonly id: string; readonly counted: number }> {
  const guest = new Guest(t, path, "run", "--name", "before", join(path, "system.xml"));
  await said(guest, 1);
  const { code, out, err } = await cli(path, "checkpoint", "--stop", "before");
  assert.equal(code, 0, err);
  await guest.ended;
  return { id: out.trim(), counted: sheep(guest.out).length };
}

for (const strategy of ["direct", "bootstrap"]) {
  test(`S75, S88, S90: copied by workers, restored in a fresh process, the children go on (${strategy})`, async (t) => {
    const path = system(t, `<child name="${SHEEP}" quota="8M" caps="300"/><checkpoint parallel="yes"/>`);
    const { id, counted } = await stopped(t, path);
    const guest = new Guest(
      t,
      path,
      "restore",
      "--strategy",
      strategy,
      "--as",
      "after",
      "--log",
      "info",
      id,
      join(path, "system.xml"),
    );
    await said(guest, 2);
    assert.deepEqual(sheep(guest.out).slice(0, 2), [counted + 1, counted + 2], guest.err);
    assert.match(guest.err, /^note: restored\n/m);
    assert.match(guest.err, /^\[INFO\]:\[restoring\.[tj]s\]:\[\d+\]:\[restored sheep_counter_timer\]$/m);
    const again = await cli(path, "checkpoint", "--stop", "after");
    assert.equal(again.code, 0, again.err);
    assert.equal(await guest.ended, 0);
    const shown = JSON.parse((await cli(path, "inspect", "--json", "latest")).out);
    assert.deepEqual([shown.id, shown.parent, shown.name], [again.out.trim(), id, "after"]);
  });
}

for (const strategy of ["direct", "bootstrap"]) {
  test(`S71, S93-S97: a supervisor with its child is checkpointed by the one above it, and goes on in a fresh process (${strategy})`, async (t) => {
    const inner = `<config><child name="${SHEEP}" quota="8M" caps="300"/></config>`;
    const inside = `<start name="inner" caps="2000" ram="40M"><binary name="rtcr"/>${inner}</start>`;
    const path = system(t, ROUTED + inside);
    const file = join(path, "system.xml");
    const { id, counted } = await stopped(t, path);
    const guest = new Guest(t, path, "restore", "--strategy", strategy, "--as", "after", id, file);
    await said(guest, 2);
    assert.deepEqual(sheep(guest.out).slice(0, 2), [counted + 1, counted + 2], guest.err);
    const own = await cli(path, "checkpoint", "--child", SHEEP, "after");
    assert.equal(own.code, 0, own.err);
    const again = await cli(path, "checkpoint", "--stop", "after");
    assert.equal(again.code, 0, again.err);
    assert.equal(await guest.ended, 0);
    const shown = JSON.parse((await cli(path, "inspect", "--json", "latest")).out);
    assert.deepEqual([shown.parent, shown.name], [own.out.trim(), "after"]);
  });
}

test("S71, S93-S97: a checkpoint of an inner supervisor's child goes on beneath the supervisor that is named", async (t) => {
  const child = `<child name="${SHEEP}" quota="8M" caps="300"/>`;
  const inner = (name: string) =>
    `<start name="${name}" caps="1000" ram="30M"><binary name="rtcr"/><config>${child}</config></start>`;
  const path = system(t, ROUTED + inner("inner"));
  const file = join(path, "system.xml");
  const first = new Guest(t, path, "run", "--name", "before", file);
  await said(first, 1);
  const { code, out, err } = await cli(path, "checkpoint", "--child", SHEEP, "--stop", "before");
  assert.equal(code, 0, err);
  await first.ended;
  const id = out.trim();
  const found = await cli(path, "restore", "--dry-run", id, file);
  assert.deepEqual(
    [found.code, found.out.split("\n")[0]],
    [0, "init -> rtcr -> inner takes the children up"],
    found.err,
  );
  const twins = system(t, ROUTED + inner("inner") + inner("other"));
  const of = (label: string) => cli(path, "restore", "--supervisor", label, "--dry-run", id, join(twins, "system.xml"));
  const there = `there are init -> rtcr (inner, other); init -> rtcr -> inner (${SHEEP}); init -> rtcr -> other (${SHEEP})`;
  for (const [args, exitCode, message] of [
    [[], 5, `2 supervisors keep them, expected one; ${there}\nhint: --supervisor "LABEL" says which\n`],
    [["--supervisor", "init -> rtcr"], 5, `init -> rtcr does not keep them, expected one; ${there}\n`],
    [["--supervisor", "init->nobody"], 3, `no supervisor "init -> nobody"; ${there}\n`],
  ] as const) {
    const refused = await cli(path, "restore", ...args, id, join(twins, "system.xml"));
    assert.equal(refused.code, exitCode, refused.err);
    assert.ok(refused.err.endsWith(message), refused.err);
  }
  assert.match((await of("init->rtcr->inner")).out, /^init -> rtcr -> inner takes the children up\n/);
  const label = "init -> rtcr -> other";
  const guest = new Guest(t, path, "restore", "--supervisor", label, "--as", "after", id, join(twins, "system.xml"));
  const counted = sheep(first.out).length;
  await saidAll(guest, `[${label} -> ${SHEEP}] ${counted + 1} sheep`);
  assert.ok(!guest.out.includes(`[${label} -> ${SHEEP}] 1 sheep`), guest.out);
});

/** A WASI program that says 1, 2, 3, ... 9 and again, every 20 ms. */
const TICKS = assemble(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\07\\00\\00\\00") (data (i32.const 64) "tick 0\\0a")
  (func (export "_start") (local $n i32)
    (i32.store (i32.const 216) (i32.const 1))
    (i64.store (i32.const 224) (i64.const 20000000))
    (loop $again
      (local.set $n (i32.add (i32.rem_u (local.get $n) (i32.const 9)) (i32.const 1)))
      (i32.store8 (i32.const 69) (i32.add (i32.const 48) (local.get $n)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
      (drop (call $poll (i32.const 200) (i32.const 300) (i32.const 1) (i32.const 400)))
      (br $again))))`);

for (const strategy of ["direct", "bootstrap"]) {
  test(`S88, S90: a WASI program goes on beside a child with a bootstrap, and says nothing anew (${strategy})`, async (t) => {
    const path = system(t, [SHEEP, "ticks"].map((name) => `<child name="${name}" quota="8M" caps="300"/>`).join(""));
    writeFileSync(join(path, "ticks.wasm"), TICKS);
    const file = join(path, "system.xml");
    const first = new Guest(t, path, "run", "--name", "before", file);
    await saidAll(first, "] tick 3", "] 1 sheep");
    assert.equal((await cli(path, "checkpoint", "--stop", "before")).code, 0);
    await first.ended;
    const second = new Guest(t, path, "restore", "--strategy", strategy, "--as", "after", "before", file);
    await continuesTicks(first, second);
  });
}

for (const strategy of ["direct", "bootstrap"]) {
  test(`S57, S88, S90: a WASI program that an init keeps, and the log server that it has, go on (${strategy})`, async (t) => {
    const services = ["PD", "CPU", "ROM", "LOG", "Timer"].map((name) => `<service name="${name}"/>`).join("");
    const routes = `<parent-provides>${services}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;
    const lines = `<start name="lines" caps="300" ram="4M"><binary name="log_server"/><provides><service name="LOG"/></provides><config/></start>`;
    const inner = `<start name="inner" caps="900" ram="20M"><binary name="init"/>
      <route><service name="LOG"><child name="lines"/></service><any-service><parent/></any-service></route>
      <config>${routes}<start name="ticks" caps="300" ram="8M"/></config></start>`;
    const path = system(t, routes + lines + inner);
    writeFileSync(join(path, "ticks.wasm"), TICKS);
    const file = join(path, "system.xml");
    const first = new Guest(t, path, "run", "--name", "before", file);
    await saidAll(first, "-> lines] [inner -> ticks] tick 3");
    assert.equal((await cli(path, "checkpoint", "--stop", "before")).code, 0);
    await first.ended;
    const second = new Guest(t, path, "restore", "--strategy", strategy, "--as", "after", "before", file);
    await continuesTicks(first, second);
  });
}

/** Twelve more ticks come, without a gap or a repeat. */
async function continuesTicks(first: Guest, second: Guest): Promise<void> {
  while (ticks(second.out).length < 12) await new Promise((more) => second.process.stdout.once("data", more));
  const all = [...ticks(first.out), ...ticks(second.out)];
  assert.deepEqual(
    all,
    all.map((_, i) => (i % 9) + 1),
    second.err,
  );
}

function ticks(out: string): number[] {
  return Array.from(out.matchAll(/-> ticks\] tick (\d)\n/g), ([, number]) => Number(number));
}

test("S90, S114: a checkpoint carries its programs: the new system needs no modules", async (t) => {
  const path = system(t);
  const { id, counted } = await stopped(t, path);
  rmSync(join(path, `${SHEEP}.wasm`));
  const guest = new Guest(t, path, "restore", id, join(path, "system.xml"));
  await said(guest, 1);
  assert.deepEqual(sheep(guest.out).slice(0, 1), [counted + 1], guest.err);
  guest.process.kill("SIGINT");
  assert.equal(await guest.ended, 130);
});

/** Runs until all of these have been said. */
async function saidAll(guest: Guest, ...texts: readonly string[]): Promise<void> {
  while (!texts.every((each) => guest.out.includes(each))) {
    await new Promise((more) => guest.process.stdout.once("data", more));
  }
}

/** Two inits, one in the other, with a child that counts sheep in each. */
function nested(): string {
  const services = ["PD", "CPU", "ROM", "LOG", "Timer"].map((name) => `<service name="${name}"/>`).join("");
  const init = (name: string, ram: string, children: string) =>
    `<start name="${name}" caps="900" ram="${ram}"><binary name="init"/><config><parent-provides>${services}</parent-provides>
    <default-route><any-service><parent/></any-service></default-route>${children}</config></start>`;
  const counter = (name: string) =>
    `<start name="${name}" caps="150" ram="4M"><binary name="${SHEEP}"/><config sleep_ms="20"/></start>`;
  const routes = `<parent-provides>${services}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;
  return routes + init("inner", "24M", counter("a") + init("deep", "12M", counter("b")));
}

test("S77, S88, S90, S114: inits in a supervisor: shown and planned with all that they keep, restored without modules", async (t) => {
  const path = system(t, nested());
  const file = join(path, "system.xml");
  const first = new Guest(t, path, "run", "--name", "before", file);
  await saidAll(first, "-> inner -> a] 1 sheep", "-> deep -> b] 1 sheep");
  const checkpoint = await cli(path, "checkpoint", "--stop", "before");
  assert.equal(checkpoint.code, 0, checkpoint.err);
  await first.ended;
  const id = checkpoint.out.trim();
  const count = (out: string, name: string) =>
    sheep(
      out
        .split("\n")
        .filter((line) => line.includes(`-> ${name}]`))
        .join("\n"),
    );
  const { out, err } = await cli(path, "inspect", id);
  assert.equal(err, "");
  for (const line of [
    "child inner",
    "  program   init, in TypeScript",
    "  component a",
    "  component deep",
    "    program   init, in TypeScript",
    "  component deep -> b",
    /^ {4}thread {4}"ep" \(cap-\d+\): (ready|waits for .+), \d+ frames(, innermost first)?$/,
    /^ {4}dataspace cap-\d+, \d+ bytes, stack-area 0xfc000: \[0xfc000, 0x100000\) of the stack area, rw-$/,
    /^ {4}slot {4}1 cap-\d+, \d+ references: deep: served by the program$/,
  ]) {
    const found = out.split("\n").some((each) => (typeof line === "string" ? each === line : line.test(each)));
    assert.ok(found, `${line} is not in\n${out}`);
  }
  const dry = await cli(path, "restore", "--dry-run", id, file);
  assert.equal(dry.code, 0, dry.err);
  for (const row of [/^inner +PD +- /m, /^inner +PD +a /m, /^inner +PD +deep -> b .* the parent of init -> rtcr$/m])
    assert.match(dry.out, row);
  rmSync(join(path, `${SHEEP}.wasm`));
  const guest = new Guest(t, path, "restore", "--as", "after", id, file);
  await saidAll(guest, "-> inner -> a] ", "-> deep -> b] ");
  for (const name of ["inner -> a", "deep -> b"]) {
    assert.equal(count(guest.out, name)[0], count(first.out, name).length + 1, guest.err);
  }
  const again = await cli(path, "checkpoint", "--stop", "after");
  assert.equal(again.code, 0, again.err);
  assert.equal(await guest.ended, 0, guest.err);
  const changes = await cli(path, "diff", id, again.out.trim());
  assert.match(changes.out, /^child inner\n/);
  assert.match(changes.out, /^ {2}~ (dataspace \d+ \((program memory of )?deep -> b|thread \d+)/m);
  assert.doesNotMatch(changes.out, /^ {2}[+-]/m, "nothing came, nothing went");
  // A timer has a handler while the child sleeps.
  const other = /Badge: (?!none ).* -> (?!none$)/m;
  assert.doesNotMatch(changes.out, other, "what objects refer to is the same, whatever its badge");
});

test("S77, S96, S107: checkpoints are shown and compared; what does not fit is refused before anything is made", async (t) => {
  const path = system(t);
  const { id } = await stopped(t, path);
  const file = join(path, "system.xml");
  const short = id.slice(0, 8);

  const { out } = await cli(path, "inspect", id);
  assert.ok(out.startsWith(`checkpoint ${id}\n  name      before\n  created   `), out);
  for (const line of [
    `child ${SHEEP}`,
    /^ {2}program {3}[0-9a-f]{8}, \d+ bytes carried$/,
    /^ {2}session {3}\d+ Timer \(cap-\d+\): (\d+ of \d+ us left|not armed); ram_quota=10240, cap_quota=2, label=""$/,
    /^ {2}thread {4}"ep" \(cap-\d+\): (ready|waits for .+), \d+ frames(, innermost first)?$/,
    /^ {4}rtcr_component_start at \d+, \d+ values$/,
    /^ {2}map {7}stack area \(cap-\d+\), \[0x0, 0x10000000\): 3 regions$/,
    /^ {2}dataspace cap-\d+, 16384 bytes, stack-area 0xfc000: \[0xfc000, 0x100000\) of the stack area, rw-$/,
    /^ {2}slot {4}2 cap-\d+, 1 references: PD session 1$/,
    /^call \d+: (dispatched|done), opcode 0 of RPC object \d+, by thread "sheep_counter_timer", served by thread "ep", 0 bytes$/,
  ]) {
    const found = out.split("\n").some((each) => (typeof line === "string" ? each === line : line.test(each)));
    assert.ok(found, `${line} is not in\n${out}`);
  }
  const same = await cli(path, "diff", id, id);
  assert.deepEqual([same.code, same.out], [0, ""]);

  const dry = await cli(path, "restore", "--dry-run", id, file);
  assert.equal(dry.code, 0, dry.err);
  const rows = dry.out.split("\n");
  assert.equal(rows[0], "init -> rtcr takes the children up");
  assert.match(rows[1]!, /^CHILD +SERVICE +LABEL +RAM +CAPS +SERVED BY$/);
  assert.match(rows[2]!, /^sheep_counter_timer +PD +- +196608 +13 +the parent of init -> rtcr$/);

  const cases: readonly (readonly [args: readonly string[], code: number, err: string])[] = [
    [
      [id],
      2,
      `checkpoint ${short} is of a system's children, expected SYSTEM.xml behind it\nhint: rtcr restore --help`,
    ],
    [["--strategy", "fast", id, file], 2, "--strategy fast: expected bootstrap or direct\nhint: rtcr restore --help"],
    [
      ["--module", "x", id, file],
      2,
      "--module is for programs, a system takes --rom, --cpus, --devices, --log, --profile, --dir, --deterministic, --name, --checkpoint-every, --as, --supervisor, " +
        "--strategy, --dry-run, --json, --follow\nhint: rtcr restore --help",
    ],
    [["--log", "loud", id, file], 2, "--log loud: expected error, warning, info, debug\nhint: rtcr --help"],
    [["--dry-run", id], 2, "--dry-run is for systems, expected rtcr restore ID SYSTEM.xml\nhint: rtcr restore --help"],
  ];
  for (const [args, code, err] of cases) {
    const result = await cli(path, "restore", ...args);
    assert.deepEqual([result.code, result.err], [code, `error: ${err}\n`], args.join(" "));
  }

  const refused = async (inside: string, code: number, err: string) => {
    writeSystem(path, inside);
    const result = await cli(path, "restore", id, file);
    assert.deepEqual([result.code, result.out, result.err], [code, "", `error: ${err}\n`]);
  };
  await refused(
    '<child name="cow" quota="8M" caps="300"/>',
    5,
    `checkpoint ${short} is of children ${SHEEP}: in ${file} no supervisor keeps them, expected one; there are init -> rtcr (cow)`,
  );
  await refused(
    `<parent-provides><service name="PD"/><service name="CPU"/><service name="ROM"/><service name="LOG"/></parent-provides>
     <child name="${SHEEP}" quota="8M" caps="300"/>`,
    5,
    `checkpoint ${short}: 1 sessions would find nobody, nothing was made
  ${SHEEP}: Timer session "": Timer is not in <parent-provides>
hint: a <route> of the child, or the <default-route>`,
  );
  writeSystem(path, `<child name="${SHEEP}" quota="8M" caps="300"/>`);
  const whole = readFileSync(file, "utf8");
  for (const [service, who] of [
    ["Timer", [SHEEP]],
    ["LOG", ["init -> rtcr", SHEEP]],
  ] as const) {
    writeFileSync(file, whole.replace(`<service name="${service}"/>`, ""));
    const planned = await cli(path, "restore", "--dry-run", id, file);
    assert.equal(planned.code, 5, `nobody above the supervisor serves ${service}`);
    const { code, out, err } = await cli(path, "restore", id, file);
    assert.deepEqual([code, out], [5, ""]);
    const why = `init has no route: ${service} is not in <parent-provides>`;
    const lines = who.map((name) => `  ${name}: ${service} session "": ${why}\n`).join("");
    assert.ok(err.includes(`${who.length} sessions would find nobody, nothing was made\n${lines}hint`), err);
  }
  writeFileSync(file, "no XML");
  for (const args of [
    ["restore", id, file],
    ["torture", file],
  ]) {
    const { code, err } = await cli(path, ...args);
    assert.deepEqual([code, err], [1, `error: ${file}:1:1: root element is missing or invalid\n`], args.join(" "));
  }
  writeFileSync(file, whole.replace('ram="96M"', 'ram="6M"'));
  const poor = await cli(path, "restore", "--dry-run", id, file);
  assert.match(poor.out, /^note: the children of rtcr want 8\.0 MiB of RAM, 5\.\d MiB can be given$/m);
  writeFileSync(file, whole);
  writeFileSync(join(path, `${SHEEP}.wasm`), "another");
  const result = await cli(path, "restore", id, file);
  assert.equal(result.code, 4);
  assert.match(
    result.err,
    /^error: checkpoint [0-9a-f]{8}: child "sheep_counter_timer" was made of program [0-9a-f]{8}, found [0-9a-f]{8} in the ROM module "sheep_counter_timer"\nhint: --rom sheep_counter_timer=FILE names another\n$/,
  );
});

test("S67, S96: a session at another child is planned to go on there, or refused before anything is made", async (t) => {
  const node = (name: string, binary: string, more: string) =>
    `<start name="${name}" ram="8M" caps="300"><binary name="${binary}" windows="yes"/>${more}</start>`;
  const serves = '<provides><service name="Pair"/></provides>';
  const nodes = (server: string) => `
<parent-provides><service name="PD"/><service name="CPU"/><service name="ROM"/><service name="LOG"/></parent-provides>
<default-route><any-service><parent/></any-service></default-route>
${node("server", "pair_server", serves)}${node("other", "pair_server", serves)}
${node("client", "pair_client", `<config iterations="1000000"/><route><service name="Pair"><child name="${server}"/></service><any-service><parent/></any-service></route>`)}`;
  const path = system(t, nodes("server"), "pair_server", "pair_client");
  const file = join(path, "system.xml");
  const guest = new Guest(t, path, "run", file);
  await saidAll(guest, "-> client] turn");
  const alone = (await cli(path, "checkpoint", "--child", "client", "system")).out.trim();
  const both = (await cli(path, "checkpoint", "--child", "client", "--child", "server", "--stop", "system")).out.trim();
  await guest.ended;
  const shown = await cli(path, "inspect", both);
  assert.match(shown.out, /^ {2}session {3}\d+ Pair \(cap-\d+\): served by child "server"; /m);
  const planned = await cli(path, "restore", "--dry-run", both, file);
  assert.equal(planned.code, 0, planned.err);
  assert.match(planned.out, /^client +Pair +pair +\d+ +\d+ +server$/m);
  const refused = async (id: string, why: string) => {
    const dry = await cli(path, "restore", "--dry-run", id, file);
    assert.equal(dry.code, 5);
    assert.ok(dry.out.includes(`nobody: ${why}\n`), dry.out);
    const real = await cli(path, "restore", id, file);
    assert.deepEqual([real.code, real.out], [5, ""]);
    assert.ok(real.err.includes(`nothing was made\n  client: Pair session "pair": ${why}\n`), real.err);
  };
  await refused(alone, 'its server "server" is not in the checkpoint');
  writeSystem(path, nodes("other"));
  await refused(both, 'it goes on at "server", its route leads to other');
  writeSystem(path, nodes("server"));
  const restored = new Guest(t, path, "restore", both, file);
  await saidAll(restored, "-> client] turn");
});

test("S107: damaged, truncated and foreign checkpoints of systems are refused whole", async (t) => {
  const path = system(t);
  const { id } = await stopped(t, path);
  const file = join(path, "system.xml");
  const store = join(path, "store");
  const manifest = join(store, "manifests", id);
  const segment = join(store, "segments", readdirSync(join(store, "segments"))[0]!);
  const refused = async (broken: string, edit: (bytes: Buffer) => Uint8Array, err: RegExp) => {
    const whole = readFileSync(broken);
    writeFileSync(broken, edit(Buffer.from(whole)));
    for (const args of [
      ["restore", id, file],
      ["restore", "--dry-run", id, file],
      ["inspect", id],
      ["diff", id, id],
    ]) {
      const result = await cli(path, ...args);
      assert.deepEqual([result.code, result.out], [4, ""], `${args.join(" ")}: ${result.err}`);
      assert.match(result.err, err);
    }
    writeFileSync(broken, whole);
  };
  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at]! ^= 1;
    return bytes;
  };
  const reads =
    /^error: store: manifest ([0-9a-f]{8}) reads back as [0-9a-f]{8} \(\d+ bytes\), expected \1\nhint: rtcr verify\n$/;
  await refused(manifest, flip(50), reads);
  await refused(manifest, (bytes) => bytes.subarray(0, 100), reads);
  await refused(segment, flip(50), /^error: store: .*(reads back as|damaged).*\n(hint: rtcr verify\n)?$/);
  assert.equal((await cli(path, "restore", "--dry-run", id, file)).code, 0);

  const guest = new Guest(t, path, "run", counter(path));
  guest.send("x");
  await guest.says("1\n");
  const made = await cli(path, "checkpoint", "--stop", "counter");
  assert.equal(made.code, 0, made.err);
  for (const args of [
    ["restore", made.out.trim(), file],
    ["diff", id, made.out.trim()],
  ]) {
    const result = await cli(path, ...args);
    assert.equal(result.code, 2);
    assert.match(result.err, /^error: checkpoint .* is of a program, expected one of a system's children\n/);
  }
});
