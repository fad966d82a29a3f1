// Heaps over RAM dataspaces (spec 2.13): the first chunk has 16 KiB, each further one is twice as large, up to 1 MiB;
// requests from 64 KiB on have their own dataspace, which is freed at once. Blocks have sizes of powers of two; freed
// ones are used again for requests of their size. A bitmap at the head of each chunk says where blocks in use begin.
//
//   chunk:  0 role  16 next  20 dataspace  24 bytes  28 first payload, 0 for a big block  32 bitmap, then blocks
//   block:  -8 size class; free: 0 next free
//
// The heap of the program's own objects (runtime.ts) is one of these, in static memory.
import { Status } from "../../build/guest-abi/assemblyscript/abi";
import { attachRam, BLOCK_ROLE, CHUNK_ROLE, freeRam, lastStatus } from "./memory";
import { acquireWord, releaseWord } from "./lock";
import { error, print } from "./log";

@lazy const FIRST_CHUNK: usize = 16 << 10;
@lazy const MAX_CHUNK: usize = 1 << 20;
@lazy const BIG: usize = 64 << 10;
@lazy const PAGE: usize = 4096;
@lazy const CLASSES: usize = 14;
@lazy const SMALLEST: usize = 32;

export function pages(bytes: usize): usize {
  return (bytes + PAGE - 1) & ~(PAGE - 1);
}

@unmanaged
export class Heap {
  private lock: u32;
  private chunks: usize;
  private nextChunk: usize;
  private used: usize;
  private limit: usize;
  /** Where the newest chunk has room. */
  private at: usize;
  private end: usize;
  private newest: usize;
  /** Heads of the lists of free blocks, by class; static memory. */
  private free0: usize;
  /** Why the last allocation failed. */
  status: Status;

  /** A heap in memory of somebody's: `bytes` of `size()`, zeroed. */
  static at(bytes: usize, limit: usize = usize.MAX_VALUE): Heap {
    const heap = changetype<Heap>(bytes);
    heap.nextChunk = FIRST_CHUNK;
    heap.limit = limit;
    heap.free0 = bytes + offsetof<Heap>();
    return heap;
  }
  static size(): usize {
    return offsetof<Heap>() + CLASSES * sizeof<usize>();
  }
  static create(limit: usize = usize.MAX_VALUE): Heap {
    const bytes = __alloc(Heap.size());
    memory.fill(bytes, 0, Heap.size());
    return Heap.at(bytes, limit);
  }

  get consumed(): usize {
    return this.used;
  }

  /** @returns 0 if memory or the limit do not suffice */
  alloc(size: usize): usize {
    if (size == 0) {
      error("attempt to allocate a block of 0 bytes from the heap");
      return 0;
    }
    acquireWord(changetype<usize>(this) + offsetof<Heap>("lock"));
    const at = size >= BIG ? this.allocBig(size) : this.allocSmall(size);
    releaseWord(changetype<usize>(this) + offsetof<Heap>("lock"));
    return at;
  }

  /** Frees a block; an address that is not of this heap: warning. */
  free(address: usize): void {
    acquireWord(changetype<usize>(this) + offsetof<Heap>("lock"));
    const known = this.freeLocked(address);
    releaseWord(changetype<usize>(this) + offsetof<Heap>("lock"));
    if (!known) print().text("Warning: heap could not free memory block: ").hex(address).text(" is not allocated here").end();
  }

  /** Bytes that a block can hold. */
  capacity(address: usize): usize {
    const chunk = this.chunkOf(address);
    if (!load<u32>(chunk, 28)) return load<u32>(chunk, 24) - (address - chunk);
    return (SMALLEST << load<u32>(address - 8)) - 8;
  }

  /** Frees all. */
  destroy(): void {
    while (this.chunks) this.removeChunk(this.chunks);
    this.at = this.end = this.newest = 0;
    memory.fill(this.free0, 0, CLASSES * sizeof<usize>());
  }

  private addChunk(bytes: usize, role: u64): usize {
    this.status = Status.OutOfRam;
    if (bytes > this.limit || this.used > this.limit - bytes) return 0;
    const chunk = attachRam(bytes, role);
    if (!chunk) {
      this.status = lastStatus();
      return 0;
    }
    this.status = Status.Ok;
    store<u32>(chunk, this.chunks, 16);
    store<u32>(chunk, bytes, 24);
    this.chunks = chunk;
    this.used += bytes;
    return chunk;
  }

  private removeChunk(chunk: usize): void {
    let before: usize = 0;
    for (let each = this.chunks; each != chunk; each = load<u32>(each, 16)) before = each;
    if (before) store<u32>(before, load<u32>(chunk, 16), 16);
    else this.chunks = load<u32>(chunk, 16);
    this.used -= load<u32>(chunk, 24);
    freeRam(load<u32>(chunk, 20));
  }

  private chunkOf(address: usize): usize {
    for (let chunk = this.chunks; chunk; chunk = load<u32>(chunk, 16)) {
      if (address > chunk && address - chunk < load<u32>(chunk, 24)) return chunk;
    }
    return 0;
  }

  private allocBig(size: usize): usize {
    if (size > (usize.MAX_VALUE >> 1)) return 0;
    const chunk = this.addChunk(pages(size + 32), BLOCK_ROLE);
    if (!chunk) return 0;
    store<u32>(chunk, 0, 28);
    return chunk + 32;
  }

  private allocSmall(size: usize): usize {
    let index: u32 = 0;
    while ((SMALLEST << index) < size + 8) index++;
    const bytes = SMALLEST << index;
    const head = this.free0 + index * sizeof<usize>();
    let at = load<u32>(head);
    if (at) store<u32>(head, load<u32>(at));
    else at = this.carve(bytes);
    if (!at) return 0;
    store<u32>(at - 8, index);
    this.mark(this.chunkOf(at), at, true);
    return at;
  }

  private carve(bytes: usize): usize {
    if (this.at + bytes > this.end) {
      const wanted = max(this.nextChunk, pages(bytes + bytes / 64 + 80));
      const chunk = this.addChunk(wanted, CHUNK_ROLE);
      if (!chunk) return 0;
      if (this.nextChunk < MAX_CHUNK) this.nextChunk *= 2;
      const first = ((chunk + 32 + wanted / 128 + 8 + 15) & ~15);
      store<u32>(chunk, first, 28);
      this.at = first - 8;
      this.end = chunk + wanted;
      this.newest = chunk;
    }
    const at = this.at + 8;
    this.at += bytes;
    return at;
  }

  private mark(chunk: usize, address: usize, used: bool): void {
    const index = (address - chunk) / 16;
    const word = chunk + 32 + (index / 32) * 4;
    const bit: u32 = 1 << (<u32>index % 32);
    store<u32>(word, used ? load<u32>(word) | bit : load<u32>(word) & ~bit);
  }

  private freeLocked(address: usize): bool {
    const chunk = this.chunkOf(address);
    if (!chunk || address & 15) return false;
    const first = load<u32>(chunk, 28);
    if (!first) {
      if (address != chunk + 32) return false;
      this.removeChunk(chunk);
      return true;
    }
    const index = (address - chunk) / 16;
    if (address < first || !((load<u32>(chunk + 32 + (index / 32) * 4) >> (<u32>index % 32)) & 1)) return false;
    this.mark(chunk, address, false);
    const head = this.free0 + load<u32>(address - 8) * sizeof<usize>();
    store<u32>(address, load<u32>(head));
    store<u32>(head, address);
    return true;
  }
}
