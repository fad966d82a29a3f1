// The standard streams of a Node process, for the worker thread that runs a program. Nothing here waits: a full pipe
// answers "again", and input that may have to be waited for comes through a ring (terminal-ring.ts).

import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import {
  ERRNO,
  type Errno,
  type SessionState,
  type TerminalKind,
  type TerminalSession,
  type TerminalSize,
} from "../session/index.ts";
import { type Attempt, refusal, success } from "../util/index.ts";
import { readTerminalState } from "./terminal-state.ts";

/** Nobody tells when a full pipe has room: look again after this time. */
const FULL_PIPE_RETRY_NS = 2_000_000n;
const SKIP_BYTES = 65_536;

/** What stands behind a descriptor of this process. Devices that are no terminal (`/dev/null`) count as files. */
export function terminalKind(fd: number): TerminalKind {
  if (isatty(fd)) return "terminal";
  const status = fstatSync(fd);
  return status.isFIFO() || status.isSocket() ? "pipe" : "file";
}

export interface NodeOutput extends TerminalSession {
  /** Closes what was opened here; the process's own descriptor stays open. */
  dispose(): void;
}

/**
 * Output to a descriptor of this process. Pipes and terminals are opened a second time without blocking, so that a
 * reader who does not read cannot hold up a freeze; where that is impossible (sockets, other systems than Linux) the
 * main thread calls `makeOutputsNonBlocking` before.
 */
export function createNodeOutput(fd: number, size?: () => TerminalSize | undefined): NodeOutput {
  const kind = terminalKind(fd);
  const own = kind === "file" ? undefined : openNonBlocking(fd);
  let full = false;
  return {
    kind,
    size: () => (kind === "terminal" ? size?.() : undefined),
    read: () => refusal("badf"),
    write: (source) => {
      const result = attempt(() => writeSync(own ?? fd, source));
      full = !result.ok && result.reason === "again";
      return result;
    },
    // Whether a pipe has room cannot be asked without writing: after a refusal one interval is waited.
    readiness: () => {
      const writable = !full;
      full = false;
      return { readable: true, readableBytes: 0, writable, hangup: false, retryNs: FULL_PIPE_RETRY_NS };
    },
    capture: () => ({}),
    dispose: () => {
      if (own !== undefined) closeSync(own);
    },
  };
}

/** Makes the process's standard output and error non-blocking where they are sockets. For the main thread, once. */
export function makeOutputsNonBlocking(): void {
  for (const stream of ["stdout", "stderr"] as const) {
    const fd = stream === "stdout" ? 1 : 2;
    // Node sets the flag when it opens the stream, which happens at the first look at the property.
    if (terminalKind(fd) === "pipe") void process[stream].writable;
  }
}

export interface FileInputOptions {
  readonly state?: SessionState;
  /** The descriptor stands where it stood when the program first began, not where it was captured. */
  readonly rewound?: boolean;
}

/** Input from a file (`< file`), read by the program's own thread: it never has to wait. */
export function createFileInput(fd: number, { state, rewound = false }: FileInputOptions = {}): TerminalSession {
  let { consumedBytes } = readTerminalState(state);
  if (rewound) skip(fd, consumedBytes);
  return {
    kind: "file",
    size: () => undefined,
    read: (target) => {
      const result = attempt(() => readSync(fd, target));
      if (result.ok) consumedBytes += result.value;
      return result;
    },
    write: () => refusal("badf"),
    readiness: () => ({ readable: true, readableBytes: 0, writable: true, hangup: false }),
    capture: () => ({ consumedBytes }),
  };
}

function skip(fd: number, bytes: number): void {
  const buffer = new Uint8Array(SKIP_BYTES);
  for (let left = bytes; left > 0; ) {
    const read = readSync(fd, buffer, 0, Math.min(left, SKIP_BYTES), null);
    if (read === 0) return;
    left -= read;
  }
}

function openNonBlocking(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

function attempt(operation: () => number): Attempt<number, Errno> {
  try {
    return success(operation());
  } catch (thrown) {
    return refusal(errnoOf((thrown as { readonly code?: string }).code));
  }
}

function errnoOf(code = ""): Errno {
  const name = code.slice(1).toLowerCase();
  const known = ERRNO.find((errno) => errno === name);
  return known === undefined || known === "success" ? "io" : known;
}
