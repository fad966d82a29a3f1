// Ranges that are many (ranges.ts): numbered, in tables, listed by address, and found in a radix tree by the unit at which
// they begin.
//
// I1  The gap behind the last range, and the one in front of the first, are not in the tree.
import { assert } from "../../util/index.ts";
import { Radix, WIDEST_GAP } from "./radix.ts";
import { fit, type Range, type Search } from "./range-search.ts";

const FIRST_ROOM = 128;
const NONE = 0;

export class ManyRanges<T extends Range> {
  readonly #start: number;
  readonly #end: number;
  /** A multiplication instead of a division; exact, because units are powers of two. */
  readonly #perUnit: number;
  readonly #tree = new Radix();
  /** By number, from 1 on. */
  readonly #ranges: (T | undefined)[] = [undefined];
  #starts = new Float64Array(FIRST_ROOM);
  #ends = new Float64Array(FIRST_ROOM);
  #before = new Int32Array(FIRST_ROOM);
  #behind = new Int32Array(FIRST_ROOM);
  readonly #spare: number[] = [];
  #head = NONE;
  #tail = NONE;
  #count = 0;
  /** What `#upTo` was asked for since the last change, or will be, and its answer. */
  #asked = -1;
  #answer = NONE;

  constructor(start: number, end: number, unit: number) {
    this.#start = start;
    this.#end = end;
    this.#perUnit = 1 / unit;
  }

  get count(): number {
    return this.#count;
  }

  get height(): number {
    return this.#tree.levels;
  }

  at(address: number): T | undefined {
    const exact = this.#tree.at(this.#unitOf(address));
    if (exact !== NONE) return this.#ranges[exact];
    const last = this.#upTo(address);
    return last !== NONE && address < this.#ends[last]! ? this.#ranges[last] : undefined;
  }

  from(address: number): T | undefined {
    const last = this.#upTo(address);
    if (last !== NONE && address < this.#ends[last]!) return this.#ranges[last];
    return this.#ranges[this.#next(last)];
  }

  free(start: number, end: number): boolean {
    const last = this.#upTo(start);
    if (last !== NONE && start < this.#ends[last]!) return false;
    const next = this.#next(last);
    return next === NONE || this.#starts[next]! >= end;
  }

  /** Its place must be free. */
  insert(range: T): void {
    const before = this.#upTo(range.start);
    const behind = this.#next(before);
    const added = this.#add(range);
    this.#link(before, added);
    this.#link(added, behind);
    this.#forget();
    this.#count++;
    const unit = this.#unitOf(range.start);
    this.#tree.put(unit, added);
    const gap = this.#gapBehind(added);
    if (gap > 0) this.#tree.setGap(unit, gap);
    if (before !== NONE && (behind !== NONE || range.start !== this.#ends[before]!)) this.#gapChanged(before);
  }

  remove(start: number): void {
    const unit = this.#unitOf(start);
    const gone = this.#tree.at(unit);
    if (gone === NONE || this.#starts[gone] !== start) return;
    const before = this.#before[gone]!;
    this.#link(before, this.#behind[gone]!);
    this.#forget();
    this.#count--;
    this.#tree.clear(unit);
    if (before !== NONE) this.#gapChanged(before);
    this.#ranges[gone] = undefined;
    this.#spare.push(gone);
  }

  find(search: Search): number | undefined {
    const wide = Math.min(Math.ceil(search.wide * this.#perUnit), WIDEST_GAP);
    const tree = this.#tree;
    // Between the ranges nothing is wide enough: only what lies behind them is.
    const atEnd = tree.widest < wide && search.lowest >= this.#starts[this.#head]!;
    let last = atEnd ? this.#tail : this.#upTo(search.lowest);
    while (search.left > 0) {
      const next = this.#next(last);
      const low = last === NONE ? this.#start : this.#ends[last]!;
      const found = fit(low, next === NONE ? this.#end : this.#starts[next]!, search);
      if (found !== undefined) {
        this.#asked = this.#unitOf(found);
        this.#answer = last;
      }
      if (found !== undefined || next === NONE) return found;
      const wider = last === NONE ? tree.firstWide(wide) : tree.wideBehind(this.#unitOf(this.#starts[last]!), wide);
      last = wider === NONE ? this.#tail : wider;
    }
    return undefined;
  }

  #unitOf(address: number): number {
    return Math.floor(address * this.#perUnit);
  }

  /** The last range that begins at or below `address`. */
  #upTo(address: number): number {
    const unit = this.#unitOf(address);
    if (unit === this.#asked) return this.#answer;
    this.#asked = unit;
    return (this.#answer = address >= this.#starts[this.#tail]! ? this.#tail : this.#tree.upTo(unit));
  }

  #forget(): void {
    this.#asked = -1;
    this.#answer = NONE;
  }

  /** The range behind one, or the first of all. */
  #next(last: number): number {
    return last === NONE ? this.#head : this.#behind[last]!;
  }

  #link(before: number, behind: number): void {
    if (before === NONE) this.#head = behind;
    else this.#behind[before] = behind;
    if (behind === NONE) this.#tail = before;
    else this.#before[behind] = before;
  }

  #add(range: T): number {
    const { start, end } = range;
    assert(Number.isInteger(start * this.#perUnit) && Number.isInteger(end * this.#perUnit), "a range of whole units");
    const added = this.#spare.pop() ?? this.#ranges.length;
    if (added === this.#starts.length) this.#grow();
    this.#ranges[added] = range;
    this.#starts[added] = start;
    this.#ends[added] = end;
    return added;
  }

  #grow(): void {
    const room = 2 * this.#starts.length;
    this.#starts = copied(this.#starts, new Float64Array(room));
    this.#ends = copied(this.#ends, new Float64Array(room));
    this.#before = copied(this.#before, new Int32Array(room));
    this.#behind = copied(this.#behind, new Int32Array(room));
  }

  /** Units between a range and the one behind it. */
  #gapBehind(range: number): number {
    const next = this.#behind[range]!;
    return next === NONE ? 0 : (this.#starts[next]! - this.#ends[range]!) * this.#perUnit;
  }

  #gapChanged(range: number): void {
    this.#tree.setGap(this.#unitOf(this.#starts[range]!), this.#gapBehind(range));
  }
}

function copied<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
