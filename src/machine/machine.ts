// The embedding API: guests that run in the JavaScript thread of their embedder, can be frozen at any time, captured
// and restored in another machine, under Node and in browsers alike.
//
//   running <-> frozen -> closed          (freeze, resume, close; a restored machine begins frozen)
//
// The machine's instances and threads form one group: they are frozen, captured and restored together. Guests run in
// slices (scheduler.ts), so the embedder's event loop stays responsive while they compute.
//
// I1  A checkpoint is plain data: nothing in it changes with the machine it was made of.
// I2  A capture that is refused (a reference of the host) leaves the machine as it was, and it goes on.

import type { HostValue, PlainData, SavedInstance } from "../abi/index.ts";
import { type Checkpoint, sha256 } from "../checkpoint/index.ts";
import { loadProgram } from "../core/program.ts";
import { captureGroup, Group, type Instance, restoreGroup, type Thread } from "../engine/index.ts";
import { MachineFault } from "./faults.ts";
import { GuestInstance, requireArguments } from "./guest-instance.ts";
import { type GuestThread, toResult } from "./guest-thread.ts";
import { linkedNames, requireGuestFunctions, rewriteOptions, toValues } from "./links.ts";
import type { CheckpointOptions, LoadOptions, MachineOptions, RestoreOptions, Session } from "./machine-options.ts";
import { ModuleSet } from "./module-set.ts";
import { programData, savedFailed, savedLinks } from "./program-data.ts";
import { Scheduler } from "./scheduler.ts";
import { noTicker, startTicker } from "./ticker.ts";

/** Longest wait for a callback into the guest, in milliseconds, unless said otherwise. */
export const FREEZE_DEADLINE_MS = 30_000;

const SLICE_MS = 10;
const CHECKPOINT_NAME = "machine";

export class Machine {
  readonly #group: Group;
  readonly #scheduler: Scheduler;
  readonly #modules: ModuleSet;
  readonly #sessions: Readonly<Record<string, Session>>;
  readonly #ready: Promise<void>;
  readonly #instances = new Map<string, GuestInstance>();
  readonly #links: Readonly<Record<string, string>>[] = [];
  /** Numbers of instances that could not be loaded, but have left functions in tables of others. */
  readonly #failed: number[] = [];

