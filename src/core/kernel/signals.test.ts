// Signals and wake-ups: waiting, dispatching, fairness, and what is deferred.
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
import { type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import type { Capability, SignalContext, SignalSource } from "../../session/index.ts";
import type { KernelThread } from "./thread.ts";

interface Signalling {
  readonly source: Capability<SignalSource>;
  context(imprint: number): Capability<SignalContext>;
}

/** The source of a component, which finds it at slot 4. */
function signalling(component: TestComponent): Signalling {
  const source = component.pd.allocSignalSource();
  assert(source.ok && component.component.table.insert(source.value) === 4);
  const context = (imprint: number) => {
    const allocated = component.pd.allocContext(source.value, imprint);
    assert(allocated.ok);
    return allocated.value;
  };
  return { source: source.value, context };
}

/** Waits for signals for ever and logs imprint and count. */
const WAITS = main(`(loop $again
  (drop (call $call (i32.const 4) (i32.const 0) (i32.const 8192)))
  (call $log (i32.const 2048) (i32.load (i32.const 8236))) (call $log (i32.const 2048) (i32.load (i32.const 8240)))
  (br $again))`);

test("S31, S33: a thread waits for the source; signals are merged, counted, and come in order", async () => {
  const system = new TestSystem();
  const a = system.component("a", WAITS);
  const { context } = signalling(a);
  const [x, y] = [context(7), context(0xffff_fff0)];
  a.pd.submit(y, 2);
  a.pd.submit(x);
  a.pd.submit(y, 3);
  a.start("signal handler");
  await system.rest();
  assert.deepEqual(logged(system, "a"), [0xffff_fff0, 5, 7, 1]);
  for (let i = 0; i < 100; i++) a.pd.submit(x);
  await system.rest();
  assert.deepEqual(logged(system, "a").slice(4), [7, 100]);
  system.close();
});

test("S32: a context that ends with signals pending takes them with it", async () => {
  const system = new TestSystem();
  const a = system.component("a", WAITS);
  const { context } = signalling(a);
  const [x, y] = [context(1), context(2)];
  a.pd.submit(x);
  a.pd.submit(y);
  a.pd.freeContext(x);
  a.pd.submit(x);
  a.start("signal handler");
  await system.rest();
  assert.deepEqual(logged(system, "a"), [2, 1]);
  assert.equal(system.warnings.length, 1);
  system.close();
});

/** Serves RPCs (kind 0), signals (1) and wake-ups (2): logs kind and value. */
const SERVES_ALL = `${tableOf("d")} ${dispatch("d", `${log("(i32.add (i32.shl (local.get $kind) (i32.const 8)) (local.get $value))")} ${answerPlus(1)}`)}
  ${main(`(call $serve (i32.const 1) (i32.const 4096) (i32.const 4096)) (call $serve_signals (i32.const 4))`)}`;

test("S31: an entrypoint serves its source: one dispatch a batch", async () => {
  const system = new TestSystem();
  const a = system.component("a", SERVES_ALL);
  const { context } = signalling(a);
  const x = context(1);
  a.pd.submit(x, 3);
  a.start("ep");
  await system.rest();
  a.pd.submit(x);
  a.pd.submit(x);
  await system.rest();
  // elsewhere the first is served before the second comes
  assert.deepEqual(logged(system, "a"), TestSystem.elsewhere ? [0x103, 0x101, 0x101] : [0x103, 0x102]);
  system.close();
});

test("S34: RPCs, wake-ups and signals are served in turn", async () => {
  const system = new TestSystem();
  const a = system.component("a", SERVES_ALL);
  const { context } = signalling(a);
  const ep = a.start("ep") as KernelThread;
  await system.rest();
  ep.pause();
  for (const imprint of [1, 2, 3]) a.pd.submit(context(imprint), imprint);
  const object = system.object(a, ep.capability);
  const clients = [1, 2, 3].map((value) => {
    const client = system.component(`client${value}`, main(`(drop ${ask(4, 0x10 + value)})`));
    client.component.table.insert(object);
    return client.start("main");
  });
  await system.rest();
  ep.ep.wakeup = true;
  ep.notify();
  ep.resume();
  await system.rest();
  const kinds = logged(system, "a").map((value) => value >> 8);
  assert.deepEqual(kinds, [0, 2, 1, 0, 1, 0, 1]);
  assert(clients.every((thread) => (thread as KernelThread).dead));
  system.close();
});

test("S34: a flood of signals does not keep an RPC waiting, nor a flood of RPCs a signal", async () => {
  const system = new TestSystem();
  const flooder = `${tableOf("d")} ${dispatch(
    "d",
    `(if (i32.eq (local.get $kind) (i32.const 1)) (then
       (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
       (if (i32.lt_u (i32.load (i32.const 64)) (i32.const 5000)) (then
         (i32.store (i32.const 8192) (i32.const 4)) (i32.store (i32.const 8196) (i32.const 1)) (i32.store (i32.const 8200) (i32.const 5))
         (i32.store (i32.const 8232) (i32.const 1))
         (drop (call $call (i32.const 2) (i32.const 7) (i32.const 8192)))))
       (return (i32.const 0))))
     (i32.store offset=40 (local.get $m) (i32.load (i32.const 64)))`,
  )} ${main(`(call $serve (i32.const 1) (i32.const 4096) (i32.const 4096)) (call $serve_signals (i32.const 4))`)}`;
  const a = system.component("a", flooder);
  const { context } = signalling(a);
  const own = context(1);
  a.component.table.install(5, own, 1);
  const ep = a.start("ep") as KernelThread;
  const client = system.component("client", main(log(ask(4, 1)) + log(ask(4, 1)) + log(ask(4, 1))));
  client.component.table.insert(system.object(a, ep.capability));
  a.pd.submit(own);
  client.start("main");
  let points = 0;
  system.kernel.everyPoint = true;
  system.kernel.atPoint = () => ++points % 100 === 0;
  await system.rest();
  const seen = logged(system, "client");
  assert.equal(seen.length, 3);
  assert(
    seen.every((value) => value < 5000),
    `served while the flood went on: ${seen}`,
  );
  assert.equal(a.component.view.getInt32(64, true), 5000);
  system.close();
});

test("S35: within a dispatch that waits, wake-ups are served and everything else is deferred", async () => {
  const system = new TestSystem();
  const a = system.component(
    "a",
    `${tableOf("d")} ${dispatch(
      "d",
      `${log("(i32.add (i32.shl (local.get $kind) (i32.const 8)) (local.get $value))")}
       (if (i32.and (i32.eqz (local.get $kind)) (i32.eq (local.get $value) (i32.const 2))) (then
         ${log("(call $ep_wait_wakeup (i32.const 12288))")}
         ${log("(call $ep_wait_wakeup (i32.const 12288))")}))
       (if (i32.eqz (local.get $kind)) (then ${answerPlus(1)}))`,
    )} ${main(`(call $serve (i32.const 1) (i32.const 4096) (i32.const 4096)) (call $serve_signals (i32.const 4))`)}`,
  );
  const { context } = signalling(a);
  const ep = a.start("ep") as KernelThread;
  await system.rest();
  const object = system.object(a, ep.capability);
  for (const opcode of [2, 3]) {
    const client = system.component(`client${opcode}`, main(log(ask(4, opcode, 40))));
    client.component.table.insert(object);
    client.start("main");
    await system.rest();
  }
  a.pd.submit(context(1), 9);
  await system.rest();
  assert.deepEqual(logged(system, "a"), [2]);
  const wake = async () => {
    ep.ep.wakeup = true;
    ep.notify();
    await system.rest();
  };
  await wake();
  assert.deepEqual(logged(system, "a"), [2, 0x200, 0]);
  assert.equal(ep.nativeState().waitsFor, "wakeup");
  await wake();
  assert.deepEqual(logged(system, "a").slice(0, 5), [2, 0x200, 0, 0x200, 0]);
  assert.deepEqual(
    logged(system, "a")
      .slice(5)
      .toSorted((x, y) => x - y),
    [3, 0x109],
  );
  assert.deepEqual([logged(system, "client2"), logged(system, "client3")], [[41], [41]]);
  system.close();
});

test("S35: ep_wakeup comes from other threads by the entrypoint's capability, once for many", async () => {
  const system = new TestSystem();
  const a = system.component(
    "a",
    `${tableOf("d", "wake")} ${dispatch("d", log("(i32.shl (local.get $kind) (i32.const 8))"))} ${SERVES}
     (func $wake (call $ep_wakeup (i32.const 5)) (call $ep_wakeup (i32.const 5)) (call $ep_wakeup (i32.const 0)) (call $ep_wakeup (i32.const 1)))`,
  );
  signalling(a);
  const ep = a.start("ep");
  a.component.table.install(5, ep.capability, 1);
  a.start("waker", 2);
  await system.rest();
  assert.deepEqual(logged(system, "a"), [0x200]);
  system.close();
});

test("S31: a component floods itself with signals and another is served", async () => {
  const system = new TestSystem();
  const blocked = system.component("blocked", main(block() + log("(i32.const 1)")));
  blocked.start("main");
  const a = system.component("a", SERVES_ALL);
  const { context } = signalling(a);
  const x = context(1);
  a.start("ep");
  await system.rest();
  for (let i = 0; i < 100_000; i++) a.pd.submit(x);
  blocked.component.waits.futexWake(64, 1);
  await system.rest();
  assert.deepEqual(logged(system, "blocked"), [1]);
  const counts = logged(system, "a").map((value) => value - 0x100);
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    100_000,
  );
  if (!TestSystem.elsewhere) assert.equal(counts.length, 1);
  system.close();
});
