// Decodes one function body into parallel arrays, one entry an instruction, and matches its blocks.
//
// Bodies are decoded one after the other by the thousand, so the arrays are kept and filled again: a Body is valid
// until its decoder decodes the next one. The instructions themselves stay where they are, as bytes; what is kept is
// where each begins and the immediates that control flow and typing need.
//
//   op[i]      opcode (opcode.ts)              start[i]  offset in the body's bytes; start[count] is the end
//   a[i], b[i] immediates: label, function, type, local, global, table, memory, tag, ... (b: the second one)
//   match[i]   for block, loop, if, try, try_table: its `end` (or delegate); for else, catch, catch_all and
//              end/delegate: the instruction that opened the block, -1 for the function's own `end`
//   next[i]    for if, else, try, catch: the following else, catch or catch_all of the same block, or its `end`

import { ByteReader, type BytesFault } from "../util/index.ts";
import { type CatchClause, readBlockType, readCatches } from "./block-type.ts";
import { WasmFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { Nesting } from "./nesting.ts";
import { IMMEDIATE, immediateOf, OP } from "./opcode.ts";
import { readOpcode } from "./read-opcode.ts";
import { type FunctionBody, refType, type ValueType } from "./types.ts";
import { endOfNumber, FORM, longNumber, USUAL_BYTES, usualForm } from "./usual-form.ts";
import { readHeapType, readValueType } from "./value-type.ts";

export interface Body {
  /** Absolute offset of the body's first byte in the module. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Types of all locals, parameters first. */
  readonly locals: readonly ValueType[];
  readonly params: number;
  /** Offset of the first instruction in `bytes`: the local declarations lie in front. */
  readonly codeStart: number;
  readonly count: number;
  readonly op: Uint16Array;
  readonly start: Int32Array;
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly match: Int32Array;
  readonly next: Int32Array;
  /** Block types (block-type.ts) of block, loop, if, try, try_table by instruction index. */
  readonly blockType: Float64Array;
  /** Labels of br_table by instruction index, the default last. */
  readonly labels: ReadonlyMap<number, readonly number[]>;
  readonly catches: ReadonlyMap<number, readonly CatchClause[]>;
  /** Type lists of typed selects and types of ref.null. */
  readonly types: ReadonlyMap<number, readonly ValueType[]>;
}

/** Decodes bodies, one at a time, into arrays that it keeps. */
export class BodyDecoder implements Body {
  offset = 0;
  bytes: Uint8Array = new Uint8Array(0);
  locals: ValueType[] = [];
  params = 0;
  codeStart = 0;
  count = 0;
  op = new Uint16Array(0);
  start = new Int32Array(0);
  a = new Int32Array(0);
  b = new Int32Array(0);
  match = new Int32Array(0);
  next = new Int32Array(0);
  blockType = new Float64Array(0);
  readonly labels = new Map<number, readonly number[]>();
  readonly catches = new Map<number, readonly CatchClause[]>();
  readonly types = new Map<number, readonly ValueType[]>();
  readonly #nesting = new Nesting();

  /**
   * Decodes `body`, a function with parameters of the types `params`.
   *
   * @returns this decoder, filled; what it held before is gone
   * @throws WasmFault "malformed" or "unsupported" with the byte offset
   */
  decode(body: FunctionBody, params: readonly ValueType[]): Body {
    const reader = new ByteReader(body.bytes, 0, body.bytes.length, body.offset);
    this.bytes = body.bytes;
    this.offset = body.offset;
    if (this.labels.size) this.labels.clear();
    if (this.catches.size) this.catches.clear();
    if (this.types.size) this.types.clear();
    try {
      this.#readLocals(reader, params);
      this.#reserve(reader.remaining);
      this.#readInstructions(reader);
    } catch (thrown) {
      throw WasmFault.from(thrown as BytesFault, "code section");
    }
    return this;
  }

  #readLocals(reader: ByteReader, params: readonly ValueType[]): void {
    this.params = params.length;
    const locals = params.slice();
    for (let groups = reader.count("groups of locals", 2); groups > 0; groups--) {
      const count = reader.u32("the number of locals");
      if (locals.length + count > LIMITS.locals) {
        throw reader.malformed(`at most ${LIMITS.locals} locals, found ${locals.length + count}`);
      }
      const type = readValueType(reader);
      for (let i = 0; i < count; i++) locals.push(type);
    }
    this.locals = locals;
    this.codeStart = reader.position;
  }

  #reserve(bytes: number): void {
    if (this.op.length > bytes) return;
    const capacity = Math.max(1024, bytes + 1, this.op.length * 2);
    this.op = new Uint16Array(capacity);
    this.start = new Int32Array(capacity + 1);
    this.a = new Int32Array(capacity);
    this.b = new Int32Array(capacity);
    this.match = new Int32Array(capacity);
    this.next = new Int32Array(capacity);
    this.blockType = new Float64Array(capacity);
  }

  #readInstructions(reader: ByteReader): void {
    const nesting = this.#nesting;
    nesting.begin();
    let index = 0;
    while (!reader.done) {
      if (nesting.over) throw reader.malformed("the end of the body behind its last end");
      index = this.#readUsual(reader, index);
      this.start[index] = reader.position;
      const code = readOpcode(reader);
      this.op[index] = code;
      this.#readImmediate(reader, code, index);
      if (code <= OP.tryTable) nesting.add(this, index, reader);
      index++;
    }
    if (!nesting.over) throw reader.malformed("end");
    this.start[index] = reader.position;
    this.count = index;
  }

  /**
   * Decodes a run of instructions of the usual forms (usual-form.ts) as instruction `index` and following, without
   * the calls and checks that the others need. Stops in front of whatever is not usual, malformed bytes included.
   *
   * @returns the index behind the run
   */
  #readUsual(reader: ByteReader, index: number): number {
    const { op, start, a } = this;
    const { bytes } = reader;
    const limit = reader.limit - USUAL_BYTES;
    let at = reader.position;
    for (; at <= limit; index++) {
      const code = bytes[at]!;
      const form = usualForm[code]!;
      if (form === FORM.other) break;
      op[index] = code;
      start[index] = at;
      if (form <= FORM.fixed) {
        at += 1 + form;
        continue;
      }
      let next = at + 1;
      if (form === FORM.memoryArgument) {
        if (bytes[next++]! >= 0x20) break;
        a[index] = 0;
      }
      const first = bytes[next]!;
      if (first < 0x80) {
        if (form === FORM.index) a[index] = first;
        else if (form === FORM.signed) a[index] = (first << 25) >> 25;
        at = next + 1;
        continue;
      }
      const last = endOfNumber(bytes, next, form);
      if (last < 0) break;
      if (form === FORM.index || form === FORM.signed) a[index] = longNumber(bytes, next, last, form === FORM.signed);
      at = last + 1;
    }
    reader.position = at;
    return index;
  }

  #readImmediate(reader: ByteReader, code: number, index: number): void {
    switch (immediateOf[code]) {
      case IMMEDIATE.none:
        return;
      case IMMEDIATE.label:
      case IMMEDIATE.function:
      case IMMEDIATE.type:
      case IMMEDIATE.local:
      case IMMEDIATE.global:
      case IMMEDIATE.table:
      case IMMEDIATE.memory:
      case IMMEDIATE.tag:
      case IMMEDIATE.data:
      case IMMEDIATE.element:
        this.a[index] = reader.u32("an index");
        return;
      case IMMEDIATE.i32:
        this.a[index] = reader.s32();
        return;
      case IMMEDIATE.i64:
        return reader.skipS64();
      case IMMEDIATE.f32:
        return reader.skip(4, "f32.const");
      case IMMEDIATE.f64:
        return reader.skip(8, "f64.const");
      case IMMEDIATE.v128:
        return reader.skip(16, "16 bytes");
      case IMMEDIATE.memoryArgument:
        return this.#readMemoryArgument(reader, index);
      case IMMEDIATE.memoryArgumentLane:
        this.#readMemoryArgument(reader, index);
        return reader.skip(1, "a lane");
      case IMMEDIATE.lane:
        return reader.skip(1, "a lane");
      case IMMEDIATE.blockType:
        this.blockType[index] = readBlockType(reader);
        return;
      case IMMEDIATE.typeTable:
      case IMMEDIATE.dataMemory:
      case IMMEDIATE.memoryMemory:
      case IMMEDIATE.elementTable:
      case IMMEDIATE.tableTable:
        this.a[index] = reader.u32("an index");
        this.b[index] = reader.u32("a second index");
        return;
      default:
        this.#readRareImmediate(reader, code, index);
    }
  }

  #readRareImmediate(reader: ByteReader, code: number, index: number): void {
    switch (immediateOf[code]) {
      case IMMEDIATE.labels: {
        const labels: number[] = [];
        for (let count = reader.count("labels"); count >= 0; count--) labels.push(reader.u32("a label"));
        this.labels.set(index, labels);
        return;
      }
      case IMMEDIATE.valueTypes: {
        const types: ValueType[] = [];
        for (let count = reader.count("types"); count > 0; count--) types.push(readValueType(reader));
        this.types.set(index, types);
        return;
      }
      case IMMEDIATE.heapType:
        this.types.set(index, [refType(readHeapType(reader), true)]);
        return;
      case IMMEDIATE.tryTable:
        this.blockType[index] = readBlockType(reader);
        this.catches.set(index, readCatches(reader));
        return;
      case IMMEDIATE.zeroByte:
        if (reader.u8() !== 0) throw reader.malformed("a zero byte");
        return;
    }
  }

  #readMemoryArgument(reader: ByteReader, index: number): void {
    const flags = reader.u32("the alignment of a memory argument");
    if (flags >= 0x80 || (flags & 0x3f) >= 0x20) throw reader.malformed("an alignment below 2^32");
    this.a[index] = flags & 0x40 ? reader.u32("a memory index") : 0;
    // The offset is never needed as a number, and may be 64 bits wide.
    reader.u64("the offset of a memory argument");
  }
}
