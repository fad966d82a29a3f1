// One leg of a tortured run: from a state, or the beginning, to a safe point or the end.

import type { Ending } from "../../engine/index.ts";
import type { ProgramState } from "../../machine/index-node.ts";
import { assert } from "../../util/index.ts";
import type { Rig } from "./rig.ts";

/** A safe point at which the program was frozen. */
export interface Point {
  /** How many safe points had been passed, this one included. */
  readonly number: number;
  /** The innermost frame; absent when the program had not begun. */
  readonly function?: number;
  readonly position?: number;
  /** The host call that was frozen there, as `module.name`. */
  readonly hostCall?: string;
  readonly depth: number;
}

export type LegResult =
  | {
      readonly kind: "frozen";
      readonly state: ProgramState;
      readonly point: Point;
      readonly visited: readonly string[];
    }
  | { readonly kind: "ended"; readonly ending: Ending; readonly passed: number };

export interface LegOptions {
  readonly from?: ProgramState | undefined;
  /** Safe points passed before. */
  readonly passed: number;
  /** Freeze at the safe point of this number; undefined: at none, just count. */
  readonly until: number | undefined;
  /** How often the program was frozen in one and the same host call without getting on. */
  readonly stuck: number;
}

/** After so many freezes without progress a host call may wait for once: time has to pass. */
const STUCK_LIMIT = 3;

/**
 * Runs a leg.
 *
 * @throws what a restore or a capture refuses
 */
export function runLeg(rig: Rig, { from, passed, until, stuck }: LegOptions): LegResult {
  const rigged = rig.open(from);
  try {
    const { program } = rigged;
    let count = passed;
    let spared = stuck >= STUCK_LIMIT;
    program.group.policy = () => {
      if (spared) {
        spared = false;
        return false;
      }
      count++;
      return until !== undefined && count >= until;
    };
    program.group.request();
    const ending = program.run();
    if (ending) return { kind: "ended", ending, passed: count };
    const state = program.capture(rig.arenas);
    return { kind: "frozen", state, ...pointOf(state, count) };
  } finally {
    rigged.dispose();
  }
}

function pointOf({ group }: ProgramState, number: number): { point: Point; visited: string[] } {
  const thread = group.threads[0];
  assert(thread, "a frozen program has a thread");
  const { frames, hostCall } = thread;
  const innermost = frames.at(-1);
  const point: Point = {
    number,
    depth: frames.length,
    ...(innermost ? { function: innermost.function, position: innermost.position } : {}),
    ...(hostCall ? { hostCall: `${hostCall.module}.${hostCall.name}` } : {}),
  };
  const visited = frames.map((frame) => `${frame.function} ${frame.position}`);
  return { point, visited: [...new Set(visited)] };
}

/** How often in a row the same host call was frozen at the same place, by the last point and this one. */
export function stuckAt(last: Point | undefined, point: Point, stuck: number): number {
  const same =
    point.hostCall !== undefined &&
    last?.hostCall === point.hostCall &&
    last.function === point.function &&
    last.position === point.position &&
    last.depth === point.depth;
  return same ? stuck + 1 : 0;
}
