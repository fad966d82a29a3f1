// Bytes in granules that several checkpoints share: what an incremental checkpoint has of a dataspace (S108).
//
//   places   3 0 7 8     where each granule is, from 1; 0: it is zero
//   chunks   [1 2 3 4] [5 6 7 8]                              of as many granules each
//   units    41 17 ...   a number for the content of each unit of 64 KiB: equal numbers, equal bytes
//
// They are read as a `Uint8Array` is, and are as immutable as the storage is: until the checkpoint is given back.
import type { ByteSink } from "../util/index.ts";
import { UNIT_BYTES } from "./limits.ts";

/** Where granules are. Places of a checkpoint that lives do not change; chunks may come and go beside. */
export interface GranuleStorage {
  readonly granuleBytes: number;
  readonly chunkGranules: number;
  readonly chunks: readonly (Uint8Array | undefined)[];
}

export interface GranuleTable {
  readonly sizeBytes: number;
  readonly places: Int32Array;
  /** Numbers of different bytes differ within a process. */
  readonly units: Float64Array;
}

/** Bytes of a checkpoint: a view of its own storage, or granules. */
export type RecordedBytes = Uint8Array | GranuleBytes;

export class GranuleBytes {
  readonly #storage: GranuleStorage;
  readonly #table: GranuleTable;

  constructor(storage: GranuleStorage, table: GranuleTable) {
    this.#storage = storage;
    this.#table = table;
  }

  get length(): number {
    return this.#table.sizeBytes;
  }

  /** The number of the bytes of a unit: whatever has the same number at any unit has the same bytes there. */
  unitNumber(unit: number): number {
    return this.#table.units[unit]!;
  }

  /** Shows the bytes from `begin` up to `end` in as few pieces as there are; places are counted from `begin`. */
  pieces(sink: ByteSink, begin = 0, end = this.length): void {
    const { granuleBytes, chunkGranules, chunks } = this.#storage;
    for (let at = begin; at < end; ) {
      const place = this.#placeOf(at);
      const stop = Math.min(end, this.#runEnd(Math.floor(at / granuleBytes)) * granuleBytes);
      if (place === 0) sink.zeros(at - begin, stop - at);
      else {
        const from = ((place - 1) % chunkGranules) * granuleBytes + (at % granuleBytes);
        sink.bytes(at - begin, chunks[Math.floor((place - 1) / chunkGranules)]!, from, stop - at);
      }
      at = stop;
    }
  }

  /** A view where they lie side by side, else a copy: not to be written to. @param room for a copy. Default: it is made */
  subarray(begin = 0, end = this.length, room?: Uint8Array): Uint8Array {
    const stop = Math.min(end, this.length);
    if (begin >= stop) return new Uint8Array(0);
    const { granuleBytes, chunkGranules, chunks } = this.#storage;
    const place = this.#placeOf(begin);
    const alone = this.#runEnd(Math.floor(begin / granuleBytes)) * granuleBytes >= stop;
    if (place === 0 || !alone) return room ? this.#copyInto(room, begin, stop) : this.slice(begin, stop);
    const from = ((place - 1) % chunkGranules) * granuleBytes + (begin % granuleBytes);
    return chunks[Math.floor((place - 1) / chunkGranules)]!.subarray(from, from + stop - begin);
  }

  /** A copy. */
  slice(begin = 0, end = this.length): Uint8Array {
    const stop = Math.max(begin, Math.min(end, this.length));
    return this.#copyInto(new Uint8Array(stop - begin), begin, stop);
  }

  #copyInto(room: Uint8Array, begin: number, end: number): Uint8Array {
    const bytes: ByteSink["bytes"] = (at, source, from, length) => room.set(source.subarray(from, from + length), at);
    const zeros: ByteSink["zeros"] = (at, length) => void room.fill(0, at, at + length);
    this.pieces({ bytes, zeros }, begin, end);
    return room.subarray(0, end - begin);
  }

