// The system of the long run (workloads.ts) with its store, and what is done with it: begun, checkpointed, its lines
// compared with those expected.
//
// I1  The lines of each child are those expected, over all instances.
// I2  A checkpoint's storage is given back when the store has it; at most ARENAS are on their way.
import { Core, nativeBinary } from "../../src/core/index.ts";
import { NATIVE_PROGRAMS } from "../../src/native/index.ts";
import { PreallocatedProvider, Rtcr, RtcrFault, type RtcrOptions } from "../../src/rtcr/index.ts";
import { type Env, objectOf, type ParentSession, type PdSession } from "../../src/session/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { componentFile } from "../evaluation/run-benchmark.ts";
import { StoreThread, threadMs } from "./store-worker.ts";
import { BINARIES, type Expected, expectations, STARTS } from "./workloads.ts";

const ARENAS = 3;
const GC_EVERY = 20;
const PARENT = ["PD", "CPU", "ROM", "LOG", "RM", "Timer"].map((name) => `<service name="${name}"/>`).join("");
const ROUTES = `<parent-provides>${PARENT}</parent-provides><default-route><any-service><parent/><any-child/></any-service></default-route>`;
const CONFIG = `<config>${ROUTES}<start name="soak" caps="12000" ram="128M">
  <config prio_levels="2">${ROUTES}${STARTS.join("")}</config></start></config>`;
/** Longest wait for the first line of an instance. */
const START_MS = 60_000;

export class SoakSystem {
  readonly store: StoreThread;
  readonly #provider = new PreallocatedProvider({ arenas: ARENAS, arenaBytes: 4 << 20 });
  readonly #core: Core;
  #env: Env | undefined;
  readonly #expected = new Map<string, Expected>(expectations().map((expected) => [expected.child, expected]));
  /** How many lines each child has written. */
  readonly linesOf = new Map<string, number>();
  #checkpoints = 0;
  /** Saves that have not ended. */
  readonly #saving = new Set<Promise<string>>();
  #problem: Error | undefined;
  /** CPU milliseconds of this thread in checkpoints: made, and handed over to the store's. */
  readonly cpuMs = { capture: 0, handOver: 0 };

  /** @param folder for the store */
  constructor(folder: string) {
    this.store = new StoreThread(folder);
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

  get checkpoints(): number {
    return this.#checkpoints;
  }

  get lines(): number {
    return this.linesOf.values().reduce((sum, lines) => sum + lines, 0);
  }

  /** The supervisor's own PD session. */
  get pd(): PdSession {
    return objectOf<PdSession>(this.#env!.pd, "pd")!;
  }

  async start(): Promise<void> {
    this.#core.start({ name: "init", binary: "init" });
    await this.#until(() => this.#env !== undefined);
  }

  async end(): Promise<void> {
    this.#core.dispose();
    await Promise.allSettled(this.#saving);
    await this.store.close();
  }

  /** An instance of all children; resolves when they are there and have written a line. */
  async begin(restore: Pick<RtcrOptions, "restore" | "strategy"> = {}): Promise<Instance> {
    const env = this.#env!;
    const opened = new Set<number>();
    const session: Env["session"] = (id, ...rest) => {
      opened.add(id);
      return env.session(id, ...rest);
    };
    const restored = (outcome: unknown) => {
      if (outcome instanceof RtcrFault) this.#problem ??= outcome;
    };
    const rtcr = new Rtcr({ ...env, session }, { provider: this.#provider, restored, ...restore });
    const before = this.lines;
    await this.#until(() => this.lines > before && rtcr.children.length === STARTS.length);
    const dispose = () => {
      rtcr.dispose();
      for (const id of opened) objectOf<ParentSession>(env.parent, "parent")?.close(id);
    };
    return { rtcr, dispose };
  }

  /** Resolves when one more checkpoint can be on its way. */
  async room(): Promise<void> {
    while (this.#saving.size >= ARENAS) await Promise.race(this.#saving);
  }

  /** Makes a checkpoint and sends it to the store. There must be room. @returns its id, when it is safe */
  save({ rtcr }: Instance): Promise<string> {
    const begin = threadMs();
    const { system, lease } = rtcr.checkpoint("soak");
    const made = threadMs();
    const saving = this.store.do("save", system).finally(() => {
      lease.release();
      this.#saving.delete(saving);
    });
    this.#saving.add(saving);
    this.cpuMs.capture += made - begin;
    this.cpuMs.handOver += threadMs() - made;
    if (++this.#checkpoints % GC_EVERY === 0) this.store.do("collect", undefined).catch((thrown) => this.fail(thrown));
    saving.catch((thrown) => this.fail(thrown));
    return saving;
  }

  fail(thrown: unknown): void {
    this.#problem ??= thrown as Error;
  }

  /** @throws what has gone wrong meanwhile */
  async pause(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (this.#problem) throw this.#problem;
  }

  #line(line: string): void {
    const [, child, found] = /^\[.* -> (\S+)\] (.*)$/.exec(line) ?? [];
    const expected = this.#expected.get(child ?? "")?.next();
    if (expected === undefined) return;
    const follows = typeof expected === "string" ? found === expected : expected.test(found!);
    if (!follows) this.#problem ??= new Error(`${child}: found "${found}", expected "${expected}"`);
    this.linesOf.set(child!, (this.linesOf.get(child!) ?? 0) + 1);
  }

  async #until(holds: () => boolean): Promise<void> {
    const endMs = performance.now() + START_MS;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error(`nothing has come for ${START_MS} ms, after line ${this.lines}`);
      await this.pause(1);
    }
  }
}

/** All children from one beginning to one end. */
export interface Instance {
  readonly rtcr: Rtcr;
  dispose(): void;
}
