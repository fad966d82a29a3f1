// Scopes, and what the tools make of them.
import assert from "node:assert/strict";
import test from "node:test";
import { analyzeProfiles, statistics } from "./analyze.ts";
import { busyTime } from "./busy-time.ts";
import { filterLog, toLogLine } from "./filter.ts";
import { mergeProfiles, type NamedProfile } from "./merge.ts";
import { type ProfileInstance, readProfile, toProfile, writeProfile } from "./profile-file.ts";
import { beginScope, endScope, inScope, profiling, Recorder, startProfile, stopProfile } from "./scopes.ts";
import { toTraceEvents } from "./trace-events.ts";

/** A clock that says what it is told, in milliseconds. */
function clock(...times: number[]): () => number {
  return () => times.shift()!;
}

/** `name start-stop`, a measurement each. */
function run(what: string, text: string): NamedProfile {
  const instances = text.split(", ").map((item): ProfileInstance => {
    const [, name, start, stop] = /^(.*) (\d+)-(\d+)$/.exec(item)!;
    return { name: name!, color: "blue", start: Number(start), stop: Number(stop) };
  });
  return { what, profile: { version: "2.1", instances } };
}

test("S118: scopes nest, are ordered by their beginning, and carry name, colour and thread", () => {
  const recorder = new Recorder("cpu 0", { now: clock(1, 2, 3, 4, 5, 6) });
  startProfile(recorder);
  inScope("outer", "red", () => inScope("inner", "blue", () => {}));
  const open = beginScope("open", "green");
  stopProfile();
  endScope(open);
  assert.deepEqual(recorder.scopes(), [
    { name: "outer", color: "red", thread: "cpu 0", startNs: 1e6, stopNs: 4e6 },
    { name: "inner", color: "blue", thread: "cpu 0", startNs: 2e6, stopNs: 3e6 },
  ]);
});

test("S118: a scope ends when its body throws", () => {
  const recorder = new Recorder("cpu 0", { now: clock(1, 2) });
  startProfile(recorder);
  assert.throws(() =>
    inScope("fails", "red", () => {
      throw new Error("x");
    }),
  );
  stopProfile();
  assert.equal(recorder.scopes().length, 1);
});

test("S118: when it is off nothing is recorded; when it is full the rest is counted", () => {
  assert.equal(profiling(), false);
  assert.equal(beginScope("x", "red"), -1);
  endScope(-1);
  const recorder = new Recorder("cpu 0", { capacity: 2 });
  startProfile(recorder);
  for (let i = 0; i < 5; i++) inScope("x", "red", () => {});
  stopProfile();
  assert.equal(recorder.scopes().length, 2);
  assert.equal(recorder.dropped, 3);
});

test("S118: 10,000 nested empty scopes (elapsed_time)", () => {
  const recorder = new Recorder("cpu 0");
  startProfile(recorder);
  const scopes = Array.from({ length: 10_000 }, () => beginScope("nested", "gray"));
  for (const scope of scopes.toReversed()) endScope(scope);
  stopProfile();
  const measured = recorder.scopes();
  assert.equal(measured.length, 10_000);
  for (let i = 1; i < measured.length; i++) {
    assert.ok(measured[i]!.startNs >= measured[i - 1]!.startNs && measured[i]!.stopNs <= measured[i - 1]!.stopNs);
  }
});

test("S118: profiles are version 2.1, in microseconds since the first scope, and read back", () => {
  const scopes = [
    { name: 'B "x"', color: "red", startNs: 5_500, stopNs: 7_000, thread: "t" },
    { name: "A", color: "blue", startNs: 4_000, stopNs: 9_001, thread: "t" },
  ];
  const profile = toProfile(scopes);
  assert.deepEqual(profile, {
    version: "2.1",
    instances: [
      { name: "A", color: "blue", start: 0, stop: 5.001 },
      { name: 'B "x"', color: "red", start: 1.5, stop: 3 },
    ],
  });
  assert.deepEqual(readProfile(writeProfile(profile), "f"), profile);
  assert.deepEqual(JSON.parse(writeProfile(toProfile([]))), { version: "2.1", instances: [] });
});

test("S118: what is no profile is refused by name", () => {
  const cases: [text: string, message: RegExp][] = [
    ["{", /^f: not JSON/],
    ["null", /^f: version is absent, expected "2.1"$/],
    ['{"version":"2.1"}', /^f: instances is absent, expected a list$/],
    ['{"version":"2.1","instances":[{"name":1}]}', /^f: instances\[0\]\.name is 1, expected a string$/],
    [
      '{"version":"2.1","instances":[{"name":"a","color":"red","start":5,"stop":4}]}',
      /^f: instances\[0\]\.stop is 4, expected microseconds, not before start$/,
    ],
  ];
  for (const [text, message] of cases) assert.throws(() => readProfile(text, "f"), { name: "ProfileFault", message });
});

test("S118: filter takes measurements out of a log, wherever they stand in it", () => {
  const scope = { name: "Memcpy", color: "blue", startNs: 2_000, stopNs: 9_400, thread: "t" };
  const line = toLogLine(scope);
  assert.equal(line, '\\STATS\\{"name":"Memcpy","color":"blue","start":2,"stop":9}\\STATE\\');
  const log = `[init -> counter] 1 sheep\nnoise ${line} noise${toLogLine({ ...scope, startNs: 1_000 })}\n`;
  assert.deepEqual(
    filterLog(log, "log").instances.map(({ start, stop }) => [start, stop]),
    [
      [1, 9],
      [2, 9],
    ],
  );
  assert.deepEqual(filterLog("nothing", "log").instances, []);
  assert.throws(() => filterLog("a\n\\STATS\\{}", "log"), { message: "log:2: \\STATS\\ without \\STATE\\" });
  assert.throws(() => filterLog("\\STATS\\{]\\STATE\\", "log"), { message: /^log:1: not JSON between the markers/ });
});

