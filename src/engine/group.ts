// A group: linked instances that are frozen together, and their threads, on one CPU (one JavaScript thread).
//
// One thread runs at a time. `run` lets it go until it ends or gives way; whoever asks for a freeze sets the flag in
// the control memory, from any JavaScript thread, and the next poll throws the freeze (frame-code in instrument/).
//
// I1  At most one thread's records are resident in the control memory.
// I2  While a host function has called back into the guest, no poll gives way: JavaScript frames cannot be saved.
// I3  After a thaw at a poll, that poll is passed once without giving way: every freeze makes progress.
//
// Not here: where frames are while their threads stand still (stacks.ts), how those go on (thaws.ts), saved state
// (saved-thread.ts, capture.ts).

import { CONTROL, HOOK, type HostImports, type SavedInstance, type SavedThread } from "../abi/index.ts";
import { assert, type PlainWriter, plainOf } from "../util/index.ts";
import { Control } from "./control.ts";
import { EngineFault } from "./faults.ts";
import { type GrowthPolicy, memoryHooks, type TablePolicy, type ThreadFault, unparkable } from "./hooks.ts";
import { HostCalls } from "./host-calls.ts";
import { Instance, type OptionalMemories } from "./instance.ts";
import { linked } from "./linking.ts";
import { References } from "./references.ts";
import type { Rewritten } from "./rewritten.ts";
import { beginSaved, endSaved, restoredThread } from "./saved-thread.ts";
import { type Compile, ContinuationTable, type Shared } from "./side-modules.ts";
import { Stacks } from "./stacks.ts";
import { Thaws } from "./thaws.ts";
import { type Ending, type Entry, stackExhausted, Thread } from "./thread.ts";
import type { AtomicWait } from "./wait.ts";
import { wasmFunction } from "./wrap.ts";

/** Decides at a poll that found the flag set whether the thread gives way. */
export type PollPolicy = () => boolean;

export interface GroupOptions {
  readonly compile?: Compile;
  /** A host call that would block gives way instead (default: it blocks this JavaScript thread); see Thread.parked. */
  readonly parks?: boolean;
  /** What `memory.atomic.wait` does (default: blocks this JavaScript thread, in slices). */
  readonly atomicWait?: AtomicWait;
}

/** A function that a host calls many times as a short thread of its own; see `Group.direct`. */
export interface DirectCall {
  readonly entry: Entry;
  readonly fn: (w: number, x: number, y: number, z: number) => unknown;
  /** The thread that the last call has become because it froze or did not return. */
  thread: Thread | undefined;
}

export interface AddOptions extends OptionalMemories {
  readonly saved?: SavedInstance | undefined;
}

export class Group {
  readonly control = new Control();
  readonly instances: Instance[] = [];
  readonly threads: Thread[] = [];
  readonly references: References;
  readonly hostCalls: HostCalls;
  readonly stacks: Stacks;
  /** Asked at every poll while the flag is set; by default every poll gives way. */
  policy: PollPolicy = () => true;
  /** Called at a poll that cannot give way, because a host function has called back into the guest. */
  held: () => void = () => {};
  /** Asked at memory.grow of programs that were rewritten with `growth`; by default it is done. */
  onGrow: GrowthPolicy = () => "grow";
  /** Asked at table.grow of the same; by default it is done. */
  onGrowTable: TablePolicy = () => true;
  readonly parks: boolean;
  readonly atomicWait: AtomicWait | undefined;
  /** Polls that found the flag set. */
  polls = 0;
  readonly #freezeTag = new WebAssembly.Tag({ parameters: [] });
  readonly #freeze = new WebAssembly.Exception(this.#freezeTag, []);
  readonly #thaws: Thaws;
  readonly #shared: Shared;
  readonly #compile: Compile;
  /** Stands for whatever runs in `direct`. */
  readonly #directly = new Thread(0, { instance: 0, function: 0, name: "" }, []);
  #running: Thread | undefined;
  /** Whether the next poll is passed (I3). */
  #skip = false;
  /** What the running thread waits for, when it is about to be frozen. */
  #fault: ThreadFault | undefined;
  #nextThread = 1;

