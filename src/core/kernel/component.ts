// A component: its capability table, its threads and, once its program is loaded, the group in which they all run.
//
// I1  At most one thread is in the group: that of `entered`.
// I2  What a component does wrong shows in statuses and faulted threads of its own, never in an exception of the kernel.
//
// What it is made of has files of its own (component-parts.ts, engines.ts, instances.ts, own-globals.ts, waits.ts, functions.ts).
// Loading, beginning, entering and recreating stay together, above 400 lines: they change the same few fields.
import { CONTROL, type HostFunction, type HostImports, type PlainData, type SavedGroup } from "../../abi/index.ts";
import { type DirectCall, EngineFault, type Entry, type Group, type Thread, Windows } from "../../engine/index.ts";
import {
  type Capability,
  type Dataspace,
  INVALID,
  type LoadOptions,
  type Location,
  type ParentSession,
} from "../../session/index.ts";
import { type Attempt, messageOf, type PlainWriter, refusal, required, success } from "../../util/index.ts";
import type { LoadedProgram } from "../program.ts";
import { CapabilityTable } from "./capability-table.ts";
import { ComponentMemory } from "./component-memory.ts";
import type { ComponentHome, ComponentWasi, NativeRun } from "./component-parts.ts";
import { type ComponentEngine, LocalEngine } from "./engine.ts";
import { Engines, type FreshEngine } from "./engines.ts";
import { dispatches } from "./functions.ts";
import { Growth } from "./growth.ts";
import { Holdings } from "./holdings.ts";
import type { Kernel } from "./kernel.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { fitsMessage } from "./message-copy.ts";
import { Parts } from "./parts.ts";
import {
  entryOf,
  exportOf,
  type LoadRefusal,
  loadRefusal,
  moduleBytes,
  profilingWord,
  programProblem,
  SPAWN,
  START,
  WASI,
} from "./program.ts";
import { requireHostStack } from "./stack-room.ts";
import { type KernelThread, ROLE } from "./thread.ts";
import { Waits } from "./waits.ts";

const FLAG = CONTROL.flag >> 2;

export class Component extends ComponentMemory {
  readonly id: number;
  readonly label: string;
  readonly table = new CapabilityTable();
  /** Those that have not ended, in the order of their creation. */
  readonly threads: KernelThread[] = [];
  /** How many threads there are, those included that have ended and not been killed. */
  held = 0;
  readonly waits: Waits;
  readonly holdings = new Holdings(this);
  readonly growth: Growth;
  /** The PD that this is the inside of; set by the PD. */
  home: ComponentHome | undefined;
  /** Its program, if that is a native one: then it is never `loaded`, and its threads never run. */
  native: NativeRun | undefined;
  /** Why a program was refused, one line. */
  problem = "";
  /** The thread for which the kernel does something now: what its host functions go by. */
  running: KernelThread | undefined;
  /** Threads that are in the group now. */
  readonly entered: KernelThread[] = [];
  /** The CPU that its threads run on, but for those that `Parts` has elsewhere; changed by `place`. */
  cpu = 0;
  /** How often `wake` was called. */
  wakes = 0;
  /** Set once the program is loaded. */
  wasi: ComponentWasi | undefined;
  readonly #kernel: Kernel;
  #windows: Windows | undefined;
  #parentSlot = 0;
  /** The component that was on top of the JavaScript stack when this one was entered, by number. */
  #below = 0;
  #imports: HostImports | undefined;
  #program: LoadedProgram | undefined;
  #engines: Engines | undefined;
  #parts: Parts | undefined;
  #engine: ComponentEngine | undefined;
  /** The same, if it is one in this JavaScript thread. */
  #local: LocalEngine | undefined;
  /** Whether the module's start function has been given to a thread: it runs once in a program's life. */
  started = false;
  /** Address of its profiling word; 0: the program has none. */
  #profiling = 0;

  /** Made by the kernel. */
  constructor(kernel: Kernel, id: number, label: string) {
    super();
    this.#kernel = kernel;
    this.id = id;
    this.label = label;
    this.growth = new Growth(this, () => kernel.lifetimes);
    this.waits = new Waits(this, () => kernel.now());
  }

  get loaded(): boolean {
    return this.#engine !== undefined;
  }

