// A component's program as the kernel uses it: instances, engine threads, and the globals that belong to threads.
//
// `LocalEngine` has them in this JavaScript thread. `cpus/remote-engine.ts` stands for one that another CPU has; there it
// is a LocalEngine again.
import type { HostImports, PlainData, SavedFrame, SavedGroup, SavedInstance, SavedThread } from "../../abi/index.ts";
import {
  captureGroup,
  captureOutside,
  checkThread,
  type DirectCall,
  EngineFault,
  type Entry,
  type FramesPolicy,
  type Group,
  type GroupOptions,
  type GrowthPolicy,
  type Marks,
  type MirrorSide,
  memoryBytesOutside,
  type PollPolicy,
  prepareWriting,
  restoreAlone,
  restoreGroup,
  restoreOutside,
  type TablePolicy,
  type Thread,
  tableBytes,
  type Windows,
  writeInstance,
  writeOutside,
} from "../../engine/index.ts";
import type { PlainWriter } from "../../util/index.ts";
import type { LoadedProgram } from "../program.ts";
import { directCall, tableFunction } from "./functions.ts";
import { Instances } from "./instances.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { type GlobalsHolder, OwnGlobals } from "./own-globals.ts";

/** "outside": without memory 0, which belongs to a PD. */
export type CapturedPart = "whole" | "outside";

export interface ComponentEngine {
  /** The CPU that its threads run on. */
  readonly cpu: number;
  /** Why it is no more: its CPU has ended. */
  readonly lost: string | undefined;
  /** The first words of the control memory. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** How many instances there are. */
  readonly instances: number;
  /** How many engine threads have not ended. */
  readonly threads: number;
  /** The memories of an instance; undefined if there is no such instance. */
  memories(instance: number): readonly WebAssembly.Memory[] | undefined;
  /** Sees to it that there are so many instances. */
  ensureInstances(count: number): void;
  /** An instance for another thread that is there already (`Instances.free`). */
  freeInstance(taken: ReadonlySet<number>): number | undefined;
  /** Sees to it that there is an instance of this number, in its first state (`Instances.renew`). */
  renew(number: number): boolean;
  /** The bytes of all tables (`tableBytes` of engine/). */
  tableBytes(): number;
  /** The thread that runs gives way at its next safe point, unless the kernel finds that it need not. */
  request(): void;
  /** @param args numbers */
  spawn(entry: Entry, args: readonly number[]): Thread;
  drop(thread: Thread): void;
  /** The thread has ended, because nobody paid for its frames. */
  lose(thread: Thread): void;
  /** Writes a SavedThread. @throws EngineFault "unsaveable" */
  write(thread: Thread, to: PlainWriter): void;
  /** Takes up a saved thread under a new number. */
  restore(saved: SavedThread): Thread;
  frames(thread: Thread): readonly SavedFrame[];
  /** @throws EngineFault "mismatch" */
  check(saved: SavedThread): void;
  tableFunction(index: number, instance: number): Entry | undefined;
  directCall(entry: Entry): DirectCall;
  /** Everything, threads included. @throws EngineFault */
  capture(part: CapturedPart): SavedGroup;
  /** Brings a fresh engine into a captured state, and gives its threads. @throws EngineFault */
  recreate(saved: SavedGroup, part: CapturedPart): readonly Thread[];
  /** Makes what the next two need, so that they make nothing. */
  prepare(): void;
  /** Writes a SavedGroup of globals, tables, dropped segments. @throws EngineFault */
  writeOutside(to: PlainWriter): void;
  /** @throws EngineFault */
  restoreOutside(saved: SavedGroup): void;
  /** Writes one instance, a SavedInstance of `writeOutside`. @throws EngineFault */
  writeInstance(number: number, to: PlainWriter): void;
  /** Brings one instance, which it makes if there is none of this number, into that state. @throws EngineFault */
  restoreInstance(number: number, saved: SavedInstance): void;
  /** Own globals of a thread that has not run. */
  freshGlobals(stackPointer: number): readonly PlainData[];
  /** Takes the globals that are a thread's own out of the instance: afterwards every thread's are with the thread. */
  saveGlobals(): void;
  /** 0 if the program has none. */
  stackPointerOf(thread: GlobalsHolder): number;
  /** A thread's object is no more. */
  forget(thread: GlobalsHolder & { readonly id: number }): void;
  dispose(): void;
}

/** What a program's growth comes to. */
export interface GrowthPolicies {
  readonly memory: GrowthPolicy;
  readonly tables: TablePolicy;
  readonly frames: FramesPolicy;
}

