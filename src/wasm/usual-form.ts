// Instructions of the usual forms: one byte and at most one number. Nine in ten are, so that body.ts reads runs of them
// in a loop of its own; what is unusual or malformed is left to its general way, which also words the faults.

import { IMMEDIATE, immediateOf } from "./opcode.ts";

/** Forms of instructions; up to `fixed` the number of bytes behind the opcode. */
export const FORM = { fixed: 8, index: 9, signed: 10, skipped: 11, memoryArgument: 12, other: 255 } as const;

/** No usual instruction is longer: an opcode, an alignment, a number of at most nine bytes. */
export const USUAL_BYTES = 11;

const NESTING = [0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0b, 0x18, 0x19, 0x1f];

/** The form of an instruction by its first byte. */
export const usualForm: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  return NESTING.includes(code) || code >= 0xfb ? FORM.other : formOf(immediateOf[code]!);
});

function formOf(immediate: number): number {
  switch (immediate) {
    case IMMEDIATE.none:
      return 0;
    case IMMEDIATE.f32:
      return 4;
    case IMMEDIATE.f64:
      return 8;
    case IMMEDIATE.label:
    case IMMEDIATE.function:
    case IMMEDIATE.type:
    case IMMEDIATE.local:
    case IMMEDIATE.global:
    case IMMEDIATE.table:
    case IMMEDIATE.memory:
      return FORM.index;
    case IMMEDIATE.i32:
      return FORM.signed;
    case IMMEDIATE.i64:
      return FORM.skipped;
    case IMMEDIATE.memoryArgument:
      return FORM.memoryArgument;
    default:
      return FORM.other;
  }
}

/**
 * Position of the last byte of the LEB128 that begins at `first`; -1 if it may be malformed: an index or signed
 * number of more than 5 bytes or 32 bits, another of more than 9 bytes.
 */
export function endOfNumber(bytes: Uint8Array, first: number, form: number): number {
  const bound = form === FORM.index || form === FORM.signed ? 5 : 9;
  let last = first;
  while (bytes[last]! >= 0x80) if (++last - first === bound) return -1;
  if (bound === 9 || last - first < 4) return last;
  const top = bytes[last]!;
  return top < (form === FORM.index ? 0x10 : 0x08) || (form === FORM.signed && top >= 0x78) ? last : -1;
}

/** The number whose LEB128 lies from `first` to `last`, at most 5 bytes, as 32 bits. */
export function longNumber(bytes: Uint8Array, first: number, last: number, signed: boolean): number {
  let value = 0;
  for (let at = first, shift = 0; at <= last; at++, shift += 7) value |= (bytes[at]! & 0x7f) << shift;
  const unused = 32 - 7 * (last - first + 1);
  return signed && unused > 0 ? (value << unused) >> unused : value;
}
