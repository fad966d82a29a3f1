// Marks: every write of memory 0 says which part of the memory it changes (spec row 108).
//
// The marks are a memory of their own, one byte for each mark unit (MARKS in abi/constants.ts) of the address space. In
// front of a store goes
//
//   marks[address >> 10] = 1        as  i32.store8 offset=(static offset >> 10)
//
// which stands for all bytes up to MARKS.unitBytes behind the one that it is computed from: those of the unit and of the next
// one. So a store over two units needs no second mark, and neither does a static offset that leads into the next one.
// Whoever reads the marks counts a unit as written that is marked itself or behind a marked one.
//
// One mark speaks for all stores behind it that have the same base, a local, and an offset in the same unit, up to the end of
// the basic block. Addresses are the guest's own, in front of any translation by windows, whose slow functions mark for
// themselves.
//
// I1  No safe point lies between a mark and the stores that it speaks for, and nothing that lets the host run: the host clears
//     marks there. What a mark speaks for ends at labels, calls, active sites and where a continuation begins.
// I2  The mark stands in front: a trap between two stores cannot lose the first one's.
// I3  Sites, frames and continuations are those without marks (promise 7): nothing here is an operand or a live local at a site.
//
// A mark beyond the marks' memory traps, where the store itself would: its address lies beyond 4 GiB then. Addresses of 64 bits lose
// what lies above when they have become numbers of units: then a mark says too much in front of a store that traps.
// Rejected (docs/RATIONALE.md): units of a whole page, two marks for a store, a mark behind the store, marks by pool address.
//
// `beforeWrite` is the one place where emit.ts comes to with instructions that write memory 0 and are no sites. Windows and
// operations in pieces, which have their operands in locals, use `writeMark` and `rangeFunction`.

import { IMPORT, IMPORT_MODULE, MARKS, WINDOW } from "../abi/index.ts";
import { type Body, I32, I64, type Import, type IndexSpaces, OP, type ValueType, WasmFault } from "../wasm/index.ts";
import type { CodeWriter, Operand } from "./code-writer.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import { HelperCode } from "./helper-code.ts";
import { isBarrier, OperandLocals } from "./operand-locals.ts";
import { MARK } from "./plan.ts";
import { bulkTypes, type Space, writeAccess } from "./space.ts";
import { accessOf, memoryAccessCodes, memoryArgument } from "./windows-accesses.ts";

const I32_STORE8 = 0x3a;
const I64_SHR_U = 0x88;
const SHIFT = Math.log2(MARKS.unitBytes);
/** Of a memory 0. */
const MOST_PAGES = MARKS.memoryPages * MARKS.unitBytes;

/** Where marks lie in a module: the index of their memory, behind the control memory and those of windows. */
export interface MarkSpace {
  readonly memory: number;
}

/** Undefined for programs without marks. @throws WasmFault for a memory 0 that marks do not reach over */
export function markSpace(spaces: IndexSpaces, marks: boolean | undefined, windows: boolean): MarkSpace | undefined {
  const [memory] = spaces.memories;
  if (!marks || !memory) return undefined;
  if (memory.min > MOST_PAGES) {
    const what = `memory 0 begins with ${memory.min} pages, of which marks are for ${MOST_PAGES}; rewrite the module without marks`;
    throw new WasmFault("unsupported", what, { offset: 0, section: "memory section" });
  }
  return { memory: spaces.memories.length + 1 + (windows ? 2 : 0) };
}

/** The memory that a module with marks imports, behind all others. */
export function markImport(): Import {
  const { memoryPages } = MARKS;
  const memory = { min: memoryPages, max: memoryPages, shared: true, index64: false };
  return { module: IMPORT_MODULE, name: IMPORT.marks, kind: "memory", memory };
}

/** Opcodes of the instructions that may write memory 0. */
export const WRITING: readonly number[] = [
  ...memoryAccessCodes().filter((code) => accessOf(code)!.need === WINDOW.write),
  ...[OP.memoryCopy, OP.memoryFill, OP.memoryInit],
];
const writing = new Uint8Array(0x450);
for (const code of WRITING) writing[code] = 1;

