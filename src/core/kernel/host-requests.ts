// Calls of RPC objects that host functions make for the thread that has called them. The thread waits as in a call of its
// own: the function gives way with the call's number, and is issued again when the reply is there.
import { CALL_STATUS } from "../../abi/index.ts";
import { type Capability, objectOf, type RpcObject } from "../../session/index.ts";
import type { Callers } from "./callers.ts";
import type { Kernel } from "./kernel.ts";
import { KernelThread } from "./thread.ts";

/** The reply; or why there is none, a CALL_STATUS. */
export type HostAnswer = Uint8Array | number;

export class HostRequests {
  readonly #kernel: Kernel;
  readonly #callers: Callers;

  constructor(kernel: Kernel, callers: Callers) {
    this.#kernel = kernel;
    this.#callers = callers;
  }

  /** @returns the number of a call that the thread waits for now, to be taken up by `take`; or how it has ended at once */
  begin(
    thread: KernelThread,
    capability: Capability,
    opcode: number,
    bytes: Uint8Array,
  ): { readonly call: number } | { readonly answer: HostAnswer } {
    const server = objectOf<RpcObject>(capability, "rpc-object")?.entrypoint.object;
    if (!(server instanceof KernelThread) || server.dead) return { answer: CALL_STATUS.invalidObject };
    if (this.#kernel.rpc.waitsFor(server, thread)) return { answer: CALL_STATUS.deadlock };
    const message = { bytes, capabilities: [] };
    const pending = this.#callers.pend(thread, server, capability, opcode, "queued", message);
    if (!server.ep.enqueue(pending)) {
      this.#kernel.calls.forget(pending);
      return { answer: CALL_STATUS.invalidObject };
    }
    server.notify();
    thread.block({ kind: "call", call: pending.id });
    return { call: pending.id };
  }

  /** The answer to a call of the thread's; undefined: it waits for it again. */
  take(thread: KernelThread, call: number): HostAnswer | undefined {
    const { calls } = this.#kernel;
    const pending = calls.get(call);
    if (pending?.caller !== thread) return CALL_STATUS.invalidObject; // its number was made up
    if (pending.state !== "done") {
      thread.block({ kind: "call", call });
      return undefined;
    }
    calls.forget(pending);
    return pending.status === CALL_STATUS.ok ? pending.message.bytes : pending.status;
  }

  /** Nobody will take the answer. */
  abandon(thread: KernelThread, call: number): void {
    const pending = this.#kernel.calls.get(call);
    if (pending?.caller === thread) this.#kernel.calls.abandon(pending);
  }
}
