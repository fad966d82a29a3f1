// What is checked together: guarded loops and regions are found where they may be, and nowhere else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { OP, opcodeName } from "../wasm/index.ts";
import { loopTurns } from "./loops.ts";
import type { Plan } from "./plan.ts";
import { Program } from "./program.ts";
import { accessOf, memoryAccessCodes } from "./windows-accesses.ts";
import { AccessGroups } from "./windows-groups.ts";
import { guardedLoopsOf } from "./windows-loops.ts";
import { regionsOf } from "./windows-regions.ts";

function planOf(body: string): Plan {
  const locals = "(param $p i32) (param $q i32) (param $n i32) (param $k i32) (local $t i32) (local $x i64)";
  const text = `(module (memory 1) (global (mut i32) (i32.const 0)) (func $h) (func (export "f") ${locals} ${body}))`;
  return new Program(assemble(text), { windows: true }).plan(1);
}

/** The guards of the one loop in a body: how its addresses move, and what they reach. */
function loop(statements: string): unknown {
  const plan = planOf(`(loop $l ${statements} (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))`);
  const [found] = guardedLoopsOf(plan, (at) => loopTurns(plan.body, at, 1000), regionsOf(plan)).values();
  return found?.guards.map(({ address: { below, above, growing }, low, high, need }) => {
    return { below, above, growing: growing.map(([, factor]) => factor), low, high, need };
  });
}

const still = { below: 0, above: 0, growing: [], need: 1 };

test("loops whose pointers run, fall or stand still are guarded", () => {
  assert.deepEqual(
    loop(
      "(i32.store offset=8 (local.get $p) (i32.load8_u (local.get $q))) (local.set $p (i32.add (local.get $p) (i32.const 4)))",
    ),
    [
      { ...still, low: 0, high: 1 },
      { ...still, above: 4, low: 8, high: 12, need: 2 },
    ],
  );
  assert.deepEqual(loop("(local.set $x (i64.load (local.tee $p (i32.add (local.get $p) (i32.const -8)))))"), [
    { ...still, below: 8, low: 0, high: 8 },
  ]);
  assert.deepEqual(
    loop("(i32.store8 (local.get $p) (i32.const 0)) (local.set $p (i32.add (local.get $k) (local.get $p)))"),
    [{ ...still, growing: [1], low: 0, high: 1, need: 2 }],
  );
  assert.deepEqual(loop("(local.set $x (i64.load (i32.add (local.get $q) (i32.shl (local.get $n) (i32.const 3)))))"), [
    { ...still, below: 8, low: 0, high: 8 },
  ]);
  assert.deepEqual(
    loop(
      "(local.set $t (i32.add (local.get $p) (local.get $q))) (if (local.get $k) (then (i32.store (local.get $t) (i32.load offset=4 (local.get $t)))))",
    ),
    [{ ...still, low: 0, high: 8, need: 2 }],
  );
});

test("loops with an address that nothing is known of are not", () => {
  for (const statements of [
    "(local.set $t (i32.load (local.get $p))) (i32.store (local.get $t) (i32.const 0))",
    "(i32.store (local.get $t) (i32.const 0)) (local.set $t (i32.add (local.get $p) (i32.const 4)))",
    "(if (local.get $k) (then (local.set $t (local.get $p))) (else (i32.store (local.get $t) (i32.const 0))))",
    "(if (local.get $k) (then (local.set $t (local.get $p)))) (i32.store (local.get $t) (i32.const 0))",
    "(i32.store (local.get $p) (i32.const 0)) (local.set $p (i32.mul (local.get $p) (i32.const 2)))",
    "(i32.store (i32.and (local.get $n) (i32.const 255)) (i32.const 0))",
    "(i32.store (i32.sub (local.get $q) (local.get $n)) (i32.const 0))",
    "(i32.store (local.get $p) (i32.const 0)) (call $h)",
    "(local.set $p (i32.add (local.get $p) (local.get $t))) (local.set $t (i32.const 5)) (i32.store8 (local.get $p) (i32.const 0))",
  ]) {
    assert.equal(loop(statements), undefined, statements);
  }
});

/** What each check of each region reaches. */
function regions(body: string): unknown {
  return [...regionsOf(planOf(body)).values()].map(({ checks }) =>
    [...checks.values()].map(({ low, high }) => [low, high]),
  );
}

