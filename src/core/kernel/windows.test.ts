// Components whose memory lies behind windows: message buffers and futexes there, and torture of such a system.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { assemble } from "../../../test/assemble.ts";
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
} from "../../../test/support/guest-code.ts";
import { PRELUDE, SLOT, type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import { until } from "../../../test/support/until.ts";
import { CALL_STATUS, FUTEX, MESSAGE } from "../../abi/index.ts";
import type { Capability, Dataspace } from "../../session/index.ts";
import type { Component } from "./component.ts";
import { copyMessage } from "./message-copy.ts";
import type { KernelThread } from "./thread.ts";

const AT = 0x4000_0000;
/** In the second page, and over the border of the two. */
const BUFFERS = [AT + 4096, AT + 4096 - 512];
const WINDOWS = { load: { windows: true } } as const;

const SERVER = `${tableOf("d")} ${dispatch("d", answerPlus(1))}
  ${main(`(call $serve (i32.const 1) (i32.const ${BUFFERS[1]}) (i32.const ${BUFFERS[1]}))`)}`;

const CLIENT = main(
  BUFFERS.map(
    (buffer) => `
    (call $log (i32.const ${buffer}) (call $ask (i32.const ${buffer}) (i32.const 4) (i32.const 1) (i32.const 41)))
    (call $log (i32.const 2048) (call $ask (i32.const ${buffer}) (i32.const 2) (i32.const 99) (i32.const 41)))`,
  ).join(" "),
);

/** Attaches two pages that lie apart in the pool at AT. */
function attach(system: TestSystem, component: TestComponent): Capability<Dataspace>[] {
  return [0, 1].map((page) => {
    const allocated = component.pd.alloc(4096);
    ok(allocated.ok && system.root.alloc(4096).ok);
    const attached = component.pd.addressSpaceMap.attach(allocated.value, { address: AT + page * 4096 });
    deepEqual(attached, { ok: true, value: AT + page * 4096 });
    return allocated.value;
  });
}

/** @param windowed which of the two have windows */
function pair(system: TestSystem, [clientWindows, serverWindows]: readonly boolean[]): TestComponent[] {
  const server = serverWindows
    ? system.component("server", SERVER, WINDOWS)
    : system.component("server", SERVER.replaceAll(`${BUFFERS[1]}`, "4096"));
  const client = clientWindows
    ? system.component("client", CLIENT, WINDOWS)
    : system.component("client", CLIENT.replaceAll(/10737\d+/g, "4096"));
  if (serverWindows) attach(system, server);
  if (clientWindows) attach(system, client);
  const ep = server.start("ep");
  equal(client.component.table.insert(system.object(server, ep.capability)), SLOT.free);
  client.start("main");
  return [client, server];
}

const EXPECTED = [42, CALL_STATUS.invalidOpcode << 16, 42, CALL_STATUS.invalidOpcode << 16];

for (const windows of [
  [true, true],
  [true, false],
  [false, true],
]) {
  const who = windows.map((has) => (has ? "windows" : "none")).join(" and ");
  test(`S34: messages of client and server with ${who}, also over borders of dataspaces`, async () => {
    const system = new TestSystem();
    pair(system, windows);
    await system.rest();
    deepEqual(logged(system, "client"), EXPECTED);
    system.close();
  });
}

/** Where messages of two components with windows lie, and whether one dataspace holds both. */
const PLACES = [
  ["in dataspaces of their own", AT, AT, false],
  ["in one dataspace, apart", AT, AT + 2048, true],
  ["in one dataspace, over one another", AT, AT + 100, true],
  ["in one dataspace, over one another the other way round", AT + 100, AT, true],
  ["over the border of two dataspaces", AT + 4000, AT + 4000, false],
] as const;

for (const [where, source, target, shared] of PLACES) {
  test(`S34, S36: a message of any length arrives whole, and nothing behind it is written: ${where}`, async () => {
    const system = new TestSystem();
    const [from, to] = ["client", "server"].map((label) => system.component(label, main(""), WINDOWS)) as [
      TestComponent,
      TestComponent,
    ];
    const attached = attach(system, from);
    if (shared) deepEqual(to.pd.addressSpaceMap.attach(attached[0]!, { address: AT }), { ok: true, value: AT });
    else attach(system, to);
    const read = (component: TestComponent, address: number, length: number) => {
      const bytes = component.component.bytes.read(address, length);
      ok(bytes instanceof Uint8Array);
      return bytes;
    };
    const lengths = [0, 1, 2, 3, 4, 63, 64, 127, 255, 256, 257, 258, 259, MESSAGE.maxBytes - 1, MESSAGE.maxBytes];
    for (const length of Array.from({ length: 12 }, () => lengths).flat()) {
      for (const component of [to, from])
        component.component.bytes.write(AT, new Uint8Array(8192 >> Number(shared)).fill(0xab));
      const sent = Uint8Array.from({ length: MESSAGE.sizeBytes }, (_, i) => (i * 7 + 1) | 1);
      new DataView(sent.buffer).setUint32(MESSAGE.bytes, length, true);
      new DataView(sent.buffer).setUint32(MESSAGE.capabilities, 0, true);
      from.component.bytes.write(source, sent);
      const behind = read(to, target + MESSAGE.data + length, MESSAGE.maxBytes - length);
      equal(copyMessage(from.component, source, to.component, target), true);
      const arrived = read(to, target, MESSAGE.sizeBytes);
      deepEqual(arrived.subarray(0, 8), sent.subarray(0, 8));
      deepEqual(
        arrived.slice(MESSAGE.data, MESSAGE.data + length),
        sent.slice(MESSAGE.data, MESSAGE.data + length),
        `${length} bytes`,
      );
      deepEqual(arrived.slice(MESSAGE.data + length), behind, `behind ${length} bytes`);
    }
    system.close();
  });
}

test("S25, S34: torture: components with windows are made anew at every n-th safe point", async () => {
  for (const every of [1, 2, 3]) {
    const system = new TestSystem();
    let points = 0;
    let recreations = 0;
    system.kernel.everyPoint = true;
    system.kernel.atPoint = () => ++points % every === 0;
    const recreate = (component: Component) => component.recreate((saved) => deserialize(serialize(saved)));
    system.kernel.scheduler.between = () => {
      recreations++;
      for (const component of system.kernel.components) recreate(component);
    };
    pair(system, [true, true]);
    await system.rest();
    deepEqual(logged(system, "client"), EXPECTED, `every ${every}`);
    ok(recreations > 2);
    system.close();
  }
});

test("S36: a message buffer that is unmapped, or is during the call, is a bad message", async () => {
  const system = new TestSystem();
  const client = system.component(
    "client",
    main(`
      (call $log (i32.const 2048) (call $call (i32.const 2) (i32.const 16) (i32.const ${AT - 4096})))
      (call $log (i32.const 2048) (call $call (i32.const 2) (i32.const 16) (i32.const ${AT + 4096 + 3500})))
      (i32.store (i32.const ${AT}) (i32.const 4)) (i32.store (i32.const ${AT + 40}) (i32.const ${AT}))
      (call $log (i32.const 2048) (call $call (i32.const 4) (i32.const 1) (i32.const ${AT})))
      (call $log (i32.const 2048) (call $call (i32.const 2) (i32.const 16) (i32.const ${AT})))`),
    WINDOWS,
  );
  attach(system, client);
  equal(client.component.table.insert(client.pd.addressSpace()), SLOT.free);
  client.start("main");
  await system.rest();
  deepEqual(logged(system, "client"), Array(4).fill(CALL_STATUS.badMessage));
  system.close();
});

test("S13, S34: a dispatch that waits is not held for the page fault that another thread has met before", async () => {
  const system = new TestSystem();
  const server = system.component(
    "server",
    `${tableOf("d", "faults")} ${dispatch("d", `${onOpcode(2, block())} ${answerPlus(1)}`)} ${SERVES}
     (func $faults (drop (i32.load (i32.const ${AT}))))`,
    WINDOWS,
  );
  const ep = server.start("ep") as KernelThread;
  const other = server.start("faults", 2) as KernelThread;
  const client = system.component("client", main(log(ask(SLOT.free, 2, 41))));
  client.component.table.insert(system.object(server, ep.capability));
  await system.rest();
  client.start("main");
  await system.rest();
  deepEqual(
    [other, ep].map((thread) => thread.waiting?.kind),
    ["fault", "futex"],
  );
  server.component.waits.futexWake(64, 1);
  await system.rest();
  deepEqual(logged(system, "client"), [42]);
  system.close();
});

test("S24: memory.atomic.wait behind windows", async () => {
  const system = new TestSystem();
  const shared = PRELUDE.replace('(memory (export "memory") 2)', '(memory (export "memory") 2 65536 shared)');
  const waits = `(call $log (i32.const 2048) (memory.atomic.wait32 (i32.const ${AT}) (i32.const 0) (i64.const -1)))`;
  const notifies = `(call $log (i32.const 4096) (memory.atomic.notify (i32.const ${AT}) (i32.const 9)))`;
  const a = system.component(
    "a",
    assemble(`(module ${shared} ${tableOf("wake")} (func $wake ${notifies}) ${main(waits)})`),
    WINDOWS,
  );
  attach(system, a);
  const thread = a.start("waits") as KernelThread;
  await system.rest();
  equal(thread.waiting?.kind, "atomic", thread.problem);
  a.start("wakes", 1);
  await until(() => logged(system, "a").length >= 2);
  deepEqual(logged(system, "a").toSorted(), [0, 1]);
  system.close();
});

test("S24: futexes behind windows", async () => {
  const system = new TestSystem();
  const a = system.component(
    "a",
    `${tableOf("wake")} (func $wake (i32.store (i32.const ${AT}) (i32.const 1))
       (call $log (i32.const 4096) (call $futex_wake (i32.const ${AT}) (i32.const 9))))
     ${main(`
      (call $log (i32.const 2048) (call $futex_wait (i32.const ${AT}) (i32.const 1) (i64.const -1)))
      (call $log (i32.const 2048) (call $futex_wait (i32.const ${AT - 4096}) (i32.const 0) (i64.const -1)))
      (call $log (i32.const 2048) (call $futex_wait (i32.const ${AT}) (i32.const 0) (i64.const -1)))`)}`,
    WINDOWS,
  );
  attach(system, a);
  a.start("waits");
  await system.rest();
  deepEqual(logged(system, "a"), [FUTEX.notEqual, FUTEX.badAddress]);
  a.start("wakes", 1);
  await system.rest();
  deepEqual(logged(system, "a").slice(2), [1, FUTEX.woken]);
  system.close();
});