  /** The loaded program's instances and engine threads. */
  get engine(): ComponentEngine {
    return required(this.#engine, "a loaded program");
  }

  /** The group of a loaded program whose threads run in this JavaScript thread. */
  get group(): Group {
    return required(this.#local, "a program loaded on CPU 0").group;
  }

  /** What of the program is on CPU 0. */
  get local(): LocalEngine | undefined {
    return this.#local ?? this.#parts?.local;
  }

  get program(): LoadedProgram {
    return required(this.#program, "a loaded program");
  }

  /** On the JavaScript stack now. */
  get onStack(): boolean {
    return this.entered.length > 0;
  }

  protected get memory(): WebAssembly.Memory | undefined {
    return this.#engine?.memories(0)?.[0];
  }

  /** As assigned to its PD; INVALID before. */
  get parent(): Capability<ParentSession> {
    return this.home?.parent ?? INVALID;
  }

  /** The slot of the parent capability. */
  parentSlot(): number {
    const { parent } = this;
    // The guest may have released the slot, and something else be in it.
    if (this.#parentSlot === 0 || this.table.lookup(this.#parentSlot) !== parent) {
      this.#parentSlot = this.table.slotOf(parent) || this.table.insert(parent);
    }
    return this.#parentSlot;
  }

  /** Takes all capabilities out of the table. */
  clearSlots(): void {
    this.table.clear();
    this.#parentSlot = 0;
    this.#kernel.cpus?.look();
  }

  /** The windows of a program that was rewritten for them. */
  get windows(): Windows | undefined {
    return this.#windows;
  }

  /**
   * Loads the program, once; `problem` says why not.
   *
   * @param text the dataspace with the binary, as the PD shall show it
   */
  load(
    binary: Uint8Array,
    options: LoadOptions = {},
    text: Capability<Dataspace> = INVALID,
  ): Attempt<void, LoadRefusal> {
    if (this.#engine || this.native) return refusal("already-loaded");
    if (binary.length > KERNEL_LIMITS.programBytes) {
      this.problem = `expected a program of ${KERNEL_LIMITS.programBytes} bytes at most, found ${binary.length}`;
      return refusal("invalid-program");
    }
    try {
      const original = moduleBytes(binary);
      const { ownScopes } = this.#kernel;
      const scope = ownScopes.begin("Load of a program", "gray");
      const program = this.#kernel.loadProgram(original, options);
      ownScopes.end(scope);
      const problem = programProblem(program.info);
      if (problem !== undefined) return this.#refuse("invalid-program", problem);
      this.#program = program;
      if (!this.holdings.begin(program.info)) {
        return this.#refuse("out-of-ram", "its tables and memories beside memory 0: out-of-ram");
      }
      const lackingWasi = this.#wasiProblem(program); // it opens sessions
      if (lackingWasi !== undefined) return this.#refuse("invalid-program", lackingWasi);
      if (program.info.windows) this.#windows = new Windows(this.#kernel.pool);
      this.#engines = new Engines({
        ...{ kernel: this.#kernel, component: this },
        ...{ program, original, windows: options.windows },
      });
      this.#start(this.#engines);
      this.#parts = new Parts(this.#kernel, this, this.#engines, original);
      const lacking = this.home?.adopt(this, text);
      if (lacking === undefined) return success(undefined);
      this.#kernel.abandon(this, this.engine);
      return this.#refuse("out-of-ram", lacking);
    } catch (thrown) {
      return this.#refuse(loadRefusal(thrown), messageOf(thrown));
    }
  }

  /** Takes up a binary that names a native program; undefined: it is a module. */
  loadNative(binary: Dataspace): Attempt<void, LoadRefusal> | undefined {
    if (this.#engine || this.native) return undefined;
    const run = this.#kernel.nativeFor(this, binary);
    if (run === undefined) return undefined;
    if (typeof run === "string") {
      this.problem = run;
      return refusal("invalid-program");
    }
    this.native = run;
    return success(undefined);
  }

  /** Nothing is left of a program that is not taken up. */
  #refuse(reason: LoadRefusal, problem: string): Attempt<void, LoadRefusal> {
    this.problem = problem;
    this.holdings.end();
    this.#engine = this.#local = this.#program = this.#windows = this.#parts = undefined;
    this.#kernel.trimPrograms();
    return refusal(reason);
  }

  #wasiProblem(program: LoadedProgram): string | undefined {
    if (!program.info.imports.some(({ module }) => module === WASI)) return undefined;
    this.wasi = this.#kernel.wasiFor(this);
    return this.wasi ? undefined : `imports ${WASI}, but the component has no sessions for it`;
  }

  #start(engines: Engines): void {
    requireHostStack(); // made before any guest runs
    this.#use(engines.first(this.#windows));
    this.#profiling = profilingWord(this.group.instances[0]!.exports);
    this.memoryChanges();
    this.#kernel.adopt(this, this.engine);
  }

  #use(engine: ComponentEngine): void {
    this.#engine = engine;
    this.#local = engine instanceof LocalEngine ? engine : undefined;
    this.cpu = engine.cpu;
  }

