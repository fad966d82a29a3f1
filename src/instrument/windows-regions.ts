// Guarded regions: straight pieces of code whose accesses of memory 0 are checked together, in front of the piece.
//
// Compiled code reads and writes several fields behind one pointer. A region is a run of whole statements (the operand
// stack is as high behind it as in front, and never lower) without any branch, call or other instruction after which
// the host may have run. The address of each access in it is a pure expression over the locals as they are in front of
// the region, so that a guard can compute it there; assignments inside are followed symbolically. Where the guard holds,
// the region runs without checks.
//
// I1  Nothing in a region lets the host run while it runs without checks: what the guard has found stays true.
// I2  A region is entered at its first instruction only; a continuation in its middle writes every access with its check.
// I3  The bytes that one guard speaks for lie within a page's size of each other.
//
// Not here: the code (windows.ts).

import { WINDOW } from "../abi/index.ts";
import { BOTTOM, type Body, I32, OP, operandsOf, resultOf } from "../wasm/index.ts";
import { MARK, type Plan } from "./plan.ts";
import { type Access, accessOf, memoryArgument } from "./windows-accesses.ts";

/** Bytes behind an address, relative to it, that a region reads or writes. */
export interface Reach {
  readonly low: number;
  /** Exclusive. */
  readonly high: number;
}

/** What must hold in front of a region for one address expression. */
export interface Guard {
  /** Instructions that push the address. */
  readonly code: readonly number[];
  readonly reach: Reach;
  /** WINDOW.write if the region writes there, else WINDOW.read. */
  readonly need: number;
}

export interface Region {
  /** First instruction, and the one behind the last. */
  readonly start: number;
  readonly end: number;
  readonly guards: readonly Guard[];
  /** By access: its guard's need, which says where its bytes are found. */
  readonly needs: ReadonlyMap<number, number>;
}

/** With fewer accesses a guard saves nothing. */
const FEWEST_ACCESSES = 2;
const MOST_GUARDS = 6;
/** Bytes of code of an address expression. */
const LONGEST_EXPRESSION = 40;
/** Instructions; a region is written twice or three times. */
const LONGEST_REGION = 400;
/** Static offsets above this are left to single checks. */
const FARTHEST_OFFSET = 1 << 20;

/** i32 operators without traps. */
const PURE: ReadonlySet<number> = new Set([0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78]);

type Expression = readonly number[] | undefined;

/** The regions of a function, by first instruction; disjoint. */
export function regionsOf(plan: Plan): ReadonlyMap<number, Region> {
  const regions = new Map<number, Region>();
  const { count } = plan.body;
  let candidate: Candidate | undefined;
  const close = () => {
    const region = candidate?.region();
    if (region) regions.set(region.start, region);
    candidate = undefined;
  };
  for (let at = 0; at < count; ) {
    candidate ??= new Candidate(plan, at);
    const end = candidate.extend(at);
    if (end > at) {
      at = end;
      continue;
    }
    const fresh = candidate.start === at;
    close();
    if (fresh) at = afterFailure(plan, at);
  }
  close();
  return regions;
}

/** Where to go on when no region can begin with the statement at `at`: behind it, or behind what ends it. */
function afterFailure(plan: Plan, at: number): number {
  const { body, marks } = plan;
  let height = 0;
  for (let next = at; next < body.count; next++) {
    const operands = operandsIn(body, next);
    if (operands < 0 || marks[next]! & MARK.dead || operands > height) return next + 1;
    height += resultsOf(body, next) - operands;
    if (height === 0) return next + 1;
  }
  return body.count;
}

class Candidate {
  readonly start: number;
  readonly #plan: Plan;
  #end: number;
  #accesses = 0;
  /** What locals that were assigned in the region hold. */
  #locals = new Map<number, Expression>();
  #guards = new Map<string, Guard>();
  /** Accesses, and the key of their guard. */
  #keys = new Map<number, string>();

  constructor(plan: Plan, start: number) {
    this.#plan = plan;
    this.start = start;
    this.#end = start;
  }

