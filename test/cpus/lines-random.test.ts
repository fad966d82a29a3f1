// Random calls between two CPUs come to what the kernel would have made of them, whatever happens to both sides meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CALL_STATUS } from "../../src/abi/index.ts";
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import { seededRandom, seedOr } from "../random.ts";
import { machine } from "../support/cpus.ts";
import { disturb } from "../support/disturb.ts";
import {
  answerPlus,
  ask,
  BUSY,
  dispatch,
  log,
  logged,
  main,
  onOpcode,
  SERVES,
  tableOf,
} from "../support/guest-code.ts";
import { SLOT, type TestComponent, TestSystem } from "../support/kernel-system.ts";
import { until } from "../support/until.ts";

const CALLS = 4_000;
/** Where both sides keep the digest of all that they have seen, and the client the number of its calls. */
const [DIGEST, CALLED] = [64, 68];
/** What a message says of itself, and its data, at `$m`. */
const LENGTH = "(i32.load (local.get $m))";
const COUNT = "(i32.load offset=4 (local.get $m))";

const small = (most: number) => `(i32.rem_u (call $random) (i32.const ${most}))`;
const rarely = (value: string, else_: string, one = 32) => `(select ${value} ${else_} (i32.eqz ${small(one)}))`;

/** `$random`, `$mix` (a word into the digest) and `$see` (the message at an address: lengths, slots, all words of it). */
const pieces = (seed: number) => `(global $state (mut i32) (i32.const ${seed | 1}))
  (func $random (result i32)
    (global.set $state (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 13))))
    (global.set $state (i32.xor (global.get $state) (i32.shr_u (global.get $state) (i32.const 17))))
    (global.set $state (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 5))))
    (global.get $state))
  (func $mix (param $word i32) (i32.store (i32.const ${DIGEST})
    (i32.mul (i32.rotl (i32.xor (i32.load (i32.const ${DIGEST})) (local.get $word)) (i32.const 7)) (i32.const 0x01000193))))
  (func $see (param $m i32) (local $i i32)
    (call $mix ${LENGTH}) (call $mix ${COUNT})
    (loop $l (call $mix (i32.load offset=8 (i32.add (local.get $m) (local.get $i))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 1056)))))
  (func $fill (param $m i32) (local $i i32)
    (i32.store (local.get $m) ${rarely("(call $random)", small(1025))})
    (i32.store offset=4 (local.get $m) ${rarely(small(10), "(i32.const 0)", 4)})
    (loop $l (i32.store offset=8 (i32.add (local.get $m) (local.get $i)) ${small(6)})
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 32))))
    (loop $l (i32.store offset=8 (i32.add (local.get $m) (local.get $i)) (call $random))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 64))) (i32.const 1056)))))`;

/** Gives up the first capability of a message, unless the component had it in the beginning. */
function releaseFirst(message: string): string {
  const slot = `(i32.load offset=8 ${message})`;
  return `(if (i32.gt_u ${slot} (i32.const ${SLOT.free})) (then (call $cap_release ${slot})))`;
}

/** What the dispatch function does beside its reply: nothing, mostly. */
const BESIDE = [
  BUSY,
  `(drop ${ask(SLOT.pd, 16)})`,
  "(call $yield)",
  `(call $mix ${ask(SLOT.free, 1, "(call $random)")})`,
  "(drop (memory.grow (i32.const 0)))",
  `(call $cap_release (i32.const ${SLOT.log}))`,
  releaseFirst("(local.get $m)"),
];

/** Its replies follow from what it has been asked so far; opcode 99 is somebody else's, and leaves no trace. */
const server = (seed: number) =>
  `${tableOf("d")} ${SERVES} ${pieces(seed)} ${dispatch(
    "d",
    `${onOpcode(99, "(return (i32.const 0))")}
   (call $mix (local.get $value)) (call $see (local.get $m))
   (local.set $i ${small(64)})
   ${BESIDE.map((code, i) => `(if (i32.eq (local.get $i) (i32.const ${i})) (then ${code}))`).join(" ")}
   (if ${small(4)} (then (call $fill (local.get $m))))
   (return ${rarely("(i32.const 7)", "(i32.const 0)", 8)})`,
  )}`;

const client = (seed: number) =>
  `${pieces(seed)} ${main(`(local $m i32) (loop $l
  (local.set $m ${rarely("(call $random)", `(i32.add (i32.const 8192) (i32.shl ${small(16)} (i32.const 2)))`, 64)})
  (local.set $i (i32.add (i32.const 8192) (i32.shl ${small(16)} (i32.const 2))))
  (call $fill (local.get $i))
  (call $mix (call $call (i32.const ${SLOT.free}) ${small(8)} ${rarely("(local.get $m)", "(local.get $i)", 64)}))
  (call $see (local.get $i))
  (if (i32.eqz ${small(50)}) (then ${log("(i32.load (i32.const 68))")}))
  (if (i32.eqz ${small(50)}) (then ${releaseFirst("(local.get $i)")}))
  (i32.store (i32.const ${CALLED}) (i32.add (i32.load (i32.const ${CALLED})) (i32.const 1)))
  (br_if $l (i32.lt_u (i32.load (i32.const ${CALLED})) (i32.const ${CALLS}))))`)}`;

const word = ({ component }: TestComponent, address: number) => component.view.getInt32(address, true);

interface Place {
  readonly client: number;
  readonly server: number;
  readonly last: number;
}

