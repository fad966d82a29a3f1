// Numbers and record layouts of preview1, as its witx files give them.

import type { NodeKind, NodeStatus } from "../session/index.ts";
import { fail } from "./fault.ts";
import type { GuestMemory } from "./memory.ts";

export const FILETYPE: Readonly<Record<NodeKind | "stream", number>> = {
  unknown: 0,
  "block-device": 1,
  "character-device": 2,
  directory: 3,
  "regular-file": 4,
  socket: 6,
  stream: 6,
  "symbolic-link": 7,
};

export const FDFLAG = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;
export const FDFLAGS_ALL = 31;

export const OFLAG = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
export const OFLAGS_ALL = 15;

const LOOKUP_FOLLOW = 1;
const FSTFLAG = { accessed: 1, accessedNow: 2, modified: 4, modifiedNow: 8 } as const;
const FSTFLAGS_ALL = 15;

export const CLOCK = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;

export const SIZE = { filestat: 64, fdstat: 24, prestat: 8, dirent: 24, subscription: 48, event: 32 } as const;

/** Whether lookup flags ask to follow a link in the last component; unknown bits are "inval". */
export function followsLinks(lookupFlags: number): boolean {
  if (lookupFlags & ~LOOKUP_FOLLOW) fail("inval");
  return lookupFlags === LOOKUP_FOLLOW;
}

/** The bits, or "inval" when there are others than `all`. */
export function requireFlags(flags: number, all: number): number {
  return flags & ~all ? fail("inval") : flags;
}

/** The times that fstflags ask for; undefined ones stay. Setting one to a value and to now at once is "inval". */
export function timesToSet(
  flags: number,
  values: { readonly accessedNs: bigint; readonly modifiedNs: bigint; readonly nowNs: () => bigint },
): { readonly accessedNs: bigint | undefined; readonly modifiedNs: bigint | undefined } {
  requireFlags(flags, FSTFLAGS_ALL);
  const pick = (given: number, now: number, value: bigint) => {
    if (flags & given && flags & now) fail("inval");
    if (flags & now) return values.nowNs();
    return flags & given ? value : undefined;
  };
  return {
    accessedNs: pick(FSTFLAG.accessed, FSTFLAG.accessedNow, values.accessedNs),
    modifiedNs: pick(FSTFLAG.modified, FSTFLAG.modifiedNow, values.modifiedNs),
  };
}

/** Writes a filestat of 64 bytes. */
export function writeFilestat(memory: GuestMemory, pointer: number, status: NodeStatus): void {
  memory.zero(pointer, SIZE.filestat);
  memory.setU64(pointer, status.device);
  memory.setU64(pointer + 8, status.inode);
  memory.setU8(pointer + 16, FILETYPE[status.kind]);
  memory.setU64(pointer + 24, status.links);
  memory.setU64(pointer + 32, status.sizeBytes);
  memory.setU64(pointer + 40, status.accessedNs);
  memory.setU64(pointer + 48, status.modifiedNs);
  memory.setU64(pointer + 56, status.changedNs);
}
