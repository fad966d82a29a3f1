// Writes single instructions of instrumented code, with the hints of its branches; knows nothing of an original's body.
import { CONTROL } from "../abi/index.ts";
import { ByteWriter } from "../util/index.ts";
import { OP, opcodeBytes, type ValueType } from "../wasm/index.ts";
import type { Space } from "./space.ts";

/** An operand of an operation that has its operands in locals. */
export interface Operand {
  readonly local: number;
  readonly type: ValueType;
}

export class CodeWriter {
  readonly space: Space;
  readonly code = new ByteWriter(1 << 12);
  /** Offsets in `code` of branches that are hardly ever taken. */
  readonly hints: number[] = [];

  constructor(space: Space) {
    this.space = space;
  }

  loadFlag(): void {
    this.constant(0);
    this.control(OP.i32Load, CONTROL.flag);
  }

  /** An access to the control memory. */
  control(code: number, offset: number): void {
    this.space.writeControlAccess(this.code, code, offset);
  }

  /** Writes a conditional branch or `if` and hints that it is hardly ever taken. */
  unlikely(code: number): void {
    this.hints.push(this.code.length);
    this.code.u8(code);
  }

  constant(value: number): void {
    this.code.u8(OP.i32Const);
    this.code.s32(value);
  }

  local(code: number, local: number): void {
    this.code.u8(code);
    this.code.u32(local);
  }

  call(functionIndex: number): void {
    this.code.u8(OP.call);
    this.code.u32(functionIndex);
  }

  throwFreeze(): void {
    this.code.u8(OP.throw);
    this.code.u32(this.space.freezeTag);
  }

  opcode(code: number): void {
    for (const byte of opcodeBytes(code)) this.code.u8(byte);
  }
}
