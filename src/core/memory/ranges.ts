// Ranges of numbers that do not overlap, and the free places between them.
//
// A few are kept in arrays (few-ranges.ts), more in tables under a radix tree (many-ranges.ts): what an operation costs grows
// with FEW ranges at most, and then no more. Why not one tree of either kind: docs/RATIONALE.md.
//
// I1  Ranges lie within [start, end), begin and end at multiples of the unit, are not empty and do not overlap.
// Cost: of `find` also at most `misfits` places per alignment that are wide enough but wrongly placed. Moving from one way
// of keeping them to the other costs FEW steps and comes at most once in FEW changes.
import { FewRanges } from "./few-ranges.ts";
import { ManyRanges } from "./many-ranges.ts";
import type { Range, Search } from "./range-search.ts";

export type { Range } from "./range-search.ts";

/** Up to so many ranges are kept in arrays; once there were more, those of half as many are. */
const FEW = 32;

export class Ranges<T extends Range> {
  readonly start: number;
  readonly end: number;
  readonly #misfits: number;
  readonly #unit: number;
  #kept: FewRanges<T> | ManyRanges<T>;

  /** @param unit a power of two */
  constructor(start: number, end: number, misfits: number, unit: number) {
    this.start = start;
    this.end = end;
    this.#misfits = misfits;
    this.#unit = unit;
    this.#kept = new FewRanges(start, end);
  }

  get count(): number {
    return this.#kept.count;
  }

  /** Nodes on the longest way down, with at most 32 places in each: what operations cost at most, times a constant. */
  get height(): number {
    return this.#kept instanceof ManyRanges ? this.#kept.height : 1;
  }

  /** The range that holds `address`. */
  at(address: number): T | undefined {
    return this.#kept.at(address);
  }

  /** The first range that ends behind `address`. */
  from(address: number): T | undefined {
    return this.#kept.from(address);
  }

  /** Ranges that overlap [start, end), ascending; meanwhile any may be taken out. */
  *overlapping(start: number, end: number): Generator<T, void> {
    for (let next = this.from(start); next && next.start < end; next = this.from(next.end)) yield next;
  }

  /** Whether [start, end) lies inside and overlaps nothing. */
  free(start: number, end: number): boolean {
    return start >= this.start && start < end && end <= this.end && this.#kept.free(start, end);
  }

  /** Adds a range. @returns false, and nothing has changed, if its place is not free */
  insert(range: T): boolean {
    if (!this.free(range.start, range.end)) return false;
    this.#kept.insert(range);
    if (this.#kept.count > FEW && this.#kept instanceof FewRanges) {
      this.#keep(new ManyRanges(this.start, this.end, this.#unit));
    }
    return true;
  }

  /** Takes out the range that begins at `start`; harmless if there is none. */
  remove(start: number): void {
    this.#kept.remove(start);
    if (this.#kept.count < FEW / 2 && this.#kept instanceof ManyRanges) this.#keep(new FewRanges(this.start, this.end));
  }

  #keep(kept: FewRanges<T> | ManyRanges<T>): void {
    for (const range of this.overlapping(this.start, this.end)) kept.insert(range);
    this.#kept = kept;
  }

  /**
   * The lowest free place of `size` at or above `lowest`, at a multiple of `align`; if it is not found among the places
   * looked at, one at a place that is wide enough for any alignment.
   */
  find(size: number, align: number, lowest: number = this.start): number | undefined {
    const low = Math.max(lowest, this.start);
    const search: Search = { size, wide: size, align, lowest: low, left: this.#misfits };
    const found = this.#kept.find(search);
    if (found !== undefined || search.left > 0) return found;
    return this.#kept.find({ size, wide: size + align, align, lowest: low, left: Number.POSITIVE_INFINITY });
  }
}
