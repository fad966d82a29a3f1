// LOG session (spec 2.8): text of components, a line each, with the label of who wrote it.
import { LOG_LIMIT, type LogSession } from "../../session/index.ts";

/** Takes one finished line, without its newline. */
export type LineSink = (line: string) => void;

const utf8 = new TextEncoder();

export class CoreLog implements LogSession {
  readonly kind = "log";
  readonly #prefix: string;
  readonly #sink: LineSink;

  /** @param label whose text it is; stands before each line in brackets */
  constructor(label: string, sink: LineSink) {
    this.#prefix = `[${label}] `;
    this.#sink = sink;
  }

  write(text: string): number {
    const written = logLength(text);
    if (written === 0) {
      if (text !== "") this.#sink(`${this.#prefix}error: ${problemOf(text)}`);
      return 0;
    }
    for (const line of logLines(text)) this.#sink(this.#prefix + line);
    return written;
  }

  dispose(): void {}
}

/**
 * What a write of `text` returns: its length in bytes of UTF-8, as a guest counts characters; 0 if it is malformed: a NUL
 * inside, or longer than LOG_LIMIT with the terminator that it has in a guest.
 */
export function logLength(text: string): number {
  if (text.length >= LOG_LIMIT || text.includes("\0")) return 0;
  const { length } = utf8.encode(text);
  return length < LOG_LIMIT ? length : 0;
}

/** The lines of a text; a missing final newline is added, empty lines count. */
export function logLines(text: string): readonly string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** Cuts a message of any length into texts that one write takes, never inside a character. */
export function logPieces(message: string): readonly string[] {
  const pieces: string[] = [];
  let piece = "";
  let bytes = 0;
  for (const character of message) {
    const more = utf8.encode(character).length;
    if (bytes + more >= LOG_LIMIT) {
      pieces.push(piece);
      piece = "";
      bytes = 0;
    }
    piece += character;
    bytes += more;
  }
  return piece === "" ? pieces : [...pieces, piece];
}

function problemOf(text: string): string {
  if (text.includes("\0")) return "log text holds a NUL character";
  return `log text of ${utf8.encode(text).length} bytes, at most ${LOG_LIMIT - 1} fit`;
}
