// Loops: which heads poll.

import { type Body, OP } from "../wasm/index.ts";

/** Whether the head of the loop at `at` polls. */
export function loopPolls(body: Body, at: number): boolean {
  return body.op[at] === OP.loop;
}
