// What a program holds beside memory 0 is its PD's affair: tables, further memories and instances are charged, refused
// beyond the quota, and given back (S14). What a component makes grow without end harms itself only.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../test/assemble.ts";
import { seededRandom, seedOr } from "../../../test/random.ts";
import { diver, log, logged, main } from "../../../test/support/guest-code.ts";
import { type TestComponent, type TestComponentOptions, TestSystem } from "../../../test/support/kernel-system.ts";
import { recreatesEvery } from "../../../test/support/recreates.ts";
import { until } from "../../../test/support/until.ts";
import { ELEMENT_BYTES } from "../../engine/index.ts";
import { toPages } from "../../session/index.ts";
import { plainOf } from "../../util/index.ts";
import type { KernelThread } from "./thread.ts";

const WASM_PAGE = 65_536;
/** What a PD's own cost covers. */
const FREE = 64 << 10;
const OTHER = main(log("(i32.const 7)"));

/** A component that has so much RAM left. */
function limited(system: TestSystem, ram: number, program: string | Uint8Array, options: TestComponentOptions = {}) {
  const component = system.component("a", program, options);
  const { pd } = component;
  assert.ok(pd.transferRamQuota(system.root.capability, pd.ramQuota() - pd.usedRam() - ram).ok);
  return component;
}

const left = ({ pd }: TestComponent) => pd.ramQuota() - pd.usedRam();
const cost = (bytes: number) => toPages(Math.max(0, bytes - FREE));

/** Whoever comes later can do its work. */
async function othersWork(system: TestSystem): Promise<void> {
  system.component("other", OTHER).start("main");
  await until(() => logged(system, "other").length > 0);
  assert.deepEqual(logged(system, "other"), [7]);
}

async function growsUntil(grow: string, tables: string, ram: number) {
  const system = new TestSystem();
  const code = `${tables} ${main(`(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $l (i32.ge_s ${grow} (i32.const 0)))) ${log("(local.get $i)")}`)}`;
  const guest = limited(system, ram, code);
  const before = guest.pd.usedRam();
  guest.start("main");
  await until(() => logged(system, "a").length > 0);
  await othersWork(system);
  const used = guest.pd.usedRam() - before;
  guest.pd.destroy();
  assert.equal(guest.pd.budget.ram.used, 16 << 10, "what the session itself costs");
  system.close();
  return { turns: logged(system, "a")[0]!, used };
}

test("S14: table.grow is charged, and refused beyond the quota", async () => {
  const elements = 4_096;
  const ram = 1 << 20;
  const grow = `(table.grow $t (ref.null func) (i32.const ${elements}))`;
  const { turns, used } = await growsUntil(grow, "(table $t 1 funcref)", ram);
  const most = Math.floor((ram + FREE - ELEMENT_BYTES) / (elements * ELEMENT_BYTES));
  assert.deepEqual([turns, used], [most + 1, cost((most * elements + 1) * ELEMENT_BYTES)]);
});

test("S14: table.grow of a table with 64-bit indices, by more than any table has, and beyond its own maximum", async () => {
  const system = new TestSystem();
  const grows = [
    "(table.grow $w (ref.null extern) (i64.const 10))",
    "(table.grow $w (ref.null extern) (i64.const -1))",
    "(table.grow $w (ref.null extern) (i64.const 0x100000000))",
    "(table.grow $w (ref.null extern) (i64.const 0))",
    "(i64.extend_i32_s (table.grow $t (ref.null func) (i32.const 100)))",
    "(i64.extend_i32_s (table.grow $t (ref.null func) (i32.const -1)))",
    "(i64.extend_i32_s (table.grow $t (ref.null func) (i32.const 0)))",
    "(i64.extend_i32_s (table.grow $e (ref.null func) (i32.const -1)))",
  ];
  const code = `(table $w i64 3 externref) (table $t 1 50 funcref) (table $e 0 funcref)
    ${main(grows.map((grow) => log(`(i32.wrap_i64 ${grow})`)).join(" "))}`;
  system.component("a", code).start("main");
  await until(() => logged(system, "a").length >= grows.length);
  assert.deepEqual(logged(system, "a"), [3, 0xffff_ffff, 0xffff_ffff, 13, 0xffff_ffff, 0xffff_ffff, 1, 0xffff_ffff]);
  system.close();
});

