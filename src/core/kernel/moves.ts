// Components that are to be on other CPUs than they are, wholly or with some of their threads (parts.ts): they go there when
// nothing of them is on a JavaScript stack.
import type { Location } from "../../session/index.ts";
import type { Component } from "./component.ts";
import type { Kernel } from "./kernel.ts";
import { onCpuOfAll } from "./program.ts";
import type { KernelThread } from "./thread.ts";

export class Moves {
  readonly #kernel: Kernel;
  /** Components of which `together` has said it. */
  readonly #told = new WeakSet<Component>();
  /** Where to, by number of CPU. */
  readonly #ordered = new Map<Component, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * The component is to be on the first CPU of a location: at once if nothing of it runs or what runs can be stopped, else
   * when it comes to its next safe point. One that cannot be there stays, with a warning. Without a location it stays where it
   * is to be, but threads with places of their own may have others.
   */
  order(component: Component, location?: Location): void {
    const { cpus, stops } = this.#kernel;
    if (!cpus) return;
    const cpu = location ? cpus.numberAt(location) : (this.#ordered.get(component) ?? component.cpu);
    this.#ordered.set(component, cpu);
    stops.alone(component, () => this.#make(component));
    if (this.#ordered.has(component)) for (const thread of component.entered) this.#kernel.stops.interrupt(thread);
  }

  /** A thread has asked for CPUs; if it cannot have them, because it shares an instance with others, that is said once. */
  together({ component, name, wanted }: KernelThread): void {
    const { cpus } = this.#kernel;
    const cpu = this.#ordered.get(component) ?? component.cpu;
    if (!cpus || cpus.locate(cpu, wanted) === wanted || this.#told.has(component)) return;
    this.#told.add(component);
    this.#kernel.warn(`${component.label}: thread "${name}" is ${onCpuOfAll(cpu)}`);
  }

  /** Nothing of a component is on CPU 0's stack, or on that of some CPU: those that have waited for that go. */
  make(): void {
    const { stops } = this.#kernel;
    for (const component of this.#ordered.keys()) stops.alone(component, () => this.#make(component));
  }

  /** Whether it is to go elsewhere. */
  has(component: Component): boolean {
    return this.#ordered.size > 0 && this.#ordered.has(component);
  }

  forget(component: Component): void {
    this.#ordered.delete(component);
  }

  #make(component: Component): void {
    const cpu = this.#ordered.get(component);
    if (cpu === undefined || component.onStack) return;
    this.#ordered.delete(component);
    const problem = component.place(cpu);
    if (problem !== undefined) this.#kernel.warn(`${component.label}: stays on CPU ${component.cpu}: ${problem}`);
  }
}
