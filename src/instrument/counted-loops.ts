// Counted loops: how many turns a loop can make at most, where the code itself shows it.
//
// The only branch back is a `br_if` at the loop's own level, and its condition compares a local i with a constant B:
//
//   i + step -> i once in a turn, at the loop's own level;  br_if $loop (i < B), (i > B), (i != B) or (i)
//
// Such an instruction cannot be jumped over within a turn, and i has no other assignment in the loop. Where the bound
// depends on i's first value, that must be a constant too: the assignment in front of the loop that is passed on every
// way to it. Exact, never optimistic: arithmetic that could wrap, or any other shape, counts as endless.

import { type Body, OP } from "../wasm/index.ts";

const I32_NE = 0x47;
const I32_LT_S = 0x48;
const I32_LT_U = 0x49;
const I32_GT_S = 0x4a;
const I32_GT_U = 0x4b;
const TWO_32 = 2 ** 32;
/** Instructions in front of a loop that are searched for its counter's first value. */
const LOOK_BACK = 400;

/** The most turns of the loop at `at`, which holds no loop; Infinity where that cannot be seen. */
export function mostTurnsOf(body: Body, at: number): number {
  const back = branchBack(body, at);
  const condition = back < 0 ? undefined : conditionAt(body, back);
  const step = condition && stepOf(body, at, condition.local);
  if (!condition || !step) return Infinity;
  const first = firstValue(body, at, condition.local);
  return turns(condition.compare, condition.limit, step, first);
}

/** The one branch to the loop's label, a br_if at the loop's own level; -1 if there are others or none. */
function branchBack(body: Body, at: number): number {
  const { op, a, match, labels } = body;
  let depth = 0;
  let found = -1;
  for (let inside = at + 1; inside < match[at]!; inside++) {
    switch (op[inside]) {
      case OP.block:
      case OP.if:
        depth++;
        break;
      case OP.end:
        depth--;
        break;
      case OP.brIf:
        if (a[inside] !== depth) break;
        if (found >= 0 || depth > 0) return -1;
        found = inside;
        break;
      case OP.br:
      case OP.brOnNull:
      case OP.brOnNonNull:
        if (a[inside] === depth) return -1;
        break;
      case OP.brTable:
        if (labels.get(inside)!.includes(depth)) return -1;
        break;
      case OP.try:
      case OP.tryTable:
        return -1;
    }
  }
  return found;
}

interface Condition {
  readonly local: number;
  readonly compare: number;
  readonly limit: number;
}

/** What a br_if tests: a local against a constant. */
function conditionAt({ op, a }: Body, branch: number): Condition | undefined {
  const reads = (at: number) => op[at] === OP.localGet || op[at] === OP.localTee;
  if (reads(branch - 1)) return { local: a[branch - 1]!, compare: I32_NE, limit: 0 };
  const compare = op[branch - 1]!;
  if (compare < I32_NE || compare > I32_GT_U || op[branch - 2] !== OP.i32Const || !reads(branch - 3)) return undefined;
  return { local: a[branch - 3]!, compare, limit: a[branch - 2]! };
}

/** What is added to a local once in every turn; 0 if it is assigned in any other way. */
function stepOf({ op, a, match }: Body, at: number, local: number): number {
  let step = 0;
  let depth = 0;
  for (let inside = at + 1; inside < match[at]!; inside++) {
    const code = op[inside]!;
    if (code === OP.block || code === OP.if) depth++;
    else if (code === OP.end) depth--;
    else if ((code === OP.localSet || code === OP.localTee) && a[inside] === local) {
      const added = op[inside - 1] === OP.i32Add && op[inside - 2] === OP.i32Const && op[inside - 3] === OP.localGet;
      if (step !== 0 || depth > 0 || !added || a[inside - 3] !== local) return 0;
      step = a[inside - 2]!;
    }
  }
  return step;
}

/** The constant that a local holds when the loop at `at` is entered, undefined if that cannot be seen. */
function firstValue({ op, a, match, params }: Body, at: number, local: number): number | undefined {
  for (let before = at - 1; before >= 0; before--) {
    if (at - before > LOOK_BACK) return undefined;
    switch (op[before]) {
      case OP.localSet:
      case OP.localTee:
        if (a[before] !== local) break;
        return op[before - 1] === OP.i32Const ? a[before - 1] : undefined;
      case OP.end: {
        const opener = match[before]!;
        if (assigns(op, a, opener, before, local)) return undefined;
        before = opener;
        break;
      }
      case OP.else:
        before = match[before]!;
        break;
      case OP.loop:
      case OP.catch:
      case OP.catchAll:
      case OP.delegate:
        return undefined;
    }
  }
  return local >= params ? 0 : undefined;
}

function assigns(op: Uint16Array, a: Int32Array, from: number, to: number, local: number): boolean {
  for (let at = from; at < to; at++)
    if ((op[at] === OP.localSet || op[at] === OP.localTee) && a[at] === local) return true;
  return false;
}

/** The most turns of `do i += step while (i compare limit)`; one more, as the test may come before the addition. */
function turns(compare: number, limit: number, step: number, first: number | undefined): number {
  if (compare === I32_LT_U) return below(0, limit >>> 0, step, TWO_32);
  if (first === undefined) return Infinity;
  switch (compare) {
    case I32_LT_S:
      return below(first, limit, step, TWO_32 / 2);
    case I32_GT_S:
      return below(-first, -limit, -step, TWO_32 / 2);
    case I32_GT_U:
      return below(-(first >>> 0), -(limit >>> 0), -step, 1);
    default: {
      const distance = (step > 0 ? limit - first : first - limit) >>> 0;
      const size = Math.abs(step);
      return distance === 0 || distance % size !== 0 ? Infinity : distance / size + 1;
    }
  }
}

/** Turns from `first` upwards while below `limit`; endless if an addition could pass `end` and wrap around. */
function below(first: number, limit: number, step: number, end: number): number {
  if (step <= 0 || limit + step >= end || first + step >= end) return Infinity;
  return Math.max(0, Math.ceil((limit - first) / step)) + 2;
}