test("S14: a memory beside memory 0 is charged, and refused beyond the quota", async () => {
  const { turns, used } = await growsUntil("(memory.grow $m (i32.const 3))", "(memory $m 1)", 2 << 20);
  const most = Math.floor((32 + FREE / WASM_PAGE - 1) / 3);
  assert.deepEqual([turns, used], [most + 1, cost((1 + most * 3) * WASM_PAGE)]);
});

test("S14: growth of a memory beside memory 0 that asks for resources waits until it gets them", async () => {
  const system = new TestSystem();
  const code = `(memory $m 1) ${main(log("(memory.grow $m (i32.const 24))"))}`;
  const guest = limited(system, 1 << 20, code, { growthRequests: true });
  guest.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "a"), []);
  assert.ok(system.root.transferRamQuota(guest.pd.capability, 1 << 20).ok);
  await until(() => logged(system, "a").length > 0);
  assert.deepEqual([logged(system, "a"), left(guest)], [[1], (2 << 20) - 24 * WASM_PAGE]);
  system.close();
});

test("S14: growth of a memory beside memory 0 beyond its maximum is refused at once, and nothing is charged", async () => {
  const system = new TestSystem();
  const code = `(memory $m 1 2) ${main(log("(memory.grow $m (i32.const 100))"))}`;
  const guest = limited(system, 1 << 20, code, { growthRequests: true });
  guest.start("main");
  await system.rest();
  assert.deepEqual([logged(system, "a"), left(guest)], [[0xffff_ffff], 1 << 20]);
  system.close();
});

test("S14: while a thread is to stop its growth is decided without its parent", () => {
  const system = new TestSystem();
  const guest = limited(system, 1 << 20, OTHER, { growthRequests: true });
  const { home, growth } = guest.component;
  let asked = 0;
  home!.request = () => asked++ >= 0;
  growth.alone(() => assert.ok(!growth.tables(8 << 20)));
  assert.equal(asked, 0);
  assert.ok(!growth.tables(8 << 20));
  assert.equal(asked, 1);
  system.close();
});

test("S14: frames of a thread that its kernel does not know cost nothing", () => {
  const system = new TestSystem();
  const guest = limited(system, 1 << 20, OTHER);
  assert.deepEqual([guest.component.growth.frames(99, 8 << 20), left(guest)], [true, 1 << 20]);
  system.close();
});

test("S14: a module that begins with more than its PD can pay for is refused before anything of it is made", () => {
  const system = new TestSystem();
  for (const fields of ["(table 10000000 funcref)".repeat(100), "(memory 60000) (memory 60000) (memory 60000)"]) {
    const pd = system.pd("a");
    const used = pd.usedRam();
    const bytes = assemble(`(module (memory (export "memory") 1) ${fields} (func (export "_start")))`);
    const native = pd.nativePd().object!;
    assert.deepEqual(native.load(system.rom(bytes)), { ok: false, reason: "out-of-ram" });
    assert.match(native.problem(), /^its tables and memories beside memory 0: out-of-ram/);
    assert.equal(pd.usedRam(), used);
    // The PD is as it was: another program can be loaded.
    assert.ok(native.load(system.rom(assemble('(module (memory 1) (func (export "_start")))'))).ok);
  }
  system.close();
});

/** Starts threads that never end, until it gets no more; the word at 64 says how many it has got. */
const SPAWNER = assemble(`(module
  (import "env" "memory" (memory 2 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (table 1000 funcref)
  (func (export "wasi_thread_start") (param i32 i32) (drop (memory.atomic.wait32 (i32.const 72) (i32.const 0) (i64.const -1))))
  (func (export "rtcr_component_start")
    (loop $l
      (if (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0)) (then
        (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l))))
    (i32.store (i32.const 68) (i32.const 1))))`);

