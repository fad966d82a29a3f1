// How what runs is stopped: at its next safe point, on whatever CPU.
import type { Component } from "./component.ts";
import type { Kernel } from "./kernel.ts";
import type { KernelThread } from "./thread.ts";

export class Stops {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** A thread that runs now gives way at its next safe point. */
  interrupt(thread: KernelThread): void {
    this.reclaim(thread);
    if (thread.onStack) thread.component.engine.request();
  }

  /** If a thread is idle that a caller on another CPU has leased, it is so for everybody from now on. */
  reclaim({ component: { cpu }, onStack }: KernelThread): void {
    if (cpu !== 0 && onStack) this.#kernel.cpus!.at(cpu).reclaim();
  }

  /** Nothing of a component runs while `body` does. If that cannot be had, `component.onStack` says so. */
  atRest<T>(component: Component, body: () => T): T {
    if (component.running) this.reclaim(component.running);
    if (component.cpu === 0 || !component.running) return body();
    const { cpu } = component; // what stops there may have been ordered elsewhere
    return this.#kernel.cpus!.at(cpu).still(() => (component.cpu === cpu ? body() : this.atRest(component, body)));
  }

  /** Waits until a thread of the component that runs on another CPU has given way. */
  halt(component: Component): void {
    if (component.running) this.reclaim(component.running);
    if (component.cpu !== 0 && component.running) this.#kernel.cpus!.at(component.cpu).stop();
  }

  /** Whether a thread gives way at a safe point that found the flag set. */
  givesWay(component: Component): boolean {
    if (this.#kernel.cpus && component.cpu === 0 && !this.#kernel.cpus.servePoll()) return true;
    const thread = component.running;
    if (thread && (!thread.runnable || thread.stepping || this.#kernel.moves.has(component))) return true;
    if (this.#kernel.everyPoint) return this.#kernel.atPoint(component);
    if (component.cpu !== 0) return this.#kernel.cpus!.at(component.cpu).contended;
    if (this.#kernel.scheduler.contended) return true;
    component.goOn(); // alone, and the event loop's turn has not come: a freeze would be for nothing
    if (this.#kernel.cpus?.rung) component.engine.request();
    return false;
  }
}
