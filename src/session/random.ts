// Random session: bytes for seeds and keys. The contract only.

import type { SessionState } from "./state.ts";

export interface RandomSession {
  /** Fills all of `target`, which may lie in shared memory. */
  fill(target: Uint8Array): void;
  /** The generator's state; null for a generator without one. */
  capture(): SessionState;
}
