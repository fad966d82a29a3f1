// Redundant memory: sides with slots, snapshots, flattening.
export { Mirror, type MirrorOptions } from "./mirror.ts";
export { MirrorSide, mirrorRoom, type SideOptions } from "./side.ts";
export { Snapshot } from "./snapshot.ts";
