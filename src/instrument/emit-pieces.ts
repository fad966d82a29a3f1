// Operations cut into pieces: bulk memory operations and atomic waits, written so that a freeze need not wait for them.
//
// A bulk operation that may be longer than a piece (BULK_PIECE_BYTES) becomes
//
//   destination, source, length -> temporaries
//   if length > piece:  loop: one piece (a shared function moves the three values on); poll; again while length > piece
//   the original operation on what is left
//
// and a wait becomes a loop around a shared function that waits until it is woken or a freeze is asked for. While a
// frame is saved, its temporaries hold the rest of the operation, so a thaw pushes them and begins the operation anew.
// Whether an operation traps is decided before its first piece, as the specification demands of the whole; memories
// never shrink. Overlapping copies go downwards when the destination lies above the source.

import { HOOK, WAIT } from "../abi/index.ts";
import type { ByteWriter } from "../util/index.ts";
import { I32, I64, OP, opcodeBytes, type ValueType } from "../wasm/index.ts";
import type { Operand } from "./code-writer.ts";
import type { Emitter } from "./emit.ts";
import { rangeFunction, writeRangeMark, writesMemory } from "./marks.ts";
import { mirrorRange } from "./mirror.ts";
import type { Site } from "./plan.ts";
import { bulkTypes, type Space } from "./space.ts";
import { memoryArgument } from "./windows-accesses.ts";
import { emitWindowBulk } from "./windows-bulk.ts";
import { windowWaitFunction } from "./windows-slow.ts";

const I64_MUL = 0x7e;

/** Writes the operation at `site`, whose three operands lie on the stack. */
export function emitPieces(emitter: Emitter, site: Site): void {
  const { op, a, b } = emitter.plan.body;
  const { operands, load, store } = operandsOf(emitter, site);
  store();
  const code = op[site.at]!;
  const touched =
    code === OP.memoryInit ? [b[site.at]!] : code === OP.memoryCopy ? [a[site.at]!, b[site.at]!] : [a[site.at]!];
  const windowed = emitter.windows !== undefined && touched.includes(0);
  if (code === OP.wait32 || code === OP.wait64) return emitWait(emitter, site, operands, load);
  if (windowed) return emitWindowBulk(emitter, site, operands[2]!, load, store);
  emitBulk(emitter, site, operands, load, store);
}

/** The temporaries of the three operands, and the code that moves all three between them and the stack. */
function operandsOf(emitter: Emitter, site: Site) {
  const height = site.slots.length;
  const operand = (slot: number): Operand => {
    const { type } = site.slots[slot]!;
    return { local: emitter.plan.temporary(slot, type), type };
  };
  const operands = [operand(height - 3), operand(height - 2), operand(height - 1)] as const;
  const store = () => {
    for (let i = operands.length - 1; i >= 0; i--) emitter.local(OP.localSet, operands[i]!.local);
  };
  const load = () => {
    for (const { local } of operands) emitter.local(OP.localGet, local);
  };
  return { operands, load, store };
}

function emitBulk(
  emitter: Emitter,
  site: Site,
  operands: readonly Operand[],
  load: () => void,
  store: () => void,
): void {
  const { code } = emitter;
  const { op, a, b } = emitter.plan.body;
  const length = operands[2]!;
  const longer = () => {
    emitter.local(OP.localGet, length.local);
    code.u8(length.type === I64 ? OP.i64Const : OP.i32Const);
    code.s32(emitter.space.pieceBytes);
    code.u8(length.type === I64 ? OP.i64GtU : OP.i32GtU);
  };
  longer();
  emitter.unlikely(OP.if);
  code.bytes([0x40, OP.loop, 0x40]);
  load();
  emitter.call(pieceFunction(emitter.space, op[site.at]!, a[site.at]!, b[site.at]!));
  store();
  emitter.poll(site);
  longer();
  code.bytes([OP.brIf, 0, OP.end, OP.end]);
  const writes = writesMemory(emitter.plan.body, site.at);
  if (emitter.marks && writes) writeRangeMark(emitter, operands[0]!, length);
  load();
  writeBulk(code, emitter.space, op[site.at]!, a[site.at]!, b[site.at]!);
  if (writes) emitter.mirror?.range(operands[0]!.local, length.local);
}

/** Writes a bulk operation over the memories or the segment `a` and `b`. */
export function writeBulk(writer: ByteWriter, space: Space, operation: number, a: number, b: number): void {
  const helper = operation === OP.memoryInit ? space.segmentFunction(operation, a, b) : -1;
  if (helper >= 0) {
    writer.u8(OP.call);
    writer.u32(helper);
    return;
  }
  writer.bytes(opcodeBytes(operation));
  writer.u32(a);
  if (operation !== OP.memoryFill) writer.u32(b);
}

