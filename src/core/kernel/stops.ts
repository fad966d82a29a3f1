// How what runs is stopped: at its next safe point, on whatever CPU.
import type { Component } from "./component.ts";
import type { Kernel } from "./kernel.ts";
import type { KernelThread } from "./thread.ts";

const NOWHERE: readonly number[] = [];

export class Stops {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** A thread that runs now gives way at its next safe point. */
  interrupt(thread: KernelThread): void {
    this.reclaim(thread);
    if (thread.onStack) thread.engine.request();
  }

  /** If a thread is idle that a caller on another CPU has leased, it is so for everybody from now on. */
  reclaim({ cpu, onStack }: KernelThread): void {
    if (cpu !== 0 && onStack) this.#kernel.cpus!.at(cpu).reclaim();
  }

  /** Nothing of a component runs while `body` does. If that cannot be had, `component.onStack` says so. */
  atRest<T>(component: Component, body: () => T): T {
    return component.onStack ? this.#atRest(component, body, NOWHERE) : body();
  }

  /** As `atRest`; nor does anything begin to run on other CPUs. */
  alone<T>(component: Component, body: () => T): T {
    const { cpus } = this.#kernel;
    return this.atRest(component, () => (cpus ? cpus.held(body) : body()));
  }

  /** @param held CPUs on which nothing begins to run. What stops on one may have been ordered to another */
  #atRest<T>(component: Component, body: () => T, held: readonly number[]): T {
    for (const thread of [...component.entered]) this.reclaim(thread);
    const next = component.entered.find(({ cpu }) => cpu !== 0 && !held.includes(cpu));
    if (!next) return body();
    const { cpu } = next;
    return this.#kernel.cpus!.at(cpu).still(() => this.#atRest(component, body, [...held, cpu]));
  }

  /** Waits until a thread that runs on another CPU has given way. */
  halt(thread: KernelThread): void {
    this.reclaim(thread);
    if (thread.cpu !== 0 && thread.onStack) this.#kernel.cpus!.at(thread.cpu).stop();
  }

  /** Whether a thread gives way at a safe point that found the flag set. */
  givesWay(thread: KernelThread): boolean {
    const { component, cpu, engine } = thread;
    const { cpus, moves, scheduler } = this.#kernel;
    if (cpus && cpu === 0 && !cpus.servePoll()) return true;
    if (!thread.runnable || thread.stepping || moves.has(component)) return true;
    if (this.#kernel.everyPoint) return this.#kernel.atPoint(component, cpu);
    if (cpu !== 0) return cpus!.at(cpu).contended;
    if (scheduler.contended) return true;
    component.goOn(thread); // alone, and the event loop's turn has not come: a freeze would be for nothing
    if (cpus?.rung) engine.request();
    return false;
  }
}
