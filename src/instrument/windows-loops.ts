// Guarded loops: innermost loops without calls whose accesses of memory 0 are all checked in front of many turns.
//
// Compiled loops run pointers: locals that grow by the same step at every turn, or do not change. What such a loop can
// reach in a known number of turns (loops.ts) is an interval around each address as it is in front of them. Where the
// guard finds all intervals below the limit, or in a run of pages, the turns run without checks: the loop is written
// once for each way and once with checks; strip-mined loops ask the guard anew after each poll.
//
// An address at turn t is A + D(t) mod 2^32, where A is its expression over the locals in front of the turns and D(t),
// an integer, lies in [-below, above]. The guard computes A - below and A + above in 64 bits, so nothing wraps unseen.
//
// I1  Nothing in such a loop lets the host run while it runs without checks: every access in it is guarded.
// I2  Each instruction of the body runs at most once a turn: there is no loop in it.
//
// Not here: the code (windows.ts, emit-loops.ts), pieces without loops (windows-regions.ts).

import { WINDOW } from "../abi/index.ts";
import { type Body, OP } from "../wasm/index.ts";
import { mayTakeLong } from "./loops.ts";
import type { Plan } from "./plan.ts";
import { accessOf, memoryArgument } from "./windows-accesses.ts";
import { Expressions, type Linear } from "./windows-linear.ts";
import type { Region } from "./windows-regions.ts";

/** What must hold in front of the turns for one address expression. */
export interface LoopGuard {
  readonly address: Linear;
  /** Relative to the address, what is accessed: from here, and up to there, exclusive. */
  readonly low: number;
  readonly high: number;
  readonly need: number;
}

export interface GuardedLoop {
  readonly at: number;
  readonly guards: readonly LoopGuard[];
  /** By access: its guard. */
  readonly guardOf: ReadonlyMap<number, number>;
}

const MOST_GUARDS = 8;
/** Instructions of a loop that is written more than once. */
const LONGEST_LOOP = 300;
const FARTHEST_OFFSET = 1 << 20;
/** Instructions in a turn for each check: with more, a guard in front saves little, and short loops lose by it. */
const LONGEST_TURN = 50;

/** The guarded loops of a function, by their first instruction. */
export function guardedLoopsOf(
  plan: Plan,
  turnsOf: (at: number) => number,
  regions: ReadonlyMap<number, Region>,
): ReadonlyMap<number, GuardedLoop> {
  const loops = new Map<number, GuardedLoop>();
  const { body } = plan;
  const { op, count } = body;
  for (let at = 0; at < count; at++) {
    if (op[at] !== OP.loop) continue;
    const found = guardedLoop(plan, at, turnsOf);
    if (found && body.match[at]! - at > LONGEST_TURN * checksOf(found, regions)) continue;
    if (found) loops.set(at, found);
  }
  return loops;
}

/** How many checks a turn would do without a guard. */
function checksOf({ guardOf }: GuardedLoop, regions: ReadonlyMap<number, Region>): number {
  let checks = guardOf.size;
  for (const { spoken } of regions.values()) for (const access of guardOf.keys()) if (spoken.has(access)) checks--;
  return checks;
}

function guardedLoop(plan: Plan, at: number, turnsOf: (at: number) => number): GuardedLoop | undefined {
  const { body, siteAt } = plan;
  const { op, match } = body;
  const end = match[at]!;
  if (end - at > LONGEST_LOOP) return undefined;
  for (let inside = at + 1; inside < end; inside++) {
    if (op[inside] === OP.loop || mayTakeLong(op[inside]!) || isTry(op[inside]!)) return undefined;
  }
  const turns = turnsOf(at);
  if (turns < 2) return undefined;
  const expressions = new Expressions(body, at, end);
  const guards = new Map<string, LoopGuard>();
  const keys = new Map<number, string>();
  for (let inside = at + 1; inside < end; inside++) {
    const access = siteAt.get(inside) ? accessOf(op[inside]!) : undefined;
    if (!access) continue;
    const address = expressions.operand(inside, access.operands.length);
    const key = address && guard(body, inside, address, guards);
    if (key === undefined || guards.size > MOST_GUARDS) return undefined;
    keys.set(inside, key);
  }
  if (keys.size === 0) return undefined;
  const numbers = new Map([...guards.keys()].map((key, index) => [key, index]));
  const guardOf = new Map([...keys].map(([inside, key]) => [inside, numbers.get(key)!]));
  return { at, guards: [...guards.values()], guardOf };
}

/** Adds an access to its guard; the guard's key, undefined if the access is too far from the pointer. */
function guard(body: Body, at: number, address: Linear, guards: Map<string, LoopGuard>): string | undefined {
  const access = accessOf(body.op[at]!)!;
  const { offset } = memoryArgument(body, at);
  if (offset > FARTHEST_OFFSET) return undefined;
  const key = `${address.code.join()} ${address.below} ${address.above} ${address.growing.join()}`;
  const known = guards.get(key);
  const apart = address.add - (known?.address.add ?? address.add);
  // An address that may lie below the guard's must not wrap, whatever the static offset.
  const low = apart < 0 || address.below > 0 ? apart : apart + offset;
  const high = apart + offset + access.bytes;
  guards.set(key, {
    address: known?.address ?? address,
    low: Math.min(low, known?.low ?? low),
    high: Math.max(high, known?.high ?? high),
    need: Math.max(access.need, known?.need ?? WINDOW.read),
  });
  return key;
}

function isTry(code: number): boolean {
  return code === OP.try || code === OP.tryTable;
}