/** A function of (destination, source or value, length) that does one piece and returns the three for the rest. */
export function pieceFunction(space: Space, operation: number, a: number, b: number): number {
  return space.shared(`piece ${operation} ${a} ${b}`, (writer) => {
    const target = operation === OP.memoryInit ? b : a;
    const types = bulkTypes(space, operation, a, b);
    const code = new PieceCode(writer, types, space.pieceBytes);
    writer.u8(0);
    code.outOfBounds(0, target);
    if (operation === OP.memoryCopy) {
      code.outOfBounds(1, b);
      writer.u8(OP.i32Or);
    }
    if (operation === OP.memoryInit) {
      code.sourceWraps();
      writer.u8(OP.i32Or);
    }
    writer.bytes([OP.if, 0x40]);
    for (let i = 0; i < 3; i++) code.get(i);
    writeBulk(writer, space, operation, a, b); // traps
    writer.bytes([OP.unreachable, OP.end]);
    if (operation === OP.memoryInit) code.sourceEnd(() => writeBulk(writer, space, operation, a, b));
    const tell = (range: (space: Space) => number) => (address: () => void) => {
      address();
      code.piece();
      writer.u8(OP.call);
      writer.u32(range(space));
    };
    const nothing = () => {};
    const mark = space.marks && target === 0 ? tell((space) => rangeFunction(space, types[0], types[2])) : nothing;
    const mirror = space.mirror !== undefined && target === 0 ? tell(mirrorRange) : nothing;
    if (operation === OP.memoryCopy && a === b) {
      code.downwards(() => writeBulk(writer, space, operation, a, b), mark, mirror);
    }
    mark(() => code.get(0));
    code.get(0);
    code.get(1);
    code.piece();
    writeBulk(writer, space, operation, a, b);
    mirror(() => code.get(0));
    code.plusPiece(0);
    if (operation === OP.memoryFill) code.get(1);
    else code.plusPiece(1);
    code.minusPiece();
    writer.u8(OP.end);
    return space.typeIndex(types, types);
  });
}

/** Pieces of code over the parameters of a piece function. */
class PieceCode {
  readonly #writer: ByteWriter;
  readonly #types: readonly ValueType[];
  readonly #pieceBytes: number;

  constructor(writer: ByteWriter, types: readonly ValueType[], pieceBytes: number) {
    this.#writer = writer;
    this.#types = types;
    this.#pieceBytes = pieceBytes;
  }

  get(index: number): void {
    this.#writer.bytes([OP.localGet, index]);
  }

  piece(): void {
    this.#constant(2);
  }

  plusPiece(index: number): void {
    this.get(index);
    this.#constant(index);
    this.#writer.u8(this.#types[index] === I64 ? OP.i64Add : OP.i32Add);
  }

  minusPiece(): void {
    this.get(2);
    this.#constant(2);
    this.#writer.u8(this.#types[2] === I64 ? OP.i64Sub : OP.i32Sub);
  }

  /** Pushes whether the range that begins at parameter `index` leaves the memory. */
  outOfBounds(index: number, memory: number): void {
    const size = () => {
      this.#writer.u8(OP.memorySize);
      this.#writer.u32(memory);
      if (this.#types[index] !== I64) this.#writer.u8(OP.i64ExtendI32U);
      this.#writer.u8(OP.i64Const);
      this.#writer.s32(65536);
      this.#writer.u8(I64_MUL);
    };
    this.#wide(2);
    size();
    this.#writer.u8(OP.i64GtU);
    this.#wide(index);
    size();
    this.#wide(2);
    this.#writer.bytes([OP.i64Sub, OP.i64GtU, OP.i32Or]);
  }

  /** Pushes whether the source's end is not a 32-bit number. */
  sourceWraps(): void {
    this.#wide(1);
    this.#wide(2);
    this.#writer.bytes([OP.i64Add, OP.i64Const]);
    this.#writer.s64(0xffffffffn);
    this.#writer.u8(OP.i64GtU);
  }

  /** Copies nothing from the end of the source: traps if the segment is shorter, or was dropped. */
  sourceEnd(copy: () => void): void {
    this.get(0);
    this.get(1);
    this.get(2);
    this.#writer.bytes([OP.i32Add, OP.i32Const, 0]);
    copy();
  }

  /**
   * For a destination above its source: copies the last piece and returns.
   *
   * @param before goes in front, given what pushes the address @param behind goes behind, likewise
   */
  downwards(copy: () => void, before: (address: () => void) => void, behind: (address: () => void) => void): void {
    this.#wide(0);
    this.#wide(1);
    this.#writer.bytes([OP.i64GtU, OP.if, 0x40]);
    const last = (index: number) => {
      this.get(index);
      this.minusPiece();
      this.#writer.u8(this.#types[2] === I64 ? OP.i64Add : OP.i32Add);
    };
    before(() => last(0));
    last(0);
    last(1);
    this.piece();
    copy();
    behind(() => last(0));
    this.get(0);
    this.get(1);
    this.minusPiece();
    this.#writer.bytes([OP.return, OP.end]);
  }

  #wide(index: number): void {
    this.get(index);
    if (this.#types[index] !== I64) this.#writer.u8(OP.i64ExtendI32U);
  }

  #constant(index: number): void {
    this.#writer.u8(this.#types[index] === I64 ? OP.i64Const : OP.i32Const);
    this.#writer.s32(this.#pieceBytes);
  }
}

