// What every group of functions works on.

import type { ProgramArguments, ProgramSessions } from "../session/index.ts";
import type { Descriptors } from "./descriptors.ts";

export interface WasiContext {
  readonly sessions: ProgramSessions;
  readonly descriptors: Descriptors;
  /** Those of the program's first life: a restore brings them back. */
  program: ProgramArguments;
}
