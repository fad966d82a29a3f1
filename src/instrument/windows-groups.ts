// Groups of accesses that lead, as one may guess, to the same memory: each remembers runs of pages of its own.
//
// A program's stack, its static data and what it has allocated or attached are dataspaces of their own. If all accesses
// remembered one run, those that alternate would find each other's. So a group is, by what computes the address
//   the stack   a local that was made of a global, the stack pointer, and a constant
//   the data    a constant
//   others      a large constant to which something is added, a local, or an instruction: the function's pointers in the
//               order in which they come, around and around
// Guesses: a wrong one is slow, not false.

import { WINDOW } from "../abi/index.ts";
import { type Body, OP } from "../wasm/index.ts";
import type { Plan, Site } from "./plan.ts";
import { memoryArgument } from "./windows-accesses.ts";

const STACK = 0;
const DATA = 1;
const NAMED = 2;
const GROUPS = WINDOW.runs / 2;
/** A constant in an address that is at least this large is an address. */
const LEAST_ADDRESS = 4096;

export class AccessGroups {
  readonly #plan: Plan;
  readonly #frames: ReadonlySet<number>;
  /** Pointers by what they are, in the order in which they came. */
  readonly #pointers = new Map<string, number>();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#frames = framesOf(plan.body);
  }

  /** The run of an access that reads or writes (`need`). */
  run(site: Site, need: number): number {
    return 2 * this.#group(site) + (need === WINDOW.write ? 1 : 0);
  }

  #group({ at, slots, operands }: Site): number {
    const { body } = this.#plan;
    const { op, a } = body;
    const { offset } = memoryArgument(body, at);
    let { origin } = slots[slots.length - operands]!;
    if (op[origin] === OP.i32Const) return DATA;
    if (offset >= LEAST_ADDRESS) return this.#pointer(`address ${offset}`);
    if (isConstantSum(body, origin)) {
      const constant = a[origin - 1]!;
      if (Math.abs(constant) >= LEAST_ADDRESS) return this.#pointer(`address ${constant}`);
      origin -= 2;
    }
    if (op[origin] !== OP.localGet && op[origin] !== OP.localTee) return this.#pointer(`instruction ${origin}`);
    return this.#frames.has(a[origin]!) ? STACK : this.#pointer(`local ${a[origin]}`);
  }

  #pointer(key: string): number {
    let number = this.#pointers.get(key);
    if (number === undefined) this.#pointers.set(key, (number = this.#plan.function + this.#pointers.size));
    return NAMED + (number % (GROUPS - NAMED));
  }
}

function isConstantSum({ op }: Body, at: number): boolean {
  return at >= 2 && (op[at] === OP.i32Add || op[at] === OP.i32Sub) && op[at - 1] === OP.i32Const;
}

/** Locals that a sum of a global and a constant is put into. */
function framesOf(body: Body): ReadonlySet<number> {
  const { op, a, count } = body;
  const frames = new Set<number>();
  for (let at = 3; at < count; at++) {
    if (op[at] !== OP.localSet && op[at] !== OP.localTee) continue;
    if (isConstantSum(body, at - 1) && op[at - 3] === OP.globalGet) frames.add(a[at]!);
  }
  return frames;
}
