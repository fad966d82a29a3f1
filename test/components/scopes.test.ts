// Scopes of components, through each SDK: in both forms of a profile, each thread in a row of its own, core's beside them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Scope, ThreadRecorders, toProfile, toTraceEvents } from "../../src/profile/index.ts";
import { child, type RunOptions, runComponents } from "./rig.ts";

const LINES = ["sum 499500", "sum 500500", "sum 501500"];
const TURNS = [0, 1, 2].flatMap(() => [
  { name: "turn", color: "red" },
  { name: "sum", color: "blue" },
]);
const SUM = { name: "sum", color: "blue" };

async function profiled(app: string, more: Partial<RunOptions> = {}): Promise<ThreadRecorders> {
  const recorders = new ThreadRecorders();
  const run = await runComponents({
    start: child(app, "", { caps: 500 }),
    apps: [app],
    begin: ({ core }) => (core.kernel.scopes = recorders),
    ...more,
  });
  assert.deepEqual(run.of(app), LINES, run.warnings.join("\n"));
  return recorders;
}

/** What was measured in each row, in order of beginnings. */
function rows(scopes: readonly Scope[]): ReadonlyMap<string, readonly { name: string; color: string }[]> {
  const found = Map.groupBy(
    scopes.toSorted((a, b) => a.startNs - b.startNs),
    ({ thread }) => thread.replace(/ \(thread \d+\)$/, ""),
  );
  return new Map([...found].map(([row, list]) => [row, list.map(({ name, color }) => ({ name, color }))]));
}

for (const app of ["profiled", "as-profiled", "rs-profiled"]) {
  test(`S118: ${app}: scopes are in the profile and in the trace, by thread, and one within another`, async () => {
    const all = (await profiled(app)).scopes();
    const scopes = all.filter(({ thread }) => !thread.startsWith("core: "));
    const slices = all.filter(({ name, thread }) => thread === "core: CPU 0" && name === `Slice: init -> ${app}: ep`);
    assert.ok(slices.length > 0, "core has a row for its CPU");
    const helper = app === "profiled" ? [[`init -> ${app}: helper`, [SUM, SUM]] as const] : [];
    const expected = new Map<string, readonly object[]>([...helper, [`init -> ${app}: ep`, TURNS]]);
    assert.deepEqual(rows(scopes), expected);
    for (const { startNs, stopNs } of scopes.filter(({ name, thread }) => name === "sum" && thread.includes(": ep"))) {
      assert.ok(scopes.some((turn) => turn.name === "turn" && turn.startNs <= startNs && stopNs <= turn.stopNs));
    }
    const { version, instances } = toProfile(scopes);
    assert.deepEqual([version, instances.length], ["2.1", scopes.length]);
    assert.deepEqual(
      instances.filter(({ name }) => name === "turn").map(({ color }) => color),
      ["red", "red", "red"],
    );
    const { traceEvents } = JSON.parse(toTraceEvents(scopes)) as { traceEvents: Record<string, unknown>[] };
    const threads = traceEvents.filter(({ ph }) => ph === "M");
    assert.equal(threads.length, 1 + helper.length);
    const measured = traceEvents.filter(({ ph }) => ph === "X");
    assert.deepEqual(new Set(measured.map(({ tid }) => tid)).size, threads.length);
    assert.equal(measured.length, scopes.length);
  });

  test(`S118: ${app}: with nobody recording it does the same`, async () => {
    const recorders = await profiled(app, { begin: () => {} });
    assert.deepEqual(recorders.scopes(), []);
  });

  test(`S118: ${app}: made anew at every safe point, it notices nothing and measures the same`, async () => {
    const recorders = await profiled(app, { every: 1 });
    assert.equal(rows(recorders.scopes()).get(`init -> ${app}: ep`)?.length, TURNS.length);
  });
}
