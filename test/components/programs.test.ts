// The programs of spec 5.1, each run to its end with the output that it must have.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { child, runComponents } from "./rig.ts";

const SHORT = '<config iterations="20" turns="4" period_ms="10" sleep_ms="10"/>';

interface Case {
  readonly app: string;
  readonly lines: readonly string[];
  readonly windows?: boolean;
  readonly config?: string;
}

const CASES: readonly Case[] = [
  { app: "stack_counter", lines: ["1", "2", "3", "4"] },
  { app: "large_stack_counter", lines: ["1", "2", "3", "4"] },
  { app: "red_zone", lines: ["1755632541", "397969627", "733945881", "907245655"] },
  { app: "small_dataspaces", lines: ["0", "1", "2", "3"] },
  { app: "large_dataspaces", lines: ["0", "1", "2", "3"] },
  {
    app: "sheep_counter",
    lines: ["Heap|Stack|Manual DS", ...[0, 1, 2, 3].map((n) => `${n + 1}|${n + 1}|${n} sheep. zzZ`)],
  },
  { app: "sheep_counter_extended", lines: [1, 2, 3, 4].map((n) => `${n} sheep. 0 wrong`) },
  {
    app: "rtcr_redmem",
    lines: [811299562, 953216561, 2476081374, 3579681725].map((sum, n) => `${n + 1} sheep. ${sum}`),
  },
  { app: "sheep_counter_async", lines: [0, 1, 2, 3].map((n) => `${n}|${n} sheep. zzZ`) },
  { app: "sheep_counter_timer", lines: [1, 2, 3, 4].map((n) => `${n} sheep. zzZ`) },
  {
    app: "sheep_counter_threaded",
    lines: [...[0, 1, 2, 3].map((n) => `${n} sheep. zzZ (thread "sheep")`), "counted 4"],
  },
  {
    app: "thread_registers",
    lines: ["1 1 4294967296 2 2", "1 2 4294967299 3 3", "2 3 4294967302 4 4", "3 5 4294967305 5 5"],
  },
  { app: "cap_reuse", lines: ["badges used again: yes, stale references alive: 0, reached: 0"] },
  {
    app: "managed_dataspace",
    windows: true,
    lines: [
      "inner 0x3000, middle 0x4000, outer 0x8000",
      "nested 0xcafe, direct 0x5eed",
      "moved to 0x5000: 0x5eed 0xcafe",
      "destroyed: direct 0x5eed",
    ],
  },
  {
    app: "fault_handler",
    windows: true,
    lines: [
      "read fault at 0x0",
      "write fault at 0x1000",
      "read fault at 0x2000",
      "write fault at 0x3000",
      "sum 226, state ready",
    ],
  },
  {
    app: "many_threads",
    config: '<config threads="3" depth="5" iterations="20" turns="3"/>',
    lines: ["3", "6", "9", "sum 227796859614"],
  },
  { app: "stress_rm", lines: ["64 region maps, upgrades: yes, destroyed: 64"] },
  { app: "validator", lines: ["valid", "valid", "valid", "valid"] },
];

/** Twins in AssemblyScript have the same output. */
const TWINS = ["stack_counter", "large_stack_counter", "small_dataspaces", "large_dataspaces", "sheep_counter"];

for (const name of TWINS) {
  test(`S116: as-${name}`, async () => {
    const run = await runComponents({ start: child(`as-${name}`, SHORT), apps: [`as-${name}`] });
    assert.deepEqual(run.of(`as-${name}`), CASES.find(({ app }) => app === name)!.lines, run.warnings.join("\n"));
    assert.deepEqual(run.warnings, []);
  });
}

for (const { app, lines, windows = false, config = SHORT } of CASES) {
  test(`S116: ${app}`, async () => {
    const run = await runComponents({ start: child(app, config, { windows }), apps: [app] });
    assert.deepEqual(run.of(app), lines, run.warnings.join("\n"));
    assert.deepEqual(run.warnings, []);
  });
}

test("S116: arbitrary_child: a component starts another one, and is its parent", async () => {
  const start = child("arbitrary_child", '<config child="stack_counter" iterations="5" turns="3"/>', { caps: 800 });
  const run = await runComponents({ start, apps: ["arbitrary_child", "stack_counter"] });
  assert.deepEqual(run.of("arbitrary_child"), ["child started", "child exited with 0"]);
  assert.deepEqual(run.of("arbitrary_child -> stack_counter"), ["1", "2", "3"]);
});

test("S31, S35: I/O-level signals are dispatched while a handler waits, the others are deferred and run once", async () => {
  const run = await runComponents({ start: child("signal_levels"), apps: ["signal_levels"] });
  assert.deepEqual(run.of("signal_levels"), [
    "I/O handler, run 1",
    "waited: 0 application, 1 I/O",
    "application handler, run 1",
    "I/O handler, run 2",
    "waited inside: 1 application, 2 I/O",
    "application handler, run 2",
  ]);
});

test("S24: threads meet at mutexes and semaphores", async () => {
  const run = await runComponents({ start: child("lock_test"), apps: ["lock_test"] });
  assert.deepEqual(run.of("lock_test"), [
    "mutex: 300 rounds, 0 collisions",
    "semaphore: 100 taken, sum 5050",
    "this thread: ep",
  ]);
  assert.deepEqual(run.warnings, []);
});

test("S48: heap and sliced heap", async () => {
  const run = await runComponents({ start: child("heap_test"), apps: ["heap_test"] });
  const lines = run.of("heap_test");
  assert.deepEqual(
    lines.filter((line) => line.startsWith("FAILED")),
    [],
  );
  assert.equal(lines.filter((line) => line.startsWith("ok: ")).length, 22);
  const rest = lines.filter((line) => !line.startsWith("ok: ")).map((line) => line.replace(/0x[0-9a-f]+/, "0x"));
  const unknown = "Warning: heap could not free memory block: 0x is not allocated here";
  assert.deepEqual(rest, [
    "Error: attempt to allocate a block of 0 bytes from the heap",
    ...[unknown, unknown, unknown],
    "Warning: sliced heap could not free memory block: 0x is not allocated here",
  ]);
});

test("S116: a component in Rust", async () => {
  const run = await runComponents({ start: child("rs-counter"), apps: ["rs-counter"] });
  assert.deepEqual(run.of("rs-counter"), [
    "sum 2096128",
    "a call of one's own entrypoint: deadlock",
    "slept: yes",
    "constructed, ep serves",
    "tick 1",
    "tick 2",
    "tick 3",
  ]);
  assert.deepEqual(run.warnings, []);
});

test("S25, S116: rtcr_resume_child: a paused thread stands still and goes on", async () => {
  const done = (lines: readonly string[]) => lines.some((line) => /resumed:|Error/.test(line));
  const start = child("rtcr_resume_child", '<config pause_ms="30"/>');
  const run = await runComponents({ start, apps: ["rtcr_resume_child"], deterministic: true, done });
  assert.deepEqual(run.of("rtcr_resume_child"), [
    "paused: it has counted, state paused",
    "after the pause: stood still",
    "resumed: counts on",
  ]);
});

test("S1, S2, S20, S31, S34, S36: the kernel's imports without an SDK", async () => {
  const done = (lines: readonly string[]) => lines.some((line) => /nobody records|FAILED/.test(line));
  const run = await runComponents({ start: child("smoke"), apps: ["smoke"], realTime: true, done });
  const expected = readFileSync(join(import.meta.dirname, "../../apps/components/expected/smoke.txt"), "utf8");
  assert.deepEqual(run.of("smoke"), expected.trimEnd().split("\n"));
});
