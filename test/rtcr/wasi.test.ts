// Compiled WASI programs as children of RTCR, or of an init that is one: blocked in a read, with open files; and what is
// refused by name.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { HostVolume } from "../../src/core/host-files/index-node.ts";
import { createFileSystem, createMemoryInput, createMemoryOutput, type MemoryInput } from "../../src/core/index.ts";
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
        for (const system2 of [{ files }, {}]) {
          const third = place(WRITER, keeper, { restore: system, strategy }, system2);
          await third.pass();
          const [outcome] = third.outcomes;
          assert.ok(outcome instanceof RtcrFault, "refused");
          assert.equal(outcome.code, "refused");
          const works =
            keeper === "rtcr" ? '"prog": what its program' : '"inner": what the program of component "prog"';
          const denied = /^restore of "inner": File_system session \d+ \(.*label="prog"\): service-denied$/;
          if (keeper === "init" && !("files" in system2)) assert.match(outcome.message, denied);
          else assert.ok(outcome.message.startsWith(`restore of ${works} works with: `), outcome.message);
          if (!denied.test(outcome.message)) assert.match(outcome.message, /\/data\/file|volume/);
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
