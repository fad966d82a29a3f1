// A terminal whose output are lines of a LOG session: what programs print that have no terminal of their own.
import type { LogSession, TerminalSession } from "../../session/index.ts";
import { refusal, success } from "../../util/index.ts";
import { logPieces } from "./session.ts";

/** Bytes without a newline that are held back at most. */
const LINE_LIMIT = 4096;

export interface LogTerminal extends TerminalSession {
  /** Writes what is left of an unfinished line. */
  flush(): void;
}

/** @param log looked up for each line; undefined: nobody hears it any more */
export function createLogTerminal(log: () => LogSession | undefined): LogTerminal {
  let decoder = new TextDecoder();
  let line = "";
  const send = (text: string) => {
    for (const piece of logPieces(`${text.replaceAll("\0", "?")}\n`)) log()?.write(piece);
  };
  const flush = () => {
    line += decoder.decode();
    decoder = new TextDecoder();
    if (line !== "") send(line);
    line = "";
  };
  return {
    kind: "pipe",
    size: () => undefined,
    read: () => refusal("badf"),
    write: (source) => {
      // A copy, because decoders refuse shared memory.
      const lines = (line + decoder.decode(source.slice(), { stream: true })).split("\n");
      line = lines.pop()!;
      for (const finished of lines) send(finished);
      if (line.length >= LINE_LIMIT) flush();
      return success(source.length);
    },
    readiness: () => ({ readable: false, readableBytes: 0, writable: true, hangup: false }),
    capture: () => ({ held: new TextEncoder().encode(line) }),
    flush,
  };
}
