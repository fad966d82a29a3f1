// Random calls of everything a component can reach: whatever it does, the kernel does not fail and a neighbour goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KernelThread } from "../src/core/kernel/thread.ts";
import { seededRandom } from "./random.ts";
import { answerPlus, ask, dispatch, log, logged, main, SERVES, tableOf } from "./support/guest-code.ts";
import { TestSystem } from "./support/kernel-system.ts";
import { until } from "./support/until.ts";

const CALLS = 3000;

/** A number of the guest's own generator (xorshift), from a small range, or with any bits. */
const small = (most: number) => `(i32.rem_u (call $random) (i32.const ${most}))`;
const any = "(call $random)";
/** Where message buffers may be: mostly good addresses. */
const BUFFER = `(select (i32.const 8192) ${any} (i32.rem_u (call $random) (i32.const 16)))`;

/** Makes a random message of small numbers, and calls something with it; or calls one of the other functions. */
function hostile(seed: number): string {
  const other = [
    `(call $serve ${small(4)} ${any} ${BUFFER})`,
    `(call $serve_signals ${small(12)})`,
    `(call $ep_wakeup ${small(12)})`,
    `(drop (call $futex_wake ${small(200)} ${any}))`,
    `(drop (call $futex_wait ${small(200)} ${small(2)} (i64.extend_i32_u ${small(3)})))`,
    `(drop (call $cap_badge ${any}))`,
    `(call $cap_retain ${small(12)})`,
    `(call $cap_release (i32.add (i32.const 6) ${small(12)}))`,
    "(drop (call $parent))",
    "(drop (call $self))",
    "(call $yield)",
  ];
  const choice = other.map((code, i) => `(if (i32.eq (local.get $choice) (i32.const ${i})) (then ${code}))`);
  return `${tableOf("d", "again")} ${dispatch("d", "(call $once) (if (i32.eqz (i32.and (call $random) (i32.const 7))) (then unreachable))")}
    (global $state (mut i32) (i32.const ${seed | 0}))
    (func $random (result i32)
      (global.set $state (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 13))))
      (global.set $state (i32.xor (global.get $state) (i32.shr_u (global.get $state) (i32.const 17))))
      (global.set $state (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 5))))
      (global.get $state))
    (func $once (local $choice i32) (local $i i32)
      (local.set $choice ${small(other.length * 2)})
      (if (i32.lt_u (local.get $choice) (i32.const ${other.length})) (then ${choice.join(" ")} (return)))
      (i32.store (i32.const 8192) (select ${small(64)} ${any} (i32.rem_u (call $random) (i32.const 32))))
      (i32.store (i32.const 8196) (select ${small(4)} ${any} (i32.rem_u (call $random) (i32.const 32))))
      (loop $fill
        (i32.store offset=8200 (local.get $i) (select ${small(12)} ${any} (i32.rem_u (call $random) (i32.const 8))))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 96))))
      (drop (call $call ${small(14)} ${small(26)} ${BUFFER})))
    (func $again (local $i i32)
      (loop $l (call $once)
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${CALLS})))))
    ${main("(call $serve (i32.const 1) (i32.const 0) (i32.const 4096)) (call $again)")}`;
}

/** Threads that wait for time or for each other are let go, as long as something happens. */
async function exhaust(system: TestSystem, threads: () => readonly KernelThread[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await system.rest();
    for (const thread of threads()) {
      thread.singleStep(false);
      thread.cancelBlocking();
      thread.resume();
    }
  }
}

for (const every of [0, 7]) {
  test(`S1, S6, S36: components that call everything at random harm themselves only (points: ${every})`, async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const failures: unknown[] = [];
      let now = 0;
      const system = new TestSystem({ now: () => (now += 0.01), failed: (thrown) => failures.push(thrown) });
      let points = 0;
      system.kernel.everyPoint = every > 0;
      system.kernel.atPoint = () => ++points % every === 0;
      const good = system.component("good", `${tableOf("d")} ${SERVES} ${dispatch("d", answerPlus(1))}`);
      const object = system.object(good, good.start("ep").capability);
      const bad = [0, 1].map((i) => system.component(`bad${i}`, hostile(((seed * 2 + i) * 2654435761) | 1)));
      const threads = () => bad.flatMap(({ component }) => component.threads);
      for (const [i, component] of bad.entries()) {
        const { table } = component.component;
        const thread = component.start("main");
        table.insert(object);
        table.insert(system.object(bad[1 - i]!, thread.capability)); // served by the other's thread's owner, or nobody
        table.insert(thread.capability);
        table.insert(component.pd.addressSpace());
        table.insert(component.pd.nativePd());
        component.start("another", 2, 40_960);
      }
      await exhaust(system, threads, 30);
      assert.deepEqual(failures, [], `seed ${seed}`);
      const client = system.component("client", main(log(ask(4, 1, 41))));
      client.component.table.insert(object);
      client.start("main");
      await until(() => logged(system, "client").length > 0);
      assert.deepEqual(logged(system, "client"), [42], `seed ${seed}`);
      for (const component of bad) component.pd.destroy();
      await system.rest();
      assert.deepEqual(failures, [], `seed ${seed}`);
      assert.equal(system.kernel.calls.size, 0, `seed ${seed}`);
      system.close();
    }
  });
}

