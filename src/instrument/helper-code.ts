// Writes the bodies of shared functions that work on several memories: the few instructions they are made of, by name.

import type { ByteWriter } from "../util/index.ts";
import { BOTTOM, I32, I64, OP, opcodeBytes, type ValueType } from "../wasm/index.ts";
import { type Space, writeAccess } from "./space.ts";

export class HelperCode {
  readonly writer: ByteWriter;
  readonly space: Space;

  /** @param locals types of the locals behind the parameters */
  constructor(writer: ByteWriter, space: Space, locals: readonly ValueType[]) {
    this.writer = writer;
    this.space = space;
    writer.u32(locals.length);
    for (const type of locals) writer.bytes([1, type]);
  }

  op(...codes: readonly number[]): this {
    this.writer.bytes(codes);
    return this;
  }

  get(local: number): this {
    return this.#indexed(OP.localGet, local);
  }

  set(local: number): this {
    return this.#indexed(OP.localSet, local);
  }

  tee(local: number): this {
    return this.#indexed(OP.localTee, local);
  }

  i32(value: number): this {
    this.writer.u8(OP.i32Const);
    this.writer.s32(value | 0);
    return this;
  }

  i64(value: bigint): this {
    this.writer.u8(OP.i64Const);
    this.writer.s64(value);
    return this;
  }

  /** The local as an i64. */
  wide(local: number, type: ValueType = I32): this {
    this.get(local);
    return type === I64 ? this : this.op(OP.i64ExtendI32U);
  }

  call(functionIndex: number): this {
    return this.#indexed(OP.call, functionIndex);
  }

  /** Reads or writes a global. */
  global(code: number, index: number): this {
    return this.#indexed(code, index);
  }

  /** Calls a hook; its parameters lie on the stack. */
  hook(number: number, params: readonly ValueType[], results: readonly ValueType[]): this {
    this.i32(number).op(OP.callIndirect);
    this.writer.u32(this.space.typeIndex(params, results));
    this.writer.u32(this.space.hooksTable);
    return this;
  }

  /** Opens an `if`, `block` or `loop` with a result or none. */
  open(code: number, result: ValueType = BOTTOM): this {
    return this.op(code, result === BOTTOM ? 0x40 : result);
  }

  end(): this {
    return this.op(OP.end);
  }

  /** A load, store or atomic operation. */
  access(code: number, memory: number, align = 0, offset = 0): this {
    writeAccess(this.writer, code, memory, align, offset);
    return this;
  }

  /** memory.copy between two memories. */
  copy(to: number, from: number): this {
    this.writer.bytes(opcodeBytes(OP.memoryCopy));
    this.writer.u32(to);
    this.writer.u32(from);
    return this;
  }

  /** memory.fill of a memory. */
  fill(memory: number): this {
    this.writer.bytes(opcodeBytes(OP.memoryFill));
    this.writer.u32(memory);
    return this;
  }

  /** The windows' limit. */
  limit(): this {
    return this.#indexed(OP.globalGet, this.space.windows!.limitGlobal);
  }

  /** The size of a memory in bytes, as an i64. */
  bytesOf(memory: number, index64: boolean): this {
    this.#indexed(OP.memorySize, memory);
    if (!index64) this.op(OP.i64ExtendI32U);
    return this.i64(16n).op(I64_SHL);
  }

  /** Ends the function. */
  done(): void {
    this.op(OP.end);
  }

  #indexed(code: number, index: number): this {
    this.writer.u8(code);
    this.writer.u32(index);
    return this;
  }
}

const I64_SHL = 0x86;
