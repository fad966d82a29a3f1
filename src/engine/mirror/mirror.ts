// Redundant memory of one component (S109): slots that its own code fills while it runs (instrument/mirror.ts), the chain of
// snapshots that they become, and the base image that these are flattened into.
//
//   regions    base | slot | slot | slot ...        each is memory 0 as it lies; layout: abi/constants.ts, MIRROR
//   a slot     free -> active -> frozen -> flattened, and free again
//
//   prepare    has a slot free: else the oldest snapshot is flattened now, whole
//   freeze     the active slot is a snapshot, a free one is active: two words change, nothing is copied or made
//   step       flattens: what the oldest frozen slot has goes into the base; then what is wanted of that snapshot is copied
//
// I1  Memory 0 is the base with all slots over it, the frozen ones by age, the active one last.
// I2  Snapshots are flattened in their order. Between two of them the base is memory 0 as it was at the first.
// I3  A free slot has no marks.
// I4  Writers are on this JavaScript thread: there is one order of writes for memory 0 and mirror.
// Not here: dataspaces, where they lie (core/); when there is time to flatten (rtcr/).

import { MIRROR } from "../../abi/index.ts";
import { assert } from "../../util/index.ts";
import type { WriteNotes } from "../marks.ts";
import { GranuleMarks } from "./granule-marks.ts";
import { type Slot, Snapshot } from "./snapshot.ts";

const GRANULE = MIRROR.granuleBytes;
const WASM_PAGE = 65_536;
/** Bytes that memory 0 may have where its mirror has so many slots. */
export function mirrorRoom(slots: number): number {
  return regionBytes(slots, MIRROR.pages * WASM_PAGE) - GRANULE; // what a last granule reaches over its end
}

/** Marks of a region are whole words. */
function regionBytes(slots: number, sizeBytes: number): number {
  const step = GRANULE * Int32Array.BYTES_PER_ELEMENT;
  return Math.floor((sizeBytes - MIRROR.first) / (slots + 1) / step) * step;
}

export class Mirror implements WriteNotes {
  readonly memory: WebAssembly.Memory;
  readonly slots: number;
  /** Bytes that memory 0 may have. */
  readonly roomBytes: number;
  readonly #regionBytes: number;
  readonly #bytes: Uint8Array;
  readonly #word: Uint32Array;
  /** By granule of memory 0: what the host has written since the last time that it was looked at. */
  readonly #host: GranuleMarks;
  /** Between them: those that it has written. */
  #hostBegin = Number.POSITIVE_INFINITY;
  #hostEnd = 0;
  readonly #free: Slot[] = [];
  readonly #frozen: Snapshot[] = [];
  #active: Slot;
  #memory: WebAssembly.Memory | undefined;
  #guest = new Uint8Array(0);
  #next: Snapshot | undefined;

  /**
   * @param slots at least two: one is written, one becomes the next one
   * @param pages of 64 KiB for base and slots together; default: as many as there can be, which cost nothing until they are used
   * @throws RangeError if the host does not give them
   */
  constructor(slots: number, pages: number = MIRROR.pages) {
    assert(Number.isInteger(slots) && slots > 1, `${slots} are at least two slots`);
    this.slots = slots;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: MIRROR.pages, shared: true });
    const { byteLength } = this.memory.buffer;
    this.#regionBytes = regionBytes(slots, byteLength);
    this.roomBytes = this.#regionBytes - GRANULE;
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#host = this.#slot(0).marks;
    this.#word = new Uint32Array(this.memory.buffer, MIRROR.active, 1);
    for (let number = slots; number > 1; number--) this.#free.push(this.#slot(number));
    this.#active = this.#slot(1);
    this.#word[0] = this.#active.begin;
  }

  /** Connects an instance; what the first one's memory 0 has then, when it is initialised, is the base. */
  attach(memory: WebAssembly.Memory): void {
    if (this.#memory) return;
    this.#memory = memory;
    const guest = this.#guestBytes();
    assert(guest.length <= this.roomBytes, `memory 0 of ${guest.length} bytes has room in a slot`);
    for (let at = 0; at < guest.length; at += GRANULE) {
      const granule = guest.subarray(at, at + GRANULE);
      if (granule.some((byte) => byte !== 0)) this.#bytes.set(granule, MIRROR.first + at);
    }
  }

  /** Snapshots that are not flattened yet. */
  get frozen(): number {
    return this.#frozen.length;
  }

  /** The host has written so many bytes of memory 0, or is about to, before anything is prepared or frozen. */
  wrote(address: number, length: number): void {
    if (length === 0) return;
    const [begin, end] = [Math.floor(address / GRANULE), Math.ceil((address + length) / GRANULE)];
    this.#host.bytes.fill(1, begin, end);
    this.#hostBegin = Math.min(begin, this.#hostBegin);
    this.#hostEnd = Math.max(end, this.#hostEnd);
  }

  /**
   * In front of a pause: there is a free slot for `freeze`.
   *
   * @param pieces how many pieces of memory may be kept of the snapshot
   * @returns how many older ones it had to flatten for that: 0 or 1
   */
  prepare(pieces: number): number {
    this.#catchUp();
    this.#next = new Snapshot(this.#bytes, MIRROR.first, pieces);
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
    this.#catchUp();
    const snapshot = this.#next;
    const slot = this.#free.pop();
    assert(snapshot !== undefined && slot !== undefined, "a snapshot was prepared");
    this.#next = undefined;
    snapshot.begin(this.#active, this.#guestBytes().length / GRANULE, target);
    this.#frozen.push(snapshot);
    this.#active = slot;
    this.#word[0] = slot.begin;
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

  /** The base is the region of number 0, whose marks nothing else needs. */
  #slot(number: number): Slot {
    const begin = MIRROR.first + number * this.#regionBytes;
    return { begin, marks: new GranuleMarks(this.memory.buffer, begin / GRANULE, this.#regionBytes / GRANULE) };
  }

  /** What the host has written is in the active slot. */
  #catchUp(): void {
    const end = this.#hostEnd;
    const granules = this.#guestBytes().length / GRANULE;
    for (let at = this.#host.next(this.#hostBegin, end); at < end; at = this.#host.next(at + 1, end)) {
      this.#host.bytes[at] = 0;
      if (at < granules) this.#copy(at * GRANULE);
    }
    this.#hostBegin = Number.POSITIVE_INFINITY;
    this.#hostEnd = 0;
  }

  /** The granule at `at` is as memory 0 has it. */
  #copy(at: number): void {
    const { begin, marks } = this.#active;
    marks.bytes[at / GRANULE] = 1;
    const guest = this.#guestBytes();
    const end = Math.min(at + GRANULE + MIRROR.reach, guest.length);
    this.#bytes.set(guest.subarray(at, end), begin + at);
    this.#bytes.fill(0, begin + end, begin + at + GRANULE + MIRROR.reach); // as memory 0 has it when it grows
  }

  #guestBytes(): Uint8Array {
    const { buffer } = this.#memory!;
    if (this.#guest.buffer !== buffer) this.#guest = new Uint8Array(buffer);
    return this.#guest;
  }
}
