// A group: linked instances that are frozen together, and their threads, on one CPU (one JavaScript thread).
//
// One thread runs at a time. `run` lets it go until it ends or gives way; whoever asks for a freeze sets the flag in
// the control memory, from any JavaScript thread, and the next poll throws the freeze (frame-code in instrument/).
//
// I1  At most one thread's records are resident in the control memory.
// I2  While a host function has called back into the guest, no poll gives way: JavaScript frames cannot be saved.
// I3  After a thaw at a poll, that poll is passed once without giving way: every freeze makes progress.
//
// Above 400 lines: running, freezing, thawing and ending share the thread that runs and what is resident. Records, host
// calls, hooks and references, which can stand alone, have files of their own.

import {
  CONTROL,
  HOOK,
  type HostImports,
  RECORD,
  type SavedFrame,
  type SavedHostCall,
  type SavedInstance,
  type SavedThread,
  type Signature,
} from "../abi/index.ts";
import { assert, type Plain, type PlainWriter, plainOf } from "../util/index.ts";
import { Control } from "./control.ts";
import { EngineFault } from "./faults.ts";
import {
  type FramesPolicy,
  type GrowthPolicy,
  memoryHooks,
  SMALL_FRAMES_BYTES,
  type TablePolicy,
  type ThreadFault,
  unparkable,
} from "./hooks.ts";
import { HostCalls } from "./host-calls.ts";
import { Instance } from "./instance.ts";
import { Records } from "./records.ts";
import { References } from "./references.ts";
import type { Rewritten } from "./rewritten.ts";
import { type Compile, ContinuationTable, type Shared } from "./side-modules.ts";
import { type Ending, type Entry, endSaved, saveEntry, stackExhausted, Thread } from "./thread.ts";
import { fromSaved, saveValues } from "./values.ts";
import type { Windows } from "./windows/index.ts";
import { wasmFunction } from "./wrap.ts";

const NOTHING: Signature = { params: [], results: [] };
const NO_FRAMES: readonly SavedFrame[] = [];

/** Decides at a poll that found the flag set whether the thread gives way. */
export type PollPolicy = () => boolean;

export interface GroupOptions {
  readonly compile?: Compile;
  /** A host call that would block gives way instead (default: it blocks this JavaScript thread); see Thread.parked. */
  readonly parks?: boolean;
  /** What `memory.atomic.wait` does (default: blocks this JavaScript thread, in slices). */
  readonly atomicWait?: AtomicWait;
}

/**
 * @param memory index in the instance; negative: that of its windows' pool
 * @param width bytes; negative: the value in memory is not the expected one
 * @returns an outcome of WAIT, and the nanoseconds that are left if it is "interrupted"
 */
export type AtomicWait = (
  instance: Instance,
  memory: number,
  address: bigint,
  expected: bigint,
  timeout: bigint,
  width: number,
) => [outcome: number, remainingNs: bigint];

/** A function that a host calls many times as a short thread of its own; see `Group.direct`. */
export interface DirectCall {
  readonly entry: Entry;
  readonly fn: (w: number, x: number, y: number, z: number) => unknown;
  /** The thread that the last call has become because it froze or did not return. */
  thread: Thread | undefined;
}

export interface AddOptions {
  readonly saved?: SavedInstance | undefined;
  readonly windows?: Windows | undefined;
}

export class Group {
  readonly control = new Control();
  readonly instances: Instance[] = [];
  readonly threads: Thread[] = [];
  readonly references: References;
  readonly hostCalls: HostCalls;
  /** Asked at every poll while the flag is set; by default every poll gives way. */
  policy: PollPolicy = () => true;
  /** Called at a poll that cannot give way, because a host function has called back into the guest. */
  held: () => void = () => {};
  /** Asked at memory.grow of programs that were rewritten with `growth`; by default it is done. */
  onGrow: GrowthPolicy = () => "grow";
  /** Asked at table.grow of the same; by default it is done. */
  onGrowTable: TablePolicy = () => true;
  onFrames: FramesPolicy = () => true;
  readonly parks: boolean;
  readonly atomicWait: AtomicWait | undefined;
  /** Polls that found the flag set. */
  polls = 0;
  readonly #freezeTag = new WebAssembly.Tag({ parameters: [] });
  readonly #freeze = new WebAssembly.Exception(this.#freezeTag, []);
  readonly #records: Records;
  readonly #shared: Shared;
  readonly #compile: Compile;
  /** Stands for whatever runs in `direct`. */
  readonly #directly = new Thread(0, { instance: 0, function: 0, name: "" }, []);
  #resident: Thread | undefined;
  #running: Thread | undefined;
  #skip = false;
  #nextThread = 1;

