// Values that a bench cannot do without.
import type { Attempt } from "../src/util/index.ts";

/** @throws Error with the reason */
export function gotten<T>(attempt: Attempt<T, string>): T {
  if (!attempt.ok) throw new Error(`refused: ${attempt.reason}`);
  return attempt.value;
}

/** @throws Error if it is not there */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("expected a value, found none");
  return value;
}
