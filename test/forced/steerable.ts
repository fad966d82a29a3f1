// A module whose branches go where a table says: the same functions with the same sites, but every `if`, `br_if`,
// `br_table` and `call_indirect` asks `$choose` which way to take, and what would trap on odd values is kept from it.
//
// Table of choices: the last memory, 16 bytes each: skipped u32, count u32, first u16, other u16. So many times as
// `skipped` says a choice gives `other`, then so many as `count` says `first`, and `other` again from then on; OWN leaves
// the program its own value. Entry 0 begins with the fuel: so many choices may be made.
//
// Kept from trapping: addresses are cut to the first half of a memory twice as large, divisors are odd, conversions
// saturate, memory never grows. Bulk operations move two pieces.

import { assert, ByteWriter } from "../../src/util/index.ts";
import {
  type Body,
  BodyDecoder,
  decodeModule,
  encodeModule,
  F32,
  F64,
  type FunctionBody,
  type FunctionType,
  I32,
  I64,
  type IndexSpaces,
  indexSpaces,
  type Limits,
  type Module,
  OP,
  opcodeName,
  V128,
  type ValueType,
} from "../../src/wasm/index.ts";

/** A choice that leaves the program's own value. */
export const OWN = 0xffff;
const CHOICE_BYTES = 16;

/** One entry of the table. */
export interface Choice {
  readonly skipped: number;
  readonly count: number;
  readonly first: number;
  readonly other: number;
}

const PAGE = 65_536;
/** Locals that are added to every function: the operands of bulk operations, and one of each type. */
const ADDED: readonly ValueType[] = [I32, I32, I32, I64, F32, F64, V128];
/** What a bulk operation moves: more than one piece of 4096 bytes. */
const BULK_BYTES = 0x2100;

export interface Steerable {
  readonly original: Module;
  readonly module: Module;
  readonly spaces: IndexSpaces;
  /** Number of the choice by function index and instruction; only for instructions that choose. */
  readonly choices: ReadonlyMap<number, ReadonlyMap<number, number>>;
  readonly choiceCount: number;
  /** Index of the memory that holds the choices. */
  readonly memory: number;
  /** For every function index: the position of an instruction in the original, to that in this module. */
  readonly moved: ReadonlyMap<number, ReadonlyMap<number, number>>;
}

/** @throws AssertionError for a module that has no memory of its own with 32-bit addresses */
export function steerable(bytes: Uint8Array): Steerable {
  const original = decodeModule(bytes);
  const spaces = indexSpaces(original);
  const [memory] = original.memories;
  assert(memory && !memory.index64 && spaces.importedMemories === 0, "a module with an own memory of 32-bit addresses");
  const choices = new Map<number, Map<number, number>>();
  const moved = new Map<number, Map<number, number>>();
  const place = { choose: spaces.functions.length, memory: spaces.memories.length };
  const half = 2 ** Math.ceil(Math.log2(Math.max(1, memory.min)));
  const writer = new Writer(place.choose, half * PAGE - 1);
  const decoder = new BodyDecoder();
  const code = original.code.map((body, number): FunctionBody => {
    const index = spaces.importedFunctions + number;
    const { params } = original.types[original.functions[number]!] as FunctionType;
    const made = writer.body(decoder.decode(body, params));
    choices.set(index, made.choices);
    moved.set(index, made.moved);
    return { bytes: made.bytes, offset: body.offset };
  });
  const larger: Limits = {
    ...memory,
    min: half * 2,
    ...(memory.max === undefined ? {} : { max: Math.max(memory.max, half * 2) }),
  };
  const pages = Math.ceil((writer.choices * CHOICE_BYTES) / PAGE);
  const module: Module = {
    ...original,
    types: [...original.types, { kind: "func", params: [I32, I32], results: [I32] }],
    functions: [...original.functions, original.types.length],
    memories: [larger, ...original.memories.slice(1), { min: pages, max: pages, shared: false, index64: false }],
    code: [...code, { bytes: chooseBody(place.memory), offset: 0 }],
    customs: [],
    start: undefined,
  };
  return { original, module, spaces, choices, choiceCount: writer.choices, memory: place.memory, moved };
}

