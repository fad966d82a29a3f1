// Systems on several CPUs under torture: each component's own lines, exit values and files are the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CompareRules, compareJourneys } from "../../src/cli/torture/compare-journeys.ts";
import type { SystemJourney } from "../../src/cli/torture/system.ts";
import { ADVERSARIAL } from "./adversarial.ts";
import { spread, toTheEnd } from "./spread.ts";
import { COUNTERS, NESTED, OLDER, PROGRAMS, SUPERVISORS, TALKING, type TorturedSystem } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

const CPUS = 3;

/** Several systems as one. */
function together(from: Readonly<Record<string, TorturedSystem>>, ...names: readonly string[]): TorturedSystem {
  const systems = names.map((name) => from[name]!);
  return {
    programs: systems.flatMap(({ programs }) => programs),
    children: systems.map(({ children }) => children).join(""),
  };
}

// The key-value server is not among them: its clients log how many keys all of them have put.
const SYSTEMS: Readonly<Record<string, TorturedSystem>> = {
  "programs of the thesis": together(COUNTERS, "sheep_counter", "large_stack_counter", "as-small_dataspaces"),
  "older programs": together(
    ...([OLDER, "sheep_counter_threaded", "thread_registers", "fault_handler", "managed_dataspace"] as const),
    ...["cap_reuse", "arbitrary_child"],
  ),
  adder: toTheEnd(TALKING["adder"]!),
  "client and server": toTheEnd(TALKING["client and server"]!),
  "fifty components in five inits": NESTED["fifty components in five inits"]!,
  "a supervisor in an init": toTheEnd(SUPERVISORS["a supervisor in an init, beneath a supervisor"]!),
  "programs in c": PROGRAMS["programs in c"]!,
  // Which client comes when, and so numbers and how many are open, is nobody's promise; each thread's own turns are. Quota is
  // left in other portions.
  sessions: {
    ...ADVERSARIAL["sessions"]!,
    rules: [
      ...["--by", "^(thread \\d+)|^session \\d+ (of \\w+)"],
      ...["--ignore", "^quota: .*", "--ignore", "^session \\d+ |\\d+ open$"],
    ],
  },
  // How far others come until the manager has done its turns differs; what it and the init that it manages do does not.
  "an init that is managed": { ...ADVERSARIAL["an init that is managed"]!, rules: ["--ignore", ".*sheep\\. zzZ$"] },
};

tortureEach(Object.fromEntries(Object.entries(SYSTEMS).map(([name, system]) => [name, spread(system, CPUS)])), {
  rows: "S28, S88, S97",
  points: 5,
  seed: 9,
  cpus: CPUS,
});

// A reader may miss some news, and all when the writer has gone; they never become older. How many safe points there are
// depends on what is read: the first point is one that every run passes.
const MODULES: TorturedSystem = {
  ...ADVERSARIAL["modules"]!,
  rules: [
    ...["--rising", "^news ([1-9]\\d*),"],
    ...["--ignore", "^news 0,.*", "--ignore", "^Error: news 0 after.*", "--ignore", '^child "[ab]" exited.*'],
  ],
};
tortureEach(
  { modules: spread(MODULES, CPUS) },
  { rows: "S28, S88, S97", points: 5, seed: 118, strategies: ["direct"], cpus: CPUS },
);

test("S28, S97: what is compared: everything with one CPU; with several not the order between components", () => {
  const journey = (lines: readonly string[], content = "1"): SystemJourney => ({
    ...{ lines, passed: 9, taken: [4], increments: 0, stoodBy: 0, renewed: 0, linesAt: [2] },
    files: new Map([["r -> a", new Map([["r -> a: /data/x", content]])]]),
  });
  const run = journey([
    "[r -> a] 1",
    "[r -> b] 1",
    "[r -> a] 2",
    '[r] child "a" exited with exit value 0',
    "[r -> b] 2",
  ]);
  const cases: readonly (readonly [SystemJourney, one: string | undefined, several: string | undefined])[] = [
    [run, undefined, undefined],
    [
      journey(["[r -> b] 1", "[r -> b] 2", "[r -> a] 1", "[r -> a] 2", '[r] child "a" exited with exit value 0']),
      "line 1, before any point: found [r -> b] 1, expected [r -> a] 1",
      undefined,
    ],
    [
      journey(run.lines.with(2, "[r -> a] 3")),
      "line 3, after safe point 4: found [r -> a] 3, expected [r -> a] 2",
      "component r -> a, its line 2: found [r -> a] 3, expected [r -> a] 2",
    ],
    [
      journey(run.lines.with(3, '[r] child "a" exited with exit value 1')),
      'line 4, after safe point 4: found [r] child "a" exited with exit value 1, expected [r] child "a" exited with exit value 0',
      'component r -> a, its line 3: found [r] child "a" exited with exit value 1, expected [r] child "a" exited with exit value 0',
    ],
    [
      journey(run.lines.slice(0, 4)),
      "line 5, after safe point 4: found the end, expected [r -> b] 2",
      "component r -> b, its line 2: found the end, expected [r -> b] 2",
    ],
    [
      journey(run.lines, "2"),
      "file r -> a: /data/x differs: expected 1, found 2",
      "file r -> a: /data/x differs: expected 1, found 2",
    ],
  ];
  for (const [found, one, several] of cases) {
    const [inOrder, byComponent] = [1, 2].map((cpus) => compareJourneys(run, found, { cpus }));
    assert.deepEqual([inOrder, byComponent], [one, several]);
  }
});

test("S28, S97: rules say what of lines is compared", () => {
  const journey = (...texts: readonly string[]): SystemJourney => ({
    ...{
      lines: texts.map((text) => `[r -> a] ${text}\n`),
      passed: 9,
      taken: [4],
      increments: 0,
      stoodBy: 0,
      renewed: 0,
      linesAt: [2],
      files: new Map(),
    },
  });
  const cases: readonly (readonly [
    Partial<CompareRules>,
    SystemJourney,
    SystemJourney,
    difference: string | undefined,
  ])[] = [
    [{ by: /^(t\d)/ }, journey("t1 a", "t2 a", "t1 b"), journey("t2 a", "t1 a", "t1 b"), undefined],
    [
      { by: /^(t\d)/ },
      journey("t1 a", "t2 a", "t1 b"),
      journey("t1 b", "t1 a", "t2 a"),
      "component r -> a, t1, its line 1: found [r -> a] t1 b, expected [r -> a] t1 a",
    ],
    [{ ignore: [/\d+ open$/g] }, journey("x, 1 open", "2 open"), journey("x, 9 open"), undefined],
    [
      { ignore: [/\d+ open$/g] },
      journey("x, 1 open"),
      journey("y, 1 open"),
      "component r -> a, its line 1: found [r -> a] y,, expected [r -> a] x,",
    ],
    [{ rising: /^n (\d+)/ }, journey("n 1", "n 3", "x"), journey("n 2", "x", "n 2"), undefined],
    [
      { rising: /^n (\d+)/ },
      journey("n 1"),
      journey("n 10", "n 9"),
      "component r -> a: found n 9, expected 10 or more",
    ],
  ];
  for (const [rules, expected, found, difference] of cases) {
    assert.equal(compareJourneys(expected, found, { cpus: 1, ...rules }), difference);
  }
});
