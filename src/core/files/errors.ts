// From errors in the manner of Node's fs, thrown with a code, to errno names of the session.

import { ERRNO, type Errno } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";

const KNOWN: ReadonlySet<string> = new Set(ERRNO);

/** Codes whose names are not those of WASI in capitals. */
const OTHER_CODES: Readonly<Record<string, Errno>> = {
  EWOULDBLOCK: "again",
  EOPNOTSUPP: "notsup",
  EDEADLOCK: "deadlk",
  ESHUTDOWN: "pipe",
  /** What Node calls a number that it does not know. */
  UNKNOWN: "io",
  EFTYPE: "inval",
  ECHARSET: "ilseq",
  ERR_INVALID_ARG_VALUE: "inval",
  ERR_OUT_OF_RANGE: "inval",
  ERR_FS_FILE_TOO_LARGE: "fbig",
};

/** The errno name of a system error; "io" for one that WASI has no name for. Anything else is thrown on. */
export function toErrno(thrown: unknown): Errno {
  const code = (thrown as { code?: unknown } | null)?.code;
  if (typeof code !== "string") throw thrown;
  const other = OTHER_CODES[code];
  if (other !== undefined) return other;
  if (!/^E[A-Z0-9]+$/.test(code)) throw thrown;
  const name = code.slice(1).toLowerCase();
  return KNOWN.has(name) ? (name as Errno) : "io";
}

/** The result of `run`, or the errno name of the system error that it has thrown. */
export function attempt<T>(run: () => T): Attempt<T, Errno> {
  try {
    return success(run());
  } catch (thrown) {
    return refusal(toErrno(thrown));
  }
}
