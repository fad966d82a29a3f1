// Stack repair, write by write: what is written of a stack is what lies between its bounds, and what differs above (S98, S99).
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../test/contracts/bytes-dataspace.ts";
import { main } from "../../test/support/guest-code.ts";
import { TestSystem } from "../../test/support/kernel-system.ts";
import type { DataspaceInfo, ThreadInfo } from "../checkpoint/index.ts";
import type { Dataspace } from "../session/index.ts";
import type { StandingThread } from "./bootstrap.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrFault } from "./faults.ts";
import { repairStack } from "./stack-repair.ts";
import { ChildContext } from "./tracked.ts";

const BASE = 0xa000_0000;
const ADDRESS = 0x10_0000;
const SIZE = 8192;
const TOP = BASE + ADDRESS + SIZE;

/** The writes of a repair, as [from, to), of a stack that holds 1 everywhere; recorded is 2, and 1 above the barrier but for `differing`. */
function repair(
  recordedBelow: number,
  standsBelow: number,
  differing: readonly number[] = [],
  startedAt = TOP,
  { offset = 0, others = [] as readonly number[] } = {},
) {
  const stack = bytesDataspace(SIZE);
  stack.fill(new Uint8Array(SIZE).fill(1));
  const real = stack.capability.object!;
  const writes: [number, number][] = [];
  const dataspace: Dataspace = {
    ...real,
    write: (at, bytes) => {
      writes.push([at, at + bytes.length]);
      return real.write(at, bytes);
    },
  };
  const content = new Uint8Array(SIZE).fill(2).fill(1, Math.max(SIZE - standsBelow, SIZE - recordedBelow));
  for (const at of differing) content[at] = 2;
  const threads = [recordedBelow, ...others].map((below, at) => {
    return { name: "ep", allocated: 4 + at, stackPointer: TOP - below } as ThreadInfo;
  });
  const stands: StandingThread = { stackPointer: TOP - standsBelow, startedAt };
  const region = { dataspaceBadge: 1, address: ADDRESS, size: SIZE, offset, executable: false, writeable: true };
  const [report] = repairStack({
    ...{ child: "child", threads, standing: new Map([[4, stands]]), region, base: BASE, dataspace },
    info: { content } as DataspaceInfo,
  });
  return { report: report!, writes, now: stack.bytes };
}

test("S98, S99: what lies between the stack pointers is written, and the red zone: neither more above nor below", () => {
  const { report, writes, now } = repair(3000, 1000);
  deepEqual(writes, [[SIZE - 3000 - 128, SIZE - 1000]]);
  deepEqual(report, {
    child: "child",
    thread: "ep",
    repaired: 2000,
    redZone: 128,
    kept: 1000,
    replaced: 0,
    written: 2128,
  });
  equal(now[SIZE - 3000 - 129], 1, "unused bytes are left, though others are recorded");
  equal(now[SIZE - 3000 - 128], 2);
});

test("S98, S99: above the barrier only what is not as recorded is written, run by run", () => {
  const differing = [SIZE - 1000, SIZE - 999, SIZE - 500, SIZE - 1];
  const { report, writes, now } = repair(3000, 1000, differing);
  deepEqual(writes.slice(1), [
    [SIZE - 1000, SIZE - 998],
    [SIZE - 500, SIZE - 499],
    [SIZE - 1, SIZE],
  ]);
  deepEqual([report.kept, report.replaced, report.written], [996, 4, 2132]);
  deepEqual(
    differing.map((at) => now[at]),
    [2, 2, 2, 2],
  );
});

test("S98, S99: a thread that was recorded above the barrier needs its red zone only", () => {
  const { report, writes } = repair(800, 1000);
  deepEqual(writes, [[SIZE - 928, SIZE - 800]]);
  deepEqual([report.repaired, report.kept, report.written], [0, 800, 128]);
});

test("S101: a stack that grows upwards is refused by name, and nothing of it is written", () => {
  const bottom = BASE + ADDRESS;
  const expected = (thrown: unknown) =>
    thrown instanceof RtcrFault &&
    thrown.code === "mismatch" &&
    /^restore of "child": thread "ep" began at 0xa0100000 and stands at 0xa0101c18, above it: its stack grows upwards/.test(
      thrown.message,
    );
  throws(() => repair(3000, 1000, [], bottom), expected);
  throws(() => repair(1000, SIZE - 100, [], bottom), expected, "recorded so");
  ok(repair(3000, 1000, [], 0).report, "nothing is said of one that found its stack by itself");
});

test("S101: a thread that has gone over to another stack is judged by that one alone, not by where it began", () => {
  for (const startedAt of [0x9001_0000, 0xb000_0000]) {
    ok(startedAt < BASE || startedAt > TOP);
    deepEqual(repair(3000, 1000, [], startedAt).report.written, 2128);
  }
});

test("S98: a stack that is a part of its dataspace, or that several threads stand on, is copied whole", () => {
  for (const more of [{ offset: 4096 }, { others: [2000] }]) {
    const { report, writes } = repair(3000, 1000, [], TOP, more);
    deepEqual([report, writes], [undefined, [[0, SIZE]]]);
  }
});

test("S101: a thread knows where it began, so that the direction in which its stack grows can be seen", async () => {
  const system = new TestSystem();
  const moves = `
    (global $goes (mut i32) (i32.const -64))
    (table (export "__indirect_function_table") 3 funcref)
    (func $move (global.set $__stack_pointer (i32.add (global.get $__stack_pointer) (global.get $goes)))
      (drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1))))
    (func $up (global.set $goes (i32.const 64)) (call $move))
    (elem (i32.const 1) $move $up)`;
  const child = system.component("child", `${main("")} ${moves}`);
  const session = new RtcrCpu(new ChildContext(system.core.badges), {
    id: 3,
    args: "",
    real: system.capability(child.cpu),
  });
  const distances: number[] = [];
  for (const [ip, name] of ["down", "up"].entries()) {
    const made = session.createThread(child.pd.capability, { name });
    ok(made.ok);
    const thread = session.threads.get(made.value)!;
    thread.start(1 + ip, 32_768);
    await system.rest();
    thread.hold();
    const state = thread.state();
    ok(state.ok);
    distances.push(state.value.stackPointer - thread.startedAt);
  }
  deepEqual(distances, [-64, 64]);
  session.dispose();
  system.close();
});
