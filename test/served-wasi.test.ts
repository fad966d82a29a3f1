// WASI programs whose sessions are served by siblings: they wait for them, do without those that are refused, and have an
// error of WASI when the server is no more.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NativeProgram } from "../src/core/index.ts";
import { startNodeCpu } from "../src/core/index-node.ts";
import { componentWasi } from "../src/machine/component-wasi.ts";
import { type Env, ERRNO, objectOf, type ParentSession } from "../src/session/index.ts";
import { assemble } from "./assemble.ts";
import { component } from "./rtcr/rig.ts";
import { streamServer } from "./rtcr/stream-server.ts";
import { type CoreSystem, config, type SystemOptions, start, startSystem } from "./support/core-system.ts";

const SERVED = ["File_system", "Terminal"];
const provides = `<provides>${SERVED.map((name) => `<service name="${name}"/>`).join("")}</provides>`;
const routed = (services: readonly string[]) =>
  `<route>${services.map((name) => `<service name="${name}"><child name="server"/></service>`).join("")}
    <any-service><parent/></any-service></route>`;

interface Writer {
  /** Descriptor of the directory. */
  readonly directory: number;
  /** At most so many are read and written at a time. */
  readonly bytes: number;
  readonly imports?: string;
  /** What is done before each write. */
  readonly before?: string;
}

/** Opens file in a directory and writes to it without an end; exits with the errno of what failed first. */
function writer({ directory, bytes, imports = "", before = "" }: Writer): Uint8Array {
  return assemble(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  ${imports}
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 1024) "file")
  (func $try (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func (export "_start")
    (call $try (call $path_open (i32.const ${directory}) (i32.const 0) (i32.const 1024) (i32.const 4) (i32.const 1)
      (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 16)))
    (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const ${bytes}))
    (loop $more
      ${before}
      (call $try (call $fd_write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $yield))
      (br $more))))`);
}

/** Writes a byte whenever a byte of input has come. */
const COPIER = writer({
  directory: 4,
  bytes: 1,
  imports: `(import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))`,
  before: "(call $try (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))",
});
const FILLER = writer({ directory: 3, bytes: 1000 });
/** The same, with a millisecond before each write. */
const SLOW_FILLER = writer({
  ...{ directory: 3, bytes: 1000 },
  imports: `(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))`,
  before: `(i64.store (i32.const 5144) (i64.const 1000000))
    (call $try (call $poll (i32.const 5120) (i32.const 3072) (i32.const 1) (i32.const 32)))`,
});

const prog = (services: readonly string[]) => start("prog", routed(services), 'caps="300" ram="8M"');
const FILES = start("server", `<binary name="stream_server"/>${provides}<config/>`, 'caps="300" ram="4M"');

function system(server: NativeProgram, children: string) {
  return startSystem({
    config: config(children),
    binaries: { prog: COPIER },
    natives: { stream_server: server },
    wasi: componentWasi,
  });
}

/** A server in C++. @param settings attributes of its configuration */
const ramFs = (settings = "", ram = "4M") =>
  start(
    "server",
    `<binary name="ram_fs"/><provides><service name="File_system"/></provides><config ${settings}/>`,
    `caps="300" ram="${ram}"`,
  );

function guestSystem(children: string, binary = FILLER, options: Partial<SystemOptions> = {}) {
  return startSystem({
    config: config(children),
    binaries: { prog: binary, ram_fs: component("ram_fs") },
    wasi: componentWasi,
    ...options,
  });
}

/** Lets all have their turns until the program has exited. @returns the name of its errno */
async function errnoOf({ lines, settle, advance }: CoreSystem): Promise<string | undefined> {
  for (;;) {
    const value = /"prog" exited with exit value (\d+)/.exec(lines.at(-1) ?? "")?.[1];
    if (value !== undefined) return ERRNO[Number(value)];
    await new Promise((resolve) => setImmediate(resolve));
    settle();
    advance(1_000);
  }
}

const accounts = ({ core }: CoreSystem) =>
  [...core.pds].map((pd) => [pd.label, pd.ramQuota(), pd.capQuota(), pd.usedCaps()]);

test("S40, S88: a program whose server ends has an error of input and output, and exits", async () => {
  let server: Env | undefined;
  const mortal: NativeProgram = (env, saved) => {
    server = env;
    return streamServer(env, saved);
  };
  const idle = system(mortal, "");
  const tree = system(mortal, prog(SERVED) + FILES);
  for (let turn = 0; turn < 50; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    tree.settle();
  }
  objectOf<ParentSession>(server!.parent, "parent")?.exit(0);
  assert.equal(await errnoOf(tree), "io");
  tree.configure(config(""));
  assert.deepEqual(accounts(tree), accounts(idle), "nothing is left of either");
  for (const each of [tree, idle]) each.close();
});

for (const [where, services] of [
  ["its parent", []],
  ["a sibling", SERVED],
] as const) {
  test(`S40, S41: a program that cannot be instantiated keeps no session of ${where}`, async () => {
    /** Its data does not fit into its memory. */
    const broken = (imported: string) =>
      assemble(`(module ${imported} (memory 1) (data (i32.const 65536) "x")
      (func (export "_start")))`);
    const yields = `(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))`;
    const [without, with_] = ["", yields].map((imported) =>
      startSystem({
        config: config(prog(services) + FILES),
        binaries: { prog: broken(imported) },
        natives: { stream_server: streamServer },
        wasi: componentWasi,
      }),
    );
    for (const { lines } of [without!, with_!])
      assert.match(lines.join("\n"), /"prog" cannot be started: .*data segment/);
    assert.deepEqual(accounts(with_!), accounts(without!));
    for (const each of [without!, with_!]) each.close();
  });
}

test("S40: what the server of a session refuses a program does without", async () => {
  const tree = system(streamServer, prog(["Terminal"]) + FILES);
  assert.equal(await errnoOf(tree), "badf");
  tree.close();
});

test("S40, S88: files of a guest that is full have no room for more", async () => {
  const tree = guestSystem(prog(["File_system"]) + ramFs('size="20500"'));
  assert.equal(await errnoOf(tree), "nospc");
  tree.close();
});

test("S22, S40, S88: files of a guest that has no more RAM are beyond its quota, and it asks for none", async () => {
  const tree = guestSystem(prog(["File_system"]) + ramFs("", "1M"));
  assert.equal(await errnoOf(tree), "dquot");
  const used = tree.pd("server")!.usedRam();
  assert.ok(used > 600_000 && used < 1 << 20, `${used} bytes`);
  tree.close();
});

/** Polls a file of five bytes, of which two are read, for reading and writing each millisecond, until that is an error. */
const POLLER = assemble(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 1024) "file.")
  (func $try (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func (export "_start")
    (call $try (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 4) (i32.const 1)
      (i64.const 134217830) (i64.const 134217830) (i32.const 0) (i32.const 16)))
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 5))
    (call $try (call $fd_write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $try (call $fd_seek (i32.load (i32.const 16)) (i64.const 2) (i32.const 0) (i32.const 24)))
    (i32.store8 (i32.const 2056) (i32.const 1)) (i32.store (i32.const 2064) (i32.load (i32.const 16)))
    (i32.store8 (i32.const 2104) (i32.const 2)) (i32.store (i32.const 2112) (i32.load (i32.const 16)))
    (i32.store (i32.const 5136) (i32.const 1)) (i64.store (i32.const 5144) (i64.const 1000000))
    (loop $more
      (call $try (call $poll (i32.const 2048) (i32.const 3072) (i32.const 2) (i32.const 32)))
      (call $try (i32.load16_u (i32.const 3080)))
      (if (i32.or (i32.ne (i32.load (i32.const 32)) (i32.const 2))
            (i32.or (i64.ne (i64.load (i32.const 3088)) (i64.const 3)) (i64.ne (i64.load (i32.const 3120)) (i64.const 1))))
        (then (call $exit (i32.const 1))))
      (i32.store (i32.const 4096) (i32.add (i32.load (i32.const 4096)) (i32.const 1)))
      (call $try (call $poll (i32.const 5120) (i32.const 3072) (i32.const 1) (i32.const 32)))
      (br $more))))`);

