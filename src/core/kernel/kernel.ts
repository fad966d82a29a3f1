// The kernel: owns components, threads and pending calls of one system, in one JavaScript thread.
//
// Everything that a thread can do or that can happen to it begins here or in the parts that the kernel joins: lifetimes
// (beginning and ending), scheduler (who runs), executor (running), stops, moves, rpc (calls), signals, waits (per component).
// TypeScript components use the contracts of
// session/ only; the assembly makes the kernel and gives it what lies outside of it.
import { FUTEX, type HostFunction } from "../../abi/index.ts";
import { Pool } from "../../engine/index.ts";
import {
  Badges,
  type Capability,
  type Dataspace,
  ENV_SESSION,
  type KernelObject,
  type LoadOptions,
  objectOf,
  type ParentSession,
  type PdSession,
  type RpcFailure,
  type RpcMessage,
  type RpcObject,
} from "../../session/index.ts";
import { type LoadedProgram, loadProgram } from "../program.ts";
import { CoreScopes } from "../scopes.ts";
import { Calls } from "./calls.ts";
import type { Component } from "./component.ts";
import type { ComponentWasi, NativeRun } from "./component-parts.ts";
import { Cpus, type StartCpu } from "./cpus/index.ts";
import type { ComponentEngine } from "./engine.ts";
import { LocalExecutor } from "./executor.ts";
import { WAKEUP } from "./imports.ts";
import { Lifetimes } from "./lifetimes.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { forgetCopiers } from "./memory-copier.ts";
import { Moves } from "./moves.ts";
import { KernelNativePd } from "./native-pd.ts";
import { importKind } from "./program.ts";
import { Programs } from "./programs.ts";
import { Rpc } from "./rpc.ts";
import { Scheduler } from "./scheduler.ts";
import type { ScopeSink } from "./scopes.ts";
import { Signals } from "./signals.ts";
import { Stops } from "./stops.ts";
import { KernelThread } from "./thread.ts";
import { type KernelTicker, type StartKernelTicker, startKernelTicker } from "./ticker.ts";
import { PooledWaits } from "./waits.ts";

/** What a CPU session gets to hold another thread of `thread-spawn`, by what it lacks, and how often for one thread. */
const SPAWN_UPGRADE = { "out-of-ram": "ram_quota=8K", "out-of-caps": "cap_quota=2" } as const;
const SPAWN_UPGRADES = 2;

export interface KernelOptions {
  /** Default: a new sequence. */
  readonly badges?: Badges;
  /** Of the core around. Default: its own. */
  readonly scopes?: CoreScopes;
  /** Hexadecimal SHA-256 of a module. */
  readonly hash: (bytes: Uint8Array) => string;
  /** Another way to a rewritten program, as a cache. Default: `loadProgram`. */
  readonly load?: typeof loadProgram;
  /** The WASI functions of a component whose program imports them; undefined: it has no sessions for them. */
  readonly wasi?: (component: Component) => ComponentWasi | undefined;
  /** Takes up binaries that name programs in TypeScript; undefined: it is a module. Text says why it cannot be run. */
  readonly native?: (component: Component, binary: Dataspace) => NativeRun | string | undefined;
  /** A thread has ended the program by a WASI exit. */
  readonly exited?: (component: Component, code: number) => void;
  /** One line for people: a thread was stopped by a trap, a component did something without effect. */
  readonly warn?: (message: string) => void;
  /** Default: a worker. */
  readonly ticker?: StartKernelTicker;
  readonly sliceMs?: number;
  /** CPUs of the machine, and what starts those beside this one. Default: one. */
  readonly cpus?: { readonly width: number; readonly height: number; readonly start: StartCpu };
  /** Milliseconds that never run back. Default: performance.now. */
  readonly now?: () => number;
  /** For clocks of one's own: lets time pass when no thread can run (`SchedulerOptions.idle`). */
  readonly idle?: (deadlineMs: number) => boolean;
  /** What to do with what is thrown by a bug. Default: it is thrown again, out of the event loop. */
  readonly failed?: (thrown: unknown) => void;
}

