// Globals that belong to a thread, in a program whose threads share one instance: exchanged when another thread runs.
//
// I1  The globals in the instance are those of `#holder`; every other thread's are with the thread.
// I2  Threads with an instance of their own (thread-spawn) have theirs there, and are never the holder.
import type { PlainData } from "../../abi/index.ts";
import type { Instance } from "../../engine/index.ts";

/** What is needed of a thread. */
export interface GlobalsHolder {
  readonly instance: number;
  globals: readonly PlainData[];
}

export class OwnGlobals {
  readonly #indices: readonly number[];
  /** As they are in a fresh instance. */
  readonly #initial: readonly PlainData[];
  readonly #instance: Instance;
  #holder: GlobalsHolder | undefined;

  /** @param indices the stack pointer's first @param instance fresh */
  constructor(indices: readonly number[], instance: Instance) {
    this.#indices = indices;
    this.#instance = instance;
    this.#initial = indices.map((index) => readGlobal(instance, index));
  }

  /** Puts a thread's globals into the instance. */
  enter(thread: GlobalsHolder): void {
    if (this.#holder === thread) return;
    this.save();
    if (thread.instance !== 0) return;
    this.#holder = thread;
    for (const [i, index] of this.#indices.entries()) {
      this.#instance.global(index).value = thread.globals[i] ?? this.#initial[i];
    }
  }

  /** Takes the globals out of the instance: afterwards every thread's are with the thread. */
  save(): void {
    const holder = this.#holder;
    if (!holder) return;
    this.#holder = undefined;
    holder.globals = this.#read();
  }

  #read(): readonly PlainData[] {
    return this.#indices.map((index) => readGlobal(this.#instance, index));
  }

  /** Those of a thread that has not run. @param stackPointer 0: the program's own stack */
  fresh(stackPointer: number): readonly PlainData[] {
    return freshGlobals(this.#initial, stackPointer);
  }

  /** The stack pointer of a thread; 0 if the program has none. */
  stackPointerOf(thread: GlobalsHolder): number {
    const index = this.#indices[0];
    if (index === undefined) return 0;
    const value = this.#holder === thread ? readGlobal(this.#instance, index) : (thread.globals[0] ?? 0);
    return Number(value) >>> 0;
  }
}

/** Own globals of a thread that has not run. @param initial those of a fresh instance, the stack pointer's first */
export function freshGlobals(initial: readonly PlainData[], stackPointer: number): readonly PlainData[] {
  if (stackPointer === 0 || initial.length === 0) return initial;
  const first = typeof initial[0] === "bigint" ? BigInt(stackPointer) : stackPointer | 0;
  return [first, ...initial.slice(1)];
}

export function readGlobal(instance: Instance, index: number): PlainData {
  return instance.global(index).value as PlainData;
}
