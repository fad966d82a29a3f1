// The long run: two components, one driven by a timer, which call each other and share memory, are checkpointed ten times a
// second into a store on disk and recreated every ten seconds, by A and B in turns, from what the store gives back.
//
// The client logs turn n with the sum 4n + 6 (apps/components/cpp/soak_client.cpp): lost, doubled and stale values are lines
// that do not follow. A restore is from a checkpoint that is made at the end of an instance's life, so that none may be
// missing between the two.
//
// I1  Line i of the client is `i 4i+6`, over all instances.
// I2  What is watched does not grow: SOAK_BOUNDS, against the first readings after the first restores.
import { readdirSync, statSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { fromCheckpoint, type SystemCheckpoint, toCheckpoint } from "../../src/checkpoint/index.ts";
import { Core, nativeBinary } from "../../src/core/index.ts";
import { NATIVE_PROGRAMS } from "../../src/native/index.ts";
import { PreallocatedProvider, Rtcr, RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { type Env, objectOf, type ParentSession, type PdSession } from "../../src/session/index.ts";
import { loadCheckpoint, nodeSha256, openDirectoryStore, saveCheckpoint } from "../../src/store/index-node.ts";
import { componentFile } from "../evaluation/run-benchmark.ts";

export interface SoakOptions {
  readonly durationMs: number;
  readonly checkpointEveryMs: number;
  readonly restoreEveryMs: number;
  /** For the store; exists, and is the caller's to remove. */
  readonly folder: string;
  /** Called after each restore. */
  readonly progress?: (reading: Reading) => void;
}

/** What must not grow. */
export interface Reading {
  readonly restores: number;
  readonly checkpoints: number;
  readonly lines: number;
  readonly heapBytes: number;
  /** ArrayBuffers and WebAssembly memories. */
  readonly outsideBytes: number;
  readonly fileHandles: number;
  /** Capabilities and RAM of the supervisor, children included, while an instance runs. */
  readonly usedCaps: number;
  readonly usedRam: number;
  readonly storeBytes: number;
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
  readonly readings: readonly Reading[];
  readonly strategies: readonly string[];
}

/** Restores before the base is read: caches are filled then. */
const BASE = 2;
/** Checkpoints that the store keeps. */
const KEPT = 5;
const GC_EVERY = 20;
const PARENT = ["PD", "CPU", "ROM", "LOG", "RM", "Timer"].map((name) => `<service name="${name}"/>`).join("");
const ROUTES = `<parent-provides>${PARENT}</parent-provides><default-route><any-service><parent/><any-child/></any-service></default-route>`;
const CONFIG = `<config>${ROUTES}<start name="soak" caps="4000" ram="64M"><config>${ROUTES}
  <start name="server" caps="500" ram="8M"><binary name="pair_server" windows="yes"/><provides><service name="Pair"/></provides></start>
  <start name="client" caps="500" ram="8M"><binary name="soak_client" windows="yes"/><config period_ms="5"/></start>
</config></start></config>`;
const CHILDREN = 2;
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
  #store: Awaited<ReturnType<typeof openDirectoryStore>> | undefined;
  #lines = 0;
  #checkpoints = 0;
  #problem: Error | undefined;

  constructor(options: SoakOptions) {
    this.#options = options;
    const program = (env: Env) => {
      this.#env = env;
      return { dispose: () => {} };
    };
    const programs = new Map([...NATIVE_PROGRAMS, ["soak", program] as const]);
    const modules = new Map(Array.from(programs.keys(), (name) => [name, nativeBinary(name)]));
    for (const name of ["pair_server", "soak_client"]) modules.set(name, componentFile(name));
    modules.set("config", new TextEncoder().encode(CONFIG));
    const failed = (thrown: unknown) => (this.#problem ??= thrown as Error);
    const quota = { ram: 256 << 20, caps: 20_000 };
    const output = (line: string) => this.#line(line);
    this.#core = new Core({ quota, modules, programs, hash: nodeSha256, output, kernel: { failed } });
  }

  async run(): Promise<SoakReport> {
    const { durationMs, folder } = this.#options;
    this.#store = await openDirectoryStore(folder);
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
    return { readings: this.#readings, strategies };
  }

  async end(): Promise<void> {
    this.#core.dispose();
    await this.#store?.close();
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
    await this.#until(() => this.#lines > before && rtcr.children.length === CHILDREN);
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
    return fromCheckpoint(await loadCheckpoint(this.#store!, id, { sha256: nodeSha256 }));
  }

  /** @returns the id of the checkpoint */
  async #save(rtcr: Rtcr): Promise<string> {
    const { system, lease } = rtcr.checkpoint("soak");
    const { root } = await saveCheckpoint(this.#store!, toCheckpoint(system), { sha256: nodeSha256 });
    lease.release();
    this.#checkpoints++;
    if (this.#checkpoints % GC_EVERY === 0) await this.#collect();
    return root.id;
  }

  async #collect(): Promise<void> {
    const { roots } = await this.#store!.list();
    for (const { id } of roots.slice(0, -KEPT)) await this.#store!.remove(id);
    await this.#store!.gc();
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
    const [, turn, sum] = /client\] (\d+) (\d+)$/.exec(line) ?? [];
    if (turn === undefined) return;
    const expected = `${this.#lines} ${4 * this.#lines + 6}`;
    if (`${turn} ${sum}` !== expected) this.#problem ??= new Error(`found "${turn} ${sum}", expected "${expected}"`);
    this.#lines++;
  }

  async #read(restores: number): Promise<void> {
    await this.#collect(); // readings are of the same moment of the store's life
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    const pd = objectOf<PdSession>(this.#env!.pd, "pd")!;
    const reading = {
      ...{ restores, checkpoints: this.#checkpoints, lines: this.#lines },
      ...{ heapBytes: heapUsed, outsideBytes: external, fileHandles: readdirSync("/proc/self/fd").length },
      ...{ usedCaps: pd.usedCaps(), usedRam: pd.usedRam(), storeBytes: folderBytes(this.#options.folder) },
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

/** The engine's own: what is unreachable is no growth. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(`${parentPath}/${name}`).size, 0);
}
