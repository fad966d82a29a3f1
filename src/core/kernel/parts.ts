// Where threads of a component run that are not on its CPU: threads of `thread-spawn`, which have instances of their own.
//
// A further CPU has a part of the component: an engine with instances of the same numbers over the same memory. Which CPU a
// thread is on follows from its affinity and the number of its instance alone (`Cpus.inTurn`), so a checkpoint need not
// say it, and a restore places threads by the affinities and CPUs that there are then.
//
// I1  An instance is used in one engine: that of its thread (`KernelThread.part`). Elsewhere nothing of its number counts.
// I2  Instances change engines while nothing of the component runs, and nothing begins to run.
import type { SavedGroup, SavedInstance, SavedThread } from "../../abi/index.ts";
import { beginOutside, endOutside, type Thread } from "../../engine/index.ts";
import { messageOf, type PlainWriter, plainOf, required } from "../../util/index.ts";
import type { Component } from "./component.ts";
import { type ComponentEngine, LocalEngine } from "./engine.ts";
import type { Engines } from "./engines.ts";
import { partNumber } from "./growth.ts";
import { frameKey } from "./held-frames.ts";
import type { Kernel } from "./kernel.ts";
import { loadRefusal, onOneCpu, threadsOnOneCpu } from "./program.ts";
import type { KernelThread } from "./thread.ts";

export class Parts {
  readonly #kernel: Kernel;
  readonly #component: Component;
  readonly #engines: Engines;
  /** By CPU. */
  readonly #made = new Map<number, ComponentEngine>();
  /** CPUs that have none, because it could not be made. */
  readonly #refused = new Set<number>();
  /** Why all threads are on the component's CPU; undefined: they can be on several. */
  readonly #together: string | undefined;
  /** Whether that has been said. */
  #said = false;

  /** @param original the module as it came */
  constructor(kernel: Kernel, component: Component, engines: Engines, original: Uint8Array) {
    this.#kernel = kernel;
    this.#component = component;
    this.#engines = engines;
    this.#together = kernel.cpus ? onOneCpu(component, original) : "there is only one";
  }

