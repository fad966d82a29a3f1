// A component's engine on another CPU, as the kernel has it. Threads here are images: what the kernel must know of them.
import type { PlainData, SavedFrame, SavedGroup, SavedInstance, SavedThread } from "../../../abi/index.ts";
import { type DirectCall, type Entry, Thread, type Windows } from "../../../engine/index.ts";
import { assert, type PlainWriter } from "../../../util/index.ts";
import type { CapturedPart, ComponentEngine } from "../engine.ts";
import { freshGlobals, type GlobalsHolder } from "../own-globals.ts";
import type { KernelThread } from "../thread.ts";
import type { Command, LoadMessage, LoadReply, SavedGlobals } from "./protocol.ts";
import type { RemoteCpu } from "./remote-cpu.ts";
import { type Written, WrittenStates } from "./written-states.ts";

/** How many there have been. */
let made = 0;

export class RemoteEngine implements ComponentEngine {
  /** By which its CPU knows it. */
  readonly number: number;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #cpu: RemoteCpu;
  readonly #initial: readonly PlainData[];
  /** Threads of the kernel whose globals the CPU has, and the last values that were exchanged. */
  readonly #told = new Map<GlobalsHolder, readonly PlainData[]>();
  readonly #ids = new Map<number, GlobalsHolder>();
  /** Threads that have not ended, by number. */
  readonly #images = new Map<number, Thread>();
  readonly #written = new WrittenStates();
  #memories: LoadReply["memories"];
  /** A thread has run since globals were fetched. */
  #entered = false;
  /** Its CPU has it no more; what was running in it may still be ending. */
  #disposed = false;

  readonly #windows: Windows | undefined;
  #windowsChanged = false;

  /** @throws EngineFault, or what `RemoteCpu.ask` does */
  constructor(cpu: RemoteCpu, load: Omit<LoadMessage, "engine">, windows: Windows | undefined) {
    this.#cpu = cpu;
    this.#windows = windows;
    this.number = ++made;
    const reply = cpu.ask({ type: "load", load: { ...load, engine: this.number } }) as LoadReply;
    this.words = new Int32Array(reply.control);
    this.#memories = reply.memories;
    this.#initial = reply.initial;
    if (!windows) return;
    windows.memory = reply.memories[0]![0]!;
    windows.changed = () => {
      this.#windowsChanged = true;
    };
  }

  /** Before the CPU goes on: it learns what has changed while it waited. */
  flush(): void {
    if (!this.#windowsChanged) return;
    this.#windowsChanged = false;
    this.#post({ type: "windows", engine: this.number, limit: this.#windows!.limit });
  }

  get cpu(): number {
    return this.#cpu.number;
  }

  get lost(): string | undefined {
    return this.#cpu.lost;
  }

  get instances(): number {
    return this.#memories.length;
  }

  get threads(): number {
    return this.#images.size;
  }

  memories(instance: number): readonly WebAssembly.Memory[] | undefined {
    return this.#memories[instance];
  }

  ensureInstances(count: number): void {
    if (count > this.instances) this.#memories = this.#ask("ensureInstances", count) as LoadReply["memories"];
  }

  freeInstance(taken: ReadonlySet<number>): number | undefined {
    return this.#ask("freeInstance", [...taken]) as number | undefined;
  }

  tableBytes(): number {
    return this.#ask("tableBytes") as number;
  }

  renew(number: number): boolean {
    const made = this.#ask("renew", number) as { fresh: boolean; memories: LoadReply["memories"] };
    this.#memories = made.memories;
    return made.fresh;
  }

  request(): void {
    this.#cpu.request();
  }

  spawn(entry: Entry, args: readonly number[]): Thread {
    return this.#image(this.#ask("spawn", entry, args) as number, entry, args);
  }

  #image(id: number, entry: Entry, args: readonly unknown[]): Thread {
    const image = new Thread(id, entry, args);
    this.#written.current = false;
    this.#images.set(id, image);
    return image;
  }

  /** A dispatch has frozen: it is a thread now. */
  became(id: number, entry: Entry): Thread {
    return this.#image(id, entry, []);
  }

  /** A thread has ended by itself. */
  ended(thread: Thread): void {
    thread.state = "ended";
    this.#written.current = false;
    this.#images.delete(thread.id);
  }

