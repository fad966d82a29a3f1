// Guarded regions: pieces of code in which one check of a pointer speaks for all accesses behind it.
//
// Compiled code reads and writes several fields behind one pointer. A region is a run of whole statements (the operand
// stack is as high behind it as in front, and never lower) without any label, call or other instruction after which the
// host may have run; it may be left in its middle. The address of every access in it is followed symbolically to a base
// and a constant. The first access of a base checks for all that follow; where a check fails, a second copy of the
// region goes on from there with slow accesses (windows.ts).
//
// I1  Nothing in a region lets the host run in its quick copy: what a check has found stays true up to the end.
// I2  A region is entered at its first instruction only; a continuation in its middle writes every access with its check.
// I3  The bytes that one check speaks for lie near each other: it should not fail for bytes that nobody asks for.
//
// Not here: the code (windows.ts).

import { BLOCK_EMPTY, BLOCK_VALUE, BOTTOM, type Body, I32, OP, resultOf, type ValueType } from "../wasm/index.ts";
import { operandsTaken } from "./operand-locals.ts";
import { MARK, type Plan } from "./plan.ts";
import { type Access, accessOf, memoryArgument } from "./windows-accesses.ts";

/** The bytes that an access checks: relative to its address operand, from `low` up to `high`, exclusive. */
export interface Check {
  readonly at: number;
  readonly low: number;
  readonly high: number;
  /** What it and all accesses that it speaks for need. */
  readonly need: number;
}

export interface Region {
  /** First instruction, and the one behind the last. */
  readonly start: number;
  readonly end: number;
  /** By access that is the first of its base, in order. */
  readonly checks: ReadonlyMap<number, Check>;
  /** The check that speaks for each other access. */
  readonly spoken: ReadonlyMap<number, number>;
  /** What it leaves on the stack for the instruction behind it. */
  readonly results: readonly ValueType[];
}

/** With fewer accesses a region saves nothing. */
const FEWEST_ACCESSES = 2;
/** Instructions; a region is written twice. */
const LONGEST_REGION = 400;
const MOST_CHECKS = 40;
const FARTHEST_BYTES = 1024;
/** Opcodes of instructions whose results are known without the module, from here on. */
const OPERATORS = 0x28;
/** Letters of a base: longer ones hardly come again. */
const LONGEST_BASE = 80;
/** Instructions that are no part of a region, whatever they take. */
const UNFIT: readonly number[] = [OP.dataDrop, OP.elementDrop, OP.wait32, OP.wait64];

/** i32 operators without traps. */
const PURE: ReadonlySet<number> = new Set([0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78]);

/** A value; an i32 is a constant more than whatever `base` names, which is the same wherever it stands in a region. */
interface Value {
  readonly base: string;
  readonly add: number;
  /** BOTTOM if it is not known here. */
  readonly type: ValueType;
}

/** A check, and the constant of the address that it is relative to. */
type OpenCheck = Check & { readonly add: number };

/** The regions of a function, by first instruction; disjoint. */
export function regionsOf(plan: Plan): ReadonlyMap<number, Region> {
  const regions = new Map<number, Region>();
  const { count } = plan.body;
  const ends = carryingBranches(plan);
  let candidate: Candidate | undefined;
  const close = () => {
    const region = candidate?.region();
    if (region) regions.set(region.start, region);
    candidate = undefined;
  };
  for (let at = 0; at < count; ) {
    candidate ??= new Candidate(plan, ends, at);
    const end = candidate.extend(at);
    if (end > at) {
      at = end;
      continue;
    }
    const fresh = candidate.start === at;
    close();
    if (fresh) at = afterFailure(plan, ends, at);
  }
  close();
  return regions;
}

/** `br_if` to labels that take values: these may lie in front of a region, where its branches cannot reach them. */
function carryingBranches({ body, type }: Plan): ReadonlySet<number> {
  const { op, a, blockType, count } = body;
  const found = new Set<number>();
  const labels = [type.results.length > 0];
  for (let at = 0; at < count; at++) {
    switch (op[at]) {
      case OP.block:
      case OP.if:
      case OP.try:
      case OP.tryTable:
        labels.push(blockType[at] !== BLOCK_EMPTY);
        break;
      case OP.loop: // those of other types have no parameters
        labels.push(blockType[at]! >= 0 && blockType[at]! < BLOCK_VALUE);
        break;
      case OP.end:
      case OP.delegate:
        labels.pop();
        break;
      case OP.brIf:
        if (labels.at(-1 - a[at]!)) found.add(at);
    }
  }
  return found;
}

/** Where to go on when no region can begin with the statement at `at`: behind it, or behind what ends it. */
function afterFailure(plan: Plan, ends: ReadonlySet<number>, at: number): number {
  const { body, marks } = plan;
  let height = 0;
  for (let next = at; next < body.count; next++) {
    const operands = ends.has(next) ? -1 : operandsIn(body, next);
    if (operands < 0 || marks[next]! & MARK.dead || operands > height) return next + 1;
    height += resultsOf(body, next) - operands;
    if (height === 0) return next + 1;
  }
  return body.count;
}

class Candidate {
  readonly start: number;
  readonly #plan: Plan;
  /** Instructions that no region may contain, whatever their opcodes. */
  readonly #ends: ReadonlySet<number>;
  #end: number;
  #known: Known = { locals: new Map(), open: new Map(), checks: new Map(), spoken: new Map(), results: [] };

