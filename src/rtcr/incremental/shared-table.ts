// Tables of places of granules, which whoever has the same contents shares.
import { GranuleBytes, type GranuleTable, UNIT_BYTES } from "../../checkpoint/index.ts";
import type { GranuleStore } from "./granule-store.ts";

/** Numbers of units: different bytes have different ones. */
let nextUnit = 1;

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

/** Units with bytes from `begin` up to `end` have others than before. */
export function renumber(units: Float64Array, begin: number, end: number): void {
  for (let unit = Math.floor(begin / UNIT_BYTES); unit * UNIT_BYTES < end; unit++) units[unit] = nextUnit++;
}
