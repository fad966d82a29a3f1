// The state of an init as plain data: what a checkpoint has of it, and what a restored one goes on from. The configuration is
// in it as text, so that everything which follows from that is not. Capabilities are slots, sessions their places in one list.
import type { SessionState } from "../session/index.ts";
import type { SavedConfiguration } from "./configuration.ts";
import type { SavedFamily } from "./family.ts";
import type { SavedHandlers } from "./handlers.ts";
import type { SavedOwn } from "./own-sessions.ts";
import type { SavedReporter } from "./report/reporter.ts";
import type { SavedCpuPool } from "./resources/amounts.ts";
import type { SavedSession } from "./sessions/saved-sessions.ts";
import type { SavedParentServer } from "./sessions/servers.ts";
import type { SavedTimeouts } from "./timeouts.ts";
import type { SavedUpward } from "./upward.ts";
import type { Work } from "./work.ts";

/** Another one is refused: what an older init had may not be all that a newer one needs. */
export const INIT_STATE_VERSION = 1;

export interface InitState extends SavedConfiguration {
  readonly version: number;
  readonly handlers: SavedHandlers;
  readonly work: readonly Work[];
  readonly warnings: readonly (readonly [message: string, times: number])[];
  readonly timerAsked: boolean;
  readonly cpuPool: SavedCpuPool;
  readonly sessions: readonly SavedSession[];
  readonly own: SavedOwn;
  readonly parent: SavedParentServer;
  readonly family: SavedFamily;
  readonly timeouts: SavedTimeouts;
  readonly reporter: SavedReporter;
  readonly upward: SavedUpward;
  /** Of the program around this init; absent: it has none. */
  readonly program?: SessionState | undefined;
}

/** @throws TypeError if it is another version's; what else does not fit shows when it is taken up */
export function readInitState(state: SessionState): InitState {
  const { version } = (state ?? {}) as Partial<InitState>;
  if (version === INIT_STATE_VERSION) return state as unknown as InitState;
  throw new TypeError(`the state of an init: expected version ${INIT_STATE_VERSION}, found ${version}`);
}
