// Calls of RPC objects that did not end at once: plain data by number, so that a blocked caller can be captured.
//
//   queued --entrypoint's turn--> dispatched --reply--> done --caller goes on--> (forgotten)
//
// I1  A call leaves "queued" or "dispatched" once; whoever ends it, for whatever reason, does it by `finish`.
// I2  Nobody waits for a call without a caller: its reply is dropped.
import { CALL_STATUS } from "../../abi/index.ts";
import type { Capability, RpcFailure, RpcMessage } from "../../session/index.ts";
import type { KernelThread } from "./thread.ts";

export interface PendingCall {
  readonly id: number;
  /** The capability that was called. */
  readonly target: Capability;
  /** The thread that serves it; undefined: a TypeScript component does, by a promise. */
  readonly entrypoint: KernelThread | undefined;
  /** That of the one under way, if they go by a line. */
  opcode: number;
  state: "queued" | "dispatched" | "done";
  /** The thread that waits for the reply. */
  caller: KernelThread | undefined;
  /** The TypeScript component that waits for the reply. */
  readonly resolve?: (reply: RpcMessage | RpcFailure) => void;
  /** The request while queued, nothing while dispatched, the reply once done. */
  message: RpcMessage;
  /** Of a call that is done: a CALL_STATUS. */
  status: number;
}

export const NO_MESSAGE: RpcMessage = { bytes: new Uint8Array(0), capabilities: [] };

const FAILURES: ReadonlyMap<number, RpcFailure> = new Map<number, RpcFailure>([
  [CALL_STATUS.invalidObject, "invalid-object"],
  [CALL_STATUS.invalidOpcode, "invalid-opcode"],
  [CALL_STATUS.blockingCanceled, "blocking-canceled"],
  [CALL_STATUS.deadlock, "deadlock"],
  [CALL_STATUS.badMessage, "message-too-long"],
]);
const STATUSES: ReadonlyMap<RpcFailure, number> = new Map(
  Array.from(FAILURES, ([status, failure]) => [failure, status]),
);

/** The status of a failure of `RpcObject.call`. */
export function statusOf(failure: RpcFailure): number {
  return STATUSES.get(failure) ?? CALL_STATUS.invalidObject;
}

export class Calls {
  readonly #calls = new Map<number, PendingCall>();
  #next = 1;

  get size(): number {
    return this.#calls.size;
  }

  add(call: Omit<PendingCall, "id" | "status">): PendingCall {
    const added = { ...call, id: this.#next++, status: CALL_STATUS.ok };
    this.#calls.set(added.id, added);
    return added;
  }

  get(id: number): PendingCall | undefined {
    return this.#calls.get(id);
  }

  /** Ends a call; harmless when repeated. Its caller can go on. */
  finish(call: PendingCall, status: number, reply: RpcMessage = NO_MESSAGE): void {
    if (call.state === "done") return;
    if (call.state === "queued") call.entrypoint?.entrypoint?.remove(call);
    call.state = "done";
    call.status = status;
    call.message = reply;
    const { caller, resolve } = call;
    if (resolve) resolve(status === CALL_STATUS.ok ? reply : (FAILURES.get(status) ?? "invalid-opcode"));
    if (!caller) this.#calls.delete(call.id);
    else if (caller.waiting?.kind === "call" && caller.waiting.call === call.id) caller.wake(undefined);
  }

  /** Nobody waits for a call any more: one that is queued is never served. */
  abandon(call: PendingCall): void {
    call.caller = undefined;
    if (call.state === "queued") this.finish(call, CALL_STATUS.blockingCanceled);
    else if (call.state === "done") this.#calls.delete(call.id);
  }

  /** A thread has ended: calls that it serves or should serve fail, those that it made are abandoned. */
  orphan(thread: KernelThread): void {
    for (const call of [...this.#calls.values()]) {
      if (call.entrypoint === thread) this.finish(call, CALL_STATUS.invalidObject);
      if (call.caller === thread) this.abandon(call);
    }
  }

  /** Forgets a call that is done: its caller has the reply. */
  forget(call: PendingCall): void {
    this.#calls.delete(call.id);
  }

  /** Visits all calls that have not been forgotten, oldest first. */
  each(visit: (call: PendingCall) => void): void {
    this.#calls.forEach(visit);
  }
}
