// Where threads run. This one runs them in the kernel's own JavaScript thread (CPU 0).
//
// Running a thread: its innermost activation goes on until it returns, freezes or ends otherwise; when an entrypoint has
// none left, the next dispatch begins. It stops when the thread can run no more or its slice is over.
import { CALL_STATUS, DISPATCH } from "../../abi/index.ts";
import { EngineFault, type Thread, type ThreadFault } from "../../engine/index.ts";
import { Fault, messageOf } from "../../util/index.ts";
import { NO_MESSAGE, type PendingCall } from "./calls.ts";
import { WAKEUP } from "./imports.ts";
import type { Kernel } from "./kernel.ts";
import { loadMessage, saveMessage } from "./message-copy.ts";
import type { KernelThread } from "./thread.ts";
import { ROLE, SERVE } from "./thread-parts.ts";

export interface Executor {
  /** Lets a runnable thread run until it waits, ends, is stopped or its slice is over. */
  run(thread: KernelThread): void;
}

/** What a thread does next, and what follows from how it stopped: the same on every CPU. */
export abstract class Steps {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Lets the innermost activation go on; false when the thread cannot go on at once. */
  protected abstract go(thread: KernelThread, engine: Thread): boolean;

  /** Calls the dispatch function of a thread that serves; false as `go`. */
  protected abstract call(thread: KernelThread, role: number, kind: number, object: number, value: number): boolean;

  /** Runs one activation, or begins a dispatch; false when the thread gave way. */
  step(thread: KernelThread): boolean {
    const top = thread.activations.at(-1);
    const { home } = thread.component;
    if (thread.entrypoint?.serving && (!top || this.#wantsWakeup(thread))) {
      if (thread.entrypoint.hasWork && home && !home.executable(thread)) return false;
      return this.#dispatch(thread);
    }
    if (!top) {
      this.#kernel.lifetimes.endThread(thread);
      return false;
    }
    if (top.engine.state === "ready" && home && !home.executable(thread)) return false;
    return this.go(thread, top.engine);
  }

  /** A thread in `ep_wait_wakeup` whose wake-up has come. */
  #wantsWakeup(thread: KernelThread): boolean {
    return thread.activations.length > 0 && thread.wantsWakeup && thread.entrypoint!.wakeup;
  }

