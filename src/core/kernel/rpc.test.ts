// Calls between components, and to objects of core.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOT, type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import { CALL_STATUS, MESSAGE } from "../../abi/index.ts";

/** Serves at once; opcode 1 answers its word plus one, opcode 2 gives back the capabilities that came. */
const SERVER = `
  (table funcref (elem 0 $dispatch_one))
  (func $dispatch_one (param $argument i32) (param $kind i32) (param $object i32) (param $value i32) (result i32)
    (if (i32.eq (local.get $value) (i32.const 1)) (then
      (i32.store offset=40 (local.get $argument) (i32.add (i32.load offset=40 (local.get $argument)) (i32.const 1)))
      (return (i32.const 0))))
    (if (i32.eq (local.get $value) (i32.const 2)) (then (return (i32.const 0))))
    (i32.const 2))
  (func (export "rtcr_component_start") (call $serve (i32.const 1) (i32.const 1024) (i32.const 1024)))`
  // Index 0 of the table stays empty.
  .replace("(table funcref (elem 0 $dispatch_one))", "(table 2 funcref) (elem (i32.const 1) $dispatch_one)");

const CLIENT = `
  (func (export "rtcr_component_start")
    (call $log (i32.const 2048) (call $ask (i32.const 2048) (i32.const 4) (i32.const 1) (i32.const 41)))
    (call $log (i32.const 2048) (call $ask (i32.const 2048) (i32.const 4) (i32.const 9) (i32.const 41))))`;

function values(system: TestSystem, label: string): number[] {
  const prefix = `[${label}] `;
  return system.lines
    .filter((line) => line.startsWith(prefix))
    .map((line) => Number.parseInt(line.slice(prefix.length), 16));
}

function pair(system: TestSystem, client: string, server = SERVER): { client: TestComponent; server: TestComponent } {
  const serving = system.component("server", server);
  const thread = serving.start("ep");
  const calling = system.component("client", client);
  const slot = calling.component.table.insert(system.object(serving, thread.capability));
  assert.equal(slot, SLOT.free);
  return { client: calling, server: serving };
}

test("S34, S36: a call is answered; an opcode that the server does not know is invalid", async () => {
  const system = new TestSystem();
  const { client } = pair(system, CLIENT);
  await system.rest();
  client.start("main");
  await system.rest();
  assert.deepEqual(values(system, "client"), [42, CALL_STATUS.invalidOpcode << 16]);
  assert.equal(system.kernel.calls.size, 0);
  system.close();
});

test("S34: a call that comes before the server serves waits for it", async () => {
  const system = new TestSystem();
  const { client } = pair(system, CLIENT);
  client.start("main");
  await system.rest();
  assert.deepEqual(values(system, "client"), [42, CALL_STATUS.invalidOpcode << 16]);
  system.close();
});

test("S2, S36: calls on slot 0, on unused slots and with bad buffers have a status", async () => {
  const system = new TestSystem();
  const cases: [slot: string, opcode: string, message: string, status: number][] = [
    ["0", "0", "1024", CALL_STATUS.invalidObject],
    ["77", "0", "1024", CALL_STATUS.invalidObject],
    ["-1", "0", "1024", CALL_STATUS.invalidObject],
    ["0x7fffffff", "0", "1024", CALL_STATUS.invalidObject],
    ["2", "-1", "1024", CALL_STATUS.invalidOpcode],
    ["2", "1000", "1024", CALL_STATUS.invalidOpcode],
    ["2", "16", "-4", CALL_STATUS.badMessage],
    ["2", "16", "1026", CALL_STATUS.badMessage],
    ["2", "16", `${2 * 65536 - MESSAGE.sizeBytes + 4}`, CALL_STATUS.badMessage],
    ["2", "16", `${2 * 65536 - MESSAGE.sizeBytes}`, CALL_STATUS.ok],
  ];
  const calls = cases.map(
    ([slot, opcode, message]) =>
      `(call $log (i32.const 2048) (call $call (i32.const ${slot}) (i32.const ${opcode}) (i32.const ${message})))`,
  );
  const client = system.component("client", `(func (export "rtcr_component_start") ${calls.join(" ")})`);
  client.start("main");
  await system.rest();
  assert.deepEqual(
    values(system, "client"),
    cases.map(([, , , status]) => status),
  );
  system.close();
});
