// What the rewriter has to know of WASI preview1: in which of its functions a thread may be frozen.
// Not here: what they do, and the declarations that a test compares with this list (wasi/).

/** The import module of preview1. */
export const PREVIEW1_MODULE = "wasi_snapshot_preview1";

/** Functions that may wait; all others return soon. */
const WAITING: ReadonlySet<string> = new Set([
  ...["fd_read", "fd_write", "fd_pread", "fd_pwrite", "poll_oneoff", "sched_yield", "random_get"],
  ...["sock_accept", "sock_recv", "sock_send"],
]);

/** What a freeze means for a function of preview1. */
export function preview1Kind(name: string): "instant" | "restartable" {
  return WAITING.has(name) ? "restartable" : "instant";
}
