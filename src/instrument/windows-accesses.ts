// Which instructions access a memory, how wide, and with which operands: what windows must know of each.

import { WINDOW } from "../abi/index.ts";
import {
  BOTTOM,
  type Body,
  F32,
  F64,
  I32,
  I64,
  OP,
  opcodeBytes,
  opcodeDefined,
  opcodeName,
  V128,
  type ValueType,
} from "../wasm/index.ts";

export interface Access {
  readonly code: number;
  /** Bytes that are read or written, at most 16. */
  readonly bytes: number;
  readonly atomic: boolean;
  /** Whether the instruction ends with the number of a lane. */
  readonly lane: boolean;
  /** WINDOW.read or WINDOW.write; an instruction that does both needs the latter, which implies the former. */
  readonly need: number;
  /** Types of the operands behind the address. */
  readonly operands: readonly ValueType[];
  /** BOTTOM for none. */
  readonly result: ValueType;
}

/** The memory argument of an access. */
export interface MemoryArgument {
  /** Exponent of the alignment. */
  readonly align: number;
  readonly offset: number;
  /** The lane behind it; -1 without. */
  readonly lane: number;
}

const TYPES: Readonly<Record<string, ValueType>> = { i32: I32, i64: I64, f32: F32, f64: F64, v128: V128 };
const WIDTHS: ReadonlyMap<ValueType, number> = new Map([
  [I32, 4],
  [I64, 8],
  [F32, 4],
  [F64, 8],
  [V128, 16],
]);

const NOTIFY = 0x400;

/** Loads, stores and atomic operations but the waits, by opcode. */
const ACCESSES: readonly (Access | undefined)[] = Array.from({ length: 0x450 }, (_, code) =>
  opcodeDefined(code) ? describe(code, opcodeName(code)) : undefined,
);

function describe(code: number, name: string): Access | undefined {
  if (code === NOTIFY) {
    return { code, bytes: 4, atomic: true, lane: false, need: WINDOW.read, operands: [I32], result: I32 };
  }
  const match = /^(i32|i64|f32|f64|v128)\.(atomic\.)?(load|store|rmw)(\d*)(x\d)?(_lane)?(?:\.?(\w+))?$/.exec(name);
  if (!match) return undefined;
  const [, prefix = "", atomic, kind, width, pairs, lane, detail] = match;
  const type = TYPES[prefix]!;
  const bytes = pairs ? 8 : width ? Number(width) / 8 : WIDTHS.get(type)!;
  const count = kind === "rmw" ? (detail!.startsWith("cmpxchg") ? 2 : 1) : kind === "store" || lane ? 1 : 0;
  return {
    code,
    bytes,
    atomic: atomic !== undefined,
    lane: lane !== undefined,
    need: kind === "load" ? WINDOW.read : WINDOW.write,
    operands: new Array<ValueType>(count).fill(type),
    result: kind === "store" ? BOTTOM : type,
  };
}

/** The access that an instruction is; undefined for waits, bulk operations and everything else. */
export function accessOf(code: number): Access | undefined {
  return ACCESSES[code];
}

/**
 * Whether windows make the instruction a safe point beside those of isPiecewise: it accesses memory 0. So does
 * memory.grow of any memory where that is a request. Follows from the original alone.
 */
export function isExtended(body: Body, at: number): boolean {
  const { op, a, b } = body;
  const code = op[at]!;
  switch (code) {
    case OP.memoryGrow:
      return true;
    case OP.memoryCopy:
      return a[at] === 0 || b[at] === 0;
    case OP.memoryFill:
      return a[at] === 0;
    case OP.memoryInit:
      return b[at] === 0;
    default:
      return ACCESSES[code] !== undefined && a[at] === 0;
  }
}

/** How many operands an operation that is a safe point takes. */
export function operandCount(code: number): number {
  if (code === OP.memoryGrow) return 1;
  const access = ACCESSES[code];
  return access ? 1 + access.operands.length : 3;
}

/** Reads the memory argument of the access at `at`. */
export function memoryArgument(body: Body, at: number): MemoryArgument {
  const { bytes, start, op } = body;
  let position = start[at]! + opcodeBytes(op[at]!).length;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const flags = number();
  if (flags & 0x40) number();
  const offset = number();
  return { align: flags & 0x3f, offset, lane: ACCESSES[op[at]!]?.lane ? number() : -1 };
}

/** The opcodes of all loads, stores and atomic operations but the waits. */
export function memoryAccessCodes(): readonly number[] {
  return ACCESSES.flatMap((access) => (access ? [access.code] : []));
}
