// The long run: a pair that shares memory, the cruise control and the key-value server under load (workloads.ts) are
// checkpointed ten times a second into a store on disk, all in one cut, and recreated every ten seconds, by A and B in
// turns, from what the store gives back.
//
// A restore is from a checkpoint that is made at the end of an instance's life, so that no line may be missing between the
// two: lost, doubled and stale values are lines that do not follow (system.ts).
//
// Checkpoints are due at fixed times. Those that were due while the system was being restored, or while the store was
// behind, are made up for, one behind the other, for CATCH_UP_MS back at most.
//
// I1  What is watched does not grow: SOAK_BOUNDS, against the first readings after the first restores.
import { readdirSync, readlinkSync } from "node:fs";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { heapReading, type StoreReading } from "./store-worker.ts";
import { type Instance, SoakSystem } from "./system.ts";

export interface SoakOptions {
  readonly durationMs: number;
  readonly checkpointEveryMs: number;
  readonly restoreEveryMs: number;
  /** The run goes on until there were as many, however long that takes. Default: 0. */
  readonly leastRestores?: number;
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
  /** Without the store's: it keeps at most 64 files open, as many as there are (store/open-files.ts). */
  readonly fileHandles: number;
  /** Capabilities and RAM of the supervisor, children included, while an instance runs. */
  readonly usedCaps: number;
  readonly usedRam: number;
}

/**
 * Most that a reading may be above the base. Heaps: a program that is not given back is 1.6 MB a restore, caches and what the
 * engine learns were 6 MB in 100 restores.
 */
export const SOAK_BOUNDS = {
  heapBytes: 12 << 20,
  outsideBytes: 32 << 20,
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
  /** Safe on disk, all of them. */
  readonly checkpoints: number;
  /** From the first instance's first line to the end, restores included. */
  readonly elapsedMs: number;
}

/** Restores before the base is read: caches are filled then. */
const BASE = 2;
const CATCH_UP_MS = 2000;

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
  readonly #system: SoakSystem;
  readonly #readings: Reading[] = [];
  #dueMs = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#system = new SoakSystem(options.folder);
  }

  async run(): Promise<SoakReport> {
    await this.#system.start();
    const strategies: string[] = [];
    const first = await this.#system.begin();
    const beginMs = performance.now();
    this.#dueMs = beginMs;
    let saved = await this.#life(first, beginMs + this.#options.restoreEveryMs);
    const { durationMs, leastRestores = 0 } = this.#options;
    for (let restores = 1; performance.now() < beginMs + durationMs || restores <= leastRestores; restores++) {
      const endMs = performance.now() + this.#options.restoreEveryMs;
      const strategy = STRATEGIES[restores % STRATEGIES.length]!;
      strategies.push(strategy);
      const instance = await this.#system.begin({ restore: saved, strategy });
      await this.#read(restores);
      saved = await this.#life(instance, endMs);
    }
    const { linesOf: lines, checkpoints } = this.#system;
    const elapsedMs = performance.now() - beginMs;
    return { lines, readings: this.#readings, strategies, checkpoints, elapsedMs };
  }

  async end(): Promise<void> {
    await this.#system.end();
  }

  /** An instance up to its last checkpoint, which is given back by the store. */
  async #life(instance: Instance, endMs: number): Promise<SystemCheckpoint> {
    while (performance.now() < endMs) {
      await this.#system.room();
      const now = performance.now();
      this.#dueMs = Math.max(this.#dueMs + this.#options.checkpointEveryMs, now - CATCH_UP_MS);
      await this.#system.pause(Math.max(0, this.#dueMs - now));
      void this.#system.save(instance);
    }
    await this.#system.room();
    const saved = this.#system.save(instance); // the last one: made before the instance ends, in the same turn of the event loop
    instance.dispose();
    return this.#system.store.do("load", await saved);
  }

  async #read(restores: number): Promise<void> {
    const { store, pd, checkpoints, lines } = this.#system;
    await store.do("collect", undefined); // readings are of the same moment of the store's life
    const [here, there] = [heapReading(), await store.do("read", this.#options.folder)];
    const reading = {
      ...{ restores, checkpoints, lines },
      heapBytes: here.heapBytes + there.heapBytes,
      outsideBytes: here.outsideBytes + there.outsideBytes,
      fileHandles: handlesBeside(this.#options.folder),
      ...{ usedCaps: pd.usedCaps(), usedRam: pd.usedRam(), storeBytes: there.storeBytes },
    };
    this.#readings.push(reading);
    this.#options.progress?.(reading);
    const base = this.#readings[BASE];
    if (!base) return;
    for (const [name, most] of Object.entries(SOAK_BOUNDS) as [keyof typeof SOAK_BOUNDS, number][]) {
      if (reading[name] <= base[name] + most) continue;
      throw new Error(`${name} has grown from ${base[name]} to ${reading[name]}, at most ${most} more are allowed`);
    }
  }
}

/** Open files of this process that are not below a folder. */
function handlesBeside(folder: string): number {
  const beside = (descriptor: string) => {
    try {
      return !readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(folder);
    } catch {
      return false; // closed meanwhile, as the one that lists them
    }
  };
  return readdirSync("/proc/self/fd").filter(beside).length;
}