  /** How many calls into the component have not returned. */
  get standing(): number {
    let sum = this.#component.engine.threads;
    for (const { threads } of this.#made.values()) sum += threads;
    return sum;
  }

  /** Makes what `writeOutside` and states of threads need, so that they make nothing. */
  prepareCapture(): void {
    this.#component.engine.prepare();
    for (const engine of this.#made.values()) engine.prepare();
  }

  /** How many instances one has. @param part as of `partNumber` */
  instancesOn(part: number): number {
    return this.#made.get(part - 1)?.instances ?? 0;
  }

  /** That of CPU 0, if it is one of these. */
  get local(): LocalEngine | undefined {
    const found = this.#made.get(0);
    return found instanceof LocalEngine ? found : undefined;
  }

  /** Whether a thread is where its component is. */
  follows({ instance }: KernelThread): boolean {
    return instance === 0 || this.#together !== undefined;
  }

  /** A new thread, whose instance is as new, is where it is to be. */
  begin(thread: KernelThread): void {
    this.#sayTogether(thread);
    const part = this.#wanted(thread);
    try {
      if (part?.renew(thread.instance)) thread.part = part;
    } catch (thrown) {
      loadRefusal(thrown); // a bug is thrown on
    }
  }

  /** A thread is not where it would be if its program were another: once for all of them. */
  #sayTogether({ wanted, instance }: KernelThread): void {
    const { cpus } = this.#kernel;
    const { cpu } = this.#component;
    if (this.#said || !cpus || this.#together === undefined || cpus.inTurn(wanted, instance) === cpu) return;
    this.#said = true;
    this.#warn(threadsOnOneCpu(cpu, this.#together));
  }

  /** The engine that has an instance in which a thread is, or shall be. */
  engineOf(instance: number, of: KernelThread): ComponentEngine {
    return this.#partOf(instance, of) ?? this.#component.engine;
  }

  /** The number of that one's part. */
  numberOf(instance: number, of: KernelThread): number {
    const part = this.#partOf(instance, of);
    return part ? partNumber(part.cpu) : 0;
  }

  #partOf(instance: number, of: KernelThread): ComponentEngine | undefined {
    if (of.instance === instance) return of.part;
    return this.#component.threads.find((thread) => thread.instance === instance)?.part;
  }

  /** Threads go where they are to be; where that cannot be they stay, with a warning. */
  spread(): void {
    for (const thread of this.#component.threads) this.settle(thread);
  }

  /** A thread goes where it is to be. */
  settle(thread: KernelThread): void {
    if (this.follows(thread)) return;
    const part = this.#wanted(thread);
    const { instance, component } = thread;
    const shared = component.threads.some((other) => other !== thread && other.instance === instance);
    if (part === thread.part || shared) return;
    const { cpus, scheduler } = this.#kernel;
    try {
      cpus!.held(() => scheduler.move([thread], () => this.#move(thread, part)));
    } catch (thrown) {
      loadRefusal(thrown); // a bug is thrown on
      this.#warn(`thread "${thread.name}" stays on CPU ${thread.cpu}: ${messageOf(thrown)}`);
    }
  }

  /** All threads are in the component's own engine, as before there were others. @throws EngineFault, CpuFault */
  gather(): void {
    for (const thread of this.#component.threads) {
      if (thread.part) this.#kernel.scheduler.move([thread], () => this.#move(thread, undefined));
    }
    this.dispose();
  }

  /** No thread has anything in any of them. */
  dispose(): void {
    for (const engine of this.#made.values()) {
      this.#kernel.abandon(this.#component, engine);
      engine.dispose();
    }
    this.#made.clear();
    this.#refused.clear();
    this.#component.holdings.endParts();
    for (const thread of this.#component.threads) if (thread.part) this.#assign(thread, undefined);
  }

  /** A thread without activations is in an instance of a number, and where that is to be. */
  house(thread: KernelThread, instance: number): void {
    const part = this.#partOf(instance, thread);
    if (part !== thread.part) this.#assign(thread, part);
    thread.instance = instance;
    this.settle(thread);
  }

  #assign(thread: KernelThread, part: ComponentEngine | undefined): void {
    this.#kernel.scheduler.move([thread], () => {
      thread.part = part;
    });
  }

  /** What `writeOutside` gave, while nothing of the component runs and no thread has begun. @throws EngineFault */
  restoreOutside(saved: SavedGroup): void {
    this.dispose();
    const { engine } = this.#component;
    engine.ensureInstances(saved.instances.length);
    engine.restoreOutside(saved);
  }

  /** Writes what `writeOutside` of one engine with all instances would. @throws EngineFault */
  writeOutside(to: PlainWriter): void {
    const { engine, threads } = this.#component;
    if (!threads.some(inPart)) return engine.writeOutside(to);
    const parts: ComponentEngine[] = [];
    for (const { instance, part } of threads) if (part) parts[instance] = part;
    const begin = beginOutside(to);
    const { instances } = engine;
    for (let number = 0; number < instances; number++) (parts[number] ?? engine).writeInstance(number, to);
    endOutside(begin, instances, to);
  }

  /** Undefined: the component's own. */
  #wanted(thread: KernelThread): ComponentEngine | undefined {
    if (this.follows(thread)) return undefined;
    const cpu = this.#kernel.cpus!.inTurn(thread.wanted, thread.instance);
    return cpu === this.#component.cpu ? undefined : (this.#made.get(cpu) ?? this.#make(cpu));
  }

  #make(cpu: number): ComponentEngine | undefined {
    if (this.#refused.has(cpu)) return undefined;
    try {
      const [memory] = required(this.#component.engine.memories(0), "an instance");
      const engine = this.#engines.further(cpu, memory!);
      this.#made.set(cpu, engine);
      this.#kernel.adopt(this.#component, engine);
      return engine;
    } catch (thrown) {
      loadRefusal(thrown); // a bug is thrown on
      this.#refused.add(cpu);
      this.#warn(`none of its threads on CPU ${cpu}: ${messageOf(thrown)}`);
      return undefined;
    }
  }

  /** @throws EngineFault, CpuFault: the thread is where it was */
  #move(thread: KernelThread, part: ComponentEngine | undefined): void {
    const { engine: from, partNumber: number, instance, activations, entrypoint } = thread;
    const to = part ?? this.#component.engine;
    const state = plainOf((writer) => from.writeInstance(instance, writer)) as unknown as SavedInstance;
    const stacks = activations.map(
      ({ engine }) => plainOf((writer) => from.write(engine, writer)) as unknown as SavedThread,
    );
    to.restoreInstance(instance, state);
    const engines = restoreAll(to, stacks);
    thread.part = part;
    thread.activations = activations.map(({ role }, index) => ({ engine: engines[index]!, role }));
    entrypoint?.serveIn(to);
    for (const { engine } of activations) from.drop(engine);
    const { frames } = this.#component.holdings;
    activations.forEach(({ engine }, index) => {
      frames.rename(frameKey(number, engine.id), frameKey(thread.partNumber, engines[index]!.id));
    });
    from.forget(thread);
  }

  #warn(message: string): void {
    this.#kernel.warn(`${this.#component.label}: ${message}`);
  }
}

/** @throws EngineFault, CpuFault: then none of them is there */
function restoreAll(engine: ComponentEngine, stacks: readonly SavedThread[]): readonly Thread[] {
  const restored: Thread[] = [];
  try {
    for (const saved of stacks) restored.push(engine.restore(saved));
    return restored;
  } catch (thrown) {
    for (const each of restored) engine.drop(each);
    throw thrown;
  }
}

function inPart({ part }: KernelThread): boolean {
  return part !== undefined;
}
