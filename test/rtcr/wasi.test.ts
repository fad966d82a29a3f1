// Compiled WASI programs as children of RTCR, or of an init that is one: blocked in a read, with open files; and what is
// refused by name.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { PlainData } from "../../src/abi/index.ts";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { HostVolume } from "../../src/core/host-files/index-node.ts";
import {
  createFileSystem,
  createMemoryInput,
  createMemoryOutput,
  createSharedInput,
  type MemoryInput,
  volumeStates,
} from "../../src/core/index.ts";
import { createMemoryVolume } from "../../src/core/memory-file-system.ts";
import { componentWasi } from "../../src/machine/component-wasi.ts";
import { type RepairReport, Rtcr, RtcrFault, type RtcrOptions, STRATEGIES } from "../../src/rtcr/index.ts";
import { lastElement, type SessionState } from "../../src/session/index.ts";
import { assemble } from "../assemble.ts";
import { config, type SystemOptions, start, startSystem } from "../support/core-system.ts";
import { component, continued, type RigOptions, throughImage, undisturbed } from "./rig.ts";

interface Place {
  readonly rtcr: () => Rtcr;
  readonly lines: () => readonly string[];
  readonly outcomes: readonly (readonly RepairReport[] | RtcrFault)[];
  readonly stdin: MemoryInput;
  readonly printed: () => string;
  /** Lets everything run until nothing can, in `us` microseconds of its time. */
  pass(us?: number): Promise<void>;
  say(text: string): Promise<void>;
  close(): void;
}

/** Who keeps the program: the supervisor, or an init that is its child. */
type Keeper = "rtcr" | "init";
const KEEPERS: readonly Keeper[] = ["rtcr", "init"];

/** @param program the name of one of apps/, or a module */
function place(
  program: string | Uint8Array,
  keeper: Keeper,
  options: RtcrOptions = {},
  system: Partial<SystemOptions> = {},
): Place {
  const [name, binary] = typeof program === "string" ? [program, component(program)] : ["prog", program];
  let rtcr: Rtcr | undefined;
  const outcomes: (readonly RepairReport[] | RtcrFault)[] = [];
  const stdin = createMemoryInput({ open: true });
  let printed = "";
  const stdout = createMemoryOutput((bytes) => {
    printed += new TextDecoder().decode(bytes);
  });
  const child = start(name, "<config/>", 'caps="300" ram="32M"');
  const children =
    keeper === "rtcr" ? child : start("inner", `<binary name="init"/>${config(child)}`, 'caps="900" ram="48M"');
  const tree = startSystem({
    config: config(start("rtcr", config(children), 'caps="4000" ram="128M"')),
    binaries: { [name]: binary },
    natives: {
      rtcr: (env) => {
        rtcr = new Rtcr(env, { ...options, restored: (outcome) => void outcomes.push(outcome) });
        return rtcr;
      },
    },
    wasi: componentWasi,
    terminals: (label) => ({ stdin, stdout })[lastElement(label)],
    ...system,
  });
  const pass = async (us = 0) => {
    for (let turn = 0; turn < 40; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      tree.settle();
      tree.advance(us / 40);
    }
  };
  return {
    ...{ outcomes, stdin, pass, printed: () => printed, rtcr: () => rtcr!, close: () => tree.close() },
    lines: () => tree.lines.filter((line) => line.includes("rtcr")),
    say: async (text) => {
      stdin.push(new TextEncoder().encode(text));
      for (const each of tree.core.kernel.components) each.wake();
      await pass();
    },
  };
}

async function leave(from: Place): Promise<SystemCheckpoint> {
  const system = await throughImage(from.rtcr().checkpoint("there").system);
  from.close();
  return system;
}

