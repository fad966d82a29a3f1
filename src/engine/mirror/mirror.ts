// Redundant memory of one component (S109): slots that its own code fills while it runs (instrument/mirror.ts), the chain of
// snapshots that they become, and the base image that these are flattened into.
//
//   sides      one for each JavaScript thread that the component's code runs in; the mirror itself is the first, and has the base
//   a slot     of all sides: free -> active -> frozen -> flattened, and free again
//
//   prepare    has a slot free: else the oldest snapshot is flattened now, whole
//   freeze     the active slot is a snapshot, a free one is active: words change, and what several have written is copied
//   step       flattens: what the oldest frozen slot has goes into the base; then what is wanted of that snapshot is copied
//
// I1  Memory 0 is the base with all slots over it, the frozen ones by age, the active one last.
// I2  Snapshots are flattened in their order. Between two of them the base is memory 0 as it was at the first.
// I3  A free slot has no marks.
// I4  Writers of a side are on its JavaScript thread: there is one order of writes for memory 0 and slot. What more than one of
//     them may have written, or the host, is copied from memory 0 into the first side while none runs (`#settle`).
// I5  Of a snapshot the first side is flattened last: of what several have written its slot is right.
// Not here: dataspaces, where they lie (core/); when there is time to flatten (rtcr/).

import { MIRROR } from "../../abi/index.ts";
import { assert } from "../../util/index.ts";
import { GranuleMarks, MARKS_IN_WORD } from "./granule-marks.ts";
import { MirrorSide } from "./side.ts";
import { Snapshot } from "./snapshot.ts";

const GRANULE = MIRROR.granuleBytes;

export interface MirrorOptions {
  /** As of `SideOptions`. */
  readonly pages?: number;
  /** Instances of the first side are on another JavaScript thread than the mirror. */
  readonly elsewhere?: boolean;
}

export class Mirror extends MirrorSide {
  readonly #sides: MirrorSide[] = [this];
  /** Of the others, by number of the part. */
  readonly #parts = new Map<number, MirrorSide>();
  readonly #options: MirrorOptions;
  readonly #free: number[] = [];
  readonly #frozen: Snapshot[] = [];
  #active = 0;
  #memory: WebAssembly.Memory | undefined;
  #guest = new Uint8Array(0);
  #next: Snapshot | undefined;

