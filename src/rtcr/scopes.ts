// The scopes that RTCR measures, by the names and colours of the thesis (6.1 and appendix C). Off unless a recorder was
// started (profile/scopes.ts): then each is one comparison.
//
//   red     Checkpoint, and the functions in it         green   Pause, Resume
//   violet  Dataspace Allocation (PD.alloc without restore information)
//   blue    Dataspace Allocation and Restore (with the match of strategy A), Memcpy, Thread Restore with Program Data and
//           Stack Repair with its two look-ups
import type { RecordedBytes } from "../checkpoint/index.ts";
import { beginScope, endScope, inScope } from "../profile/index.ts";
import type { Dataspace } from "../session/index.ts";

/** One allocation of a child. @returns what `endScope` is given */
export function beginAllocation(restoring: boolean): number {
  return restoring
    ? beginScope("Dataspace Allocation and Restore", "blue")
    : beginScope("Dataspace Allocation", "violet");
}

/** Copies recorded bytes into a dataspace, from `at` on. @returns how many were written */
export function restoreBytes(dataspace: Dataspace | undefined, at: number, content: RecordedBytes): number {
  const scope = beginScope("Memcpy", "blue");
  const written = dataspace ? writeBytes(dataspace, at, content) : 0;
  endScope(scope);
  return written;
}

const ZEROS = new Uint8Array(65_536);

function writeBytes(dataspace: Dataspace, at: number, content: RecordedBytes): number {
  if (content instanceof Uint8Array) return dataspace.write(at, content);
  let written = 0;
  content.pieces({
    bytes: (offset, source, from, length) => {
      written += dataspace.write(at + offset, source.subarray(from, from + length));
    },
    zeros: (offset, length) => {
      for (let done = 0; done < length; done += ZEROS.length) {
        written += dataspace.write(at + offset + done, ZEROS.subarray(0, length - done));
      }
    },
  });
  return written;
}

/** Measures a function of the checkpoint. */
export function inCheckpoint<T>(name: string, body: () => T): T {
  return inScope(name, "red", body);
}
