// A server and clients that call it on further CPUs, and how many of their calls the kernel was asked for.

import { BLOCK, type CpuBlock, GATE, LINE, lineAt } from "../../src/core/kernel/cpus/protocol.ts";
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import { counter } from "./cpus.ts";
import { answerPlus, ask, BUSY, block, dispatch, log, main, onOpcode, SERVES, tableOf } from "./guest-code.ts";
import { SLOT, type TestComponent, type TestSystem } from "./kernel-system.ts";
import { until } from "./until.ts";

/** Opcode 1 answers plus one, 2 blocks first, 3 computes first, 4 forwards to the object at the first free slot, 5 traps; signals are logged. */
export const SERVER = `${tableOf("d")} ${SERVES} ${dispatch(
  "d",
  `(if (i32.eq (local.get $kind) (i32.const 1)) (then ${log("(local.get $value)")} (return (i32.const 0))))
   ${onOpcode(2, block())} ${onOpcode(3, BUSY)} ${onOpcode(5, "unreachable")}
   ${onOpcode(4, `(i32.store offset=40 (local.get $m) ${ask(SLOT.free, 1, "(i32.load offset=40 (local.get $m))")}) (return (i32.const 0))`)}
   ${answerPlus(1)}`,
)}`;

/** Calls opcode `opcode` with its counter at 64, which it sets to the answer, until that is `end` or a status; logs it. */
export const counts = (opcode: number, end: number) =>
  main(`(loop $l (local.set $i ${ask(SLOT.free, opcode, "(i32.load (i32.const 64))")})
    (if (i32.lt_u (local.get $i) (i32.const 65536)) (then (i32.store (i32.const 64) (local.get $i))
      (br_if $l (i32.lt_u (local.get $i) (i32.const ${end})))))) ${log("(local.get $i)")}`);
/** Counts its calls at 64, for ever. */
export const forEver = (opcode = 1) =>
  main(`(loop $l (local.set $i ${ask(SLOT.free, opcode, 7)})
  (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
  (br_if $l (i32.eq (local.get $i) (i32.const 8)))) ${log("(local.get $i)")}`);

/** A server on a CPU of further ones; its entrypoint waits for calls. */
export async function serverOn(cpu: number, system: TestSystem, label = `server${cpu}`, code = SERVER) {
  const server = system.component(label, code, { cpu });
  const ep = server.start("ep") as KernelThread;
  await until(() => ep.idle);
  return { server, ep, object: system.object(server, ep.capability) };
}

/** A server on a CPU and a client of it on CPU 1, whose thread `main` is not started. */
export async function pairOn(cpu: number, system: TestSystem, code: string, serves = SERVER) {
  const made = await serverOn(cpu, system, "server", serves);
  const client = system.component("client", code, { cpu: 1 });
  client.component.table.insert(made.object);
  return { ...made, client, thread: client.thread("main") as KernelThread };
}

/** The line that a caller on a CPU got last: its number, and one of GATE. */
export function lineOf({ block }: { readonly block: CpuBlock }): { readonly number: number; readonly state: number } {
  const number = block.words[BLOCK.line]!;
  const gate = lineAt(block.line(block.words[BLOCK.lineTo]!)[LINE.gate]!);
  return { number, state: gate.number === number ? gate.state : GATE.closed };
}

/** What a call gives that has come to this. */
export const status = (value: number) => value << 16;

/** Waits until the client has counted on. */
export async function moves(client: TestComponent): Promise<void> {
  const before = counter(client);
  await until(() => counter(client) !== before);
}

/** Counts calls of which the kernel was asked. */
export function asked(system: TestSystem): () => number {
  const { rpc } = system.kernel;
  const { call } = rpc;
  let count = 0;
  rpc.call = (...args) => {
    count++;
    return call.apply(rpc, args);
  };
  return () => count;
}
