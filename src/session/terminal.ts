// Terminal session: one of the standard streams of a program. The contract only.

import type { KernelObject } from "./capability.ts";
import type { SessionState, Stateful } from "./state.ts";
import type { ByteStream } from "./stream.ts";

/** What stands behind a terminal session; programs see it (`isatty`). */
export type TerminalKind = "terminal" | "pipe" | "file";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Standard input answers writes with "badf", standard output and error answer reads with "badf". */
/** Its state: input that was received and not yet read, output that was accepted and not yet released; nothing is removed. */
export interface TerminalSession extends ByteStream, Stateful {
  readonly kind: TerminalKind;
  /** Undefined unless `kind` is "terminal". */
  size(): TerminalSize | undefined;
}

/** What a Terminal capability denotes: the session that a program works with. It has no functions for guests. */
export interface TerminalObject extends KernelObject {
  readonly kind: "terminal";
  readonly session: TerminalSession;
  /**
   * Puts a session in its place that goes on from a captured one: what was unread then is read first.
   *
   * @throws Fault when the state is none of a terminal; the present session stays then
   */
  reopen(state: SessionState): TerminalSession;
}
