// Ranges that are few (ranges.ts): in two arrays by address, looked through from the beginning.
//
// I1  `edges` holds start and end of each range, ascending: an address lies in a range if an odd number of edges is at or
//     below it.
import { fit, type Range, type Search } from "./range-search.ts";

export class FewRanges<T extends Range> {
  readonly #start: number;
  readonly #end: number;
  readonly #edges: number[] = [];
  readonly #ranges: T[] = [];

  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
  }

  get count(): number {
    return this.#ranges.length;
  }

  /** How many edges lie at or below `address`. */
  #rank(address: number): number {
    const edges = this.#edges;
    let rank = 0;
    while (rank < edges.length && edges[rank]! <= address) rank++;
    return rank;
  }

  at(address: number): T | undefined {
    const rank = this.#rank(address);
    return (rank & 1) === 1 ? this.#ranges[rank >> 1] : undefined;
  }

  from(address: number): T | undefined {
    const index = this.#rank(address) >> 1;
    return index < this.#ranges.length ? this.#ranges[index] : undefined;
  }

  free(start: number, end: number): boolean {
    const rank = this.#rank(start);
    return (rank & 1) === 0 && (rank === this.#edges.length || this.#edges[rank]! >= end);
  }

  /** Its place must be free. */
  insert(range: T): void {
    const edges = this.#edges;
    const ranges = this.#ranges;
    const rank = this.#rank(range.start);
    edges.push(range.start, range.end);
    ranges.push(range);
    for (let i = edges.length - 1; i > rank + 1; i--) edges[i] = edges[i - 2]!;
    for (let i = ranges.length - 1; i > rank >> 1; i--) ranges[i] = ranges[i - 1]!;
    edges[rank] = range.start;
    edges[rank + 1] = range.end;
    ranges[rank >> 1] = range;
  }

  remove(start: number): void {
    const edges = this.#edges;
    const ranges = this.#ranges;
    const rank = this.#rank(start) - 1;
    if ((rank & 1) !== 0 || edges[rank] !== start) return;
    for (let i = rank; i < edges.length - 2; i++) edges[i] = edges[i + 2]!;
    for (let i = rank >> 1; i < ranges.length - 1; i++) ranges[i] = ranges[i + 1]!;
    edges.pop();
    edges.pop();
    ranges.pop();
  }

  find(search: Search): number | undefined {
    const edges = this.#edges;
    for (let behind = (this.#rank(search.lowest) + 1) & ~1; behind <= edges.length; behind += 2) {
      const low = behind === 0 ? this.#start : edges[behind - 1]!;
      const high = behind === edges.length ? this.#end : edges[behind]!;
      const found = fit(low, high, search);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
