// Loops: how many turns lie between two polls.
//
// A loop without any call and without inner loops is strip-mined (emit-loops.ts): a counter in a local runs down, and
// only when it is spent the flag is looked at. That keeps the poll's call out of the loop that the engine optimises.
// The number of turns bounds how long a freeze waits: turns times instructions of the body stay below
// MINED_INSTRUCTIONS, which take some microseconds. A loop whose end is near by its own count (counted-loops.ts)
// never polls. A loop of no instructions is how hand-written code asks for a safe point: it polls.

import { BLOCK_VALUE, type Body, OP } from "../wasm/index.ts";
import { mostTurnsOf } from "./counted-loops.ts";

/** Instructions that a strip-mined loop may run between two polls. */
const MINED_INSTRUCTIONS = 16384;
/** Instructions of a loop that is known to end by itself and never polls. */
const UNPOLLED_INSTRUCTIONS = 16384;
/** With fewer turns the counter costs what it saves. */
const FEWEST_TURNS = 16;
/** Instructions that all copies of a strip-mined body may have together. */
const COPIED_INSTRUCTIONS = 48;
const MOST_COPIES = 8;

/**
 * Turns of the loop at `at` between two polls: 1 is a poll at every turn's begin, more is strip-mined, 0 no poll.
 *
 * @param most more turns are not wanted
 */
export function loopTurns(body: Body, at: number, most: number): number {
  const { op, match, blockType } = body;
  const end = match[at]!;
  const turns = Math.floor(MINED_INSTRUCTIONS / (end - at));
  const typed = blockType[at]! >= 0 && blockType[at]! < BLOCK_VALUE; // it may have parameters
  if (turns < FEWEST_TURNS || typed || most === 1 || end === at + 1) return 1;
  for (let inside = at + 1; inside < end; inside++) if (op[inside] === OP.loop || mayTakeLong(op[inside]!)) return 1;
  const bound = mostTurnsOf(body, at);
  if (bound <= most && bound * (end - at) <= UNPOLLED_INSTRUCTIONS) return 0;
  return Math.min(turns, most);
}

/** How many copies of a strip-mined body share one step of the counter: each stands for a turn. */
export function bodyCopies(body: Body, at: number): number {
  const copies = Math.floor(COPIED_INSTRUCTIONS / (body.match[at]! - at));
  return Math.min(Math.max(1, copies), MOST_COPIES);
}

/** Whether an instruction may run for more than some nanoseconds. */
export function mayTakeLong(code: number): boolean {
  switch (code) {
    case OP.call:
    case OP.callIndirect:
    case OP.callRef:
    case OP.returnCall:
    case OP.returnCallIndirect:
    case OP.returnCallRef:
    case OP.memoryGrow:
    case OP.memoryInit:
    case OP.memoryCopy:
    case OP.memoryFill:
    case OP.tableInit:
    case OP.tableCopy:
    case OP.tableGrow:
    case OP.tableFill:
    case OP.wait32:
    case OP.wait64:
      return true;
    default:
      return false;
  }
}
