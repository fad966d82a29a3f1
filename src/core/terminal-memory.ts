// Terminals without a host: input given as bytes, output handed to a callback. For browsers, embedders and tests.

import type { SessionState, TerminalKind, TerminalSession, TerminalSize } from "../session/index.ts";
import { refusal, success } from "../util/index.ts";
import { InputBuffer, readTerminalState } from "./terminal-state.ts";

export interface MemoryInput extends TerminalSession {
  /** Adds input; the caller wakes the program (`Machine`'s wake) afterwards. */
  push(bytes: Uint8Array): void;
  /** No more input will come. */
  end(): void;
}

export interface MemoryInputOptions {
  /** Input that is there from the beginning. */
  readonly bytes?: Uint8Array;
  /** Fetches the input that is there from the beginning, behind `bytes`, when it is first asked for. */
  readonly load?: () => Uint8Array;
  /** More may come through `push`; without it the input ends after `bytes`. */
  readonly open?: boolean;
  readonly kind?: TerminalKind;
  readonly size?: TerminalSize;
  /** A captured state: what was left unread comes first, `bytes` follow. */
  readonly state?: SessionState;
}

export function createMemoryInput(options: MemoryInputOptions = {}): MemoryInput {
  const { kind = "pipe", state } = options;
  const captured = readTerminalState(state);
  const buffer = new InputBuffer();
  buffer.push(captured.input);
  if (options.bytes) buffer.push(options.bytes);
  let ended = !options.open;
  let { load } = options;
  const loaded = () => {
    if (load) buffer.push(load());
    load = undefined;
  };
  return {
    kind,
    size: () => (kind === "terminal" ? options.size : undefined),
    read: (target) => {
      loaded();
      const bytes = buffer.take(target);
      return bytes > 0 || target.length === 0 || ended ? success(bytes) : refusal("again");
    },
    write: () => refusal("badf"),
    readiness: () => {
      loaded();
      const readableBytes = buffer.length;
      return { readable: readableBytes > 0 || ended, readableBytes, writable: true, hangup: ended };
    },
    capture: () => ({ input: buffer.copy() }),
    writeState: (to) => {
      to.fields();
      to.field("input");
      to.plain(buffer.first(buffer.length));
      to.end();
    },
    push: (bytes) => buffer.push(bytes),
    end: () => {
      ended = true;
    },
  };
}

export interface MemoryOutputOptions {
  readonly kind?: TerminalKind;
  readonly size?: TerminalSize;
}

/** Hands everything written to `sink`, as bytes of its own. */
export function createMemoryOutput(
  sink: (bytes: Uint8Array) => void,
  { kind = "pipe", size }: MemoryOutputOptions = {},
): TerminalSession {
  return {
    kind,
    size: () => (kind === "terminal" ? size : undefined),
    read: () => refusal("badf"),
    write: (source) => {
      sink(source.slice());
      return success(source.length);
    },
    readiness: () => ({ readable: true, readableBytes: 0, writable: true, hangup: false }),
    capture: () => ({}),
    writeState: (to) => {
      to.fields();
      to.end();
    },
  };
}
