// Who runs on another CPU: a thread, and dispatches that are nested in one another's host calls, outermost first.
//
// A server that is idle answers a caller of its own CPU within the caller's host call, as on CPU 0. Then it stays with the
// caller: for the kernel it goes on answering, and the caller calls it again without asking, until somebody needs the
// server or the caller asks for anything else. Each such lease has a gate, a word that both sides change by exchange.
//
// I1  What the kernel believes is true, but for servers whose gates are open: they are idle. `reclaim` makes that true too.
// I2  A lease lasts no longer than what it was given for: the same capability, slots, dispatch function (`look`).
import { CONTROL, MESSAGE } from "../../../abi/index.ts";
import type { Capability } from "../../../session/index.ts";
import { required } from "../../../util/index.ts";
import type { Serving } from "../entrypoint.ts";
import type { Kernel } from "../kernel.ts";
import type { KernelThread } from "../thread.ts";
import { BLOCK, type CpuBlock, GATE } from "./protocol.ts";
import type { RemoteEngine } from "./remote-engine.ts";
import { beginRun, type Run } from "./remote-run.ts";

const FLAG = CONTROL.flag >> 2;

/** A call that is answered within its caller's host call. */
export interface NestedCall {
  readonly caller: KernelThread;
  readonly server: KernelThread;
  readonly capability: Capability;
  /** The caller's, for the capability. */
  readonly slot: number;
}

interface NestedRun extends Run {
  readonly call: NestedCall;
  readonly serving: Serving;
  /** The server's slot for the capability. */
  readonly object: number;
}

export class Nests {
  readonly #kernel: Kernel;
  readonly #block: CpuBlock;
  #bottom: Run | undefined;
  readonly #nested: NestedRun[] = [];

  constructor(kernel: Kernel, block: CpuBlock) {
    this.#kernel = kernel;
    this.#block = block;
  }

  begin(run: Run): void {
    this.#bottom = run;
  }

  /** Nothing runs any more. */
  end(): void {
    while (this.#nested.length > 0) this.#take();
    this.#bottom = undefined;
  }

  /** The outermost. */
  get bottom(): Run | undefined {
    return this.#bottom;
  }

  get depth(): number {
    return this.#nested.length;
  }

  /** The innermost. */
  get top(): Run {
    return required(this.#nested.at(-1) ?? this.#bottom, "a run");
  }

  /** The run that asks; what it has leased is the kernel's again. */
  get asking(): Run {
    while (this.#nested.length > this.#block.words[BLOCK.depth]!) this.#take();
    return this.top;
  }

  /** All of them, as far as something of them may be running, give way or look for commands at their next safe points. */
  flag(): void {
    for (const { engine } of this.#runs()) Atomics.store(engine.words, FLAG, 1);
  }

  /** Their CPU learns what has changed while it waited. */
  flush(): void {
    for (const { engine } of this.#runs()) engine.flush();
  }

  get stepping(): boolean {
    return this.#runs().some(({ thread }) => thread.stepping);
  }

  #runs(): readonly Run[] {
    return this.#bottom ? [this.#bottom, ...this.#nested] : [];
  }

  /** Tells the CPU, in its block, to nest a dispatch. @param lease whether the caller may have the server afterwards */
  nest(call: NestedCall, lease: boolean): void {
    const { server, capability } = call;
    const { component } = server;
    const engine = server.engine as RemoteEngine;
    const serving = server.entrypoint!.serving!;
    const object = component.table.slotOf(capability);
    engine.flush();
    engine.enter(server);
    component.enter(server);
    const run = { ...beginRun(server, undefined, 0), call, serving, object };
    const leased = lease && this.#holds(run);
    Atomics.store(this.#block.words, BLOCK.gates + this.depth, leased ? GATE.inside : GATE.last);
    this.#nested.push(run);
    const { instance, function: index } = serving.call.entry;
    const params = [engine.number, server.id, instance, index, serving.argument, object, serving.message];
    for (const [at, value] of params.entries()) this.#block.setParam(at, value);
  }

  /** The innermost dispatch has ended: it is no more among those that run. */
  ended(): NestedRun {
    const run = required(this.#nested.pop(), "a nested dispatch");
    Atomics.store(this.#block.words, BLOCK.gates + this.depth, GATE.closed);
    run.component.leave(run.thread);
    run.call.caller.callee = undefined;
    return run;
  }

  /** An idle server that was leased is the kernel's again. */
  #take(): void {
    const { thread } = this.ended();
    if (thread.dead) this.#kernel.lifetimes.endThread(thread);
    else this.#kernel.rpc.nested.idle(thread);
  }

  /** Servers that are idle are the kernel's from now on; of those that answer their callers the kernel will hear. */
  reclaim(): void {
    const { words } = this.#block;
    for (let inside = false, depth = this.#nested.length - 1; depth >= 0; depth--) {
      const gate = BLOCK.gates + depth;
      const above: boolean = inside;
      do {
        inside = above || Atomics.compareExchange(words, gate, GATE.open, GATE.closed) !== GATE.open;
        if (!inside) this.#take();
        // where the call has ended between the two looks, once more
      } while (inside && Atomics.compareExchange(words, gate, GATE.inside, GATE.last) === GATE.open && !above);
    }
  }

  /** Something that leases depend on may have changed. */
  look(): void {
    if (this.#nested.some((run) => !this.#holds(run))) this.reclaim();
  }

  #holds({ call: { caller, server, capability, slot }, serving, object }: NestedRun): boolean {
    if (!capability.valid || caller.component.table.lookup(slot) !== capability) return false;
    if (server.component.table.slotOf(capability) !== object || server.entrypoint!.serving !== serving) return false;
    if (server.component.windowed(serving.message, MESSAGE.sizeBytes)) return false;
    if (caller.trace?.wants("rpc_call") || server.trace?.wants("rpc_dispatch")) return false;
    return caller.free && server.free && !caller.canceled && !server.ep.hasWork;
  }
}
