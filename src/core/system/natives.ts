// Native programs in components of the kernel: what stands for a loaded module and its threads.
import type {
  Badges,
  Capability,
  Dataspace,
  ParentSession,
  SavedComponent,
  SessionState,
  SlotWriter,
} from "../../session/index.ts";
import { Bug, messageOf } from "../../util/index.ts";
import type { NativeRun } from "../kernel/index.ts";
import {
  createEnv,
  type NativeComponent,
  type NativeProgram,
  type NativePrograms,
  nativeBinary,
  nativeProgramName,
  type OwnedEnv,
  type SavedSignals,
  type TaskQueue,
} from "../native/index.ts";

export interface NativesOptions {
  readonly programs: NativePrograms;
  readonly badges: Badges;
  readonly tasks: TaskQueue;
  readonly warn: (message: string) => void;
  /** Hexadecimal SHA-256. */
  readonly hash: (bytes: Uint8Array) => string;
}

/**
 * Takes up a binary that names a native program.
 *
 * @param parent of the component, asked when the program starts
 * @returns undefined if it is another kind of binary; text: why the program cannot be run, one line
 */
export function nativeRun(
  options: NativesOptions,
  label: string,
  binary: Dataspace,
  parent: () => Capability<ParentSession>,
): NativeRun | string | undefined {
  const name = nativeProgramName(binary);
  if (name === undefined) return undefined;
  const { programs } = options;
  const program = programs.get(name);
  if (!program) return `there is no native program "${name}", expected one of ${[...programs.keys()].join(", ")}`;
  return new Run({ name, program, label, parent, options });
}

interface RunParts {
  readonly name: string;
  readonly program: NativeProgram;
  readonly label: string;
  readonly parent: () => Capability<ParentSession>;
  readonly options: NativesOptions;
}

/** new --start--> begun --event loop--> running or failed; any --dispose--> ended */
const STATES = ["new", "begun", "running", "failed", "ended"] as const;

/** What `capture` gives. */
interface SavedRun {
  readonly state: (typeof STATES)[number];
  readonly signals?: SavedSignals;
  readonly program?: SessionState;
}

class Run implements NativeRun {
  readonly name: string;
  readonly #parts: RunParts;
  #module: string | undefined;
  #state: (typeof STATES)[number] = "new";
  #env: OwnedEnv | undefined;
  #component: NativeComponent | undefined;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.name = parts.name;
  }

  /** Kept, as checkpoints ask for it while programs stand still. */
  get module(): string {
    return (this.#module ??= this.#parts.options.hash(nativeBinary(this.name)));
  }

  start(): void {
    if (this.#state !== "new") return;
    this.#state = "begun";
    this.#parts.options.tasks.post(() => {
      if (this.#state === "begun") this.#begin();
    });
  }

  capture(slots: SlotWriter): SessionState | undefined {
    const [env, component] = [this.#env, this.#component];
    if (!env || !component) return { state: this.#state };
    if (!component.capture) return undefined;
    const saved: SavedRun = { state: "running", signals: env.captureSignals(slots), program: component.capture(slots) };
    return saved as unknown as SessionState;
  }

  restore({ state, slots }: SavedComponent): void {
    const { state: phase, signals, program } = state as unknown as SavedRun;
    if (!STATES.includes(phase)) throw new TypeError("expected the state of a program in TypeScript");
    if (phase === "begun") return this.start();
    this.#state = phase;
    if (phase !== "running" || !signals || program === undefined) return;
    this.#env = this.#createEnv();
    this.#env.restoreSignals(signals, slots);
    this.#component = this.#parts.program(this.#env.env, { state: program, slots });
  }

  dispose(): void {
    this.#state = "ended";
    this.#guarded("ended", () => this.#component?.dispose());
    this.#env?.dispose();
  }

  #begin(): void {
    this.#state = "failed";
    this.#guarded("started", () => {
      this.#env = this.#createEnv();
      this.#component = this.#parts.program(this.#env.env);
      this.#state = "running";
    });
  }

  #createEnv(): OwnedEnv {
    const { badges, tasks } = this.#parts.options;
    return createEnv({ parent: this.#parts.parent(), badges, tasks });
  }

  /** What a program throws is its own affair, unless it is a bug of ours. */
  #guarded(what: string, body: () => void): void {
    const { options, label } = this.#parts;
    try {
      body();
    } catch (thrown) {
      if (thrown instanceof Bug) throw thrown;
      options.warn(`${label}: ${this.name} could not be ${what}: ${messageOf(thrown)}`);
    }
  }
}