test("S118: a long log is filtered, and its lines are counted, in one pass", () => {
  const line = toLogLine({ name: "Memcpy", color: "blue", startNs: 2_000, stopNs: 9_000, thread: "t" });
  const log = `noise\n${`${line}${line}\n`.repeat(40_000)}`;
  assert.equal(filterLog(log, "log").instances.length, 80_000);
  assert.throws(() => filterLog(`${log}\n\\STATS\\{`, "log"), { message: /^log:40003: / });
});

test("S118: merge averages by position", () => {
  const merged = mergeProfiles([run("a", "x 0-10, y 2-4"), run("b", "x 2-20, y 4-8")]);
  assert.deepEqual(merged.instances, run("", "x 1-15, y 3-6").profile.instances);
  assert.deepEqual(mergeProfiles([]).instances, []);
});

test("S119: runs that differ are not averaged; the first difference is named", () => {
  const a = run("a", "x 0-1, y 2-3, x 4-5");
  const cases: [NamedProfile, string][] = [
    [run("b", "x 0-1, x 2-3, y 4-5"), 'b: measurement 1 has name "x", in a it has "y"'],
    [run("b", "x 0-1, y 2-3"), "b has 2 measurements, a has 3: runs to be averaged have as many"],
  ];
  for (const [b, message] of cases) assert.throws(() => analyzeProfiles([a, b]), { code: "disparity", message });
  const red = {
    what: "c",
    profile: { ...a.profile, instances: a.profile.instances.map((i) => ({ ...i, color: "red" })) },
  };
  assert.throws(() => mergeProfiles([a, red]), { message: 'c: measurement 0 has color "red", in a it has "blue"' });
  assert.equal(mergeProfiles([a, red], { ignoreColorDisparity: true }).instances[0]!.color, "blue");
  const renamed = run("d", "z 0-1, y 2-3, x 4-5");
  assert.equal(mergeProfiles([a, renamed], { ignoreScopeDisparity: true }).instances[0]!.name, "x");
});

test("S120: statistics of a scope are over the sums of each run", () => {
  const { scopes, results } = analyzeProfiles([run("a", "x 0-1, y 1-2, x 2-4"), run("b", "x 0-3, y 3-4, x 5-9")]);
  const [x, y] = scopes;
  assert.deepEqual([x!.name, x!.count, x!.runs, x!.min, x!.median, x!.mean, x!.max], ["x", 2, 2, 3, 5, 5, 7]);
  assert.ok(Math.abs(x!.deviation - Math.SQRT2 * 2) < 1e-12);
  assert.deepEqual([y!.name, y!.mean, y!.deviation], ["y", 1, 0]);
  assert.deepEqual(readProfile(writeProfile(results), "results.json"), results, "it can be plotted again");
});

test("S120: percentiles are nearest ranks, medians of even counts lie between", () => {
  const twenty = statistics(Array.from({ length: 20 }, (_, i) => 20 - i));
  assert.deepEqual([twenty.min, twenty.median, twenty.mean, twenty.p95, twenty.max], [1, 10.5, 10.5, 19, 20]);
  const one = statistics([7]);
  assert.deepEqual([one.min, one.median, one.p95, one.deviation], [7, 7, 7, 0]);
});

test("S118: trace events have a row for each thread and count from the first scope", () => {
  const text = toTraceEvents([
    { name: "a", color: "red", startNs: 5_000, stopNs: 6_500, thread: "cpu 0" },
    { name: "b", color: "blue", startNs: 4_000, stopNs: 9_000, thread: "supervisor" },
  ]);
  assert.deepEqual(JSON.parse(text).traceEvents, [
    { name: "thread_name", ph: "M", pid: 1, tid: 1, args: { name: "cpu 0" } },
    { name: "thread_name", ph: "M", pid: 1, tid: 2, args: { name: "supervisor" } },
    { name: "a", ph: "X", pid: 1, tid: 1, ts: 1, dur: 1.5, cat: "red" },
    { name: "b", ph: "X", pid: 1, tid: 2, ts: 0, dur: 5, cat: "blue" },
  ]);
});

test("S119: a plot's axis leaves out long idle times, and only those", () => {
  const at = (start: number, stop: number) => ({ name: "a", color: "red", start, stop });
  const { place, gaps, length } = busyTime([at(5000, 5060), at(100, 140), at(130, 200), at(5064, 5100)]);
  assert.deepEqual([100, 150, 200].map(place), [0, 50, 100], "overlapping scopes are one busy time");
  const room = 200 * 0.03;
  assert.deepEqual(gaps, [{ at: 100 + room / 2, us: 4800 }], "the four idle microseconds stay");
  assert.equal(place(3000), 100 + room, "idle time has no length");
  assert.deepEqual([5000, 5060, 5064, 5100].map(place), [106, 166, 170, 206]);
  assert.equal(length, 206);
  assert.deepEqual(busyTime([]).gaps, []);
});
