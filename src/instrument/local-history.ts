// Knows, during a walk over a body, whether a local still holds what an earlier instruction read from it.

import { type Body, OP } from "../wasm/index.ts";

/** Follows one walk after the other. */
export class LocalHistory {
  #body!: Body;
  /** By local: the last instruction that set it, NEVER if none does, NOT_YET before the first. */
  #lastSet = new Int32Array(64);
  readonly #loops: number[] = [];

  /** Starts in front of the first instruction. */
  begin(body: Body): void {
    this.#body = body;
    this.#loops.length = 0;
    if (this.#lastSet.length < body.locals.length) this.#lastSet = new Int32Array(body.locals.length * 2);
    this.#lastSet.fill(NEVER, 0, body.locals.length);
    const { op, a, count } = body;
    for (let at = 0; at < count; at++) {
      if (op[at] === OP.localSet || op[at] === OP.localTee) this.#lastSet[a[at]!] = NOT_YET;
    }
  }

  /** Goes past instruction `at`; not needed behind OP.localTee, where no instruction matters. */
  step(at: number): void {
    const { op, a, match } = this.#body;
    const code = op[at]!;
    if (code === OP.localSet || code === OP.localTee) this.#lastSet[a[at]!] = at;
    else if (code === OP.loop) this.#loops.push(at);
    else if (code === OP.end && match[at]! >= 0 && op[match[at]!] === OP.loop) this.#loops.pop();
  }

  /** Whether the local that `origin` read (or set) still has that value, on every way to the current point. */
  unchanged(origin: number): boolean {
    const { op, a } = this.#body;
    const last = this.#lastSet[a[origin]!]!;
    if (last === NEVER) return true;
    if (last > origin) return false;
    if (op[origin] === OP.localGet && last === origin) return false;
    const loop = this.#loops.at(-1);
    return loop === undefined || loop < origin;
  }
}

const NOT_YET = -1;
const NEVER = -2;
