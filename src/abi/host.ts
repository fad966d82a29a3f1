// What a host function sees and how it takes part in a freeze. Implemented by engine/, used by wasi/ and by embedders.

import type { PlainData } from "./state.ts";

/** A value at the JavaScript boundary: i32, f32, f64 as number, i64 as bigint, references as they are. */
export type HostValue = number | bigint | object | null | undefined;

/** Why a blocked wait came back. */
export type WaitOutcome = "woken" | "timed-out" | "freeze";

/** A range of a component's bytes cannot be reached: by its page table ("fault"), or because it leaves memory 0. */
export interface ByteFault {
  readonly kind: "fault" | "bounds";
  readonly type: "read" | "write";
  /** The first byte that cannot be accessed. */
  readonly address: number;
}

/** A component's bytes as its own loads and stores reach them. */
export interface GuestRanges {
  /**
   * The bytes of a range where they lie, in order: views, valid until the guest runs or a mapping changes. They may be
   * written only if `write` was asked for.
   */
  pieces(address: number, length: number, write: boolean): readonly Uint8Array[] | ByteFault;
  /**
   * Makes sure that a range can be reached, to be asked before the call has any effect: pages that are missing are asked
   * for; while they are missing a restartable call is frozen here, with the progress it had, and issued again.
   *
   * @returns false if the range cannot be reached: errno "fault" to most
   */
  reach(address: number, length: number, write: boolean): boolean;
}

/** What a running host function may ask of the thread that called it. Valid during the call only. */
export interface HostCall {
  /** The bytes of the calling instance's memory 0; take it anew after anything that may grow the memory. */
  readonly memory: Uint8Array;
  /** Of a program with windows: pointers lead there. Without, `memory` is all there is. */
  readonly guest?: GuestRanges | undefined;
  /** What this call noted with `freeze` before it was frozen; undefined when it is issued for the first time. */
  readonly progress: PlainData | undefined;
  /**
   * Blocks the calling thread until somebody calls `wake` on its machine, the time is over or a freeze is asked for.
   * Where threads share an event loop ("freeze" then comes at once) the call is issued again at a wake or in time.
   * Only in functions declared "restartable". After "freeze" the function must call `freeze` (or return at once
   * what it has got); waiting again returns "freeze" again.
   *
   * @param timeoutNs nanoseconds on the monotonic clock; undefined waits for ever
   */
  wait(timeoutNs: bigint | undefined): WaitOutcome;
  /**
   * Gives way to the freeze: the call ends here and is issued again with the same arguments after the thaw.
   * Everything the call has done so far must be undone or described by `progress`.
   */
  freeze(progress?: PlainData): never;
  /** What the call has done so far has taken effect: issued again, it goes on with this progress. For whoever stands in front. */
  note?(progress?: PlainData): void;
  /** Ends the program: the thread unwinds and the component ends with `code`. */
  exit(code: number): never;
}

/**
 * A host function and what a freeze means for it.
 *
 * - "instant": returns soon; a freeze waits for it. It may call back into the guest, then a freeze waits until the
 *   callback has returned.
 * - "restartable": may block, through `call.wait` only; a freeze ends it and the thaw issues it again.
 */
export interface HostFunction {
  readonly freeze: "instant" | "restartable";
  readonly call: (call: HostCall, ...args: HostValue[]) => HostValue | readonly HostValue[];
  /**
   * Tried first as long as nobody asks for a freeze, with up to three arguments: its result, or undefined to go on with
   * `call`. It sees no HostCall, does not block and does not call the guest back.
   */
  readonly fast?: (x: never, y: never, z: never) => HostValue;
}

/** Host functions by import module and name. */
export type HostImports = Readonly<Record<string, Readonly<Record<string, HostFunction>>>>;
