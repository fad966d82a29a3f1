// What terminals carry over a checkpoint, and the buffer they keep it in.

import type { SessionState } from "../session/index.ts";
import { Fault, StateReader } from "../util/index.ts";

/** A captured terminal could not be read back. */
export class TerminalFault extends Fault<"malformed"> {}

export interface TerminalState {
  /** Received, not yet read. */
  readonly input: Uint8Array;
  /** Bytes that the program has read in all its lives. */
  readonly consumedBytes: number;
  /** Accepted, not yet released. */
  readonly held: Uint8Array;
  /** Where it was captured, of input that several read, and what had arrived there until then (terminal-shared.ts). */
  readonly place: string | undefined;
  readonly arrivedBytes: number;
}

const NONE = new Uint8Array(0);

/** A captured state, or that of a fresh terminal; fields that are absent are empty. @throws TerminalFault "malformed" */
export function readTerminalState(state: SessionState | undefined): TerminalState {
  const reader = new StateReader(state ?? {}, "terminal", (message) => new TerminalFault("malformed", message));
  reader.only("input", "consumedBytes", "held", "place", "arrivedBytes");
  const bytes = (name: string) => (reader.field(name).absent ? NONE : reader.field(name).bytes());
  const count = (name: string) => (reader.field(name).absent ? 0 : reader.field(name).count());
  const place = reader.field("place").absent ? undefined : reader.field("place").text();
  const [consumedBytes, arrivedBytes] = [count("consumedBytes"), count("arrivedBytes")];
  return { input: bytes("input"), consumedBytes, held: bytes("held"), place, arrivedBytes };
}

/** Bytes in the order they came, kept as the chunks they came in. */
export class InputBuffer {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds a chunk, which belongs to the buffer from now on. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** Moves the first bytes to `target`; their number, 0 when empty. */
  take(target: Uint8Array): number {
    const taken = this.peek(target);
    let left = taken;
    while (left > 0) {
      const chunk = this.#chunks[0]!;
      if (chunk.length <= left) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(left);
      left -= Math.min(left, chunk.length);
    }
    this.#length -= taken;
    return taken;
  }

  /** Copies the first bytes to `target` and keeps them; their number. */
  peek(target: Uint8Array): number {
    let copied = 0;
    for (const chunk of this.#chunks) {
      const fitting = chunk.subarray(0, target.length - copied);
      target.set(fitting, copied);
      copied += fitting.length;
      if (copied === target.length) break;
    }
    return copied;
  }

  /** All bytes in one piece. */
  copy(): Uint8Array {
    const all = new Uint8Array(this.#length);
    this.peek(all);
    return all;
  }
}
