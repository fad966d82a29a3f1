// Clients that pass a capability with each call, get it back with each reply, and count both.
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import type { Capability } from "../../src/session/index.ts";
import { dispatch, main, SERVES, tableOf } from "./guest-code.ts";
import { SLOT, type TestComponent, type TestSystem } from "./kernel-system.ts";
import { until } from "./until.ts";

/** A word of its memory. */
export const word = ({ component }: TestComponent, address: number) => component.view.getInt32(address, true);
export const say = ({ component }: TestComponent, address: number, value: number) =>
  component.view.setInt32(address, value, true);
const next = (at: number) => `(i32.store (i32.const ${at}) (i32.add (i32.load (i32.const ${at})) (i32.const 1)))`;
const FIRST = "(i32.load offset=8 (local.get $m))";
/** The client's slot for what it passes. */
export const PASSED = SLOT.free + 1;

/**
 * At 64 how many of its messages had one capability, at 68 how many none that is valid; it sends back what has come, having
 * released it as often as 72 says.
 */
const SERVER = `${tableOf("d")} ${SERVES} ${dispatch(
  "d",
  `(if (i32.and (i32.eq (i32.load offset=4 (local.get $m)) (i32.const 1)) (i32.ne ${FIRST} (i32.const 0)))
     (then ${next(64)}) (else ${next(68)}))
   (if (i32.load (i32.const 72)) (then (call $cap_release ${FIRST})
     (i32.store (i32.const 72) (i32.sub (i32.load (i32.const 72)) (i32.const 1)))))`,
)}`;

/** Passes a capability, and expects it back at the same slot: at 64 how often it came, at 68 how often not; at 72 when to end. */
const CLIENT = main(`(loop $l
  (i32.store (i32.const 2048) (i32.const 0)) (i32.store (i32.const 2052) (i32.const 1))
  (i32.store (i32.const 2056) (i32.const ${PASSED}))
  (local.set $i (call $call (i32.const ${SLOT.free}) (i32.const 1) (i32.const 2048)))
  (if (i32.and (i32.eqz (local.get $i)) (i32.eq (i32.load (i32.const 2056)) (i32.const ${PASSED})))
    (then ${next(64)}) (else ${next(68)}))
  (br_if $l (i32.eqz (i32.load (i32.const 72)))))`);

/** A server, and clients of it that pass a capability of their own. @param cpus of each client, and of the server */
export async function passing(system: TestSystem, cpus: readonly number[], to: number) {
  const server = system.component("server", SERVER, { cpu: to });
  const ep = server.start("ep") as KernelThread;
  await until(() => ep.idle);
  const object = system.object(server, ep.capability);
  const clients = cpus.map((cpu, i) => {
    const client = system.component(`client${i}`, CLIENT, { cpu });
    const passed = system.object(client, client.thread("keeper").capability);
    for (const each of [object, passed]) client.component.table.insert(each);
    return { ...client, caller: client.thread("main") as KernelThread, passed };
  });
  return { server, ep, clients };
}

export function references({ component }: TestComponent, capability: Capability): number {
  let found = 0;
  component.table.eachSlot((_, each, count) => {
    if (each === capability) found = count;
  });
  return found;
}

export const ended = ({ dead, faulted }: KernelThread) => dead || faulted;
