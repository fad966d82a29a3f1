// Files in memory, over a disk that is given: memfs, see memory-file-system.ts.
export type { Disk, DiskStatus } from "./disk.ts";
export { DEPTH_MAX, FILE_BYTES_MAX } from "./host.ts";
export { type MemoryOptions, MemoryVolume } from "./volume.ts";
