// A green thread: what was called, and how far it is.
//
//   ready --run--> running --freeze--> frozen --run--> running --> returned | exited | trapped | threw
//
// A frozen thread is resident while its records lie in the control memory, where the next run finds them at once; it
// is moved out as it is when another thread wants to run.

import type { SavedFrame, SavedHostCall } from "../abi/index.ts";
import type { ThreadFault } from "./hooks.ts";
import type { Parked } from "./host-calls.ts";
import type { RawRecords } from "./records.ts";

/** How a thread ended. `error` is what the engine threw. */
export type Ending =
  | { readonly kind: "returned"; readonly results: readonly unknown[] }
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "trapped"; readonly error: Error }
  | { readonly kind: "exhausted"; readonly error: Error }
  | { readonly kind: "threw"; readonly error: unknown };

export type ThreadState = "ready" | "running" | "frozen" | "ended";

export interface Entry {
  readonly instance: number;
  readonly function: number;
  readonly name: string;
}

export class Thread {
  readonly id: number;
  readonly entry: Entry;
  readonly args: readonly unknown[];
  state: ThreadState = "ready";
  /** Frames of a restored thread that has not been resident yet, outermost first. */
  frames: readonly SavedFrame[] | undefined;
  /** Records of a frozen thread that was resident and had to make room for another. */
  moved: RawRecords | undefined;
  /** Whether FramesPolicy was asked, or may have been before it was restored, and is to be told when it goes on. */
  asked = false;
  hostCall: SavedHostCall | undefined;
  /** The arguments of `hostCall` as JavaScript values. */
  hostArgs: readonly unknown[] = [];
  /** Set when the thread gave way because its host call would have blocked. */
  parked: Parked | undefined;
  /** Set when the thread froze at an operation on memory that cannot be done now. */
  fault: ThreadFault | undefined;
  ending: Ending | undefined;

  constructor(id: number, entry: Entry, args: readonly unknown[]) {
    this.id = id;
    this.entry = entry;
    this.args = args;
  }
}

/** Whether an engine threw this because the call stack was full: V8 a RangeError, SpiderMonkey an InternalError. */
export function stackExhausted(thrown: unknown): thrown is Error {
  if (!(thrown instanceof Error)) return false;
  return (thrown instanceof RangeError && /call stack/i.test(thrown.message)) || thrown.name === "InternalError";
}
