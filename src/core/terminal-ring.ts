// Input that another thread receives and hands over through a ring: the program's side. It never blocks, and what was
// received but not read when the program is captured belongs to its state.

import type { SessionState, TerminalKind, TerminalSession, TerminalSize } from "../session/index.ts";
import { refusal, success } from "../util/index.ts";
import type { ByteRing } from "./ring.ts";
import { InputBuffer, readTerminalState } from "./terminal-state.ts";

export interface RingInputOptions {
  readonly kind: TerminalKind;
  readonly size?: TerminalSize;
  /** A captured state: its unread input comes before that of the ring. */
  readonly state?: SessionState;
}

/**
 * Standard input from `ring`, whose other end is filled by whoever owns the host's stream (terminal-pump-node.ts).
 *
 * `capture` moves what the ring holds into the session, so a second session over the same ring, created from that
 * state, reads every byte exactly once.
 */
export function createRingInput(ring: ByteRing, options: RingInputOptions): TerminalSession {
  const { kind, size, state } = options;
  const captured = readTerminalState(state);
  const kept = new InputBuffer();
  kept.push(captured.input);
  return {
    kind,
    size: () => size,
    read: (target) => {
      if (target.length === 0) return success(0);
      // Asked before the bytes are looked for: whatever was written before the end is seen after it.
      const ended = ring.ended;
      const bytes = kept.length > 0 ? kept.take(target) : ring.read(target);
      if (bytes > 0 || ended) return success(bytes);
      ring.want();
      return refusal("again");
    },
    write: () => refusal("badf"),
    readiness: () => {
      const hangup = ring.ended;
      const readableBytes = kept.length + ring.length;
      if (readableBytes === 0 && !hangup) ring.want();
      return { readable: readableBytes > 0 || hangup, readableBytes, writable: true, hangup };
    },
    capture: () => {
      const received = new Uint8Array(ring.length);
      ring.read(received);
      kept.push(received);
      return { input: kept.copy() };
    },
  };
}
