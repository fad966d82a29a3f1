// Calls of guests: `call(slot, opcode, message)` to TypeScript objects and to RPC objects of other components.
//
//   object in TypeScript     decoded, called, encoded at once (core/rpc)
//   entrypoint idle and its  the message is copied and the dispatch called here, nested in the caller's host call;
//   component off the stack  no allocation, no freeze
//   otherwise                a pending call; the caller gives way and goes on when it is done
//
// When a nested dispatch blocks or is preempted, the callee is frozen first; then the caller's host call gives way with
// the number of the call that has become pending.
//
// I1  Whatever slot, opcode, address and message say: the outcome is a status, or the caller waits.
// I2  A call that has begun is never begun again: what a thawed caller does follows from `progress` alone.
// I3  No thread waits for itself: a call whose entrypoint waits, however indirectly, for the caller is refused (S34).
// I4  While a component is on the JavaScript stack nothing calls it: its group runs one thread at a time.
// I5  Dispatches that were nested when a slice was cut are nested again when it goes on (`nestAgain`).
import { CALL_STATUS, DISPATCH, type HostCall, MESSAGE, type PlainData } from "../../abi/index.ts";
import { EngineFault } from "../../engine/index.ts";
import type { Capability, KernelObject, RpcFailure, RpcMessage, RpcObject, SignalSource } from "../../session/index.ts";
import { messageOf } from "../../util/index.ts";
import { callNative, functionName } from "../rpc/index.ts";
import { NO_MESSAGE, type PendingCall, statusOf } from "./calls.ts";
import type { Component } from "./component.ts";
import type { NestedCall } from "./cpus/index.ts";
import type { Kernel } from "./kernel.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { BouncedMessage, copyMessage, deliverable, fitsMessage, loadMessage, saveMessage } from "./message-copy.ts";
import { requireHostStack, stackHasRoom } from "./stack-room.ts";
import { KernelThread, SERVE } from "./thread.ts";

/** A nested call whose dispatch has ended. */
interface EndedCall {
  readonly caller: KernelThread;
  readonly server: KernelThread;
  readonly capability: Capability;
  readonly opcode: number;
  readonly message: number;
}

/** The one function of signal sources. */
const WAIT_FOR_SIGNAL = 0;