  #dispatch(thread: KernelThread): boolean {
    const entrypoint = thread.entrypoint!;
    if (thread.activations.length > 0) {
      thread.wantsWakeup = false;
      entrypoint.wakeup = false;
      return this.#announce(thread, ROLE.wakeup, DISPATCH.wakeup, 0, 0);
    }
    switch (entrypoint.next()) {
      case "rpc":
        return this.#serve(thread, entrypoint.dequeue()!);
      case "wakeup":
        entrypoint.wakeup = false;
        return this.#announce(thread, ROLE.notification, DISPATCH.wakeup, 0, 0);
      case "signal": {
        const signal = entrypoint.takeSignal();
        return !signal || this.#announce(thread, ROLE.notification, DISPATCH.signal, signal.imprint, signal.count);
      }
      default:
        thread.block(SERVE);
        return false;
    }
  }

  #serve(thread: KernelThread, call: PendingCall): boolean {
    const { calls } = this.#kernel;
    if (!call.target.valid) calls.finish(call, CALL_STATUS.invalidObject);
    if (call.state === "done") return true;
    const { component } = thread;
    if (!loadMessage(component, thread.entrypoint!.serving!.message, call.message)) {
      calls.finish(call, CALL_STATUS.invalidObject); // the server's own buffer is gone
      return true;
    }
    if (thread.cpu !== 0) thread.ep.passes(call.message.capabilities);
    call.state = "dispatched";
    call.message = NO_MESSAGE;
    return this.#announce(thread, call.id, DISPATCH.rpc, component.table.slotOf(call.target), call.opcode);
  }

  #announce(thread: KernelThread, role: number, kind: number, object: number, value: number): boolean {
    if (kind === DISPATCH.rpc) thread.trace?.record("rpc_dispatch", String(value));
    else if (kind === DISPATCH.signal) thread.trace?.record("signal_received", `${object >>> 0} ${value >>> 0}`);
    return this.call(thread, role, kind, object | 0, value | 0);
  }

  /** This engine's stack is too small for what the thread stands in. */
  protected tooDeep(thread: KernelThread, message: string): void {
    thread.faulted = true;
    thread.raise(message);
  }

  /** A dispatch has frozen, or ended without returning; false when the thread cannot go on at once. */
  began(thread: KernelThread, role: number): boolean {
    const { call } = thread.entrypoint!.serving!;
    const engine = call.thread!;
    call.thread = undefined;
    thread.activations.push({ engine, role });
    return this.settle(thread, engine);
  }

  /** Notes how the innermost activation has stopped; false when the thread cannot go on at once. */
  settle(thread: KernelThread, engine: Thread): boolean {
    const { ending } = engine;
    if (ending?.kind === "threw" && hostBug(ending.error)) this.#kernel.failed(ending.error);
    if (thread.dead) return false; // nothing else follows from it any more
    if (!ending) {
      if (engine.fault) this.#fault(thread, engine.fault);
      if (engine.parked) this.#park(thread, engine);
      if (thread.stepping && !thread.waiting) thread.raise("single step");
      return false;
    }
    const { role } = thread.activations.pop()!;
    switch (ending.kind) {
      case "returned":
        if (role === ROLE.command && !thread.entrypoint?.serving) {
          this.#kernel.lifetimes.exited(thread, 0);
          return false;
        }
        this.returned(thread, role, ending.results[0] as number);
        return true;
      case "exited":
        this.#kernel.lifetimes.exited(thread, ending.code);
        return false;
      default:
        thread.faulted = true;
        thread.raise(`${ending.kind}: ${messageOf(ending.error)}${placeOf(ending.error)}`);
        return false;
    }
  }

  /** A call into the component has returned: the reply goes to the caller. */
  returned(thread: KernelThread, role: number, result: number): void {
    if (role === ROLE.wakeup) thread.outcome = WAKEUP.dispatched;
    if (role <= 0) return;
    const { calls } = this.#kernel;
    const call = calls.get(role);
    if (!call) return; // nobody waits for the reply any more
    if (result !== CALL_STATUS.ok) return calls.finish(call, CALL_STATUS.invalidOpcode);
    const reply = saveMessage(thread.component, thread.entrypoint!.serving!.message);
    if (reply && thread.cpu !== 0) thread.ep.passes(reply.capabilities);
    if (reply) calls.finish(call, CALL_STATUS.ok, reply);
    else calls.finish(call, CALL_STATUS.badMessage);
  }

  /** The thread waits until a page is attached, or memory granted; then it does the same again. */
  #fault(thread: KernelThread, fault: ThreadFault): void {
    const { type } = fault;
    thread.block({
      kind: "fault",
      address: type === "grow" ? 0 : fault.address,
      ...(type === "grow" ? {} : { access: type }),
    });
    if (!thread.component.home?.fault(thread, fault)) thread.waiting = undefined;
  }

  /** A WASI call waits. */
  #park(thread: KernelThread, { parked }: Thread): void {
    if (thread.waiting) return;
    const timeoutMs = parked!.timeoutNs === undefined ? Infinity : Number(parked!.timeoutNs) / 1e6;
    thread.block({ kind: "host" }, this.#kernel.now() + timeoutMs);
  }
}

export class LocalExecutor extends Steps implements Executor {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    super(kernel);
    this.#kernel = kernel;
  }

  run(thread: KernelThread): void {
    const { component } = thread;
    component.enter(thread);
    try {
      while (thread.runnable && this.step(thread) && !component.interrupted(thread));
    } finally {
      component.leave(thread);
      if (thread.dead) this.#kernel.lifetimes.endThread(thread);
    }
  }

  protected go(thread: KernelThread, engine: Thread): boolean {
    try {
      thread.group.run(engine);
    } catch (thrown) {
      if (!(thrown instanceof EngineFault)) throw thrown;
      this.tooDeep(thread, messageOf(thrown));
      return false;
    }
    return this.settle(thread, engine);
  }

  protected call(thread: KernelThread, role: number, kind: number, object: number, value: number): boolean {
    const { call, argument } = thread.entrypoint!.serving!;
    const result = thread.group.direct(call, argument, kind, object, value);
    if (result === undefined) return this.began(thread, role);
    this.returned(thread, role, result);
    return true;
  }
}

/** Guests throw their own exceptions; the engine's refusals are faults. Anything else comes out of a host function. */
function hostBug(error: unknown): boolean {
  return !(error instanceof WebAssembly.Exception) && !(error instanceof Fault);
}

/** Names of the innermost functions of the guest, as the engine tells them: ` in inner < outer`. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const names = Array.from(stack.matchAll(/at (\S+) \(wasm:/g), ([, name]) => name).slice(0, FRAMES_SHOWN);
  return names.length > 0 ? ` in ${names.join(" < ")}` : "";
}

const FRAMES_SHOWN = 4;
