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
//
// Above 400 lines: the decoder writes these arrays in one pass, and they are not to be seen half written elsewhere.

import { ByteReader, type BytesFault } from "../util/index.ts";
import { WasmFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { IMMEDIATE, immediateOf, OP, opcodeDefined, opcodeName } from "./opcode.ts";
import { F32, F64, type FunctionBody, I32, I64, refType, V128, type ValueType } from "./types.ts";
import { endOfNumber, FORM, longNumber, USUAL_BYTES, usualForm } from "./usual-form.ts";
import { readHeapType, readValueType } from "./value-type.ts";

/** Block types: BLOCK_EMPTY, a type index, or BLOCK_VALUE + a value type. */
export const BLOCK_EMPTY = -1;
export const BLOCK_VALUE = 2 ** 32;

/** One clause of a try_table; `tag` is -1 for catch_all and catch_all_ref. */
export interface CatchClause {
  readonly tag: number;
  readonly ref: boolean;
  /** Label, counted from outside the try_table. */
  readonly label: number;
}

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
  /** Block types of block, loop, if, try, try_table by instruction index; see BLOCK_EMPTY. */
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
  #open = new Int32Array(64);

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
    let index = 0;
    let depth = 0;
    while (!reader.done) {
      if (depth < 0) throw reader.malformed("the end of the body behind its last end");
      index = this.#readUsual(reader, index);
      this.start[index] = reader.position;
      const code = readOpcode(reader);
      this.op[index] = code;
      this.#readImmediate(reader, code, index);
      if (code <= OP.tryTable) depth = this.#nest(code, index, depth, reader);
      index++;
    }
    if (depth >= 0) throw reader.malformed("end");
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

  /** Matches blocks with their ends; the new depth, -1 behind the end of the function. */
  #nest(code: number, index: number, depth: number, reader: ByteReader): number {
    const { match, next } = this;
    switch (code) {
      case OP.block:
      case OP.loop:
      case OP.if:
      case OP.try:
      case OP.tryTable:
        if (depth === this.#open.length) this.#open = grown(this.#open);
        this.#open[depth] = index;
        next[index] = -1;
        return depth + 1;
      case OP.else:
      case OP.catch:
      case OP.catchAll: {
        const opener = depth > 0 ? this.#open[depth - 1]! : -1;
        const wanted = code === OP.else ? OP.if : OP.try;
        const last = opener < 0 ? -1 : this.#lastClause(opener);
        const closed = last >= 0 && (this.op[last] === OP.catchAll || this.op[last] === OP.else);
        if (opener < 0 || this.op[opener] !== wanted || closed) {
          throw reader.malformed(
            `an open ${opcodeName(wanted)} for ${opcodeName(code)}`,
            this.offset + this.start[index]!,
          );
        }
        next[last] = index;
        match[index] = opener;
        next[index] = -1;
        return depth;
      }
      case OP.delegate:
      case OP.end: {
        if (depth === 0) {
          if (code === OP.delegate)
            throw reader.malformed("an open try for delegate", this.offset + this.start[index]!);
          match[index] = -1;
          return -1;
        }
        const opener = this.#open[depth - 1]!;
        if (code === OP.delegate && (this.op[opener] !== OP.try || next[opener] !== -1)) {
          throw reader.malformed("an open try without catch for delegate", this.offset + this.start[index]!);
        }
        next[this.#lastClause(opener)] = index;
        match[opener] = index;
        match[index] = opener;
        return depth - 1;
      }
      default:
        return depth;
    }
  }

  #lastClause(opener: number): number {
    let last = opener;
    while (this.next[last]! > 0) last = this.next[last]!;
    return last;
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

function readOpcode(reader: ByteReader): number {
  const at = reader.offset;
  const byte = reader.u8("an instruction");
  let code = byte;
  if (byte >= 0xfb && byte <= 0xfe) {
    const sub = reader.u32("an instruction behind its prefix");
    if (byte === 0xfb) throw gcInstruction(sub, at);
    const limit = byte === 0xfd ? 0x200 : 0x100;
    code = sub < limit ? sub + (byte === 0xfc ? 0x100 : byte === 0xfd ? 0x200 : 0x400) : 0xffff;
    if (byte === 0xfe && sub >= 0x50) code = 0xffff;
  }
  if (opcodeDefined(code)) return code;
  if (byte === 0xd3) throw gcInstruction(-1, at);
  if (byte >= 0xe0 && byte <= 0xe6) throw stackSwitching(byte, at);
  throw new WasmFault("malformed", `expected an instruction, found opcode 0x${byte.toString(16)}`, {
    offset: at,
    section: "code section",
  });
}

function gcInstruction(sub: number, offset: number): WasmFault {
  const name = sub < 0 ? "ref.eq" : (GC_NAMES[sub] ?? `gc instruction 0x${sub.toString(16)}`);
  return new WasmFault("unsupported", `${name} is an instruction of garbage collection, which rtcr does not save`, {
    offset,
    section: "code section",
    instruction: name,
  });
}

/** The proposal has been given these opcodes and is no part of WebAssembly 3.0. */
function stackSwitching(byte: number, offset: number): WasmFault {
  const statement = `opcode 0x${byte.toString(16)} belongs to the proposal "stack switching", which is not supported`;
  return new WasmFault("unsupported", statement, { offset, section: "code section", proposal: "stack switching" });
}

const GC_NAMES = (
  "struct.new struct.new_default struct.get struct.get_s struct.get_u struct.set array.new array.new_default " +
  "array.new_fixed array.new_data array.new_elem array.get array.get_s array.get_u array.set array.len array.fill " +
  "array.copy array.init_data array.init_elem ref.test ref.test_null ref.cast ref.cast_null br_on_cast " +
  "br_on_cast_fail any.convert_extern extern.convert_any ref.i31 i31.get_s i31.get_u"
).split(" ");

function readBlockType(reader: ByteReader): number {
  const byte = reader.bytes[reader.position];
  if (byte === 0x40) {
    reader.position++;
    return BLOCK_EMPTY;
  }
  if (byte === I32 || byte === I64 || byte === F32 || byte === F64 || byte === V128) {
    reader.position++;
    return BLOCK_VALUE + byte;
  }
  if (byte !== undefined && byte >= 0x40 && byte < 0x80) return BLOCK_VALUE + readValueType(reader);
  const index = reader.s33("a block type");
  if (index < 0) throw reader.malformed("a block type");
  return index;
}

function readCatches(reader: ByteReader): CatchClause[] {
  const clauses: CatchClause[] = [];
  for (let count = reader.count("catch clauses", 2); count > 0; count--) {
    const kind = reader.u8("a catch clause");
    if (kind > 3) throw reader.malformed("a catch clause (0 to 3)");
    const tag = kind < 2 ? reader.u32("a tag index") : -1;
    clauses.push({ tag, ref: (kind & 1) === 1, label: reader.u32("a label") });
  }
  return clauses;
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