  constructor(options: GroupOptions = {}) {
    this.#compile = options.compile ?? ((bytes) => new WebAssembly.Module(bytes as BufferSource));
    this.parks = options.parks ?? false;
    this.atomicWait = options.atomicWait;
    this.references = new References(this.instances);
    this.#records = new Records(this.control, this.instances, this.references);
    this.hostCalls = new HostCalls(this, this.#freeze);
    this.#shared = {
      control: this.control,
      freezeTag: this.#freezeTag,
      continuations: new ContinuationTable(),
      pollHook: wasmFunction(NOTHING, () => this.#poll()) as unknown as WebAssembly.ExportValue,
    };
    this.control.reset();
  }

  /**
   * Adds an instance.
   *
   * @param imports host functions by module and name
   * @param links other imports: exports of instances added before, memories, tables, globals, tags
   * @param options `saved`: what a restore will bring: the instance is not initialised, its memories and tables have their saved
   *   sizes at once, because instances that are added later may need them
   *   `windows`: those of a program that was rewritten with them; all instances of a component have the same
   * @throws what instantiating does. If the instance has left functions in a table of others before, it stays in the
   *   group, because they can still be called
   */
  add(
    name: string,
    program: Rewritten,
    imports: HostImports = {},
    links: WebAssembly.Imports = {},
    { saved, windows }: AddOptions = {},
  ): Instance {
    const instance = this.#instantiate(name, program, imports, links, windows);
    this.instances.push(instance);
    if (saved) {
      instance.growTo(saved);
      return instance;
    }
    try {
      instance.initialise();
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
    windows: Windows | undefined,
  ): Instance {
    const number = this.instances.length;
    const given: Record<string, Record<string, unknown>> = {};
    for (const { module, name: field, kind, instant } of program.info.imports) {
      const host = imports[module]?.[field];
      const link = links[module]?.[field];
      if (host === undefined && link === undefined) {
        throw new EngineFault("link", `${name}: import ${kind} ${module}.${field} is missing`, { module, name: field });
      }
      if (instant && (link !== undefined || host!.freeze !== "instant")) {
        const what = link === undefined ? "a restartable host function" : "a function of an instance";
        const message = `${name}: import ${module}.${field} is ${what}, but the program was rewritten for an instant one`;
        throw new EngineFault("link", message, { module, name: field });
      }
      (given[module] ??= {})[field] = link ?? this.hostCalls.wrap(module, field, host!, number);
    }
    return new Instance(
      name,
      number,
      program,
      given as WebAssembly.Imports,
      this.#shared,
      (instance) => [[HOOK.poll, this.#shared.pollHook], ...memoryHooks(this, instance)],
      this.#compile,
      windows,
    );
  }

  /** Forgets a thread that stands still: it will never run again. */
  drop(thread: Thread): void {
    assert(this.#running !== thread, `thread ${thread.id} stands still`);
    if (this.#resident === thread) this.#resident = undefined;
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
    this.#makeResident(thread);
    if (thread.state === "frozen") this.#prepare();
  }

  /**
   * Lets a thread run until it ends (its `ending` says how) or is frozen.
   *
   * @throws EngineFault "stack-depth" if this engine's stack cannot hold a frozen thread's frames; it stays frozen
   */
  run(thread: Thread): void {
    assert(!this.#running, "one thread runs at a time");
    assert(thread.state === "ready" || thread.state === "frozen", `thread ${thread.id} can run`);
    this.#makeResident(thread);
    const go = thread.state === "frozen" ? this.#thaw(thread) : () => this.#begin(thread);
    this.#running = thread;
    thread.fault = undefined;
    thread.state = "running";
    try {
      const results = go();
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
    if (this.#resident) this.#makeRoom();
    control.set(CONTROL.resume, 0);
    control.reset();
    this.#running = this.#directly;
    try {
      return call.fn(w, x, y, z) as number;
    } catch (thrown) {
      const thread = this.spawn(call.entry, [w, x, y, z]);
      call.thread = thread;
      this.#resident = thread;
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
    this.beginSaved(thread, to);
    endSaved(thread.hostCall !== undefined, thread.hostCall?.progress, to);
  }

  /** Begins what `endSaved` ends. */
  beginSaved(thread: Thread, to: PlainWriter): void {
    const { id, entry, state, hostCall } = thread;
    assert(state === "frozen" || state === "ready", "a thread that is saved stands still");
    const frozen = state === "frozen";
    to.fields();
    to.put("id", id);
    to.field("entry");
    saveEntry(entry, to);
    to.field("frames");
    this.#writeFrames(frozen ? thread : undefined, to);
    to.field("args");
    const { params } = frozen ? NOTHING : this.instances[entry.instance]!.program.signature(entry.function);
    saveValues(thread.args, params, this.references, to);
    if (!hostCall) return;
    to.field("hostCall");
    this.hostCalls.beginSaved(hostCall, thread.hostArgs, to);
  }

  /** Takes up a saved thread. */
  restore(saved: SavedThread): Thread {
    const thread = new Thread(
      saved.id,
      saved.entry,
      saved.args.map((value) => fromSaved(value, this.references)),
    );
    this.#nextThread = Math.max(this.#nextThread, saved.id + 1);
    if (saved.frames.length > 0 || saved.hostCall) {
      thread.asked = saved.frames.length > 0; // it may have been asked about before it was saved
      thread.state = "frozen";
      thread.frames = saved.frames;
      thread.hostCall = saved.hostCall;
      thread.hostArgs = saved.hostCall?.args.map((value) => fromSaved(value, this.references)) ?? [];
    }
    this.threads.push(thread);
    return thread;
  }

  /** The frames of a frozen thread, outermost first. */
  frames(thread: Thread): readonly SavedFrame[] {
    return plainOf((to) => this.#writeFrames(thread, to)) as unknown as readonly SavedFrame[];
  }

  #writeFrames(thread: Thread | undefined, to: PlainWriter): void {
    if (thread?.moved) this.#records.saveMoved(thread.moved, to);
    else if (thread && this.#resident === thread) this.#records.save(to);
    else to.plain((thread?.frames ?? NO_FRAMES) as unknown as Plain);
  }

  /** How many bytes the frames of its threads, which stand still, take at least. */
  get stackBytes(): number {
    const resident = this.#resident ? this.control.get(CONTROL.top) - CONTROL.frames : 0;
    const others = this.threads.map(
      ({ moved, frames }) => moved?.view.byteLength ?? (frames?.length ?? 0) * RECORD.values,
    );
    return others.reduce((sum, bytes) => sum + bytes, resident);
  }

  /** @throws EngineFault "mismatch" if a frame does not fit its program */
  checkFrames(frames: readonly SavedFrame[], hostCall: boolean): void {
    this.#records.check(frames, hostCall);
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
  #fault: ThreadFault | undefined;

  #makeResident(thread: Thread): void {
    const before = this.#resident;
    if (before === thread) return;
    if (thread.asked) this.onFrames(thread.id, 0);
    thread.asked = false;
    this.#makeRoom();
    this.control.reset();
    if (thread.frames) this.#records.write(thread.frames);
    if (thread.moved) this.#records.put(thread.moved);
    thread.frames = undefined;
    thread.moved = undefined;
    this.#resident = thread;
  }

  #makeRoom(): void {
    const thread = this.#resident;
    this.#resident = undefined;
    if (!thread) return;
    const { bytes } = this.#records;
    thread.asked = bytes > SMALL_FRAMES_BYTES;
    if (!thread.asked || this.onFrames(thread.id, bytes)) thread.moved = this.#records.take();
    else
      this.#end(thread, {
        kind: "exhausted",
        error: new EngineFault("no-memory", `no room for frames of ${bytes} bytes`),
      });
  }

  #begin(thread: Thread): unknown {
    this.control.set(CONTROL.resume, 0);
    this.control.reset();
    return this.instances[thread.entry.instance]!.function(thread.entry.function)(...thread.args);
  }

  /** Makes a frozen thread's continuations; what is returned lets it go on. */
  #thaw(thread: Thread): () => unknown {
    const records = this.#prepare();
    const { hostCall } = thread;
    for (const { address, instance, layout, site } of records) {
      this.control.view.setInt32(address + RECORD.slot, instance.side.slot(layout.number, site.number)!, true);
    }
    const innermost = records.at(-1);
    if (hostCall) return this.#thawHostCall(hostCall, thread.hostArgs, innermost?.address);
    assert(innermost, "a frozen thread has a frame");
    return () => {
      this.#skip = innermost.site.kind === "entry" || innermost.site.kind === "loop";
      return this.#resume(innermost.address);
    };
  }

  /** Makes the continuations for the resident records, which it returns. */
  #prepare(): ReturnType<Records["list"]> {
    const records = this.#records.list();
    for (const instance of this.instances) {
      const own = records.filter((record) => record.instance === instance);
      if (own.length > 0)
        instance.side.prepare(own.map(({ layout, site }) => ({ layout: layout.number, site: site.number })));
    }
    return records;
  }

  /** Lets the outermost frame's continuation take up its record, and so on inwards. */
  #resume(innermost: number): unknown {
    const { control } = this;
    const outermost = control.get(CONTROL.last);
    const slot = control.view.getInt32(outermost + RECORD.slot, true);
    this.#pending = { last: outermost, top: control.get(CONTROL.top), refs: control.get(CONTROL.refs), innermost };
    control.set(CONTROL.resume, outermost);
    control.reset(); // all records are read before the first new one is written
    return this.#shared.continuations.at(slot)();
  }
  /** The control words of the records that are being taken up. */
  #pending = { last: 0, top: 0, refs: 0, innermost: 0 };

  /** @param innermost the frame that had called the host function; none if the thread began with it */
  #thawHostCall(hostCall: SavedHostCall, args: readonly unknown[], innermost: number | undefined): () => unknown {
    const { control } = this;
    const again = this.hostCalls.reissue(hostCall, args);
    const slot = this.#hostSlot(again.type, () => {
      control.set(CONTROL.resume, 0);
      return again.call();
    });
    if (innermost === undefined) return () => this.#shared.continuations.at(slot)();
    const address = control.get(CONTROL.top);
    control.reserve(address, RECORD.values);
    control.view.setInt32(address + RECORD.slot, slot, true);
    return () => {
      control.view.setInt32(innermost + RECORD.inner, address, true);
      return this.#resume(innermost);
    };
  }

  /** The slot of the continuation table that issues the next host call again: one for each type of results. */
  #hostSlot(type: Signature, call: () => unknown): number {
    this.#hostCall = call;
    const key = type.results.join();
    let slot = this.#hostSlots.get(key);
    if (slot === undefined) {
      const again = wasmFunction({ params: [], results: type.results }, () => this.#hostCall());
      this.#hostSlots.set(key, (slot = this.#shared.continuations.add(again)));
    }
    return slot;
  }
  readonly #hostSlots = new Map<string, number>();
  #hostCall: () => unknown = () => {};

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
    const { control } = this;
    if (control.get(CONTROL.resume) === 0) return this.#end(thread, { kind: "exhausted", error });
    control.set(CONTROL.resume, 0);
    for (const word of ["last", "top", "refs"] as const) control.set(CONTROL[word], this.#pending[word]);
    control.view.setInt32(this.#pending.innermost + RECORD.inner, 0, true); // it named the host call
    const frames = control.records().length;
    thread.state = "frozen";
    throw new EngineFault(
      "stack-depth",
      `thread ${thread.id} has ${frames} frames, more than this engine's stack holds`,
      {
        thread: thread.id,
        frames,
      },
    );
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
    this.#resident = undefined;
    this.#remove(thread);
  }
}