/** Whether an instruction writes memory 0. */
export function writesMemory({ op, a, b }: Body, at: number): boolean {
  return writing[op[at]!] === 1 && (op[at] === OP.memoryInit ? b[at] : a[at]) === 0;
}

/** Whether a function writes memory 0. */
export function marksIn(body: Body): boolean {
  for (let at = 0; at < body.count; at++) if (writesMemory(body, at)) return true;
  return false;
}

/** The base of a store's address: a local that holds it, or -1. */
interface Base {
  readonly local: number;
  /** An earlier mark speaks for the store. */
  readonly covered: boolean;
}

/** The marks of the function that an emitter is writing. */
export class FunctionMarks {
  readonly #emitter: Emitter;
  /** By store whose address is in a local. */
  readonly #bases: ReadonlyMap<number, Base>;

  /** @param from the first instruction that is written */
  constructor(emitter: Emitter, from: number) {
    this.#emitter = emitter;
    this.#bases = basesOf(emitter, from);
  }

  /** Writes what goes in front of an instruction that writes memory 0, whose operands lie on the stack. */
  before(at: number): void {
    const emitter = this.#emitter;
    const { body, marks } = emitter.plan;
    if (marks[at]! & MARK.dead) return;
    const access = accessOf(body.op[at]!);
    if (!access) return this.#bulk(at);
    const base = this.#bases.get(at);
    if (base?.covered) return;
    const { offset } = memoryArgument(body, at);
    if (base) return writeMark(emitter, base.local, offset, access.bytes);
    const [address, ...others] = this.#store([addressType(emitter.space), ...access.operands]);
    writeMark(emitter, address!, offset, access.bytes);
    for (const local of [address!, ...others]) emitter.local(OP.localGet, local);
  }

  #bulk(at: number): void {
    const emitter = this.#emitter;
    const { op, a, b } = emitter.plan.body;
    const types = bulkTypes(emitter.space, op[at]!, a[at]!, b[at]!);
    const locals = this.#store(types);
    writeRangeMark(emitter, { local: locals[0]!, type: types[0]! }, { local: locals[2]!, type: types[2]! });
    for (const local of locals) emitter.local(OP.localGet, local);
  }

  /** Puts the uppermost operands into locals. */
  #store(types: readonly ValueType[]): readonly number[] {
    const emitter = this.#emitter;
    const locals = types.map((type, index) => emitter.plan.temporary(OWN_SLOT.marked + index, type));
    for (const local of [...locals].reverse()) emitter.local(OP.localSet, local);
    return locals;
  }
}

/** Writes the mark of `bytes` bytes at a static offset behind the address in a local. */
export function writeMark(writer: CodeWriter, address: number, offset: number, bytes: number): void {
  const { memory } = writer.space.marks!;
  writer.local(OP.localGet, address);
  const near = reachesNoFurther(offset, bytes);
  if (addressType(writer.space) === I64) {
    const more = near ? unitOf(offset) * MARKS.unitBytes : offset;
    writeWideUnit(writer, BigInt(more));
    writer.constant(1);
    return writeAccess(writer.code, I32_STORE8, memory, 0, 0);
  }
  if (!near) {
    writer.constant(offset | 0);
    writer.code.u8(OP.i32Add);
  }
  writer.constant(SHIFT);
  writer.code.u8(OP.i32ShrU);
  writer.constant(1);
  writeAccess(writer.code, I32_STORE8, memory, 0, near ? unitOf(offset) : 0);
}

/** The number of the unit that lies so many bytes behind an address of 64 bits, which is on the stack. */
function writeWideUnit({ code }: CodeWriter, more: bigint): void {
  const constant = (value: bigint) => {
    code.u8(OP.i64Const);
    code.s64(value);
  };
  if (more > 0n) {
    constant(BigInt.asIntN(64, more));
    code.u8(OP.i64Add);
  }
  constant(BigInt(SHIFT));
  code.bytes([I64_SHR_U, OP.i32WrapI64]);
}

