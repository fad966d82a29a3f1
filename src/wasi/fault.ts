// How a WASI call ends early inside this layer: an ErrnoFault, turned into the call's result by function.ts.
//
// Programs look for files that are not there thousands of times a second, so each errno has one fault, made once.

import { ERRNO, type Errno } from "../session/index.ts";
import { type Attempt, Fault } from "../util/index.ts";

/** The call is refused with `code`. Never leaves wasi/. */
export class ErrnoFault extends Fault<Errno> {}

/** A captured state could not be used: it is damaged, or what it needs was not given, or there is no room for it. */
export class WasiStateFault extends Fault<"malformed" | "missing-session" | "no-room"> {}

const NUMBERS = new Map(ERRNO.map((name, number) => [name, number] as const));
const FAULTS = new Map(
  ERRNO.filter((name) => name !== "success").map((name) => [name, new ErrnoFault(name, `errno ${name}`)] as const),
);

/** The number of an errno in preview1; "success" is 0. */
export function errnoNumber(name: Errno | "success"): number {
  return NUMBERS.get(name)!;
}

/** Ends the call with an errno. */
export function fail(errno: Errno): never {
  throw FAULTS.get(errno)!;
}

/** The value of an attempt; a refusal ends the call. */
export function unwrap<T>(attempt: Attempt<T, Errno>): T {
  return attempt.ok ? attempt.value : fail(attempt.reason);
}
