// A clock that makes its time up: every look at it is one step later than the last. The same program sees the same
// times in every run, however often it is stopped and moved on the way.

import type { ClockSession, SessionState } from "../session/index.ts";
import { success } from "../util/index.ts";
import { clockReader } from "./clock.ts";

/** What one look takes. */
const STEP_NS = 1_000n;
/** Real time begins on 2026-01-01T00:00Z. */
const EPOCH_NS = 1_767_225_600_000_000_000n;

/** A clock that begins at zero, or goes on where `state` was captured. */
export function createCountingClock(state?: SessionState): ClockSession {
  let passedNs = state === undefined ? 0n : clockReader(state).only("passedNs").field("passedNs").big();
  const look = () => (passedNs += STEP_NS);
  return {
    monotonicNs: look,
    realtimeNs: () => EPOCH_NS + look(),
    cpuTimeNs: () => success(look()),
    resolutionNs: { monotonic: STEP_NS, realtime: STEP_NS },
    waited: (ns) => {
      passedNs += ns;
    },
    capture: () => ({ passedNs }),
    writeState: (to) => {
      to.fields();
      to.put("passedNs", passedNs);
      to.end();
    },
  };
}
