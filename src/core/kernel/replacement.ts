// A fresh engine takes the place of a component's, on the same CPU or another one: its threads go on in there.
//
// I1  Nothing of the component runs or begins to run meanwhile.
// I2  Whatever is thrown, the component is as it was.
import type { SavedGroup } from "../../abi/index.ts";
import { EngineFault } from "../../engine/index.ts";
import { messageOf, required } from "../../util/index.ts";
import type { Component } from "./component.ts";
import type { Engines, Form, FreshEngine } from "./engines.ts";
import type { Kernel } from "./kernel.ts";
import { loadRefusal } from "./program.ts";

/** What passes a saved state on through whatever it shall survive. */
export type Carry = (saved: SavedGroup) => SavedGroup;

const AS_IT_IS: Carry = (saved) => saved;

export class Replacement {
  readonly #kernel: Kernel;
  readonly #component: Component;
  readonly #engines: Engines;

  constructor(kernel: Kernel, component: Component, engines: Engines) {
    this.#kernel = kernel;
    this.#component = component;
    this.#engines = engines;
  }

  /**
   * Captures the group, throws it away and goes on in a fresh one: what a checkpoint and restore in place do to it.
   *
   * @param carry passes the saved state through whatever it shall survive
   * @throws EngineFault "busy" while a thread runs here, "unsaveable"; what instantiating does
   */
  recreate(carry: Carry = AS_IT_IS): void {
    this.#held(() => this.#recreate(carry, this.#component.cpu, this.#component));
  }

  /**
   * Its threads go on in the program rewritten with marks, or without them. Nobody sees it: where they stand is said in terms of the
   * module as it came, and whatever it has written so far counts as written.
   *
   * @throws EngineFault, WasmFault, CpuFault, what instantiating does
   */
  mark(marks: boolean): void {
    const form = this.#engines.form(marks);
    this.#held(() => this.#recreate(AS_IT_IS, this.#component.cpu, form));
    this.#kernel.trimPrograms();
  }

  /** As `Component.place`. */
  place(cpu: number): string | undefined {
    const { engine, parts, program, threads } = this.#component;
    if (cpu === this.#component.cpu) {
      parts.spread();
      return undefined;
    }
    if (program.info.memories.some(({ shared }) => !shared)) {
      return "a memory that cannot be shared (64-bit, or of a program with waits)";
    }
    const lost = engine.lost ?? (cpu === 0 ? undefined : this.#kernel.cpus!.at(cpu).lost);
    if (lost !== undefined) return lost;
    try {
      this.#held(() => this.#kernel.scheduler.move(threads, () => this.#recreate(AS_IT_IS, cpu, this.#component)));
      return undefined;
    } catch (thrown) {
      loadRefusal(thrown); // a bug is thrown on
      return messageOf(thrown);
    }
  }

  #held(body: () => void): void {
    const { cpus } = this.#kernel;
    if (!cpus) return body();
    // With windows others' waits end with its own (Waits, I4).
    if (this.#component.windows) cpus.still(body);
    else cpus.held(body);
  }

  #recreate(carry: Carry, cpu: number, form: Form): void {
    const { engine, label, onStack, parts, waits } = this.#component;
    if (onStack) throw new EngineFault("busy", `${label} runs: expected all its threads frozen`);
    engine.saveGlobals();
    const waiters = waits.settle();
    try {
      parts.gather();
      this.#replace(this.#engines.like(engine, cpu, form, carry));
    } finally {
      parts.spread();
      waits.resume(waiters);
    }
  }

  #replace(fresh: FreshEngine): void {
    const component = this.#component;
    const { engine: before, program } = component;
    this.#kernel.abandon(component, before);
    component.use(fresh.engine, fresh);
    const byId = new Map(fresh.threads.map((thread) => [thread.id, thread]));
    for (const thread of component.threads) {
      thread.activations = thread.activations.map(({ engine, role }) => ({
        engine: required(byId.get(engine.id), `thread ${engine.id}`),
        role,
      }));
      thread.entrypoint?.serveIn(fresh.engine);
    }
    this.#kernel.adopt(component, fresh.engine);
    component.home?.readopt(component, fresh.engine.cpu !== before.cpu || fresh.program !== program);
    before.dispose();
  }
}
