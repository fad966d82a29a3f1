// Output that is held until the next checkpoint is safe (`--hold-output`), so that no restore writes a byte twice.
//
//   write -> held --capture--> held, safe with that checkpoint --release--> written
//
// I1  What is held at a capture is part of that state. `release` writes out just this, once its checkpoint is complete.
// I2  A session created from a state begins with the held output of that state, which may be released at once, or with
//     none when the run before is known to have released it.
// A run that dies inside `release` leaves the one case that nobody can decide: part of the output was written.

import type { Errno, SessionState, TerminalSession } from "../session/index.ts";
import { type Attempt, refusal, success } from "../util/index.ts";
import { InputBuffer, readTerminalState } from "./terminal-state.ts";

/** More output than this between two checkpoints is refused with "nospc". */
const HELD_LIMIT_BYTES = 256 << 20;

export interface HeldOutput extends TerminalSession {
  readonly heldBytes: number;
  /**
   * Writes out what was held at the last capture.
   *
   * @returns after a refusal the rest is still held; "again" when the other side took nothing for now
   */
  release(): Attempt<void, Errno>;
  /** Writes out everything: the program has ended. Refusals as of `release`. */
  finish(): Attempt<void, Errno>;
}

export interface HeldOutputOptions {
  readonly state?: SessionState;
  /** The output in `state` was released by the run that was captured. */
  readonly released?: boolean;
  readonly limitBytes?: number;
  /** Hold nothing but what comes from `state`: that goes out first, and everything else straight behind it. */
  readonly passing?: boolean;
}

/** Holds what is written to `terminal`. */
export function holdOutput(terminal: TerminalSession, options: HeldOutputOptions = {}): HeldOutput {
  const limitBytes = options.limitBytes ?? HELD_LIMIT_BYTES;
  const held = new InputBuffer();
  if (!options.released) held.push(readTerminalState(options.state).held);
  let safeBytes = held.length;

  const writeOut = (bytes: number): Attempt<void, Errno> => {
    for (let left = bytes; left > 0; ) {
      const written = terminal.write(held.first(left));
      if (!written.ok) return written;
      held.drop(written.value);
      safeBytes = Math.max(0, safeBytes - written.value);
      left -= written.value;
    }
    return success(undefined);
  };
  return {
    get kind() {
      return terminal.kind;
    },
    get heldBytes() {
      return held.length;
    },
    size: () => terminal.size(),
    read: (target) => terminal.read(target),
    write: (source) => {
      if (options.passing) {
        const behind = writeOut(held.length);
        return behind.ok ? terminal.write(source) : behind;
      }
      if (held.length + source.length > limitBytes) return refusal("nospc");
      held.push(source);
      return success(source.length);
    },
    readiness: () => (options.passing ? terminal.readiness() : { ...terminal.readiness(), writable: true }),
    capture: () => {
      safeBytes = held.length;
      return { held: held.copy() };
    },
    release: () => writeOut(safeBytes),
    finish: () => writeOut(held.length),
  };
}
