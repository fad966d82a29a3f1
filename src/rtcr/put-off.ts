// What a supervisor puts off until its children go on: a piece in each turn of its event loop.
import type { Env, SignalHandler } from "../session/index.ts";
import { Fault } from "../util/index.ts";

export class PutOff {
  readonly #env: Env;
  readonly #work: () => boolean;
  #handler: SignalHandler | undefined;

  /** @param work does a piece; false: nothing is left */
  constructor(env: Env, work: () => boolean) {
    this.#env = env;
    this.#work = work;
  }

  /** There is something to do. A supervisor that has no capability left for a signal of its own does it at once. */
  begin(): void {
    if (this.#handler) return;
    try {
      this.#handler = this.#env.signalHandler(() => this.#turn());
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      this.finish();
      return;
    }
    this.#signal();
  }

  /** Does all that is left. */
  finish(): void {
    while (this.#work());
    this.#handler?.dispose();
    this.#handler = undefined;
  }

  #turn(): void {
    if (this.#work()) this.#signal();
    else this.finish();
  }

  #signal(): void {
    this.#handler?.context.object?.submit(1);
  }
}