/** The module for the plain engine: every function `f<index>` and every memory `m<index>` can be reached. */
export function opened({ module, spaces, memory }: Steerable): Uint8Array<ArrayBuffer> {
  const functions = Array.from(spaces.functions, (_, index) => ({ name: `f${index}`, kind: "func" as const, index }));
  const memories = Array.from({ length: memory + 1 }, (_, index) => ({
    ...{ name: `m${index}`, kind: "memory" as const, index },
  }));
  return encodeModule({ ...module, exports: [...functions, ...memories] }) as Uint8Array<ArrayBuffer>;
}

/** Writes bodies; numbers choices through all of them, from 1 on. */
class Writer {
  choices = 1;
  readonly #choose: number;
  readonly #mask: number;
  #out = new ByteWriter();
  #firstAdded = 0;

  constructor(choose: number, mask: number) {
    this.#choose = choose;
    this.#mask = mask;
  }

  body(body: Body): { bytes: Uint8Array; choices: Map<number, number>; moved: Map<number, number> } {
    const out = (this.#out = new ByteWriter(body.bytes.length * 2));
    this.#firstAdded = body.locals.length;
    this.#locals(body);
    const choices = new Map<number, number>();
    const moved = new Map<number, number>([[0, 0]]);
    for (let at = 0; at < body.count; at++) {
      if (chooses(body.op[at]!)) {
        choices.set(at, this.choices);
        this.#i32(this.choices++);
        this.#indexed(OP.call, this.#choose);
      } else this.#guard(body, at);
      moved.set(body.start[at]!, out.length);
      const saturating = saturatingOf(body.op[at]!);
      if (saturating >= 0) out.bytes([0xfc, saturating]);
      else out.copy(body.bytes, body.start[at]!, body.start[at + 1]!);
      if (body.op[at] === OP.loop) this.#burn();
    }
    return { bytes: out.toBytes(), choices, moved };
  }

  /** Takes fuel, so that no loop is endless. */
  #burn(): void {
    this.#i32(0);
    this.#i32(0);
    this.#indexed(OP.call, this.#choose);
    this.#out.u8(OP.drop);
  }

  #locals({ bytes, codeStart }: Body): void {
    let groupsEnd = 0;
    let groups = 0;
    for (let shift = 1; ; shift *= 0x80) {
      const byte = bytes[groupsEnd++]!;
      groups += (byte & 0x7f) * shift;
      if (byte < 0x80) break;
    }
    this.#out.u32(groups + ADDED.length);
    this.#out.copy(bytes, groupsEnd, codeStart);
    for (const type of ADDED) this.#out.bytes([1, type]);
  }

  /** Makes the operands of instruction `at` harmless. */
  #guard({ op, a }: Body, at: number): void {
    const code = op[at]!;
    const name = opcodeName(code);
    if (code === OP.memoryGrow) this.#and(0);
    else if (code === OP.memoryCopy || code === OP.memoryFill) this.#bulk(code === OP.memoryCopy);
    else if (/^i32\.(div|rem)/.test(name)) this.#i32(1, OP.i32Or);
    else if (/^i64\.(div|rem)/.test(name)) this.#out.bytes([OP.i64Const, 1, 0x84]);
    else if (/\.(load|store)/.test(name) && !name.includes("atomic") && a[at] === 0) {
      const above = operandAbove(name);
      if (above === undefined) return this.#and(this.#mask);
      const local = this.#firstAdded + ADDED.lastIndexOf(above);
      this.#indexed(OP.localSet, local);
      this.#and(this.#mask);
      this.#indexed(OP.localGet, local);
    }
  }

  /** The length becomes BULK_BYTES, whatever it is; not as a constant, which would be no site. */
  #bulk(copies: boolean): void {
    const [second, first, length] = [this.#firstAdded, this.#firstAdded + 1, this.#firstAdded + 2];
    this.#and(0);
    this.#i32(BULK_BYTES, OP.i32Or);
    this.#indexed(OP.localSet, length);
    this.#indexed(OP.localSet, second);
    this.#indexed(OP.localSet, first);
    this.#indexed(OP.localGet, first);
    this.#and(this.#mask);
    this.#indexed(OP.localGet, second);
    if (copies) this.#and(this.#mask);
    this.#indexed(OP.localGet, length);
  }

  #and(mask: number): void {
    this.#i32(mask, OP.i32And);
  }

  #i32(value: number, then?: number): void {
    this.#out.u8(OP.i32Const);
    this.#out.s32(value);
    if (then !== undefined) this.#out.u8(then);
  }

  #indexed(code: number, index: number): void {
    this.#out.u8(code);
    this.#out.u32(index);
  }
}