function emitWait(emitter: Emitter, site: Site, operands: readonly Operand[], load: () => void): void {
  const { code, plan, space } = emitter;
  const outcome = plan.temporary((1 << 20) | 3, I32);
  const operation = plan.body.op[site.at]!;
  const memory = plan.body.a[site.at]!;
  const windowed = emitter.windows !== undefined && memory === 0;
  code.bytes([OP.loop, 0x40]);
  if (windowed) emitter.setSite(site); // its page may be missing
  load();
  const plainly = waitFunction(space, operation, memory, argumentBytes(emitter, site));
  emitter.call(windowed ? windowWaitFunction(space, operation, memoryArgument(plan.body, site.at), plainly) : plainly);
  emitter.local(OP.localSet, operands[2]!.local);
  emitter.local(OP.localTee, outcome);
  emitter.constant(WAIT.interrupted);
  code.u8(OP.i32Eq);
  emitter.unlikely(OP.if);
  code.u8(0x40);
  emitter.setSite(site);
  emitter.call(space.poll);
  code.bytes([OP.br, 1, OP.end, OP.end]);
  emitter.refresh();
  emitter.local(OP.localGet, outcome);
}

/** The bytes of a wait's memory argument, as the original has them. */
function argumentBytes(emitter: Emitter, site: Site): Uint8Array {
  const { bytes, start } = emitter.plan.body;
  return bytes.slice(start[site.at]! + 2, start[site.at + 1]!);
}

/**
 * A function of (address, expected, timeout) that waits until the wait is over or somebody wants the thread, and
 * returns the outcome and the timeout that is left. The instruction itself, with no time to wait, goes first: it
 * traps where the original would and says whether there is anything to wait for. It may be woken all the same: a notifier
 * in another JavaScript thread has counted it then. The host has the last word, because a thread that was woken and
 * thawed finds the value changed.
 */
function waitFunction(space: Space, operation: number, memory: number, argument: Uint8Array): number {
  const key = `wait ${operation} ${argument.join()}`;
  return space.shared(key, (writer) => {
    const address = space.spaces.memories[memory]!.index64 ? I64 : I32;
    const value = operation === OP.wait64 ? I64 : I32;
    writer.bytes([1, 1, I32]);
    writer.bytes([OP.localGet, 0, OP.localGet, 1, OP.i64Const, 0, ...opcodeBytes(operation)]);
    writer.bytes(argument);
    writer.bytes([OP.localTee, 3, OP.i32Const, WAIT.timedOut, OP.i32Eq]);
    writer.bytes([OP.localGet, 3, OP.i32Const, WAIT.notEqual, OP.i32Eq, OP.i32Sub]); // 1, -1, or 0 if it was woken
    writer.bytes([OP.i32Const, value === I64 ? 8 : 4, OP.i32Mul, OP.localSet, 3, OP.i32Const]);
    writer.s32(memory);
    writer.bytes([OP.localGet, 0]);
    if (address === I32) writer.u8(OP.i64ExtendI32U);
    writer.u8(OP.i64Const);
    writer.s64(staticOffset(argument));
    writer.bytes([OP.i64Add, OP.localGet, 1]);
    if (value === I32) writer.u8(OP.i64ExtendI32U);
    writer.bytes([OP.localGet, 2, OP.localGet, 3, OP.i32Const, HOOK.wait, OP.callIndirect]);
    writer.u32(space.typeIndex([I32, I64, I64, I64, I32], [I32, I64]));
    writer.u32(space.hooksTable);
    writer.u8(OP.end);
    return space.typeIndex([address, value, I64], [I32, I64]);
  });
}

/** The offset of a memory argument: its last number. */
function staticOffset(argument: Uint8Array): bigint {
  let position = 1;
  if (argument[0]! & 0x40) while (argument[position++]! >= 0x80);
  let offset = 0n;
  for (let shift = 0n; position < argument.length; position++, shift += 7n) {
    offset |= BigInt(argument[position]! & 0x7f) << shift;
  }
  return offset;
}
