// Which local the address of a store was read from, and where that ends to be of use.

import { type Body, OP, operandsOf } from "../wasm/index.ts";
import { MARK, type Plan } from "./plan.ts";

/** Behind these nothing is known of where control came from, or the host may have run. */
const BARRIERS: ReadonlySet<number> = new Set([
  ...[OP.loop, OP.else, OP.end, OP.catch, OP.catchAll, OP.delegate],
  ...[OP.call, OP.callIndirect, OP.callRef, OP.memoryGrow, OP.tableGrow],
]);

/** Whether nothing that was found in front of instruction `at` holds behind it. */
export function isBarrier({ body, marks }: Plan, at: number): boolean {
  return BARRIERS.has(body.op[at]!) || (marks[at]! & MARK.site) !== 0;
}

/** Knows, during a walk over a body, which local a value of the operand stack was read from. */
export class OperandLocals {
  readonly #body: Body;
  readonly #heights: Int32Array;
  /** By slot: the instruction that pushed the value. */
  readonly #origins: number[] = [];
  /** By local: the last instruction that set it. */
  readonly #set = new Map<number, number>();
  /** Of the slots below nothing is known. */
  #floor = 0;

  constructor(body: Body, heights: Int32Array) {
    this.#body = body;
    this.#heights = heights;
  }

  /** The local that holds the operand of `at` below `above` others; -1 if none is known to. */
  local(at: number, above: number): number {
    const slot = (at === 0 ? 0 : this.#heights[at - 1]!) - 1 - above;
    if (slot < this.#floor) return -1;
    const { op, a } = this.#body;
    const origin = this.#origins[slot] ?? -1;
    if (origin < 0 || (op[origin] !== OP.localGet && op[origin] !== OP.localTee)) return -1;
    const local = a[origin]!;
    return (this.#set.get(local) ?? -1) <= origin ? local : -1;
  }

  step(at: number): void {
    const { op, a } = this.#body;
    const code = op[at]!;
    const height = this.#heights[at]!;
    if (code === OP.localSet || code === OP.localTee) this.#set.set(a[at]!, at);
    const taken = operandsTaken(code);
    const below = (at === 0 ? 0 : this.#heights[at - 1]!) - taken;
    if (taken === 255) this.#floor = height;
    else if (height > below) this.#origins[height - 1] = at;
    this.#floor = Math.min(this.#floor, height);
  }
}

/** How many values an instruction takes that pushes one at most; 255 for all others. */
export function operandsTaken(code: number): number {
  switch (code) {
    case OP.localGet:
    case OP.globalGet:
      return 0;
    case OP.localSet:
    case OP.localTee:
    case OP.globalSet:
    case OP.drop:
    case OP.brIf:
      return 1;
    case OP.select:
      return 3;
    default:
      return operandsOf[code]!;
  }
}
