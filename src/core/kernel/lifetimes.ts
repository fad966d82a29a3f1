// Components and threads of a kernel: they are made, and they end.
//
// I1  A thread that has ended waits for nothing, serves nothing and is waited for by nobody; its object stays until it is killed.
// I2  What stands on a JavaScript stack ends when it has left.
import type { Thread } from "../../engine/index.ts";
import { Component } from "./component.ts";
import type { Kernel } from "./kernel.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { KernelThread } from "./thread.ts";
import type { ThreadOwner, ThreadSetup } from "./thread-parts.ts";

export class Lifetimes {
  readonly #kernel: Kernel;
  readonly #exited: ((component: Component, code: number) => void) | undefined;
  readonly #components = new Map<number, Component>();
  readonly #threads = new Map<number, KernelThread>();
  #nextComponent = 1;
  #nextThread = 1;

  /** @param exited a thread has ended the program by a WASI exit */
  constructor(kernel: Kernel, exited: ((component: Component, code: number) => void) | undefined) {
    this.#kernel = kernel;
    this.#exited = exited;
  }

  get components(): IterableIterator<Component> {
    return this.#components.values();
  }

  component(id: number): Component | undefined {
    return this.#components.get(id);
  }

  thread(id: number): KernelThread | undefined {
    return this.#threads.get(id);
  }

  /** A component without a program. @param label for people */
  createComponent(label: string): Component {
    const component = new Component(this.#kernel, this.#nextComponent++, label);
    this.#components.set(component.id, component);
    return component;
  }

  /** @returns undefined if the component has too many */
  createThread(component: Component, owner: ThreadOwner, setup: ThreadSetup): KernelThread | undefined {
    if (component.held >= KERNEL_LIMITS.threads || !this.#components.has(component.id)) return undefined;
    if (component.held === 0 && !this.#place(component, setup)) return undefined;
    const thread = new KernelThread(this.#kernel, this.#nextThread++, component, owner, setup);
    this.#threads.set(thread.id, thread);
    component.threads.push(thread);
    component.held++;
    return thread;
  }

  /** A component is where its first thread is to be. */
  #place(component: Component, { affinity, name }: ThreadSetup): boolean {
    const cpu = this.#kernel.cpus?.numberAt(affinity) ?? 0;
    const problem = component.place(cpu);
    if (problem !== undefined) this.#kernel.warn(`${component.label}: thread "${name}" on CPU ${cpu}: ${problem}`);
    return problem === undefined;
  }

  /** Ends a thread, wherever it is, and its object; harmless when repeated. */
  killThread(thread: KernelThread): void {
    if (!this.#threads.delete(thread.id)) return;
    this.endThread(thread);
    thread.component.held--;
    thread.component.forget(thread);
    thread.dispose();
  }

  /**
   * A thread has nothing left to do, or shall not do it: calls that it served fail, calls that it made are dropped.
   * Its object stays until somebody kills it; that of `thread-spawn` goes with it.
   */
  endThread(thread: KernelThread): void {
    const { component, entrypoint } = thread;
    this.#kernel.stops.reclaim(thread);
    if (!thread.dead) {
      thread.dead = true; // from now on: what is stopped on another CPU for this may end it too
      this.unwait(thread);
      component.threads.splice(component.threads.indexOf(thread), 1);
      this.#kernel.calls.orphan(thread);
      if (entrypoint) for (const source of entrypoint.sources.splice(0)) this.#kernel.signals.leave(thread, source);
    }
    if (thread.onStack) return this.#kernel.stops.interrupt(thread); // the rest is done when it has left
    for (const { engine } of thread.activations.splice(0)) {
      if (engine.state !== "ended") thread.drop(engine);
    }
    if (thread.instance !== 0) this.killThread(thread);
  }

  /** A thread that stands still has lost the frames of an activation: it is stopped like one that has met a trap. */
  loseFrames(thread: KernelThread, lost: Thread, problem: string): void {
    this.unwait(thread);
    thread.activations = thread.activations.filter(({ engine }) => engine !== lost);
    thread.faulted = true;
    thread.raise(problem);
  }

  /** A thread that has ended and was not killed lives again: it takes up another state. */
  revive(thread: KernelThread): void {
    if (!thread.dead || !this.#threads.has(thread.id)) return;
    thread.dead = false;
    thread.component.threads.push(thread);
  }

  /** Nothing is left of what a thread that stands still did or waits for; it can take up another state. */
  forgetWork(thread: KernelThread): void {
    this.unwait(thread);
    for (const { engine } of thread.activations.splice(0)) thread.drop(engine);
    if (thread.entrypoint) thread.entrypoint.serving = undefined;
    this.#kernel.calls.orphan(thread);
  }

  /** Ends a component with all its threads. Its PD ends its objects. */
  destroyComponent(component: Component): void {
    for (const thread of [...this.#threads.values()]) if (thread.component === component) this.killThread(thread);
    component.native?.dispose();
    component.native = undefined;
    if (component.loaded && this.#components.delete(component.id)) {
      for (const thread of [...component.entered]) this.#kernel.stops.halt(thread);
      component.dispose();
    }
    this.#components.delete(component.id);
    this.#kernel.trimPrograms();
    this.#kernel.moves.forget(component);
  }

  /** A thread has ended its program. */
  exited(thread: KernelThread, code: number): void {
    const { component } = thread;
    for (const other of [...component.threads]) this.endThread(other);
    component.wasi?.ended?.();
    this.#exited?.(component, code);
  }

  /** A thread waits for nothing any more, and nobody has it in a list of those that do. */
  unwait(thread: KernelThread): void {
    const { waiting } = thread;
    if (waiting?.kind === "call") {
      const call = this.#kernel.calls.get(waiting.call);
      if (call) this.#kernel.calls.abandon(call);
    }
    thread.component.waits.leave(thread);
    if (waiting?.kind === "fault") thread.component.home?.forget(thread);
    thread.waiting = undefined;
    thread.deadlineMs = Infinity;
  }

  /** The next of the kernel's threads have higher ranks than this one. */
  ranked(rank: number): void {
    if (rank < KERNEL_LIMITS.ranks) this.#nextThread = Math.max(this.#nextThread, rank + 1);
  }
}
