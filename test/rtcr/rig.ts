// A supervisor with children in a system of its own, run to its end in virtual time; and the same run, stopped at a
// safe point, stored as an image, thrown away and continued in a fresh system.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromCheckpoint, type SystemCheckpoint, toCheckpoint } from "../../src/checkpoint/index.ts";
import type { NativeProgram } from "../../src/core/index.ts";
import { startNodeCpu } from "../../src/core/index-node.ts";
import { deterministicWasi } from "../../src/machine/component-wasi.ts";
import { NATIVE_PROGRAMS } from "../../src/native/index.ts";
import { type RepairReport, RTCR_PROGRAM, Rtcr, RtcrFault, type RtcrOptions } from "../../src/rtcr/index.ts";
import type { Env, SavedComponent } from "../../src/session/index.ts";
import { loadCheckpoint, openMemoryStore, saveCheckpoint } from "../../src/store/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { type CoreSystem, config, start, startSystem } from "../support/core-system.ts";
import { closeWithTest } from "../support/left-open.ts";

const COMPONENTS = join(import.meta.dirname, "../../build/components");
const APPS = join(import.meta.dirname, "../../build/apps");
const ENOUGH = 'caps="500" ram="16M"';
/** Virtual time that passes when nothing runs. */
const STEP_US = 1_000;
const STEPS = 20_000;
/** Turns of the event loop after which what is under way has come as far as it does. */
const TURNS = 4;

/** A child: its program, and the inside of its start node. */
export interface ChildSpec {
  readonly name: string;
  readonly binary?: string;
  readonly inside?: string;
  /** Attributes of the start node. Default: those of the rig. */
  readonly attributes?: string;
}

/** Init's configuration: a supervisor with these children. */
function supervised(children: readonly ChildSpec[], quota: string, cpus: number, route = ""): string {
  const nodes = children.map(({ name, binary = name, inside = "", attributes = quota }, i) => {
    const placed = binary === "init" || inside.includes("<affinity"); // inits have all of them
    const affinity = cpus > 1 && !placed ? `<affinity xpos="${i % cpus}"/>` : "";
    return start(name, `<binary name="${binary}"/>${affinity}${inside}`, attributes);
  });
  const space = cpus > 1 ? `<affinity-space width="${cpus}"/>` : "";
  return config(start("rtcr", config(space + nodes.join("")) + route, 'caps="14000" ram="240M"'));
}

/** Programs by the names of their modules. */
type Binaries = Readonly<Record<string, Uint8Array>>;

export interface RigOptions extends RtcrOptions {
  readonly children: readonly ChildSpec[];
  /** Programs besides theirs. */
  readonly programs?: readonly string[];
  /** Programs that are no compiled ones of apps/. */
  readonly binaries?: Binaries;
  /** Programs in TypeScript besides those that there are. */
  readonly natives?: Readonly<Record<string, NativeProgram>>;
  /** How many of them exit. Default: all. */
  readonly exits?: number;
  /** Attributes of the start nodes. Default: enough of everything. */
  readonly quota?: string;
  /** Called when a restore has ended, before a child runs. */
  readonly restoredIn?: (rtcr: Rtcr) => void;
  /** Safe points after which a thread gives way to others, and time passes. Default: threads run until they wait. The
   * same in every run. */
  readonly slice?: number;
  /** Over which the children are spread in turn. Default: 1 */
  readonly cpus?: number;
  /** Of supervisors among the children. */
  readonly inner?: RtcrOptions;
  /** The supervisor itself gets no Timer session. */
  readonly withoutTimer?: boolean;
}

const NO_TIMER =
  '<route><service name="Timer" unscoped_label="rtcr -> bootstrap"/><any-service><parent/></any-service></route>';

/** A compiled component of apps/components, or program of apps. */
export function component(name: string): Uint8Array {
  const [file = ""] = [COMPONENTS, APPS].map((folder) => join(folder, `${name}.wasm`)).filter(existsSync);
  if (file === "") throw new Error(`${name}.wasm is missing: run npm run build:guests and npm run apps`);
  return new Uint8Array(readFileSync(file));
}

