// Calls between components, and to objects of core: answers, refusals, and what ends in the middle of a call.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answerPlus,
  ask,
  BUSY,
  block,
  dispatch,
  log,
  logged,
  main,
  onOpcode,
  SERVES,
  tableOf,
} from "../../../test/support/guest-code.ts";
import { SLOT, type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import { until } from "../../../test/support/until.ts";
import { CALL_STATUS, MESSAGE } from "../../abi/index.ts";
import type { RpcMessage } from "../../session/index.ts";
import { copyMessage } from "./message-copy.ts";
import type { KernelThread } from "./thread.ts";

const word = (value: number): RpcMessage => ({
  bytes: new Uint8Array(new Uint32Array([value]).buffer),
  capabilities: [],
});
const status = (value: number) => value << 16;

/** Opcode 1 answers plus one, 2 gives everything back, 3 blocks, 4 computes, 5 traps, 6 lies about its reply. */
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch(
  "d",
  [
    onOpcode(1, `${answerPlus(1)} (return (i32.const 0))`),
    onOpcode(2, "(return (i32.const 0))"),
    onOpcode(3, `${block()} ${answerPlus(3)} (return (i32.const 0))`),
    onOpcode(4, `${BUSY} ${answerPlus(4)} (return (i32.const 0))`),
    onOpcode(5, "unreachable"),
    onOpcode(6, "(i32.store (local.get $m) (i32.const -1)) (return (i32.const 0))"),
    onOpcode(7, "(i32.store offset=4 (local.get $m) (i32.const 9)) (return (i32.const 0))"),
    onOpcode(8, "(return (i32.const 77))"),
    "(return (i32.const 2))",
  ].join(" "),
)}`;

interface Pair {
  readonly system: TestSystem;
  readonly server: TestComponent;
  readonly ep: KernelThread & ReturnType<TestComponent["thread"]>;
  readonly client: TestComponent;
}

/** A server, and a client that finds the server's object at SLOT.free. */
async function pair(client: string, server = SERVER): Promise<Pair> {
  const system = new TestSystem();
  const serving = system.component("server", server);
  const ep = serving.start("ep") as Pair["ep"];
  await system.rest();
  const calling = system.component("client", client);
  assert.equal(calling.component.table.insert(system.object(serving, ep.capability)), SLOT.free);
  return { system, server: serving, ep, client: calling };
}

test("S34, S36: a call is answered; an opcode that the server does not know is invalid", async () => {
  const { system, client } = await pair(main(log(ask(4, 1, 41)) + log(ask(4, 9))));
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42, status(CALL_STATUS.invalidOpcode)]);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S34: a call that comes before the server serves waits for it", async () => {
  const system = new TestSystem();
  const server = system.component("server", SERVER);
  const ep = server.start("ep");
  const client = system.component("client", main(log(ask(4, 1, 41))));
  client.component.table.insert(system.object(server, ep.capability));
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42]);
  system.close();
});

test("S2, S36: calls on slot 0, on unused slots and with bad buffers have a status", async () => {
  const system = new TestSystem();
  const end = 2 * 65536 - MESSAGE.sizeBytes;
  const cases: [slot: string, opcode: string, message: string, status: number][] = [
    ["0", "0", "1024", CALL_STATUS.invalidObject],
    ["77", "0", "1024", CALL_STATUS.invalidObject],
    ["-1", "0", "1024", CALL_STATUS.invalidObject],
    ["0x7fffffff", "0", "1024", CALL_STATUS.invalidObject],
    ["2", "-1", "1024", CALL_STATUS.invalidOpcode],
    ["2", "1000", "1024", CALL_STATUS.invalidOpcode],
    ["2", "16", "-4", CALL_STATUS.badMessage],
    ["2", "16", "1026", CALL_STATUS.badMessage],
    ["2", "16", `${end + 4}`, CALL_STATUS.badMessage],
    ["2", "16", `${end}`, CALL_STATUS.ok],
  ];
  const calls = cases.map(([slot, opcode, message]) =>
    log(`(call $call (i32.const ${slot}) (i32.const ${opcode}) (i32.const ${message}))`),
  );
  system.component("client", main(calls.join(" "))).start("main");
  await system.rest();
  assert.deepEqual(
    logged(system, "client"),
    cases.map(([, , , status]) => status),
  );
  system.close();
});

test("S36: a client or a server that lies about lengths has a status, and nothing is copied", async () => {
  const lie = (bytes: number, capabilities: number) => `
    (i32.store (i32.const 2048) (i32.const ${bytes})) (i32.store (i32.const 2052) (i32.const ${capabilities}))
    (call $call (i32.const 4) (i32.const 2) (i32.const 2048))`;
  const lies = [lie(1025, 0), lie(-1, 0), lie(0, 9), lie(0, -1), lie(1024, 8)].map(
    (code) => `(local.set $i ${code}) ${log("(local.get $i)")}`,
  );
  const { system, client } = await pair(
    main(lies.join(" ") + log(ask(4, 6)) + log(ask(4, 7)) + log(ask(4, 8)) + log(ask(4, 1, 1))),
  );
  client.start("main");
  await system.rest();
  const { badMessage, invalidOpcode, ok } = CALL_STATUS;
  const replies = [status(badMessage), status(badMessage), status(invalidOpcode), 2];
  assert.deepEqual(logged(system, "client"), [badMessage, badMessage, badMessage, badMessage, ok, ...replies]);
  system.close();
});

test("S36: a message of any length arrives whole, and nothing behind it is written", async () => {
  const { system, server, client } = await pair(main(""));
  const [from, to] = [client.component, server.component];
  const [source, target] = [4096, 8192];
  const sent = new Uint8Array(from.view.buffer, source + MESSAGE.data, MESSAGE.maxBytes);
  const arrived = new Uint8Array(to.view.buffer, target + MESSAGE.data, MESSAGE.maxBytes);
  sent.forEach((_, i) => {
    sent[i] = (i * 7 + 1) | 1;
  });
  const lengths = [0, 1, 3, 4, 63, 64, 65, 127, 128, 255, 256, 257, 258, 259, 1023, MESSAGE.maxBytes];
  for (const length of Array.from({ length: 12 }, () => lengths).flat()) {
    arrived.fill(0); // long ones are copied by a module from the hundredth on
    from.view.setUint32(source + MESSAGE.bytes, length, true);
    assert.equal(copyMessage(from, source, to, target), true);
    assert.equal(to.view.getUint32(target + MESSAGE.bytes, true), length);
    assert.deepEqual(arrived.slice(0, length), sent.slice(0, length), `${length} bytes`);
    assert.ok(
      arrived.subarray(length).every((byte) => byte === 0),
      `behind ${length} bytes`,
    );
  }
  await system.rest();
});

test("S3: capabilities arrive in slots of the receiver, the same ones for the same objects", async () => {
  const give = `
    (i32.store (i32.const 2048) (i32.const 0)) (i32.store (i32.const 2052) (i32.const 4))
    (i32.store (i32.const 2056) (i32.const 1)) (i32.store (i32.const 2060) (i32.const 0))
    (i32.store (i32.const 2064) (i32.const 99)) (i32.store (i32.const 2068) (i32.const 4))
    (drop (call $call (i32.const 4) (i32.const 2) (i32.const 2048)))
    (i32.store (i32.const 64) (i32.load (i32.const 2052))) (i64.store (i32.const 68) (i64.load (i32.const 2056)))
    (i64.store (i32.const 76) (i64.load (i32.const 2064)))`;
  const { system, client, server } = await pair(main(give));
  client.start("main");
  await system.rest();
  const { view, table } = client.component;
  assert.deepEqual(
    Array.from({ length: 5 }, (_, i) => view.getInt32(64 + i * 4, true)),
    [4, 1, 0, 0, 4],
  );
  const counts = new Map<number, number>();
  table.eachSlot((slot, _, count) => counts.set(slot, count));
  assert.deepEqual([counts.get(1), counts.get(4)], [2, 2], "each reference that arrives counts");
  const received: number[] = [];
  server.component.table.eachSlot((slot, { badge }) => slot >= SLOT.free && received.push(badge));
  assert.deepEqual(received, [table.lookup(1).badge, table.lookup(4).badge]);
  system.close();
});

test("S34: an entrypoint that calls itself is refused, also through others", async () => {
  const system = new TestSystem();
  const relay = `${tableOf("d")} ${SERVES} ${dispatch("d", `(i32.store offset=40 (local.get $m) ${ask(4, 1)})`)}`;
  const nodes = ["a", "b", "c"].map((label) => system.component(label, relay));
  const objects = nodes.map((node) => system.object(node, node.start("ep").capability));
  await system.rest();
  for (const [i, node] of nodes.entries()) node.component.table.insert(objects[(i + 1) % 3]!);
  const selfish = system.component("self", relay);
  const self = system.object(selfish, selfish.start("ep").capability);
  selfish.component.table.insert(self);
  await system.rest();
  const client = system.component("client", main(log(ask(4, 1)) + log(ask(5, 1))));
  client.component.table.insert(objects[0]!);
  client.component.table.insert(self);
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [status(CALL_STATUS.deadlock), status(CALL_STATUS.deadlock)]);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S34: a cycle of blocked calls is found too, at every safe point", async () => {
  for (const every of [1, 2, 3]) {
    const system = new TestSystem();
    let points = 0;
    system.kernel.everyPoint = true;
    system.kernel.atPoint = () => ++points % every === 0;
    const relay = `${tableOf("d")} ${SERVES} ${dispatch("d", `${BUSY} (i32.store offset=40 (local.get $m) ${ask(4, 1)})`)}`;
    const nodes = ["a", "b"].map((label) => system.component(label, relay));
    const objects = nodes.map((node) => system.object(node, node.start("ep").capability));
    for (const [i, node] of nodes.entries()) node.component.table.insert(objects[1 - i]!);
    for (const i of [0, 1]) {
      const client = system.component(`client${i}`, main(log(ask(4, 1))));
      client.component.table.insert(objects[i]!);
      client.start("main");
    }
    await system.rest();
    const answers = [logged(system, "client0"), logged(system, "client1")];
    assert(
      answers.every(([answer]) => answer !== undefined),
      "nobody hangs",
    );
    assert.equal(system.kernel.calls.size, 0);
    system.close();
  }
});

test("S25, S34: a callee that computes within a call is preempted, and both go on", async () => {
  const { system, client, server } = await pair(main(log(ask(4, 4, 38))));
  let points = 0;
  system.kernel.everyPoint = true;
  let preempted = 0;
  system.kernel.atPoint = (component) => {
    if (component === server.component && client.component.onStack) preempted++;
    return ++points % 10 === 0;
  };
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42]);
  if (!TestSystem.elsewhere) assert(preempted > 0, "the callee was asked within its caller's call");
  system.close();
});

test("S36: calls of an object that dies, queued or before, fail; others go on", async () => {
  const { system, client, server, ep } = await pair(main(log(ask(5, 3, 1)) + log(ask(4, 1, 1))));
  const blocked = system.object(server, ep.capability);
  client.component.table.insert(blocked);
  client.start("main");
  await system.rest();
  const second = system.component("second", main(log(ask(4, 1)) + log(ask(4, 1))));
  const dying = system.object(server, ep.capability);
  second.component.table.insert(dying);
  second.start("main");
  await system.rest();
  server.pd.freeRpcCap(dying as never);
  server.pd.freeRpcCap(blocked as never); // what is being served is answered
  server.component.waits.futexWake(64, 1);
  await system.rest();
  const dead = status(CALL_STATUS.invalidObject);
  assert.deepEqual(logged(system, "second"), [dead, dead]);
  assert.deepEqual(logged(system, "client"), [4, 2]);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

for (const [what, opcode, end] of [
  ["its thread is killed while it serves", 3, ({ server, ep }: Pair) => server.cpu.killThread(ep.capability)],
  ["its PD is destroyed while it serves", 3, ({ server }: Pair) => void server.pd.destroy()],
] as const) {
  test(`S4, S36: the caller of a server goes on when ${what}, queued callers too`, async () => {
    const made = await pair(main(log(ask(4, opcode)) + log(ask(4, 1))));
    const { system, client } = made;
    client.start("main");
    client.start("queued");
    await system.rest();
    assert.deepEqual(logged(system, "client"), []);
    end(made);
    await system.rest();
    assert.deepEqual(logged(system, "client"), Array(4).fill(status(CALL_STATUS.invalidObject)));
    assert.equal(system.kernel.calls.size, 0);
    system.close();
  });
}

test("S27, S36: a server that traps keeps its callers until it is killed", async () => {
  const { system, client, server, ep } = await pair(main(log(ask(4, 5))));
  const thread = client.start("main") as KernelThread;
  await system.rest();
  assert.equal(ep.exception, true);
  assert.deepEqual(thread.nativeState().activity, "blocked");
  server.cpu.killThread(ep.capability);
  await system.rest();
  assert.deepEqual(logged(system, "client"), [status(CALL_STATUS.invalidObject)]);
  system.close();
});

test("S36: the reply to a caller that has died is dropped, and the server serves the next", async () => {
  const { system, client, server } = await pair(main(log(ask(4, 3))));
  const thread = client.start("main");
  await system.rest();
  client.cpu.killThread(thread.capability);
  server.component.waits.futexWake(64, 1);
  const other = system.component("other", main(log(ask(4, 1, 1))));
  other.component.table.insert(client.component.table.lookup(SLOT.free));
  other.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "other"), [2]);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

/** A server that stops, resumes or kills its caller, whose thread it finds at slot 5, within the call. */
function meddler(...opcodes: number[]): string {
  const calls = opcodes.map(
    (opcode) =>
      `(i32.store offset=4 (local.get $m) (i32.const 0)) (drop (call $call (i32.const 5) (i32.const ${opcode}) (i32.const 8192)))`,
  );
  return `${tableOf("d")} ${SERVES} ${dispatch("d", `${calls.join(" ")} ${answerPlus(1)}`)}`;
}
const [PAUSE, RESUME, CANCEL] = [2, 3, 4];

for (const every of [0, 1, 2, 3]) {
  test(`S25, S30: a server pauses, cancels or kills its caller within the call (points: ${every})`, async () => {
    const cases: [what: string, server: string, expected: number[]][] = [
      ["pause", meddler(PAUSE), []],
      ["pause and resume", meddler(PAUSE, RESUME), [42]],
      ["cancel", meddler(CANCEL), [status(CALL_STATUS.blockingCanceled)]],
    ];
    for (const [what, code, expected] of cases) {
      const { system, client, server } = await pair(main(log(ask(4, 1, 41))), code);
      let points = 0;
      system.kernel.everyPoint = every > 0;
      system.kernel.atPoint = () => ++points % every === 0;
      const thread = client.thread("main");
      server.component.table.install(5, thread.capability, 1);
      thread.start(0, 0);
      await system.rest();
      assert.deepEqual(logged(system, "client"), expected, what);
      thread.resume();
      await system.rest();
      assert.deepEqual(logged(system, "client"), expected.length > 0 ? expected : [42], what);
      assert.equal(system.kernel.calls.size, 0, what);
      system.close();
    }
  });
}

test("S24: a thread that kills itself ends at once, and a server that kills its caller goes on", async () => {
  const killer = `${tableOf("d")} ${SERVES} ${dispatch(
    "d",
    `(i32.store (i32.const 8192) (i32.const 0)) (i32.store (i32.const 8196) (i32.const 1)) (i32.store (i32.const 8200) (i32.const 6))
     (drop (call $call (i32.const 5) (i32.const 1) (i32.const 8192))) ${answerPlus(1)}`,
  )}`;
  const { system, client, server } = await pair(main(log(ask(4, 1, 41))), killer);
  const victim = client.thread("victim");
  server.component.table.install(5, client.cpu.capability, 1);
  server.component.table.install(6, victim.capability, 1);
  victim.start(0, 0);
  await system.rest();
  assert.deepEqual(logged(system, "client"), []);
  assert.equal((victim as KernelThread).dead, true);
  client.start("another");
  await system.rest();
  assert.deepEqual(logged(system, "client"), [42]);
  const suicide = `(i32.store (i32.const 2048) (i32.const 0)) (i32.store (i32.const 2052) (i32.const 1))
    (i32.store (i32.const 2056) (call $self)) (drop (call $call (i32.const 3) (i32.const 1) (i32.const 2048)))`;
  const last = system.component("last", main(log("(i32.const 1)") + suicide + log("(i32.const 2)")));
  last.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "last"), [1]);
  system.close();
});

test("S34: TypeScript components call a guest's object", async () => {
  const { system, client, server, ep } = await pair(main(""));
  const object = client.component.table.lookup(SLOT.free).object as unknown as {
    call: (opcode: number, message: RpcMessage) => Promise<RpcMessage | string>;
  };
  const reply = (await object.call(1, word(41))) as RpcMessage;
  assert.deepEqual([...reply.bytes], [42, 0, 0, 0]);
  assert.equal(await object.call(9, word(0)), "invalid-opcode");
  assert.equal(await object.call(6, word(0)), "message-too-long");
  assert.equal(await object.call(1, { bytes: new Uint8Array(1025), capabilities: [] }), "message-too-long");
  const [first, second] = [object.call(3, word(1)), object.call(1, word(1))];
  await system.rest();
  server.cpu.killThread(ep.capability);
  assert.deepEqual(await Promise.all([first, second]), ["invalid-object", "invalid-object"]);
  assert.equal(await object.call(1, word(1)), "invalid-object");
  system.close();
});

test("S34: guests call an RPC object that a TypeScript component serves", async () => {
  const system = new TestSystem();
  const client = system.component("client", main(log(ask(4, 1, 41)) + log(ask(4, 2))));
  const object = system.capability({
    kind: "rpc-object" as const,
    entrypoint: client.component.table.lookup(0) as never,
    call: async (opcode: number, { bytes }: RpcMessage) => (opcode === 1 ? word(bytes[0]! + 1) : "invalid-opcode"),
  });
  client.component.table.insert(object);
  client.start("main");
  await until(() => logged(system, "client").length >= 2);
  assert.deepEqual(logged(system, "client"), [42, status(CALL_STATUS.invalidOpcode)]);
  system.close();
});

test("S36: a bug in a TypeScript object stops its caller and is told, and nothing else happens", async () => {
  const failures: unknown[] = [];
  const system = new TestSystem({ failed: (thrown) => failures.push(thrown) });
  const client = system.component("client", main(log(ask(4, 0))));
  const thrown = new TypeError("a bug");
  const broken = system.capability({
    kind: "rom" as const,
    dataspace: () => {
      throw thrown;
    },
  });
  client.component.table.insert(broken);
  const thread = client.start("main") as KernelThread;
  const other = system.component("other", main(log("(i32.const 1)")));
  other.start("main");
  await system.rest();
  assert.deepEqual(failures, [thrown]);
  assert.match(thread.problem, /^threw: a bug/);
  assert.deepEqual(logged(system, "other"), [1]);
  assert.match(system.warnings.at(-1)!, /^client: thread "main" .*threw: a bug/);
  system.close();
});

for (const every of [0, 1, 5]) {
  test(`S34: a chain of twenty components, longer than calls nest (points: ${every})`, async () => {
    const system = new TestSystem();
    let points = 0;
    system.kernel.everyPoint = every > 0;
    system.kernel.atPoint = () => ++points % every === 0;
    const relay = (last: boolean) =>
      `${tableOf("d")} ${SERVES} ${dispatch(
        "d",
        `${BUSY} ${last ? "" : `(i32.store offset=40 (local.get $m) ${ask(4, 1, "(i32.load offset=40 (local.get $m))")})`}
         ${answerPlus(1)}`,
      )}`;
    const chain = Array.from({ length: 20 }, (_, i) => system.component(`c${i}`, relay(i === 19)));
    const objects = chain.map((node) => system.object(node, node.start("ep").capability));
    for (const [i, node] of chain.slice(0, -1).entries()) node.component.table.insert(objects[i + 1]!);
    const client = system.component("client", main(log(ask(4, 1, 100)) + log(ask(4, 1, 200))));
    client.component.table.insert(objects[0]!);
    client.start("main");
    await system.rest();
    assert.deepEqual(logged(system, "client"), [120, 220]);
    assert.equal(system.kernel.calls.size, 0);
    system.close();
  });
}

test("S4, S36: a component in the middle of a chain of nested calls is destroyed by its end", async () => {
  const system = new TestSystem();
  // c1 asks c2, which kills c1's thread through its CPU session, and answers; c0 waits for c1.
  const asks = `${tableOf("d")} ${SERVES} ${dispatch("d", `(i32.store offset=40 (local.get $m) ${ask(4, 1)})`)}`;
  const kills = `${tableOf("d")} ${SERVES} ${dispatch(
    "d",
    `(i32.store (i32.const 8192) (i32.const 0)) (i32.store (i32.const 8196) (i32.const 1)) (i32.store (i32.const 8200) (i32.const 5))
     (drop (call $call (i32.const 4) (i32.const 1) (i32.const 8192))) ${answerPlus(1)}`,
  )}`;
  const [c1, c2] = [system.component("c1", asks), system.component("c2", kills)];
  const [ep1, ep2] = [c1.start("ep"), c2.start("ep")];
  c1.component.table.insert(system.object(c2, ep2.capability));
  c2.component.table.insert(c1.cpu.capability);
  c2.component.table.insert(ep1.capability);
  await system.rest();
  const client = system.component("client", main(log(ask(4, 1)) + log(ask(4, 1))));
  client.component.table.insert(system.object(c1, ep1.capability));
  client.start("main");
  await system.rest();
  assert.deepEqual(logged(system, "client"), Array(2).fill(status(CALL_STATUS.invalidObject)));
  assert.equal((ep2 as KernelThread).idle, true);
  assert.equal(c1.component.engine.threads, 0);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

for (const victim of [0, 1, 2]) {
  for (const every of [0, 1, 2]) {
    test(`S4, S36: PD ${victim} of a chain of three is destroyed within the innermost call (points: ${every})`, async () => {
      const system = new TestSystem();
      let points = 0;
      system.kernel.everyPoint = every > 0;
      system.kernel.atPoint = () => ++points % every === 0;
      const asks = `${tableOf("d")} ${SERVES} ${dispatch("d", `(i32.store offset=40 (local.get $m) ${ask(4, 1)})`)}`;
      // Slot 4 is a session whose function 1 destroys the victim's PD.
      const destroys = `${tableOf("d")} ${SERVES} ${dispatch(
        "d",
        `(i32.store (i32.const 8192) (i32.const 0)) (i32.store (i32.const 8196) (i32.const 0))
         (drop (call $call (i32.const 4) (i32.const 1) (i32.const 8192))) ${BUSY} ${answerPlus(1)}`,
      )}`;
      const [inner, middle] = [system.component("inner", destroys), system.component("middle", asks)];
      const [innerEp, middleEp] = [inner.start("ep"), middle.start("ep")];
      middle.component.table.insert(system.object(inner, innerEp.capability));
      const client = system.component("client", main(log(ask(4, 1, 41)) + log("(i32.const 7)")));
      client.component.table.insert(system.object(middle, middleEp.capability));
      const pds = [client.pd, middle.pd, inner.pd];
      const update = () => {
        pds[victim]!.destroy();
        return true;
      };
      inner.component.table.insert(system.capability({ kind: "rom" as const, update }));
      await system.rest();
      client.start("main");
      await system.rest();
      const dead = status(CALL_STATUS.invalidObject);
      // The middle one passes on, as its answer, that the inner one is gone.
      assert.deepEqual(logged(system, "client"), [[], [dead, 7], [dead, 7]][victim]);
      assert.equal(system.kernel.calls.size, 0);
      for (const [i, ep] of [innerEp, middleEp].entries()) {
        if (i !== 2 - victim) assert.equal((ep as KernelThread).idle, true, `entrypoint ${i} serves on`);
      }
      system.close();
    });
  }
}