  /** A function that its program imports. */
  hostFunction(module: string, name: string): HostFunction {
    this.#imports ??= required(this.#engines, "a loaded program").imports;
    return required(this.#imports[module]?.[name], `${module}.${name}`);
  }

  /** An activation of a thread that stands still is wanted no more. */
  drop(thread: KernelThread, engine: Thread): void {
    thread.engine.drop(engine);
    this.holdings.frames(engine.id, 0, thread.partNumber);
  }

  /**
   * Begins a thread of `thread-spawn` in an instance of its own, with globals of its own, over the same memory.
   *
   * @returns false if the program has no function for such threads, or no memory that they can share, or no room is left
   */
  beginSpawned(thread: KernelThread, argument: number): boolean {
    const { info } = this.program;
    const found = exportOf(info, SPAWN.start);
    if (!found || this.program.signature(found.index).params.join() !== "i32,i32") return false;
    const instance = info.memories[0]?.defined ? undefined : this.#takeInstance();
    if (instance === undefined) return false;
    thread.instance = instance;
    this.parts.begin(thread);
    const { engine } = thread;
    const main = engine.spawn({ instance, function: found.index, name: found.name }, [thread.id, argument]);
    thread.activations.push({ engine: main, role: ROLE.main });
    const { start } = info; // each instance runs it: that of LLVM's linker sees that memory is there already
    if (start !== undefined) {
      const begin = engine.spawn({ instance, function: start, name: "(start)" }, []);
      thread.activations.push({ engine: begin, role: ROLE.start });
    }
    return true;
  }

  #takeInstance(): number | undefined {
    const { engine, holdings } = this;
    const before = engine.instances;
    let charged = false;
    try {
      const free = engine.freeInstance(new Set(this.threads.map((other) => other.instance)));
      if (free !== undefined) return free;
      charged = holdings.addInstance();
      if (!charged) return undefined;
      engine.ensureInstances(before + 1);
      return before;
    } catch (thrown) {
      loadRefusal(thrown); // a bug is thrown on
      return undefined;
    } finally {
      if (charged && engine.instances === before) holdings.withoutInstance();
    }
  }

