// Stores that need one mark: those through the same local, at small offsets, with nothing between them that could change the
// local, the active slot, or where control comes from.
//
// The first of a group asks for the mark of the byte that the local points to; what others write lies within MIRROR.reach of it.

import { MIRROR } from "../abi/index.ts";
import { BOTTOM, OP } from "../wasm/index.ts";
import { writesMemory } from "./marks.ts";
import { isBarrier, OperandLocals } from "./operand-locals.ts";
import type { Plan } from "./plan.ts";
import { accessOf, memoryArgument } from "./windows-accesses.ts";

export interface MirrorGroup {
  /** The store that asks. */
  readonly first: number;
  /** Less than MOST_GROUPS; groups that are open at the same time have different ones. */
  readonly number: number;
}

/** By store; what is in no group asks for itself. */
export type MirrorGroups = ReadonlyMap<number, MirrorGroup>;

/** Groups that are open at the same time: each has a local for its place in the slot. */
export const MOST_GROUPS = 6;
const WIDEST_BYTES = 16;

/** The groups of a function. @param from the first instruction that is written */
export function mirrorGroups(plan: Plan, from: number): MirrorGroups {
  const { body, heights } = plan;
  const { op, a, count } = body;
  const groups = new Map<number, MirrorGroup>();
  /** By local. */
  const open = new Map<number, MirrorGroup>();
  const operands = new OperandLocals(body, heights);
  for (let at = from; at < count; at++) {
    const code = op[at]!;
    if (isBarrier(plan, at)) open.clear();
    else if (writesMemory(body, at) && accessOf(code)?.result === BOTTOM) {
      const near = memoryArgument(body, at).offset <= MIRROR.reach - WIDEST_BYTES;
      const local = near ? operands.local(at, 1) : -1;
      const group = local < 0 ? undefined : (open.get(local) ?? added(open, local, at));
      if (group) groups.set(at, group);
    }
    if (code === OP.localSet || code === OP.localTee) open.delete(a[at]!);
    operands.step(at);
  }
  return groups;
}

function added(open: Map<number, MirrorGroup>, local: number, first: number): MirrorGroup | undefined {
  const taken = new Set([...open.values()].map(({ number }) => number));
  for (let number = 0; number < MOST_GROUPS; number++) {
    if (taken.has(number)) continue;
    const group = { first, number };
    open.set(local, group);
    return group;
  }
  return undefined;
}
