// This process's own standard input, read whole by a thread that may wait.

import { readSync } from "node:fs";

const CHUNK_BYTES = 65_536;
/** A descriptor that does not block answers at once that there is nothing yet: look again after this time. */
const RETRY_MS = 10;

/** Reads a descriptor to its end; waits for it. A descriptor that cannot be read counts as one at its end. */
export function readInput(fd: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    try {
      const bytes = readSync(fd, chunk);
      if (bytes === 0) break;
      chunks.push(chunk.subarray(0, bytes));
    } catch (thrown) {
      if ((thrown as { readonly code?: string }).code !== "EAGAIN") break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
  return new Uint8Array(Buffer.concat(chunks));
}
