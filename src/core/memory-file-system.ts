// Files in memory on memfs. Imported by name, not through core/index.ts: memfs is CommonJS and wants five of Node's
// built-ins, so browsers need it bundled, with stand-ins for those; they give its Volume to MemoryVolume themselves.

import { Volume as MemfsVolume } from "memfs";
import type { PlainData } from "../abi/index.ts";
import { type Disk, type MemoryOptions, MemoryVolume } from "./memory-files/index.ts";

/** A volume in memory; with the state of a capture, it holds what was captured. */
export function createMemoryVolume(options: MemoryOptions, state?: PlainData): MemoryVolume {
  return new MemoryVolume(new MemfsVolume() as Disk, options, state);
}
