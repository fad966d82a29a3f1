// Random session: bytes for seeds and keys. The contract only.

import type { Stateful } from "./state.ts";

export interface RandomSession extends Stateful {
  /** Fills all of `target`, which may lie in shared memory. */
  fill(target: Uint8Array): void;
}
