// Marks of granules: a byte each.

/** Marks in a word. */
export const MARKS_IN_WORD = Int32Array.BYTES_PER_ELEMENT;

export class GranuleMarks {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;

  /** @param begin of the first one in the buffer; a multiple of 4, as is `count` */
  constructor(buffer: ArrayBufferLike, begin: number, count: number) {
    this.bytes = new Uint8Array(buffer, begin, count);
    this.words = new Int32Array(buffer, begin, count / MARKS_IN_WORD);
  }

  /** Whether something may have been written into a granule: a mark speaks for what lies behind its own, too. */
  static reached({ bytes }: GranuleMarks, at: number): boolean {
    return bytes[at] !== 0 || (at > 0 && bytes[at - 1] !== 0);
  }

  /** Whether something may have been written into any granule of a word of marks. */
  static inWord({ bytes, words }: GranuleMarks, word: number): boolean {
    return words[word] !== 0 || (word > 0 && bytes[word * MARKS_IN_WORD - 1] !== 0);
  }

  /** The first marked granule from one on, up to another one; that one if there is none. */
  next(from: number, end: number): number {
    for (let at = from; at < end; at++) {
      while (at % MARKS_IN_WORD === 0 && at < end && this.words[at / MARKS_IN_WORD] === 0) at += MARKS_IN_WORD;
      if (at >= end) break;
      if (this.bytes[at] !== 0) return at;
    }
    return end;
  }
}
