// Calls that are answered within their callers' host calls: the message is copied, the dispatch called there.
//
// When such a dispatch blocks or is preempted, the callee is frozen first; then the caller's host call gives way with the
// number of the call that has become pending.
//
// I1  While a component is on the JavaScript stack nothing calls it: its group runs one thread at a time.
// I2  Dispatches that were nested when a slice was cut are nested again when it goes on (`nestAgain`).
import { CALL_STATUS, DISPATCH } from "../../abi/index.ts";
import { EngineFault } from "../../engine/index.ts";
import type { Capability } from "../../session/index.ts";
import { messageOf } from "../../util/index.ts";
import type { Callers } from "./callers.ts";
import { NO_MESSAGE, type PendingCall } from "./calls.ts";
import type { NestedCall } from "./cpus/index.ts";
import type { Kernel } from "./kernel.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { copyMessage } from "./message-copy.ts";
import type { KernelThread } from "./thread.ts";
import { SERVE } from "./thread-parts.ts";

/** A nested call whose dispatch has ended. */
interface EndedCall {
  readonly caller: KernelThread;
  readonly server: KernelThread;
  readonly capability: Capability;
  readonly opcode: number;
  readonly message: number;
}

export class NestedCalls {
  readonly #kernel: Kernel;
  readonly #callers: Callers;
  /** Nested dispatches on the JavaScript stack. */
  #depth = 0;
  /** Calls whose dispatches are nested again when their callers go on. */
  readonly #again = new Set<PendingCall>();

  constructor(kernel: Kernel, callers: Callers) {
    this.#kernel = kernel;
    this.#callers = callers;
  }

  /** Whether one more may be nested. */
  get room(): boolean {
    return this.#depth < KERNEL_LIMITS.nesting;
  }

  /** While a call stands in its host call for something else. */
  within(body: () => void): void {
    this.#depth++;
    body();
    this.#depth--;
  }

  /** Whether a call's dispatch is to be nested again (`goesOn`); asking forgets that. */
  takeAgain(pending: PendingCall): boolean {
    return this.#again.delete(pending);
  }

  nest(
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
      result = server.group.direct(call, argument, DISPATCH.rpc, component.table.slotOf(capability), opcode);
    } finally {
      component.leave(server);
      this.#depth--;
      thread.callee = undefined;
    }
    if (result !== undefined && server.runnable && thread.runnable && !thread.canceled) {
      return this.#answered(thread, server, result, message);
    }
    const ended = { caller: thread, server, capability, opcode, message };
    return this.#differs(ended, result, (role) => this.#kernel.executor.began(server, role));
  }

  /** The same on the CPU of both, if it is another one: `ended` is called when it has ended. */
  nestThere(call: NestedCall, opcode: number, message: number): boolean {
    const { caller, server } = call;
    if (caller.cpu !== server.cpu) return false;
    const { message: buffer } = server.entrypoint!.serving!;
    const cpu = this.#kernel.cpus!.at(server.cpu);
    if (!cpu.canNest(caller) || !copyMessage(caller.component, message, server.component, buffer)) return false;
    server.trace?.record("rpc_dispatch", String(opcode));
    server.waiting = undefined;
    caller.callee = server;
    cpu.nest(call);
    return true;
  }

  /** A call of CPU 0 can be dispatched at once, its caller standing in its host call until the answer comes. */
  canCall({ cpu }: KernelThread): boolean {
    return cpu !== 0 && this.room && !this.#kernel.everyPoint && this.#kernel.cpus!.at(cpu).free;
  }

  /** Dispatches it; when the answer does not come for long, or there is something else to do, the caller waits as any other. */
  callThere({ caller, server, capability }: NestedCall, opcode: number, message: number): number | undefined {
    const { component } = server;
    const { message: buffer } = server.entrypoint!.serving!;
    if (!copyMessage(caller.component, message, component, buffer)) return CALL_STATUS.badMessage;
    const cpus = this.#kernel.cpus!;
    const cpu = cpus.at(server.cpu);
    const call = { caller, server, capability, opcode, message };
    let over = false;
    let status: number | undefined;
    server.trace?.record("rpc_dispatch", String(opcode));
    server.waiting = undefined;
    caller.callee = server;
    cpu.dispatch(server, component.table.slotOf(capability), opcode, (result, began) => {
      caller.callee = undefined;
      over = true;
      status = this.ended(call, result, began);
    });
    this.within(() => cpus.waitFor(() => over || !caller.runnable || caller.canceled));
    if (over) return status;
    caller.callee = undefined;
    const pending = this.#callers.pend(caller, server, capability, opcode, "dispatched", NO_MESSAGE);
    cpu.pends(pending.id);
    if (server.dead) this.#kernel.calls.finish(pending, CALL_STATUS.invalidObject); // it had not become pending before
    return this.#after(caller, pending, message);
  }

  /**
   * A nested dispatch has ended, and nobody is within it any more.
   *
   * @param result undefined: it has frozen, or not returned
   * @param began makes an activation of it in that case, for the number of a call
   * @returns what the call says to its caller; undefined: the caller must give way, as its `progress` says
   */
  ended(call: EndedCall, result: number | undefined, began: (role: number) => void): number | undefined {
    const { caller, server, message } = call;
    if (result === undefined || !server.runnable || !caller.runnable || caller.canceled) {
      return this.#differs(call, result, began);
    }
    return this.#answered(caller, server, result, message);
  }

  /** A nested dispatch has simply returned to a caller that simply waits. */
  #answered(caller: KernelThread, server: KernelThread, result: number, message: number): number {
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
  goesOn(thread: KernelThread, server: KernelThread, pending: PendingCall, message: number): number | undefined {
    const { component } = server;
    const { engine } = server.activations.at(-1)!;
    thread.callee = server;
    this.#depth++;
    component.enter(server);
    try {
      server.group.run(engine);
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
    return this.#after(thread, pending, message);
  }

  /** An entrypoint has finished a nested dispatch. */
  idle(server: KernelThread): void {
    if (server.entrypoint!.hasWork) this.#kernel.scheduler.ready(server);
    else server.waiting = SERVE;
  }

  /** A nested dispatch that did not simply return to a caller that simply waits. */
  #differs(
    { caller: thread, server, capability, opcode, message }: EndedCall,
    result: number | undefined,
    began: (role: number) => void,
  ): number | undefined {
    const { calls, executor, scheduler } = this.#kernel;
    const pending = this.#callers.pend(thread, server, capability, opcode, "dispatched", NO_MESSAGE);
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
    return this.#after(thread, pending, message);
  }

  /** The caller of a dispatch that was nested: it goes on, or waits for the call that has become pending. */
  #after(thread: KernelThread, pending: PendingCall, message: number): number | undefined {
    const { calls } = this.#kernel;
    if (thread.dead) {
      calls.abandon(pending);
      return undefined;
    }
    if (thread.canceled) {
      thread.canceled = false;
      calls.abandon(pending);
      return this.#callers.status(thread, CALL_STATUS.blockingCanceled);
    }
    if (pending.state === "done")
      return this.#callers.status(thread, this.#callers.takeReply(thread, pending, message));
    return this.#callers.wait(thread, pending);
  }
}
