// Data providers: where the bytes of a checkpoint go while the child stands still (thesis 7.1). RTCR allocates nothing
// itself: whoever embeds it chooses how storage is come by.
//
//   lease = provider.lease(least, likely)   room for one checkpoint, before the pause
//   lease.bytes                             in the pause: contents and records are written there
//   lease.release()                         when the checkpoint has been stored or dropped; its bytes may change from then on
//
// I1  Bytes of a lease belong to one checkpoint until it is released: any number of checkpoints live at once.
// I2  With `PreallocatedProvider`, `lease` makes no backing store.
import { PAGE_BYTES } from "../session/index.ts";
import { type Attempt, assert, refusal, success } from "../util/index.ts";

export interface Lease {
  /** At least as many as were asked for, from a multiple of 8 on; their content is whatever was left there. */
  readonly bytes: Uint8Array;
  /** Harmless when repeated. */
  release(): void;
}

export interface DataProvider {
  /**
   * Room for a checkpoint of at least `leastBytes`. "no-room": nothing is taken, and a smaller checkpoint may still fit.
   *
   * @param likelyBytes what it will probably need, at least `leastBytes`: with less, another lease may be asked for
   */
  lease(leastBytes: number, likelyBytes?: number): Attempt<Lease, "no-room">;
}

/** Makes new storage for each checkpoint. */
export class OnDemandProvider implements DataProvider {
  lease(leastBytes: number, likelyBytes = leastBytes): Attempt<Lease, "no-room"> {
    return fresh(() => new Uint8Array(likelyBytes));
  }
}

/** Storage that other JavaScript threads may read: they can hash and store a checkpoint while the child goes on. */
export class SharedMemoryProvider implements DataProvider {
  lease(leastBytes: number, likelyBytes = leastBytes): Attempt<Lease, "no-room"> {
    return fresh(() => new Uint8Array(new SharedArrayBuffer(likelyBytes)));
  }
}

/** As `SharedMemoryProvider`, for storage that nothing is copied to in a pause: the host gives pages when they are used. */
export class UntouchedProvider implements DataProvider {
  lease(leastBytes: number, likelyBytes = leastBytes): Attempt<Lease, "no-room"> {
    return made(() => new Uint8Array(new SharedArrayBuffer(likelyBytes)));
  }
}

/** As `SharedMemoryProvider`; what is given to it beforehand is used first, so that no child waits for fresh memory. */
export class PreparedProvider implements DataProvider {
  readonly #other = new SharedMemoryProvider();
  #prepared: Uint8Array | undefined;

  /** @param bytes touched already; for the next lease, or for none if they are too few */
  prepare(bytes: Uint8Array<SharedArrayBuffer>): void {
    this.#prepared = bytes;
  }

  lease(leastBytes: number, likelyBytes?: number): Attempt<Lease, "no-room"> {
    const bytes = this.#prepared;
    this.#prepared = undefined;
    if (bytes && bytes.length >= leastBytes) return success({ bytes, release: () => {} });
    return this.#other.lease(leastBytes, likelyBytes);
  }
}

/** A fixed number of arenas of one size, made and touched once; a checkpoint takes one of them. */
export class PreallocatedProvider implements DataProvider {
  readonly #free: Uint8Array[];
  #arenaBytes: number;

  /** @param arenas how many checkpoints may live at once @param arenaBytes size of the largest one */
  constructor({ arenas, arenaBytes }: { readonly arenas: number; readonly arenaBytes: number }) {
    assert(arenas > 0 && arenaBytes > 0, "a provider has room");
    this.#arenaBytes = arenaBytes;
    this.#free = Array.from({ length: arenas }, () => makeArena(arenaBytes));
  }

  /** Arenas that no checkpoint has. */
  get free(): number {
    return this.#free.length;
  }

  /** Makes the arenas larger, between checkpoints; those that checkpoints have, when they come back. Never smaller. */
  grow(arenaBytes: number): void {
    this.#arenaBytes = Math.max(this.#arenaBytes, arenaBytes);
    for (const [i, arena] of this.#free.entries()) this.#free[i] = this.#grown(arena);
  }

  lease(leastBytes: number): Attempt<Lease, "no-room"> {
    if (leastBytes > this.#arenaBytes) return refusal("no-room");
    let arena = this.#free.pop();
    if (!arena) return refusal("no-room");
    const release = () => {
      if (arena) this.#free.push(this.#grown(arena));
      arena = undefined;
    };
    return success({ bytes: arena, release });
  }

  #grown(arena: Uint8Array): Uint8Array {
    return arena.length < this.#arenaBytes ? makeArena(this.#arenaBytes) : arena;
  }
}

/** New storage, if the host has it. */
function fresh(make: () => Uint8Array): Attempt<Lease, "no-room"> {
  return made(() => touched(make()));
}

function made(make: () => Uint8Array): Attempt<Lease, "no-room"> {
  try {
    return success({ bytes: make(), release: () => {} });
  } catch (thrown) {
    if (thrown instanceof RangeError) return refusal("no-room");
    throw thrown;
  }
}

function makeArena(sizeBytes: number): Uint8Array {
  return touched(new Uint8Array(new SharedArrayBuffer(sizeBytes)));
}

/** Every page is written to once, before the pause: copying into pages that do not exist is many times slower. */
export function touched<T extends Uint8Array>(bytes: T): T {
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) bytes[at] = 1;
  return bytes;
}
