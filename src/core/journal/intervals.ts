// Sets of byte ranges: which parts of a file need no saving any more.

/** Disjoint half-open ranges, ascending; touching ones are merged. Adding and asking are O(log n) plus what they hit. */
export class Intervals {
  /** start, end, start, end, ... */
  #bounds: number[] = [];

  /** Adds [start, end). */
  add(start: number, end: number): void {
    if (start >= end) return;
    const bounds = this.#bounds;
    // Everything from the first range that ends at or behind `start` to the last that starts at or before `end`.
    const from = this.#firstEndingAt(start);
    let to = from;
    let low = start;
    let high = end;
    while (to < bounds.length && bounds[to]! <= end) {
      low = Math.min(low, bounds[to]!);
      high = Math.max(high, bounds[to + 1]!);
      to += 2;
    }
    bounds.splice(from, to - from, low, high);
  }

  /** The parts of [start, end) that are not in the set, ascending. */
  missing(start: number, end: number): [start: number, end: number][] {
    const gaps: [number, number][] = [];
    let at = start;
    for (let i = this.#firstEndingAt(start); i < this.#bounds.length && this.#bounds[i]! < end; i += 2) {
      if (this.#bounds[i]! > at) gaps.push([at, this.#bounds[i]!]);
      at = Math.max(at, this.#bounds[i + 1]!);
    }
    if (at < end) gaps.push([at, end]);
    return gaps;
  }

  clear(): void {
    this.#bounds = [];
  }

  /** The index in `#bounds` of the first range whose end is `at` or more. */
  #firstEndingAt(at: number): number {
    let low = 0;
    let high = this.#bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#bounds[2 * middle + 1]! < at) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }
}
