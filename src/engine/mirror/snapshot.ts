// One snapshot of a mirror: a frozen slot, and what is wanted of memory 0 as it was then.
import { MIRROR } from "../../abi/index.ts";
import type { GranuleMarks } from "./granule-marks.ts";

const GRANULE = MIRROR.granuleBytes;
/** Address, length and place in the target. */
const FIELDS = 3;

/** A region of the mirror that is written to. */
export interface Slot {
  readonly begin: number;
  readonly marks: GranuleMarks;
}

export class Snapshot {
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #pieces: Float64Array;
  #count = 0;
  #slot: Slot | undefined;
  /** That memory 0 had. */
  #granules = 0;
  #target: Uint8Array | undefined;
  /** GranuleMarks in front of it are cleared, their granules in the base. */
  #granule = 0;
  /** Pieces in front of it are copied, and so many bytes of it. */
  #piece = 0;
  #copied = 0;
  #waits = true;

  /** @param bytes the mirror's @param base where the base begins @param pieces that can be kept at most */
  constructor(bytes: Uint8Array, base: number, pieces: number) {
    this.#bytes = bytes;
    this.#base = base;
    this.#pieces = new Float64Array(pieces * FIELDS);
  }

  get slot(): Slot {
    return this.#slot!;
  }

  /** Whether something is left to do for it. */
  get waits(): boolean {
    return this.#waits;
  }

  begin(slot: Slot, granules: number, target: Uint8Array): void {
    this.#slot = slot;
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
    while (done < most && this.#granule < this.#granules) done += this.#run(most - done);
    while (done < most && this.#piece < this.#count) done += this.#copy(most - done);
    this.#waits = this.#granule < this.#granules || this.#piece < this.#count;
    return done;
  }

  /** The next run of marked granules, or that there is none: a mark counts as one byte. */
  #run(most: number): number {
    const { begin, marks } = this.slot;
    const from = this.#granule;
    const { bytes } = marks;
    const last = Math.min(this.#granules, from + most);
    const first = marks.next(from, last);
    this.#granule = first;
    if (first === last) return last - from;
    let end = first;
    for (let left = most; end === first || (left > 0 && bytes[end] === 1); left -= GRANULE) bytes[end++] = 0;
    this.#granule = end;
    const length = (end - first) * GRANULE + MIRROR.reach;
    const at = first * GRANULE;
    this.#bytes.copyWithin(this.#base + at, begin + at, begin + at + length);
    return length;
  }

  #copy(most: number): number {
    const place = this.#piece * FIELDS;
    const [address, length, at] = [this.#pieces[place]!, this.#pieces[place + 1]!, this.#pieces[place + 2]!];
    const part = Math.min(most, length - this.#copied);
    const from = this.#base + address + this.#copied;
    this.#target!.set(this.#bytes.subarray(from, from + part), at + this.#copied);
    this.#copied += part;
    if (this.#copied < length) return part;
    this.#copied = 0;
    this.#piece++;
    return Math.max(1, part);
  }
}