for (const keeper of KEEPERS) {
  for (const strategy of STRATEGIES) {
    test(`S88, S106: a program that is blocked in a read goes on with input of its new place (kept by ${keeper}, ${strategy})`, async () => {
      const whole = place("calculator", keeper);
      await whole.pass();
      await whole.say("1 + 2 * 3\n(4 - 1) * 7\n10 / 4\n");
      const expected = whole.printed();
      assert.ok(expected.length > 0, "it answers line by line, or when it has read all");
      whole.close();
      const first = place("calculator", keeper);
      await first.pass();
      await first.say("1 + 2 * 3\n(4 - ");
      const before = first.printed();
      const system = await leave(first);
      const second = place("calculator", keeper, { restore: system, strategy });
      await second.pass();
      assert.deepEqual(
        second.outcomes.filter((outcome) => outcome instanceof RtcrFault),
        [],
      );
      assert.equal(second.printed(), "", "nothing is printed twice");
      await second.say("1) * 7\n10 / 4\n");
      assert.equal(before + second.printed(), expected);
      second.close();
    });
  }
}

/** Writes `abcdef` to a file, waits for a byte of input, appends `ghi` at its position, and says `done`. */
const WRITER = assemble(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 1024) "fileabcdefghidone")
  (func $write (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start")
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 4) (i32.const 1)
      (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 16)))
    (call $write (i32.load (i32.const 16)) (i32.const 1028) (i32.const 6))
    (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $write (i32.load (i32.const 16)) (i32.const 1034) (i32.const 3))
    (call $write (i32.const 1) (i32.const 1037) (i32.const 4))))`);

for (const keeper of KEEPERS) {
  for (const strategy of STRATEGIES) {
    test(`S88, S106: an open file has its position after a restore; one that is not there refuses it by name (kept by ${keeper}, ${strategy})`, async () => {
      const hostPath = mkdtempSync(join(tmpdir(), "rtcr-wasi-"));
      const directories = [{ hostPath, guestPath: "/data", writable: true }];
      const files = (_: string, state?: SessionState) => createFileSystem([new HostVolume(directories)], state);
      try {
        const first = place(WRITER, keeper, {}, { files });
        await first.pass();
        const system = await leave(first);
        assert.equal(readFileSync(join(hostPath, "file"), "utf8"), "abcdef");
        const second = place(WRITER, keeper, { restore: system, strategy }, { files });
        await second.pass();
        await second.say("x");
        assert.equal(second.printed(), "done");
        assert.equal(readFileSync(join(hostPath, "file"), "utf8"), "abcdefghi");
        second.close();
        unlinkSync(join(hostPath, "file"));
        const missing = "1 file or directory that the program had open cannot be found: /data/file";
        const denied = keeper === "rtcr" ? "its program was given none when it was loaded here" : "service-denied";
        for (const [there, why] of [
          [{ files }, missing],
          [{}, denied],
        ] as const) {
          const third = place(WRITER, keeper, { restore: system, strategy }, there);
          await third.pass();
          const [outcome] = third.outcomes;
          assert.ok(outcome instanceof RtcrFault, "refused");
          assert.equal(outcome.code, "refused");
          const child = keeper === "rtcr" ? "prog" : "inner";
          assert.match(
            outcome.message,
            new RegExp(`^restore of "${child}": File_system session \\d+ \\(.*\\): ${why}$`),
          );
          assert.deepEqual(third.rtcr().children, [], "nothing of it is left");
          assert.equal(third.printed(), "");
          third.close();
        }
      } finally {
        rmSync(hostPath, { recursive: true, force: true });
      }
    });
  }
}

test("S88, S106: a program with 64-bit addresses goes on wherever it was stopped", async () => {
  const options: RigOptions = { children: [{ name: "memory64" }], quota: 'caps="400" ram="32M"' };
  const { lines, points } = await undisturbed(options);
  assert.ok(lines.length > 0 && points > 3, `${lines.length} lines, ${points} points`);
  for (let point = 1; point < points; point += Math.ceil(points / 6)) {
    assert.deepEqual(await continued(options, point), lines, `stopped at point ${point} of ${points}`);
  }
});

const memory: SystemOptions["files"] = (_, state) => {
  const [captured] = state === undefined ? [] : volumeStates(state);
  return createFileSystem([createMemoryVolume({ guestPaths: ["/data"] }, captured)], state);
};

test("S63, S64: files and terminals of a program are recorded as sessions of their own, once", async () => {
  const first = place(WRITER, "rtcr", {}, { files: memory });
  await first.pass();
  const [child] = (await leave(first)).children;
  assert.ok(child);
  assert.deepEqual(
    child.fileSystems?.map(({ nodes }) => nodes.map(({ path, read, write }) => `${path} ${read} ${write}`)),
    [["/data true false", "/data/file true true"]],
  );
  assert.deepEqual(
    child.terminals?.map(({ creationArgs, device, unreadBytes }) => [
      creationArgs.split("label=")[1],
      device,
      unreadBytes,
    ]),
    [
      ['"stdin"', "pipe", 0],
      ['"stdout"', "pipe", 0],
    ],
  );
  assert.deepEqual(child.foreign, [], "nothing that the program works with is opened anew");
  const { wasi } = child.pd.instance as unknown as { readonly wasi: { readonly sessions: object } };
  assert.deepEqual(Object.keys(wasi.sessions), ["clock", "random", "stderr"], "the program's own");
});

/** As images had it before there were interposers for files: their states are the program's, the sessions foreign. */
function older(system: SystemCheckpoint): SystemCheckpoint {
  const children = system.children.map(({ fileSystems = [], terminals = [], ...child }) => {
    const anew = { server: "", serverId: 0, phase: "cap-handed-out", addedArgs: "" };
    const foreign = [
      ...fileSystems.map(({ nodes: _, state: __, ...session }) => ({ ...session, ...anew, service: "File_system" })),
      ...terminals.map(({ id, badge, allocated, bootstrapped, creationArgs, upgradeArgs }) => {
        return { id, badge, allocated, bootstrapped, creationArgs, upgradeArgs, ...anew, service: "Terminal" };
      }),
    ];
    const instance = structuredClone(child.pd.instance) as { wasi: { sessions: Record<string, unknown> } };
    instance.wasi.sessions["files"] = fileSystems[0]?.state;
    instance.wasi.sessions["stdin"] = { input: new Uint8Array(0) };
    instance.wasi.sessions["stdout"] = {};
    return { ...child, foreign, pd: { ...child.pd, instance: instance as unknown as PlainData } };
  });
  return { ...system, children };
}

for (const strategy of STRATEGIES) {
  test(`S115: an image from before files were sessions of their own goes on, and the next one has them (${strategy})`, async () => {
    const first = place(WRITER, "rtcr", {}, { files: memory });
    await first.pass();
    const system = await throughImage(older(await leave(first)));
    const second = place(WRITER, "rtcr", { restore: system, strategy }, { files: memory });
    await second.pass();
    assert.deepEqual(
      second.outcomes.filter((outcome) => outcome instanceof RtcrFault),
      [],
    );
    const third = place(WRITER, "rtcr", { restore: await leave(second), strategy }, { files: memory });
    await third.pass();
    await third.say("x");
    assert.equal(third.printed(), "done");
    const [files] = third.rtcr().checkpoint("last").system.children;
    third.close();
    assert.equal(files, undefined, "it has exited");
  });
}

/** Reads a byte, sleeps a second, and writes whatever is there then, at most four bytes; then the same again. */
const READER = assemble(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $read (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4))))
  (func (export "_start")
    (loop $again
      (call $read (i32.const 1024) (i32.const 1))
      (i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const 1000000000))
      (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 200)))
      (call $read (i32.const 1024) (i32.const 4))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $again))))`);

