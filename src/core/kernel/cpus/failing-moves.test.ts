// Moves of components to other CPUs that fail midway: the component goes on where it was, and so does everything else.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { assemble } from "../../../../test/assemble.ts";
import { counter, machine, until } from "../../../../test/support/cpus.ts";
import {
  answerPlus,
  ask,
  block,
  dispatch,
  log,
  logged,
  main,
  onOpcode,
  SERVES,
  tableOf,
} from "../../../../test/support/guest-code.ts";
import { PRELUDE, SLOT } from "../../../../test/support/kernel-system.ts";
import type { Location } from "../../../session/index.ts";
import { required } from "../../../util/index.ts";
import type { KernelThread } from "../thread.ts";
import type { Command, Posted, StartCpu } from "./protocol.ts";
import { startNodeCpu } from "./start-node.ts";

const CPUS = 3;
/** Opcode 1 answers plus one, 2 blocks first. */
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch("d", `${onOpcode(2, block())} ${answerPlus(1)}`)}`;
const SPIN = main(`(loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l))`);

/** A thread of its own instance that waits in the start function, below which its own function has not begun. */
const SPAWNED = assemble(`(module
  (import "env" "memory" (memory 2 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func $start (if (i32.load (i32.const 128)) (then
    (drop (i32.atomic.rmw.add (i32.const 132) (i32.const 1)))
    (drop (memory.atomic.wait32 (i32.const 136) (i32.const 0) (i64.const -1))))))
  (start $start)
  (func (export "wasi_thread_start") (param $id i32) (param $number i32)
    (loop $again (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1))) (br $again)))
  (func (export "rtcr_component_start")
    (i32.store (i32.const 128) (i32.const 1))
    (drop (call $spawn (i32.const 1)))
    (drop (memory.atomic.wait32 (i32.const 140) (i32.const 0) (i64.const -1)))))`);

const at = (x: number): Location => ({ x, y: 0, width: 1, height: 1 });

/** What a CPU fails to do, and on which CPUs components begin that are to go to CPU 2. */
const STEPS = [
  { what: "saving its state", breaks: "capture", from: [1] },
  { what: "loading it", breaks: "load", from: [0, 1] },
  { what: "taking up its state", breaks: "recreate", from: [0, 1] },
] as const;
type Step = (typeof STEPS)[number]["breaks"];

/** What CPUs are asked for when a thread moves alone. */
const MOVE_STEPS = new Set(["writeInstance", "writeThreads", "restoreInstance", "restore"]);

/** CPUs that fail to do something in the middle, when `broken` says so. */
function failing(broken: (step: string) => boolean): StartCpu {
  return (setup, lost) => {
    const cpu = startNodeCpu(setup, lost);
    return {
      ...cpu,
      post: (message) => {
        const posted = message as Posted;
        const { command } = posted;
        const step = command.type === "engine" ? command.name : command.type;
        const fails: Command = { type: "engine", engine: 0, name: "none", args: [] };
        cpu.post(broken(step) ? { ...posted, command: fails } : posted);
      },
    };
  };
}

/** A system whose CPUs fail at a step while `state.broken` is set. */
async function breaking(t: TestContext, breaks: Step) {
  const state = { broken: false, failures: [] as unknown[] };
  const start = failing((step) => state.broken && step === breaks);
  const system = await machine(CPUS, {
    failed: (thrown) => state.failures.push(thrown),
    cpus: { width: CPUS, height: 1, start },
  });
  t.after(() => system.close());
  return { system, state };
}

for (const cpu of [0, 1]) {
  test(`S28: a component whose table is too long to be saved stays on CPU ${cpu}, and computes`, async (t) => {
    const failures: unknown[] = [];
    const system = await machine(CPUS, { failed: (thrown) => failures.push(thrown) });
    t.after(() => system.close());
    const grows = `(drop (table.grow $t (ref.func $f) (i32.const 9000000)))`;
    const count = `(loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) (br $l))`;
    const code = `(table $t 1 funcref) (elem declare func $f) (func $f) ${main(`${grows} ${count}`)}`;
    const a = system.component("a", code, { cpu });
    assert.ok(system.root.transferRamQuota(a.pd.capability, 512 << 20).ok);
    const thread = a.start("main") as KernelThread;
    for (const [turn, to] of [2, 1 - cpu, 2].entries()) {
      const before = counter(a);
      await until(() => counter(a) !== before);
      system.kernel.moves.order(a.component, at(to));
      await until(() => system.warnings.length > turn || failures.length > 0);
      assert.match(system.warnings[turn]!, new RegExp(`^a: stays on CPU ${cpu}: table 0 of a has 9000001 elements`));
      assert.equal(a.component.cpu, cpu);
    }
    assert.deepEqual([failures, thread.problem], [[], ""]);
  });
}

test("S28: a component whose threads stand in more frames than can be moved stays where it is, and goes on", async (t) => {
  const failures: unknown[] = [];
  const system = await machine(CPUS, { failed: (thrown) => failures.push(thrown) });
  t.after(() => system.close());
  const used = Array.from({ length: 8 }, (_, i) => `(i64.extend_i32_u (i32.add (local.get 0) (i32.const ${i})))`);
  // Each frame keeps eight numbers that are needed behind the call.
  const code = `(func $deep (param i32) (result i64)
      (if (i32.eqz (local.get 0)) (then
        (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1))) ${block(68)}))
      ${used.join(" ")} (if (result i64) (local.get 0)
        (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i64.const 1)))
      ${"(i64.add) ".repeat(used.length)})
    ${main("(drop (call $deep (i32.const 100000))) (i32.store (i32.const 72) (i32.add (i32.load (i32.const 72)) (i32.const 1)))")}`;
  const a = system.component("a", code, { cpu: 1 });
  const threads = [0, 1].map((number) => a.thread(`deep${number}`) as KernelThread);
  for (const [number, thread] of threads.entries()) {
    thread.start(0, 0);
    await until(() => counter(a) > number || thread.exception);
    assert.equal(thread.problem, "");
  }
  await system.rest();
  system.kernel.moves.order(a.component, at(2));
  assert.match(
    system.warnings.join(),
    /^a: stays on CPU 1: its threads stand in frames of \d+ bytes; 16777216 can be moved$/,
  );
  assert.equal(a.component.cpu, 1);
  a.component.waits.futexWake(68, 2);
  await system.rest();
  assert.deepEqual([a.component.view.getInt32(72, true), ...threads.map(({ problem }) => problem)], [2, "", ""]);
  system.kernel.moves.order(a.component, at(2));
  assert.deepEqual([a.component.cpu, failures], [2, []]);
});

for (const { what, breaks, from } of STEPS) {
  for (const cpu of from) {
    for (const windows of [false, true]) {
      const load = windows ? { load: { windows } } : {};
      const where = `from CPU ${cpu}, windows ${windows}`;

      test(`S28: a component that computes goes on where it was when ${what} fails: ${where}`, async (t) => {
        const { system, state } = await breaking(t, breaks);
        const a = system.component("a", SPIN, { cpu, ...load });
        const thread = a.start("main") as KernelThread;
        const goesOn = async () => {
          const before = counter(a);
          await until(() => counter(a) !== before || state.failures.length > 0);
          assert.deepEqual([state.failures, thread.problem], [[], ""]);
        };
        for (const broken of [true, true, false]) {
          await goesOn();
          state.broken = broken;
          system.kernel.moves.order(a.component, at(2));
          await until(() => system.warnings.length > 0 || a.component.cpu === 2 || state.failures.length > 0);
          if (broken) assert.match(system.warnings.splice(0).join(), new RegExp(`^a: stays on CPU ${cpu}: [^,]+$`));
          assert.equal(a.component.cpu, broken ? cpu : 2);
        }
        await goesOn();
      });

      test(`S28, S34: a call under way goes on where it was when ${what} fails: ${where}`, async (t) => {
        const { system, state } = await breaking(t, breaks);
        const server = system.component("server", SERVER, { cpu, ...load });
        const ep = server.start("ep") as KernelThread;
        await system.rest();
        const calls = log(ask(SLOT.free, 2, 41)) + log(ask(SLOT.free, 1, 1));
        const client = system.component("client", main(calls), { cpu, ...load });
        client.component.table.insert(system.object(server, ep.capability));
        client.start("main");
        await system.rest();
        state.broken = true;
        for (const { component } of [server, client]) {
          system.kernel.moves.order(component, at(2));
          assert.match(system.warnings.at(-1)!, new RegExp(`^${component.label}: stays on CPU ${cpu}: `));
        }
        state.broken = false;
        server.component.waits.futexWake(64, 1);
        await system.rest();
        assert.deepEqual(logged(system, "client"), [42, 2]);
        for (const { component } of [server, client]) {
          system.kernel.moves.order(component, at(2));
          assert.equal(component.cpu, 2, "another time it succeeds");
        }
        assert.deepEqual(state.failures, []);
      });
    }

    test(`S24, S28: an atomic wait goes on when ${what} fails: from CPU ${cpu}`, async (t) => {
      const { system, state } = await breaking(t, breaks);
      const shared = PRELUDE.replace('(memory (export "memory") 2)', '(memory (export "memory") 2 2 shared)');
      const waits = `(call $log (i32.const 2048) (memory.atomic.wait32 (i32.const 128) (i32.const 0) (i64.const -1)))`;
      const wakes = `(call $log (i32.const 4096) (memory.atomic.notify (i32.const 128) (i32.const 9)))`;
      const text = `(module ${shared} ${tableOf("wakes")} (func $wakes ${wakes}) ${main(waits)})`;
      const a = system.component("a", assemble(text), { cpu });
      const thread = a.start("waits") as KernelThread;
      await until(() => thread.waiting?.kind === "atomic");
      state.broken = true;
      system.kernel.moves.order(a.component, at(2));
      assert.match(system.warnings.at(-1) ?? "", new RegExp(`^a: stays on CPU ${cpu}: `));
      assert.equal(thread.waiting?.kind, "atomic");
      a.start("wakes", 1);
      await until(() => logged(system, "a").length === 2 || state.failures.length > 0);
      assert.deepEqual([logged(system, "a").toSorted(), state.failures], [[0, 1], []]);
    });
  }
}

test("S24, S28: a thread that stands in two calls stays where it is, with all that it costs, whichever step of its move fails", async (t) => {
  let moving = false;
  let left = 0;
  const start = failing((step) => moving && MOVE_STEPS.has(step) && left-- === 0);
  const system = await machine(CPUS, { cpus: { width: CPUS, height: 1, start } });
  t.after(() => system.close());
  const a = system.component("a", SPAWNED, { cpu: 0, cpus: CPUS });
  a.start("main");
  const { component } = a;
  await until(() => component.view.getInt32(132, true) > 0);
  await system.rest();
  const thread = required(
    component.threads.find(({ instance }) => instance > 0),
    "a thread of its own",
  );
  assert.deepEqual([thread.activations.length, thread.cpu], [2, 1]);
  const balance = () => [component.parts.standing, a.pd.usedRam(), a.pd.usedCaps()];
  const before = balance();
  let failed = 0;
  for (const to of [2, 1, 0, 2]) {
    for (let step = 0; thread.cpu !== to; step++) {
      left = step;
      moving = true;
      thread.affinity(at(to));
      moving = false;
      if (thread.cpu !== to) failed++;
      assert.equal(system.warnings.splice(0).length, thread.cpu === to ? 0 : 1);
      assert.deepEqual(balance(), before, `step ${step} of a move to CPU ${to}`);
    }
  }
  assert.ok(failed > 12, `${failed} steps`);
  Atomics.notify(new Int32Array(component.view.buffer), 136 / 4);
  await until(() => counter(a) > 0);
});
