// WASI programs as children of init: their streams, files, arguments, clocks and memory through sessions of their place in
// the tree.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { config, type SystemOptions, start, startSystem } from "../../test/support/core-system.ts";
import { createFileSystem, createMemoryInput, createMemoryOutput } from "../core/index.ts";
import { startNodeCpu } from "../core/index-node.ts";
import { createMemoryVolume } from "../core/memory-file-system.ts";
import { lastElement } from "../session/index.ts";
import { componentWasi, deterministicWasi } from "./component-wasi.ts";

const WASI = `
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func $write (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))`;

/** A command with this body of \`_start\`; data lies at 1024. */
const command = (body: string, data = "") =>
  assemble(`(module ${WASI} (data (i32.const 1024) "${data}") (func (export "_start") ${body}))`);

function run(binary: Uint8Array, options: Partial<SystemOptions> & { readonly inside?: string } = {}) {
  const { inside = "", ...rest } = options;
  return startSystem({
    config: config(start("prog", inside, 'caps="300" ram="16M"')),
    binaries: { prog: binary },
    wasi: componentWasi,
    ...rest,
  });
}

async function finish(tree: ReturnType<typeof run>): Promise<readonly string[]> {
  await tree.core.kernel.scheduler.quiet();
  tree.settle();
  const own = tree.lines.map((line) => line.replace("[init -> prog] ", ""));
  tree.close();
  return own;
}

const EXITED = (value: number) => `[init] child "prog" exited with exit value ${value}`;

test("without a terminal, output becomes lines of the log; the last one when the program exits", async () => {
  const body = `(call $write (i32.const 1) (i32.const 1024) (i32.const 10))
    (call $write (i32.const 2) (i32.const 1034) (i32.const 3)) (call $proc_exit (i32.const 3))`;
  const tree = run(command(body, "one\\ntwo\\nth-err"));
  assert.deepEqual(await finish(tree), ["one", "two", "th", "-er", EXITED(3)]);
});

test("S28: a command on another CPU writes, grows its memory and exits as it does on CPU 0", async () => {
  const body = `(call $write (i32.const 1) (i32.const 1024) (i32.const 4)) (drop (memory.grow (i32.const 2)))
    (call $write (i32.const 1) (i32.const 1028) (i32.const 4)) (call $proc_exit (memory.size))`;
  const node = start("prog", '<affinity xpos="1"/>', 'caps="300" ram="16M"');
  const placed = config(`<affinity-space width="2"/>${node}`);
  const tree = run(command(body, "one\\ntwo\\n"), { config: placed, cpus: 2, startCpu: startNodeCpu });
  const component = tree.core.kernel.components.find(({ label }) => label === "init -> prog");
  assert.equal(component?.cpu, 1);
  assert.deepEqual(await finish(tree), ["one", "two", EXITED(3)]);
});

test("S37: arguments come from the config module, the program's name first", async () => {
  const body = `(drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $args_get (i32.const 32) (i32.const 1024)))
    (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 20)))`;
  const tree = run(command(body), { inside: '<config><arg value="-v"/><arg value="a b"/></config>' });
  assert.deepEqual(await finish(tree), ["prog?-v?a b?", EXITED(0)]);
});

test("a Terminal session is the program's: it waits for input until there is some", async () => {
  const stdin = createMemoryInput({ open: true });
  const output: string[] = [];
  const stdout = createMemoryOutput((bytes) => void output.push(new TextDecoder().decode(bytes)));
  const body = `(i32.store (i32.const 16) (i32.const 2048)) (i32.store (i32.const 20) (i32.const 100))
    (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
    (call $write (i32.const 1) (i32.const 2048) (i32.load (i32.const 24)))`;
  const terminals = new Map([
    ["stdin", stdin],
    ["stdout", stdout],
  ]);
  const tree = run(command(body), { terminals: (label) => terminals.get(lastElement(label)) });
  await tree.core.kernel.scheduler.quiet();
  assert.deepEqual(output, []);
  stdin.push(new TextEncoder().encode("typed"));
  for (const component of tree.core.kernel.components) component.wake();
  assert.deepEqual(await finish(tree), [EXITED(0)]);
  assert.deepEqual(output, ["typed"]);
});

