// One component's engine on a CPU that is not the kernel's: a LocalEngine whose host functions are requests.
import {
  type HostCall,
  type HostFunction,
  type HostImports,
  type HostValue,
  KERNEL_IMPORTS,
  KERNEL_MODULE,
  type ProgramInfo,
  type SavedGroup,
  type SavedInstance,
} from "../../../abi/index.ts";
import {
  type DirectCall,
  type Entry,
  type GrowthPolicy,
  Marks,
  MirrorSide,
  PageTable,
  Pool,
  type Thread,
  Windows,
} from "../../../engine/index.ts";
import { required } from "../../../util/index.ts";
import { loadRewritten } from "../../program.ts";
import { type CapturedPart, LocalEngine } from "../engine.ts";
import type { GlobalsHolder } from "../own-globals.ts";
import { importKind } from "../program.ts";
import type { LoadMessage, LoadReply, SavedGlobals } from "./protocol.ts";
import { writeThreads, writtenInto } from "./written-states.ts";

/** What the engine of a component asks its CPU for. */
export interface EngineHost {
  /** @param place the function's, among the program's imports */
  host(engine: WorkerEngine, place: number, call: HostCall, args: readonly HostValue[]): HostValue;
  poll(engine: WorkerEngine): boolean;
  grow(memory: number, pages: number): ReturnType<GrowthPolicy>;
  /** @param held bytes that all tables would have then */
  growTable(held: number): boolean;
  frames(thread: number, bytes: number): boolean;
  wait(
    memory: number,
    address: bigint,
    expected: bigint,
    timeout: bigint,
    width: number,
  ): [outcome: number, remainingNs: bigint];
}

interface Holder extends GlobalsHolder {
  readonly id: number;
  instance: number;
}

export class WorkerEngine {
  readonly engine: LocalEngine;
  readonly #holders = new Map<number, Holder>();
  readonly #threads = new Map<number, Thread>();
  /** By instance and function. */
  readonly #dispatches: Map<number, DirectCall>[] = [];
  readonly #windows: Windows | undefined;
  readonly #marks: Marks | undefined;
  readonly #mirror: MirrorSide | undefined;
  #entered: Holder | undefined;
  /** The thread that was entered last runs. */
  #runs = false;
  /** Those that have run since the kernel has got globals. */
  readonly #changed = new Set<Holder>();
  /** The place of `call` among the program's imports. */
  calls = -1;
  readonly info: ProgramInfo;
  #words = new Int32Array(0);

  constructor(load: LoadMessage, host: EngineHost) {
    const { windows, marks, mirror } = load;
    const asked = { ...(windows ? { windows: windows.options! } : {}), marks: !!marks, mirror: !!mirror };
    const options = { importKind, growth: true, ...asked };
    const program = loadRewritten(load.original, load.rewritten, options);
    this.info = program.info;
    if (windows) {
      this.#windows = new Windows(new Pool(undefined, windows.pool), new PageTable(windows.table));
      this.#windows.limit = windows.limit;
    }
    if (marks) this.#marks = new Marks(marks);
    if (mirror) this.#mirror = new MirrorSide(mirror.slots, mirror);
    this.engine = new LocalEngine({
      label: load.label,
      program,
      imports: this.#requests(program.info, host),
      group: {
        parks: true,
        atomicWait: (_, memory, address, expected, timeout, width) =>
          host.wait(memory, address, expected, timeout, width),
      },
      windows: this.#windows,
      marks: this.#marks,
      mirror: this.#mirror,
      own: () => load.own,
      policy: () => host.poll(this),
      growth: {
        memory: (_, memory, pages) => host.grow(memory, pages),
        tables: (held) => host.growTable(held),
        frames: (thread, bytes) => {
          const kept = host.frames(thread, bytes);
          if (!kept) this.#threads.delete(thread);
          return kept;
        },
      },
      ...{ count: load.count, memory: load.memory },
    });
  }

  /** The kernel has changed limit or page table. */
  windowsChange(limit: number): void {
    this.#windows!.limit = limit; // which makes instances look into the table again
  }

  get loaded(): LoadReply {
    const { engine } = this;
    return {
      control: engine.words.buffer,
      memories: this.memories(),
      initial: engine.freshGlobals(0) as readonly (number | bigint)[],
    };
  }

  memories(): readonly (readonly WebAssembly.Memory[])[] {
    return this.engine.group.instances.map(({ memories }) => memories);
  }

