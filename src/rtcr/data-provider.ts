// Data providers: where the bytes of a checkpoint go while the child stands still (thesis 7.1). RTCR allocates nothing
// itself: whoever embeds it chooses how storage is come by.
//
//   lease = provider.lease(bytes)   room for one checkpoint, before the pause
//   lease.take(n) ...               in the pause: views of what is there, in order
//   lease.release()                 when the checkpoint has been stored or dropped; its bytes may change from then on
//
// I1  Bytes of a lease belong to one checkpoint until it is released: any number of checkpoints live at once.
// I2  `take` makes no backing store; with `PreallocatedProvider`, neither does `lease`.
import { type Attempt, assert, refusal, success } from "../util/index.ts";

export interface Lease {
  /** The next `sizeBytes` bytes, at a multiple of 8; their content is whatever was left there. */
  take(sizeBytes: number): Uint8Array;
  /** Bytes taken so far, alignment included. */
  readonly usedBytes: number;
  release(): void;
}

export interface DataProvider {
  /** Room for a checkpoint of up to `sizeBytes`; "no-room": nothing is taken, and a smaller checkpoint may still fit. */
  lease(sizeBytes: number): Attempt<Lease, "no-room">;
}

/** Bytes that a checkpoint of contents of these sizes needs. */
export function leaseBytes(sizes: Iterable<number>): number {
  let total = 0;
  for (const size of sizes) total += aligned(size);
  return total;
}

/** Makes new storage for each checkpoint: simple, and slow in the pause, because fresh memory is touched there. */
export class OnDemandProvider implements DataProvider {
  lease(sizeBytes: number): Attempt<Lease, never> {
    return success(new BufferLease(new Uint8Array(aligned(sizeBytes)), () => {}));
  }
}

/** Storage that other JavaScript threads may read: they can hash and store a checkpoint while the child goes on. */
export class SharedMemoryProvider implements DataProvider {
  lease(sizeBytes: number): Attempt<Lease, never> {
    return success(new BufferLease(new Uint8Array(new SharedArrayBuffer(aligned(sizeBytes))), () => {}));
  }
}

/** A fixed number of arenas of fixed size, made and touched once; a checkpoint takes one of them. */
export class PreallocatedProvider implements DataProvider {
  readonly #arenaBytes: number;
  readonly #free: Uint8Array[];

  /** @param arenas how many checkpoints may live at once @param arenaBytes size of the largest one */
  constructor({ arenas, arenaBytes }: { readonly arenas: number; readonly arenaBytes: number }) {
    assert(arenas > 0 && arenaBytes > 0, "a provider has room");
    this.#arenaBytes = aligned(arenaBytes);
    // Written once, so that the pages exist: copying into untouched memory is many times slower (v8-figures.md).
    this.#free = Array.from({ length: arenas }, () => new Uint8Array(new SharedArrayBuffer(this.#arenaBytes)).fill(1));
  }

  /** Arenas that no checkpoint has. */
  get free(): number {
    return this.#free.length;
  }

  lease(sizeBytes: number): Attempt<Lease, "no-room"> {
    if (sizeBytes > this.#arenaBytes) return refusal("no-room");
    const arena = this.#free.pop();
    if (!arena) return refusal("no-room");
    return success(new BufferLease(arena.subarray(0, aligned(sizeBytes)), () => this.#free.push(arena)));
  }
}

class BufferLease implements Lease {
  readonly #bytes: Uint8Array;
  #release: (() => void) | undefined;
  #used = 0;

  constructor(bytes: Uint8Array, release: () => void) {
    this.#bytes = bytes;
    this.#release = release;
  }

  get usedBytes(): number {
    return this.#used;
  }

  take(sizeBytes: number): Uint8Array {
    assert(this.#release, "a lease is used before it is released");
    const start = this.#used;
    assert(start + sizeBytes <= this.#bytes.length, "a lease holds what was announced");
    this.#used = start + aligned(sizeBytes);
    return this.#bytes.subarray(start, start + sizeBytes);
  }

  release(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

function aligned(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 8) * 8;
}
