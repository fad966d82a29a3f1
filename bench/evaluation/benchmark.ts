// The benchmark program (spec 5.2): a component that starts a child under RTCR, waits for a number of its iterations,
// pauses and checkpoints it, recreates it in a second instance, waits again, and begins anew or ends itself. Everything
// is said by its ROM module "benchmark.config"; its module "config" is that of the children's init, as ever.
//
//   <config child="stack_counter" iterations="3" strategy="direct" standby="no" module="base" warm_up="5" repetitions="20"/>
//
// An iteration is a line that the child logs. What was measured is given to whoever made the program (`report`).

import type { NativeComponent } from "../../src/core/index.ts";
import { textOfModule, tryXml, type XmlNode } from "../../src/init/index.ts";
import { type Profile, Recorder, startProfile, stopProfile, toProfile } from "../../src/profile/index.ts";
import {
  type CopyPool,
  type Interposers,
  PreallocatedProvider,
  type RepairReport,
  Rtcr,
  RtcrFault,
  RtcrLog,
  STRATEGIES,
  type Strategy,
} from "../../src/rtcr/index.ts";
import {
  contentOf,
  type Dataspace,
  DONATION,
  type Env,
  FIRST_FREE_SESSION,
  objectOf,
  type ParentSession,
  type RomSession,
  writeSessionArgs,
} from "../../src/session/index.ts";
import { assert, required } from "../../src/util/index.ts";
import { type MemoryCost, memoryCost } from "./memory.ts";

/** One repetition. */
export interface BenchmarkRun {
  readonly profile: Profile;
  /** What the child has logged: before the checkpoint, after it in the first instance, and in the second one. */
  readonly before: readonly string[];
  readonly meanwhile: readonly string[];
  readonly after: readonly string[];
  readonly repairs: readonly RepairReport[];
  /** Bytes of ep's stack in use at the checkpoint. */
  readonly stackBytes: number;
  readonly dataspaces: number;
  /** Bytes that the checkpoint has copied. */
  readonly contentBytes: number;
  /** Milliseconds from the beginning of the second instance, or from when it is told to go on, to the child's first line in it. */
  readonly firstLineMs: number;
  /** Of the child's dataspaces, measured apart. */
  readonly memory: MemoryCost;
}

export interface BenchmarkOptions {
  /** By the name that the configuration's `module` says (spec 1.5). "base" is always there. */
  readonly modules?: Readonly<Record<string, Interposers>>;
  /** Workers that copy at the checkpoint; absent: the supervisor copies. */
  readonly pool?: CopyPool | undefined;
  readonly report: (run: BenchmarkRun) => void;
  /** Called when something went wrong; the program has ended then. */
  readonly failed: (thrown: unknown) => void;
}

interface Plan {
  readonly child: string;
  readonly iterations: number;
  readonly strategy: Strategy;
  /** The second instance stands by, and is told to go on when its memory is ready. */
  readonly standby: boolean;
  readonly module: string;
  readonly warmUp: number;
  readonly repetitions: number;
  readonly arenaBytes: number;
}

/** Chosen by us, beyond those that init chooses. */
const PLAN_SESSION = 1 << 20;
const ARENA_BYTES = 8 << 20;
const STACK_THREAD = "ep";

export function benchmark(env: Env, options: BenchmarkOptions): NativeComponent {
  const program = new Benchmark(env, options);
  program.run().then(
    () => parentOf(env)?.exit(0),
    (thrown: unknown) => {
      options.failed(thrown);
      parentOf(env)?.exit(1);
    },
  );
  return program;
}

class Benchmark implements NativeComponent {
  readonly #env: Env;
  readonly #options: BenchmarkOptions;
  readonly #plan: Plan;
  readonly #provider: PreallocatedProvider;
  #current: Instance | undefined;

