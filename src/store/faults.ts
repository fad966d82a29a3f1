// The one fault of this layer, and the errors of file operations as faults.
import { Fault, messageOf } from "../util/index.ts";

/**
 * Something in a store could not be read, written or found. What was published before is as it was.
 *
 * - missing: a page or manifest that must exist is not there
 * - damaged: bytes and name differ, or a field is wrong; truncated: the file ends early
 * - foreign: no rtcr file at all; newer, older: another version than this build reads
 * - not-found, ambiguous: no checkpoint, or several, answer to a reference
 * - name-refused: no run name
 * - incomplete: a manifest was offered before the pages that it reaches
 * - locked: another process holds the store; lock-lost: we were taken for dead and must begin again
 * - no-space: the disk (or quota) is full; io: any other error of the system, in `cause`
 */
export class StoreFault extends Fault<
  | "missing"
  | "damaged"
  | "truncated"
  | "foreign"
  | "newer"
  | "older"
  | "not-found"
  | "ambiguous"
  | "name-refused"
  | "incomplete"
  | "locked"
  | "lock-lost"
  | "no-space"
  | "io"
> {}

/** The system's name of an error (ENOENT ...), undefined for anything else. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** An error of a file operation as a fault; faults and bugs pass as they are. */
export function ioFault(thrown: unknown, doing: string): unknown {
  const errno = errnoOf(thrown);
  if (errno === undefined) return thrown;
  if (errno === "ENOSPC" || errno === "EDQUOT") {
    const message = `store: no space left while ${doing}; nothing was published, free some space (rtcr rm, rtcr gc) and try again`;
    return new StoreFault("no-space", message, { errno, doing }, thrown);
  }
  return new StoreFault("io", `store: ${messageOf(thrown)} while ${doing}`, { errno, doing }, thrown);
}

/** Runs `work`; errors of file operations come out as faults that say what was being done. */
export async function asFault<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw ioFault(thrown, doing);
  }
}
