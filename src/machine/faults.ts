// Faults of running programs as a whole.

import { Fault } from "../util/index.ts";

/**
 * - "no-start": the module is no command
 * - "no-thread": a saved state without a thread
 * - "ended": the program has ended, it cannot be frozen any more
 * - "deadline": a freeze was not honoured in time
 * - "wrong-module": the module is not the one that the checkpoint was made of
 * - "not-isolated": a page without shared memory
 */
export class MachineFault extends Fault<
  "no-start" | "no-thread" | "ended" | "deadline" | "wrong-module" | "not-isolated"
> {}