  constructor(options: MachineOptions = {}) {
    const { sliceMs = SLICE_MS, sessions = {}, compile } = options;
    this.#group = new Group({ parks: true, ...(compile ? { compile } : {}) });
    this.#modules = new ModuleSet(options.sha256 ?? sha256);
    this.#sessions = sessions;
    const start = sliceMs === Infinity ? noTicker : (options.ticker ?? startTicker);
    const ticker = start(this.#group.control.words, sliceMs);
    this.#ready = ticker.ready;
    this.#scheduler = new Scheduler(this.#group, { ticker, module: (number) => this.#onlyModule(number) });
  }

  /** "frozen" and "running" are what `freeze` and `resume` say, whether or not there is a thread. */
  get state(): "running" | "frozen" | "closed" {
    return this.#scheduler.state;
  }

  /** Threads that have not ended. */
  get threads(): readonly GuestThread[] {
    return this.#scheduler.threads;
  }

  /** All instances in the order in which they were loaded. */
  get instances(): readonly GuestInstance[] {
    return [...this.#instances.values()];
  }

  /** The instance of a name. Throws MachineFault "no-instance" if there is none. */
  instance(name: string): GuestInstance {
    const found = this.#instances.get(name);
    if (found) return found;
    const names = [...this.#instances.keys()].join(", ") || "none";
    throw new MachineFault("no-instance", `expected an instance called ${name}, found ${names}`);
  }

  /**
   * Adds an instance of a module. Its start function runs in a thread of its own, which can be frozen like any other;
   * the promise resolves when that has ended, across freezes.
   *
   * @param bytes the module; they must not change afterwards
   * @throws WasmFault if it is malformed or cannot be saved, WebAssembly.CompileError if it is invalid, EngineFault
   *   "link" for a missing import, WebAssembly.LinkError for one that does not fit, MachineFault "name-taken",
   *   "foreign-function", "closed", or how its start function ended; in that last case the instance is there
   */
  async load(bytes: Uint8Array, options: LoadOptions = {}): Promise<GuestInstance> {
    this.#requireOpen();
    const instance = this.#add(bytes, options);
    await this.#ready;
    if (instance.starting) toResult(instance.starting, await instance.starting.done);
    return instance;
  }

  /** Begins a thread: see GuestInstance.start. */
  start(instance: GuestInstance, name: string, ...args: HostValue[]): GuestThread {
    this.#requireOpen();
    const engine = this.#group.instances.findLast((entry) => entry.name === instance.name)!;
    const index = instance.functionIndex(name);
    requireArguments(`${instance.name}.${name}`, engine.program.signature(index), args);
    return this.#spawn(engine, index, name, args);
  }

  /**
   * Stops all threads, until `resume`. From the event loop that is done at once. A host function may ask too: the
   * freeze comes when it and all that it was called through have returned.
   *
   * @returns "frozen", or "host-callback" if a callback into the guest has not returned within `deadlineMs`
   *   (default 30 s); then the request is taken back and the guests go on
   */
  async freeze({ deadlineMs = FREEZE_DEADLINE_MS } = {}): Promise<"frozen" | "host-callback"> {
    this.#requireOpen();
    const outcome = await this.#scheduler.atRest(deadlineMs, () => this.#scheduler.freeze());
    return outcome.kind === "done" ? "frozen" : outcome.kind;
  }

  /** Lets a frozen machine go on. */
  resume(): void {
    this.#requireOpen();
    this.#scheduler.resume();
  }

  /** Blocked host calls are issued again, to see whether they can go on: call it when what they wait for is there. */
  wake(): void {
    this.#group.wake();
    this.#scheduler.wake();
  }

  /**
   * The whole state: all instances and threads, and the embedder's sessions. A running machine goes on afterwards, a
   * frozen one stays frozen. Called by a host function it is made when that has returned, like a freeze.
   *
   * @throws EngineFault "unsaveable" for what has no saved form, by name; MachineFault "host-callback", "closed"
   */
  async checkpoint(options: CheckpointOptions = {}): Promise<Checkpoint> {
    this.#requireOpen();
    const { deadlineMs = FREEZE_DEADLINE_MS } = options;
    const outcome = await this.#scheduler.atRest(deadlineMs, () => this.#capture(options));
    if (outcome.kind === "done") return outcome.value;
    const message = `a host function has called back into the guest and has not returned within ${deadlineMs} ms`;
    throw new MachineFault("host-callback", message, { deadlineMs });
  }

  /**
   * A new machine in the state of a checkpoint. It is frozen: look at `threads` and `instances`, then `resume`.
   *
   * @throws MachineFault "wrong-module" if a module is missing, "no-session"; EngineFault "mismatch" if the state does
   *   not fit the modules; and what `load` throws
   */
  static async restore(checkpoint: Checkpoint, options: RestoreOptions = {}): Promise<Machine> {
    const machine = new Machine(options);
    try {
      machine.#scheduler.freeze();
      machine.#restore(checkpoint, options);
      await machine.#ready;
      return machine;
    } catch (thrown) {
      machine.close();
      throw thrown;
    }
  }

  /** Ends the machine: threads that have not ended end as "closed". */
  close(): void {
    this.#scheduler.close();
  }

  /** Closes the machine at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #add(bytes: Uint8Array, options: LoadOptions, saved?: SavedInstance): GuestInstance {
    const { name = `instance-${this.#instances.size}` } = options;
    const engine = this.#instantiate(bytes, name, options, saved);
    const { start } = engine.program.info;
    const instance = new GuestInstance(
      engine,
      (which, entry, args) => this.start(which, entry, ...args),
      () => (!saved && start !== undefined ? this.#spawn(engine, start, "start", []) : undefined),
    );
    this.#instances.set(name, instance);
    return instance;
  }

  #instantiate(bytes: Uint8Array, name: string, options: LoadOptions, saved: SavedInstance | undefined): Instance {
    const { imports = {}, links = {} } = options;
    if (this.#instances.has(name)) {
      throw new MachineFault("name-taken", `the machine has an instance called ${name}: choose another name`);
    }
    const hash = this.#modules.add(bytes);
    const program = loadProgram(bytes, hash, rewriteOptions(imports));
    requireGuestFunctions(name, links, this.#group);
    const { instances } = this.#group;
    const number = instances.length;
    try {
      return this.#group.add(name, program, imports, toValues(links), { saved });
    } catch (thrown) {
      if (instances.length > number) this.#failed.push(number);
      throw thrown;
    } finally {
      if (instances.length > number) this.#links.push(linkedNames(links));
    }
  }

  #spawn(engine: Instance, index: number, name: string, args: readonly HostValue[]): GuestThread {
    const thread: Thread = this.#group.spawn({ instance: engine.number, function: index, name }, args);
    return this.#scheduler.add(thread);
  }

  #capture({ name = CHECKPOINT_NAME, parent, carryModules = true }: CheckpointOptions): Checkpoint {
    const group = captureGroup(this.#group);
    const sessions = Object.entries(this.#sessions).map(([key, session]) => [key, session.capture()]);
    return {
      created: new Date().toISOString(),
      name,
      ...(parent === undefined ? {} : { parent }),
      program: programData(this.#links, this.#failed),
      group,
      sessions: Object.fromEntries(sessions) as Record<string, PlainData>,
      ...(carryModules ? { modules: this.#modules.all() } : {}),
    };
  }

  #restore(checkpoint: Checkpoint, options: RestoreOptions): void {
    for (const bytes of Object.values(checkpoint.modules ?? {})) this.#modules.add(bytes);
    for (const bytes of options.modules ?? []) this.#modules.add(bytes);
    for (const key of Object.keys(checkpoint.sessions)) {
      if (Object.hasOwn(this.#sessions, key)) continue;
      const message = `the checkpoint holds the state of session ${key}: give options.sessions.${key} to restore it`;
      throw new MachineFault("no-session", message);
    }
    const links = savedLinks(checkpoint.program);
    const failed = savedFailed(checkpoint.program);
    for (const [number, saved] of checkpoint.group.instances.entries()) {
      const { name, module } = saved;
      const own = options.instances?.[name] ?? options;
      const linked = Object.entries(links[number] ?? {}).map(([from, other]) => [from, this.instance(other)]);
      const given = { imports: own.imports ?? {}, links: { ...Object.fromEntries(linked), ...own.links } };
      const bytes = this.#modules.get(module, name);
      if (failed.includes(number)) {
        this.#instantiate(bytes, name, given, saved);
        this.#failed.push(number);
      } else this.#add(bytes, { name, ...given }, saved);
    }
    restoreGroup(this.#group, checkpoint.group);
    for (const [key, state] of Object.entries(checkpoint.sessions)) this.#sessions[key]!.restore(state);
    for (const thread of this.#group.threads) this.#scheduler.add(thread);
  }

  /** The module of an instance, if the machine has no other. */
  #onlyModule(number: number): Uint8Array | undefined {
    const { instances } = this.#group;
    return instances.length === 1 ? this.#modules.get(instances[number]!.program.info.module, "") : undefined;
  }

  #requireOpen(): void {
    if (this.state === "closed") throw new MachineFault("closed", "the machine was closed");
  }
}
