// Faults of this layer.

import { Fault } from "../util/index.ts";

/**
 * - "link": an import is missing or does not fit
 * - "unsaveable": a value that cannot be part of a saved state, by name
 * - "mismatch": saved state does not fit the program
 * - "stack-depth": the saved stack is deeper than this engine's stack
 * - "no-memory": a saved memory is larger than this host gives
 * - "busy": the operation is not possible in the machine's present state
 */
export class EngineFault extends Fault<"link" | "unsaveable" | "mismatch" | "stack-depth" | "no-memory" | "busy"> {}
