// Sizes of encoded things, so that large sections are written without a copy.

/** Bytes of the LEB128 of an unsigned number of at most 32 bits. */
export function sizeOfU32(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
