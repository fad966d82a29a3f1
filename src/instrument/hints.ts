// The custom section `metadata.code.branch_hint`: which branches are hardly ever taken (branch hinting proposal).

import { ByteWriter } from "../util/index.ts";

/** Branches of one function: offsets from the beginning of its body, local declarations included, ascending. */
export interface FunctionHints {
  readonly function: number;
  readonly offsets: readonly number[];
}

/** The section's content, all hints being "unlikely"; functions must come in ascending order. */
export function branchHints(functions: readonly FunctionHints[]): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(functions.length);
  for (const { function: index, offsets } of functions) {
    writer.u32(index);
    writer.u32(offsets.length);
    for (const offset of offsets) {
      writer.u32(offset);
      writer.u8(1);
      writer.u8(0);
    }
  }
  return writer.toBytes();
}
