// Streams of bytes that may have to wait: what terminals and sockets have in common. The contract only.
//
// No call blocks. A call that would have to wait is refused with "again"; the client then waits by its own means
// (`HostCall.wait`). Whoever makes a stream ready wakes that wait; streams that nobody can watch say in `retryNs`
// when to ask again.

import type { Attempt } from "../util/index.ts";
import type { Errno } from "./errno.ts";

/** What a stream could do at this moment without waiting. */
export interface Readiness {
  /** A read would not be refused with "again": there are bytes, or the end, or an error to report. */
  readonly readable: boolean;
  /** Bytes that a read would give now; 0 when unknown or at the end. */
  readonly readableBytes: number;
  /** A write would not be refused with "again". */
  readonly writable: boolean;
  /** The other side is gone: reads end, writes fail. */
  readonly hangup: boolean;
  /** Present when nobody wakes a waiter of this stream: ask again after so many nanoseconds. */
  readonly retryNs?: bigint;
}

export interface ByteStream {
  /**
   * Reads what is there into `target` (which may lie in shared memory).
   *
   * @returns the number of bytes, at least 1; 0 at the end of the input or for an empty target
   */
  read(target: Uint8Array): Attempt<number, Errno>;
  /**
   * Writes as much of `source` (which may lie in shared memory) as fits now.
   *
   * @returns the number of bytes taken, at least 1 unless `source` is empty; "pipe" when nobody will ever read
   */
  write(source: Uint8Array): Attempt<number, Errno>;
  readiness(): Readiness;
}
