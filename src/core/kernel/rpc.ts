// Calls of guests: `call(slot, opcode, message)` to TypeScript objects and to RPC objects of other components.
//
//   object in TypeScript     decoded, called, encoded at once (core/rpc)
//   entrypoint idle and its  the message is copied and the dispatch called here, nested in the caller's host call;
//   component off the stack  no allocation, no freeze (nested-calls.ts)
//   idle on another CPU      the same, dispatched there; a caller on CPU 0 stands in its host call for a moment
//   otherwise                a pending call; the caller gives way and goes on when it is done
//
// I1  Whatever slot, opcode, address and message say: the outcome is a status, or the caller waits.
// I2  A call that has begun is never begun again: what a thawed caller does follows from `progress` alone.
// I3  No thread waits for itself: a call whose entrypoint waits, however indirectly, for the caller is refused (S34).
import { CALL_STATUS, type HostCall, MESSAGE, type PlainData } from "../../abi/index.ts";
import type { Capability, KernelObject, RpcFailure, RpcMessage, RpcObject, SignalSource } from "../../session/index.ts";
import { callNative, functionName } from "../rpc/index.ts";
import { Callers } from "./callers.ts";
import { NO_MESSAGE, type PendingCall, statusOf } from "./calls.ts";
import type { Component } from "./component.ts";
import { HostRequests } from "./host-requests.ts";
import type { Kernel } from "./kernel.ts";
import { BouncedMessage, deliverable, fitsMessage, loadMessage, saveMessage } from "./message-copy.ts";
import { NestedCalls } from "./nested-calls.ts";
import { requireHostStack, stackHasRoom } from "./stack-room.ts";
import { KernelThread } from "./thread.ts";

/** The one function of signal sources. */
const WAIT_FOR_SIGNAL = 0;

