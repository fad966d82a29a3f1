// What a pause copies of one dataspace: which granules, where to, and their bytes.
//
//   look      of what is owed, which granules hold something, and which are zero
//   place     a free granule for each; or, where so many lie apart that it is quicker, places side by side for all of them
//   copy      their bytes
//   settle    (behind the pause) which of them differ from those before; copies of those that do not are given back
//
// I1  `run` makes nothing on the heap: places, states and views are there before, and kept. It compares nothing.
// I2  It takes no longer than a copy of everything does, but for some microseconds a MiB, when there is room for one (`chunks`).
import type { ByteSink, Dataspace } from "../../session/index.ts";
import { allZero } from "../../util/index.ts";
import type { Copier } from "../copier.ts";
import type { GranuleStore } from "./granule-store.ts";
import { copyWords, quotient, wordsDiffer } from "./words.ts";

/**
 * What becomes of a granule. One that is wanted is copied as soon as it has a place; `moved`: its bytes are as before, its place is
 * another one.
 */
export const STATE = { kept: 0, copied: 1, zero: 2, moved: 3, wanted: 4 } as const;
/** Less is copied word by word: a view would cost as much. */
const MANY_BYTES = 16 << 10;
/** As many pages of a long run are copied in the time of one that is copied by words (RATIONALE, increments). */
const ALONE = 3;
/** Of all granules: where more are wanted all are copied, without looking for a place for each. */
const NEARLY_ALL = 15 / 16;

export class GranuleCopy {
  readonly states: Uint8Array;
  readonly places: Int32Array;
  readonly #store: GranuleStore;
  readonly #sizeBytes: number;
  /** Whether it can matter how granules lie. */
  readonly #large: boolean;
  #owed: Uint8Array;
  #before: Int32Array | undefined;
  #count = 0;
  /** Granules that `#look` has found to be wanted, and to be zero. */
  #wanted = 0;
  #zero = 0;
  /** Whether a copy of everything would have been quicker, or is. */
  #wantsAll: boolean;
  /** Granules that the last `#place` has found no place for. */
  #missing = 0;
  /** Everything was copied. */
  #all = false;
  #copier: Copier | undefined;
  #sourceBytes: Uint8Array | undefined;
  #sourceWords: Int32Array | undefined;

  constructor(store: GranuleStore, sizeBytes: number) {
    this.#store = store;
    this.#sizeBytes = sizeBytes;
    const granules = Math.ceil(sizeBytes / store.granuleBytes);
    this.states = new Uint8Array(granules);
    this.places = new Int32Array(granules);
    this.#owed = this.states;
    this.#large = granules >= store.chunkGranules && store.granuleBytes < MANY_BYTES;
    this.#wantsAll = this.#large;
  }

  /** Empty chunks that a copy like the last one would use. */
  get chunks(): number {
    return this.#wantsAll ? Math.ceil(this.places.length / this.#store.chunkGranules) : 0;
  }

  /** Granules that the last copy has copied. */
  get copied(): number {
    return this.#all ? this.places.length : this.#count;
  }

  /** Free granules that the last copy would have used. */
  get needed(): number {
    return this.#wantsAll ? this.places.length : this.#count;
  }

