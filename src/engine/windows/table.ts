// A page table: which page of the pool each page of a component's address space leads to, and what may be done there.
//
// Layout: abi/constants.ts, WINDOW. Generated code reads the table at every translated access; only the host writes
// it, at safe points. Every entry names the run of pages that it lies in, so that code may remember a run instead of a
// page; a run is what one call of `map` made, less what was mapped or unmapped over it since.

import { WINDOW } from "../../abi/index.ts";
import { assert } from "../../util/index.ts";

const PAGE = WINDOW.pageBytes;
const SPACE = 2 ** 32;
const WORDS = WINDOW.entryBytes / 4;

/** Where an address leads. */
export interface Mapping {
  /** Address in the pool of the byte that was asked for. */
  readonly poolAddress: number;
  readonly writable: boolean;
  /** Bytes from there to the end of the run, which lie side by side in the pool. */
  readonly bytes: number;
}

export class PageTable {
  readonly memory: WebAssembly.Memory;
  /** Called behind every change. */
  changed: () => void = () => {};
  readonly #words: Uint32Array;

  /** @param memory that of a table which another JavaScript thread writes. Default: a fresh one */
  constructor(memory?: WebAssembly.Memory) {
    const pages = WINDOW.tablePages;
    this.memory = memory ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#words = new Uint32Array(this.memory.buffer);
  }

  /**
   * Lets pages lead to pages of the pool, in place of what they led to. All numbers are bytes and multiples of 4096.
   *
   * @param address first address of the component's, at least the limit to be of use
   */
  map(address: number, poolAddress: number, bytes: number, access: { readonly writable: boolean }): void {
    requirePages(address, bytes);
    assert(poolAddress > 0 && poolAddress % PAGE === 0, `pool address ${poolAddress} is a page that may be mapped`);
    if (bytes === 0) return;
    this.#cut(address, address + bytes);
    const bits = access.writable ? WINDOW.read | WINDOW.write : WINDOW.read;
    this.#write(address, address + bytes, poolAddress, bits);
    this.changed();
  }

  /** Lets pages lead nowhere: accesses fault. */
  unmap(address: number, bytes: number): void {
    requirePages(address, bytes);
    if (bytes === 0) return;
    this.#cut(address, address + bytes);
    this.#words.fill(0, (address / PAGE) * WORDS, ((address + bytes) / PAGE) * WORDS);
    this.changed();
  }

  /** Where an address leads; undefined if nothing is mapped there. */
  lookup(address: number): Mapping | undefined {
    const place = Math.floor(address / PAGE) * WORDS;
    const entry = this.#words[place] ?? 0;
    if (entry === 0) return undefined;
    const end = this.#words[place + 1]! + this.#words[place + 2]! * PAGE;
    return {
      poolAddress: entry - (entry % PAGE) + (address % PAGE),
      writable: (entry & WINDOW.write) !== 0,
      bytes: end - address,
    };
  }

  /** The pool address of a range that lies in one run and may be accessed; 0: it does not, or may not. Makes no object. */
  place(address: number, length: number, write: boolean): number {
    const place = Math.floor(address / PAGE) * WORDS;
    const entry = this.#words[place] ?? 0;
    if (entry === 0 || (write && (entry & WINDOW.write) === 0)) return 0;
    const end = this.#words[place + 1]! + this.#words[place + 2]! * PAGE;
    return address + length <= end ? entry - (entry % PAGE) + (address % PAGE) : 0;
  }

  /** Ends runs at both ends of a range, so that none reaches over them. */
  #cut(start: number, end: number): void {
    for (const border of [start, end]) {
      if (border === 0 || border >= SPACE) continue;
      const place = (border / PAGE) * WORDS;
      const entry = this.#words[place]!;
      const first = this.#words[place + 1]!;
      if (entry === 0 || first === border) continue;
      const last = first + this.#words[place + 2]! * PAGE;
      const poolAddress = entry - (entry % PAGE);
      this.#write(first, border, poolAddress - (border - first), entry % PAGE);
      this.#write(border, last, poolAddress, entry % PAGE);
    }
  }

  /** Writes the entries of one run. */
  #write(start: number, end: number, poolAddress: number, bits: number): void {
    const words = this.#words;
    const pages = (end - start) / PAGE;
    for (let page = 0, place = (start / PAGE) * WORDS; page < pages; page++, place += WORDS) {
      words[place + 1] = start;
      words[place + 2] = pages;
      words[place] = poolAddress + page * PAGE + bits;
    }
  }
}

function requirePages(address: number, bytes: number): void {
  const fits = address >= 0 && bytes >= 0 && address + bytes <= SPACE && address % PAGE === 0 && bytes % PAGE === 0;
  assert(fits, `${bytes} bytes at ${address} are whole pages of 4 KiB below 4 GiB`);
}
