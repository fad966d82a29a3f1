// One snapshot of a mirror: a frozen slot of all sides, and what is wanted of memory 0 as it was then.
import { MIRROR } from "../../abi/index.ts";
import type { MirrorSide } from "./side.ts";

const GRANULE = MIRROR.granuleBytes;
/** Address, length and place in the target. */
const FIELDS = 3;

export class Snapshot {
  readonly #sides: readonly MirrorSide[];
  readonly #base: number;
  readonly #pieces: Float64Array;
  #count = 0;
  #slot = -1;
  /** That memory 0 had. */
  #granules = 0;
  #target: Uint8Array | undefined;
  /** Of sides behind it marks are cleared, their granules in the base; so they are of this one in front of a granule. */
  #side = 0;
  #granule = 0;
  /** Pieces in front of it are copied, and so many bytes of it. */
  #piece = 0;
  #copied = 0;
  #waits = true;

  /** @param sides of the mirror, all there are @param base where it begins in the first @param pieces that can be kept at most */
  constructor(sides: readonly MirrorSide[], base: number, pieces: number) {
    this.#sides = sides;
    this.#base = base;
    this.#pieces = new Float64Array(pieces * FIELDS);
  }

  get slot(): number {
    return this.#slot;
  }

  /** Whether something is left to do for it. */
  get waits(): boolean {
    return this.#waits;
  }

  begin(slot: number, granules: number, target: Uint8Array): void {
    this.#slot = slot;
    this.#side = this.#sides.length - 1;
    this.#granules = granules;
    this.#target = target;
  }

  /**
   * So many bytes at `address` of memory 0 are to be at `at` of the target, when it is flattened. Makes nothing.
   *
   * @returns false: there is no room for another piece
   */
  keep(address: number, length: number, at: number): boolean {
    const place = this.#count * FIELDS;
    if (place === this.#pieces.length) return false;
    this.#pieces[place] = address;
    this.#pieces[place + 1] = length;
    this.#pieces[place + 2] = at;
    this.#count++;
    return true;
  }

  /** Nothing of it is wanted any more; its slot is flattened all the same. */
  drop(): void {
    this.#target = undefined;
    this.#count = 0;
    this.#piece = 0;
  }

  /** Does some of what is left. @returns about so many bytes, or marks, were looked at */
  flatten(most: number): number {
    let done = 0;
    while (done < most && this.#side >= 0) done += this.#run(most - done);
    while (done < most && this.#piece < this.#count) done += this.#copy(most - done);
    this.#waits = this.#side >= 0 || this.#piece < this.#count;
    return done;
  }

  /** The next run of marked granules of a side, or that there is none: a mark counts as one byte. */
  #run(most: number): number {
    const side = this.#sides[this.#side]!;
    const { begin, marks } = side.slot(this.#slot);
    const from = this.#granule;
    const { bytes } = marks;
    const last = Math.min(this.#granules, from + most);
    const first = marks.next(from, last);
    if (first === last) {
      this.#granule = last === this.#granules ? 0 : last;
      if (last === this.#granules) this.#side--;
      return last - from;
    }
    let end = first;
    for (let left = most; end === first || (left > 0 && bytes[end] === 1); left -= GRANULE) bytes[end++] = 0;
    this.#granule = end;
    const length = (end - first) * GRANULE + MIRROR.reach;
    const at = begin + first * GRANULE;
    this.#sides[0]!.bytes.set(side.bytes.subarray(at, at + length), this.#base + first * GRANULE);
    return length;
  }

  #copy(most: number): number {
    const place = this.#piece * FIELDS;
    const [address, length, at] = [this.#pieces[place]!, this.#pieces[place + 1]!, this.#pieces[place + 2]!];
    const part = Math.min(most, length - this.#copied);
    const from = this.#base + address + this.#copied;
    this.#target!.set(this.#sides[0]!.bytes.subarray(from, from + part), at + this.#copied);
    this.#copied += part;
    if (this.#copied < length) return part;
    this.#copied = 0;
    this.#piece++;
    return Math.max(1, part);
  }
}
