// From Node's status to that of the session.

import type { BigIntStats } from "node:fs";
import type { NodeKind, NodeStatus } from "../../session/index.ts";

/** What kind of node a status describes; WASI has no name for a FIFO. */
export function toKind(stats: BigIntStats): NodeKind {
  if (stats.isFile()) return "regular-file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symbolic-link";
  if (stats.isCharacterDevice()) return "character-device";
  if (stats.isBlockDevice()) return "block-device";
  return stats.isSocket() ? "socket" : "unknown";
}

export function toStatus(stats: BigIntStats): NodeStatus {
  return {
    kind: toKind(stats),
    device: BigInt.asUintN(64, stats.dev),
    inode: BigInt.asUintN(64, stats.ino),
    links: stats.nlink,
    sizeBytes: stats.size,
    accessedNs: stats.atimeNs,
    modifiedNs: stats.mtimeNs,
    changedNs: stats.ctimeNs,
  };
}
