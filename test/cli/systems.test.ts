// Systems from the command line: a tree of components that runs, is reconfigured by its file, and ends.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assemble } from "../assemble.ts";
import { PRELUDE } from "../support/kernel-system.ts";
import { cli, folder, Guest } from "./support.ts";

/** A component that writes `number` to its LOG session and then does `more`. */
function component(number: number, more = ""): Uint8Array {
  const prelude = PRELUDE.replaceAll(
    "(call $call (i32.const 1) (i32.const 0)",
    "(call $call (global.get $slot) (i32.const 0)",
  );
  return assemble(`(module ${prelude}
    (global $slot (mut i32) (i32.const 0))
    (func (export "rtcr_component_start")
      (drop (call $ask (i32.const 1024) (call $parent) (i32.const 4) (i32.const 3)))
      (global.set $slot (i32.load (i32.const 1032)))
      (call $log (i32.const 2048) (i32.const ${number}))
      ${more}))`);
}

const EXIT_5 = "(drop (call $ask (i32.const 1024) (call $parent) (i32.const 0) (i32.const 5)))";
const LOOP = "(loop $ever (br $ever))";

/** As editors do: whoever looks finds the old text or the new one, not what is written of it. */
function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}~`, text);
  renameSync(`${file}~`, file);
}

function system(inside: string): string {
  const services = ["PD", "CPU", "ROM", "LOG"].map((name) => `<service name="${name}"/>`).join("");
  return `<config>\n<parent-provides>${services}</parent-provides>
