// Redundant memory: slots, snapshots, flattening.
export { Mirror, mirrorRoom } from "./mirror.ts";
export { type Slot, Snapshot } from "./snapshot.ts";
