// What windows ask of an address on the stack, and the globals that they ask for it: the limit and the runs.

import { I32, OP } from "../wasm/index.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import type { Plan } from "./plan.ts";
import { RUN, type WindowSpace } from "./space.ts";
import { accessOf } from "./windows-accesses.ts";

/** Accesses for each call from which on the limit is worth a local. */
const ACCESSES_FOR_A_CALL = 2;

/** A run is kept so much short, which spares most checks a subtraction: what its last bytes are asked for is slow. */
const SHORT_BYTES = 8;

/** A check asks for the bytes from a pointer on if they end this near: that is an instruction less. */
const NEAR_BYTES = 256;

export class WindowChecks {
  /** The local that the limit is kept in from one call to the next. */
  readonly limit: number | undefined;
  readonly #emitter: Emitter;
  readonly #space: WindowSpace;

  constructor(emitter: Emitter, space: WindowSpace) {
    this.#emitter = emitter;
    this.#space = space;
    const kept = space.ways.includes("direct") && isKept(emitter.plan);
    this.limit = kept ? emitter.plan.temporary(OWN_SLOT.limit, I32) : undefined;
  }

  /** For the address on the stack: whether the byte `reach` behind it is not known to lie below the limit. */
  missesLimit(reach: number): void {
    const emitter = this.#emitter;
    if (reach > 0) {
      emitter.constant(reach | 0);
      emitter.code.u8(OP.i32Add);
    }
    this.pushLimit();
    emitter.code.u8(OP.i32GeU);
  }

  /** For the address on the stack: whether not all bytes from `low` up to `high` behind it are known to lie in a run. */
  missesRun(run: number, low: number, high: number): void {
    const { code } = this.#emitter;
    const first = low < 0 || high > NEAR_BYTES ? low : 0;
    code.u8(OP.i64ExtendI32U);
    this.addWide(first);
    this.pushRun(run, RUN.start);
    code.u8(OP.i64Sub);
    this.pushRun(run, RUN.bytes);
    this.addWide(Math.min(0, SHORT_BYTES - (high - first)));
    code.u8(OP.i64GtU);
  }

  /** To the i64 on the stack. */
  addWide(value: number): void {
    if (value === 0) return;
    const { code } = this.#emitter;
    code.u8(OP.i64Const);
    code.s64(BigInt(value));
    code.u8(OP.i64Add);
  }

  pushLimit(): void {
    if (this.limit === undefined) this.#emitter.local(OP.globalGet, this.#space.limitGlobal);
    else this.#emitter.local(OP.localGet, this.limit);
  }

  pushRun(run: number, part: number): void {
    this.#emitter.local(OP.globalGet, runGlobal(this.#space, run, part));
  }

  /** Pushes the end of a run, as an i64. */
  pushRunEnd(run: number): void {
    this.pushRun(run, RUN.start);
    this.pushRun(run, RUN.bytes);
    this.#emitter.code.u8(OP.i64Add);
    this.addWide(SHORT_BYTES);
  }
}

/** The global with a part of a run. */
export function runGlobal({ limitGlobal }: WindowSpace, run: number, part: number): number {
  return limitGlobal + 1 + RUN.count * run + part;
}

/** Whether it pays to keep the limit in a local, which is read again behind every call, and no exception can arrive. */
function isKept({ body, siteAt }: Plan): boolean {
  const { op, count, catches } = body;
  if (catches.size > 0) return false;
  let accesses = 0;
  let calls = 0;
  for (let at = 0; at < count; at++) {
    const code = op[at]!;
    if (code === OP.try) return false;
    if (code === OP.call || code === OP.callIndirect || code === OP.callRef) calls++;
    if (accessOf(code) && siteAt.get(at)) accesses++;
  }
  return accesses >= 1 + ACCESSES_FOR_A_CALL * calls;
}
