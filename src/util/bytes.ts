// Reading and writing little-endian bytes and LEB128, with bounds. The only place that knows LEB128.
//
// ByteReader never reads past its limit and never allocates by a count it has not checked against the bytes left;
// whatever is wrong ends in one BytesFault with the absolute offset and what was expected there.

import { Fault } from "./fault.ts";

/** The bytes ended early or do not have the form expected at `detail.offset`. */
export class BytesFault extends Fault<"unexpected-end" | "malformed"> {}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A cursor over bytes. `base` is added to offsets in faults, so that they are offsets into the whole input. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly base: number;
  readonly limit: number;
  position: number;

  constructor(bytes: Uint8Array, position = 0, limit = bytes.length, base = 0) {
    this.bytes = bytes;
    this.position = position;
    this.limit = limit;
    this.base = base;
  }

  get offset(): number {
    return this.base + this.position;
  }

  get remaining(): number {
    return this.limit - this.position;
  }

  get done(): boolean {
    return this.position >= this.limit;
  }

  u8(what = "a byte"): number {
    if (this.position >= this.limit) throw this.#end(what);
    return this.bytes[this.position++]!;
  }

  /** Unsigned LEB128, at most 32 bits. */
  u32(what = "an unsigned 32-bit number"): number {
    const first = this.u8(what);
    if (first < 0x80) return first;
    let result = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.u8(what);
      if (shift === 28 && byte > 0x0f) break;
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return result;
    }
    throw this.malformed(`${what} (LEB128 of at most 5 bytes and 32 bits)`);
  }

  /** Signed LEB128, at most 32 bits. */
  s32(what = "a signed 32-bit number"): number {
    return this.#signed(32, what);
  }

  /** Signed LEB128 of 33 bits, as block types use it. */
  s33(what = "a signed 33-bit number"): number {
    return this.#signed(33, what);
  }

  /** Unsigned LEB128, at most 64 bits. */
  u64(what = "an unsigned 64-bit number"): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8(what);
      if (shift === 63n && byte > 1) break;
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw this.malformed(`${what} (LEB128 of at most 10 bytes and 64 bits)`);
  }

  /** Skips a signed LEB128 of at most 64 bits. */
  skipS64(what = "a signed 64-bit number"): void {
    for (let count = 1; count <= 10; count++) {
      const byte = this.u8(what);
      if (byte >= 0x80) continue;
      if (count === 10 && byte !== 0 && byte !== 0x7f) break;
      return;
    }
    throw this.malformed(`${what} (LEB128 of at most 10 bytes and 64 bits)`);
  }

  /** A count of items of at least `itemBytes` each: refused when they could not fit into what is left. */
  count(what: string, itemBytes = 1): number {
    const at = this.offset;
    const count = this.u32(`the number of ${what}`);
    if (count * itemBytes > this.remaining) {
      throw new BytesFault("malformed", `${count} ${what} announced, only ${this.remaining} bytes are left`, {
        offset: at,
      });
    }
    return count;
  }

  /** A view of the next `length` bytes; it shares memory with the input. */
  take(length: number, what = "bytes"): Uint8Array {
    if (length > this.remaining) throw this.#end(`${length} bytes of ${what}`);
    const view = this.bytes.subarray(this.position, this.position + length);
    this.position += length;
    return view;
  }

  skip(length: number, what = "bytes"): void {
    if (length > this.remaining) throw this.#end(`${length} bytes of ${what}`);
    this.position += length;
  }

  /** A name: a length and UTF-8. */
  name(what = "a name"): string {
    const at = this.offset;
    const bytes = this.take(this.u32(`the length of ${what}`), what);
    try {
      return decoder.decode(bytes);
    } catch {
      throw new BytesFault("malformed", `${what} is not UTF-8`, { offset: at });
    }
  }

  /** The fault "expected X here". */
  malformed(expected: string, offset = this.offset): BytesFault {
    return new BytesFault("malformed", `expected ${expected}`, { offset, expected });
  }

  #signed(bits: 32 | 33, what: string): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8(what);
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        const value = byte & 0x40 ? result - 2 ** (shift + 7) : result;
        const bound = 2 ** (bits - 1);
        if (value < -bound || value >= bound) break;
        return value;
      }
    }
    throw this.malformed(`${what} (LEB128 of at most 5 bytes and ${bits} bits)`);
  }

  #end(what: string): BytesFault {
    const detail = { offset: this.offset, expected: what, found: "the end" };
    return new BytesFault("unexpected-end", `expected ${what}, but the input ends`, detail);
  }
}