test("files are those of the File_system session that its parent gives", async () => {
  const volume = createMemoryVolume({ guestPaths: ["/data"] });
  const open = (flags: number) =>
    `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 4) (i32.const ${flags})
       (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 16)))`;
  const files = () => createFileSystem([volume]);
  const writer = run(
    command(`${open(1)} (call $write (i32.load (i32.const 16)) (i32.const 1028) (i32.const 4))`, "filetext"),
    { files },
  );
  assert.deepEqual(await finish(writer), [EXITED(0)]);
  const body = `${open(0)} (i32.store (i32.const 32) (i32.const 2048)) (i32.store (i32.const 36) (i32.const 100))
    (drop (call $fd_read (i32.load (i32.const 16)) (i32.const 32) (i32.const 1) (i32.const 40)))
    (call $write (i32.const 1) (i32.const 2048) (i32.load (i32.const 40)))`;
  assert.deepEqual(await finish(run(command(body, "file"), { files })), ["text", EXITED(0)]);
});

test("S58: the monotonic clock is that of the Timer session", async () => {
  const body = `(drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 16)))
    (i32.store8 (i32.const 1024) (i32.add (i32.const 48) (i32.wrap_i64 (i64.div_u (i64.load (i32.const 16)) (i64.const 1000000000)))))
    (call $write (i32.const 1) (i32.const 1024) (i32.const 1))`;
  const tree = run(command(body));
  tree.clock.advance(7_500_000);
  assert.deepEqual(await finish(tree), ["7", EXITED(0)]);
});

test("S14: memory.grow beyond the program's quota fails as any allocation, and is charged before", async () => {
  const body = `(local $grown i32)
    (loop $more
      (local.set $grown (i32.add (local.get $grown) (i32.const 1)))
      (br_if $more (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0))))
    (call $proc_exit (local.get $grown))`;
  const tree = run(command(body));
  const lines = await finish(tree);
  const value = Number(/exit value (\d+)/.exec(lines.at(-1) ?? "")?.[1]);
  assert.ok(value > 10 && value <= 16, `a megabyte a step of about 15: ${value}`);
});

/** Sleeps for `seconds` by poll_oneoff, three times, and writes the clock's seconds after each. */
const sleeper = (seconds: number) =>
  assemble(`(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    ${WASI.slice(WASI.indexOf("(import"))}
    (func (export "_start") (local $i i32)
      (loop $again
        (i32.store (i32.const 80) (i32.const 1))
        (i64.store (i32.const 88) (i64.const ${BigInt(seconds) * 1_000_000_000n}))
        (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 200)))
        (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 16)))
        (call $number (i32.wrap_i64 (i64.div_u (i64.load (i32.const 16)) (i64.const 1000000000))))
        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3)))))
    (func $number (param $n i32) (local $at i32)
      (local.set $at (i32.const 1100))
      (i32.store8 (local.get $at) (i32.const 10))
      (loop $digit
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
        (br_if $digit (local.tee $n (i32.div_u (local.get $n) (i32.const 10)))))
      (call $write (i32.const 1) (local.get $at) (i32.sub (i32.const 1101) (local.get $at)))))`);

