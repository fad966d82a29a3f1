// Savers: functions that write the record of one frame into control memory, one for each list of value types. The
// handler of every function with such values shares it, so that functions stay small enough for the engine to inline.
//
// Record layout and control words: abi/constants.ts. References go to tables beside the memory; the record holds the
// slot. A list longer than CHUNK is written by several calls, the later ones append.

import { CONTROL, RECORD } from "../abi/index.ts";
import type { ByteWriter } from "../util/index.ts";
import { F32, F64, I32, I64, isRef, OP, opcodeBytes, V128, type ValueType } from "../wasm/index.ts";
import type { FrameValue } from "./plan.ts";
import type { Space } from "./space.ts";

/** Values that one saver takes; engines allow 1,000 parameters. */
const CHUNK = 500;

/** Size of a value in a record, in bytes. */
export function savedBytes(type: ValueType): number {
  if (type === V128) return 16;
  return type === I64 || type === F64 ? 8 : 4;
}

/** Where each value stands in a record, and the record's size. */
export function recordLayout(values: readonly FrameValue[]): {
  readonly offsets: readonly number[];
  readonly bytes: number;
} {
  let bytes: number = RECORD.values;
  const offsets = values.map((value) => {
    const offset = bytes;
    bytes += savedBytes(value.type);
    return offset;
  });
  return { offsets, bytes };
}

export function loadOf(type: ValueType): number {
  return LOADS.get(type) ?? OP.i32Load;
}

export function storeOf(type: ValueType): number {
  return STORES.get(type) ?? OP.i32Store;
}

const LOADS: ReadonlyMap<ValueType, number> = new Map<ValueType, number>([
  [I32, OP.i32Load],
  [I64, OP.i64Load],
  [F32, OP.f32Load],
  [F64, OP.f64Load],
  [V128, OP.v128Load],
]);
const STORES: ReadonlyMap<ValueType, number> = new Map<ValueType, number>([
  [I32, OP.i32Store],
  [I64, OP.i64Store],
  [F32, OP.f32Store],
  [F64, OP.f64Store],
  [V128, OP.v128Store],
]);

/**
 * Writes the calls that save a frame.
 *
 * @param layout number that names the list of values to whoever reads the record
 * @param siteLocal local that holds the site's number
 */
export function writeSave(
  writer: ByteWriter,
  space: Space,
  layout: number,
  siteLocal: number,
  values: readonly FrameValue[],
): void {
  writer.u8(OP.i32Const);
  writer.s32(layout);
  writer.u8(OP.localGet);
  writer.u32(siteLocal);
  for (let first = 0; first === 0 || first < values.length; first += CHUNK) {
    const chunk = values.slice(first, first + CHUNK);
    for (const value of chunk) {
      writer.u8(OP.localGet);
      writer.u32(value.local);
    }
    writer.u8(OP.call);
    writer.u32(
      saver(
        space,
        chunk.map((value) => value.type),
        first === 0,
      ),
    );
  }
}

function saver(space: Space, types: readonly ValueType[], first: boolean): number {
  return space.shared(`${first ? "save" : "append"} ${space.lists.number(types)}`, (writer) => {
    const heads = first ? 2 : 0;
    const code = new SaverCode(writer, space, heads + types.length);
    writer.bytes([1, 1, I32]);
    const bytes = types.reduce((sum, type) => sum + savedBytes(type), first ? RECORD.values : 0);
    code.reserve(bytes);
    if (first) code.header();
    let offset: number = first ? RECORD.values : 0;
    types.forEach((type, index) => {
      code.value(heads + index, type, offset);
      offset += savedBytes(type);
    });
    code.word(CONTROL.top, () => code.address(bytes));
    writer.u8(OP.end);
    return space.typeIndex(first ? [I32, I32, ...types] : types, []);
  });
}

/** The pieces of a saver's body; `record` is the local with the record's address. */
class SaverCode {
  readonly #writer: ByteWriter;
  readonly #space: Space;
  readonly #record: number;

  constructor(writer: ByteWriter, space: Space, record: number) {
    this.#writer = writer;
    this.#space = space;
    this.#record = record;
  }

  /** Takes the record's place and makes sure that the memory reaches behind it. */
  reserve(bytes: number): void {
    const { controlMemory } = this.#space;
    this.load(CONTROL.top);
    this.#op(OP.localTee, this.#record);
    this.#const(bytes);
    this.#writer.bytes([OP.i32Add, OP.memorySize]);
    this.#writer.u32(controlMemory);
    this.#const(16);
    this.#writer.bytes([0x74, OP.i32GtU, OP.if, 0x40]); // i32.shl
    this.#const(Math.ceil(bytes / 65536) + 15);
    this.#writer.u8(OP.memoryGrow);
    this.#writer.u32(controlMemory);
    this.#const(0);
    this.#writer.bytes([0x48, OP.if, 0x40, OP.unreachable, OP.end, OP.end]); // i32.lt_s: memory.grow returned -1
  }

  header(): void {
    this.#store(RECORD.inner, () => this.load(CONTROL.last));
    this.#store(RECORD.instance, () => this.#op(OP.globalGet, this.#space.instanceGlobal));
    this.#store(RECORD.function, () => this.#op(OP.localGet, 0));
    this.#store(RECORD.site, () => this.#op(OP.localGet, 1));
    this.word(CONTROL.last, () => this.#op(OP.localGet, this.#record));
  }

  value(local: number, type: ValueType, offset: number): void {
    if (isRef(type)) return this.#reference(local, type, offset);
    this.#op(OP.localGet, this.#record);
    this.#op(OP.localGet, local);
    this.#space.writeControlAccess(this.#writer, STORES.get(type)!, offset);
  }

  /** Puts a reference into its table, at the slot that the record then holds. */
  #reference(local: number, type: ValueType, offset: number): void {
    const table = this.#space.referenceTable(type);
    this.load(CONTROL.refs);
    this.#bytesOf(OP.tableSize, table);
    this.#writer.bytes([0x4f, OP.if, 0x40]); // i32.ge_u
    this.#op(OP.localGet, local);
    this.#const(64);
    this.#bytesOf(OP.tableGrow, table);
    this.#const(0);
    this.#writer.bytes([0x48, OP.if, 0x40, OP.unreachable, OP.end, OP.end]);
    this.load(CONTROL.refs);
    this.#op(OP.localGet, local);
    this.#op(OP.tableSet, table);
    this.#store(offset, () => this.load(CONTROL.refs));
    this.word(CONTROL.refs, () => {
      this.load(CONTROL.refs);
      this.#const(1);
      this.#writer.u8(OP.i32Add);
    });
  }

  /** The address `offset` bytes behind the record's begin. */
  address(offset: number): void {
    this.#op(OP.localGet, this.#record);
    this.#const(offset);
    this.#writer.u8(OP.i32Add);
  }

  load(word: number): void {
    this.#const(0);
    this.#space.writeControlAccess(this.#writer, OP.i32Load, word);
  }

  word(word: number, value: () => void): void {
    this.#const(0);
    value();
    this.#space.writeControlAccess(this.#writer, OP.i32Store, word);
  }

  #store(offset: number, value: () => void): void {
    this.#op(OP.localGet, this.#record);
    value();
    this.#space.writeControlAccess(this.#writer, OP.i32Store, offset);
  }

  #const(value: number): void {
    this.#writer.u8(OP.i32Const);
    this.#writer.s32(value);
  }

  #op(code: number, index: number): void {
    this.#bytesOf(code, index);
  }

  #bytesOf(code: number, index: number): void {
    this.#writer.bytes(opcodeBytes(code));
    this.#writer.u32(index);
  }
}