/** A growing buffer with the writers that match ByteReader. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets all bytes and keeps the buffer. */
  clear(): void {
    this.#length = 0;
  }

  /** Forgets the bytes from `length` on. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** The bytes written so far; valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of the bytes written so far. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Unsigned LEB128 of a number up to 2^53. */
  u32(value: number): void {
    while (value >= 0x80) {
      this.u8((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.u8(value);
  }

  /** Unsigned LEB128. */
  u64(value: bigint): void {
    while (value >= 0x80n) {
      this.u8(Number(value & 0x7fn) | 0x80);
      value >>= 7n;
    }
    this.u8(Number(value));
  }

  /** Signed LEB128 of a number up to 2^53 in magnitude. */
  s32(value: number): void {
    for (;;) {
      const byte = value & 0x7f;
      value = Math.floor(value / 0x80);
      if ((value === 0 && byte < 0x40) || (value === -1 && byte >= 0x40)) return this.u8(byte);
      this.u8(byte | 0x80);
    }
  }

  /** Signed LEB128. */
  s64(value: bigint): void {
    for (;;) {
      const byte = Number(value & 0x7fn);
      value >>= 7n;
      if ((value === 0n && byte < 0x40) || (value === -1n && byte >= 0x40)) return this.u8(byte);
      this.u8(byte | 0x80);
    }
  }

  bytes(source: ArrayLike<number>): void {
    if (this.#length + source.length > this.#bytes.length) this.#reserve(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }

  /** The bytes of `source` from `start` up to `end`, without a view in between. */
  copy(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= 0) return;
    if (this.#length + length > this.#bytes.length) this.#reserve(length);
    if (length < 32) {
      for (let i = start; i < end; i++) this.#bytes[this.#length++] = source[i]!;
    } else {
      this.#bytes.set(source.subarray(start, end), this.#length);
      this.#length += length;
    }
  }

  /** A length and UTF-8. */
  name(text: string): void {
    const bytes = encoder.encode(text);
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  /** Bytes with their length in front. */
  sized(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  #reserve(more: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Whether two byte arrays hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** All pieces in one array, in their order. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Sets all bytes to zero: word by word, because V8 fills shared memory four times slower byte by byte. */
export function clearBytes(bytes: Uint8Array): void {
  const head = Math.min(bytes.length, -bytes.byteOffset & 7);
  const words = (bytes.length - head) >>> 3;
  bytes.fill(0, 0, head);
  if (words > 0) new Float64Array(bytes.buffer, bytes.byteOffset + head, words).fill(0);
  bytes.fill(0, head + words * 8);
}

/** Whether all bytes are zero; looks at whole words, and hardly further than the first that is not. */
export function allZero(bytes: Uint8Array): boolean {
  let i = 0;
  if (bytes.byteOffset % 4 === 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    const end = words.length & ~7;
    if (!zeroWords(words, 0, end)) return false;
    i = end * 4;
  }
  for (; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/**
 * Whether the words of [from, to), a multiple of 8 of them, are zero. Eight at a time, by their numbers: 4.5 ms for 64 MiB of
 * shared memory, where an iterator over single words takes 60.
 */
export function zeroWords(words: Int32Array, from: number, to: number): boolean {
  for (let w = from; w < to; w += 8) {
    const low = words[w]! | words[w + 1]! | words[w + 2]! | words[w + 3]!;
    if ((low | words[w + 4]! | words[w + 5]! | words[w + 6]! | words[w + 7]!) !== 0) return false;
  }
  return true;
}

/** Below it a loop takes less time than a view and `set`. */
const FEW_WORDS = 128;

/** Copies the words of `source` from number `from` up to `to` to `at` of `target`. */
export function copyWords(target: Int32Array, at: number, source: Int32Array, from: number, to: number): void {
  if (to - from > FEW_WORDS) return target.set(source.subarray(from, to), at);
  for (let i = from; i < to; i++) target[at + i - from] = source[i]!;
}
