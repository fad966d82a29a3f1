// Redundant memory (S109): whatever writes memory 0 writes the same into the active slot of its mirror (abi/constants.ts).
//
//   store                                 operations with a result, bulk operations
//     operands -> locals                    operands -> locals
//     the store                             the operation
//     active + address -> local             range (address, length)
//     if the granule has no mark            hinted: hardly ever
//       first (address)
//     the store, to the mirror
//
//   first   copies the granule of an address, and MIRROR.reach bytes behind it, from memory 0, and marks it
//   range   has all granules of a range marked, and copies it
//
// I1  No safe point lies between a write and its second one: neither is one, and nothing between them calls the host.
// I2  Sites, positions and values of frames are those without a mirror: only temporaries are added.
// I3  Bytes of a slot whose granule is marked, and MIRROR.reach bytes behind it, are those of memory 0. A store that
//     begins in a granule and ends in the next one is within that reach, so that it asks for one mark.
//
// Bytes are copied behind a first write, not before: the second store alone would leave the rest of the granule out.
// Rejected: a set of the bytes that are valid, as v1 had it (a third store each time, and flattening byte by byte); a mark
// for each store without a question (docs/RATIONALE.md).
//
// Not here: slots and snapshots (engine/mirror/), memories other than memory 0, programs with windows (program.ts).

import { IMPORT, IMPORT_MODULE, MIRROR } from "../abi/index.ts";
import { BOTTOM, I32, type Import, OP, type ValueType } from "../wasm/index.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import { HelperCode } from "./helper-code.ts";
import { type MirrorGroup, type MirrorGroups, MOST_GROUPS, mirrorGroups } from "./mirror-groups.ts";
import type { Plan } from "./plan.ts";
import { type Space, writeAccess } from "./space.ts";
import { type Access, accessOf, memoryArgument } from "./windows-accesses.ts";

const I32_LOAD8_U = 0x2d;
const I32_STORE8 = 0x3a;
const SIZE_SHIFT = 16;

/** The memory that a module with a mirror imports, behind all others. */
export function mirrorImport(): Import {
  const limits = { min: 1, max: MIRROR.pages, shared: true, index64: false };
  return { module: IMPORT_MODULE, name: IMPORT.mirror, kind: "memory", memory: limits };
}

/** Stores for each call from which on the active slot's place is worth a local. */
const STORES_FOR_A_CALL = 2;

/** What the function that an emitter is writing does beside its writes. */
export class FunctionMirror {
  readonly #emitter: Emitter;
  readonly #mirror: number;
  readonly #groups: MirrorGroups;
  /** The local that the active slot's place is kept in from one call to the next. */
  readonly #active: number | undefined;

  /** @param from the first instruction that is written */
  constructor(emitter: Emitter, mirror: number, from: number) {
    this.#emitter = emitter;
    this.#mirror = mirror;
    this.#groups = mirrorGroups(emitter.plan, from);
    this.#active = isKept(emitter.plan) ? emitter.plan.temporary(OWN_SLOT.mirrored + 3 + MOST_GROUPS, I32) : undefined;
  }

  /** Whether something must follow every call. */
  get refreshes(): boolean {
    return this.#active !== undefined;
  }