  /** Takes in the statement at `at`; the instruction behind it, or `at` if it does not fit. */
  extend(at: number): number {
    const locals = new Map(this.#locals);
    const guards = new Map(this.#guards);
    const keys = new Map(this.#keys);
    const end = this.#statement(at, locals, guards, keys);
    if (end < 0 || end - this.start > LONGEST_REGION || guards.size > MOST_GUARDS) return at;
    this.#locals = locals;
    this.#guards = guards;
    this.#keys = keys;
    this.#accesses = keys.size;
    this.#end = end;
    return end;
  }

  region(): Region | undefined {
    if (this.#accesses < FEWEST_ACCESSES) return undefined;
    const needs = new Map([...this.#keys].map(([at, key]) => [at, this.#guards.get(key)!.need]));
    return { start: this.start, end: this.#end, guards: [...this.#guards.values()], needs };
  }

  /** Follows one statement; the instruction behind it, -1 if it cannot be part of the region. */
  #statement(
    at: number,
    locals: Map<number, Expression>,
    guards: Map<string, Guard>,
    keys: Map<number, string>,
  ): number {
    const { body, marks, siteAt } = this.#plan;
    const stack: Expression[] = [];
    for (let next = at; next < body.count; next++) {
      const operands = operandsIn(body, next);
      if (operands < 0 || operands > stack.length || marks[next]! & MARK.dead) return -1;
      const code = body.op[next]!;
      const access = siteAt.get(next) ? accessOf(code) : undefined;
      if (access && !guardAccess(body, next, access, stack[stack.length - operands], guards, keys)) return -1;
      const taken = stack.splice(stack.length - operands);
      if (resultsOf(body, next) > 0) stack.push(expressionOf(body, next, taken, locals));
      if (code === OP.localSet || code === OP.localTee) locals.set(body.a[next]!, taken[0]);
      if (stack.length === 0) return next + 1;
    }
    return -1;
  }
}

/** Lets a guard speak for an access; false if none can. */
function guardAccess(
  body: Body,
  at: number,
  access: Access,
  address: Expression,
  guards: Map<string, Guard>,
  keys: Map<number, string>,
): boolean {
  const { offset } = memoryArgument(body, at);
  if (!address || offset > FARTHEST_OFFSET) return false;
  const key = `${address.join()}`;
  const known = guards.get(key);
  const low = Math.min(offset, known?.reach.low ?? offset);
  const high = Math.max(offset + access.bytes, known?.reach.high ?? 0);
  if (high - low > WINDOW.pageBytes) return false;
  guards.set(key, { code: address, reach: { low, high }, need: Math.max(access.need, known?.need ?? 0) });
  keys.set(at, key);
  return true;
}

/** The value that an instruction pushes, as an expression over the locals in front of the region. */
function expressionOf(
  body: Body,
  at: number,
  taken: readonly Expression[],
  locals: ReadonlyMap<number, Expression>,
): Expression {
  const code = body.op[at]!;
  if (code === OP.i32Const) return bytesOf(body, at);
  if (code === OP.localTee) return taken[0];
  if (code === OP.localGet) {
    const local = body.a[at]!;
    if (locals.has(local)) return locals.get(local);
    return body.locals[local] === I32 ? bytesOf(body, at) : undefined;
  }
  const [left, right] = taken;
  if (!PURE.has(code) || !left || !right || left.length + right.length >= LONGEST_EXPRESSION) return undefined;
  return [...left, ...right, code];
}

function bytesOf(body: Body, at: number): number[] {
  return [...body.bytes.subarray(body.start[at]!, body.start[at + 1]!)];
}

/** How many operands an instruction takes that may be part of a region; -1 for all others. */
function operandsIn(body: Body, at: number): number {
  const code = body.op[at]!;
  switch (code) {
    case OP.localGet:
    case OP.globalGet:
      return 0;
    case OP.localSet:
    case OP.localTee:
    case OP.globalSet:
    case OP.drop:
      return 1;
    case OP.select:
      return 3;
    case OP.dataDrop:
    case OP.elementDrop:
      return -1;
    default:
      return code !== OP.wait32 && code !== OP.wait64 && operandsOf[code]! < 255 ? operandsOf[code]! : -1;
  }
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
      return 0;
    default:
      return resultOf[code] === BOTTOM ? 0 : 1;
  }
}