  constructor(plan: Plan, ends: ReadonlySet<number>, start: number) {
    this.#plan = plan;
    this.#ends = ends;
    this.start = start;
    this.#end = start;
  }

  /** Takes in the statement at `at`; the instruction behind it, or `at` if it does not fit. */
  extend(at: number): number {
    const { locals, open, checks, spoken, results } = this.#known;
    if (results.length > 0) return at;
    const known = {
      locals: new Map(locals),
      open: new Map(open),
      checks: new Map(checks),
      spoken: new Map(spoken),
      results,
    };
    const end = this.#statement(at, known);
    if (end < 0 || end - this.start > LONGEST_REGION || known.checks.size > MOST_CHECKS) return at;
    this.#known = known;
    this.#end = end;
    return end;
  }

  region(): Region | undefined {
    const { checks, spoken, results } = this.#known;
    if (checks.size + spoken.size < FEWEST_ACCESSES) return undefined;
    return { start: this.start, end: this.#end, checks, spoken, results };
  }

  /**
   * Follows one statement, or what stands in front of an instruction that ends the region; the instruction behind it, -1
   * if it cannot be part of the region.
   */
  #statement(at: number, known: Known): number {
    const { body, marks, siteAt } = this.#plan;
    const accesses = known.checks.size + known.spoken.size;
    const stack: Value[] = [];
    for (let next = at; next < body.count; next++) {
      const operands = this.#ends.has(next) ? -1 : operandsIn(body, next);
      if (operands > stack.length || marks[next]! & MARK.dead) return -1;
      if (operands < 0) {
        known.results = stack.map(({ type }) => type);
        return known.checks.size + known.spoken.size > accesses && !known.results.includes(BOTTOM) ? next : -1;
      }
      const code = body.op[next]!;
      const access = siteAt.get(next) ? accessOf(code) : undefined;
      if (access) check(body, next, access, stack[stack.length - operands]!, known);
      const taken = stack.splice(stack.length - operands);
      if (resultsOf(body, next) > 0) stack.push(pushedValue(body, next, taken, known.locals));
      if (code === OP.localSet || code === OP.localTee) known.locals.set(body.a[next]!, taken[0]!);
      if (stack.length === 0) return next + 1;
    }
    return -1;
  }
}

interface Known {
  /** What locals that were assigned in the region hold. */
  readonly locals: Map<number, Value>;
  /** By base: the check that speaks for what follows. */
  readonly open: Map<string, OpenCheck>;
  readonly checks: Map<number, Check>;
  readonly spoken: Map<number, number>;
  results: readonly ValueType[];
}

/** Lets an earlier check speak for an access, or the access check for itself and others. */
function check(body: Body, at: number, access: Access, { base, add }: Value, { open, checks, spoken }: Known): void {
  const { offset } = memoryArgument(body, at);
  const known = open.get(base);
  const apart = add - (known?.add ?? add);
  // An address below the operand that is checked must not wrap, whatever the static offset.
  const low = apart < 0 ? apart : apart + offset;
  const high = apart + offset + access.bytes;
  const { need } = access;
  let now: OpenCheck = { at, add, low: offset, high: offset + access.bytes, need };
  if (known && Math.max(known.high, high) - Math.min(known.low, low) <= FARTHEST_BYTES) {
    now = {
      ...known,
      low: Math.min(known.low, low),
      high: Math.max(known.high, high),
      need: Math.max(known.need, need),
    };
    spoken.set(at, known.at);
  }
  open.set(base, now);
  checks.set(now.at, now);
}

/** The value that an instruction pushes. */
function pushedValue(body: Body, at: number, taken: readonly Value[], locals: ReadonlyMap<number, Value>): Value {
  const code = body.op[at]!;
  const fresh = { base: `@${at}`, add: 0, type: code < OPERATORS ? BOTTOM : resultOf[code]! };
  if (code === OP.i32Const) return { base: "", add: body.a[at]!, type: I32 };
  if (code === OP.localTee) return taken[0]!;
  if (code === OP.localGet) {
    return locals.get(body.a[at]!) ?? { base: `$${body.a[at]}`, add: 0, type: body.locals[body.a[at]!]! };
  }
  if (!PURE.has(code)) return fresh;
  const [left, right] = taken as [Value, Value];
  const sum = code === OP.i32Add ? left.add + right.add : code === OP.i32Sub ? left.add - right.add : Number.NaN;
  if (right.base === "" && Math.abs(sum) < 2 ** 31) return { base: left.base, add: sum, type: I32 };
  const base = `(${left.base}+${left.add} ${code} ${right.base}+${right.add})`;
  return base.length > LONGEST_BASE ? fresh : { base, add: 0, type: I32 };
}

/** How many operands an instruction takes that may be part of a region; -1 for all others. */
function operandsIn(body: Body, at: number): number {
  const code = body.op[at]!;
  if (UNFIT.includes(code)) return -1;
  const taken = operandsTaken(code);
  return taken < 255 ? taken : -1;
}

function resultsOf(body: Body, at: number): number {
  const code = body.op[at]!;
  switch (code) {
    case OP.localGet:
    case OP.localTee:
    case OP.globalGet:
    case OP.select:
      return 1;
    case OP.localSet:
    case OP.globalSet:
    case OP.drop:
    case OP.brIf:
      return 0;
    default:
      return resultOf[code] === BOTTOM ? 0 : 1;
  }
}