  /** The kernel's thread whose globals are in force. */
  get entered(): number {
    return required(this.#entered, "a thread").id;
  }

  /** The thread of the kernel is about to run here. */
  enter(thread: number): void {
    const holder = required(this.#holders.get(thread), `globals of thread ${thread}`);
    this.#entered = holder;
    this.#runs = true;
    this.#changed.add(holder);
    this.engine.own.enter(holder);
  }

  /** It has given way. */
  left(): void {
    this.#runs = false;
  }

  /** Every thread's globals are with the thread; those of the one that runs stay in force. */
  #saveGlobals(): void {
    this.engine.saveGlobals();
    if (this.#runs) this.engine.own.enter(this.#entered!);
  }

  /** What comes from the kernel. */
  setGlobals(id: number, instance: number, globals: GlobalsHolder["globals"]): void {
    const known = this.#holders.get(id);
    if (known) {
      this.#saveGlobals();
      known.globals = globals;
      known.instance = instance;
    } else this.#holders.set(id, { id, instance, globals });
  }

  thread(id: number): Thread {
    return required(this.#threads.get(id), `engine thread ${id}`);
  }

  keep(thread: Thread): Thread {
    this.#threads.set(thread.id, thread);
    return thread;
  }

  ended(thread: Thread): void {
    this.#threads.delete(thread.id);
  }

  dispatch(instance: number, index: number): DirectCall {
    const dispatches = (this.#dispatches[instance] ??= new Map());
    let call = dispatches.get(index);
    if (!call) {
      call = this.engine.directCall({ instance, function: index, name: "dispatch" });
      dispatches.set(index, call);
    }
    return call;
  }

  /** By name, with arguments that came as plain data. @throws EngineFault */
  call(name: string, args: readonly never[]): unknown {
    const calls: Readonly<Record<string, (...args: never[]) => unknown>> = this.#calls;
    return required(calls[name], `a function ${name} of engines`)(...args);
  }

  readonly #calls = {
    ensureInstances: (count: number) => {
      this.engine.ensureInstances(count);
      return this.memories();
    },
    freeInstance: (taken: readonly number[]) => this.engine.freeInstance(new Set(taken)),
    renew: (number: number) => {
      const fresh = this.engine.renew(number);
      return { fresh, memories: this.memories() };
    },
    tableBytes: () => this.engine.tableBytes(),
    spawn: (entry: Entry, args: readonly number[]) => this.keep(this.engine.spawn(entry, args)).id,
    drop: (id: number) => {
      const thread = this.thread(id);
      this.ended(thread);
      this.engine.drop(thread);
    },
    writeThreads: (memory: SharedArrayBuffer) => writeThreads(this.engine, this.#threads.values(), memory),
    writeOutside: (memory: SharedArrayBuffer) => writtenInto(memory, (to) => this.engine.writeOutside(to)),
    writeInstance: (memory: SharedArrayBuffer, number: number) =>
      writtenInto(memory, (to) => this.engine.writeInstance(number, to)),
    prepare: () => this.engine.prepare(),
    restore: (saved: Parameters<LocalEngine["restore"]>[0]) => this.keep(this.engine.restore(saved)).id,
    frames: (id: number) => this.engine.frames(this.thread(id)),
    check: (saved: Parameters<LocalEngine["check"]>[0]) => this.engine.check(saved),
    tableFunction: (index: number, instance: number) => this.engine.tableFunction(index, instance),
    capture: (part: CapturedPart) => this.engine.capture(part),
    recreate: (saved: SavedGroup, part: CapturedPart) => {
      for (const thread of this.engine.recreate(saved, part)) this.keep(thread);
    },
    restoreOutside: (saved: SavedGroup) => this.engine.restoreOutside(saved),
    restoreInstance: (number: number, saved: SavedInstance) => {
      this.engine.restoreInstance(number, saved);
      return this.memories();
    },
    /** The globals of all threads that have run since the last time. */
    saveGlobals: (): SavedGlobals => {
      this.#saveGlobals();
      const threads = [...this.#changed].map(({ id, globals }) => ({ thread: id, globals }));
      this.#changed.clear();
      if (this.#runs) this.#changed.add(this.#entered!);
      return { threads, more: this.#runs };
    },
    forget: (id: number) => {
      const holder = this.#holders.get(id);
      if (!holder) return;
      if (this.#entered === holder) this.#saveGlobals();
      this.#changed.delete(holder);
      this.#holders.delete(id);
    },
  };

  /** The functions that a program imports, as requests. */
  #requests(info: ProgramInfo, host: EngineHost): HostImports {
    const functions: Record<string, Record<string, HostFunction>> = {};
    for (const [place, { module, name, kind, instant }] of info.imports.entries()) {
      if (kind !== "func") continue;
      if (module === KERNEL_MODULE && name === KERNEL_IMPORTS.call) this.calls = place;
      (functions[module] ??= {})[name] = {
        freeze: instant ? "instant" : "restartable",
        call: (call, ...args) => host.host(this, place, call, args),
      };
    }
    return functions;
  }

  /** So many bytes of memory 0 are about to be written. */
  wrote(address: number, sizeBytes: number): void {
    this.#marks?.wrote(address >>> 0, sizeBytes);
    this.#mirror?.wrote(address >>> 0, sizeBytes);
  }

  /** Memory 0 as words, up to an address at least; undefined if that is not there, or lies behind windows. */
  words(end: number): Int32Array | undefined {
    if (this.#windows && end > this.#windows.limit) return undefined;
    if (this.#words.byteLength < end) {
      const buffer = this.engine.memories(0)?.[0]?.buffer;
      if (buffer) this.#words = new Int32Array(buffer);
    }
    return this.#words.byteLength < end ? undefined : this.#words;
  }
}