  /** Whether the bytes from `begin` up to `end` are the very same ones; false says nothing. */
  shares(other: GranuleBytes, begin: number, end: number): boolean {
    const { granuleBytes } = this.#storage;
    if (other.#storage !== this.#storage || Math.max(begin, end) > Math.min(this.length, other.length)) return false;
    for (let granule = Math.floor(begin / granuleBytes); granule * granuleBytes < end; granule++) {
      if (this.#table.places[granule] !== other.#table.places[granule]) return false;
    }
    return true;
  }

  /** As plain data, which other threads see without copies if the storage is shared memory: `received` makes them of it. */
  sent(): SentGranules {
    const { granuleBytes, chunkGranules, chunks } = this.#storage;
    const { sizeBytes, places, units } = this.#table;
    return { $granules: { storage: { granuleBytes, chunkGranules, chunks }, table: { sizeBytes, places, units } } };
  }

  #placeOf(at: number): number {
    return this.#table.places[Math.floor(at / this.#storage.granuleBytes)]!;
  }

  /** Behind the last granule that lies in one piece with this one. */
  #runEnd(granule: number): number {
    const { places } = this.#table;
    const { chunkGranules } = this.#storage;
    const first = places[granule]!;
    let end = granule + 1;
    if (first === 0) while (end < places.length && places[end] === 0) end++;
    else {
      const left = chunkGranules - ((first - 1) % chunkGranules);
      const most = Math.min(places.length, granule + left);
      while (end < most && places[end] === first + end - granule) end++;
    }
    return end;
  }
}

interface SentGranules {
  readonly $granules: { readonly storage: GranuleStorage; readonly table: GranuleTable };
}

/** All bytes in one array. */
export function wholeBytes(bytes: RecordedBytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bytes.slice();
}

/** The same plain data with whole byte arrays in it. */
export function whole<T>(value: T): T {
  return mapped(value, (item) => (item instanceof GranuleBytes ? item.slice() : undefined));
}

/** The same plain data as it can be posted to another thread. */
export function sendable<T>(value: T): T {
  return mapped(value, (item) => (item instanceof GranuleBytes ? item.sent() : undefined));
}

/** What `sendable` gave, as it arrives. */
export function received<T>(value: T): T {
  return mapped(value, (item) => {
    const { $granules } = item as Partial<SentGranules>;
    return $granules && new GranuleBytes($granules.storage, $granules.table);
  });
}

/** @param map what stands for an object; undefined: the object, with what is in it mapped. What does not change is no copy */
function mapped<T>(value: T, map: (item: object) => unknown): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const other = map(value);
  if (other !== undefined) return other as T;
  const entries = Object.entries(value).map(([key, item]) => [key, item, mapped(item, map)] as const);
  if (entries.every(([, before, after]) => before === after)) return value;
  if (Array.isArray(value)) return entries.map(([, , after]) => after) as T;
  return Object.fromEntries(entries.map(([key, , after]) => [key, after])) as T;
}

/** Names of units that were hashed before, by their numbers: of as many as 4 GiB have. */
export class UnitNameCache {
  readonly #names = new Map<number, string | null>();

  /** The name of a unit if it is known; null: it is zero. */
  nameOf(bytes: RecordedBytes, unit: number): string | null | undefined {
    if (bytes instanceof Uint8Array) return undefined;
    return this.#names.get(bytes.unitNumber(unit));
  }

  /** @param names as `writeContent` found them */
  learn(bytes: RecordedBytes, names: readonly (string | null)[]): void {
    if (bytes instanceof Uint8Array) return;
    for (const [unit, name] of names.entries()) {
      const number = bytes.unitNumber(unit);
      this.#names.delete(number); // it becomes the youngest
      this.#names.set(number, name);
    }
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= KNOWN_UNITS) break;
      this.#names.delete(oldest);
    }
  }
}

const KNOWN_UNITS = 2 ** 32 / UNIT_BYTES;
