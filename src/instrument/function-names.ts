// The name section of a side module: each continuation is called by the index of its function in the original, so that
// whoever reads a stack trace can tell people the original's names. Those are not decoded here: a thaw is in a hurry.

import { ByteWriter } from "../util/index.ts";

/** What a stack trace calls the continuations of function 12: `#12`. */
export const CONTINUATION_NAME = /^#(\d+)$/;

/** Id of the subsection of function names. */
const FUNCTION_NAMES = 1;

/** The section's content. @param functions original function index of each function from `first` on */
export function continuationNames(first: number, functions: readonly number[]): Uint8Array {
  const names = new ByteWriter();
  names.u32(functions.length);
  functions.forEach((index, place) => {
    names.u32(first + place);
    names.name(`#${index}`);
  });
  const writer = new ByteWriter();
  writer.u8(FUNCTION_NAMES);
  writer.sized(names.view());
  return writer.toBytes();
}
