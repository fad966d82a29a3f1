// What the instances of one JavaScript thread write beside memory 0: a memory with a region for each slot of their mirror.
//
//   regions    (base) | slot | slot | slot ...        each is memory 0 as it lies; layout: abi/constants.ts, MIRROR
//
// Marks of the first region say what the host of that thread has written: its slot comes with the mirror, which all sides have in
// common (mirror.ts). A CPU beside the kernel's has a side alone.
import { MIRROR } from "../../abi/index.ts";
import { assert } from "../../util/index.ts";
import type { WriteNotes } from "../marks.ts";
import { GranuleMarks } from "./granule-marks.ts";

const GRANULE = MIRROR.granuleBytes;
const WASM_PAGE = 65_536;

/** A region of a side that is written to. */
export interface Slot {
  readonly begin: number;
  readonly marks: GranuleMarks;
}

/** Bytes that memory 0 may have where its mirror has so many slots. */
export function mirrorRoom(slots: number): number {
  return regionBytes(slots, MIRROR.pages * WASM_PAGE) - GRANULE; // what a last granule reaches over its end
}

/** Marks of a region are whole words. */
function regionBytes(slots: number, sizeBytes: number): number {
  const step = GRANULE * Int32Array.BYTES_PER_ELEMENT;
  return Math.floor((sizeBytes - MIRROR.first) / (slots + 1) / step) * step;
}

export interface SideOptions {
  /** Pages of 64 KiB for all regions together. Default: as many as there can be, which cost nothing until they are used */
  readonly pages?: number;
  /** That of a side which another JavaScript thread has, too. Default: a fresh one. */
  readonly memory?: WebAssembly.Memory;
}

export class MirrorSide implements WriteNotes {
  readonly memory: WebAssembly.Memory;
  readonly slots: number;
  readonly bytes: Uint8Array;
  /** By granule of memory 0: what the host has written since the last time that it was looked at. */
  readonly host: GranuleMarks;
  readonly #regionBytes: number;
  readonly #word: Uint32Array;
  readonly #slots: readonly Slot[];

  /**
   * @param slots at least two: one is written, one becomes the next one
   * @throws RangeError if the host does not give a memory
   */
  constructor(slots: number, { pages = MIRROR.pages, memory }: SideOptions = {}) {
    assert(Number.isInteger(slots) && slots > 1, `${slots} are at least two slots`);
    this.slots = slots;
    this.memory = memory ?? new WebAssembly.Memory({ initial: pages, maximum: MIRROR.pages, shared: true });
    const { buffer } = this.memory;
    this.#regionBytes = regionBytes(slots, buffer.byteLength);
    this.bytes = new Uint8Array(buffer);
    this.#word = new Uint32Array(buffer, MIRROR.active, 1);
    const regions = Array.from({ length: slots + 1 }, (_, number) => this.#region(number));
    this.host = regions[0]!.marks;
    this.#slots = regions.slice(1);
  }

  /** Bytes that memory 0 may have. */
  get roomBytes(): number {
    return this.#regionBytes - GRANULE;
  }

  /** @param number from 0 on */
  slot(number: number): Slot {
    return this.#slots[number]!;
  }

  /** What is written is written to this slot from now on. */
  activate(number: number): void {
    this.#word[0] = this.slot(number).begin;
  }

  /** An instance has been made over a memory 0. */
  attach(_memory: WebAssembly.Memory): void {}

  /** The host has written so many bytes of memory 0, or is about to, before anything is prepared or frozen. */
  wrote(address: number, length: number): void {
    if (length > 0) this.host.bytes.fill(1, Math.floor(address / GRANULE), Math.ceil((address + length) / GRANULE));
  }

  #region(number: number): Slot {
    const begin = MIRROR.first + number * this.#regionBytes;
    return { begin, marks: new GranuleMarks(this.memory.buffer, begin / GRANULE, this.#regionBytes / GRANULE) };
  }
}