  /** Of a loaded program. */
  get parts(): Parts {
    return required(this.#parts, "a loaded program");
  }

  /** How many calls into it have not returned. */
  get standing(): number {
    let sum = this.engine.threads;
    for (const { threads } of this.#parts?.engines ?? []) sum += threads;
    return sum;
  }

  /** Makes what `writeOutside` and states of threads need, so that they make nothing. */
  prepareCapture(): void {
    this.engine.prepare();
    for (const engine of this.#parts?.engines ?? []) engine.prepare();
  }

  /** As `ComponentEngine.writeOutside`, of all that there is of it. @throws EngineFault */
  writeOutside(to: PlainWriter): void {
    this.parts.writeOutside(to);
  }

  /** What that gave, while nothing of it runs and no thread has begun. @throws EngineFault */
  restoreOutside(saved: SavedGroup): void {
    this.parts.dispose();
    this.engine.ensureInstances(saved.instances.length);
    this.engine.restoreOutside(saved);
  }

  /** The engine that has an instance in which a thread is, or shall be. */
  engineOf(instance: number, thread: KernelThread): ComponentEngine {
    return this.parts.partOf(instance, thread) ?? this.engine;
  }

  /** As `Parts.house`, for a thread whose state comes. */
  house(thread: KernelThread, instance: number): void {
    this.parts.house(thread, instance);
  }

  /** Whether a thread is always where the component is. */
  follows(thread: KernelThread): boolean {
    return this.#parts?.follows(thread) ?? true;
  }

  // Threads enter and leave.

  /** Tells the program whether scopes are recorded: when that changes, and when a thread is entered, after a restore too. */
  showScopes(): void {
    if (this.#profiling === 0) return;
    const word = this.#profiling >> 2;
    if (word < this.words.length) this.words[word] = this.#kernel.scopes ? 1 : 0;
  }

  /** The thread is about to run here. */
  enter(thread: KernelThread): void {
    if (this.#profiling !== 0) this.showScopes();
    const { engine } = thread;
    this.entered.push(thread);
    this.waits.ran = true;
    thread.onStack = true;
    engine.words[FLAG] = this.#kernel.everyPoint || thread.stepping ? 1 : 0;
    if (!(engine instanceof LocalEngine)) return;
    engine.own.enter(thread);
    this.running = thread;
    if (this.#kernel.cpus) this.#below = this.#kernel.cpus.entered(this);
  }

  leave(thread: KernelThread): void {
    thread.onStack = false;
    const index = this.entered.indexOf(thread);
    if (index >= 0) this.entered.splice(index, 1);
    if (thread.cpu !== 0) return;
    this.running = undefined;
    this.#kernel.cpus?.left(this.#below);
  }

  /** The kernel does something for a thread that runs on another CPU. @returns for whom it did before, to be given back */
  actFor(thread: KernelThread | undefined): KernelThread | undefined {
    const before = this.running;
    this.running = thread;
    return before;
  }

  /** Takes back what asked a thread that runs to give way. */
  goOn({ engine }: KernelThread): void {
    engine.words[FLAG] = 0;
  }

  /** Whether a thread that runs was asked to give way. */
  interrupted({ engine }: KernelThread): boolean {
    return engine.words[FLAG] !== 0;
  }

  /** Takes the globals that are a thread's own out of the instance: afterwards every thread's are with the thread. */
  saveGlobals(): void {
    this.#engine?.saveGlobals();
  }

  /** Own globals of a thread that has not run. */
  freshGlobals(stackPointer: number): readonly PlainData[] {
    return this.#engine?.freshGlobals(stackPointer) ?? [];
  }

  /** The stack pointer among a thread's own globals; 0 if the program has none. */
  stackPointerOf(thread: KernelThread): number {
    return this.#engine?.stackPointerOf(thread) ?? 0;
  }

  /**
   * Gives a thread its first activation.
   *
   * @param ip index in table 0 of a function without parameters or with one, which gets `sp`; 0: the program's entry
   * @returns what is wrong; undefined if nothing is
   */
  begin(thread: KernelThread, ip: number, sp: number): string | undefined {
    if (this.native) {
      this.native.start();
      return undefined;
    }
    if (!this.#engine) return "started before a program was loaded";
    const engine = this.#engine;
    if (engine.lost !== undefined) return engine.lost;
    const entry = ip === 0 ? this.#entry() : engine.tableFunction(ip, 0);
    if (!entry) return `expected a function at index ${ip} of the table`;
    const { params } = this.program.signature(entry.function);
    if (params.length > 1 || params.some((type) => type !== "i32")) return `${entry.name}: expected at most one i32`;
    const role = ip === 0 && entry.name === START ? ROLE.command : ROLE.main;
    thread.globals = this.freshGlobals(sp);
    thread.activations = [{ engine: engine.spawn(entry, params.length === 1 ? [sp | 0] : []), role }];
    const { start } = this.program.info;
    if (start !== undefined && !this.started) {
      const begin = engine.spawn({ instance: 0, function: start, name: "(start)" }, []);
      thread.activations.push({ engine: begin, role: ROLE.start });
    }
    this.started = true;
    return undefined;
  }

  #entry(): Entry | undefined {
    const found = entryOf(this.program.info);
    return found && { instance: 0, function: found.index, name: found.name };
  }

  /** The thread becomes an entrypoint; refused without effect if the dispatch function or the buffer is none. */
  serve(thread: KernelThread, dispatch: number, argument: number, message: number): boolean {
    const entry = thread.engine.tableFunction(dispatch, thread.instance);
    if (!entry || !this.dispatches(entry) || !fitsMessage(this, message)) return false;
    thread.ep.serving = { call: thread.engine.directCall(entry), argument, message: message >>> 0 };
    return true;
  }

  /** Whether a function can be an entrypoint's dispatch function. */
  dispatches({ instance, function: index }: Entry): boolean {
    return this.#engine?.memories(instance) !== undefined && dispatches(this.program, index);
  }

  directCall(entry: Entry): DirectCall {
    return this.engine.directCall(entry);
  }

  /** Blocked WASI calls look again whether they can go on. */
  wake(): void {
    this.wakes++;
    for (const thread of this.threads) if (thread.waiting?.kind === "host") thread.wake(undefined);
  }

  /**
   * Captures the group, throws it away and goes on in a fresh one: what a checkpoint and restore in place do to it.
   *
   * @param carry passes the saved state through whatever it shall survive
   * @throws EngineFault "busy" while a thread runs here, "unsaveable"; what instantiating does
   */
  recreate(carry: (saved: SavedGroup) => SavedGroup = (saved) => saved): void {
    this.#held(() => this.#recreate(carry, this.cpu));
  }

  /** Nothing of it begins to run while `body` does. */
  #held(body: () => void): void {
    const { cpus } = this.#kernel;
    if (cpus) cpus.held(body);
    else body();
  }

  /** Whatever it throws, the component is as it was. */
  #recreate(carry: (saved: SavedGroup) => SavedGroup, cpu: number): void {
    if (this.onStack) throw new EngineFault("busy", `${this.label} runs: expected all its threads frozen`);
    this.saveGlobals();
    const waiters = this.waits.settle();
    try {
      this.#parts?.gather();
      this.#replace(required(this.#engines, "a loaded program").like(this.engine, cpu, carry));
    } finally {
      this.#parts?.spread();
      this.waits.resume(waiters);
    }
  }

  #replace({ engine, windows, threads }: FreshEngine): void {
    const before = this.engine;
    this.#kernel.abandon(this, before);
    this.#windows = windows;
    this.#use(engine);
    this.memoryChanges();
    const byId = new Map(threads.map((thread) => [thread.id, thread]));
    for (const thread of this.threads) {
      thread.activations = thread.activations.map(({ engine, role }) => ({
        engine: required(byId.get(engine.id), `thread ${engine.id}`),
        role,
      }));
      const { entrypoint } = thread;
      if (entrypoint?.serving) {
        entrypoint.serving = { ...entrypoint.serving, call: this.directCall(entrypoint.serving.call.entry) };
      }
    }
    this.#kernel.adopt(this, engine);
    this.home?.readopt(this, engine.cpu !== before.cpu);
    before.dispose();
  }

  /**
   * Its threads run on this CPU from now on, those that `Parts` can have elsewhere by their affinities.
   *
   * @returns why not, one line: it goes on where it was
   */
  place(cpu: number): string | undefined {
    if (!this.#engine) return undefined;
    if (cpu === this.cpu) {
      this.#parts?.spread();
      return undefined;
    }
    const { memories } = this.program.info;
    if (memories.some(({ shared }) => !shared))
      return "a memory that cannot be shared (64-bit, or of a program with waits)";
    const lost = this.#engine.lost ?? (cpu === 0 ? undefined : this.#kernel.cpus!.at(cpu).lost);
    if (lost !== undefined) return lost;
    try {
      this.#held(() => this.#kernel.scheduler.move(this.threads, () => this.#recreate((saved) => saved, cpu)));
      return undefined;
    } catch (thrown) {
      loadRefusal(thrown); // a bug is thrown on
      return messageOf(thrown);
    }
  }

  /** Where a thread is: where it may be, if that is so, else the CPU alone. */
  locate({ cpu, wanted }: KernelThread): Location {
    return this.#engine ? (this.#kernel.cpus?.locate(cpu, wanted) ?? wanted) : wanted;
  }

  /** A CPU is no more. */
  lose(cpu: number, why: string): void {
    if (!this.loaded) return;
    for (const thread of this.threads.filter((thread) => thread.cpu === cpu)) {
      thread.faulted = true;
      thread.raise(why);
    }
  }

  /** As `Cpus.still`; for changes of what components see in their memory. */
  still<T>(body: () => T): T {
    return this.#kernel.cpus ? this.#kernel.cpus.still(body) : body();
  }

  /** As `Stops.atRest`. */
  atRest<T>(body: () => T): T {
    return this.#kernel.stops.atRest(this, body);
  }

  /** As `Stops.alone`. */
  alone<T>(body: () => T): T {
    return this.#kernel.stops.alone(this, body);
  }

  /** A thread's object is no more. */
  forget(thread: KernelThread): void {
    if (this.#engine) thread.engine.forget(thread);
  }

  /** Nothing of it runs, and will. */
  dispose(): void {
    this.#parts?.dispose();
    this.#kernel.abandon(this, this.engine);
    this.engine.dispose();
  }
}
