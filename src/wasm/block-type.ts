// The immediates of instructions that open blocks.

import type { ByteReader } from "../util/index.ts";
import { F32, F64, I32, I64, V128 } from "./types.ts";
import { readValueType } from "./value-type.ts";

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

/** As `Body.blockType` has it. @throws BytesFault */
export function readBlockType(reader: ByteReader): number {
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

/** The clauses of a try_table, in their order. @throws BytesFault */
export function readCatches(reader: ByteReader): CatchClause[] {
  const clauses: CatchClause[] = [];
  for (let count = reader.count("catch clauses", 2); count > 0; count--) {
    const kind = reader.u8("a catch clause");
    if (kind > 3) throw reader.malformed("a catch clause (0 to 3)");
    const tag = kind < 2 ? reader.u32("a tag index") : -1;
    clauses.push({ tag, ref: (kind & 1) === 1, label: reader.u32("a label") });
  }
  return clauses;
}