export class Kernel {
  readonly badges: Badges;
  readonly calls = new Calls();
  readonly rpc: Rpc;
  readonly signals = new Signals();
  readonly scheduler: Scheduler;
  readonly executor: LocalExecutor;
  readonly moves: Moves;
  readonly lifetimes: Lifetimes;
  readonly stops: Stops;
  readonly programs = new Programs();
  readonly pooledWaits = new PooledWaits();
  /** CPUs beside this one. */
  readonly cpus: Cpus | undefined;
  /**
   * Asked at every safe point while `everyPoint` is set: whether the thread gives way there. For torture.
   *
   * @param cpu the thread's: of one of thread-spawn it may be another one than its component's
   */
  atPoint: (component: Component, cpu: number) => boolean = () => true;
  /** Scopes of the kernel itself. */
  readonly ownScopes: CoreScopes;
  #everyPoint = false;
  readonly #options: KernelOptions;
  readonly #ticker: KernelTicker;
  #pool: Pool | undefined;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.badges = options.badges ?? new Badges();
    this.ownScopes = options.scopes ?? new CoreScopes();
    this.rpc = new Rpc(this);
    this.executor = new LocalExecutor(this);
    this.moves = new Moves(this);
    this.lifetimes = new Lifetimes(this, options.exited);
    this.stops = new Stops(this);
    this.#ticker = shared((options.ticker ?? startKernelTicker)(options.sliceMs ?? KERNEL_LIMITS.sliceMs));
    this.scheduler = new Scheduler({
      executor: this.executor,
      scopes: this.ownScopes,
      ticker: this.#ticker,
      now: () => this.now(),
      expired: (thread) => this.#expired(thread),
      idle: options.idle,
      moves: () => this.moves.make(),
      cpus: () => this.cpus,
      failed: (thrown) => this.failed(thrown),
      chain: (thread) => this.rpc.nested.chain(thread),
      nestAgain: (thread) => this.rpc.nested.nestAgain(thread),
    });
    this.cpus = this.#startCpus();
    if (this.cpus) this.badges.listen(() => this.cpus!.look());
    this.badges.listen(() => {
      for (const component of this.lifetimes.components) if (component.wasi?.lost?.()) component.wake();
    });
  }

  #startCpus(): Cpus | undefined {
    const { cpus } = this.#options;
    if (!cpus || cpus.width * cpus.height <= 1) return undefined;
    const rested = () => this.scheduler.rested();
    return new Cpus(this, { ...cpus, ticker: this.#ticker, rested });
  }

  /** Resolves when slices end by time; rejects if no worker could be started for that. */
  get ready(): Promise<void> {
    return this.#ticker.ready;
  }

  /** Every safe point asks `atPoint`. */
  get everyPoint(): boolean {
    return this.#everyPoint;
  }

  set everyPoint(every: boolean) {
    this.#everyPoint = every;
    this.cpus?.askChanges();
  }

  /** Who records scopes of components and of core; undefined: nobody. */
  get scopes(): ScopeSink | undefined {
    return this.ownScopes.sink;
  }

  set scopes(sink: ScopeSink | undefined) {
    this.ownScopes.sink = sink;
    for (const component of this.lifetimes.components) component.showScopes();
  }

  /** What all windows lead to: one for all components, so that they can share dataspaces. */
  get pool(): Pool {
    this.#pool ??= new Pool();
    return this.#pool;
  }

  now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  get components(): readonly Component[] {
    return [...this.lifetimes.components];
  }

  component(id: number): Component | undefined {
    return this.lifetimes.component(id);
  }

  thread(id: number): KernelThread | undefined {
    return this.lifetimes.thread(id);
  }

  /** The component inside a PD, also when others stand in front of it; undefined for what is no PD of this kernel. */
  componentOf(pd: Capability<PdSession>): Component | undefined {
    const session = objectOf<PdSession>(pd, "pd");
    return session && behind(session.nativePd(), KernelNativePd)?.component;
  }

  threadOf(capability: Capability): KernelThread | undefined {
    const thread = behind(capability, KernelThread);
    return thread?.dead ? undefined : thread;
  }

  /** `cancel_blocking` */
  cancel(thread: KernelThread): void {
    const { waiting } = thread;
    if (waiting?.kind === "futex") thread.component.waits.endFutex(thread, waiting.address, FUTEX.canceled);
    else if (waiting?.kind === "wakeup") {
      thread.wantsWakeup = false;
      thread.wake(WAKEUP.canceled);
    } else this.rpc.cancel(thread);
  }

  /** How a PD's RPC object delivers calls of TypeScript components. */
  deliver(
    object: RpcObject & { readonly capability: Capability },
    opcode: number,
    message: RpcMessage,
  ): Promise<RpcMessage | RpcFailure> {
    return this.rpc.deliver(object, object.capability, opcode, message);
  }

  /** Threads whose waits are over can go on now, whatever the engine has still to say about it; between slices. */
  settle(): void {
    for (const component of this.lifetimes.components) component.waits.look();
  }

  /** @internal The rewritten program of a module; the same one for the same bytes and options. */
  loadProgram(bytes: Uint8Array, options: LoadOptions): LoadedProgram {
    const hash = this.#options.hash(bytes);
    // Not by what else a component is loaded with: that differs with each, and the program does not depend on it.
    const { windows, marks = false } = options;
    const mirror = options.mirrorSlots !== undefined;
    const key = `${hash} ${JSON.stringify([windows ?? false, marks, mirror])}`;
    const load = this.#options.load ?? loadProgram;
    const asked = {
      ...(windows === undefined ? {} : { windows }),
      ...(marks ? { marks } : {}),
      ...(mirror ? { mirror } : {}),
    };
    return this.programs.take(key, () => load(bytes, hash, { importKind, growth: true, ...asked }));
  }

  /** @internal A component has lost its program. */
  trimPrograms(): void {
    const { components } = this.lifetimes;
    this.programs.trim(new Set([...components].flatMap((component) => (component.loaded ? [component.program] : []))));
  }

  /** @internal */
  nativeFor(component: Component, binary: Dataspace): NativeRun | string | undefined {
    return this.#options.native?.(component, binary);
  }

  /** @internal */
  wasiFor(component: Component): ComponentWasi | undefined {
    return this.#options.wasi?.(component);
  }

  /** @internal A component has an engine. */
  adopt(component: Component, { words, cpu }: ComponentEngine): void {
    this.#ticker.add(words);
    if (cpu === 0) this.cpus?.adopt(component, words.buffer);
  }

  /** @internal An engine of a component is no longer. */
  abandon(component: Component, { words, cpu }: ComponentEngine): void {
    this.#ticker.remove(words);
    forgetCopiers();
    if (cpu === 0) this.cpus?.abandon(component);
  }

  /** Something was thrown that no guest can be blamed for. */
  failed(thrown: unknown): void {
    if (this.#options.failed) this.#options.failed(thrown);
    else queueMicrotask(() => rethrow(thrown));
  }

  warn(message: string): void {
    this.#options.warn?.(message);
  }

  /** @internal `thread-spawn`: a thread with an instance of its own over the component's memory. */
  spawnFunction(component: Component): HostFunction {
    return {
      freeze: "instant",
      call: (_, argument) => {
        const starter = component.running!;
        if (starter.dead) return -1; // its program has ended, which it will notice at its next safe point
        const thread = this.#spawned(starter);
        if (!thread) return -1;
        if (!component.starts.beginSpawned(thread, argument as number)) {
          this.lifetimes.killThread(thread);
          return -1;
        }
        thread.started = true;
        this.scheduler.ready(thread);
        return thread.id;
      },
    };
  }

  /** A thread like this one; where its session has no room for another, it is upgraded as run-time libraries do it. */
  #spawned(starter: KernelThread): KernelThread | undefined {
    for (let upgrades = 0; ; upgrades++) {
      const made = starter.owner.spawn(starter);
      if (made.ok) return made.value;
      if (made.reason === "thread-creation-failed" || upgrades === SPAWN_UPGRADES) return undefined;
      const parent = objectOf<ParentSession>(starter.component.parent, "parent");
      const upgraded = parent?.upgrade(ENV_SESSION.cpu, SPAWN_UPGRADE[made.reason]);
      if (!upgraded?.ok || upgraded.value === "pending") return undefined; // nobody can wait here
    }
  }

  /** A wait has lasted until its deadline. */
  #expired(thread: KernelThread): void {
    const { waiting } = thread;
    if (waiting?.kind === "futex") thread.component.waits.endFutex(thread, waiting.address, FUTEX.timedOut);
    else if (waiting?.kind === "atomic") thread.component.waits.expire(thread);
    else if (waiting?.kind === "host") thread.wake(undefined);
  }
}

/** A ticker that ticks as long as one of those who let it run has not let it rest. */
function shared(ticker: KernelTicker): KernelTicker {
  let users = 0;
  return {
    ...ticker,
    run: () => {
      if (users++ === 0) ticker.run();
    },
    rest: () => {
      if (--users === 0) ticker.rest();
    },
  };
}

function rethrow(thrown: unknown): never {
  throw thrown;
}

/** The kernel's object behind a capability; one that stands in front of another says so by a field `native`. */
function behind<T extends KernelObject>(capability: Capability, kind: new (...args: never[]) => T): T | undefined {
  let object: KernelObject | undefined = capability.object;
  for (let depth = 0; object && depth < KERNEL_LIMITS.nesting; depth++) {
    if (object instanceof kind) return object;
    object = (object as { readonly native?: Capability }).native?.object;
  }
  return undefined;
}
