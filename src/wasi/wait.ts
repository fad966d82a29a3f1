// Waiting for a stream, the one place that turns "again" into a wait.

import type { PlainData } from "../abi/index.ts";
import type { Errno, Readiness } from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import type { Guest } from "./function.ts";

export interface Waiting {
  /** Asked after every refusal with "again". */
  readonly readiness: () => Readiness;
  /** O_NONBLOCK: the refusal with "again" is the answer. */
  readonly nonblocking: boolean;
  /** What the call has to note when it gives way to a freeze. */
  readonly progress: () => PlainData | undefined;
}

/** Tries until the answer is another than "again"; gives way to a freeze with the progress noted. */
export function untilReady<T>(guest: Guest, waiting: Waiting, attempt: () => Attempt<T, Errno>): Attempt<T, Errno> {
  for (;;) {
    const result = attempt();
    if (result.ok || result.reason !== "again" || waiting.nonblocking) return result;
    const outcome = guest.call.wait(waiting.readiness().retryNs);
    if (outcome === "freeze") guest.call.freeze(waiting.progress());
  }
}

/** Gives way to a freeze that was asked for meanwhile: called between two pieces of a long operation. */
export function honourFreeze(guest: Guest, progress: PlainData): void {
  if (guest.call.wait(0n) === "freeze") guest.call.freeze(progress);
}
