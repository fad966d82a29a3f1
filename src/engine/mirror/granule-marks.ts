// Marks of granules: a byte each.

const WORD = Int32Array.BYTES_PER_ELEMENT;

export class GranuleMarks {
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;

  /** @param begin of the first one in the buffer; a multiple of 4, as is `count` */
  constructor(buffer: ArrayBufferLike, begin: number, count: number) {
    this.bytes = new Uint8Array(buffer, begin, count);
    this.#words = new Int32Array(buffer, begin, count / WORD);
  }

  /** The first marked granule from one on, up to another one; that one if there is none. */
  next(from: number, end: number): number {
    for (let at = from; at < end; at++) {
      while (at % WORD === 0 && at < end && this.#words[at / WORD] === 0) at += WORD;
      if (at >= end) break;
      if (this.bytes[at] !== 0) return at;
    }
    return end;
  }
}
