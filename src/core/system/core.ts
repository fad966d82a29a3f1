// Core: a kernel with all services, and the first component, which gets all there is.
//
//   Core ---- roots by service ---- CoreParent ---- first component (init, or any program)
//     '- kernel, memory, clock, devices, ROM modules, output
//
// Nothing here knows what the first component is: its program is a ROM module like any other. ROM modules are no RAM:
// their dataspaces are outside of all quotas.
import { objectOf, type ParentSession, type Quota, type ServiceRoot } from "../../session/index.ts";
import { assert } from "../../util/index.ts";
import { type Device, DeviceBus, type DeviceHost } from "../devices/index.ts";
import {
  type Component,
  type ComponentWasi,
  Kernel,
  type KernelOptions,
  noKernelTicker,
  type StartCpu,
} from "../kernel/index.ts";
import type { LineSink } from "../log/index.ts";
import { type CoreContext, createCoreContext } from "../memory/index.ts";
import { type NativePrograms, TaskQueue } from "../native/index.ts";
import { Budget, type CorePd, createRootPd } from "../pd/index.ts";
import { RomModules } from "../rom/index.ts";
import { budgetDataspaces } from "../service/dataspaces.ts";
import type { ProvideFiles, ProvideTerminal } from "../service/small-roots.ts";
import { type AlarmClock, createRealClock, VirtualClock } from "../timer/index.ts";
import { driveTasks } from "./drive.ts";
import { type First, type FirstOptions, startFirst } from "./first.ts";
import { nativeRun } from "./natives.ts";
import { coreRoots } from "./roots.ts";

export interface CoreOptions {
  /** What the whole system has. */
  readonly quota: Quota;
  /** The boot image: contents by module name. Those that change are added by `core.modules.dynamic`. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** Takes the lines of core's LOG service. */
  readonly output: LineSink;
  /** Takes one line for people: what was refused or went wrong. Default: nowhere. */
  readonly warn?: LineSink;
  /** Hexadecimal SHA-256 of a module. */
  readonly hash: (bytes: Uint8Array) => string;
  /** Default: none. */
  readonly programs?: NativePrograms;
  /** Default: the host's. */
  readonly clock?: AlarmClock;
  /**
   * Needs a virtual clock. Time passes by itself: up to the next alarm or deadline when no component can run, and SLICE_US
   * with each slice, which is a number of safe points. So runs of the same system are the same each time, also those of
   * components that never wait. Default: only the clock's owner lets time pass.
   */
  readonly deterministic?: boolean;
  /** Makes the devices of the machine. Default: none. */
  readonly devices?: (parts: DeviceParts) => readonly Device[];
  /** The grid of CPUs; a number: all of them in one row. Default: 1 */
  readonly cpus?: number | Grid;
  /** Starts those beside the calling thread. Without it all components run in that, wherever they are placed. */
  readonly startCpu?: StartCpu;
  /** The WASI functions of a component; undefined: it has no sessions for them. */
  readonly wasi?: (component: Component, core: Core) => ComponentWasi | undefined;
  /** Files for a session's label, of a captured state if there is one; undefined: denied. */
  readonly files?: ProvideFiles;
  /** The terminal for a session's label; undefined: denied. With a state, a client goes on from that. */
  readonly terminals?: ProvideTerminal;
  /** Takes reports of sessions that are routed to core. Default: nowhere. */
  readonly reported?: (label: string, report: Uint8Array) => void;
  readonly kernel?: Pick<KernelOptions, "load" | "ticker" | "sliceMs" | "idle" | "failed">;
}

/** So many CPUs in each row, and so many rows. */
export interface Grid {
  readonly width: number;
  readonly height: number;
}

/** What devices are made of; their memory is no RAM either. */
export type DeviceParts = Pick<DeviceHost, "alarms" | "make">;

/** A slice of a deterministic system: safe points, and how long they take in microseconds. */
const SLICE_POINTS = 1000;
const SLICE_US = 1000;

/** Tasks of native components between two slices of a deterministic system; more wait for the event loop. */
const TASKS_AT_ONCE = 1000;

const UNLIMITED: Quota = { ram: Number.MAX_SAFE_INTEGER, caps: Number.MAX_SAFE_INTEGER };

export class Core {
  readonly context: CoreContext;
  readonly kernel: Kernel;
  readonly clock: AlarmClock;
  readonly modules: RomModules;
  readonly devices = new DeviceBus();
  readonly tasks = new TaskQueue();
  /** What belongs to nobody else. */
  readonly own: CorePd;
  readonly roots: ReadonlyMap<string, ServiceRoot>;
  /** PDs that live. */
  readonly pds = new Set<CorePd>();
  readonly #options: CoreOptions;
  readonly #firsts = new Set<First>();
  readonly #stopTasks: () => void;

