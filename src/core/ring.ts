// A ring of bytes in shared memory between one writer and one reader in different threads. Neither blocks.
//
// Layout: 32-bit words WRITTEN, READ (bytes so far, modulo 2^32), ENDED, WANTED; the bytes begin at 64.
// I1  0 <= WRITTEN - READ <= capacity, and the capacity is a power of two, so that the counters may wrap.
// I2  The writer alone changes WRITTEN and ENDED, the reader alone READ and WANTED; bytes are copied before the counter
//     that makes them visible is stored.

import { assert } from "../util/index.ts";

const WORD = { written: 0, read: 1, ended: 2, wanted: 3 } as const;
const DATA = 64;

/** How long the writer sleeps at most before it looks again, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;
/** The same where shared memory cannot be awaited. */
const POLL_MS = 5;

export class ByteRing {
  /** Give this to the other thread. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #data: Uint8Array<SharedArrayBuffer>;

  /** A new, empty ring. `capacityBytes` is a power of two. */
  static create(capacityBytes = 1 << 16): ByteRing {
    assert(capacityBytes > 0 && (capacityBytes & (capacityBytes - 1)) === 0, "a ring's capacity is a power of two");
    return new ByteRing(new SharedArrayBuffer(DATA + capacityBytes));
  }

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#words = new Int32Array(shared, 0, DATA / 4);
    this.#data = new Uint8Array(shared, DATA);
  }

  /** Bytes that can be read now. */
  get length(): number {
    return (Atomics.load(this.#words, WORD.written) - Atomics.load(this.#words, WORD.read)) >>> 0;
  }

  /** The writer has ended; what is in the ring can still be read. */
  get ended(): boolean {
    return Atomics.load(this.#words, WORD.ended) !== 0;
  }

  /** Writer: puts in what fits; the number of bytes. */
  write(bytes: Uint8Array): number {
    const fitting = bytes.subarray(0, this.#data.length - this.length);
    const written = Atomics.load(this.#words, WORD.written);
    const at = (written >>> 0) & (this.#data.length - 1);
    const first = fitting.subarray(0, this.#data.length - at);
    this.#data.set(first, at);
    this.#data.set(fitting.subarray(first.length), 0);
    Atomics.store(this.#words, WORD.written, (written + fitting.length) | 0);
    return fitting.length;
  }

  /** Writer: no more bytes will come. */
  end(): void {
    Atomics.store(this.#words, WORD.ended, 1);
  }

  /** Reader: takes out what is there; the number of bytes. */
  read(target: Uint8Array): number {
    const size = Math.min(target.length, this.length);
    const read = Atomics.load(this.#words, WORD.read);
    const at = (read >>> 0) & (this.#data.length - 1);
    const first = this.#data.subarray(at, Math.min(at + size, this.#data.length));
    target.set(first, 0);
    target.set(this.#data.subarray(0, size - first.length), first.length);
    Atomics.store(this.#words, WORD.read, (read + size) | 0);
    if (size > 0) Atomics.notify(this.#words, WORD.read);
    return size;
  }

  /** Reader: tells the writer that it would like bytes. */
  want(): void {
    if (Atomics.exchange(this.#words, WORD.wanted, 1) === 0) Atomics.notify(this.#words, WORD.wanted);
  }

  /** Writer: resolves once the reader has asked for bytes for the first time, or `stopped` says so. */
  async wanted(stopped: () => boolean): Promise<void> {
    while (Atomics.load(this.#words, WORD.wanted) === 0 && !stopped()) await changed(this.#words, WORD.wanted, 0);
  }

  /** Writer: resolves when there is room, or `stopped` says so. */
  async room(stopped: () => boolean): Promise<void> {
    while (this.length === this.#data.length && !stopped()) {
      const read = Atomics.load(this.#words, WORD.read);
      if (this.length === this.#data.length) await changed(this.#words, WORD.read, read);
    }
  }
}

async function changed(words: Int32Array<SharedArrayBuffer>, index: number, from: number): Promise<void> {
  if (typeof Atomics.waitAsync === "function") {
    const waiting = Atomics.waitAsync(words, index, from, LOOK_AGAIN_MS);
    if (waiting.async) await waiting.value;
  } else {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
