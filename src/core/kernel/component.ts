// A component: its capability table, its threads and, once its program is loaded, the group in which they all run.
//
// I1  At most one thread is in the group: that of `entered`.
// I2  What a component does wrong shows in statuses and faulted threads of its own, never in an exception of the kernel.
//
// Here: loading, and entering and leaving. What it is made of has files of its own: how its threads begin (starts.ts), its
// engine and those of further CPUs (engines.ts, replacement.ts, parts.ts), what it pays for (holdings.ts, growth.ts).
import { CONTROL, type HostFunction, type HostImports, type PlainData } from "../../abi/index.ts";
import { type Group, Marks, Mirror, Windows } from "../../engine/index.ts";
import {
  type Capability,
  type Dataspace,
  INVALID,
  type LoadOptions,
  type Location,
  type ParentSession,
} from "../../session/index.ts";
import { type Attempt, messageOf, refusal, required, success } from "../../util/index.ts";
import type { LoadedProgram } from "../program.ts";
import { CapabilityTable } from "./capability-table.ts";
import { ComponentMemory } from "./component-memory.ts";
import type { ComponentHome, ComponentWasi, NativeRun } from "./component-parts.ts";
import { type ComponentEngine, LocalEngine } from "./engine.ts";
import { Engines } from "./engines.ts";
import { Growth } from "./growth.ts";
import { Holdings } from "./holdings.ts";
import type { Kernel } from "./kernel.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { loadMirrored } from "./mirrored.ts";
import { Parts } from "./parts.ts";
import { type LoadRefusal, loadRefusal, moduleBytes, profilingWord, programProblem, WASI } from "./program.ts";
import { type Carry, Replacement } from "./replacement.ts";
import { requireHostStack } from "./stack-room.ts";
import { Starts } from "./starts.ts";
import type { KernelThread } from "./thread.ts";
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
  readonly starts = new Starts(this);
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
  #marks: Marks | undefined;
  #mirror: Mirror | undefined;
  /** The component that was on top of the JavaScript stack when this one was entered, by number. */
  #below = 0;
  #imports: HostImports | undefined;
  #program: LoadedProgram | undefined;
  #engines: Engines | undefined;
  #parts: Parts | undefined;
  #replacement: Replacement | undefined;
  #engine: ComponentEngine | undefined;
  /** The same, if it is one in this JavaScript thread. */
  #local: LocalEngine | undefined;
  /** Address of its profiling word; 0: the program has none. */
  #profiling = 0;

  /** Made by the kernel. */
  constructor(kernel: Kernel, id: number, label: string) {
    super();
    this.#kernel = kernel;
    this.id = id;
    this.label = label;
    this.growth = new Growth(this, () => kernel.lifetimes);
    this.waits = new Waits(this, () => kernel.now(), kernel.pooledWaits);
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

  /** The slot of the parent capability; another one if the guest has released that. */
  parentSlot(): number {
    return this.table.slotOf(this.parent) || this.table.insert(this.parent);
  }

  /** Takes all capabilities out of the table. */
  clearSlots(): void {
    this.table.clear();
    this.#kernel.cpus?.look();
  }

  /** The windows of a program that was rewritten for them. */
  get windows(): Windows | undefined {
    return this.#windows;
  }

  get marks(): Marks | undefined {
    return this.#marks;
  }

  get mirror(): Mirror | undefined {
    return this.#mirror;
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
      const program = loadMirrored(this.#kernel, this.label, original, options);
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
      if (program.info.marks) this.#marks = new Marks();
      if (program.info.mirror) this.#mirror = new Mirror(options.mirrorSlots!);
      this.#engines = new Engines({ kernel: this.#kernel, component: this, original, asked: options });
      this.#start(this.#engines);
      this.#parts = new Parts(this.#kernel, this, this.#engines, original);
      this.#replacement = new Replacement(this.#kernel, this, this.#engines);
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
    this.wasi?.refused?.();
    this.#engine = this.#local = this.#program = this.#parts = this.#replacement = undefined;
    this.#windows = this.#marks = this.#mirror = this.wasi = undefined;
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
    this.use(engines.first(this), this);
    this.#profiling = profilingWord(this.group.instances[0]!.exports);
    this.#kernel.adopt(this, this.engine);
  }

  /** This is its engine from now on; the one before, if there was one, is the caller's. */
  use(engine: ComponentEngine, form: Pick<Component, "program" | "windows" | "marks" | "mirror">): void {
    this.#program = form.program;
    this.#windows = form.windows;
    this.#marks = form.marks;
    this.#mirror = form.mirror;
    this.#engine = engine;
    this.#local = engine instanceof LocalEngine ? engine : undefined;
    this.cpu = engine.cpu;
    this.memoryChanges();
  }

  /** A function that its program imports. */
  hostFunction(module: string, name: string): HostFunction {
    this.#imports ??= required(this.#engines, "a loaded program").imports;
    return required(this.#imports[module]?.[name], `${module}.${name}`);
  }

  /** Of a loaded program. */
  get parts(): Parts {
    return required(this.#parts, "a loaded program");
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
    const shown = this.#kernel.scopes ? 1 : 0;
    if (word >= this.words.length || this.words[word] === shown) return;
    this.wrote(this.#profiling, 4);
    this.words[word] = shown;
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
    if (this.entered.at(-1) === thread)
      this.entered.pop(); // nearly always, and 40 ns quicker
    else if (this.entered.includes(thread)) this.entered.splice(this.entered.indexOf(thread), 1);
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
    Atomics.store(engine.words, FLAG, 0); // before the caller looks whether somebody has rung
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

  /** Blocked WASI calls look again whether they can go on. */
  wake(): void {
    this.wakes++;
    for (const thread of this.threads) if (thread.waiting?.kind === "host") thread.wake(undefined);
  }

  /** As `Replacement.recreate`. */
  recreate(carry?: Carry): void {
    required(this.#replacement, "a loaded program").recreate(carry);
  }

  /** As `Replacement.mark`. */
  mark(marks: boolean): void {
    required(this.#replacement, "a loaded program").mark(marks);
  }

  /**
   * Its threads run on this CPU from now on, those that `Parts` can have elsewhere by their affinities.
   *
   * @returns why not, one line: it goes on where it was
   */
  place(cpu: number): string | undefined {
    return this.#replacement?.place(cpu);
  }

  /** Where a thread is: where it may be, if that is so, else the CPU alone. */
  locate({ cpu, wanted }: KernelThread): Location {
    return this.#engine ? (this.#kernel.cpus?.locate(cpu, wanted) ?? wanted) : wanted;
  }

  /** A CPU is no more. */
  lose(cpu: number, why: string): void {
    if (!this.loaded) return;
    this.mirror?.wrote(0, this.view.byteLength); // perhaps between a write and its second one
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
