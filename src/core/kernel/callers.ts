// Threads whose calls did not end at once: they wait for the reply, and take it when they go on.
import { CALL_STATUS } from "../../abi/index.ts";
import type { Capability, RpcMessage } from "../../session/index.ts";
import type { PendingCall } from "./calls.ts";
import type { Kernel } from "./kernel.ts";
import { loadMessage } from "./message-copy.ts";
import type { KernelThread } from "./thread.ts";

export class Callers {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  pend(
    caller: KernelThread,
    entrypoint: KernelThread | undefined,
    target: Capability,
    opcode: number,
    state: PendingCall["state"],
    message: RpcMessage,
  ): PendingCall {
    return this.#kernel.calls.add({ target, entrypoint, opcode, state, caller, message });
  }

  wait(thread: KernelThread, { id }: PendingCall): undefined {
    thread.block({ kind: "call", call: id });
    thread.progress = { call: id };
    return undefined;
  }

  takeReply(thread: KernelThread, pending: PendingCall, message: number): number {
    this.#kernel.calls.forget(pending);
    if (pending.status !== CALL_STATUS.ok) return pending.status;
    return loadMessage(thread.component, message, pending.message) ? CALL_STATUS.ok : CALL_STATUS.badMessage;
  }

  /** The status of a call that is over; the caller gives way first if it has been stopped. */
  status(thread: KernelThread, status: number): number | undefined {
    if (thread.runnable) return status;
    thread.progress = { status };
    return undefined;
  }
}