/** Whether an instruction takes one of several ways. */
function chooses(code: number): boolean {
  return [OP.if, OP.brIf, OP.brTable, OP.callIndirect, OP.returnCallIndirect].includes(code as never);
}

/** Type of the operand above the address, by the instruction's name; undefined for loads. */
function operandAbove(name: string): ValueType | undefined {
  if (name.startsWith("v128.") && /store|lane/.test(name)) return V128;
  if (!name.includes("store")) return undefined;
  return { i32: I32, i64: I64, f32: F32, f64: F64 }[name.slice(0, 3)];
}

/** Behind 0xfc, the conversion that saturates; -1 for other instructions. */
function saturatingOf(code: number): number {
  if (code >= 0xa8 && code <= 0xab) return code - 0xa8;
  return code >= 0xae && code <= 0xb1 ? code - 0xae + 4 : -1;
}

/** Writes entry `number` of a table. */
export function writeChoice(table: DataView, number: number, { skipped, count, first, other }: Choice): void {
  const at = number * CHOICE_BYTES;
  table.setUint32(at + FIELD.skipped, skipped, true);
  table.setUint32(at + FIELD.count, count, true);
  table.setUint16(at + FIELD.first, first, true);
  table.setUint16(at + FIELD.other, other, true);
}

/** Offsets in an entry. */
const FIELD = { skipped: 0, count: 4, first: 8, other: 10 };

/** `(func $choose (param $own i32) (param $choice i32) (result i32))` */
function chooseBody(memory: number): Uint8Array {
  const out = new ByteWriter();
  const [own, choice, left, value] = [0, 1, 2, 3];
  const load16 = 0x2f;
  const get = (local: number) => out.bytes([OP.localGet, local]);
  const access = (code: number, offset: number) => {
    out.bytes([code, (code === load16 ? 1 : 2) | 0x40]);
    out.u32(memory);
    out.u32(offset);
  };
  const load = (field: number, code: number = OP.i32Load) => {
    get(choice);
    access(code, field);
  };
  const countDown = (field: number) => {
    get(choice);
    get(left);
    out.bytes([OP.i32Const, 1, OP.i32Sub]);
    access(OP.i32Store, field);
  };
  out.bytes([1, 2, I32]);
  out.bytes([OP.i32Const, 0, OP.i32Const, 0]);
  access(OP.i32Load, 0);
  out.bytes([OP.localTee, left, OP.i32Eqz, OP.if, 0x40, OP.unreachable, OP.end]);
  get(left);
  out.bytes([OP.i32Const, 1, OP.i32Sub]);
  access(OP.i32Store, 0);
  get(choice);
  out.bytes([OP.i32Const, Math.log2(CHOICE_BYTES), OP.i32Shl, OP.localSet, choice, OP.block, 0x40, OP.block, 0x40]);
  load(FIELD.skipped);
  out.bytes([OP.localTee, left, OP.if, 0x40]);
  countDown(FIELD.skipped);
  out.bytes([OP.br, 1, OP.end]);
  load(FIELD.count);
  out.bytes([OP.localTee, left, OP.i32Eqz, OP.brIf, 0]);
  countDown(FIELD.count);
  load(FIELD.first, load16);
  out.bytes([OP.localSet, value, OP.br, 1, OP.end]);
  load(FIELD.other, load16);
  out.bytes([OP.localSet, value, OP.end]);
  for (const local of [own, value, value]) get(local);
  out.u8(OP.i32Const);
  out.s32(OWN);
  out.bytes([OP.i32Eq, OP.select, OP.end]);
  return out.toBytes();
}
