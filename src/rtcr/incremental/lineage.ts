// The contents of one dataspace, checkpoint after checkpoint.
//
//   owed      granules that may have been written since the last checkpoint that was completed
//   copy      which of them differ from that checkpoint's -> places for these -> their bytes
//   complete  a table of places, shared by whoever has the same; or none: the places are given back and all is owed still
//
// I1  What is owed is forgotten by `complete` only: a checkpoint that fails loses nothing, whoever has taken the marks.
// I2  Bytes are looked at before they are copied. So programs that mark nothing have increments too, whose pause is
//     longer than that of a full checkpoint; and what was written without a change is shared.
// I3  `copy` makes nothing on the heap: places, states and views are there before, and kept.
import { GranuleBytes, type GranuleTable, UNIT_BYTES } from "../../checkpoint/index.ts";
import { type ByteSink, type Capability, type Dataspace, PAGE_BYTES, type WrittenPages } from "../../session/index.ts";
import { allZero, required } from "../../util/index.ts";
import type { Copier } from "../copier.ts";
import type { GranuleStore } from "./granule-store.ts";
import { copyWords, quotient, wordsDiffer, wordsHold } from "./words.ts";

/** What becomes of a granule. One that differs is copied as soon as it has a place. */
const STATE = { kept: 0, copied: 1, zero: 2, differs: 3 } as const;
/** Less is copied word by word: a view would cost as much. */
const MANY_BYTES = 16 << 10;

/** Numbers of units: different bytes have different ones. */
let nextUnit = 1;

/** A table of places that checkpoints have, and the lineage whose last one it is. */
class SharedTable implements GranuleTable {
  readonly sizeBytes: number;
  readonly places: Int32Array;
  readonly units: Float64Array;
  /** What is found out of them is found out once. */
  readonly bytes: GranuleBytes;
  readonly #store: GranuleStore;
  #users = 1;

  /** The places are the table's now. */
  constructor(store: GranuleStore, sizeBytes: number, places: Int32Array, units: Float64Array) {
    this.#store = store;
    this.sizeBytes = sizeBytes;
    this.places = places;
    this.units = units;
    this.bytes = new GranuleBytes(store, this);
  }

  use(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users > 0) return;
    for (const place of this.places) this.#store.release(place);
  }
}

/** What a checkpoint has of a dataspace. */
export interface Share {
  readonly bytes: GranuleBytes;
  readonly release: () => void;
}

export class Lineage {
  readonly capability: Capability<Dataspace>;
  /** The checkpoint that has copied it last. */
  copiedBy: object | undefined;
  readonly #store: GranuleStore;
  readonly #sizeBytes: number;
  readonly #owed: Uint8Array;
  readonly #states: Uint8Array;
  readonly #next: Int32Array;
  readonly #written: WrittenPages | undefined;
  /** Of the last checkpoint that was completed. */
  #table: SharedTable | undefined;
  /** Granules that have changed, as the last `copy` has found. */
  #changed = 0;
  /** Granules that will have, as far as one can know while the program runs. */
  #expected: number;
  #copier: Copier | undefined;
  #sourceBytes: Uint8Array | undefined;
  #sourceWords: Int32Array | undefined;

