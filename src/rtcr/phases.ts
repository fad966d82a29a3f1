// The phases of a checkpoint and of a restore, in their order. RTCR names each as it begins: to the report of times, and to
// whoever asked (`RtcrOptions.atPhase`).

/**
 * - hold: all threads are about to be held
 * - held: none runs
 * - contents: a dataspace is about to be copied; once for each
 * - records: of a child's sessions; once for each child
 * - release: the children are about to go on; what lives in the event loop is written then (capture.ts, I6)
 * - information: they go on, the information is about to become immutable
 */
export const CHECKPOINT_PHASES = ["hold", "held", "contents", "records", "release", "information"] as const;

/**
 * - create: a child's PD is there; once for each, as bootstrap, match and barrier
 * - bootstrap: its program is about to bootstrap (strategy "bootstrap")
 * - match: the bootstrap has allocated a dataspace, which is matched with a recorded one; once for each
 * - barrier: the bootstrap has ended
 * - objects, relations, bytes, calls, threads: as restore.ts has them, of all children
 * - go-on: everything is there, the threads are about to run
 */
export const RESTORE_PHASES = [
  ...(["create", "bootstrap", "match", "barrier"] as const),
  ...(["objects", "relations", "bytes", "calls", "threads", "go-on"] as const),
] as const;

export type CheckpointPhase = (typeof CHECKPOINT_PHASES)[number];
export type RestorePhase = (typeof RESTORE_PHASES)[number];
export type Phase = CheckpointPhase | RestorePhase;
