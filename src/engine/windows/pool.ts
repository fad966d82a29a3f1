// The pool: the memory behind all windows of one CPU, handed out in ranges of 4 KiB pages.
//
// Free ranges are found by their size and by both of their ends, so allocating and freeing cost the same however many
// ranges there are. Neighbours that are free are joined. Page 0 is never handed out: a page table's 0 means "nothing".
//
// Not here: who may reach which page (table.ts), quotas (core/).

import { WINDOW } from "../../abi/index.ts";
import { assert, clearBytes } from "../../util/index.ts";

const PAGE = WINDOW.pageBytes;
const WASM_PAGE = 65536;
/** Least bytes that the memory grows by. */
const GROWTH_BYTES = 1 << 20;

/** A range of the pool: both numbers are multiples of 4096, in bytes. */
export interface PoolRange {
  readonly address: number;
  readonly bytes: number;
}

export class Pool {
  readonly memory: WebAssembly.Memory;
  /** Free ranges by size: by address; and by their ends, the size or the address. */
  readonly #bySize = new Map<number, Set<number>>();
  readonly #sizes: number[] = [];
  readonly #sizeAt = new Map<number, number>();
  readonly #endingAt = new Map<number, number>();
  readonly #used = new Map<number, number>();
  #end: number = PAGE;
  #words = new Int32Array(0);
  #usedBytes = 0;

  /**
   * @param maximumBytes the pool never grows beyond this, rounded down to 64 KiB; at most 4 GiB
   * @param memory that of a pool whose ranges another JavaScript thread hands out. Default: a fresh one
   */
  constructor(maximumBytes: number = 2 ** 32, memory?: WebAssembly.Memory) {
    const maximum = Math.min(65536, Math.floor(maximumBytes / WASM_PAGE));
    this.memory = memory ?? new WebAssembly.Memory({ initial: 1, maximum: Math.max(1, maximum), shared: true });
  }

  /** Bytes that are handed out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Takes a range of zeroed pages that lie side by side.
   *
   * @param bytes is rounded up to whole pages
   * @returns undefined if the pool is full
   */
  allocate(bytes: number): PoolRange | undefined {
    const size = Math.max(PAGE, Math.ceil(bytes / PAGE) * PAGE);
    const address = this.#takeFree(size) ?? this.#takeNew(size);
    if (address === undefined) return undefined;
    this.#used.set(address, size);
    this.#usedBytes += size;
    return { address, bytes: size };
  }

  /** Gives a range back. Whoever still maps it would see others' bytes: unmap it first. */
  free(range: PoolRange): void {
    assert(
      this.#used.get(range.address) === range.bytes,
      `pool range ${range.address} is in use, ${range.bytes} bytes`,
    );
    this.#used.delete(range.address);
    this.#usedBytes -= range.bytes;
    let { address, bytes } = range;
    const before = this.#endingAt.get(address);
    if (before !== undefined) {
      bytes += this.#removeFree(before);
      address = before;
    }
    if (this.#sizeAt.has(address + bytes)) bytes += this.#removeFree(address + bytes);
    this.#addFree(address, bytes);
  }

  /** A view of bytes of the pool; it stays valid when the pool grows. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  /** All of it as words, up to `end` at least: asking the engine for a memory's buffer is done once a growth. */
  wordsUpTo(end: number): Int32Array {
    if (this.#words.byteLength < end) this.#words = new Int32Array(this.memory.buffer);
    return this.#words;
  }

  #takeFree(size: number): number | undefined {
    const found = this.#sizes[lowerBound(this.#sizes, size)];
    if (found === undefined) return undefined;
    const [address] = this.#bySize.get(found)!;
    this.#removeFree(address!);
    if (found > size) this.#addFree(address! + size, found - size);
    clearBytes(this.bytes(address!, size));
    return address;
  }

  /** Takes what was never used, and the free range in front of it, if there is one. */
  #takeNew(size: number): number | undefined {
    const address = this.#endingAt.get(this.#end) ?? this.#end;
    const missing = address + size - this.memory.buffer.byteLength;
    if (missing > 0 && !this.#grow(Math.max(missing, GROWTH_BYTES)) && !this.#grow(missing)) return undefined;
    if (address < this.#end) {
      this.#removeFree(address);
      this.bytes(address, this.#end - address).fill(0);
    }
    this.#end = address + size;
    return address;
  }

  #grow(bytes: number): boolean {
    try {
      this.memory.grow(Math.ceil(bytes / WASM_PAGE));
      return true;
    } catch (thrown) {
      if (thrown instanceof RangeError) return false;
      throw thrown;
    }
  }

  #addFree(address: number, bytes: number): void {
    this.#sizeAt.set(address, bytes);
    this.#endingAt.set(address + bytes, address);
    let ranges = this.#bySize.get(bytes);
    if (!ranges) {
      this.#bySize.set(bytes, (ranges = new Set()));
      this.#sizes.splice(lowerBound(this.#sizes, bytes), 0, bytes);
    }
    ranges.add(address);
  }

  /** Takes a range out of the free ones; its size. */
  #removeFree(address: number): number {
    const bytes = this.#sizeAt.get(address)!;
    this.#sizeAt.delete(address);
    this.#endingAt.delete(address + bytes);
    const ranges = this.#bySize.get(bytes)!;
    ranges.delete(address);
    if (ranges.size === 0) {
      this.#bySize.delete(bytes);
      this.#sizes.splice(lowerBound(this.#sizes, bytes), 1);
    }
    return bytes;
  }
}

/** The place of the first number that is at least `value` in a sorted list. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
