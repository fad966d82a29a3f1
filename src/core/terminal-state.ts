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

/** An empty buffer that has grown beyond this gives its memory back. */
const KEPT_BYTES = 65_536;

/** Bytes in the order they came, in one piece however many there were at a time. */
export class InputBuffer {
  #bytes = NONE;
  /** What is there lies from here to `#end`. */
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds a copy of bytes. */
  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Moves the first bytes to `target`; their number, 0 when empty. */
  take(target: Uint8Array): number {
    const taken = this.peek(target);
    this.drop(taken);
    return taken;
  }

  /** Copies the first bytes to `target` and keeps them; their number. */
  peek(target: Uint8Array): number {
    const fitting = this.first(target.length);
    target.set(fitting);
    return fitting.length;
  }

  /** At most so many of the first bytes: a view, valid until the next call. */
  first(bytes: number): Uint8Array {
    return this.#bytes.subarray(this.#start, Math.min(this.#start + bytes, this.#end));
  }

  /** Forgets the first bytes; there are as many. */
  drop(bytes: number): void {
    this.#start += bytes;
    if (this.#start < this.#end) return;
    this.#start = this.#end = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = NONE;
  }

  /** All bytes in one piece. */
  copy(): Uint8Array {
    return this.first(this.length).slice();
  }

  /** Moves what is there only if as much has gone before it, so that each byte is moved a few times at most. */
  #makeRoom(bytes: number): void {
    const there = this.#bytes.subarray(this.#start, this.#end);
    const needed = there.length + bytes;
    const enough = needed <= this.#bytes.length && this.#start >= there.length;
    if (!enough) this.#bytes = new Uint8Array(Math.max(2 * this.#bytes.length, needed));
    this.#bytes.set(there);
    this.#start = 0;
    this.#end = there.length;
  }
}
