// A thread of a guest as its embedder sees it, and how it ended.

import type { HostValue } from "../abi/index.ts";
import type { Ending, Thread } from "../engine/index.ts";
import { messageOf } from "../util/index.ts";
import { reportEnding } from "./ending.ts";
import { MachineFault } from "./faults.ts";

/** How a thread ended. `report` says what happened and in which functions, one line each. */
export type ThreadOutcome =
  | { readonly kind: "returned"; readonly results: readonly HostValue[] }
  /** A host function ended the program with a code. */
  | { readonly kind: "exited"; readonly code: number }
  | {
      /**
       * A trap; the stack was exhausted; an exception that nobody caught, or an error of a host function; "refused":
       * the thread cannot go on here (its stack is deeper than this engine's), a checkpoint still has it.
       */
      readonly kind: "trapped" | "exhausted" | "threw" | "refused";
      readonly report: readonly string[];
      readonly error: unknown;
    }
  /** The machine was closed first. */
  | { readonly kind: "closed" };

/** A green thread. Handles live as long as their machine; a restored machine has new ones, with the same ids. */
export class GuestThread {
  readonly id: number;
  /** Name of the instance and of the export that it runs; "start" for a start function. */
  readonly instance: string;
  readonly name: string;
  /** Resolves when the thread has ended; never rejects. */
  readonly done: Promise<ThreadOutcome>;
  #outcome: ThreadOutcome | undefined;
  readonly #thread: Thread;
  #resolve!: (outcome: ThreadOutcome) => void;

  /** Made by Machine only. */
  constructor(thread: Thread, instance: string) {
    this.id = thread.id;
    this.instance = instance;
    this.name = thread.entry.name;
    this.#thread = thread;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** "waiting": a host call that blocks; it goes on at `Machine.wake` or when its time is over. */
  get state(): "ready" | "running" | "frozen" | "waiting" | "ended" {
    if (this.#outcome) return "ended";
    return this.#thread.state === "frozen" && this.#thread.parked ? "waiting" : this.#thread.state;
  }

  /** How it ended; undefined as long as it has not. */
  get outcome(): ThreadOutcome | undefined {
    return this.#outcome;
  }

  /** Called by the scheduler, once. */
  end(outcome: ThreadOutcome): void {
    this.#outcome = outcome;
    this.#resolve(outcome);
  }
}

/** @param module the only module of the machine, if there is only one: it names functions that the trace does not name */
export function toOutcome(ending: Ending, module: Uint8Array | undefined): ThreadOutcome {
  switch (ending.kind) {
    case "returned":
      return { kind: "returned", results: ending.results as readonly HostValue[] };
    case "exited":
      return { kind: "exited", code: ending.code };
    default:
      return { kind: ending.kind, report: reportEnding(ending, module).lines, error: ending.error };
  }
}

/**
 * What a call gives its caller: nothing, the result, or a list of several results.
 *
 * @throws MachineFault with the outcome's kind as its code, and its report
 */
export function toResult(thread: GuestThread, outcome: ThreadOutcome): HostValue | readonly HostValue[] {
  const what = `${thread.instance}: ${thread.name}`;
  switch (outcome.kind) {
    case "returned":
      return outcome.results.length > 1 ? outcome.results : outcome.results[0];
    case "exited":
      throw new MachineFault("exited", `${what} ended with exit code ${outcome.code}`, { code: outcome.code });
    case "closed":
      throw new MachineFault("closed", `${what} has not ended: the machine was closed`);
    default: {
      const { kind, report, error } = outcome;
      throw new MachineFault(kind, `${what}: ${report.join("\n") || messageOf(error)}`, { report }, error);
    }
  }
}
