// What a component does wrong harms itself only: others keep their work.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answerPlus,
  ask,
  block,
  dispatch,
  log,
  logged,
  main,
  SERVES,
  tableOf,
} from "../../../test/support/guest-code.ts";
import { TestSystem } from "../../../test/support/kernel-system.ts";
import { until } from "../../../test/support/until.ts";
import { CALL_STATUS, FUTEX, MESSAGE } from "../../abi/index.ts";
import type { KernelThread } from "./thread.ts";
import { startKernelTicker } from "./ticker.ts";

/** Answers its word plus one. */
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch("d", answerPlus(1))}`;

/** A recursion some hundred frames deep, then the answer. */
const DEEP_SERVER = `${tableOf("d")} ${SERVES}
  (func $down (param i32) (result i32) (if (result i32) (local.get 0)
    (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))) (else (i32.const 0))))
  ${dispatch("d", `(i32.store offset=40 (local.get $m) (call $down (i32.const 500)))`)}`;

test("S6: a caller that has used up the stack makes itself trap, not its server", async () => {
  const system = new TestSystem();
  const server = system.component("server", DEEP_SERVER);
  const ep = server.start("ep") as KernelThread;
  const object = system.object(server, ep.capability);
  const hostile = system.component(
    "hostile",
    // Every 50 frames.
    `(func $down (param $depth i32)
      (if (i32.eqz (i32.rem_u (local.get $depth) (i32.const 50))) (then
        (if (i32.ne ${ask(4, 1)} (i32.const 500)) (then (i32.store (i32.const 64) (i32.const 1))))))
      (call $down (i32.add (local.get $depth) (i32.const 1))))
     ${main("(call $down (i32.const 0))")}`,
  );
  hostile.component.table.insert(object);
  const thread = hostile.start("main") as KernelThread;
  await system.rest();
  assert.match(thread.problem, /^exhausted/);
  assert.equal(hostile.component.view.getInt32(64, true), 0, "every call was answered");
  assert.equal(ep.exception, false, ep.problem);
  const client = system.component("client", main(log(ask(4, 1))));
  client.component.table.insert(object);
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [500]);
  system.close();
});

test("S6: a component that calls with hardly any stack left leaves the kernel as it should be", async () => {
  const system = new TestSystem();
  const server = system.component("server", SERVER);
  const object = system.object(server, server.start("ep").capability);
  // Deeper and deeper, with frames of different sizes, each calls all that changes something in the kernel.
  const frames = [0, 1, 3, 7].map(
    (vectors) => `(func $down${vectors} ${"(local v128)".repeat(vectors * 8)}
      (if (i32.gt_u (global.get $depth) (i32.const 3000)) (then
        (if (i32.eqz (i32.rem_u (global.get $depth) (i32.const 500))) (then (drop ${ask(4, 1)})))
        (drop ${ask(2, 16)}) (call $cap_retain (i32.const 1)) (call $cap_release (i32.const 1))
        (drop (call $self)) (call $cap_release (call $self)) (drop (call $futex_wake (i32.const 64) (i32.const 1)))))
      (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
      (call $down${vectors})
      ${"(local.set 0 (local.get 0))".repeat(vectors === 0 ? 0 : 1)})`,
  );
  const hostile = system.component(
    "hostile",
    `${tableOf("t0", "t1", "t3", "t7")} (global $depth (mut i32) (i32.const 0)) ${frames.join(" ")}
     ${[0, 1, 3, 7].map((n) => `(func $t${n} (global.set $depth (i32.const 0)) (call $down${n}))`).join(" ")} ${main("")}`,
  );
  hostile.component.table.insert(object);
  for (const ip of [1, 2, 3, 4]) {
    const thread = hostile.start("main", ip) as KernelThread;
    await system.rest();
    assert.match(thread.problem, /^exhausted/);
    hostile.cpu.killThread(thread.capability);
  }
  assert.equal(system.kernel.calls.size, 0);
  const client = system.component("client", main(log(ask(4, 1, 41))));
  client.component.table.insert(object);
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42]);
  system.close();
});

test("S14: an endless loop shares the processor with others, and the event loop has its turns", async () => {
  const system = new TestSystem({ ticker: startKernelTicker });
  await system.kernel.ready;
  const looper = system.component("looper", main("(loop $l (br $l))"));
  const thread = looper.start("main") as KernelThread;
  const other = system.component("other", main(log("(i32.const 7)")));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  other.start("main");
  await until(() => logged(system, "other").length > 0 && turns >= 5);
  clearInterval(timer);
  const { activity } = thread.nativeState();
  assert(activity === "ready" || (TestSystem.elsewhere && activity === "running"), activity);
  looper.cpu.killThread(thread.capability);
  await system.rest();
  system.close();
});

test("S14: a server that loops for ever in a dispatch keeps its callers only", async () => {
  const system = new TestSystem({ ticker: startKernelTicker });
  await system.kernel.ready;
  const looper = system.component("looper", `${tableOf("d")} ${SERVES} ${dispatch("d", "(loop $l (br $l))")}`);
  const ep = looper.start("ep");
  const victim = system.component("victim", main(log(ask(4, 1))));
  victim.component.table.insert(system.object(looper, ep.capability));
  victim.start("main");
  const other = system.component("other", main(log("(i32.const 7)")));
  await until(() => !victim.component.onStack && (looper.component.threads[0] as KernelThread).activations.length > 0);
  other.start("main");
  await until(() => logged(system, "other").length > 0);
  assert.deepEqual(logged(system, "victim"), []);
  looper.pd.destroy();
  await system.rest();
  assert.deepEqual(logged(system, "victim"), [CALL_STATUS.invalidObject << 16]);
  system.close();
});

test("S1: guessed slots of all kernel functions do nothing", async () => {
  const system = new TestSystem();
  const guesses = [-1, 0, 99, 0x7fff_ffff, 1, 2, 3];
  const calls = guesses.map(
    (slot) => `(call $serve_signals (i32.const ${slot})) (call $ep_wakeup (i32.const ${slot}))
      (call $cap_retain (i32.const ${slot})) (call $cap_release (i32.const ${slot}))`,
  );
  const badges = guesses.slice(0, 4).map((slot) => log(`(call $cap_badge (i32.const ${slot}))`));
  const a = system.component("a", main(calls.join(" ") + badges.join(" ")));
  a.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "a"), [0, 0, 0, 0]);
  assert.equal(a.component.table.size, 3);
  system.close();
});

test("S1: a guest that has given its parent's slot back gets the parent again, never what has taken the slot", async () => {
  const system = new TestSystem();
  const a = system.component(
    "a",
    main(`(drop (call $parent)) (call $cap_release (call $parent)) (drop (call $self))
      ${log("(i32.ne (call $parent) (call $self))")} ${log("(i32.eq (call $parent) (call $parent))")}`),
  );
  const parent = system.capability({ kind: "parent" });
  a.pd.assignParent(parent as never);
  a.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "a"), [1, 1]);
  assert.ok(a.component.table.slotOf(parent) > 0);
  system.close();
});

test("S6: addresses out of the memory or misaligned are refused by futexes and serve", async () => {
  const system = new TestSystem();
  const end = 2 * 65_536;
  const waits = [-4, 2, end, end - 2].map((address) =>
    log(`(call $futex_wait (i32.const ${address}) (i32.const 0) (i64.const -1))`),
  );
  const wakes = [-4, 2, end].map((address) => log(`(call $futex_wake (i32.const ${address}) (i32.const -1))`));
  const serves = [
    [1, -4],
    [1, end - MESSAGE.sizeBytes + 4],
    [0, 4096],
    [2, 4096],
    [99, 4096],
    [-1, 4096],
  ].map(([dispatch, message]) => `(call $serve (i32.const ${dispatch}) (i32.const 0) (i32.const ${message}))`);
  const code = `${tableOf("d", "other")} ${dispatch("d", "")} (func $other) ${main([...waits, ...wakes, ...serves].join(" "))}`;
  const thread = system.component("a", code).start("main") as KernelThread;
  await system.rest();
  const { badAddress } = FUTEX;
  assert.deepEqual(logged(system, "a"), [badAddress, badAddress, badAddress, badAddress, 0, 0, 0]);
  assert.equal(thread.dead, true, "it is no entrypoint");
  system.close();
});

test("S24: a thread started at a bad index, twice, or before there is a program is stopped alone", async () => {
  const system = new TestSystem();
  const a = system.component(
    "a",
    `${tableOf("wide", "good")} (func $wide (param i64)) (func $good) ${main(log("(i32.const 1)"))}`,
  );
  for (const ip of [1, 3, 99, -1]) {
    const thread = a.start(`at ${ip}`, ip) as KernelThread;
    assert.equal(thread.exception, true, `${ip}`);
    thread.resume();
  }
  const good = a.start("good", 2) as KernelThread;
  good.start(0, 0);
  await system.rest();
  assert.equal(good.dead, true);
  assert.deepEqual(logged(system, "a"), []);
  system.close();
});

test("S14: a component that makes threads without end is refused and others are not", async () => {
  const system = new TestSystem();
  const a = system.component("a", main(""));
  let made = 0;
  while (a.cpu.createThread(a.pd.capability, { name: "t" }).ok) made++;
  assert.equal(made, 4096);
  const b = system.component("b", main(log("(i32.const 1)")));
  b.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "b"), [1]);
  system.close();
});

test("S6: callers that flood a server with calls wait in line, in order", async () => {
  const system = new TestSystem();
  const server = system.component(
    "server",
    `${tableOf("d")} ${SERVES} ${dispatch("d", `(if (i32.eqz (i32.load (i32.const 64))) (then ${block()})) ${log("(i32.load offset=40 (local.get $m))")} ${answerPlus(1)}`)}`,
  );
  const object = system.object(server, server.start("ep").capability);
  const flood = system.component(
    "flood",
    `${tableOf("t")} (func $t (param $sp i32) (drop (call $ask (local.get $sp) (i32.const 4) (i32.const 1) (local.get $sp)))) ${main("")}`,
  );
  flood.component.table.insert(object);
  const sps = Array.from({ length: 20 }, (_, i) => 8192 + i * 2048);
  for (const sp of sps) flood.start("t", 1, sp);
  await system.rest();
  assert.deepEqual(logged(system, "server"), []);
  flood.pd.destroy();
  server.component.wrote(64, 4);
  server.component.view.setInt32(64, 1, true);
  server.component.waits.futexWake(64, 1);
  const client = system.component("client", main(log(ask(4, 1, 41))));
  client.component.table.insert(object);
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42], "calls of a component that is gone are not served");
  assert.deepEqual(logged(system, "server"), [8192, 41]);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});
