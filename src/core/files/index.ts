// File systems over volumes: what core's own volumes and the hosts' build on.
export { attempt, toErrno } from "./errors.ts";
export { FilesFault } from "./fault.ts";
export { createFileSystem } from "./file-system.ts";
export { checkHandles, stateReader, volumeStates } from "./handles.ts";
export type * from "./node.ts";
export { openLocation } from "./open-location.ts";
export { TreeRecord } from "./tree-record.ts";
export type * from "./volume.ts";
export { LINKS_MAX, PATH_LENGTH_MAX, Walk } from "./walk.ts";