/** Type of addresses of memory 0. */
function addressType({ spaces }: Space): ValueType {
  return spaces.memories[0]!.index64 ? I64 : I32;
}

/** Writes the marks of as many bytes as one local says, from the address in another on. */
export function writeRangeMark(writer: CodeWriter, address: Operand, length: Operand): void {
  writer.local(OP.localGet, address.local);
  writer.local(OP.localGet, length.local);
  writer.call(rangeFunction(writer.space, address.type, length.type));
}

/** The same in a shared function, where the address of at most a unit's bytes is in a local. */
export function markIn(code: HelperCode, address: number): void {
  code.get(address).i32(SHIFT).op(OP.i32ShrU).i32(1).access(I32_STORE8, code.space.marks!.memory);
}

/** The function (address, length) that marks a range. */
export function rangeFunction(space: Space, addressIs: ValueType = I32, lengthIs: ValueType = I32): number {
  return space.shared(`marks ${addressIs} ${lengthIs}`, (writer) => {
    const { memory } = space.marks!;
    const code = new HelperCode(writer, space, [I32, I32]);
    const [address, length, first, more] = [0, 1, 2, 3];
    const unit = () => code.i64(BigInt(SHIFT)).op(I64_SHR_U, OP.i32WrapI64);
    code.wide(length, lengthIs).op(OP.i64Eqz).open(OP.if).op(OP.return).end();
    code.wide(address, addressIs);
    unit().set(first);
    code.wide(address, addressIs).wide(length, lengthIs).op(OP.i64Add).i64(1n).op(OP.i64Sub);
    unit().get(first).op(OP.i32Sub).set(more);
    // The last unit is behind a marked one, if it is not the first as well.
    code.get(more).i32(2).op(OP.i32LtU).open(OP.if);
    code.get(first).i32(1).access(I32_STORE8, memory).op(OP.else);
    code.get(first).i32(1).get(more).fill(memory).end();
    code.done();
    return space.typeIndex([addressIs, lengthIs], []);
  });
}

/** The mark unit that a static offset leads to, from an address in unit 0 on. */
function unitOf(offset: number): number {
  return Math.floor(offset / MARKS.unitBytes);
}

/** Whether the mark in the offset's unit speaks for the bytes, whatever the address: they end where the next unit does. */
function reachesNoFurther(offset: number, bytes: number): boolean {
  return (offset % MARKS.unitBytes) + bytes <= MARKS.unitBytes;
}

/** Which stores from `from` on have their address in a local, and which of those need no mark of their own. */
function basesOf(emitter: Emitter, from: number): ReadonlyMap<number, Base> {
  const { body, marks, heights } = emitter.plan;
  const { op, a, count } = body;
  const bases = new Map<number, Base>();
  const operands = new OperandLocals(body, heights);
  /** By local: the units of offsets that are marked. */
  const marked = new Map<number, Set<number>>();
  for (let at = from; at < count; at++) {
    const code = op[at]!;
    if (isBarrier(emitter.plan, at)) marked.clear();
    if (writesMemory(body, at) && (marks[at]! & (MARK.site | MARK.dead)) === 0) {
      const access = accessOf(code);
      const local = access ? operands.local(at, access.operands.length) : -1;
      if (access && local >= 0) bases.set(at, { local, covered: isCovered(marked, local, body, at) });
    }
    if (code === OP.localSet || code === OP.localTee) marked.delete(a[at]!);
    operands.step(at);
  }
  return bases;
}

/** Whether an earlier mark speaks for the store at `at`; its own speaks for those that follow. */
function isCovered(marked: Map<number, Set<number>>, local: number, body: Body, at: number): boolean {
  const { offset } = memoryArgument(body, at);
  if (!reachesNoFurther(offset, accessOf(body.op[at]!)!.bytes)) return false;
  const units = marked.get(local);
  if (units?.has(unitOf(offset))) return true;
  if (units) units.add(unitOf(offset));
  else marked.set(local, new Set([unitOf(offset)]));
  return false;
}
