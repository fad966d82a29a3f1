// The scopes that RTCR measures, by the names and colours of the thesis (6.1 and appendix C). Off unless a recorder was
// started (profile/scopes.ts): then each is one comparison.
//
//   red     Checkpoint, and the functions in it         green   Pause, Resume
//   violet  Dataspace Allocation (PD.alloc without restore information)
//   blue    Dataspace Allocation and Restore (with the match of strategy A), Memcpy, Thread Restore with Program Data and
//           Stack Repair with its two look-ups
import { beginScope, endScope, inScope } from "../profile/index.ts";
import type { Dataspace } from "../session/index.ts";

/** One allocation of a child. @returns what `endScope` is given */
export function beginAllocation(restoring: boolean): number {
  return restoring
    ? beginScope("Dataspace Allocation and Restore", "blue")
    : beginScope("Dataspace Allocation", "violet");
}

/** Copies recorded bytes into a dataspace, from `at` on. @returns how many were written */
export function restoreBytes(dataspace: Dataspace, at: number, content: Uint8Array): number {
  const scope = beginScope("Memcpy", "blue");
  const { buffer, byteOffset, length } = content;
  const whole = (at | byteOffset | length) % 4 === 0;
  const words = whole
    ? dataspace.writeWords?.(at, new Int32Array(buffer, byteOffset, length / 4), 0, length / 4)
    : undefined;
  const written = words ?? dataspace.write(at, content);
  endScope(scope);
  return written;
}

/** Measures a function of the checkpoint. */
export function inCheckpoint<T>(name: string, body: () => T): T {
  return inScope(name, "red", body);
}