  constructor(capability: Capability<Dataspace>, store: GranuleStore) {
    this.capability = capability;
    this.#store = store;
    const dataspace = required(capability.object, "a dataspace that is there");
    this.#sizeBytes = dataspace.size();
    const granules = Math.ceil(this.#sizeBytes / store.granuleBytes);
    this.#owed = new Uint8Array(granules).fill(1);
    this.#states = new Uint8Array(granules);
    this.#next = new Int32Array(granules);
    this.#expected = granules;
    this.#written = dataspace.written?.();
  }

  /** Granules that the next checkpoint will probably copy. */
  get expected(): number {
    return this.#expected;
  }

  /** Granules that the last `copy` has found to have changed. */
  get changed(): number {
    return this.#changed;
  }

  /**
   * Takes over what was written, and copies what has changed.
   *
   * @returns granules that there was no room for: then nothing was copied
   */
  copy(dataspace: Dataspace, copier: Copier): number {
    if (this.#written) this.#written.take(this.#owe);
    else this.#owed.fill(1);
    this.#states.fill(STATE.kept);
    dataspace.pieces!(this.#look);
    const missing = this.#place();
    if (missing > 0 || this.#changed === 0) return missing;
    this.#copier = copier;
    dataspace.pieces!(this.#copy);
    this.#copier = undefined;
    return 0;
  }

  /** The checkpoint is one: the next one has only to do with what is written from its pause on. */
  complete(): Share {
    const likely = this.#table ? (this.#changed * 5) / 4 : this.#next.length / 8;
    const table = this.#changed > 0 || !this.#table ? this.#renew() : this.#table;
    this.#expected = Math.min(this.#next.length, Math.ceil(likely));
    this.#owed.fill(0);
    const used = table.use();
    return { bytes: table.bytes, release: () => used.release() };
  }

  /** It is none. @returns places that are to be given back */
  abandon(): readonly number[] {
    const places = Array.from(this.#next).filter((_, granule) => this.#states[granule] === STATE.copied);
    this.#states.fill(STATE.kept);
    return places;
  }

  /** Checkpoints that live stay what they are. */
  dispose(): void {
    this.#written?.close();
    this.#table?.release();
    this.#table = undefined;
  }

  readonly #owe = (page: number, count: number): void => {
    this.#owed.fill(1, this.#granuleAt(page * PAGE_BYTES), this.#granuleAt((page + count) * PAGE_BYTES - 1) + 1);
  };

  /** Finds out what has changed, of what is owed. */
  readonly #look: ByteSink = {
    bytes: (at, source, from, length) => {
      const words = this.#wordsOf(source);
      for (let begin = at, end = at; begin < at + length; begin = end) {
        const granule = this.#granuleAt(begin);
        end = this.#endOf(granule, at + length);
        if (this.#owed[granule] === 0 || !this.#differs(granule, begin, words, from + begin - at, end - begin))
          continue;
        this.#states[granule] = STATE.differs;
      }
    },
    zeros: (at, length) => {
      for (let begin = at, end = at; begin < at + length; begin = end) {
        const granule = this.#granuleAt(begin);
        end = this.#endOf(granule, at + length);
        if (this.#owed[granule] === 0 || this.#table?.places[granule] === 0) continue;
        const whole = begin % this.#store.granuleBytes === 0 && end === this.#endOf(granule, this.#sizeBytes);
        this.#states[granule] = whole ? STATE.zero : STATE.differs;
      }
    },
  };

  readonly #copy: ByteSink = {
    bytes: (at, source, from, length) => {
      const behind = at + length;
      for (let begin = at, end = at; begin < behind; begin = end) {
        const first = this.#granuleAt(begin);
        end = this.#endOf(first, behind);
        if (this.#states[first] !== STATE.copied) continue;
        for (let last = first; end < behind && this.#follows(last); last++) end = this.#endOf(last + 1, behind);
        this.#copyRun(first, begin, end, source, from + begin - at);
      }
    },
    zeros: (at, length) => {
      for (let begin = at, end = at; begin < at + length; begin = end) {
        const granule = this.#granuleAt(begin);
        end = this.#endOf(granule, at + length);
        if (this.#states[granule] !== STATE.copied) continue;
        const place = this.#next[granule]!;
        const to = this.#store.offsetOf(place) + (begin % this.#store.granuleBytes);
        this.#store.bytesOf(place).fill(0, to, to + end - begin);
      }
    },
  };

  #granuleAt(at: number): number {
    return quotient(at, this.#store.granuleBytes);
  }

  /** Where a granule ends, or what is looked at of it. */
  #endOf(granule: number, behind: number): number {
    return Math.min(behind, (granule + 1) * this.#store.granuleBytes);
  }

  /** Whether a part of a granule is not as it was, or there is nothing that it could be as. */
  #differs(granule: number, begin: number, words: Int32Array, from: number, length: number): boolean {
    if (!this.#table) return true;
    const place = this.#table.places[granule]!;
    if (place === 0) return wordsHold(words, from, length);
    const at = this.#store.offsetOf(place) + (begin % this.#store.granuleBytes);
    return wordsDiffer(words, from, this.#store.wordsOf(place), at, length);
  }

  /** Finds places for what has changed. */
  #place(): number {
    const states = this.#states;
    const next = this.#next;
    const places = this.#table?.places;
    this.#changed = 0;
    let missing = 0;
    for (let granule = 0; granule < next.length; granule++) {
      const state = states[granule];
      if (state !== STATE.kept) this.#changed++;
      if (state !== STATE.differs) next[granule] = state === STATE.zero ? 0 : (places?.[granule] ?? 0);
      else if ((next[granule] = this.#store.take()) === 0) missing++;
      else states[granule] = STATE.copied;
    }
    return missing;
  }

  /** Whether the next granule is copied to the place behind. */
  #follows(granule: number): boolean {
    const place = this.#next[granule]!;
    const follows = this.#states[granule + 1] === STATE.copied && this.#next[granule + 1] === place + 1;
    return follows && place % this.#store.chunkGranules !== 0;
  }

  #copyRun(granule: number, begin: number, end: number, source: Uint8Array, from: number): void {
    const place = this.#next[granule]!;
    const at = this.#store.offsetOf(place) + (begin % this.#store.granuleBytes);
    if (end - begin < MANY_BYTES) copyWords(this.#wordsOf(source), from, this.#store.wordsOf(place), at, end - begin);
    else this.#copier!.copyTo(this.#store.bytesOf(place), at, source, from, end - begin);
  }

  /** Pages of a dataspace begin at whole words. */
  #wordsOf(source: Uint8Array): Int32Array {
    if (this.#sourceBytes === source) return this.#sourceWords!;
    this.#sourceBytes = source;
    return (this.#sourceWords = new Int32Array(source.buffer, source.byteOffset, source.length >>> 2));
  }

  /** The places of this checkpoint become a table. */
  #renew(): SharedTable {
    const places = this.#next.slice();
    const { granuleBytes } = this.#store;
    const units = this.#table?.units.slice() ?? new Float64Array(Math.ceil(this.#sizeBytes / UNIT_BYTES));
    for (const [granule, state] of this.#states.entries()) {
      if (state === STATE.kept) this.#store.retain(places[granule]!);
      else renumber(units, granule * granuleBytes, Math.min(this.#sizeBytes, (granule + 1) * granuleBytes));
      if (state === STATE.copied) places[granule] = this.#unlessZero(places[granule]!, granule);
    }
    this.#states.fill(STATE.kept);
    this.#table?.release();
    return (this.#table = new SharedTable(this.#store, this.#sizeBytes, places, units));
  }

  /** A granule that turns out to be zero has no place. */
  #unlessZero(place: number, granule: number): number {
    const { granuleBytes } = this.#store;
    const at = this.#store.offsetOf(place);
    const length = Math.min(granuleBytes, this.#sizeBytes - granule * granuleBytes);
    if (!allZero(this.#store.bytesOf(place).subarray(at, at + length))) return place;
    this.#store.release(place);
    return 0;
  }
}

/** Units with bytes from `begin` up to `end` have others than before. */
function renumber(units: Float64Array, begin: number, end: number): void {
  for (let unit = Math.floor(begin / UNIT_BYTES); unit * UNIT_BYTES < end; unit++) units[unit] = nextUnit++;
}