export class Rpc {
  readonly #kernel: Kernel;
  /** Nested dispatches on the JavaScript stack. */
  #depth = 0;
  /** Calls whose dispatches are nested again when their callers go on. */
  readonly #again = new Set<PendingCall>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
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
      if (!thread.ep.enqueue(pending)) return this.#kernel.calls.finish(pending, CALL_STATUS.invalidObject);
      thread.notify();
    });
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
    if (this.#waitsFor(server, thread)) return CALL_STATUS.deadlock;
    if (server.idle && !server.component.onStack) {
      if (server.component.cpu === 0) {
        const nests = this.#depth < KERNEL_LIMITS.nesting && room;
        if (nests) return this.#nest(thread, server, capability, opcode, message);
      } else if (this.#nestThere({ caller: thread, server, capability, slot }, opcode, message)) return undefined;
    }
    const request = saveMessage(thread.component, message);
    if (!request) return CALL_STATUS.badMessage;
    const pending = this.#pend(thread, server, capability, opcode, "queued", request);
    this.#kernel.cpus?.offerLine(pending, slot, message);
    if (!server.ep.enqueue(pending)) return CALL_STATUS.invalidObject;
    server.notify();
    this.#waitForCall(thread, pending);
    if (room && this.#depth < KERNEL_LIMITS.nesting) this.#waitInPlace(thread, pending);
    if (pending.state !== "done") return undefined;
    thread.progress = undefined;
    return this.#status(thread, this.#takeReply(thread, pending, message));
  }

  /** A thread of CPU 0 that calls another CPU stands in its call a moment: most answers come before it had given way. */
  #waitInPlace({ component }: KernelThread, pending: PendingCall): void {
    const { cpus } = this.#kernel;
    if (!cpus || component.cpu !== 0 || pending.entrypoint!.component.cpu === 0) return;
    this.#depth++;
    cpus.waitFor(() => pending.state === "done");
    this.#depth--;
  }

  /** Whether `server` is, or waits for, `thread`. */
  #waitsFor(server: KernelThread, thread: KernelThread): boolean {
    for (let next: KernelThread | undefined = server; next; ) {
      if (next === thread) return true;
      const { callee, waiting }: KernelThread = next;
      if (callee) next = callee;
      else next = waiting?.kind === "call" ? this.#kernel.calls.get(waiting.call)?.entrypoint : undefined;
    }
    return false;
  }

  #nest(
    thread: KernelThread,
    server: KernelThread,
    capability: Capability,
    opcode: number,
    message: number,
  ): number | undefined {
    const { component } = server;
    const { call, argument, message: buffer } = server.entrypoint!.serving!;
    if (!copyMessage(thread.component, message, component, buffer)) return CALL_STATUS.badMessage;
    server.trace?.record("rpc_dispatch", String(opcode));
    server.waiting = undefined;
    thread.callee = server;
    this.#depth++;
    component.enter(server);
    let result: number | undefined;
    try {
      result = component.group.direct(call, argument, DISPATCH.rpc, component.table.slotOf(capability), opcode);
    } finally {
      component.leave(server);
      this.#depth--;
      thread.callee = undefined;
    }
    const ended = { caller: thread, server, capability, opcode, message };
    return this.nestedEnded(ended, result, (role) => this.#kernel.executor.began(server, role));
  }

  /** The same on the CPU of both, if it is another one: `nestedEnded` is called when it has ended. */
  #nestThere(call: NestedCall, opcode: number, message: number): boolean {
    const { caller, server } = call;
    if (caller.component.cpu !== server.component.cpu) return false;
    const { message: buffer } = server.entrypoint!.serving!;
    const cpu = this.#kernel.cpus!.at(server.component.cpu);
    if (!cpu.nests(caller) || !copyMessage(caller.component, message, server.component, buffer)) return false;
    server.trace?.record("rpc_dispatch", String(opcode));
    server.waiting = undefined;
    caller.callee = server;
    cpu.nest(call);
    return true;
  }

  /**
   * A nested dispatch has ended, and nobody is within it any more.
   *
   * @param result undefined: it has frozen, or not returned
   * @param began makes an activation of it in that case, for the number of a call
   * @returns what the call says to its caller; undefined: the caller must give way, as its `progress` says
   */
  nestedEnded(call: EndedCall, result: number | undefined, began: (role: number) => void): number | undefined {
    const { caller, server, message } = call;
    if (result === undefined || !server.runnable || !caller.runnable || caller.canceled) {
      return this.#nestedDiffers(call, result, began);
    }
    this.idle(server);
    if (result !== CALL_STATUS.ok) return CALL_STATUS.invalidOpcode;
    const { message: buffer } = server.entrypoint!.serving!;
    const copied = copyMessage(server.component, buffer, caller.component, message);
    return copied ? CALL_STATUS.ok : CALL_STATUS.badMessage;
  }

  /** From a thread on, who serves the call that it waits for, and so on; the last waits for no call that is served. */
  chain(thread: KernelThread): readonly KernelThread[] {
    const chain = [thread];
    for (let next = this.#serves(thread)?.entrypoint; next; next = this.#serves(next)?.entrypoint) chain.push(next);
    return chain;
  }

  /** The call that a thread waits for, if it is being served. */
  #serves({ waiting }: KernelThread): PendingCall | undefined {
    const call = waiting?.kind === "call" ? this.#kernel.calls.get(waiting.call) : undefined;
    return call?.state === "dispatched" ? call : undefined;
  }

  /** A thread whose slice was cut while it was in nested dispatches is about to run. */
  nestAgain(thread: KernelThread): void {
    this.#again.clear();
    for (const caller of this.chain(thread)) {
      const call = this.#serves(caller);
      if (!call) continue;
      this.#again.add(call);
      caller.waiting = undefined;
    }
  }

  /** A dispatch that is under way goes on nested in its caller's host call, as before its slice was cut. */
  #nestGoesOn(thread: KernelThread, server: KernelThread, pending: PendingCall, message: number): number | undefined {
    const { component } = server;
    const { engine } = server.activations.at(-1)!;
    thread.callee = server;
    this.#depth++;
    component.enter(server);
    try {
      component.group.run(engine);
    } catch (thrown) {
      if (!(thrown instanceof EngineFault)) throw thrown;
      server.faulted = true; // this engine's stack is too small for it
      server.raise(messageOf(thrown));
    } finally {
      component.leave(server);
      this.#depth--;
      thread.callee = undefined;
    }
    if (!server.faulted) this.#kernel.executor.settle(server, engine);
    if (server.dead) this.#kernel.lifetimes.endThread(server);
    else if (pending.state === "done") this.idle(server);
    else this.#kernel.scheduler.ready(server);
    return this.#afterNested(thread, pending, message);
  }

  /** An entrypoint has finished a nested dispatch. */
  idle(server: KernelThread): void {
    if (server.entrypoint!.hasWork) this.#kernel.scheduler.ready(server);
    else server.waiting = SERVE;
  }

  /** A nested dispatch that did not simply return to a caller that simply waits. */
  #nestedDiffers(
    { caller: thread, server, capability, opcode, message }: EndedCall,
    result: number | undefined,
    began: (role: number) => void,
  ): number | undefined {
    const { calls, executor, scheduler } = this.#kernel;
    const pending = this.#pend(thread, server, capability, opcode, "dispatched", NO_MESSAGE);
    if (result !== undefined) {
      executor.returned(server, pending.id, result);
      if (!server.dead) this.idle(server);
    } else {
      began(pending.id);
      scheduler.ready(server);
      if (server.dead) {
        this.#kernel.lifetimes.endThread(server);
        calls.finish(pending, CALL_STATUS.invalidObject); // it had not become pending when the server ended
      }
    }
    return this.#afterNested(thread, pending, message);
  }

  /** The caller of a dispatch that was nested: it goes on, or waits for the call that has become pending. */
  #afterNested(thread: KernelThread, pending: PendingCall, message: number): number | undefined {
    const { calls } = this.#kernel;
    if (thread.dead) {
      calls.abandon(pending);
      return undefined;
    }
    if (thread.canceled) {
      thread.canceled = false;
      calls.abandon(pending);
      return this.#status(thread, CALL_STATUS.blockingCanceled);
    }
    if (pending.state === "done") return this.#status(thread, this.#takeReply(thread, pending, message));
    return this.#waitForCall(thread, pending);
  }

  /** The status of a call that is over; the caller gives way first if it has been stopped. */
  #status(thread: KernelThread, status: number): number | undefined {
    if (thread.runnable) return status;
    thread.progress = { status };
    return undefined;
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
    const pending = this.#pend(thread, undefined, capability, opcode, "dispatched", NO_MESSAGE);
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
    return this.#waitForCall(thread, pending);
  }

  #pend(
    caller: KernelThread,
    entrypoint: KernelThread | undefined,
    target: Capability,
    opcode: number,
    state: PendingCall["state"],
    message: RpcMessage,
  ): PendingCall {
    return this.#kernel.calls.add({ target, entrypoint, opcode, state, caller, message });
  }

  #waitForCall(thread: KernelThread, { id }: PendingCall): undefined {
    thread.block({ kind: "call", call: id });
    thread.progress = { call: id };
    return undefined;
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
    if (this.#again.delete(pending) && entrypoint) return this.#nestGoesOn(thread, entrypoint, pending, message);
    if (pending.state === "done") return this.#takeReply(thread, pending, message);
    return this.#waitForCall(thread, pending);
  }

  #takeReply(thread: KernelThread, pending: PendingCall, message: number): number {
    this.#kernel.calls.forget(pending);
    if (pending.status !== CALL_STATUS.ok) return pending.status;
    return loadMessage(thread.component, message, pending.message) ? CALL_STATUS.ok : CALL_STATUS.badMessage;
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
      if (thread.component.cpu !== 0) this.#kernel.stops.interrupt(thread); // what answers it may stand in a call of its own
      return;
    }
    if (waiting?.kind === "signal") thread.wake(CALL_STATUS.blockingCanceled);
    if (waiting?.kind !== "call") return;
    const pending = this.#kernel.calls.get(waiting.call);
    // What an entrypoint does for it goes on; its reply finds no call any more.
    if (pending) this.#kernel.calls.finish(pending, CALL_STATUS.blockingCanceled);
  }
}
