// Input of a place that several clients read, some of which go back to what they were: a system's standard input.
//
//   arrived ........................ read | back .... | fresh ....      `back` is read first
//
// I1  A client that goes on from a captured state reads what was unread then, and behind it what has come since: at the
//     same place that is what came after the capture and nobody has read, elsewhere everything that is there.
// I2  What was read after a capture by a life that is no more has gone with it, unless it was there at the capture.
// I3  Going on from the same capture twice, as clients do that share the input, is going on from it once.

import type { SessionState, TerminalSession } from "../session/index.ts";
import { refusal, success } from "../util/index.ts";
import type { MemoryInput } from "./terminal-memory.ts";
import { InputBuffer, readTerminalState } from "./terminal-state.ts";

export interface SharedInput extends MemoryInput {
  /** A client goes on from a captured state. @throws TerminalFault "malformed" */
  goBack(state: SessionState): void;
}

/** @param kind what the clients see behind it */
export function createSharedInput(kind: TerminalSession["kind"] = "pipe"): SharedInput {
  const place = crypto.randomUUID();
  const fresh = new InputBuffer();
  let back = new InputBuffer();
  let arrivedBytes = 0;
  let ended = false;
  const unread = () => back.length + fresh.length;
  return {
    kind,
    size: () => undefined,
    read: (target) => {
      const first = back.take(target);
      const bytes = first + fresh.take(target.subarray(first));
      return bytes > 0 || target.length === 0 || ended ? success(bytes) : refusal("again");
    },
    write: () => refusal("badf"),
    readiness: () => ({ readable: unread() > 0 || ended, readableBytes: unread(), writable: true, hangup: ended }),
    capture: () => {
      const input = new Uint8Array(unread());
      fresh.peek(input.subarray(back.peek(input)));
      return { input, place, arrivedBytes };
    },
    goBack: (state) => {
      const { input, place: captured, arrivedBytes: before } = readTerminalState(state);
      if (captured === place) {
        fresh.take(new Uint8Array(Math.max(0, fresh.length - Math.max(0, arrivedBytes - before))));
      }
      back = new InputBuffer();
      back.push(input);
    },
    push: (bytes) => {
      arrivedBytes += bytes.length;
      fresh.push(bytes);
    },
    end: () => {
      ended = true;
    },
  };
}
