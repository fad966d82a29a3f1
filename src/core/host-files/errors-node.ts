// From Node's errors and numbers to those of the session: errno names, node kinds, status.

import type { BigIntStats } from "node:fs";
import { ERRNO, type Errno, type NodeKind, type NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";

const KNOWN: ReadonlySet<string> = new Set(ERRNO);

/** Codes whose names are not those of WASI in capitals. */
const OTHER_CODES: Readonly<Record<string, Errno>> = {
  EWOULDBLOCK: "again",
  EOPNOTSUPP: "notsup",
  ENOTSUP: "notsup",
  EDEADLOCK: "deadlk",
  ENODATA: "io",
  EREMOTEIO: "io",
  EFTYPE: "inval",
  ERR_INVALID_ARG_VALUE: "inval",
  ERR_INVALID_ARG_TYPE: "inval",
  ERR_OUT_OF_RANGE: "inval",
  ERR_FS_FILE_TOO_LARGE: "fbig",
};

/** The errno name of something that node:fs has thrown; "io" for what WASI has no name for. */
export function toErrno(thrown: unknown): Errno {
  const code = (thrown as { code?: unknown } | null)?.code;
  if (typeof code !== "string") throw thrown;
  const other = OTHER_CODES[code];
  if (other !== undefined) return other;
  if (code.startsWith("ERR_")) throw thrown;
  const name = code.slice(1).toLowerCase();
  return KNOWN.has(name) ? (name as Errno) : "io";
}

/** The result of `run`, or the errno name of what it has thrown. Anything but a system error is thrown on. */
export function attempt<T>(run: () => T): Attempt<T, Errno> {
  try {
    return success(run());
  } catch (thrown) {
    return refusal(toErrno(thrown));
  }
}

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