/** A terminal for all that a place has, whose input is taken back with a client. */
function typed() {
  const stdin = createSharedInput();
  const terminals: SystemOptions["terminals"] = (label, state) => {
    if (lastElement(label) !== "stdin") return undefined;
    if (state !== undefined) stdin.goBack(state);
    return stdin;
  };
  return { stdin, terminals };
}

/** Time enough for one of its sleeps passes; waits of WASI programs are woken by real time, or by us. */
async function slept(place: Place): Promise<void> {
  await place.pass(2_000_000);
  await place.say("");
}

const printedBy = (place: Place) => place.lines().map((line) => line.replace(/^.*\] /, ""));

for (const keeper of KEEPERS) {
  for (const strategy of STRATEGIES) {
    test(`S88, S106: input that had come and was not read is read after a restore, before what comes there (kept by ${keeper}, ${strategy})`, async () => {
      const here = typed();
      const first = place(READER, keeper, {}, { terminals: here.terminals });
      await first.pass();
      here.stdin.push(new TextEncoder().encode("abcdef"));
      await first.say("");
      const system = await leave(first);
      assert.equal(system.children[0]?.terminals?.[0]?.unreadBytes, 5);
      const there = typed();
      there.stdin.push(new TextEncoder().encode("XY\n"));
      const second = place(READER, keeper, { restore: system, strategy }, { terminals: there.terminals });
      for (let sleep = 0; sleep < 2; sleep++) await slept(second);
      assert.deepEqual(printedBy(second).join(""), "bcdeXY");
      second.close();
    });
  }
}

