// Values inside a loop as linear functions of the number of turns: what a guard must know of an address.
//
// Locals of a loop are
//   fixed      never assigned in it
//   counting   every assignment adds a constant, or a fixed local, to the local itself
//   derived    assigned once, a linear value, and read behind that in the block of the assignment or in blocks in it
//   others     nothing is known of them
// Sums, differences and products with constants of linear values are linear; other operators only of fixed ones.

import { ByteWriter } from "../util/index.ts";
import { BOTTOM, type Body, I32, OP, operandsOf, resultOf } from "../wasm/index.ts";

/** An i32 that is the sum of `code` and `add` in front of the turns, and lies in a known interval around it in each. */
export interface Linear {
  /** Instructions that push the value in front of the turns, less `add`. */
  readonly code: readonly number[];
  readonly add: number;
  /** Per turn, at most: how far the value falls, and grows, and which fixed locals (times a factor) it grows by. */
  readonly below: number;
  readonly above: number;
  readonly growing: readonly (readonly [local: number, factor: number])[];
}

const LONGEST_CODE = 40;
/** Steps and factors above this are not followed: products with the turns stay exact. */
const LARGEST_STEP = 1 << 24;

const I32_SUB = OP.i32Sub;
const I32_SHL = OP.i32Shl;
/** Operators of two i32 without traps; linear only if both operands are fixed. */
const PURE: ReadonlySet<number> = new Set([0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76]);

export class Expressions {
  readonly #body: Body;
  readonly #at: number;
  /** Assignments in the loop, by local. */
  readonly #assigned = new Map<number, number[]>();

  constructor(body: Body, at: number, end: number) {
    this.#body = body;
    this.#at = at;
    for (let inside = at + 1; inside < end; inside++) {
      const code = body.op[inside]!;
      if (code !== OP.localSet && code !== OP.localTee) continue;
      const list = this.#assigned.get(body.a[inside]!);
      if (list) list.push(inside);
      else this.#assigned.set(body.a[inside]!, [inside]);
    }
  }