  drop(thread: Thread): void {
    if (this.#images.has(thread.id)) this.#tell("drop", thread.id);
    this.ended(thread);
  }

  lose(thread: Thread): void {
    this.ended(thread);
  }

  /** All threads are asked for at once, with the first of them: a pause makes no more for many than for one. */
  write(thread: Thread, to: PlainWriter): void {
    if (!this.#written.current) this.#writeThreads();
    this.#written.thread(thread, to);
  }

  #writeThreads(): void {
    this.#written.refresh((memory) => this.#ask("writeThreads", memory) as Written);
  }

  prepare(): void {
    this.#written.expect(this.#images.size);
    if (!this.#cpu.busy) this.#ask("prepare"); // whoever runs there may be long in coming to a safe point
  }

  restore(saved: SavedThread): Thread {
    const id = this.#ask("restore", saved) as number;
    return this.#restored(this.#image(id, saved.entry, []), saved);
  }

  #restored(thread: Thread, { frames, hostCall }: SavedThread): Thread {
    if (frames.length > 0 || hostCall) thread.state = "frozen";
    thread.hostCall = hostCall;
    return thread;
  }

  frames(thread: Thread): readonly SavedFrame[] {
    return this.#ask("frames", thread.id) as readonly SavedFrame[];
  }

  check(saved: SavedThread): void {
    this.#ask("check", saved);
  }

  tableFunction(index: number, instance: number): Entry | undefined {
    return this.#ask("tableFunction", index, instance) as Entry | undefined;
  }

  directCall(entry: Entry): DirectCall {
    return { entry, fn: () => assert(false, "it is called on its own CPU"), thread: undefined };
  }

  capture(part: CapturedPart): SavedGroup {
    const saved = this.#ask("capture", part) as SavedGroup;
    return { ...saved, threads: saved.threads.map((thread) => withProgress(thread, this.#images.get(thread.id)!)) };
  }

  recreate(saved: SavedGroup, part: CapturedPart): readonly Thread[] {
    this.#ask("recreate", saved, part);
    return saved.threads.map((thread) => this.#restored(this.#image(thread.id, thread.entry, []), thread));
  }

  writeOutside(to: PlainWriter): void {
    this.#written.refresh((memory) => this.#ask("writeOutside", memory) as Written);
    this.#written.current = false;
    this.#written.whole(to);
  }

  restoreOutside(saved: SavedGroup): void {
    this.#ask("restoreOutside", saved);
  }

  writeInstance(number: number, to: PlainWriter): void {
    this.#written.refresh((memory) => this.#ask("writeInstance", memory, number) as Written);
    this.#written.current = false;
    this.#written.whole(to);
  }

  restoreInstance(number: number, saved: SavedInstance): void {
    this.#memories = this.#ask("restoreInstance", number, saved) as LoadReply["memories"];
  }

  freshGlobals(stackPointer: number): readonly PlainData[] {
    return freshGlobals(this.#initial, stackPointer);
  }

  /** The thread is about to run there. */
  enter(thread: KernelThread): void {
    this.#entered = true;
    this.#written.current = false;
    if (this.#told.get(thread) === thread.globals) return;
    this.#told.set(thread, thread.globals);
    this.#ids.set(thread.id, thread);
    const { id, instance, globals } = thread;
    this.#post({ type: "globals", engine: this.number, thread: id, instance, globals });
  }

  saveGlobals(): void {
    if (!this.#entered || this.lost !== undefined) return;
    const { threads, more } = this.#ask("saveGlobals") as SavedGlobals;
    this.#entered = more;
    for (const saved of threads) {
      const thread = this.#ids.get(saved.thread);
      if (!thread) continue;
      thread.globals = saved.globals;
      this.#told.set(thread, saved.globals);
    }
  }

  stackPointerOf(thread: GlobalsHolder): number {
    this.saveGlobals();
    return Number(thread.globals[0] ?? 0) >>> 0;
  }

  forget(thread: GlobalsHolder & { readonly id: number }): void {
    if (!this.#ids.delete(thread.id)) return;
    this.#told.delete(thread);
    this.#tell("forget", thread.id);
  }

  dispose(): void {
    this.#post({ type: "drop", engine: this.number });
    this.#disposed = true;
  }

  #ask(name: string, ...args: readonly unknown[]): unknown {
    return this.#cpu.ask({ type: "engine", engine: this.number, name, args });
  }

  #tell(name: string, ...args: readonly unknown[]): void {
    this.#post({ type: "engine", engine: this.number, name, args });
  }

  #post(command: Command): void {
    if (!this.#disposed) this.#cpu.tell(command);
  }
}

function withProgress(saved: SavedThread, image: Thread): SavedThread {
  if (!saved.hostCall) return saved;
  const { progress: _, ...call } = saved.hostCall;
  const progress = image.hostCall?.progress;
  return { ...saved, hostCall: progress === undefined ? call : { ...call, progress } };
}