const ODD: readonly unknown[] = [
  0, 1, -1, 2, 7, 0.5, Number.NaN, 2 ** 31, 2 ** 53, "", "x", true, false, null, [], {}, 1n, -1n, new Uint8Array(3),
  undefined,
]; // biome-ignore format: one list

/** A copy with one part, anywhere in it, replaced, left out or moved. */
function mutated(value: unknown, random: (most: number) => number, depth = 0): unknown {
  const container = typeof value === "object" && value !== null && !(value instanceof Uint8Array);
  if (!container || (depth > 0 && random(12) === 0)) return ODD[random(ODD.length)];
  if (Array.isArray(value)) {
    const copy = [...value];
    const at = random(copy.length + 1);
    if (at === copy.length) return [...copy, copy[0]];
    copy[at] = mutated(copy[at], random, depth + 1);
    return copy;
  }
  const copy: Record<string, unknown> = { ...value };
  const names = Object.keys(copy);
  if (names.length === 0) return { x: 1 };
  const name = names[random(names.length)]!;
  copy[name] = mutated(copy[name], random, depth + 1);
  return copy;
}

test("S26: thread states with parts changed at random are refused, or run, and harm nobody else", async () => {
  const { below: random } = seededRandom(1);
  const failures: unknown[] = [];
  let accepted = 0;
  for (let round = 0; round < 15; round++) {
    const system = new TestSystem({ failed: (thrown) => failures.push(thrown) });
    system.kernel.everyPoint = true; // a changed counter may mean four thousand million turns of a loop
    const good = system.component("good", `${tableOf("d")} ${SERVES} ${dispatch("d", answerPlus(1))}`);
    const object = system.object(good, good.start("ep").capability);
    const guest = system.component(
      "guest",
      `${tableOf("d", "waits", "asks")} ${dispatch("d", `(drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1)))`)}
       (func $waits (param $sp i32) (local i64 f64)
         (drop (call $futex_wait (i32.const 64) (i32.const 0) (i64.const -1))) (call $log (local.get $sp) (local.get $sp)))
       (func $asks (param $sp i32) (drop (call $ask (local.get $sp) (i32.const 5) (i32.const 1) (i32.const 1))))
       ${main("(call $serve (i32.const 1) (i32.const 4096) (i32.const 4096)) (drop (call $ep_wait_wakeup (i32.const 4096)))")}`,
    );
    const ep = guest.start("ep");
    guest.component.table.insert(object);
    guest.component.table.insert(system.object(guest, ep.capability));
    const threads = [ep, guest.start("waits", 2, 8192), guest.start("asks", 3, 12_288)] as unknown as KernelThread[];
    await system.rest();
    const states = threads.map((thread) => thread.state());
    for (let i = 0; i < 60; i++) {
      const state = states[random(states.length)]!;
      assert(state.ok);
      const changed = mutated(structuredClone(state.value.saved), random);
      const thread = threads[random(threads.length)]!;
      if (thread.setState({ saved: changed as never }).ok) accepted++;
      thread.state();
      thread.nativeState();
      if (i % 7 === 0) guest.component.waits.futexWake(64, 9);
      thread.cancelBlocking();
      thread.resume();
      if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const client = system.component("client", main(log(ask(4, 1, 41))));
    client.component.table.insert(object);
    client.start("main");
    await until(() => logged(system, "client").length > 0);
    assert.deepEqual(logged(system, "client"), [42]);
    guest.pd.destroy();
    await system.rest();
    assert.equal(system.kernel.calls.size, 0);
    system.close();
  }
  assert.deepEqual(failures, []);
  assert(accepted > 20, `${accepted} were accepted`);
});
