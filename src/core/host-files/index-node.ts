// Directories of the host for file system sessions. Imported by name, not through core/index.ts: it needs Node.
export type { Difference, Skipped } from "../journal/index-node.ts";
export { type JournaledOptions, JournaledVolume } from "./journaled-volume-node.ts";
export { type HostDirectory, HostVolume } from "./volume-node.ts";
