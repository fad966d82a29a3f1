// Memory for captures that is there before the program stands still: copying into memory that was never touched is many
// times slower than copying (docs/RATIONALE.md). It is kept between captures, as long as the run.

import type { SavedGroup } from "../abi/index.ts";

/** A memory of a group, and its size or the bytes for its content. */
export interface MemorySize {
  readonly instance: number;
  readonly index: number;
  readonly sizeBytes: number;
}

export interface Arena {
  readonly instance: number;
  readonly index: number;
  readonly buffer: SharedArrayBuffer;
}

/** Makes the first access of fresh memory. */
export type TouchMemory = (bytes: Uint8Array) => Promise<void>;

export class ArenaPool {
  readonly #touch: TouchMemory;
  readonly #free: Arena[] = [];

  constructor(touch: TouchMemory) {
    this.#touch = touch;
  }

  /** Memory for each of the sizes; the pool has it back by `giveBack`. */
  async take(sizes: readonly MemorySize[]): Promise<Arena[]> {
    const taken: Arena[] = [];
    for (const { instance, index, sizeBytes } of sizes) {
      const found = this.#free.findIndex((arena) => arena.instance === instance && arena.index === index);
      const [kept] = found < 0 ? [] : this.#free.splice(found, 1); // one that has become too small goes
      if (kept && kept.buffer.byteLength >= sizeBytes) taken.push(kept);
      else taken.push({ instance, index, buffer: await this.#fresh(sizeBytes) });
    }
    return taken;
  }

  /** Takes back what a captured state lies in: it must not be used any more. */
  giveBack({ instances }: SavedGroup): void {
    for (const [instance, { memories }] of instances.entries()) {
      for (const { index, content } of memories) {
        const { buffer } = content;
        const known = this.#free.some((arena) => arena.instance === instance && arena.index === index);
        if (!known && buffer instanceof SharedArrayBuffer) this.#free.push({ instance, index, buffer });
      }
    }
  }

  async #fresh(sizeBytes: number): Promise<SharedArrayBuffer> {
    const buffer = new SharedArrayBuffer(sizeBytes);
    await this.#touch(new Uint8Array(buffer));
    return buffer;
  }
}

/** The sizes of the memories of a state, its contents or not. */
export function sizesOf({ instances }: SavedGroup): MemorySize[] {
  return instances.flatMap(({ memories }, instance) =>
    memories.map(({ index, pages }) => ({ instance, index, sizeBytes: pages * 65536 })),
  );
}
