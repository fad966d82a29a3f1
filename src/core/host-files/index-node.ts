// Directories of the host for file system sessions. Imported by name, not through core/index.ts: it needs Node.
export { type HostDirectory, HostVolume } from "./volume-node.ts";
