// Makes host functions out of typed bodies: arguments decoded, faults turned into errno numbers.

import type { HostCall, HostFunction, HostValue } from "../abi/index.ts";
import { ErrnoFault, errnoNumber, fail } from "./fault.ts";
import { GuestMemory } from "./memory.ts";

/** How an argument is read: the engine gives i32 as signed numbers and i64 as signed bigints. */
interface Kinds {
  u8: number;
  u16: number;
  u32: number;
  u64: bigint;
  s64: bigint;
}

const READ: { readonly [K in keyof Kinds]: (value: HostValue) => Kinds[K] } = {
  u8: (value) => narrow(Number(value) >>> 0, 0xff),
  u16: (value) => narrow(Number(value) >>> 0, 0xffff),
  u32: (value) => Number(value) >>> 0,
  u64: (value) => BigInt.asUintN(64, value as bigint),
  s64: (value) => BigInt.asIntN(64, value as bigint),
};

/** Enumerations and flags have fewer bits than the argument that carries them. */
function narrow(value: number, limit: number): number {
  return value <= limit ? value : fail("inval");
}

type Values<P extends readonly (keyof Kinds)[]> = { [I in keyof P]: Kinds[P[I]] };
/** Returning is "success"; `fail` ends a body with an errno. */
type Body<P extends readonly (keyof Kinds)[]> = (guest: Guest, ...args: Values<P>) => void;

/** What a body works with: the call and the caller's memory. */
export interface Guest {
  readonly call: HostCall;
  readonly memory: GuestMemory;
}

/** A function that never waits. */
export function instant<const P extends readonly (keyof Kinds)[]>(params: P, body: Body<P>): HostFunction {
  return { freeze: "instant", call: wrap(params, body) };
}

/** A function that may wait: a freeze ends it, the thaw issues it again with its progress. */
export function restartable<const P extends readonly (keyof Kinds)[]>(params: P, body: Body<P>): HostFunction {
  return { freeze: "restartable", call: wrap(params, body) };
}

function wrap<const P extends readonly (keyof Kinds)[]>(params: P, body: Body<P>): HostFunction["call"] {
  return (call, ...args) => {
    try {
      const values = params.map((kind, index) => READ[kind](args[index])) as unknown as Values<P>;
      body({ call, memory: new GuestMemory(call) }, ...values);
      return errnoNumber("success");
    } catch (thrown) {
      if (thrown instanceof ErrnoFault) return errnoNumber(thrown.code);
      throw thrown;
    }
  };
}