test("S58: in a deterministic system hours pass at once, in the same order in every run", async () => {
  const runs: (readonly string[])[] = [];
  for (let i = 0; i < 2; i++) {
    const names = [3600, 5000].map((seconds) => `s${seconds}`);
    const tree = startSystem({
      config: config(names.map((name) => start(name, "", 'caps="300" ram="16M"')).join("")),
      binaries: Object.fromEntries(names.map((name) => [name, sleeper(Number(name.slice(1)))])),
      wasi: componentWasi,
      deterministic: true,
    });
    await tree.core.kernel.scheduler.quiet();
    tree.settle();
    runs.push([...tree.lines]);
    tree.close();
  }
  assert.deepEqual(runs[0], [
    "[init -> s3600] 3600",
    "[init -> s5000] 5000",
    "[init -> s3600] 7200",
    "[init -> s5000] 10000",
    "[init -> s3600] 10800",
    '[init] child "s3600" exited with exit value 0',
    "[init -> s5000] 15000",
    '[init] child "s5000" exited with exit value 0',
  ]);
  assert.deepEqual(runs[1], runs[0]);
});

/** Counts in a loop until the clock says so many seconds, then writes whether it has counted, and a random byte. */
const SPINNER = assemble(`(module
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  ${WASI.slice(WASI.indexOf("(import"))}
  (func (export "_start") (local $n i32)
    (loop $more
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 16)))
      (br_if $more (i64.lt_u (i64.load (i32.const 16)) (i64.const 1767225602000000000))))
    (drop (call $random_get (i32.const 1024) (i32.const 4)))
    (call $hex (i32.load (i32.const 1024)))
    (call $hex (local.get $n)))
  (func $hex (param $n i32) (local $i i32) (local $d i32)
    (i32.store8 (i32.const 1108) (i32.const 10))
    (loop $next
      (local.set $d (i32.and (i32.shr_u (local.get $n) (i32.mul (local.get $i) (i32.const 4))) (i32.const 15)))
      (i32.store8 (i32.sub (i32.const 1107) (local.get $i))
        (i32.add (local.get $d) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $d) (i32.const 10)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (call $write (i32.const 1) (i32.const 1100) (i32.const 9))))`);

test("in a deterministic system components that never wait take turns, and see the same times and random numbers", async () => {
  const run = async () => {
    const tree = startSystem({
      config: config(["a", "b"].map((name) => start(name, '<binary name="spinner"/>')).join("")),
      binaries: { spinner: SPINNER },
      wasi: deterministicWasi,
      deterministic: true,
    });
    await tree.core.kernel.scheduler.quiet();
    tree.settle();
    tree.close();
    return tree.lines;
  };
  const first = await run();
  assert.equal(first.length, 6);
  assert.deepEqual(await run(), first);
  const counted = first.filter((line) => / [0-9a-f]{8}$/.test(line));
  assert.equal(counted.length, 4);
  assert.notEqual(counted[0]!.slice(-8), counted[2]!.slice(-8), "each has random numbers of its own");
});

test("S44: memory.grow that is configured to ask for more waits until the program is given it", async () => {
  const body = `(local $i i32)
    (loop $more
      (if (i32.lt_s (memory.grow (i32.const 16)) (i32.const 0)) (then (call $proc_exit (i32.const 99))))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))`;
  const reports: string[] = [];
  const system = (ram: string) =>
    config(
      `<report child_ram="yes"/>${start("prog", '<binary name="prog" growth_requests="yes"/>', `caps="300" ram="${ram}"`)}`,
    );
  const tree = startSystem({
    config: system("4M"),
    binaries: { prog: command(body) },
    wasi: componentWasi,
    reported: (_, report) => reports.push(new TextDecoder().decode(report)),
  });
  const settle = async () => {
    await tree.core.kernel.scheduler.quiet();
    tree.advance(200_000);
  };
  await settle();
  const wish = '[init] child "prog" requests resources: ram_quota=1056768';
  assert.deepEqual(tree.lines, [wish]);
  assert.match(
    reports.at(-1) ?? "",
    /<child name="prog"[\s\S]*requested="1\.?0*\d*[MK]?/,
    "its wish is in the state report",
  );
  tree.configure(system("5M"));
  await settle();
  assert.deepEqual(tree.lines, [wish, wish], "it has gone on, and waits again");
  tree.configure(system("16M"));
  await settle();
  assert.deepEqual(tree.lines, [wish, wish, EXITED(0)]);
  tree.close();
});