test("S14, S24: instances for threads of thread-spawn are charged, and refused beyond the quota", async () => {
  const system = new TestSystem();
  const guest = limited(system, 1 << 20, SPAWNER);
  const before = guest.pd.usedRam();
  guest.start("main");
  await until(() => guest.component.view.getInt32(68, true) === 1);
  const begun = guest.component.view.getInt32(64, true);
  assert.ok(begun >= 10 && begun < 32, `${begun} threads of 32 KiB and more each`);
  assert.equal(guest.component.engine.instances, begun + 1);
  assert.ok(left(guest) < 64 << 10 && guest.pd.usedRam() - before > begun * 32_000);
  await othersWork(system);
  guest.pd.destroy();
  assert.equal(guest.pd.budget.ram.used, 16 << 10);
  system.close();
});

/** Begins 20 threads, each when the one before has ended; the word at 64 counts them. */
const AGAIN = assemble(`(module
  (import "env" "memory" (memory 2 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (table 1000 funcref)
  (func (export "wasi_thread_start") (param i32 i32)
    (i32.store (i32.const 72) (i32.const 1)) (drop (memory.atomic.notify (i32.const 72) (i32.const 1))))
  (func (export "rtcr_component_start")
    (i32.store (i32.const 72) (i32.const 0))
    (if (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0)) (then
      (drop (memory.atomic.wait32 (i32.const 72) (i32.const 0) (i64.const -1)))
      (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))))))`);

test("S14, S24: thread-spawn takes an instance that is free, and charges no other", async () => {
  const system = new TestSystem();
  const guest = system.component("a", AGAIN);
  assert.ok(guest.pd.budget.ram.withdraw(left(guest) - (60 << 10)));
  for (let turn = 0; turn < 20; turn++) {
    guest.start("main");
    await until(() => guest.component.threads.length === 0);
  }
  assert.deepEqual([guest.component.view.getInt32(64, true), guest.component.engine.instances], [20, 2]);
  system.close();
});

test("S24: thread-spawn is refused to a program whose threads could not share memory", async () => {
  const system = new TestSystem();
  const bytes = assemble(`(module
    (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "wasi_thread_start") (param i32 i32))
    (func (export "rtcr_component_start") (i32.store (i32.const 64) (call $spawn (i32.const 0)))))`);
  const guest = system.component("a", bytes);
  guest.start("main");
  await until(() => guest.component.view.getInt32(64, true) !== 0);
  assert.equal(guest.component.view.getInt32(64, true), -1);
  system.close();
});

test("S14, S26: what a saved instance holds is charged where it is restored, and refused where there is less", async () => {
  const system = new TestSystem();
  const code = `(table $t 1 funcref) (memory $m 1)
    ${main(`(drop (table.grow $t (ref.null func) (i32.const 20000))) (drop (memory.grow $m (i32.const 4))) ${log("(i32.const 1)")}`)}`;
  const guest = system.component("a", code);
  guest.start("main");
  await until(() => logged(system, "a").length > 0);
  await system.rest();
  const native = guest.pd.nativePd().object!;
  const state = plainOf((to) => assert.ok(native.captureInstance(to).ok));
  const held = cost(20_001 * ELEMENT_BYTES + 5 * WASM_PAGE);
  const [enough, less] = [limited(system, held, code), limited(system, held - 4096 - cost(32 + WASM_PAGE), code)];
  const start = (component: TestComponent) => component.pd.nativePd().object!.restoreInstance(state as never);
  assert.deepEqual([start(enough).ok, left(enough)], [true, cost(32 + WASM_PAGE)]);
  assert.deepEqual(start(less), { ok: false, reason: "mismatch" });
  assert.match(less.component.problem, /out-of-ram/);
  system.close();
});

interface Model {
  ram: number;
  readonly sizes: Record<"t" | "u" | "m" | "n", number>;
}

const PARTS = {
  t: { unit: ELEMENT_BYTES, max: 6_000, most: 900, grow: "table.grow $t (ref.null func)" },
  u: { unit: ELEMENT_BYTES, max: 10_000_000, most: 3_000, grow: "table.grow $u (ref.null extern)" },
  m: { unit: WASM_PAGE, max: 9, most: 3, grow: "memory.grow $m" },
  n: { unit: WASM_PAGE, max: 65_536, most: 4, grow: "memory.grow $n" },
} as const;
const NAMES = ["t", "u", "m", "n"] as const;