/** A client, its server, and the server that this one asks. */
async function cast(system: TestSystem, seed: number, cpus: Place) {
  const last = system.component("last", `${tableOf("d")} ${SERVES} ${dispatch("d", answerPlus(1))}`, {
    cpu: cpus.last,
  });
  const lastObject = system.object(last, last.start("ep").capability);
  const serves = system.component("server", server(seed * 3), { cpu: cpus.server });
  serves.component.table.insert(lastObject);
  const ep = serves.start("ep") as KernelThread;
  await until(() => ep.idle);
  const object = system.object(serves, ep.capability);
  const calls = system.component("client", client(seed * 5), { cpu: cpus.client });
  calls.component.table.insert(object);
  return { serves, ep, calls, last, object, thread: calls.thread("main") as KernelThread };
}

type Cast = Awaited<ReturnType<typeof cast>>;

/** Slots in use, with their references. */
function slotsOf({ component }: TestComponent) {
  const slots: [slot: number, references: number][] = [];
  component.table.eachSlot((slot, _, references) => slots.push([slot, references]));
  return slots;
}

/** What both have seen in the end. */
async function seen(system: TestSystem, { serves, calls, thread }: Cast) {
  await until(() => thread.dead || thread.faulted);
  await system.rest();
  assert.deepEqual([thread.problem, word(calls, CALLED)], ["", CALLS]);
  assert.equal(system.kernel.calls.size, 0);
  const digests = { client: word(calls, DIGEST), server: word(serves, DIGEST) };
  return { ...digests, slots: [calls, serves].map(slotsOf), logged: logged(system, "client") };
}

/** On CPU 0, where every call is nested. */
async function expected(seed: number) {
  const system = new TestSystem();
  const made = await cast(system, seed, { client: 0, server: 0, last: 0 });
  made.thread.start(0, 0);
  const found = await seen(system, made);
  system.close();
  return found;
}

/** Another client calls the same object. */
function other(system: TestSystem, object: Cast["object"], cpu: number): void {
  const label = `other${system.kernel.components.length}`;
  // Without data, of which something would stay in the server's buffer.
  const call = `(drop (call $call (i32.const ${SLOT.free}) (i32.const 99) (i32.const 2048)))`;
  const made = system.component(label, main(call), { cpu });
  made.component.table.insert(object);
  made.start("main");
}

for (const seed of [1, 2, 3].map((each) => seedOr(each))) {
  test(`S34, S36: random calls by lines come to what they come to on one CPU (seed ${seed})`, async () => {
    const should = await expected(seed);
    const asked = { lines: 0, none: 0 };
    for (const lines of ["lines", "none"] as const) {
      const system = await machine(4);
      if (lines === "none") system.kernel.cpus!.lineFor = () => undefined;
      const { rpc } = system.kernel;
      const { call } = rpc;
      rpc.call = (...args) => {
        asked[lines]++;
        return call.apply(rpc, args);
      };
      const made = await cast(system, seed, { client: 1, server: 2, last: 3 });
      made.thread.start(0, 0);
      assert.deepEqual(await seen(system, made), should, lines);
      system.close();
    }
    assert(asked.none - asked.lines > 200, `${asked.lines} and ${asked.none} calls of the kernel`);
  });

  test(`S24-S26, S36: random calls by lines come to the same while both sides are stopped, made anew and moved (seed ${seed})`, async () => {
    const should = await expected(seed);
    const random = seededRandom(seed);
    const system = await machine(4);
    const made = await cast(system, seed, { client: 1, server: 2, last: random.below(4) });
    made.thread.start(0, 0);
    for (let turn = 0; turn < 150 && !made.thread.dead; turn++) {
      await new Promise((resolve) => setTimeout(resolve, random.below(3)));
      const { serves, ep, calls, last, object } = made;
      await disturb(system, random, {
        victims: [made.thread, ep],
        components: [serves, calls, last],
        cpus: 4,
        others: [() => other(system, object, random.below(4))],
      });
    }
    assert.deepEqual(await seen(system, made), should);
    system.close();
  });
}

test("S30, S36: calls by lines that cancel_blocking meets end as canceled or with their own replies", async () => {
  const system = await machine(3);
  const code = `${tableOf("d")} ${SERVES} ${dispatch("d", `${onOpcode(3, BUSY)} ${answerPlus(1)}`)}`;
  const serves = system.component("server", code, { cpu: 2 });
  const ep = serves.start("ep") as KernelThread;
  await until(() => ep.idle);
  // Counts answers at 64, canceled calls at 68; anything else ends it.
  const add = (at: number) => `(i32.store (i32.const ${at}) (i32.add (i32.load (i32.const ${at})) (i32.const 1)))`;
  const canceled = CALL_STATUS.blockingCanceled << 16;
  const calls = system.component(
    "client",
    main(`(local $n i32) (loop $l (local.set $n (i32.and (i32.add (local.get $n) (i32.const 1)) (i32.const 0xffff)))
      (local.set $i ${ask(SLOT.free, 3, "(local.get $n)")})
      (if (i32.eq (local.get $i) (i32.add (local.get $n) (i32.const 1))) (then ${add(64)} (br $l)))
      (if (i32.eq (local.get $i) (i32.const ${canceled})) (then ${add(68)} (br $l))))
      ${log("(local.get $i)")}`),
    { cpu: 1 },
  );
  calls.component.table.insert(system.object(serves, ep.capability));
  const thread = calls.start("main") as KernelThread;
  let cancels = 0;
  await until(() => {
    thread.cancelBlocking();
    cancels++;
    return thread.dead || (word(calls, 68) >= 30 && word(calls, 64) >= 300);
  });
  assert.deepEqual(logged(system, "client"), []);
  assert(word(calls, 68) <= cancels);
  thread.pause();
  await until(() => ep.idle);
  calls.cpu.killThread(thread.capability);
  await system.rest();
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});