for (const [what, node] of Object.entries({ "in C++": ramFs(), "in TypeScript": FILES })) {
  test(`S40, S88: a file that a sibling ${what} serves is polled: ready for what is left of it, until the server has ended`, async () => {
    let server: Env | undefined;
    const mortal: NativeProgram = (env, saved) => {
      server = env;
      return streamServer(env, saved);
    };
    const tree = guestSystem(prog(["File_system"]) + node, POLLER, { natives: { stream_server: mortal } });
    const named = (name: string) => tree.core.kernel.components.find(({ label }) => label === `init -> ${name}`);
    const polled = () => (named("prog")?.loaded ? named("prog")!.view.getInt32(4096, true) : 0);
    while (polled() < 3) {
      await new Promise((resolve) => setImmediate(resolve));
      tree.advance(1_000);
      assert.deepEqual(tree.lines, [], "it goes on");
    }
    objectOf<ParentSession>(server?.parent ?? named("server")!.parent, "parent")?.exit(0);
    assert.equal(await errnoOf(tree), "io");
    tree.close();
  });
}

test("S40, S88: a program whose files a guest serves has an error when that has ended, and nothing is left", async () => {
  const [idle, tree] = ["", prog(["File_system"]) + ramFs()].map((children) => guestSystem(children, SLOW_FILLER));
  const server = () => tree!.core.kernel.components.find(({ label }) => label === "init -> server");
  const before = tree!.pd("server")!.usedRam();
  while (tree!.pd("server")!.usedRam() < before + (1 << 14)) {
    await new Promise((resolve) => setImmediate(resolve));
    tree!.advance(1_000);
  }
  objectOf<ParentSession>(server()!.parent, "parent")?.exit(0);
  assert.equal(await errnoOf(tree!), "io");
  tree!.configure(config(""));
  assert.deepEqual(accounts(tree!), accounts(idle!));
  for (const each of [tree!, idle!]) each.close();
});

for (const [where, place] of [
  ["on the same further CPU", 1],
  ["on CPU 0", 0],
] as const) {
  test(`S28, S88: a program on another CPU has the files of a guest ${where}`, async () => {
    const placed = (node: string, cpu: number) => node.replace("<binary", `<affinity xpos="${cpu}"/><binary`);
    const node = placed(prog(["File_system"]).replace("<route", '<binary name="prog"/><route'), 1);
    const children = `<affinity-space width="2"/>${node}${placed(ramFs('size="9000"'), place)}`;
    const tree = guestSystem(children, FILLER, { cpus: 2, startCpu: startNodeCpu });
    assert.equal(await errnoOf(tree), "nospc");
    tree.close();
  });
}
