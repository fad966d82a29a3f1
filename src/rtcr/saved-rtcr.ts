// The state of a supervisor that is itself a child of another one, or below it: its children as it knows them. Their objects
// are those of its own sessions, which whoever checkpoints it records; here is which of its fronts stands before which.
import type { Session, SessionWriter } from "../init/index.ts";
import type { SessionState, SlotWriter } from "../session/index.ts";
import type { SavedTrackedChild, TrackedChild } from "./tracked-child.ts";

/** Another one is refused. */
export const RTCR_STATE_VERSION = 1;

/** Sessions are places in init's list. */
interface SavedKeptChild extends SavedTrackedChild {
  /** False: another of that name has taken its place, and sessions of it still end. */
  readonly current: boolean;
  readonly owns: readonly number[];
}

export interface SavedRtcr {
  readonly version: number;
  readonly children: readonly SavedKeptChild[];
  /** Children that were not started because they had exited before the checkpoint that the supervisor began with. */
  readonly exitsRestored: readonly string[];
  /** The kept checkpoint that it is to go back to; absent: nobody has asked for it. */
  readonly asked?: string | undefined;
}

/** @throws TypeError if it is another version's */
export function readRtcrState(state: SessionState): SavedRtcr {
  const { version } = state as Partial<SavedRtcr>;
  if (version === RTCR_STATE_VERSION) return state as unknown as SavedRtcr;
  throw new TypeError(`the state of a supervisor: expected version ${RTCR_STATE_VERSION}, found ${version}`);
}

/** @param owners whose each session is @param current by name */
export function captureChildren(
  owners: ReadonlyMap<Session, TrackedChild>,
  current: ReadonlyMap<string, TrackedChild>,
  slots: SlotWriter,
  sessions: SessionWriter,
): readonly SavedKeptChild[] {
  return [...new Set([...current.values(), ...owners.values()])].map((child) => ({
    ...child.capture(slots, sessions),
    current: current.get(child.name) === child,
    owns: sessions.places([...owners].flatMap(([session, owner]) => (owner === child ? [session] : []))),
  }));
}