export interface LocalEngineOptions {
  readonly label: string;
  readonly program: LoadedProgram;
  readonly imports: HostImports;
  readonly group: GroupOptions;
  readonly windows: Windows | undefined;
  readonly marks: Marks | undefined;
  /** Of memory 0. Default: none. */
  readonly mirror?: MirrorSide | undefined;
  /** Indices of the globals that are a thread's own, found in the first instance. */
  readonly own: (group: Group) => readonly number[];
  readonly policy: PollPolicy;
  readonly growth: GrowthPolicies;
  /** Instances to begin with. */
  readonly count?: number;
  /** The memory that the program imports; default: a new one. */
  readonly memory?: WebAssembly.Memory | undefined;
}

export class LocalEngine implements ComponentEngine {
  readonly cpu = 0;
  readonly lost = undefined;
  readonly group: Group;
  readonly own: OwnGlobals;
  readonly #instances: Instances;

  /** @throws as `Instances` */
  constructor(options: LocalEngineOptions) {
    this.#instances = new Instances(options, options.count);
    const { group } = this.#instances;
    this.group = group;
    group.policy = options.policy;
    group.onGrow = options.growth.memory;
    group.onGrowTable = options.growth.tables;
    group.stacks.policy = options.growth.frames;
    this.own = new OwnGlobals(options.own(group), group.instances[0]!);
  }

  get words(): Int32Array<SharedArrayBuffer> {
    return this.group.control.words;
  }

  get instances(): number {
    return this.group.instances.length;
  }

  get threads(): number {
    return this.group.threads.length;
  }

  memories(instance: number): readonly WebAssembly.Memory[] | undefined {
    return this.group.instances[instance]?.memories;
  }

  ensureInstances(count: number): void {
    this.#instances.ensure(count);
  }

  freeInstance(taken: ReadonlySet<number>): number | undefined {
    return this.#instances.free(taken);
  }

  tableBytes(): number {
    return tableBytes(this.group.instances);
  }

  renew(number: number): boolean {
    return this.#instances.renew(number);
  }

  request(): void {
    this.group.request();
  }

  spawn(entry: Entry, args: readonly number[]): Thread {
    return this.group.spawn(entry, args);
  }

  drop(thread: Thread): void {
    this.group.drop(thread);
  }

  lose(): void {
    // The group has noted it.
  }

  write(thread: Thread, to: PlainWriter): void {
    this.group.write(thread, to);
  }

  restore(saved: SavedThread): Thread {
    return this.group.restore({ ...saved, id: this.group.nextThread });
  }

  frames(thread: Thread): readonly SavedFrame[] {
    return this.group.stacks.frames(thread);
  }

  check(saved: SavedThread): void {
    checkThread(this.group, saved);
  }

  tableFunction(index: number, instance: number): Entry | undefined {
    return tableFunction(this.group, index, instance);
  }

  directCall(entry: Entry): DirectCall {
    return directCall(this.group, entry);
  }

  capture(part: CapturedPart): SavedGroup {
    const { group } = this;
    const bytes = group.stacks.bytes(group.threads);
    if (bytes > KERNEL_LIMITS.movedStackBytes) {
      const most = `${KERNEL_LIMITS.movedStackBytes} can be moved`;
      throw new EngineFault("unsaveable", `its threads stand in frames of ${bytes} bytes; ${most}`);
    }
    if (part === "whole") return captureGroup(group);
    return { ...captureOutside(group), threads: group.threads.map((thread) => group.save(thread)) };
  }

  recreate(saved: SavedGroup, part: CapturedPart): readonly Thread[] {
    const { group } = this;
    if (part === "whole") restoreGroup(group, saved);
    else {
      restoreOutside(group, saved);
      for (const thread of saved.threads) group.restore(thread);
    }
    return group.threads;
  }

  prepare(): void {
    prepareWriting(this.group);
  }

  writeOutside(to: PlainWriter): void {
    const bytes = memoryBytesOutside(this.group);
    const most = KERNEL_LIMITS.detachedBytes;
    if (bytes > most) {
      throw new EngineFault("unsaveable", `${bytes} bytes in memories beside memory 0; ${most} can be saved`);
    }
    writeOutside(this.group, to);
  }

  restoreOutside(saved: SavedGroup): void {
    restoreOutside(this.group, saved);
  }

  writeInstance(number: number, to: PlainWriter): void {
    writeInstance(this.group, number, to);
  }

  restoreInstance(number: number, saved: SavedInstance): void {
    this.#instances.ensure(number + 1);
    restoreAlone(this.group, number, saved);
  }

  freshGlobals(stackPointer: number): readonly PlainData[] {
    return this.own.fresh(stackPointer);
  }

  saveGlobals(): void {
    this.own.save();
  }

  stackPointerOf(thread: GlobalsHolder): number {
    return this.own.stackPointerOf(thread);
  }

  forget(): void {
    // What it had is with the thread.
  }

  dispose(): void {
    // The collector has it when nothing names it.
  }
}
