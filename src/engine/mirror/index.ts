// Redundant memory: slots, snapshots, flattening.
export { LEAST_SLOTS, Mirror, MOST_SLOTS } from "./mirror.ts";
export { type Slot, Snapshot } from "./snapshot.ts";