  constructor(env: Env, options: BenchmarkOptions) {
    this.#env = env;
    this.#options = options;
    this.#plan = readPlan(env);
    this.#provider = new PreallocatedProvider({ arenas: 1, arenaBytes: this.#plan.arenaBytes });
  }

  async run(): Promise<void> {
    const { warmUp, repetitions } = this.#plan;
    for (let i = 0; i < warmUp + repetitions; i++) {
      const run = await this.#repetition();
      if (i >= warmUp) this.#options.report(run);
    }
  }

  dispose(): void {
    stopProfile();
    this.#current?.end();
  }

  async #repetition(): Promise<BenchmarkRun> {
    const { child, iterations, strategy, standby } = this.#plan;
    const recorder = new Recorder("benchmark");
    startProfile(recorder);
    const first = this.#instance();
    await first.lines(iterations);
    const before = [...first.logged];
    const { system, lease } = first.rtcr.checkpoint(child, [child]);
    await first.lines(before.length + 1);
    const meanwhile = first.logged.slice(before.length);
    first.end();
    let beginMs = performance.now();
    const second = this.#instance({ restore: system, strategy, standby: () => standby });
    if (standby) {
      await second.ready();
      beginMs = performance.now();
      second.rtcr.proceed();
    }
    await second.lines(iterations);
    stopProfile();
    const repairs = required(second.repairs, "the restore's outcome");
    second.end();
    const [info] = system.children;
    const { cpu, pd } = required(info, "the child's information");
    const stackPointer = cpu.threads.find(({ name }) => name === STACK_THREAD)?.stackPointer ?? 0;
    const contentBytes = pd.dataspaces.reduce((sum, { content }) => sum + content.length, pd.data.length);
    const memory = memoryCost(pd.dataspaces.map(({ content }) => content));
    lease.release();
    assert(recorder.dropped === 0, "the recorder has room for a run");
    return {
      profile: toProfile(recorder.scopes()),
      ...{ before, meanwhile, after: second.logged, repairs, contentBytes },
      stackBytes: Math.max(0, STACK_TOP - (stackPointer % STACK_SLOT)),
      dataspaces: pd.dataspaces.length,
      firstLineMs: second.firstLineAt - beginMs,
      memory,
    };
  }

  #instance(restore: ConstructorParameters<typeof Instance>[2] = {}): Instance {
    const { module } = this.#plan;
    const interposers = { base: {}, ...this.#options.modules }[module];
    if (!interposers) throw new RangeError(`benchmark.config: no module "${module}"`);
    this.#current = new Instance(
      this.#env,
      { interposers, provider: this.#provider, pool: () => this.#options.pool },
      restore,
    );
    return this.#current;
  }
}

/** Stacks end at multiples of a slot (docs/GUEST-ABI.md). */
const STACK_SLOT = 1 << 20;
const STACK_TOP = 1 << 20;

type RtcrOptions = NonNullable<ConstructorParameters<typeof Rtcr>[1]>;

/** A supervisor and its child, until it is ended. Its own sessions at the parent are closed with it. */
class Instance {
  readonly rtcr: Rtcr;
  readonly logged: string[] = [];
  firstLineAt = 0;
  repairs: readonly RepairReport[] | undefined;
  readonly #env: Env;
  readonly #opened = new Set<number>();
  readonly #standingBy = Promise.withResolvers<void>();
  #waiting:
    | { readonly count: number; readonly resolve: () => void; readonly reject: (thrown: unknown) => void }
    | undefined;

