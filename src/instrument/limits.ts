// Bounds on what is kept of one function while it is planned. Compiled programs stay far below (clang's largest function
// needs a hundredth); without them a body of a few bytes for each item could ask for gigabytes.

import { type Body, WasmFault } from "../wasm/index.ts";

export const PLAN_LIMITS = {
  /** Values of the operand stack at all safe points together. */
  slots: 2 ** 24,
  /** 32-bit words of the sets of live locals: one set a safe point, several an open block. */
  liveWords: 2 ** 26,
} as const;

/** @throws WasmFault "too-large" if `count` is above the bound for `what` in a function */
export function requireBelow(count: number, limit: number, what: string, body: Body): void {
  if (count <= limit) return;
  const expected = `at most ${limit} ${what} in one function; split the function`;
  throw WasmFault.from(WasmFault.expected(body.offset, expected, `${count}`, "too-large"), "code section");
}