/** The programs that are none in TypeScript. */
function compiled(children: readonly ChildSpec[], others: readonly string[], given: readonly string[]): Binaries {
  const names = [...children.map(({ name, binary = name }) => binary), ...others];
  const wanted = names.filter((name) => !NATIVE_PROGRAMS.has(name) && name !== RTCR_PROGRAM && !given.includes(name));
  return Object.fromEntries(wanted.map((name) => [name, component(name)]));
}

export class Rig {
  readonly tree: CoreSystem;
  readonly outcomes: (readonly RepairReport[] | RtcrFault)[] = [];
  readonly #exits: number;
  readonly #slice: number;
  /** Children run on other CPUs: time passes when they have come to rest. */
  readonly #beside: boolean;
  readonly #cpus: number;
  readonly #quota: string;
  #rtcr: Rtcr | undefined;
  #begun = false;
  #points = 0;
  #bootstrapped = 0;
  #stopAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor({
    children,
    exits = children.length,
    slice = Number.POSITIVE_INFINITY,
    restoredIn,
    quota = ENOUGH,
    programs = [],
    binaries = {},
    cpus = 1,
    withoutTimer = false,
    inner = {},
    natives = {},
    ...options
  }: RigOptions) {
    this.#exits = exits - (options.restore?.exited.length ?? 0);
    this.#slice = slice;
    this.#quota = quota;
    this.#beside = cpus > 1;
    this.#cpus = cpus;
    this.tree = startSystem({
      wasi: deterministicWasi,
      config: supervised(children, quota, cpus, withoutTimer ? NO_TIMER : ""),
      ...(cpus > 1 ? { cpus, startCpu: startNodeCpu } : {}),
      binaries: { ...compiled(children, programs, [...Object.keys(binaries), ...Object.keys(natives)]), ...binaries },
      natives: {
        ...natives,
        rtcr: (env, saved) => {
          if (this.#begun) return this.#within(env, inner, saved); // one among the children
          this.#begun = true;
          this.#rtcr = new Rtcr(env, {
            ...options,
            restored: (outcome) => {
              this.outcomes.push(outcome);
              if (restoredIn) queueMicrotask(() => restoredIn(this.rtcr));
            },
          });
          return this.#rtcr;
        },
      },
    });
    closeWithTest(this.tree.core.kernel);
  }

  get rtcr(): Rtcr {
    return this.#rtcr!;
  }

  /** Supervisors among the children, in the order of their start. */
  readonly inner: Rtcr[] = [];
  readonly innerOutcomes: (readonly RepairReport[] | RtcrFault)[] = [];

  #within(env: Env, options: RtcrOptions, saved?: SavedComponent): Rtcr {
    const restored = (outcome: readonly RepairReport[] | RtcrFault) => this.innerOutcomes.push(outcome);
    const rtcr = new Rtcr(env, { ...options, restored }, saved);
    this.inner.push(rtcr);
    return rtcr;
  }

  /** Log lines of the children, without the labels that they all have in front. */
  get lines(): readonly string[] {
    const above = "[init -> rtcr -> ";
    return this.tree.lines.filter((line) => line.startsWith(above)).map((line) => line.replace(above, "["));
  }

  /** Safe points until the last child had bootstrapped. */
  get bootstrapped(): number {
    return this.#bootstrapped;
  }

  /** Safe points that threads have come to. */
  get points(): number {
    return this.#points;
  }

  get ended(): boolean {
    return this.exited >= this.#exits;
  }

  /** How many have exited, deep ones included. */
  get exited(): number {
    return this.tree.lines.filter((line) => /exited with exit value/.test(line)).length;
  }

  /**
   * Lets the children run, or go on, until all have exited, or until `point` safe points were passed: then all stand still.
   *
   * @returns whether they stand still
   */
  async run(point = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { kernel } = this.tree.core;
    this.#stopAt = point;
    kernel.everyPoint = true;
    kernel.atPoint = () => {
      this.#points++;
      const children = this.rtcr.children.map((name) => this.rtcr.child(name));
      if (children.some((child) => child?.context.bootstrapping)) this.#bootstrapped = this.#points + 1;
      if (this.#points < this.#stopAt) {
        const due = this.#points % this.#slice === 0;
        if (due) this.tree.clock.advance(STEP_US);
        return due;
      }
      this.#stopped = true;
      kernel.scheduler.freeze();
      return true;
    };
    if (this.#stopped) kernel.scheduler.resume();
    this.#stopped = false;
    for (let step = 0; step < STEPS; step++) {
      if (this.#beside || this.#slice < Number.POSITIVE_INFINITY) await this.rest();
      else for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (this.#stopped) return true;
      if (this.ended) return false;
      this.tree.advance(STEP_US);
    }
    throw new Error(`the children have not ended after ${STEPS} steps: ${this.tree.lines.slice(-5).join("; ")}`);
  }

  /** Until nothing runs on any CPU, or `done`. */
  async rest(done = () => this.#stopped): Promise<void> {
    this.tree.settle();
    const { scheduler, cpus } = this.tree.core.kernel;
    let quiet = false;
    void scheduler.quiet().then(() => {
      quiet = true;
    });
    // Whoever waits for a time (a futex with a limit) waits for `advance`: nothing else is under way for some turns.
    for (let turns = 0; !quiet && !done() && turns < TURNS; ) {
      await new Promise((resolve) => setImmediate(resolve));
      turns = scheduler.pending || cpus?.busy ? 0 : turns + 1;
    }
  }

  /** Changes the supervisor's configuration, which takes effect when it has its next turn. */
  reconfigure(children: readonly ChildSpec[]): void {
    this.tree.change(supervised(children, this.#quota, this.#cpus));
  }

  close(): void {
    this.tree.close();
  }
}

/** A checkpoint as it comes back from a store. */
export async function throughImage(system: SystemCheckpoint): Promise<SystemCheckpoint> {
  const store = openMemoryStore({ sha256: nodeSha256 });
  const { root } = await saveCheckpoint(store, toCheckpoint(system), { sha256: nodeSha256 });
  return fromCheckpoint(await loadCheckpoint(store, root.id, { sha256: nodeSha256 }));
}

/** What the children log when nobody disturbs them, and how many safe points they pass. */
export async function undisturbed(options: RigOptions): Promise<{
  readonly lines: readonly string[];
  readonly points: number;
  readonly bootstrapped: number;
}> {
  const rig = new Rig(options);
  try {
    await rig.run();
    return { lines: rig.lines, points: rig.points, bootstrapped: rig.bootstrapped };
  } finally {
    rig.close();
  }
}

/**
 * The log of a run that is stopped at a safe point, stored, thrown away and continued in a fresh system.
 *
 * @param elsewhere what is different there
 */
export async function continued(
  options: RigOptions,
  point: number,
  elsewhere: Partial<RigOptions> = {},
): Promise<readonly string[]> {
  const first = new Rig(options);
  let system: SystemCheckpoint;
  let lines: readonly string[];
  let left: number;
  try {
    if (!(await first.run(point))) throw new Error(`the children ended before point ${point}`);
    if (first.ended) return first.lines;
    system = await throughImage(first.rtcr.checkpoint("torture").system);
    lines = first.lines;
    left = (options.exits ?? options.children.length) - first.exited;
  } finally {
    first.close();
  }
  const second = new Rig({ ...options, ...elsewhere, exits: left + system.exited.length, restore: system });
  try {
    await second.run();
    const [outcome] = second.outcomes;
    if (outcome instanceof RtcrFault) throw outcome;
    if (second.outcomes.length !== 1) throw new Error("the restore was not done once");
    return [...lines, ...second.lines];
  } finally {
    second.close();
  }
}
