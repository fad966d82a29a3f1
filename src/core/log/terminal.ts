// A terminal whose output are lines of a LOG session: what programs print that have no terminal of their own.
import type { LogSession, SessionState, TerminalSession } from "../../session/index.ts";
import { joinBytes, refusal, success } from "../../util/index.ts";
import { readTerminalState } from "../terminal-state.ts";
import { logPieces } from "./session.ts";

/** Bytes without a newline that are held back at most. */
const LINE_LIMIT = 4096;
const NEWLINE = 10;
const NOTHING = new Uint8Array(0);

export interface LogTerminal extends TerminalSession {
  /** Writes what is left of an unfinished line. */
  flush(): void;
}

/**
 * @param log looked up for each line; undefined: nobody hears it any more
 * @param state captured: its unfinished line goes on
 */
export function createLogTerminal(log: () => LogSession | undefined, state?: SessionState): LogTerminal {
  let { held } = readTerminalState(state);
  const send = (bytes: Uint8Array) => {
    for (const line of new TextDecoder().decode(bytes).split("\n")) {
      for (const piece of logPieces(`${line.replaceAll("\0", "?")}\n`)) log()?.write(piece);
    }
  };
  const flush = () => {
    if (held.length > 0) send(held);
    held = NOTHING;
  };
  return {
    kind: "pipe",
    size: () => undefined,
    read: () => refusal("badf"),
    write: (source) => {
      const all = joinBytes([held, source]); // a copy: decoders refuse shared memory
      const end = all.lastIndexOf(NEWLINE);
      held = all.subarray(end + 1);
      if (end >= 0) send(all.subarray(0, end));
      if (held.length >= LINE_LIMIT) flush();
      return success(source.length);
    },
    readiness: () => ({ readable: false, readableBytes: 0, writable: true, hangup: false }),
    capture: () => ({ held: held.slice() }),
    writeState: (to) => {
      to.fields();
      to.put("held", held);
      to.end();
    },
    flush,
  };
}