test("the first access behind a pointer checks for all that follow, up to a call or a label", () => {
  assert.deepEqual(
    regions(
      "(i32.store offset=4 (local.get $p) (i32.load offset=12 (local.get $p))) (i64.store (local.get $q) (i64.const 1))",
    ),
    [
      [
        [4, 16],
        [0, 8],
      ],
    ],
  );
  assert.deepEqual(
    regions(`(i32.store (local.get $p) (i32.const 1)) (local.set $t (i32.load offset=8 (local.get $p)))
      (i32.store (local.get $t) (i32.const 2)) (br_if 0 (local.get $k)) (i32.store offset=20 (local.get $t) (i32.const 2))`),
    [
      [
        [0, 12],
        [0, 24],
      ],
    ],
  );
  assert.deepEqual(
    regions(`(i32.store (local.get $p) (i32.const 1)) (local.set $p (i32.sub (local.get $p) (i32.const 8)))
      (i32.store offset=4 (local.get $p) (i32.const 1)) (i32.store (i32.add (local.get $p) (i32.const 24)) (i32.const 1))`),
    [[[-8, 20]]],
  );
  assert.deepEqual(
    regions("(i32.store (local.get $p) (i32.const 1)) (i32.store offset=2000000 (local.get $p) (i32.const 1))"),
    [
      [
        [0, 4],
        [2000000, 2000004],
      ],
    ],
  );
  for (const body of [
    "(i32.store (local.get $p) (i32.const 1)) (call $h) (i32.store (local.get $p) (i32.const 1))",
    "(i32.store (local.get $p) (i32.const 1)) (if (local.get $k) (then (i32.store (local.get $p) (i32.const 1))))",
  ]) {
    assert.deepEqual(regions(body), [], body);
  }
});

test("accesses to the stack, to data and through different pointers look in runs of their own, reads and writes too", () => {
  const plan =
    planOf(`(local.set $t (i32.sub (global.get 0) (i32.const 16))) (i32.store offset=8 (local.get $t) (i32.const 1))
    (i32.store (i32.add (local.get $t) (i32.const 4)) (i32.load (i32.const 1024)))
    (i32.store (i32.add (i32.shl (local.get $k) (i32.const 2)) (i32.const 65536)) (i32.const 1))
    (i32.store offset=65536 (local.get $k) (i32.const 1))
    (i32.store (local.get $p) (i32.load (local.get $q))) (i32.store offset=4 (local.get $q) (i32.load offset=8 (local.get $p)))
    (i32.store (i32.load (local.get $p)) (i32.const 1))`);
  const groups = new AccessGroups(plan);
  const runs = [...plan.siteAt.values()].flatMap((site) => {
    const access = site.kind === "operation" ? accessOf(plan.body.op[site.at]!) : undefined;
    return access ? [groups.run(site, access.need)] : [];
  });
  const [frame, loaded, frame2, table, array, q, p, p2, q2, p3, chased] = runs;
  assert.equal(runs.length, 11);
  assert.equal(frame2, frame);
  assert.notEqual(table, loaded! + 1);
  assert.equal(array, table, "the same table");
  assert.deepEqual([p2, p3, q2], [p! - 1, p! - 1, q! + 1]);
  assert.equal(new Set([frame, table, p, q2, chased]).size, 5);
});

test("every load, store and atomic operation is known, with its width", () => {
  const names = memoryAccessCodes().map(opcodeName);
  assert.equal(names.length, 23 + 22 + 1 + 14 + 49, names.join());
  const bytes = (name: string) => accessOf(memoryAccessCodes()[names.indexOf(name)]!)?.bytes;
  const widths = {
    "i64.load32_s": 4,
    "v128.load32x2_u": 8,
    "v128.load16_splat": 2,
    "v128.store8_lane": 1,
    "v128.load64_zero": 8,
  };
  const atomics = {
    "memory.atomic.notify": 4,
    "i64.atomic.rmw16.cmpxchg_u": 2,
    "i64.atomic.store": 8,
    "v128.load": 16,
  };
  for (const [name, width] of Object.entries({ ...widths, ...atomics })) assert.equal(bytes(name), width, name);
  for (const code of [OP.wait32, OP.memoryCopy, OP.memorySize]) assert.equal(accessOf(code), undefined);
});