  constructor(options: GroupOptions = {}) {
    this.#compile = options.compile ?? ((bytes) => new WebAssembly.Module(bytes as BufferSource));
    this.parks = options.parks ?? false;
    this.atomicWait = options.atomicWait;
    const { control, instances } = this;
    this.references = new References(instances);
    this.stacks = new Stacks(control, instances, this.references, (thread, ending) => this.#end(thread, ending));
    this.hostCalls = new HostCalls(this, this.#freeze);
    const continuations = new ContinuationTable();
    this.#shared = {
      control,
      freezeTag: this.#freezeTag,
      continuations,
      pollHook: wasmFunction({ params: [], results: [] }, () => this.#poll()) as unknown as WebAssembly.ExportValue,
    };
    const { hostCalls, stacks } = this;
    this.#thaws = new Thaws({ control, instances, records: stacks.records, hostCalls, continuations });
    control.reset();
  }

  /**
   * Adds an instance.
   *
   * @param imports host functions by module and name
   * @param links other imports: exports of instances added before, memories, tables, globals, tags
   * @param options `saved`: what a restore will bring: the instance is not initialised, its memories and tables have their saved
   *   sizes at once, because instances that are added later may need them
   *   `windows`, `marks`, `mirror`: those of a program that was rewritten with them; all instances of a component have the
   *   same. Marks that are not given are made for the instance
   * @throws what instantiating does. If the instance has left functions in a table of others before, it stays in the
   *   group, because they can still be called
   */
  add(
    name: string,
    program: Rewritten,
    imports: HostImports = {},
    links: WebAssembly.Imports = {},
    options: AddOptions = {},
  ): Instance {
    const { saved } = options;
    const instance = this.#instantiate(name, program, imports, links, options);
    this.instances.push(instance);
    if (saved) {
      instance.growTo(saved);
      instance.mirror?.attach(instance.memories[0]!);
      return instance;
    }
    try {
      instance.initialise();
      instance.mirror?.attach(instance.memories[0]!);
    } catch (thrown) {
      if (!instance.reachable()) this.instances.pop();
      throw thrown;
    }
    return instance;
  }

  #instantiate(
    name: string,
    program: Rewritten,
    imports: HostImports,
    links: WebAssembly.Imports,
    options: AddOptions,
  ): Instance {
    const number = this.instances.length;
    const given = linked(name, program, imports, links, (module, field, host) =>
      this.hostCalls.wrap(module, field, host, number),
    );
    return new Instance(
      name,
      number,
      program,
      given,
      this.#shared,
      (instance) => [[HOOK.poll, this.#shared.pollHook], ...memoryHooks(this, instance)],
      this.#compile,
      options,
    );
  }

  /** Forgets a thread that stands still: it will never run again. */
  drop(thread: Thread): void {
    assert(this.#running !== thread, `thread ${thread.id} stands still`);
    this.stacks.forget(thread);
    this.#remove(thread);
    thread.state = "ended";
  }

  #remove(thread: Thread): void {
    const index = this.threads.indexOf(thread);
    if (index >= 0) this.threads.splice(index, 1);
  }

  /** The number that the next new thread gets. */
  get nextThread(): number {
    return this.#nextThread;
  }

  /** A new thread that will call a function of the original. */
  spawn(entry: Entry, args: readonly unknown[]): Thread {
    const thread = new Thread(this.#nextThread++, entry, args);
    this.threads.push(thread);
    return thread;
  }

  /** Asks the running thread to give way at its next poll; callable from any JavaScript thread that has the words. */
  request(): void {
    Atomics.store(this.control.words, CONTROL.flag >> 2, 1);
    this.wake();
  }

  /** Blocked host calls look again whether they can go on. */
  wake(): void {
    Atomics.add(this.control.words, CONTROL.event >> 2, 1);
    Atomics.notify(this.control.words, CONTROL.event >> 2);
  }

  /** Takes back a request. */
  release(): void {
    Atomics.store(this.control.words, CONTROL.flag >> 2, 0);
  }

  get requested(): boolean {
    return Atomics.load(this.control.words, CONTROL.flag >> 2) !== 0;
  }

  /** Whether a thread is inside the guest now. */
  get running(): Thread | undefined {
    return this.#running;
  }

  /** Makes the continuations of a frozen thread now, while something else is waited for; `run` would make them. */
  prepare(thread: Thread): void {
    this.stacks.makeResident(thread);
    if (thread.state === "frozen") this.#thaws.prepare();
  }

  /**
   * Lets a thread run until it ends (its `ending` says how) or is frozen.
   *
   * @throws EngineFault "stack-depth" if this engine's stack cannot hold a frozen thread's frames; it stays frozen
   */
  run(thread: Thread): void {
    assert(!this.#running, "one thread runs at a time");
    assert(thread.state === "ready" || thread.state === "frozen", `thread ${thread.id} can run`);
    this.stacks.makeResident(thread);
    const thawed = thread.state === "frozen" ? this.#thaws.thaw(thread) : undefined;
    this.#running = thread;
    thread.fault = undefined;
    thread.state = "running";
    try {
      this.#skip = thawed?.atPoll ?? false;
      const results = thawed ? thawed.go() : this.#begin(thread);
      this.#end(thread, {
        kind: "returned",
        results: Array.isArray(results) ? results : results === undefined ? [] : [results],
      });
    } catch (thrown) {
      this.#stopped(thread, thrown);
    } finally {
      this.#running = undefined;
      this.#skip = false;
    }
  }

  /**
   * Calls a function as a new thread's whole work, and makes that thread only if the function freezes or does not return.
   *
   * @returns its result; undefined: see `call.thread`
   */
  direct(call: DirectCall, w: number, x: number, y: number, z: number): number | undefined {
    assert(!this.#running, "one thread runs at a time");
    const { control } = this;
    this.stacks.makeRoom();
    control.set(CONTROL.resume, 0);
    control.reset();
    this.#running = this.#directly;
    try {
      return call.fn(w, x, y, z) as number;
    } catch (thrown) {
      const thread = this.spawn(call.entry, [w, x, y, z]);
      call.thread = thread;
      this.stacks.adopt(thread);
      this.#stopped(thread, thrown);
      return undefined;
    } finally {
      this.#running = undefined;
      this.#skip = false;
    }
  }

  /** A frozen or new thread as saved state. The thread stays as it is. */
  save(thread: Thread): SavedThread {
    return plainOf((to) => this.write(thread, to)) as unknown as SavedThread;
  }

  /** Writes what `save` gives. */
  write(thread: Thread, to: PlainWriter): void {
    beginSaved(this, thread, to);
    endSaved(thread.hostCall !== undefined, thread.hostCall?.progress, to);
  }

  /** Takes up a saved thread. */
  restore(saved: SavedThread): Thread {
    const thread = restoredThread(saved, this.references);
    this.#nextThread = Math.max(this.#nextThread, saved.id + 1);
    this.threads.push(thread);
    return thread;
  }

  #poll(): void {
    if (this.#skip) {
      this.#skip = false;
      return;
    }
    this.polls++;
    if (this.hostCalls.depth > 0 || !this.#running) return this.held();
    if (this.policy()) throw this.#freeze;
  }

  /** At a host call that may block: whether the thread gives way. `own` counts that call if it is on the stack. */
  giveWay(own: number): boolean {
    if (!this.requested || this.hostCalls.depth > own || !this.#running) return false;
    this.polls++;
    return this.policy();
  }

  /** Freezes the running thread at the operation on memory that has called this. */
  park(fault: ThreadFault): never {
    if (this.hostCalls.depth > 0 || !this.#running) throw unparkable(fault);
    this.noteFault(fault);
    throw this.#freeze;
  }

  /** Notes what the running thread, which is about to be frozen, waits for. */
  noteFault(fault: ThreadFault): void {
    this.#fault = fault;
  }

  #begin(thread: Thread): unknown {
    this.control.set(CONTROL.resume, 0);
    this.control.reset();
    return this.instances[thread.entry.instance]!.function(thread.entry.function)(...thread.args);
  }

  #stopped(thread: Thread, thrown: unknown): void {
    const fault = this.#fault;
    this.#fault = undefined;
    const exit = this.hostCalls.takeExit();
    if (exit !== undefined) return this.#end(thread, { kind: "exited", code: exit });
    if (thrown instanceof WebAssembly.Exception && thrown.is(this.#freezeTag)) {
      const frozen = this.hostCalls.takeFrozen();
      if (this.control.get(CONTROL.refused) !== 0) return this.#refuse(thread);
      thread.state = "frozen";
      thread.hostCall = frozen?.saved;
      thread.hostArgs = frozen?.args ?? [];
      thread.parked = frozen?.parked;
      thread.fault = fault;
      return;
    }
    if (thrown instanceof WebAssembly.RuntimeError) return this.#end(thread, { kind: "trapped", error: thrown });
    if (stackExhausted(thrown)) return this.#exhausted(thread, thrown);
    this.#end(thread, { kind: "threw", error: thrown });
  }

  /** The stack was not deep enough: for the program, or already for the frames that it was to go on with. */
  #exhausted(thread: Thread, error: Error): void {
    const frames = this.#thaws.undo();
    // Perhaps between a write and its second one.
    for (const { mirror, memories } of this.instances) mirror?.wrote(0, memories[0]!.buffer.byteLength);
    if (frames === undefined) return this.#end(thread, { kind: "exhausted", error });
    thread.state = "frozen";
    const message = `thread ${thread.id} has ${frames} frames, more than this engine's stack holds`;
    throw new EngineFault("stack-depth", message, { thread: thread.id, frames });
  }

  /** The freeze met something that has no saved form: the thread cannot go on. */
  #refuse(thread: Thread): void {
    this.control.set(CONTROL.refused, 0);
    const what = "a handler that was running holds an exception of a tag that its module does not know";
    this.#end(thread, { kind: "threw", error: new EngineFault("unsaveable", what) });
  }

  #end(thread: Thread, ending: Ending): void {
    thread.state = "ended";
    thread.ending = ending;
    this.stacks.forget(thread);
    this.#remove(thread);
  }
}
