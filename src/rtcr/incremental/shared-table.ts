// Tables of places of granules, which whoever has the same contents shares.
import { GranuleBytes, type GranuleTable, type RecordedBytes, UNIT_BYTES, usedRuns } from "../../checkpoint/index.ts";
import type { GranuleStore } from "./granule-store.ts";

/** Numbers of units: different bytes have different ones. */
let nextUnit = 1;

/** Of contents that are granules. */
const tables = new WeakMap<RecordedBytes, SharedTable>();

/** A table of places that checkpoints have, and the lineage whose last one it is. */
export class SharedTable implements GranuleTable {
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
    tables.set(this.bytes, this);
  }

  /**
   * The table of a content that somebody holds still: its own if its granules are of this store, else of copies.
   *
   * @returns undefined if there is no room for copies
   */
  static of(store: GranuleStore, content: RecordedBytes): SharedTable | undefined {
    const known = tables.get(content);
    return known && known.#store === store && known.#users > 0 ? known.use() : copied(store, content);
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

function copied(store: GranuleStore, content: RecordedBytes): SharedTable | undefined {
  const { granuleBytes } = store;
  const places = new Int32Array(Math.ceil(content.length / granuleBytes));
  const runs = usedRuns(content);
  for (let i = 0; i < runs.length; i += 2) {
    places.fill(1, Math.floor(runs[i]! / granuleBytes), Math.ceil(runs[i + 1]! / granuleBytes));
  }
  const used = places.reduce((sum, place) => sum + place, 0);
  if (!store.reserve(used).ok) return undefined;
  const room = new Uint8Array(granuleBytes);
  for (let granule = 0; granule < places.length; granule++) {
    if (places[granule] === 0) continue;
    const place = (places[granule] = store.take());
    const begin = granule * granuleBytes;
    const bytes =
      content instanceof Uint8Array
        ? content.subarray(begin, begin + granuleBytes)
        : content.subarray(begin, begin + granuleBytes, room);
    store.bytesOf(place).set(bytes, store.offsetOf(place));
  }
  const units = new Float64Array(Math.ceil(content.length / UNIT_BYTES));
  renumber(units, 0, content.length);
  return new SharedTable(store, content.length, places, units);
}

/** Units with bytes from `begin` up to `end` have others than before. */
export function renumber(units: Float64Array, begin: number, end: number): void {
  for (let unit = Math.floor(begin / UNIT_BYTES); unit * UNIT_BYTES < end; unit++) units[unit] = nextUnit++;
}