  /** The operand of `at` that lies below `above` others; undefined if it is not linear. */
  operand(at: number, above: number): Linear | undefined {
    let last = at - 1;
    for (let skipped = 0; skipped < above; skipped++) {
      last = this.#begin(last) - 1;
      if (last < this.#at) return undefined;
    }
    return this.#value(last, 8);
  }

  /** The first instruction of the expression that ends at `last`: of plain instructions only, else far in front. */
  #begin(last: number): number {
    let missing = 1;
    for (let at = last; at > this.#at; at--) {
      const effect = plainEffect(this.#body.op[at]!);
      if (!effect) return -1;
      missing += effect.operands - effect.results;
      if (missing === 0) return at;
      if (missing < 0) return -1;
    }
    return -1;
  }

  /** The value that the instruction at `last` pushes. */
  #value(last: number, depth: number): Linear | undefined {
    if (depth === 0 || last <= this.#at) return undefined;
    const { op, a } = this.#body;
    const code = op[last]!;
    if (code === OP.i32Const) return fixed(this.#bytes(last));
    if (code === OP.localTee) return this.#value(last - 1, depth - 1);
    if (code === OP.localGet) return this.#local(a[last]!, last, depth);
    if (code !== OP.i32Add && code !== I32_SUB && !PURE.has(code)) return undefined;
    const middle = this.#begin(last - 1) - 1;
    if (middle <= this.#at) return undefined;
    const right = this.#value(last - 1, depth - 1);
    const left = this.#value(middle, depth - 1);
    if (!left || !right || left.code.length + right.code.length >= LONGEST_CODE) return undefined;
    return combine(code, left, right, this.#constant(last - 1));
  }

  #local(local: number, at: number, depth: number): Linear | undefined {
    const { locals } = this.#body;
    if (locals[local] !== I32) return undefined;
    const assigned = this.#assigned.get(local);
    if (!assigned) return fixed(this.#bytes(at));
    const steps = assigned.map((place) => this.#step(local, place));
    if (steps.every((step) => step !== undefined)) {
      const code = [OP.localGet, ...leb(local)];
      return steps.reduce<Linear>((sum, step) => grown(sum, step), fixed(code));
    }
    const [place] = assigned;
    if (assigned.length > 1 || !this.#reaches(place!, at)) return undefined;
    return this.#value(place! - 1, depth - 1);
  }

  /** What an assignment adds to the local itself; undefined if it does anything else. */
  #step(local: number, place: number): Step | undefined {
    const { op, a } = this.#body;
    if (place - 3 <= this.#at || op[place - 1] !== OP.i32Add) {
      const falls = place - 3 > this.#at && op[place - 1] === I32_SUB && op[place - 3] === OP.localGet;
      const amount = falls && a[place - 3] === local ? this.#constant(place - 2) : undefined;
      return amount === undefined ? undefined : constantStep(-amount);
    }
    for (const [own, other] of [
      [place - 3, place - 2],
      [place - 2, place - 3],
    ] as const) {
      if (op[own] !== OP.localGet || a[own] !== local) continue;
      const amount = this.#constant(other);
      if (amount !== undefined) return constantStep(amount);
      const added = a[other]!;
      const steady = op[other] === OP.localGet && added !== local && !this.#assigned.has(added);
      if (steady && this.#body.locals[added] === I32) return { below: 0, above: 0, growing: [[added, 1]] };
    }
    return undefined;
  }

  #constant(at: number): number | undefined {
    return this.#body.op[at] === OP.i32Const ? this.#body.a[at]! : undefined;
  }

  /** Whether whoever comes to `use` has passed `assignment` in the same turn. */
  #reaches(assignment: number, use: number): boolean {
    if (assignment > use) return false;
    const { op } = this.#body;
    let depth = 0;
    for (let at = assignment + 1; at < use; at++) {
      const code = op[at]!;
      if (code === OP.block || code === OP.if) depth++;
      else if (code === OP.end) depth--;
      else if (code === OP.else && depth === 0) return false;
      if (depth < 0) return false;
    }
    return true;
  }

  #bytes(at: number): number[] {
    const { bytes, start } = this.#body;
    return [...bytes.subarray(start[at]!, start[at + 1]!)];
  }
}

type Step = Pick<Linear, "below" | "above" | "growing">;

function fixed(code: readonly number[]): Linear {
  return { code, add: 0, below: 0, above: 0, growing: [] };
}

/** Instructions that push the value in front of the turns. */
export function wholeCode({ code, add }: Linear): readonly number[] {
  if (add === 0) return code;
  const constant = new ByteWriter();
  constant.s32(add);
  return [...code, OP.i32Const, ...constant.toBytes(), OP.i32Add];
}

function constantStep(amount: number): Step | undefined {
  if (Math.abs(amount) > LARGEST_STEP) return undefined;
  return { below: Math.max(0, -amount), above: Math.max(0, amount), growing: [] };
}

function grown(sum: Linear, { below, above, growing }: Step): Linear {
  return {
    code: sum.code,
    add: sum.add,
    below: sum.below + below,
    above: sum.above + above,
    growing: [...sum.growing, ...growing],
  };
}

function moves({ below, above, growing }: Step): boolean {
  return below !== 0 || above !== 0 || growing.length > 0;
}

function combine(code: number, left: Linear, right: Linear, constant: number | undefined): Linear | undefined {
  const sign = code === OP.i32Add ? 1 : code === I32_SUB ? -1 : 0;
  if (sign !== 0 && constant !== undefined && Math.abs(left.add + sign * constant) <= LARGEST_STEP) {
    return { ...left, add: left.add + sign * constant };
  }
  if (code === OP.i32Add) {
    const add = left.add + right.add;
    if (Math.abs(add) > LARGEST_STEP) return undefined;
    return grown({ ...left, code: [...left.code, ...right.code, code], add }, right);
  }
  if (moves(right)) return undefined;
  const pushed = [...wholeCode(left), ...wholeCode(right), code];
  if (code === I32_SUB) return { ...left, code: pushed, add: 0 };
  if (!moves(left)) return fixed(pushed);
  if (code !== I32_SHL || constant === undefined || constant < 0 || constant > 16) return undefined;
  const factor = 2 ** constant;
  const { add, below, above, growing } = left;
  if (Math.max(below, above, Math.abs(add)) * factor > LARGEST_STEP) return undefined;
  return {
    code: [...left.code, ...right.code, code],
    add: add * factor,
    below: below * factor,
    above: above * factor,
    growing: growing.map(([local, times]) => [local, times * factor]),
  };
}

/** Operands and results of instructions that an operand's code may consist of. */
function plainEffect(code: number): { readonly operands: number; readonly results: number } | undefined {
  if (code === OP.localGet || code === OP.globalGet) return { operands: 0, results: 1 };
  if (code === OP.localTee) return { operands: 1, results: 1 };
  if (code === OP.select) return { operands: 3, results: 1 };
  const operands = operandsOf[code]!;
  if (operands === 255 || code === OP.wait32 || code === OP.wait64) return undefined;
  return resultOf[code] === BOTTOM ? undefined : { operands, results: 1 };
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
