// A program whose text is not attached is not entered: neither by calls nor by signals, whichever way they come (S21).
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { serverOn } from "../../../test/support/calls.ts";
import { machine, until } from "../../../test/support/cpus.ts";
import { ask, log, logged, main } from "../../../test/support/guest-code.ts";
import { SLOT, type TestComponent } from "../../../test/support/kernel-system.ts";
import type { KernelThread } from "./thread.ts";

const ASKS = main(log(ask(SLOT.free, 1, 41)) + log(ask(SLOT.free, 1, 1)));

/** Takes the text out of a program; gives its address, and what puts it back. */
function detachText({ pd: { linkerAreaMap: map } }: TestComponent) {
  const { start: address, dataspace, executable } = map.regions.from(1 << 20)!;
  equal(executable, true);
  map.detach(address);
  const back = () =>
    ok(map.attachFree(dataspace.capability, { address, executable: true, writeable: false, hidden: true }).ok);
  return { map, address, back };
}

const faulted = ({ waiting }: KernelThread) => waiting?.kind === "fault";

for (const [from, to] of [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
  [1, 2],
] as const) {
  test(`S21, S36: a call from CPU ${from} to ${to} into a program whose text is not attached waits at an execute fault`, async () => {
    const system = await machine(3);
    const { server, ep, object } = await serverOn(to, system);
    const client = system.component("client", ASKS, { cpu: from });
    client.component.table.insert(object);
    const text = detachText(server);
    client.start("main");
    await until(() => faulted(ep));
    await system.rest();
    deepEqual(text.map.state(), { type: "exec-fault", address: text.address });
    deepEqual(logged(system, "client"), []);
    server.component.recreate((saved) => structuredClone(saved));
    await system.rest();
    equal(faulted(ep), true, "made anew it waits still");
    text.back();
    await system.rest();
    deepEqual(logged(system, "client"), [42, 2]);
    equal(text.map.state().type, "ready");
    equal(ep.idle, true);
    system.close();
  });
}

test("S21, S34: who only waits for calls does not fault, and one that is taken back leaves no work behind", async () => {
  const system = await machine(1);
  const { server, ep, object } = await serverOn(0, system);
  const client = system.component("client", ASKS);
  client.component.table.insert(object);
  const text = detachText(server);
  await system.rest();
  equal(text.map.state().type, "ready", "nobody has called");
  const thread = client.start("main");
  await system.rest();
  equal(faulted(ep), true);
  client.cpu.killThread(thread.capability);
  text.back();
  await system.rest();
  equal(ep.idle, true);
  deepEqual([logged(system, "client"), system.kernel.calls.size], [[], 0]);
  system.close();
});
