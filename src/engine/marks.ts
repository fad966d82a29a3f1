// Marks: which parts of a component's memory 0 were written (MARKS in abi/constants.ts; instrument/marks.ts sets them from
// generated code). Addresses are the component's own: behind windows it is what leads there that is marked, not the pool.
//
// Whoever else writes to a component's memory says so here, at the address that the component has it at. Bytes only ever become
// 1 while threads run, whichever thread of whichever CPU sets them; they are cleared while none runs that could.
//
// Not here: dataspaces, and who takes what was written (core/memory/).

import { MARKS, WINDOW } from "../abi/index.ts";

const PAGE = WINDOW.pageBytes;
/** Units of a page: one word of marks. */
const UNITS = PAGE / MARKS.unitBytes;
const LAST_UNIT = 1 << 24;
const PAGES = 2 ** 32 / PAGE;

/** Is told of what the host writes to a component's memory. */
export interface WriteNotes {
  /** So many bytes from an address on have been written, or are about to be, before anybody looks. */
  wrote(address: number, sizeBytes: number): void;
}

/** All that are there; undefined: none. */
export function notesOf(one: WriteNotes | undefined, other: WriteNotes | undefined): WriteNotes | undefined {
  if (!one || !other) return one ?? other;
  return {
    wrote: (address, sizeBytes) => {
      one.wrote(address, sizeBytes);
      other.wrote(address, sizeBytes);
    },
  };
}

export class Marks implements WriteNotes {
  readonly memory: WebAssembly.Memory;
  readonly #bytes: Uint8Array;
  /** By page. */
  readonly #words: Uint32Array;

  /** @param memory that of marks which another JavaScript thread has, too. Default: a fresh one */
  constructor(memory?: WebAssembly.Memory) {
    const pages = MARKS.memoryPages;
    this.memory = memory ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#words = new Uint32Array(this.memory.buffer);
  }

  /** So many bytes from an address on have been written, or are about to be, before anybody can take them. */
  wrote(address: number, sizeBytes: number): void {
    const end = address + sizeBytes;
    // The first unit of a page speaks for the page alone.
    for (let page = Math.floor(address / PAGE); page * PAGE < end; page++) this.#bytes[page * UNITS] = 1;
  }

  /**
   * Visits the written pages of a range, run by run, and clears their marks. Makes nothing.
   *
   * @param address a multiple of 4096, as is `sizeBytes`
   * @param visit is given the number of a run's first page in the range
   */
  take(address: number, sizeBytes: number, visit: (page: number, count: number) => void): void {
    const words = this.#words;
    const first = address / PAGE;
    const count = sizeBytes / PAGE;
    let spills = first > 0 && words[first - 1]! >= LAST_UNIT;
    let run = 0;
    for (let page = 0; page < count; page++) {
      const word = words[first + page]!;
      if (word !== 0) words[first + page] = 0;
      if (word !== 0 || spills) run++;
      else if (run > 0) {
        visit(page - run, run);
        run = 0;
      }
      spills = word >= LAST_UNIT;
    }
    if (run > 0) visit(count - run, run);
    // What was written behind the last unit is in the page behind the range.
    if (spills && first + count < PAGES) this.#bytes[(first + count) * UNITS] = 1;
  }

  /**
   * The first page of [from, to), whole pages, that may have been written since it was taken, or ever; `to` if there is none.
   * Makes nothing, and clears nothing.
   */
  next(from: number, to: number): number {
    const words = this.#words;
    const behind = to / PAGE;
    let page = from / PAGE;
    if (page > 0 && page < behind && words[page - 1]! >= LAST_UNIT) return from;
    while (page < behind && words[page] === 0) page++;
    return page * PAGE;
  }
}