test("S94, S106: in place, a child goes back to the input that it had not read, and what came since is behind it", async () => {
  const here = typed();
  const only = place(READER, "rtcr", {}, { terminals: here.terminals });
  await only.pass();
  here.stdin.push(new TextEncoder().encode("abcdef"));
  await only.say("");
  const { system } = only.rtcr().checkpoint("unread");
  await slept(only);
  assert.equal(here.stdin.readiness().readableBytes, 0, "all of it was read");
  here.stdin.push(new TextEncoder().encode("GH\n"));
  only.rtcr().restore(system);
  await only.pass();
  for (let sleep = 0; sleep < 2; sleep++) await slept(only);
  assert.deepEqual(
    only.outcomes.filter((outcome) => outcome instanceof RtcrFault),
    [],
  );
  assert.equal(printedBy(only).join(""), "bcdeGH");
  only.close();
});

/** States that no service gives, for a session of the image. */
const FORGED: readonly PlainData[] = [
  ...[
    null,
    7,
    "text",
    [],
    {},
    { version: 2, handles: [], volumes: [] },
    { version: 1, handles: [null], volumes: [null] },
  ],
  { version: 1, handles: [{ handle: 1, volume: 0, place: { root: 99, path: "x" }, read: true }], volumes: [null] },
  { version: 1, handles: [{ handle: 1, volume: 9, place: null }], volumes: [null] },
  { version: 1, handles: [{ handle: 1, volume: 0, place: { root: 0, path: "../../etc/passwd" } }], volumes: [null] },
  { version: 1, handles: [], given: [[1]], volumes: [null] },
];

test("S106, S107: forged states of files and terminals refuse the restore by the session's name, and nothing is left", async () => {
  const hostPath = mkdtempSync(join(tmpdir(), "rtcr-wasi-"));
  const directories = [{ hostPath, guestPath: "/data", writable: true }];
  const files = (_: string, state?: SessionState) => createFileSystem([new HostVolume(directories)], state);
  const here = { files, terminals: typed().terminals };
  try {
    const first = place(READER, "rtcr", {}, here);
    await first.pass();
    const system = await leave(first);
    const [child] = system.children;
    assert.ok(child?.fileSystems && child.terminals);
    const forged = [
      ...FORGED.map((state) => ({ fileSystems: child.fileSystems!.map((session) => ({ ...session, state })) })),
      ...[{ input: 7 }, { input: "x" }].map((state) => ({
        terminals: child.terminals!.map((session) => ({ ...session, state })),
      })),
      { fileSystems: child.fileSystems.map((session) => ({ ...session, id: 0x7a51_0002 })) },
    ];
    for (const change of forged) {
      const restore = await throughImage({ ...system, children: [{ ...child, ...change }] });
      const second = place(READER, "rtcr", { restore }, { files, terminals: typed().terminals });
      await second.pass();
      const [outcome] = second.outcomes;
      assert.ok(outcome instanceof RtcrFault, JSON.stringify(change, (_, value) => String(value)).slice(0, 200));
      assert.equal(outcome.code, "refused");
      assert.match(outcome.message, /^restore of "prog": (File_system|Terminal) session \d+ \(/);
      assert.deepEqual(second.rtcr().children, [], "nothing of it is left");
      second.close();
    }
  } finally {
    rmSync(hostPath, { recursive: true, force: true });
  }
});
