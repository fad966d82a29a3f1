// The long run: a pair that shares memory, the cruise control and the key-value server under load (workloads.ts) are
// checkpointed ten times a second into a store on disk, all in one cut, and recreated every ten seconds, by A and B in
// turns, from what the store gives back.
//
// A restore is from a checkpoint that is made at the end of an instance's life, so that no line may be missing between the
// two: lost, doubled and stale values are lines that do not follow.
//
// I1  The lines of each child are those expected, over all instances.
// I2  What is watched does not grow: SOAK_BOUNDS, against the first readings after the first restores.
import { readdirSync } from "node:fs";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { Core, nativeBinary } from "../../src/core/index.ts";
import { NATIVE_PROGRAMS } from "../../src/native/index.ts";
import { PreallocatedProvider, Rtcr, RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { type Env, objectOf, type ParentSession, type PdSession } from "../../src/session/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { componentFile } from "../evaluation/run-benchmark.ts";
import { heapReading, type StoreReading, StoreThread } from "./store-worker.ts";
import { BINARIES, type Expected, expectations, STARTS } from "./workloads.ts";

export interface SoakOptions {
  readonly durationMs: number;
  readonly checkpointEveryMs: number;
  readonly restoreEveryMs: number;
  /** For the store; exists, and is the caller's to remove. */
  readonly folder: string;
  /** Called after each restore. */
  readonly progress?: (reading: Reading) => void;
}

/** What must not grow; heaps of both threads together. */
export interface Reading extends StoreReading {
  readonly restores: number;
  readonly checkpoints: number;
  readonly lines: number;
  readonly fileHandles: number;
  /** Capabilities and RAM of the supervisor, children included, while an instance runs. */
  readonly usedCaps: number;
  readonly usedRam: number;
}

/** Most that a reading may be above the base. */
export const SOAK_BOUNDS = {
  heapBytes: 24 << 20,
  outsideBytes: 48 << 20,
  fileHandles: 4,
  usedCaps: 0,
  usedRam: 0,
  storeBytes: 16 << 20,
} as const satisfies Partial<Record<keyof Reading, number>>;

export interface SoakReport {
  /** How many lines each child has written. */
  readonly lines: ReadonlyMap<string, number>;
  readonly readings: readonly Reading[];
  readonly strategies: readonly string[];
}

/** Restores before the base is read: caches are filled then. */
const BASE = 2;
const GC_EVERY = 20;
const PARENT = ["PD", "CPU", "ROM", "LOG", "RM", "Timer"].map((name) => `<service name="${name}"/>`).join("");
const ROUTES = `<parent-provides>${PARENT}</parent-provides><default-route><any-service><parent/><any-child/></any-service></default-route>`;
const CONFIG = `<config>${ROUTES}<start name="soak" caps="12000" ram="128M">
  <config prio_levels="2">${ROUTES}${STARTS.join("")}</config></start></config>`;
/** Longest wait for the first line of an instance. */
const START_MS = 60_000;

/** @throws Error with the first line that does not follow, or the first bound that is broken */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const run = new Soak(options);
  try {
    return await run.run();
  } finally {
    await run.end();
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #provider = new PreallocatedProvider({ arenas: 2, arenaBytes: 4 << 20 });
  readonly #core: Core;
  readonly #readings: Reading[] = [];
  #env: Env | undefined;
  readonly #store: StoreThread;
  readonly #expected = new Map<string, Expected>(expectations().map((expected) => [expected.child, expected]));
  #lines = 0;
  readonly #linesOf = new Map<string, number>();
  #checkpoints = 0;
  #problem: Error | undefined;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#store = new StoreThread(options.folder);
    const program = (env: Env) => {
      this.#env = env;
      return { dispose: () => {} };
    };
    const programs = new Map([...NATIVE_PROGRAMS, ["soak", program] as const]);
    const modules = new Map(Array.from(programs.keys(), (name) => [name, nativeBinary(name)]));
    for (const name of BINARIES) modules.set(name, componentFile(name));
    modules.set("config", new TextEncoder().encode(CONFIG));
    const failed = (thrown: unknown) => (this.#problem ??= thrown as Error);
    const quota = { ram: 256 << 20, caps: 20_000 };
    const output = (line: string) => this.#line(line);
    this.#core = new Core({ quota, modules, programs, hash: nodeSha256, output, kernel: { failed } });
  }

  async run(): Promise<SoakReport> {
    const { durationMs } = this.#options;
    this.#core.start({ name: "init", binary: "init" });
    await this.#until(() => this.#env !== undefined);
    const strategies: string[] = [];
    const endMs = performance.now() + durationMs;
    let system = await this.#life();
    for (let restores = 1; performance.now() < endMs; restores++) {
      const strategy = STRATEGIES[restores % STRATEGIES.length]!;
      strategies.push(strategy);
      system = await this.#life({ restore: system, strategy }, restores);
    }
    return { lines: this.#linesOf, readings: this.#readings, strategies };
  }

  async end(): Promise<void> {
    this.#core.dispose();
    await this.#store.close();
  }

  /** One instance from its start to its last checkpoint, which is given back by the store. */
  async #life(
    restore: Pick<NonNullable<ConstructorParameters<typeof Rtcr>[1]>, "restore" | "strategy"> = {},
    restores = 0,
  ): Promise<SystemCheckpoint> {
    const { checkpointEveryMs, restoreEveryMs } = this.#options;
    const opened = new Set<number>();
    const restored = (outcome: unknown) => {
      if (outcome instanceof RtcrFault) this.#problem ??= outcome;
    };
    const rtcr = new Rtcr(this.#recording(opened), { provider: this.#provider, restored, ...restore });
    const before = this.#lines;
    const endMs = performance.now() + restoreEveryMs;
    await this.#until(() => this.#lines > before && rtcr.children.length === STARTS.length);
    if (restores > 0) await this.#read(restores);
    let dueMs = performance.now();
    while (performance.now() < endMs) {
      dueMs = Math.max(dueMs + checkpointEveryMs, performance.now());
      await this.#pause(Math.max(0, dueMs - performance.now()));
      await this.#save(rtcr);
    }
    const saved = this.#save(rtcr); // the last one: made before the instance ends, in the same turn of the event loop
    rtcr.dispose();
    for (const id of opened) objectOf<ParentSession>(this.#env!.parent, "parent")?.close(id);
    const id = await saved;
    return this.#store.do("load", id);
  }

  /** @returns the id of the checkpoint */
  async #save(rtcr: Rtcr): Promise<string> {
    const { system, lease } = rtcr.checkpoint("soak");
    const saved = this.#store.do("save", system);
    lease.release();
    const id = await saved;
    this.#checkpoints++;
    if (this.#checkpoints % GC_EVERY === 0) await this.#store.do("collect", undefined);
    return id;
  }

  #recording(opened: Set<number>): Env {
    const env = this.#env!;
    const session: Env["session"] = (id, ...rest) => {
      opened.add(id);
      return env.session(id, ...rest);
    };
    return { ...env, session };
  }

  #line(line: string): void {
    const [, child, found] = /^\[.* -> (\S+)\] (.*)$/.exec(line) ?? [];
    const expected = this.#expected.get(child ?? "")?.next();
    if (expected === undefined) return;
    const follows = typeof expected === "string" ? found === expected : expected.test(found!);
    if (!follows) this.#problem ??= new Error(`${child}: found "${found}", expected "${expected}"`);
    this.#lines++;
    this.#linesOf.set(child!, (this.#linesOf.get(child!) ?? 0) + 1);
  }

  async #read(restores: number): Promise<void> {
    await this.#store.do("collect", undefined); // readings are of the same moment of the store's life
    const [here, there] = [heapReading(), await this.#store.do("read", this.#options.folder)];
    const pd = objectOf<PdSession>(this.#env!.pd, "pd")!;
    const reading = {
      ...{ restores, checkpoints: this.#checkpoints, lines: this.#lines },
      heapBytes: here.heapBytes + there.heapBytes,
      outsideBytes: here.outsideBytes + there.outsideBytes,
      fileHandles: readdirSync("/proc/self/fd").length,
      ...{ usedCaps: pd.usedCaps(), usedRam: pd.usedRam(), storeBytes: there.storeBytes },
    };
    this.#readings.push(reading);
    this.#options.progress?.(reading);
    const base = this.#readings[BASE];
    if (!base) return;
    for (const [name, most] of Object.entries(SOAK_BOUNDS) as [keyof typeof SOAK_BOUNDS, number][]) {
      if (reading[name] <= base[name] + most) continue;
      this.#problem ??= new Error(
        `${name} has grown from ${base[name]} to ${reading[name]}, at most ${most} more are allowed`,
      );
    }
  }

  async #until(holds: () => boolean): Promise<void> {
    const endMs = performance.now() + START_MS;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error(`nothing has come for ${START_MS} ms, after line ${this.#lines}`);
      await this.#pause(1);
    }
  }

  /** @throws what has gone wrong meanwhile */
  async #pause(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (this.#problem) throw this.#problem;
  }
}