  /** Writes what must stand in front of the first store, and behind everything that may let the host run. */
  refresh(): void {
    if (this.#active === undefined) return;
    this.#loadActive();
    this.#emitter.local(OP.localSet, this.#active);
  }

  /** Writes the access at `at`, whose operands lie on the stack, and the same once more. */
  access(at: number): void {
    const access = accessOf(this.#emitter.plan.body.op[at]!)!;
    if (access.result === BOTTOM) this.#store(at, access, this.#groups.get(at));
    else this.#operation(at, access);
  }

  #store(at: number, { code: store, operands }: Access, group: MirrorGroup | undefined): void {
    const emitter = this.#emitter;
    const { code, plan } = emitter;
    const { align, offset, lane } = memoryArgument(plan.body, at);
    const value = plan.temporary(OWN_SLOT.mirrored + 1, operands[0]!);
    const second = plan.temporary(OWN_SLOT.mirrored + 2 + (group ? 1 + group.number : 0), I32);
    const write = (memory: number) => {
      writeAccess(code, store, memory, align, offset);
      if (lane >= 0) code.u8(lane);
    };
    if (group === undefined || group.first === at) {
      const address = plan.temporary(OWN_SLOT.mirrored, I32);
      emitter.local(OP.localSet, value);
      emitter.local(OP.localTee, address);
      emitter.local(OP.localGet, value);
      write(0);
      this.#check(address, second, group ? 0 : offset);
    } else {
      emitter.local(OP.localTee, value);
      write(0);
    }
    emitter.local(OP.localGet, second);
    emitter.local(OP.localGet, value);
    write(this.#mirror);
  }

  /** Sets `second` to where `address` is in the active slot, and has the granule of the byte at `offset` from there marked. */
  #check(address: number, second: number, offset: number): void {
    const emitter = this.#emitter;
    const { code, space } = emitter;
    const plusOffset = () => {
      if (offset === 0) return;
      emitter.constant(offset | 0);
      code.u8(OP.i32Add);
    };
    if (this.#active === undefined) this.#loadActive();
    else emitter.local(OP.localGet, this.#active);
    emitter.local(OP.localGet, address);
    code.u8(OP.i32Add);
    emitter.local(OP.localTee, second);
    plusOffset();
    emitter.constant(MIRROR.granuleShift);
    code.u8(OP.i32ShrU);
    writeAccess(code, I32_LOAD8_U, this.#mirror, 0, 0);
    code.u8(OP.i32Eqz);
    emitter.unlikely(OP.if);
    code.u8(0x40);
    emitter.local(OP.localGet, address);
    plusOffset();
    emitter.call(firstFunction(space));
    code.u8(OP.end);
  }

  /** An atomic operation: what lies there behind it is copied. */
  #operation(at: number, { code: operation, bytes, operands }: Access): void {
    const emitter = this.#emitter;
    const { code, plan, space } = emitter;
    const { align, offset } = memoryArgument(plan.body, at);
    const [address, ...others] = this.#operands([I32, ...operands]);
    for (const local of [address!, ...others]) emitter.local(OP.localGet, local);
    writeAccess(code, operation, 0, align, offset);
    emitter.local(OP.localGet, address!);
    emitter.constant(offset | 0);
    code.u8(OP.i32Add);
    emitter.constant(bytes);
    emitter.call(mirrorRange(space));
  }

  /** Writes a bulk operation with operands of these types, which lie on the stack; `write` writes the operation itself. */
  bulk(types: readonly ValueType[], write: () => void): void {
    const emitter = this.#emitter;
    const locals = this.#operands(types);
    for (const local of locals) emitter.local(OP.localGet, local);
    write();
    this.range(locals[0]!, locals[2]!);
  }

  /** Writes that so many bytes were written, as one local says, from the address in another one on. */
  range(address: number, length: number): void {
    const emitter = this.#emitter;
    emitter.local(OP.localGet, address);
    emitter.local(OP.localGet, length);
    emitter.call(mirrorRange(emitter.space));
  }

  /** Puts the uppermost operands into locals. */
  #operands(types: readonly ValueType[]): readonly number[] {
    const emitter = this.#emitter;
    const locals = types.map((type, index) => emitter.plan.temporary(OWN_SLOT.mirrored + index, type));
    for (const local of [...locals].reverse()) emitter.local(OP.localSet, local);
    return locals;
  }

  #loadActive(): void {
    this.#emitter.constant(0);
    writeAccess(this.#emitter.code, OP.i32Load, this.#mirror, 2, MIRROR.active);
  }
}

/** Whether it pays to keep the active slot's place in a local, which is read again behind every call, and no exception can arrive. */
function isKept({ body }: Plan): boolean {
  const { op, a, count, catches } = body;
  if (catches.size > 0) return false;
  let stores = 0;
  let calls = 0;
  for (let at = 0; at < count; at++) {
    const code = op[at]!;
    if (code === OP.try) return false;
    if (code === OP.call || code === OP.callIndirect || code === OP.callRef) calls++;
    if (a[at] === 0 && accessOf(code)?.result === BOTTOM) stores++;
  }
  return stores >= 1 + STORES_FOR_A_CALL * calls;
}

/** The function (address): its granule has not been written to since the last snapshot. */
function firstFunction(space: Space): number {
  return space.shared("mirror first", (writer) => {
    const mirror = space.mirror!;
    const code = new HelperCode(writer, space, [I32, I32]);
    const [address, length, target] = [0, 1, 2];
    const { granuleBytes, granuleShift, reach } = MIRROR;
    code.get(address).i32(-granuleBytes).op(OP.i32And).set(address);
    code.get(address).i32(0).access(OP.i32Load, mirror, 2, MIRROR.active).op(OP.i32Add).set(target);
    code.get(target).i32(granuleShift).op(OP.i32ShrU).i32(1).access(I32_STORE8, mirror);
    // Memory 0 may end within the reach.
    code.op(OP.memorySize, 0).i32(SIZE_SHIFT).op(OP.i32Shl).get(address).op(OP.i32Sub).set(length);
    code.get(target).get(address);
    code
      .get(length)
      .i32(granuleBytes + reach)
      .get(length)
      .i32(granuleBytes + reach)
      .op(OP.i32LtU, OP.select);
    code.copy(mirror, 0);
    code.done();
    return space.typeIndex([I32], []);
  });
}

/** The function (address, length): so many bytes were written. */
export function mirrorRange(space: Space): number {
  return space.shared("mirror range", (writer) => {
    const mirror = space.mirror!;
    const code = new HelperCode(writer, space, [I32, I32, I32]);
    const [address, length, target, mark, last] = [0, 1, 2, 3, 4];
    const unmarked = (local: number) => code.get(local).access(I32_LOAD8_U, mirror).op(OP.i32Eqz).open(OP.if);
    code.get(length).op(OP.i32Eqz).open(OP.if).op(OP.return).end();
    code.get(address).i32(0).access(OP.i32Load, mirror, 2, MIRROR.active).op(OP.i32Add).tee(target);
    code.i32(MIRROR.granuleShift).op(OP.i32ShrU).set(mark);
    code.get(target).get(length).op(OP.i32Add).i32(1).op(OP.i32Sub).i32(MIRROR.granuleShift).op(OP.i32ShrU).set(last);
    unmarked(mark).get(address).call(firstFunction(space)).end();
    unmarked(last);
    code.get(address).get(length).op(OP.i32Add).i32(1).op(OP.i32Sub).call(firstFunction(space)).end();
    code.get(mark).get(last).op(OP.i32LtU).open(OP.if);
    code.get(mark).i32(1).get(last).get(mark).op(OP.i32Sub).fill(mirror).end();
    code.get(target).get(address).get(length).copy(mirror, 0);
    code.done();
    return space.typeIndex([I32, I32], []);
  });
}