  constructor(options: CoreOptions) {
    this.#options = options;
    const warn = options.warn ?? (() => {});
    this.context = createCoreContext({ warn });
    this.clock = options.clock ?? createRealClock();
    this.kernel = this.#makeKernel(warn);
    // Guests that keep the thread busy hold up the event loop, but no alarm for longer than a slice.
    this.kernel.scheduler.between = options.deterministic
      ? () => this.#settle()
      : () => void this.clock.alarms.ringDue();
    this.own = createRootPd(this.context, { label: "core", donation: options.quota });
    this.modules = new RomModules(budgetDataspaces(this.context, new Budget(UNLIMITED), "rom"));
    for (const [name, content] of options.modules) this.modules.boot(name, content);
    const parts = { alarms: this.clock.alarms, make: budgetDataspaces(this.context, new Budget(UNLIMITED), "io") };
    for (const device of options.devices?.(parts) ?? []) this.devices.add(device);
    const rested = options.deterministic ? () => this.kernel.scheduler.look() : () => {};
    this.#stopTasks = driveTasks(this.tasks, (thrown) => this.#failed(thrown), rested);
    this.roots = coreRoots(this, {
      cpus: gridOf(options),
      output: options.output,
      files: options.files ?? (() => undefined),
      terminals: options.terminals ?? (() => undefined),
      reported: options.reported ?? (() => {}),
    });
  }

  /**
   * Starts a component with all that is left of core's quota, unless it says otherwise.
   *
   * @throws CoreFault when it cannot be started; nothing of it is left then
   */
  start(options: FirstOptions): First {
    const first = startFirst(this, options);
    this.#firsts.add(first);
    return first;
  }

  /** Ends everything. */
  dispose(): void {
    for (const first of this.#firsts) first.dispose();
    this.kernel.scheduler.close();
    this.#stopTasks();
    this.devices.dispose();
    this.clock.dispose();
  }

  #makeKernel(warn: LineSink): Kernel {
    const { programs = new Map(), kernel, hash, wasi, clock, deterministic, startCpu } = this.#options;
    const own = deterministic && clock instanceof VirtualClock ? clock : undefined;
    assert(!deterministic || own, "a deterministic system has a virtual clock");
    const natives = { programs, badges: this.context.badges, tasks: this.tasks, warn, hash };
    const made = new Kernel({
      ...kernel,
      ...(own ? { ticker: noKernelTicker } : {}),
      ...(startCpu ? { cpus: { ...gridOf(this.#options), start: startCpu } } : {}),
      badges: this.context.badges,
      scopes: this.context.scopes,
      hash,
      warn,
      wasi: (component) => wasi?.(component, this),
      native: (component, binary) => nativeRun(natives, component.label, binary, () => component.parent),
      exited: (component, code) => objectOf<ParentSession>(component.parent, "parent")?.exit(code),
      // A clock of one's own is the one time that there is.
      ...(clock ? { now: () => clock.alarms.nowUs() / 1000 } : {}),
      ...(own ? { idle: (deadlineMs) => this.#passTime(own, deadlineMs) } : {}),
    });
    if (own) countSlices(made, own, this.tasks);
    return made;
  }

  /** What a slice has begun is over before the next, so that nothing depends on the turns of the event loop. */
  #settle(): void {
    this.kernel.settle();
    try {
      this.tasks.runAll(TASKS_AT_ONCE);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** No guest can run: native components have their turns, then time passes up to what is next. */
  #passTime(clock: VirtualClock, deadlineMs: number): boolean {
    if (!this.tasks.empty) return this.tasks.run() > 0;
    const nowUs = clock.alarms.nowUs();
    // Deadlines are sums of milliseconds: their errors are no reason to wait for a microsecond more.
    const nextUs = Math.min(clock.alarms.nextUs() ?? Infinity, Math.ceil(deadlineMs * 1000 - 1e-3));
    if (nextUs === Infinity) return false;
    clock.advance(Math.max(nextUs - nowUs, 0));
    return true;
  }

  #failed(thrown: unknown): void {
    const { failed } = this.#options.kernel ?? {};
    if (!failed) throw thrown;
    failed(thrown);
  }
}

function gridOf({ cpus = 1 }: CoreOptions): Grid {
  return typeof cpus === "number" ? { width: cpus, height: 1 } : cpus;
}

/**
 * Slices by safe points: time passes where the thread stands, which only makes notes of what is due. Native components
 * have their turns at the first safe point after something has come for them: whoever stops the system at a safe point
 * finds nothing that is due.
 */
function countSlices(kernel: Kernel, clock: VirtualClock, tasks: TaskQueue): void {
  const { scheduler } = kernel;
  kernel.everyPoint = true;
  kernel.atPoint = (_, cpu) => {
    if (++scheduler.used >= SLICE_POINTS) {
      scheduler.used = 0;
      clock.advance(SLICE_US);
      return true;
    }
    if (tasks.empty) return false;
    if (cpu === 0) scheduler.cut();
    return true;
  };
}
