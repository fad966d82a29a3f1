// Windows: accesses of memory 0 that may lead elsewhere (design.md section 5).
//
// Goal: an access whose last byte lies below a variable limit costs a compare; every other one finds its bytes in the
// pool, through the page table, or faults at the instruction with its operands preserved.
//
//   operands -> locals
//   if address + (static offset + bytes - 1) >= limit       hinted: hardly ever
//     site number -> local; slow access (windows-slow.ts)
//   else
//     the original instruction
//   end
//
// The sum may wrap around 2^32: then the last byte lies beyond 4 GiB, and whichever way is taken traps.
//
// I1  The limit may be kept in a local from one call to the next: only what is called can change it. Where an exception
//     can arrive from a call the global is read each time.
// I2  Operands lie in the temporaries that a frame at the site saves, or are found again (plan.ts).
// I3  The order of checks, faults and effects is that of the instruction: nothing is written before a fault.
//
// Rejected after trials (docs/RATIONALE.md): the translation inline (3.3 times the code, and slower below the limit), a
// table look-up inline (slower than a remembered run), the limit in memory.
//
// Not here: which accesses there are (windows-accesses.ts), bulk operations (windows-bulk.ts).

import { BOTTOM, I32, OP } from "../wasm/index.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import type { Plan, Site } from "./plan.ts";
import { writeAccess } from "./space.ts";
import { accessOf, memoryArgument } from "./windows-accesses.ts";
import { growFunction, slowAccess } from "./windows-slow.ts";

/** Accesses for each call from which on the limit is worth a local. */
const ACCESSES_FOR_A_CALL = 2;

/** The windows of the function that an emitter is writing. */
export class FunctionWindows {
  readonly #emitter: Emitter;
  readonly #limitGlobal: number;
  /** The local that holds the limit; -1 if it is read from its global each time. */
  readonly #limit: number;

  constructor(emitter: Emitter, limitGlobal: number) {
    this.#emitter = emitter;
    this.#limitGlobal = limitGlobal;
    this.#limit = limitIsLocal(emitter.plan) ? emitter.plan.temporary(OWN_SLOT.limit, I32) : -1;
  }

  /** Whether something must follow every call. */
  get refreshes(): boolean {
    return this.#limit >= 0;
  }

  /** Writes what must stand in front of the first access, and behind everything that may let the host run. */
  refresh(): void {
    if (this.#limit < 0) return;
    this.#emitter.local(OP.globalGet, this.#limitGlobal);
    this.#emitter.local(OP.localSet, this.#limit);
  }

  /** Writes the access at `site`, whose operands lie on the stack. */
  access(site: Site): void {
    const emitter = this.#emitter;
    const { code, plan, space } = emitter;
    const { body } = plan;
    const access = accessOf(body.op[site.at]!)!;
    const argument = memoryArgument(body, site.at);
    const operands = operandLocals(emitter, site);
    for (let i = operands.length - 1; i > 0; i--) emitter.local(OP.localSet, operands[i]!);
    emitter.local(OP.localTee, operands[0]!);
    const load = () => {
      for (const local of operands) emitter.local(OP.localGet, local);
    };
    const reach = argument.offset + access.bytes - 1;
    if (reach > 0) {
      emitter.constant(reach | 0);
      code.u8(OP.i32Add);
    }
    if (this.#limit >= 0) emitter.local(OP.localGet, this.#limit);
    else emitter.local(OP.globalGet, this.#limitGlobal);
    code.u8(OP.i32GeU);
    emitter.unlikely(OP.if);
    space.writeBlockType(code, space.blockType(access.result === BOTTOM ? [] : [access.result]));
    emitter.setSite(site);
    load();
    emitter.constant(argument.offset | 0);
    emitter.call(slowAccess(space, access.code, argument));
    this.refresh();
    code.u8(OP.else);
    load();
    writeAccess(code, access.code, 0, argument.align, argument.offset);
    if (argument.lane >= 0) code.u8(argument.lane);
    code.u8(OP.end);
  }
}

/** Writes memory.grow at `site` as a request to the host. */
export function emitGrowth(emitter: Emitter, site: Site): void {
  const { plan, space } = emitter;
  const [delta] = operandLocals(emitter, site);
  emitter.local(OP.localSet, delta!);
  emitter.setSite(site);
  emitter.local(OP.localGet, delta!);
  emitter.call(growFunction(space, plan.body.a[site.at]!));
  emitter.windows?.refresh();
}

/** Locals for the operands of a site: those that its frame saves, or others where they are found again without. */
function operandLocals({ plan }: Emitter, site: Site): readonly number[] {
  const first = site.slots.length - site.operands;
  return site.slots.slice(first).map(({ source, type }, index) => {
    return plan.temporary(source === "temporary" ? first + index : OWN_SLOT.operand + index, type);
  });
}

function limitIsLocal({ body, siteAt }: Plan): boolean {
  const { op, count, catches } = body;
  if (catches.size > 0) return false;
  let calls = 0;
  let accesses = 0;
  for (let at = 0; at < count; at++) {
    const code = op[at]!;
    if (code === OP.try) return false;
    if (code === OP.call || code === OP.callIndirect || code === OP.callRef) calls++;
    else if (accessOf(code) && siteAt.get(at)) accesses++;
  }
  return accesses >= 1 + ACCESSES_FOR_A_CALL * calls;
}
