// Clock session (the thesis's Timer): time as a program sees it. The contract only. Waiting is `HostCall.wait`'s.

import type { Attempt } from "../util/index.ts";
import type { Stateful } from "./state.ts";

export interface ClockSession extends Stateful {
  /** Nanoseconds that passed for the program: never runs back, and continues without a jump over a restore. */
  monotonicNs(): bigint;
  /** Nanoseconds since 1970-01-01T00:00Z, as everybody else sees them: jumps over a restore. */
  realtimeNs(): bigint;
  /** Nanoseconds of processor time that the program took, over all its lives. */
  cpuTimeNs(): Attempt<bigint, "notsup">;
  /** The smallest step of both clocks in nanoseconds, at least 1. */
  readonly resolutionNs: { readonly monotonic: bigint; readonly realtime: bigint };
  /** Called when a wait of `ns` nanoseconds has run out; clocks that make up their time move on by it. */
  waited?(ns: bigint): void;
}
