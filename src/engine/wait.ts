// memory.atomic.wait as rewritten code issues it: waits in slices, so that a request to freeze ends it.

import { CONTROL, WAIT } from "../abi/index.ts";
import type { Control } from "./control.ts";
import type { Instance } from "./instance.ts";

/** Longest time in milliseconds between two looks at the flag: notifications come on the guest's own address. */
const SLICE_MS = 2;

/**
 * @param memory index in the instance; negative: that of its windows' pool
 * @param width bytes; negative: the value in memory is not the expected one
 * @returns an outcome of WAIT, and the nanoseconds that are left if it is "interrupted"
 */
export type AtomicWait = (
  instance: Instance,
  memory: number,
  address: bigint,
  expected: bigint,
  timeout: bigint,
  width: number,
) => [outcome: number, remainingNs: bigint];

/**
 * Waits on `address` of a shared memory.
 *
 * @param parks give way after one slice, so that other threads of this JavaScript thread run
 * @param timeout nanoseconds, negative for ever
 * @param width bytes; negative: the value was seen not to be the expected one; 0: a notification was taken
 * @returns the outcome (WAIT) and the nanoseconds that are left
 */
export function waitOn(
  control: Control,
  parks: boolean,
  memory: WebAssembly.Memory,
  address: bigint,
  expected: bigint,
  timeout: bigint,
  width: number,
): [number, bigint] {
  if (width <= 0) return [width < 0 ? WAIT.notEqual : WAIT.ok, 0n];
  const begin = performance.now();
  const limitMs = timeout < 0n ? Infinity : Number(timeout) / 1e6;
  const index = Number(address) / width;
  for (let slices = 0; ; slices++) {
    const elapsed = performance.now() - begin;
    if (elapsed >= limitMs) return [WAIT.timedOut, 0n];
    if (parks && slices > 0) control.set(CONTROL.flag, 1);
    // Not before the first slice: where the flag stays set and polls decline, notifications would never find a waiter.
    if (slices > 0 && control.get(CONTROL.flag) !== 0) {
      const left = timeout < 0n ? timeout : timeout - BigInt(Math.round(elapsed * 1e6));
      return [WAIT.interrupted, left < 0n && timeout >= 0n ? 0n : left];
    }
    const slice = Math.min(SLICE_MS, limitMs - elapsed);
    const outcome =
      width === 8
        ? Atomics.wait(
            new BigInt64Array(memory.buffer as unknown as SharedArrayBuffer),
            index,
            BigInt.asIntN(64, expected),
            slice,
          )
        : Atomics.wait(
            new Int32Array(memory.buffer as unknown as SharedArrayBuffer),
            index,
            Number(BigInt.asIntN(32, expected)),
            slice,
          );
    if (outcome === "ok") return [WAIT.ok, 0n];
    if (outcome === "not-equal") return [slices === 0 ? WAIT.notEqual : WAIT.ok, 0n];
  }
}
