// Which pages of a dataspace were written, for those who take increments (spec row 108).
//
// A page is written by a component that has the dataspace attached, which marks it at its own address (engine's `Marks`), or by
// somebody in TypeScript, who does so through `ByteDataspace.fill`. Where the bytes are, and whether they move, does not matter:
// moving does not change them. So nothing but these is looked at:
//
//   marks of each use, as long as the use is there          gathered when somebody takes, and when the use ends
//   writes through the dataspace                            noted at once
//   writes of the host at a component's addresses           marked by whoever does it (kernel/component-memory.ts says who)
//
// I1  A write is marked or noted before anybody can take again: code of components has no safe point between mark and store
//     (instrument/marks.ts), the host makes both in one go.
// I2  Marks are cleared only here, and only into the notes of all takers; components that could write stand at safe points then.
// I3  While a use leads here whose component does not mark what it writes, all pages count as written.
// I4  What was there when a taker began counts as written: so does everything in front of its first `take`.
//
// Marks that a use finds at its addresses when it begins are those of whatever was there before, and go.
import { PAGE_BYTES, type VisitPages, type WrittenPages } from "../../session/index.ts";
import type { Chain } from "../../util/index.ts";
import type { Use } from "./placement.ts";

const nobody = () => {};

/** The takers of one dataspace. */
export class Written {
  readonly #uses: Chain<Use>;
  readonly #pages: number;
  #takers: readonly Taker[] = [];
  /** The page at which the use begins that is being gathered. */
  #base = 0;
  /** A memory whose components may have to be stopped. */
  #moving: Use["space"]["memory"] | undefined;

  /** @param uses of the dataspace, as they are when something is taken */
  constructor(uses: Chain<Use>, pages: number) {
    this.#uses = uses;
    this.#pages = pages;
  }

  /** One more taker. */
  begin(): WrittenPages {
    const taker = new Taker(this.#pages, this.#collect, () => {
      this.#takers = this.#takers.filter((other) => other !== taker);
    });
    this.#takers = [...this.#takers, taker];
    return taker;
  }

  /** So many bytes were written. */
  note(offset: number, sizeBytes: number): void {
    const first = Math.floor(offset / PAGE_BYTES);
    this.#notePages(first, Math.ceil((offset + sizeBytes) / PAGE_BYTES) - first);
  }

  /** A use begins: what is marked there is not of this dataspace. */
  useBegins({ space, start, end }: Use): void {
    if (this.#takers.length > 0) space.memory.marks?.take(start, end - start, nobody);
  }

  /** A use is about to end. */
  useEnds(use: Use): void {
    if (this.#takers.length > 0) this.#gather(use);
  }

  readonly #notePages = (page: number, count: number): void => {
    const takers = this.#takers;
    for (let i = 0; i < takers.length; i++) takers[i]!.note(page, count);
  };

  readonly #noteInUse = (page: number, count: number): void => this.#notePages(this.#base + page, count);

  readonly #gather = (use: Use): void => {
    if (use.mode === "copy" || !use.writable) return;
    const { marks } = use.space.memory;
    this.#base = use.offset / PAGE_BYTES;
    if (marks) marks.take(use.start, use.end - use.start, this.#noteInUse);
    else this.#noteInUse(0, (use.end - use.start) / PAGE_BYTES);
  };

  readonly #gatherAll = (): void => this.#uses.forEach(this.#gather);

  /** One whose components are to be stopped; it stops all CPUs. */
  #toBeStopped(): Use["space"]["memory"] | undefined {
    this.#moving = undefined;
    this.#uses.forEach(this.#findMoving);
    return this.#moving;
  }

  readonly #findMoving = ({ space: { memory } }: Use): void => {
    if (memory.still) this.#moving = memory;
  };

  /** Brings the notes of all takers up to date. */
  readonly #collect = (): void => {
    // Those who are not held by whoever takes may be on other CPUs, between a mark and its store.
    const memory = this.#toBeStopped();
    if (memory?.still) memory.still(this.#gatherAll);
    else this.#gatherAll();
  };
}

class Taker implements WrittenPages {
  /** By page: 1 if it was written since the last `take`, or visited by that. */
  #written: Uint8Array;
  #taken: Uint8Array;
  readonly #collect: () => void;
  readonly #end: () => void;

  constructor(pages: number, collect: () => void, end: () => void) {
    this.#written = new Uint8Array(pages).fill(1);
    this.#taken = new Uint8Array(pages);
    this.#collect = collect;
    this.#end = end;
  }

  note(page: number, count: number): void {
    this.#written.fill(1, page, page + count);
  }

  take(visit: VisitPages): void {
    this.#collect();
    const taken = this.#written;
    this.#written = this.#taken.fill(0);
    this.#taken = taken;
    for (let first = taken.indexOf(1); first >= 0; ) {
      let end = first + 1;
      while (end < taken.length && taken[end] === 1) end++;
      visit(first, end - first);
      first = taken.indexOf(1, end);
    }
  }

  undo(): void {
    const taken = this.#taken;
    for (let page = taken.indexOf(1); page >= 0; page = taken.indexOf(1, page + 1)) this.#written[page] = 1;
  }

  close(): void {
    this.#end();
  }
}