const sumOf = ({ sizes }: Model) => NAMES.reduce((sum, name) => sum + sizes[name] * PARTS[name].unit, 0);

/** What a growth comes to; it is done if it can be. */
function grown(model: Model, name: keyof typeof PARTS, by: number): number {
  const { unit, max } = PARTS[name];
  const before = model.sizes[name];
  if (before + by > max || cost(sumOf(model) + by * unit) > model.ram) return 0xffff_ffff;
  model.sizes[name] += by;
  return before;
}

for (const every of [0, 1, 7]) {
  test(`S14: random growth of tables and memories: what is charged is what is there: frozen every ${every}`, async () => {
    for (let round = 0; round < (every === 1 ? 1 : 6); round++) {
      const seed = seedOr(round + 1);
      const random = seededRandom(seed);
      const model: Model = { ram: (1 + random.below(3)) << 20, sizes: { t: 1, u: 0, m: 1, n: 2 } };
      const begins = cost(sumOf(model));
      const [steps, expected]: [string[], number[]] = [[], []];
      for (let step = 0; step < 40; step++) {
        const name = random.pick(NAMES);
        const by = random.below(PARTS[name].most);
        expected.push(grown(model, name, by));
        steps.push(log(`(${PARTS[name].grow} (i32.const ${by}))`));
      }
      const system = new TestSystem();
      const code = `(table $t 1 6000 funcref) (table $u 0 externref) (memory $m 1 9) (memory $n 2) ${main(steps.join(" "))}`;
      const guest = limited(system, model.ram - begins, code);
      const before = guest.pd.usedRam();
      if (every > 0) recreatesEvery(system, every);
      guest.start("main");
      await until(() => logged(system, "a").length >= steps.length);
      assert.deepEqual(logged(system, "a"), expected, `seed ${seed}`);
      assert.equal(guest.pd.usedRam() - before + begins, cost(sumOf(model)), `seed ${seed}`);
      guest.pd.destroy();
      assert.equal(guest.pd.budget.ram.used, 16 << 10);
      system.close();
    }
  });
}

const DEPTH = 1_500;
/** Of one thread, in bytes. */
const FRAMES = DEPTH * 84;

async function dive(threads: number, ram: number, every = 0) {
  const system = new TestSystem();
  const guest = limited(system, ram, diver(DEPTH));
  const before = guest.pd.usedRam();
  if (every > 0) recreatesEvery(system, every);
  const all = Array.from({ length: threads }, (_, number) => guest.start(`deep${number}`));
  await system.rest();
  const held = guest.pd.usedRam() - before;
  const problems = all.map((thread) => (thread as KernelThread).problem);
  if (every === 0) await othersWork(system);
  guest.component.waits.futexWake(68, threads);
  await system.rest();
  const back = guest.component.view.getInt32(64, true);
  assert.equal(guest.pd.usedRam(), before, "nothing is held for threads that have come back");
  guest.pd.destroy();
  assert.equal(guest.pd.budget.ram.used, 16 << 10);
  system.close();
  return { held, problems, back };
}

test("S14: frames of threads that wait are charged, and given back when they go on", async () => {
  const { held, problems, back } = await dive(6, 8 << 20);
  assert.deepEqual([problems.join(""), back], ["", 6]);
  assert.ok(
    held >= 5 * FRAMES - FREE && held < 5 * 2 * FRAMES,
    `${held} bytes for five of them; the last is where it was`,
  );
});

test("S14: a thread whose frames its PD cannot pay for is stopped by name, others and siblings go on", async () => {
  const { held, problems, back } = await dive(16, 1 << 20);
  const lost = problems.filter((problem) => problem !== "");
  assert.ok(lost.length > 3 && lost.length < 14, `${lost.length} of 16`);
  for (const problem of lost) assert.match(problem, /^exhausted: its PD cannot pay for frames of \d+ bytes$/);
  assert.equal(back, 16 - lost.length);
  assert.ok(held <= 1 << 20);
});

test("S14, S94: threads that stand deep go on wherever they are restored", async () => {
  const { problems, back } = await dive(4, 8 << 20, 997);
  assert.deepEqual([problems.join(""), back], ["", 4]);
});
