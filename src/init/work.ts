// What an init puts off until its event loop's next turn, as plain data: it is part of the init's state.
export type Work =
  /** A child's environment may be complete. */
  | { readonly do: "advance"; readonly child: number }
  | { readonly do: "exited"; readonly child: number; readonly value: number }
  /** A child has answered a yield request. */
  | { readonly do: "yielded"; readonly child: number }
  /** The parent is told what has become of a session, by the parent's id. */
  | { readonly do: "answer"; readonly id: number }
  /** A session of init's own is there, or refused. */
  | { readonly do: "settle"; readonly id: number }
  | { readonly do: "report" }
  /** Children are started anew. */
  | { readonly do: "restart"; readonly names: readonly string[] };

export class WorkQueue {
  readonly #work: Work[] = [];
  readonly #signal: () => void;

  /** @param signal makes the event loop call `run` */
  constructor(signal: () => void) {
    this.#signal = signal;
  }

  add(work: Work): void {
    this.#work.push(work);
    if (this.#work.length === 1) this.#signal();
  }

  /** Does what is there now, in order; what comes up meanwhile is for the next turn. Whatever throws has been done. */
  run(each: (work: Work) => void): void {
    for (let left = this.#work.length; left > 0; left--) {
      try {
        each(this.#work[0]!);
      } finally {
        this.#work.shift();
      }
    }
    if (this.#work.length > 0) this.#signal();
  }

  capture(): readonly Work[] {
    return [...this.#work];
  }

  /** The signal for it is on its way, as it was. */
  restore(work: readonly Work[]): void {
    this.#work.push(...work);
  }
}
