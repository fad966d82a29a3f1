// What core needs of a component's memory; the kernel implements it over the engine's instance. No bytes are owned here.
import { type MemoryMirror, PAGE_BYTES, type VisitPages } from "../../session/index.ts";
import type { Range } from "./ranges.ts";
import { firstUsedOf, firstUsedPage } from "./used-pages.ts";

/** A range of a pool, in bytes, whole pages of 4 KiB. */
export interface PoolRange {
  readonly address: number;
  readonly bytes: number;
}

/** Memory that windows lead to; engine's `Pool` is one. */
export interface MemoryPool {
  /** Zeroed pages that lie side by side; undefined: the pool is full. */
  allocate(bytes: number): PoolRange | undefined;
  /** The range must not be mapped anywhere. */
  free(range: PoolRange): void;
  /** A view, valid for ever. */
  bytes(address: number, length: number): Uint8Array;
}

/** The windows of a component whose program was translated for them; engine's `Windows` is one. */
export interface MemoryWindows {
  readonly pool: MemoryPool;
  readonly table: {
    map(address: number, poolAddress: number, bytes: number, access: { readonly writable: boolean }): void;
    unmap(address: number, bytes: number): void;
  };
  /** Addresses below it are those of linear memory, all others are translated. A multiple of 4096; lowering moves nothing. */
  limit: number;
}

/** What components have written, at their own addresses; engine's `Marks` is that. */
export interface MemoryMarks {
  /**
   * Visits the written pages of a range, run by run, and clears their marks. Makes nothing.
   *
   * @param address of whole pages, as `sizeBytes` are @param visit is given the number of a run's first page in the range
   */
  take(address: number, sizeBytes: number, visit: VisitPages): void;
  /**
   * The first page of [from, to), whole pages, that may have been written since it was taken, or ever; `to` if there is none.
   * Makes nothing, and clears nothing.
   */
  next(from: number, to: number): number;
}

/** The mirror of a linear memory; engine's `Mirror` is one. */
export interface LinearMirror extends MemoryMirror {
  /** So many bytes have been written by others than the program. */
  wrote(address: number, sizeBytes: number): void;
}

/** The memory of one component. Changes happen at safe points only. */
export interface ComponentMemory {
  /** Bytes that the linear memory has now. */
  size(): number;
  /** Grows the linear memory so that it reaches to `end`. @returns false if the host or the program's maximum refuses */
  ensure(end: number): boolean;
  /** Bytes of linear memory below `size()`, valid until the next `ensure`. */
  view(address: number, length: number): Uint8Array;
  /** All of it, or part of it that reaches as far as `end` at least; valid until the next `ensure`. The same one while that holds. */
  words(end?: number): Int32Array;
  /** The first page of [start, end), whole pages below `size()`, that is not zero; undefined: all are. */
  firstUsed(start: number, end: number): number | undefined;
  /** Absent: the program cannot see anything but its linear memory, and does not fault. */
  readonly windows?: MemoryWindows | undefined;
  /** Absent: the program does not mark what it writes. */
  readonly marks?: MemoryMarks | undefined;
  /** Absent: what the program writes it writes once. */
  readonly mirror?: LinearMirror | undefined;
  /** Lets all components stand at safe points while `body` runs. Absent: they do whenever something is changed. */
  still?<T>(body: () => T): T;
}

/**
 * Lets linear memory reach to `end`.
 *
 * @param gap where it shall not end if that can be helped
 * @returns false if it cannot
 */
export function reach(
  { memory, gap }: { readonly memory: ComponentMemory; readonly gap: Range | undefined },
  end: number,
): boolean {
  if (end <= memory.size()) return true;
  if (gap && end > gap.start && end < gap.end && memory.ensure(gap.end)) return true;
  return memory.ensure(end);
}

const WASM_PAGE = 65_536;

/** A linear memory that belongs to no program, or whose program is run by the caller. */
export class PlainMemory implements ComponentMemory {
  readonly memory: WebAssembly.Memory;
  readonly windows: MemoryWindows | undefined;
  readonly marks: MemoryMarks | undefined;
  readonly mirror: LinearMirror | undefined;
  readonly #index64: boolean;
  /** Of as much as there was when somebody asked for more than there was before. */
  #buffer: ArrayBuffer | SharedArrayBuffer | undefined;
  #words: Int32Array | undefined;
  /** What `size` says while more is there (`growAhead`); undefined: all that is there. */
  #counted: number | undefined;

  /**
   * @param memory grows as far as its own maximum
   * @param index64 its addresses have 64 bits
   */
  constructor(
    memory: WebAssembly.Memory,
    windows?: MemoryWindows,
    index64 = false,
    { marks, mirror }: Pick<ComponentMemory, "marks" | "mirror"> = {},
  ) {
    this.memory = memory;
    this.windows = windows;
    this.marks = marks;
    this.mirror = mirror;
    this.#index64 = index64;
  }

  size(): number {
    return this.#counted ?? this.memory.buffer.byteLength;
  }

  ensure(end: number): boolean {
    if (end <= this.size()) return true;
    if (!this.#grow(end)) return false;
    const reached = Math.ceil(end / WASM_PAGE) * WASM_PAGE;
    this.#counted = reached < this.memory.buffer.byteLength ? reached : undefined;
    return true;
  }

  /** Whether `size` counts all that is there. */
  get whole(): boolean {
    return this.#counted === undefined;
  }

  /**
   * Lets the memory have room as far as `end` before anybody wants it: `size` does not count that until `ensure` does. Only while
   * the program cannot look.
   *
   * @returns false if it cannot
   */
  growAhead(end: number): boolean {
    const before = this.size();
    if (!this.#grow(end)) return false;
    if (before < this.memory.buffer.byteLength) this.#counted = before;
    return true;
  }

  /** The system gives the pages of [from, to), which have room; nothing that they hold changes. */
  touch(from: number, to: number): void {
    const words = this.words();
    for (let page = from; page < to; page += PAGE_BYTES) Atomics.or(words, page / 4, 0);
  }

  #grow(end: number): boolean {
    const missing = end - this.memory.buffer.byteLength;
    if (missing <= 0) return true;
    const pages = Math.ceil(missing / WASM_PAGE);
    try {
      this.memory.grow((this.#index64 ? BigInt(pages) : pages) as number); // as the types of JavaScript have it
      return true;
    } catch (thrown) {
      if (thrown instanceof RangeError) return false;
      throw thrown;
    }
  }

  view(address: number, length: number): Uint8Array {
    this.words(address + length);
    return new Uint8Array(this.#buffer!, address, length);
  }

  words(end?: number): Int32Array {
    // The engine takes longer to give a buffer than all else takes. Memory that is not shared has none any more when it has grown.
    if (end && this.#words && end <= this.#words.length * 4) return this.#words;
    const { buffer } = this.memory;
    if (!this.#words || this.#buffer !== buffer) {
      this.#buffer = buffer;
      this.#words = new Int32Array(buffer);
    }
    return this.#words;
  }

  firstUsed(start: number, end: number): number | undefined {
    return this.#index64 ? firstUsedOf(this.words(), start, end) : firstUsedPage(this.memory, start, end);
  }
}