  /** @param slots as of `MirrorSide` @throws RangeError if the host does not give a memory */
  constructor(slots: number, options: MirrorOptions = {}) {
    super(slots, options);
    this.#options = options;
    for (let number = slots - 1; number > 0; number--) this.#free.push(number);
    this.activate(this.#active);
  }

  /** Connects an instance; what the first one's memory 0 has then, when it is initialised, is the base. */
  override attach(memory: WebAssembly.Memory): void {
    if (this.#memory) return;
    this.#memory = memory;
    const guest = this.#guestBytes();
    assert(guest.length <= this.roomBytes, `memory 0 of ${guest.length} bytes has room in a slot`);
    for (let at = 0; at < guest.length; at += GRANULE) {
      const granule = guest.subarray(at, at + GRANULE);
      if (granule.some((byte) => byte !== 0)) this.bytes.set(granule, MIRROR.first + at);
    }
  }

  /** What instances of another thread write to, over the same memory 0; the same one each time. @throws RangeError as a fresh one */
  part(number: number): MirrorSide {
    let side = this.#parts.get(number);
    if (!side) {
      side = new MirrorSide(this.slots, this.#options);
      side.activate(this.#active);
      this.#parts.set(number, side);
      this.#sides.push(side);
    }
    return side;
  }

  /** Snapshots that are not flattened yet. */
  get frozen(): number {
    return this.#frozen.length;
  }

  /**
   * In front of a pause: there is a free slot for `freeze`.
   *
   * @param pieces how many pieces of memory may be kept of the snapshot
   * @returns how many older ones it had to flatten for that: 0 or 1
   */
  prepare(pieces: number): number {
    // Elsewhere they may run meanwhile.
    if (!this.#options.elsewhere && this.#sides.length === 1) this.#catchUp(this);
    this.#next = new Snapshot(this.#sides, MIRROR.first, pieces);
    if (this.#free.length > 0) return 0;
    this.finish(this.#frozen[0]!);
    return 1;
  }

  /**
   * In a pause, behind `prepare`: memory 0 as it is becomes a snapshot. Makes nothing.
   *
   * @param target what is kept of it is copied there
   */
  freeze(target: Uint8Array): Snapshot {
    this.#settle();
    const snapshot = this.#next;
    const slot = this.#free.pop();
    assert(snapshot !== undefined && slot !== undefined, "a snapshot was prepared");
    this.#next = undefined;
    snapshot.begin(this.#active, this.#granules, target);
    this.#frozen.push(snapshot);
    this.#active = slot;
    for (let i = 0; i < this.#sides.length; i++) this.#sides[i]!.activate(slot);
    return snapshot;
  }

  /**
   * Flattens, older snapshots first, and copies what is kept of them: about so many bytes, or marks looked at.
   *
   * @returns true: everything of `snapshot` is where it is kept
   */
  step(snapshot: Snapshot, bytes: number): boolean {
    let left = bytes;
    while (left > 0 && snapshot.waits) {
      const oldest = this.#frozen[0]!;
      left -= oldest.flatten(left);
      if (oldest.waits) continue;
      this.#frozen.shift();
      this.#free.push(oldest.slot);
    }
    return !snapshot.waits;
  }

  /** Does all that is left for a snapshot. */
  finish(snapshot: Snapshot): void {
    this.step(snapshot, Number.POSITIVE_INFINITY);
  }

  /** The active slot of the first side has what the host has written, and what several sides have. */
  #settle(): void {
    const sides = this.#sides;
    if (sides.length > 1) this.#copyContested();
    for (let i = 0; i < sides.length; i++) this.#catchUp(sides[i]!);
  }

  #catchUp({ host }: MirrorSide): void {
    const end = this.#granules;
    for (let at = host.next(0, end); at < end; at = host.next(at + 1, end)) {
      host.bytes[at] = 0;
      this.#copy(at);
    }
  }

  /** Downwards: a copy sets a mark, which says that the side may have written into the next granule, too. */
  #copyContested(): void {
    const granules = this.#granules;
    for (let word = Math.ceil(granules / MARKS_IN_WORD) - 1; word >= 0; word--) {
      if (!this.#several(GranuleMarks.inWord, word)) continue;
      const first = word * MARKS_IN_WORD;
      for (let at = Math.min(first + MARKS_IN_WORD, granules) - 1; at >= first; at--) {
        if (this.#several(GranuleMarks.reached, at)) this.#copy(at);
      }
    }
  }

  /** Whether that holds for more than one side. */
  #several(holds: (marks: GranuleMarks, at: number) => boolean, at: number): boolean {
    let found = 0;
    for (let i = 0; i < this.#sides.length; i++) {
      if (holds(this.#sides[i]!.slot(this.#active).marks, at)) found++;
    }
    return found > 1;
  }

  /** A granule is as memory 0 has it. */
  #copy(granule: number): void {
    const { begin, marks } = this.slot(this.#active);
    marks.bytes[granule] = 1;
    const guest = this.#guestBytes();
    const at = granule * GRANULE;
    const end = Math.min(at + GRANULE + MIRROR.reach, guest.length);
    this.bytes.set(guest.subarray(at, end), begin + at);
    this.bytes.fill(0, begin + end, begin + at + GRANULE + MIRROR.reach); // as memory 0 has it when it grows
  }

  /** That memory 0 has. */
  get #granules(): number {
    return this.#guestBytes().length / GRANULE;
  }

  #guestBytes(): Uint8Array {
    const { buffer } = this.#memory!;
    if (this.#guest.buffer !== buffer) this.#guest = new Uint8Array(buffer);
    return this.#guest;
  }
}