  constructor(env: Env, options: RtcrOptions, restore: Pick<RtcrOptions, "restore" | "strategy" | "standby">) {
    this.#env = env;
    const onLine = (line: string) => this.#line(line);
    this.rtcr = new Rtcr(this.#recording(), {
      ...options,
      ...restore,
      interposers: { ...options.interposers, log: (context, opened) => new CountedLog(context, opened, onLine) },
      standingBy: () => this.#standingBy.resolve(),
      restored: (outcome) => {
        if (outcome instanceof RtcrFault) this.#failed(outcome);
        else this.repairs = outcome;
      },
    });
  }

  /** Resolves, from the event loop, when the child has logged so many lines in all. */
  async lines(count: number): Promise<void> {
    if (this.logged.length < count) {
      await new Promise<void>((resolve, reject) => (this.#waiting = { count, resolve, reject }));
    }
    await new Promise((resolve) => setImmediate(resolve)); // no component is on the JavaScript stack then
  }

  /** Resolves, from the event loop, when its restore stands by and all is ready. */
  async ready(): Promise<void> {
    await this.#standingBy.promise;
    await new Promise((resolve) => setImmediate(resolve));
  }

  #failed(fault: RtcrFault): void {
    this.#waiting?.reject(fault);
    this.#standingBy.promise.catch(() => {}); // nobody may wait for it
    this.#standingBy.reject(fault);
  }

  end(): void {
    this.rtcr.dispose();
    for (const id of this.#opened) parentOf(this.#env)?.close(id);
    this.#opened.clear();
  }

  #line(line: string): void {
    if (this.logged.push(line.trimEnd()) === 1) this.firstLineAt = performance.now();
    if (this.#waiting && this.logged.length >= this.#waiting.count) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve();
    }
  }

  #recording(): Env {
    const env = this.#env;
    const session: Env["session"] = (id, service, args, affinity) => {
      this.#opened.add(id);
      return env.session(id, service, args, affinity);
    };
    return { ...env, session };
  }
}

/** Tells of the child's lines. */
class CountedLog extends RtcrLog {
  readonly #onLine: (line: string) => void;

  constructor(
    context: ConstructorParameters<typeof RtcrLog>[0],
    opened: ConstructorParameters<typeof RtcrLog>[1],
    onLine: (line: string) => void,
  ) {
    super(context, opened);
    this.#onLine = onLine;
  }

  override write(text: string): number {
    const written = super.write(text);
    this.#onLine(text);
    return written;
  }
}

function parentOf(env: Env): ParentSession | undefined {
  return objectOf<ParentSession>(env.parent, "parent");
}

function readPlan(env: Env): Plan {
  const { ram, caps } = DONATION.ROM;
  const args = writeSessionArgs([
    ["ram_quota", ram],
    ["cap_quota", caps],
    ["label", "benchmark.config"],
  ]);
  assert(args.ok && PLAN_SESSION > FIRST_FREE_SESSION, "the arguments are well-formed");
  const opened = env.session(PLAN_SESSION, "ROM", args.value);
  if (!opened.ok) throw new RangeError(`benchmark.config: ${opened.reason}`);
  const rom = required(objectOf<RomSession>(opened.value, "rom"), "a ROM session");
  const dataspace = required(objectOf<Dataspace>(rom.dataspace(), "dataspace"), "its content");
  const root = tryXml(textOfModule(contentOf(dataspace)));
  if (!root.ok) throw new RangeError("benchmark.config: no XML");
  return planOf(root.value);
}

function planOf({ attributes }: XmlNode): Plan {
  const strategy = attributes.get("strategy") ?? "direct";
  const known = STRATEGIES.find((name) => name === strategy);
  if (!known) throw new RangeError(`benchmark.config: strategy is "${strategy}", expected ${STRATEGIES.join(" or ")}`);
  return {
    child: attributes.get("child") ?? "stack_counter",
    iterations: numberOf(attributes, "iterations", 3),
    strategy: known,
    standby: attributes.get("standby") === "yes",
    module: attributes.get("module") ?? "base",
    warmUp: numberOf(attributes, "warm_up", 0),
    repetitions: numberOf(attributes, "repetitions", 1),
    arenaBytes: numberOf(attributes, "arena_bytes", ARENA_BYTES),
  };
}

function numberOf(attributes: XmlNode["attributes"], name: string, otherwise: number): number {
  const text = attributes.get(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`benchmark.config: ${name} is "${text}", expected a whole number`);
}
