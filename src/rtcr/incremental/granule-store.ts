// Storage of granules: chunks of as many granules each, which checkpoints share by counting.
//
// I1  A granule that somebody has is never written to; one that nobody has any more is used again.
// I2  Chunks are made between pauses only, by a data provider; one that is empty goes back when there are many free granules.
import { PAGE_BYTES } from "../../session/index.ts";
import { type Attempt, assert, refusal, success } from "../../util/index.ts";
import type { DataProvider, Lease } from "../data-provider.ts";
import { quotient } from "./words.ts";

/** Of a chunk; larger granules have one of their own. A provider of arenas has ones of this size, or a multiple of granules. */
export const CHUNK_BYTES = 1 << 20;
/** Free granules that are kept are as many as those in use, or those of so many chunks. */
const SPARE_CHUNKS = 4;
const NOWHERE = -1;

interface Chunk {
  readonly lease: Lease;
  readonly words: Int32Array;
  used: number;
}

export class GranuleStore {
  readonly granuleBytes: number;
  readonly chunkGranules: number;
  /** By number; those that went back are undefined. */
  readonly chunks: (Uint8Array | undefined)[] = [];
  readonly #provider: DataProvider;
  readonly #chunks: (Chunk | undefined)[] = [];
  /** How many have each granule; NOWHERE: its chunk is not there. */
  #counts = new Int32Array(0);
  #free = 0;
  #used = 0;
  #cursor = 0;

  /** @param granularity pages a granule */
  constructor(granularity: number, provider: DataProvider) {
    this.granuleBytes = granularity * PAGE_BYTES;
    this.chunkGranules = Math.max(1, Math.floor(CHUNK_BYTES / this.granuleBytes));
    this.#provider = provider;
  }

  /** Granules that somebody has. */
  get used(): number {
    return this.#used;
  }

  /** Chunks that nobody has a granule of. */
  get emptyChunks(): number {
    let count = 0;
    for (let i = 0; i < this.#chunks.length; i++) if (this.#chunks[i]?.used === 0) count++;
    return count;
  }

  /** Has so many free granules, and so many empty chunks. "no-room": as many as there are room for. */
  reserve(granules: number, chunks = 0): Attempt<void, "no-room"> {
    while (this.#free < granules || this.emptyChunks < chunks) {
      const bytes = this.chunkGranules * this.granuleBytes;
      const lease = this.#provider.lease(bytes, bytes);
      if (!lease.ok) return refusal("no-room");
      this.#add(lease.value, bytes);
    }
    return success(undefined);
  }

  /** A free granule, in its place from 1; 0: there is none. The first that there is, so that runs lie side by side. */
  take(): number {
    if (this.#free === 0) return 0;
    const counts = this.#counts;
    while (counts[this.#cursor] !== 0) this.#cursor = this.#cursor + 1 === counts.length ? 0 : this.#cursor + 1;
    const place = ++this.#cursor;
    if (this.#cursor === counts.length) this.#cursor = 0;
    counts[place - 1] = 1;
    this.#count(place, 1);
    return place;
  }

  /** So many free granules that lie side by side, a chunk's at most: the first one's place, of an empty chunk that is there. */
  takeRun(count: number): number {
    let number = 0;
    while (this.#chunks[number]?.used !== 0) number++;
    const first = number * this.chunkGranules;
    this.#counts.fill(1, first, first + count);
    this.#count(first + 1, count);
    return first + 1;
  }

  /** One more has a granule. */
  retain(place: number): void {
    if (place > 0) this.#counts[place - 1]!++;
  }

  /** One less has it. */
  release(place: number): void {
    if (place === 0) return;
    assert(this.#counts[place - 1]! > 0, "a granule that is given back is somebody's");
    if (--this.#counts[place - 1]! > 0) return;
    this.#count(place, -1);
    if (place - 1 < this.#cursor) this.#cursor = place - 1;
  }

  /** Gives chunks back that are empty and not worth keeping. */
  trim(): void {
    const spare = Math.max(this.#used, SPARE_CHUNKS * this.chunkGranules);
    for (const [number, chunk] of this.#chunks.entries()) {
      if (this.#free - this.chunkGranules < spare) return;
      if (chunk?.used !== 0) continue;
      this.#chunks[number] = this.chunks[number] = undefined;
      this.#counts.fill(NOWHERE, number * this.chunkGranules, (number + 1) * this.chunkGranules);
      this.#free -= this.chunkGranules;
      chunk.lease.release();
    }
  }

  /** The chunk of a granule. */
  bytesOf(place: number): Uint8Array {
    return this.chunks[quotient(place - 1, this.chunkGranules)]!;
  }

  /** The same as words. */
  wordsOf(place: number): Int32Array {
    return this.#chunks[quotient(place - 1, this.chunkGranules)]!.words;
  }

  /** Where a granule begins in its chunk, in bytes. */
  offsetOf(place: number): number {
    return ((place - 1) % this.chunkGranules) * this.granuleBytes;
  }

  #count(place: number, change: number): void {
    this.#used += change;
    this.#free -= change;
    this.#chunks[quotient(place - 1, this.chunkGranules)]!.used += change;
  }

  #add(lease: Lease, sizeBytes: number): void {
    const bytes = lease.bytes.subarray(0, sizeBytes);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, sizeBytes / 4);
    const gap = this.#chunks.indexOf(undefined);
    const number = gap < 0 ? this.#chunks.length : gap;
    this.#chunks[number] = { lease, words, used: 0 };
    this.chunks[number] = bytes;
    const first = number * this.chunkGranules;
    if (first === this.#counts.length) this.#counts = grown(this.#counts, this.chunkGranules);
    this.#counts.fill(0, first, first + this.chunkGranules);
    this.#free += this.chunkGranules;
  }
}

/** At least twice as long. */
function grown(counts: Int32Array<ArrayBuffer>, by: number): Int32Array<ArrayBuffer> {
  const all = new Int32Array(Math.max(2 * counts.length, counts.length + by)).fill(NOWHERE);
  all.set(counts);
  return all;
}