export class Rpc {
  readonly #kernel: Kernel;
  readonly #callers: Callers;
  readonly nested: NestedCalls;
  readonly requests: HostRequests;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#callers = new Callers(kernel);
    this.nested = new NestedCalls(kernel, this.#callers);
    this.requests = new HostRequests(kernel, this.#callers);
  }

  /**
   * A call by the thread that runs in `component`.
   *
   * @returns a CALL_STATUS; undefined: the caller must give way, as its `progress` says
   */
  call(component: Component, slot: number, opcode: number, address: number): number | undefined {
    const room = stackHasRoom();
    if (!room) requireHostStack();
    const thread = component.running!;
    if (thread.dead) return undefined; // on another CPU, before it could be stopped
    const capability = component.table.lookup(slot);
    const { object } = capability;
    if (object === undefined) return CALL_STATUS.invalidObject;
    if (!fitsMessage(component, address)) return CALL_STATUS.badMessage;
    if (thread.trace?.wants("rpc_call")) thread.trace.record("rpc_call", functionName(object.kind, opcode));
    const message = address >>> 0;
    if (object.kind === "rpc-object") return this.#callObject(thread, capability, slot, opcode, message, room);
    if (object.kind === "signal-source" && opcode === WAIT_FOR_SIGNAL) {
      return this.#waitForSignal(thread, slot, object as SignalSource, message);
    }
    return this.#callNative(thread, object, opcode, message);
  }

  /** The host function behind `call`: begins a call or takes up one that gave way. */
  issue(component: Component, call: HostCall, slot: number, opcode: number, address: number): number {
    if (call.progress !== undefined) requireHostStack();
    const thread = component.running!;
    let status: number | undefined;
    if (thread.progress === undefined) {
      status =
        call.progress === undefined
          ? this.call(component, slot, opcode, address)
          : this.#resume(thread, call.progress, slot, address >>> 0);
    }
    if (thread.dead) call.exit(0);
    if (status !== undefined) return status;
    const { progress } = thread;
    thread.progress = undefined;
    return call.freeze(progress);
  }

  /** A call of a TypeScript component on a guest's object. */
  deliver(
    object: RpcObject,
    capability: Capability,
    opcode: number,
    message: RpcMessage,
  ): Promise<RpcMessage | RpcFailure> {
    const thread = object.entrypoint.object;
    if (!capability.valid || !(thread instanceof KernelThread) || thread.dead) return Promise.resolve("invalid-object");
    if (!deliverable(message)) return Promise.resolve("message-too-long");
    return new Promise((resolve) => {
      const pending = this.#kernel.calls.add({
        target: capability,
        entrypoint: thread,
        opcode,
        state: "queued",
        caller: undefined,
        resolve,
        message: { bytes: message.bytes.slice(), capabilities: [...message.capabilities] },
      });
      this.queue(pending);
    });
  }

  /** A call waits for its turn. */
  queue(call: PendingCall): void {
    const server = call.entrypoint!;
    this.#kernel.stops.reclaim(server); // calls by lines have come before
    if (server.ep.enqueue(call)) server.notify();
    else this.#kernel.calls.finish(call, CALL_STATUS.invalidObject);
  }

  #callNative(thread: KernelThread, object: KernelObject, opcode: number, message: number): number | undefined {
    const { component } = thread;
    const status = component.windowed(message, MESSAGE.sizeBytes)
      ? this.#callBounced(component, object, opcode, message)
      : callNative(object, opcode, component, message, component.table);
    if (thread.runnable) return status;
    thread.progress = { status }; // the call has stopped or killed its caller
    return undefined;
  }

  #callBounced(component: Component, object: KernelObject, opcode: number, message: number): number {
    const bounced = new BouncedMessage();
    if (!bounced.fetch(component, message)) return CALL_STATUS.badMessage;
    const status = callNative(object, opcode, bounced, 0, component.table);
    return bounced.put(component, message) ? status : CALL_STATUS.badMessage;
  }

  #callObject(
    thread: KernelThread,
    capability: Capability,
    slot: number,
    opcode: number,
    message: number,
    room: boolean,
  ): number | undefined {
    const object = capability.object as RpcObject;
    const server = object.entrypoint.object;
    if (!(server instanceof KernelThread)) return this.#callForeign(thread, capability, object, opcode, message);
    if (server.dead) return CALL_STATUS.invalidObject;
    if (this.waitsFor(server, thread)) return CALL_STATUS.deadlock;
    if (server.idle && !server.component.onStack) {
      const call = { caller: thread, server, capability, slot };
      if (server.cpu === 0) {
        const nests = this.nested.room && room;
        if (nests) return this.nested.nest(thread, server, capability, opcode, message);
      } else if (thread.cpu === 0) {
        if (room && this.nested.canCall(server)) return this.nested.callThere(call, opcode, message);
      } else if (this.nested.nestThere(call, opcode, message)) return undefined;
    }
    const request = saveMessage(thread.component, message);
    if (!request) return CALL_STATUS.badMessage;
    const pending = this.#callers.pend(thread, server, capability, opcode, "queued", request);
    this.#callers.wait(thread, pending);
    if (this.#kernel.cpus?.offerLine(pending, slot, message)) return undefined;
    this.queue(pending);
    if (room && this.nested.room) this.#waitInPlace(thread, pending);
    if (pending.state !== "done") return undefined;
    thread.progress = undefined;
    return this.#callers.status(thread, this.#callers.takeReply(thread, pending, message));
  }

  /** A thread of CPU 0 that calls another CPU stands in its call a moment: most answers come before it had given way. */
  #waitInPlace({ cpu }: KernelThread, pending: PendingCall): void {
    const { cpus } = this.#kernel;
    if (!cpus || cpu !== 0 || pending.entrypoint!.cpu === 0) return;
    this.nested.within(() => cpus.waitFor(() => pending.state === "done"));
  }

  /** Whether `server` is, or waits for, `thread`. */
  waitsFor(server: KernelThread, thread: KernelThread): boolean {
    for (let next: KernelThread | undefined = server; next; ) {
      if (next === thread) return true;
      if (next.cpu !== 0) this.#kernel.cpus!.at(next.cpu).lines.endOpen(next);
      const { callee, waiting }: KernelThread = next;
      if (callee) next = callee;
      else next = waiting?.kind === "call" ? this.#kernel.calls.get(waiting.call)?.entrypoint : undefined;
    }
    return false;
  }

  /** An object of a TypeScript component that answers by a promise. */
  #callForeign(
    thread: KernelThread,
    capability: Capability,
    object: RpcObject,
    opcode: number,
    message: number,
  ): number | undefined {
    const request = saveMessage(thread.component, message);
    if (!request) return CALL_STATUS.badMessage;
    if (object.entrypoint.badge !== 0 && !object.entrypoint.valid) return CALL_STATUS.invalidObject;
    const pending = this.#callers.pend(thread, undefined, capability, opcode, "dispatched", NO_MESSAGE);
    object
      .call(opcode, request)
      .then((reply) => {
        const { calls } = this.#kernel;
        if (typeof reply === "string") calls.finish(pending, statusOf(reply));
        else if (deliverable(reply)) calls.finish(pending, CALL_STATUS.ok, reply);
        else calls.finish(pending, CALL_STATUS.badMessage);
      })
      .catch((thrown) => {
        this.#kernel.calls.finish(pending, CALL_STATUS.invalidObject);
        this.#kernel.failed(thrown);
      });
    return this.#callers.wait(thread, pending);
  }

  /** What a call that gave way does when its thread goes on. */
  #resume(thread: KernelThread, progress: PlainData, slot: number, message: number): number | undefined {
    const { status, call, source } = progress as { status?: number; call?: number; source?: true };
    if (status !== undefined) return status;
    if (source) return this.#resumeSignal(thread, slot, message);
    const pending = this.#kernel.calls.get(call!);
    // It was captured with another kernel, or its progress was made up.
    if (pending?.caller !== thread) return CALL_STATUS.invalidObject;
    const { entrypoint } = pending;
    if (this.nested.takeAgain(pending) && entrypoint) return this.nested.goesOn(thread, entrypoint, pending, message);
    if (pending.state === "done") return this.#callers.takeReply(thread, pending, message);
    return this.#callers.wait(thread, pending);
  }

  #waitForSignal(thread: KernelThread, slot: number, source: SignalSource, message: number): number | undefined {
    const signal = source.take();
    if (signal) return this.#signalReply(thread, signal.imprint, signal.count, message);
    this.#kernel.signals.wait(thread, source, slot);
    thread.progress = { source: true };
    return undefined;
  }

  #resumeSignal(thread: KernelThread, slot: number, message: number): number | undefined {
    if (thread.takeOutcome() !== undefined) return CALL_STATUS.blockingCanceled;
    const { object } = thread.component.table.lookup(slot);
    if (object?.kind !== "signal-source") return CALL_STATUS.invalidObject;
    return this.#waitForSignal(thread, slot, object as SignalSource, message);
  }

  #signalReply(thread: KernelThread, imprint: number, count: number, message: number): number {
    const bytes = new Uint8Array(new Uint32Array([0, imprint, count]).buffer);
    return loadMessage(thread.component, message, { bytes, capabilities: [] })
      ? CALL_STATUS.ok
      : CALL_STATUS.badMessage;
  }

  /** Ends the blocking call of a thread, if it is in one of those that can be ended. */
  cancel(thread: KernelThread): void {
    this.#kernel.stops.reclaim(thread);
    const { waiting } = thread;
    if (thread.callee) {
      thread.canceled = true;
      if (thread.cpu !== 0) this.#kernel.stops.interrupt(thread); // what answers it may stand in a call of its own
      return;
    }
    if (waiting?.kind === "signal") thread.wake(CALL_STATUS.blockingCanceled);
    if (waiting?.kind !== "call") return;
    const pending = this.#kernel.calls.get(waiting.call);
    // What an entrypoint does for it goes on; its reply finds no call any more.
    if (pending) this.#kernel.calls.finish(pending, CALL_STATUS.blockingCanceled);
  }
}