<default-route><any-service><parent/></any-service></default-route>
<default caps="100" ram="2M"/>\n${inside}\n</config>\n`;
}

test("S46: a system runs from a configuration and its modules; the exit value that is propagated is the exit code", async (t) => {
  const path = folder(t);
  writeFileSync(join(path, "worker.wasm"), component(7, EXIT_5));
  const file = join(path, "system.xml");
  writeFileSync(file, system('<start name="w"><binary name="worker"/><exit propagate="yes"/></start>'));
  const guest = new Guest(t, path, "run", file);
  assert.equal(await guest.ended, 5, guest.err);
  assert.equal(guest.out, '[init -> w] 00000007\n[init] child "w" exited with exit value 5\n');
  assert.equal(guest.err, "");
});

test("S28, S52: components run on the CPUs that their configuration says, as many as its affinity space has", async (t) => {
  const path = folder(t);
  writeFileSync(join(path, "one.wasm"), component(1, LOOP));
  writeFileSync(join(path, "two.wasm"), component(2, EXIT_5));
  const file = join(path, "system.xml");
  const placed = (name: string, affinity: string, more = "") => `<start name="${name}">${affinity}${more}</start>`;
  const space = '<affinity-space width="2" height="2"/>';
  const one = placed("one", '<affinity xpos="1" ypos="1" width="1" height="1"/>');
  writeFileSync(file, system(space + one));
  const guest = new Guest(t, path, "run", "--name", "placed", file);
  await guest.says("[init -> one] 00000001\n");
  const { out } = await cli(path, "inspect", "--live", "placed", "init -> one");
  assert.match(out, /^init -> one {2}\(cap-\d+\)\n.*\n.*\n {2}cpu {3}3\n/);
  replaceFile(file, system(space + one + placed("two", '<affinity xpos="1"/>', '<exit propagate="yes"/>')));
  assert.equal(await guest.ended, 5, guest.err);
  assert.match(guest.out, /\[init -> two\] 00000002\n/);
  assert.match(guest.err, /^note: .* has changed\n$/);
  writeFileSync(file, system('<affinity-space width="9" height="9"/><start name="one"/>'));
  const { code, err } = await cli(path, "run", file);
  assert.equal(code, 1);
  assert.match(err, /an affinity space of 9 x 9 CPUs, expected 64 at most[\s\S]*--cpus N/);
});

test("S53: a changed file changes the tree, one with faults does not; a signal ends it, also beside endless loops", async (t) => {
  const path = folder(t);
  writeFileSync(join(path, "one.wasm"), component(1, LOOP));
  const two = join(path, "elsewhere.bin");
  writeFileSync(two, component(2));
  const file = join(path, "system.xml");
  writeFileSync(file, system('<start name="one"/>'));
  const guest = new Guest(t, path, "run", "--rom", `two=${two}`, file);
  await guest.says("[init -> one] 00000001\n");
  replaceFile(file, system('<start name="one"/><start nome="two"/>'));
  while (!/nome[\s\S]*stays in force/.test(guest.err))
    await new Promise((resolve) => guest.process.stderr.once("data", resolve));
  assert.match(
    guest.err,
    /system\.xml:5:27: unknown attribute "nome" of <start>, allowed: name, .*; did you mean name\?/,
  );
  replaceFile(file, system('<start name="one"/><start name="two"/>'));
  await guest.says("[init -> one] 00000001\n[init -> two] 00000002\n");
  guest.process.kill("SIGINT");
  assert.equal(await guest.ended, 130);
});

test("S49: a configuration with faults is refused before the start, each fault with its place", async (t) => {
  const path = folder(t);
  const file = join(path, "system.xml");
  writeFileSync(
    file,
    system('<start name="a" caps="x"/><start name="b" prio="1"><binary name="init"/><config><no/></config></start>'),
  );
  const { code, out, err } = await cli(path, "run", file);
  assert.equal(code, 1);
  assert.equal(out, "");
  const lines = err.trimEnd().split("\n");
  assert.equal(lines.length, 4, err);
  assert.match(lines[0]!, /^error: .*system\.xml:5:17: <start caps="x">/);
  assert.match(err, /system\.xml:5:\d+: <start caps="x">: expected a number from 0, K, M or G may follow/);
  assert.match(err, /system\.xml:5:\d+: unknown attribute "prio" of <start>, allowed: name, caps, ram, priority/);
  assert.match(err, /system\.xml:5:\d+: unknown element <no> in <config>, allowed: <parent-provides>/);
  writeFileSync(file, "<config>\n<start");
  assert.match((await cli(path, "run", file)).err, /^error: .*system\.xml:2:\d+: /);
});

test("a program that is not there is named before the start, with the modules that are", async (t) => {
  const path = folder(t);
  mkdirSync(join(path, "modules"));
  writeFileSync(join(path, "modules", "inside.wasm"), component(1));
  const file = join(path, "system.xml");
  writeFileSync(file, system('<start name="a"><binary name="insede"/></start>'));
  const { code, err } = await cli(path, "run", file);
  assert.equal(code, 1);
  assert.match(err, /<start name="a"> wants the ROM module "insede", which is not there; there are init, inside, /);
});

test("S51: rtcr check prints the tree of a configuration and what its quotas cannot give", async (t) => {
  const path = folder(t);
  const file = join(path, "system.xml");
  const inner = system(
    '<start name="x" caps="150"><binary name="log_server"/><provides><service name="LOG"/></provides></start>',
  );
  writeFileSync(
    file,
    system(`<start name="sub" caps="180" ram="4M"><binary name="init"/>${inner}</start><start name="report_rom"/>`),
  );
  const { code, out, err } = await cli(path, "check", file);
  assert.equal(code, 0, err);
  assert.deepEqual(out.split("\n"), [
    `${file} is without fault`,
    "  sub (init): 4.0 MiB, 180 caps",
    "    x (log_server): 2.0 MiB, 150 caps, provides LOG",
    "  report_rom: 2.0 MiB, 100 caps",
    "  note: the children of sub want 150 caps, 128 can be given",
    "",
  ]);
  const { children } = JSON.parse((await cli(path, "check", "--json", file)).out);
  assert.deepEqual(children[1], {
    name: "report_rom",
    binary: "report_rom",
    assigned: { ram: 2 << 20, caps: 100 },
    provides: [],
    children: [],
  });
  writeFileSync(file, "<config><stort/></config>");
  assert.equal((await cli(path, "check", file)).code, 1);
});

test("S28, S52: rtcr check says which places and threads will share a CPU, as the log does, and is content", async (t) => {
  const path = folder(t);
  const file = join(path, "system.xml");
  const spawning = (memory: string, more: string) =>
    assemble(`(module (import "wasi" "thread-spawn" (func (param i32) (result i32))) ${memory} ${more}
      (func (export "wasi_thread_start") (param i32 i32)) (func (export "rtcr_component_start")))`);
  const shared = '(import "env" "memory" (memory 1 2 shared))';
  writeFileSync(join(path, "apart.wasm"), spawning(shared, ""));
  writeFileSync(join(path, "writes.wasm"), spawning(shared, '(data (i32.const 8) "a")'));
  writeFileSync(join(path, "own.wasm"), spawning('(memory (export "memory") 1)', ""));
  writeFileSync(join(path, "sdk.wasm"), component(1));
  const child = (name: string, binary: string, more = "") =>
    `<start name="${name}"><binary name="${binary}"/>${more}</start>`;
  const wide = '<affinity xpos="1" width="2"/>';
  const inner = `<affinity-space width="4"/>${child("own", "own")}`;
  const children = [
    ...["apart", "writes", "sdk"].map((name) => child(name, name)),
    ...[child("wide", "sdk", wide), child("narrow", "writes", '<affinity xpos="1"/>')],
    child("sub", "init", wide + system(inner)),
  ];
  writeFileSync(file, system(`<affinity-space width="3"/>${children.join("")}`));
  const notes = async (...args: string[]) => {
    const { code, out, err } = await cli(path, "check", ...args, file);
    assert.equal(code, 0, err);
    return [...out.matchAll(/^ {2}note: (.*CPU.*)$/gm)].map(([, note]) => note);
  };
  const writes = "init -> writes: all of its threads are on CPU 0: its instantiation writes data (active segments)";
  assert.deepEqual(await notes(), [
    writes,
    "init -> wide: its threads are on CPU 1, as all threads that share an instance",
    "init -> sub: an affinity space of 4 x 1 on 2 x 1 CPUs: some of its places share a CPU",
    "init -> sub -> own: all of its threads are on CPU 1: it imports no shared memory",
  ]);
  assert.deepEqual(await notes("--cpus", "1"), [
    "init: an affinity space of 3 x 1 on 1 x 1 CPUs: some of its places share a CPU",
    "init -> sub: an affinity space of 4 x 1 on 1 x 1 CPUs: some of its places share a CPU",
  ]);
  const { notes: listed } = JSON.parse((await cli(path, "check", "--json", file)).out);
  assert.equal(listed.filter((note: string) => note.includes("CPU")).length, 4);
  assert.equal((await cli(path, "check", "--cpus", "0", file)).code, 2);
});

test("options of systems and of programs are told apart", async (t) => {
  const path = folder(t);
  const file = join(path, "system.xml");
  writeFileSync(file, system(""));
  const cases: readonly [args: readonly string[], code: number, err: RegExp][] = [
    [["--memory-fs", file], 2, /--memory-fs is for programs, a system takes --rom, --cpus/],
    [["--cpus", "0", file], 2, /--cpus 0: expected 1 to 64/],
    [["--rom", "x", file], 2, /--rom x: expected NAME=FILE/],
    [["--rom", `x=${join(path, "none")}`, file], 3, /none/],
    [["--rom", "a=b", "p.wasm"], 2, /--rom is for systems \(SYSTEM\.xml\), found p\.wasm/],
    [[file, "argument"], 2, /arguments behind SYSTEM\.xml: argument, expected none/],
    [[join(path, "none.xml")], 3, /none\.xml/],
  ];
  for (const [args, code, err] of cases) {
    const result = await cli(path, "run", ...args);
    assert.equal(result.code, code, result.err);
    assert.match(result.err, err);
  }
  assert.equal(readFileSync(file, "utf8"), system(""));
});

test("S22: inspect --live prints the components of a running system, with quota, threads and dataspaces", async (t) => {
  const path = folder(t);
  writeFileSync(
    join(path, "one.wasm"),
    component(1, "(drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1)))"),
  );
  const file = join(path, "tree.xml");
  writeFileSync(file, system('<start name="one"/>'));
  const guest = new Guest(t, path, "run", file);
  await guest.says("[init -> one] 00000001\n");
  let out = "";
  while (!out.includes("blocked")) {
    const shown = await cli(path, "inspect", "--live", "tree", "init -> one");
    assert.equal(shown.code, 0, shown.err);
    out = shown.out;
  }
  assert.match(out, /^init -> one {2}\(cap-\d+\)\n {2}ram {3}[\d.]+ KiB of [\d.]+ MiB\n {2}caps {2}\d+ of \d+\n/);
  assert.match(out, /\n {2}thread "one": blocked in wait at 0x40\n/);
  assert.match(out, /\n {2}cap-\d+ +131072 +ram +linker area +0x0-0x20000 +rw- +program data\n/);
  assert.match(out, /\n {2}cap-\d+ +\d+ +rom +linker area +0x9ff[ef]000-0xa000000 +--x +program text\n/);
  const all = await cli(path, "inspect", "--live", "--json", "tree");
  const labels = (JSON.parse(all.out) as { label: string }[]).map(({ label }) => label);
  assert.deepEqual(labels, ["core", "init", "init -> one"]);
  const none = await cli(path, "inspect", "--live", "tree", "two");
  assert.equal(none.code, 3);
  assert.match(none.err, /tree has no component "two", expected one of "core", "init", "init -> one"/);
  const ps = await cli(path, "ps");
  assert.match(ps.out, /^tree /m);
  const unsupervised = await cli(path, "checkpoint", "tree");
  assert.equal(unsupervised.code, 3);
  assert.equal(
    unsupervised.err,
    "error: no supervisor keeps children without --child, expected one; there are none: <start> a program rtcr\n",
  );
  assert.equal((await cli(path, "kill", "tree")).code, 0);
  assert.equal(await guest.ended, 137);
});
