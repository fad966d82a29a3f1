// The state of a session as plain data: what a session's `capture` gives and its service takes to create it again.
import type { PlainWriter } from "../util/index.ts";

/** Data that JSON can carry, and bigint and bytes; the same shape as PlainData of abi/, which session/ may not import. */
export type SessionState =
  | null
  | boolean
  | number
  | string
  | bigint
  | Uint8Array
  | readonly SessionState[]
  | { readonly [key: string]: SessionState | undefined };

/** A session whose state can be captured. */
export interface Stateful {
  /** @throws Fault naming what cannot be captured */
  capture(): SessionState;
  /** Writes the same as one plain value, so that nothing need be made in the pause of a checkpoint. Absent: `capture` is asked. */
  writeState?(to: PlainWriter): void;
}

/** @throws Fault as `capture` */
export function writeState(session: Stateful, to: PlainWriter): void {
  if (session.writeState) session.writeState(to);
  else to.plain(session.capture());
}
