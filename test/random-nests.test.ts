// Random programs of nested control (random-nests.ts) under torture: alone, in four threads that take turns, and on
// stacks of three instances. Plain result = rewritten = frozen and restored, under different options in turn.
//
// RTCR_SEED and RTCR_PROGRAMS repeat or widen a run.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { HostImports, HostValue } from "../src/abi/index.ts";
import { loadProgram } from "../src/core/program.ts";
import { captureGroup, Group, restoreGroup, type Thread } from "../src/engine/index.ts";
import { assemble } from "./assemble.ts";
import { seededRandom, seedOr } from "./random.ts";
import { HELPERS, HOST_IMPORT, Nests } from "./random-nests.ts";
import { carried, Scenario } from "./torture.ts";

const PROGRAMS = Number(process.env["RTCR_PROGRAMS"] ?? 40);
const FIRST = seedOr(1);
const THREADS = [0, 1, 2, 3];
/** How programs are rewritten, in turn. */
const OPTIONS = [{ mostTurns: 1 }, { mostTurns: 3 }, {}] as const;

const host = (log: (entry: unknown) => void = () => {}): HostImports => ({
  env: {
    host: {
      freeze: "restartable",
      call: (_, value: HostValue) => {
        log(value);
        return (value as number) + 1;
      },
    },
  },
});

const TICK = `(func $tick (export "tick") (result i32) (loop) (global.set $ticks (i32.add (global.get $ticks) (i32.const 1))) (global.get $ticks))`;
const COMMON = `(tag $e (export "e") (param i32)) (table $t (export "t") 8 funcref) (global $ticks (mut i32) (i32.const 0)) (func $id (export "id") (type $i) (loop) (local.get 0)) ${HELPERS}`;
const ELEMENTS = "(elem (table $t) (i32.const 0) $id $inc $g)";
const totals = { programs: 0, points: 0 };

function compare(modules: Readonly<Record<string, string>>, every: number): void {
  const binaries = Object.entries(modules).map(([name, text]) => ({ name, bytes: assemble(text) }));
  const plain = new Scenario(binaries, { imports: host }).plain();
  for (const options of OPTIONS) {
    const { outcome, points } = new Scenario(binaries, { imports: host, options }).rewritten(every);
    assert.deepEqual(outcome, plain, `${JSON.stringify(options)}, frozen at every ${every}. of ${points} points`);
    totals.points += points;
  }
}

function alone(seed: number): void {
  const random = seededRandom(seed);
  const nested = new Nests(random).function("$g", seed % 2 ? "exceptions" : "legacy", [2, 5]);
  const call = `(func (export "f") (result i32) (call $g (i32.const 1)))`;
  compare({ m: `(module ${HOST_IMPORT} ${COMMON} ${ELEMENTS} ${TICK} ${nested} ${call})` }, 1 + random.below(2));
}

/** Three instances; each calls the one before, directly, through a table, or by a tail call. */
function linked(seed: number): void {
  const random = seededRandom(seed);
  const nests = new Nests(random);
  const kind = () => random.pick(["exceptions", "legacy"] as const);
  const a = `(module ${HOST_IMPORT} ${COMMON} ${ELEMENTS} ${TICK} ${nests.function('$g (export "g")', kind(), [1, 3])})`;
  const user = (before: string, slot: number) => {
    const imports = `(import "a" "tick" (func $tick (result i32))) (import "a" "e" (tag $e (param i32))) (import "a" "t" (table $t 8 funcref)) (import "a" "id" (func $id (type $i))) (import "${before}" "g" (func $prev (type $i)))`;
    const hop = random.pick([
      "(return_call $prev (i32.add (local.get 0) (call $tick)))",
      `(return_call_indirect $t (type $i) (local.get 0) (i32.const ${slot - 1}))`,
      "(i32.sub (call $prev (local.get 0)) (call $tick))",
    ]);
    const leaf = random.pick([
      "(call $prev (call $tick))",
      `(call_indirect $t (type $i) (call $tick) (i32.const ${slot - 1}))`,
      "(call $hop (call $tick))",
    ]);
    const own = nests.function('$g (export "g")', kind(), [1, 3], leaf);
    return `(module ${HOST_IMPORT} ${imports} (elem (table $t) (i32.const ${slot}) $g) ${HELPERS} (func $hop (type $i) ${hop}) ${own}
      (func (export "f") (result i32) (i32.add (call $g (i32.const 1)) (call $tick))))`;
  };
  compare({ a, b: user("a", 3), c: user("b", 4) }, 1 + random.below(3));
}

/** Four threads of one instance take turns at every safe point; at some, all is captured and goes on in a fresh group. */
function threads(seed: number): void {
  const random = seededRandom(seed);
  const nests = new Nests(random);
  const functions = THREADS.map((number) => nests.function(`(export "f${number}")`, "exceptions", [2, 5]));
  // Not the counter: results must not depend on the order of turns.
  const tick = "(func $tick (result i32) (loop) (i32.const 3))";
  const bytes = assemble(
    `(module ${HOST_IMPORT} ${COMMON} (elem (table $t) (i32.const 0) $id $inc) ${tick} ${functions.join("\n")})`,
  );
  const imports = { env: { host: (value: number) => value + 1 } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), imports);
  const expected = THREADS.map((number) => (exports[`f${number}`] as (arg: number) => number)(1));
  const programs = OPTIONS.map((options) => loadProgram(bytes, "m", options));
  const make = () => {
    const group = new Group();
    group.add("m", random.pick(programs), host());
    group.request();
    return group;
  };
  let group = make();
  const ids = THREADS.map((number) => {
    const { index } = programs[0]!.info.exports.find(({ name }) => name === `f${number}`)!;
    return group.spawn({ instance: 0, function: index, name: `f${number}` }, [1]).id;
  });
  const found: unknown[] = [];
  while (group.threads.length > 0) {
    const thread: Thread = random.pick(group.threads);
    group.run(thread);
    totals.points++;
    if (thread.ending) {
      assert(thread.ending.kind === "returned", `thread ${thread.id} ${thread.ending.kind}`);
      found[ids.indexOf(thread.id)] = thread.ending.results[0];
    } else if (random.below(6) === 0) {
      const saved = carried(captureGroup(group));
      group = make();
      restoreGroup(group, saved);
    }
  }
  assert.deepEqual(found, expected);
}

for (const [what, check] of Object.entries({ alone, linked, threads })) {
  test(`random nests, ${what}: ${PROGRAMS} from seed ${FIRST}`, () => {
    for (let seed = FIRST; seed < FIRST + PROGRAMS; seed++) {
      try {
        check(seed);
        totals.programs++;
      } catch (thrown) {
        throw new Error(`seed ${seed} (repeat with RTCR_SEED=${seed} RTCR_PROGRAMS=1)`, { cause: thrown });
      }
    }
  });
}

after(() => {
  console.log(JSON.stringify(totals));
  assert(totals.points > 20 * totals.programs, `more than ${20 * totals.programs} points, found ${totals.points}`);
});