  /**
   * Copies granules that are owed.
   *
   * @param before places of what is copied no more; absent: there is nothing
   * @returns granules that there was no room for: then nothing was copied
   */
  run(dataspace: Dataspace, owed: Uint8Array, before: Int32Array | undefined, copier: Copier): number {
    this.#owed = owed;
    this.#before = before;
    this.#all = false;
    this.states.fill(STATE.kept);
    this.#wanted = this.#zero = 0;
    dataspace.pieces!(this.#look);
    const nearly = this.#large && this.#wanted > NEARLY_ALL * this.places.length;
    this.#wantsAll = nearly;
    if (nearly && this.#store.emptyChunks >= this.chunks) {
      this.#count = this.#wanted + this.#zero;
      this.#placeAll();
    } else {
      const scattered = this.#place();
      this.#wantsAll ||= scattered;
      if (this.#missing > 0) return this.#missing;
      if (scattered) this.#placeAll();
    }
    this.#copier = copier;
    dataspace.pieces!(this.#copy);
    this.#copier = undefined;
    return 0;
  }

  /** Nothing is copied, everything is kept. */
  none(): void {
    this.states.fill(STATE.kept);
    this.#count = 0;
    this.#all = this.#wantsAll = false;
  }

  /** What was copied and is as before is given back. */
  settle(): void {
    const { states, places } = this;
    const store = this.#store;
    let changed = 0;
    for (let granule = 0; granule < states.length; granule++) {
      if (states[granule] === STATE.copied) this.#settleOne(granule);
      if (states[granule] === STATE.copied || states[granule] === STATE.zero) changed++;
    }
    // Side by side they stay unless that keeps much more than what has changed.
    const stays = this.#all && (2 * changed > states.length || !store.reserve(changed).ok);
    for (let granule = 0; granule < states.length && !stays; granule++) {
      const place = places[granule]!;
      if (states[granule] === STATE.moved) {
        places[granule] = this.#before![granule]!;
        states[granule] = STATE.kept;
      } else if (states[granule] === STATE.copied && this.#all) this.#move(granule);
      else continue;
      store.release(place);
    }
  }

  /** It becomes nothing. @returns places that are to be given back */
  abandon(): readonly number[] {
    const own = (granule: number) => this.states[granule] === STATE.copied || this.states[granule] === STATE.moved;
    const places = Array.from(this.places).filter((_, granule) => own(granule));
    this.states.fill(STATE.kept);
    return places;
  }

  /** Finds out what is to be copied, of what is owed. */
  readonly #look: ByteSink = {
    bytes: (at, _source, _from, length) => {
      const last = this.#granuleAt(at + length - 1);
      for (let granule = this.#granuleAt(at); granule <= last; granule++) {
        if (this.#owed[granule] === 0 || this.states[granule] === STATE.wanted) continue;
        this.states[granule] = STATE.wanted;
        this.#wanted++;
      }
    },
    zeros: (at, length) => {
      for (let begin = at, end = at; begin < at + length; begin = end) {
        const granule = this.#granuleAt(begin);
        end = this.#endOf(granule, at + length);
        if (this.#owed[granule] === 0 || this.states[granule] === STATE.wanted) continue;
        const whole = begin % this.#store.granuleBytes === 0 && end === this.#endOf(granule, this.#sizeBytes);
        if (!whole) {
          this.states[granule] = STATE.wanted;
          this.#wanted++;
        } else if (this.#before?.[granule] !== 0) {
          this.states[granule] = STATE.zero;
          this.#zero++;
        }
      }
    },
  };

  readonly #copy: ByteSink = {
    bytes: (at, source, from, length) => {
      const behind = at + length;
      for (let begin = at, end = at; begin < behind; begin = end) {
        const first = this.#granuleAt(begin);
        end = this.#endOf(first, behind);
        if (this.states[first] !== STATE.copied) continue;
        for (let last = first; end < behind && this.#follows(last); last++) end = this.#endOf(last + 1, behind);
        this.#copyRun(first, begin, end, source, from + begin - at);
      }
    },
    zeros: (at, length) => {
      for (let begin = at, end = at; begin < at + length; begin = end) {
        const granule = this.#granuleAt(begin);
        end = this.#endOf(granule, at + length);
        if (this.states[granule] !== STATE.copied) continue;
        const place = this.places[granule]!;
        const to = this.#store.offsetOf(place) + (begin % this.#store.granuleBytes);
        this.#store.bytesOf(place).fill(0, to, to + end - begin);
      }
    },
  };

  /** Finds places for what is copied. @returns whether that lies so much apart that a copy of everything is quicker */
  #place(): boolean {
    const { states, places } = this;
    this.#count = 0;
    let missing = 0;
    let cost = 0;
    let run = 0;
    for (let granule = 0; granule < places.length; granule++) {
      const state = states[granule];
      if (state !== STATE.kept) this.#count++;
      if (state !== STATE.wanted) places[granule] = state === STATE.zero ? 0 : (this.#before?.[granule] ?? 0);
      else if ((places[granule] = this.#store.take()) === 0) missing++;
      else {
        states[granule] = STATE.copied;
        if (granule > 0 && this.#follows(granule - 1)) {
          run++;
          continue;
        }
      }
      cost += this.#costOf(run);
      run = states[granule] === STATE.copied ? 1 : 0;
    }
    cost += this.#costOf(run) + ALONE * missing;
    this.#missing = missing;
    return this.#large && cost > places.length;
  }

  /** Of copying a run of so many granules, in granules of a long one. */
  #costOf(run: number): number {
    return run * this.#store.granuleBytes < MANY_BYTES ? ALONE * run : run;
  }

  /** Everything is copied, side by side, if there is room for that: what was placed may lie in it. */
  #placeAll(): void {
    const { states, places } = this;
    const store = this.#store;
    const { chunkGranules } = store;
    for (let granule = 0; granule < places.length; granule++) {
      if (states[granule] === STATE.copied) store.release(places[granule]!);
    }
    this.#all = store.emptyChunks >= this.chunks;
    let run = 0;
    for (let granule = 0; granule < places.length; granule++) {
      if (!this.#all) {
        if (states[granule] === STATE.copied) places[granule] = store.take();
        continue;
      }
      const at = granule % chunkGranules;
      if (at === 0) run = store.takeRun(Math.min(chunkGranules, places.length - granule));
      if (states[granule] === STATE.zero) {
        store.release(run + at);
        places[granule] = 0;
      } else {
        states[granule] = STATE.copied;
        places[granule] = run + at;
      }
    }
  }

  /** Whether a granule that was copied is as before, or zero: which has no place. */
  #settleOne(granule: number): void {
    const store = this.#store;
    const place = this.places[granule]!;
    const before = this.#before?.[granule];
    const at = store.offsetOf(place);
    const length = this.#endOf(granule, this.#sizeBytes) - granule * store.granuleBytes;
    const same = () =>
      this.#owed[granule] === 0 ||
      !wordsDiffer(store.wordsOf(place), at, store.wordsOf(before!), store.offsetOf(before!), length);
    if (before && same()) this.states[granule] = STATE.moved;
    else if (allZero(store.bytesOf(place).subarray(at, at + length))) {
      store.release(place);
      this.places[granule] = 0;
      this.states[granule] = before === 0 ? STATE.kept : STATE.zero;
    }
  }

  /** To a place of its own. */
  #move(granule: number): void {
    const store = this.#store;
    const place = this.places[granule]!;
    const next = store.take();
    copyWords(
      store.wordsOf(place),
      store.offsetOf(place),
      store.wordsOf(next),
      store.offsetOf(next),
      store.granuleBytes,
    );
    this.places[granule] = next;
  }

  #granuleAt(at: number): number {
    return quotient(at, this.#store.granuleBytes);
  }

  /** Where a granule ends, or what is looked at of it. */
  #endOf(granule: number, behind: number): number {
    return Math.min(behind, (granule + 1) * this.#store.granuleBytes);
  }

  /** Whether the next granule is copied to the place behind. */
  #follows(granule: number): boolean {
    const place = this.places[granule]!;
    const both = this.states[granule] === STATE.copied && this.states[granule + 1] === STATE.copied;
    return both && this.places[granule + 1] === place + 1 && place % this.#store.chunkGranules !== 0;
  }

  #copyRun(granule: number, begin: number, end: number, source: Uint8Array, from: number): void {
    const place = this.places[granule]!;
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
}
