// The short form of the evaluation: the benchmark program runs, its profile has the thesis's scopes, and the relations of
// spec 5.5 hold in bytes and counts. Times are `npm run evaluation`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { figuresOf } from "../../bench/evaluation/figures.ts";
import { byteRelations, larger, measurement, PROGRAMS, type Results } from "../../bench/evaluation/relations.ts";
import { runBenchmark } from "../../bench/evaluation/run-benchmark.ts";
import { analyzeProfiles } from "../../src/profile/index.ts";
import { BASE_INTERPOSERS, STRATEGIES } from "../../src/rtcr/index.ts";

/** Name and colour of every scope that a restore of the kind has. */
const COMMON = {
  "Dataspace Allocation": "violet",
  Checkpoint: "red",
  Pause: "green",
  Resume: "green",
  "Dataspace Allocation and Restore": "blue",
  Memcpy: "blue",
  "Thread Restore": "blue",
};
const SCOPES = {
  direct: COMMON,
  bootstrap: {
    ...COMMON,
    "Stack Repair": "blue",
    "Dataspace Region-Map Look-Up": "blue",
    "Dataspace Checkpoint Look-Up": "blue",
  },
};

for (const strategy of STRATEGIES) {
  test(`S116, S117, S121: five programs, two runs each, in the shape of the thesis's tables (${strategy})`, async () => {
    const results: Partial<Record<keyof Results, Results["sheep_counter"]>> = {};
    for (const child of PROGRAMS) {
      const runs = await runBenchmark({ child, strategy, repetitions: 2 });
      for (const { profile } of runs) {
        const colors = new Map(profile.instances.map(({ name, color }) => [name, color]));
        for (const [name, color] of Object.entries(SCOPES[strategy])) assert.equal(colors.get(name), color, name);
        assert.equal(colors.has("Stack Repair"), strategy === "bootstrap");
      }
      // The same work in the same order each time: or there is nothing to average (thesis 6.2).
      const named = runs.map(({ profile }, i) => ({ what: `${child} ${i}`, profile }));
      assert.equal(analyzeProfiles(named).results.instances.length, runs[0]!.profile.instances.length);
      results[child] = figuresOf(runs);
      // Each copy is counted once: of a dataspace, of a stack that is repaired, or of the program's memory.
      for (const { memcpy, dataspaceMemcpy, stackMemcpy } of results[child].durations) {
        assert.ok(memcpy > dataspaceMemcpy + stackMemcpy, `${child}: what is left is the program's memory`);
        assert.equal(stackMemcpy > 0, strategy === "bootstrap", `${child}: stacks`);
        const stacksOnly = strategy === "bootstrap" && child.endsWith("stack_counter");
        assert.equal(dataspaceMemcpy > 0.001, !stacksOnly, `${child}: dataspaces besides`);
      }
      assert.ok(results[child].allocations >= results[child].dataspaces);
    }
    const relations = byteRelations(results as Results);
    const wanted = strategy === "direct" ? relations.slice(2) : relations; // without a bootstrap no stack is repaired
    for (const { name, found, holds } of wanted) assert.ok(holds, `${name}: ${found}`);
  });
}

for (const strategy of STRATEGIES) {
  test(`S97, S117: a second instance that stood by does the same work in the same order (${strategy})`, async () => {
    const setup = { child: "large_dataspaces", strategy, repetitions: 1 };
    const runs = [...(await runBenchmark(setup)), ...(await runBenchmark({ ...setup, standby: true }))];
    const [plain, stood] = runs.map((run) => figuresOf([run]));
    assert.ok(plain!.continued && stood!.continued);
    assert.deepEqual([stood!.allocations, stood!.copies], [plain!.allocations, plain!.copies]);
    const named = runs.map(({ profile }, i) => ({ what: `run ${i}`, profile }));
    assert.equal(analyzeProfiles(named).results.instances.length, runs[0]!.profile.instances.length);
  });
}

test("S112: the benchmark program runs with another module", async () => {
  let made = 0;
  const counted = {
    ...BASE_INTERPOSERS,
    pd: (...args: Parameters<NonNullable<typeof BASE_INTERPOSERS.pd>>) => {
      made++;
      return BASE_INTERPOSERS.pd!(...args);
    },
  };
  const setup = { child: "stack_counter", strategy: "direct", repetitions: 1 } as const;
  await runBenchmark({ ...setup, module: "counted", modules: { counted } });
  assert.equal(made, 2, "one PD for each instance");
  await assert.rejects(runBenchmark({ ...setup, module: "missing" }), /no module "missing"/);
});

test("S120: fewer than 20 runs, a clock of milliseconds, and differences that may be chance are not called sound", async () => {
  const runs = await runBenchmark({ child: "sheep_counter", strategy: "direct", repetitions: 2 });
  const of = (count: number) => {
    const figures = figuresOf(Array.from({ length: count }, (_, i) => runs[i % runs.length]!));
    return Object.fromEntries(PROGRAMS.map((name) => [name, figures])) as unknown as Results;
  };
  const sound = (count: number, stepUs: number) => measurement([of(20), of(count)], stepUs).map(({ holds }) => holds);
  assert.deepEqual(
    [sound(20, 1), sound(19, 1), sound(20, 1000)],
    [
      [true, true],
      [false, true],
      [true, false],
    ],
  );
  const around = (middle: number) => Array.from({ length: 20 }, (_, i) => middle + (i % 5));
  assert.equal(larger("", around(103), around(100)).holds, true, "of nearly all pairs");
  assert.equal(
    larger("", [...around(103).slice(1), 0], [...around(100).slice(1), 10_000]).holds,
    true,
    "whatever one run was",
  );
  assert.equal(larger("", around(101), around(100)).holds, false, "of two in three, which is chance");
  assert.equal(larger("", around(100), around(103)).holds, false);
});
