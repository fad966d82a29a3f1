// Lists of records of whatever has `forEach`. A listing is made once, so that nothing is made for a list that it writes.
import type { RecordWriter } from "./record-writer.ts";

interface Visited<T, K> {
  forEach(visit: (entry: T, key: K) => void): void;
}

export class Listing<T, K = unknown> {
  readonly #visit: (entry: T, key: K) => void;
  #records: RecordWriter | undefined;
  #count = 0;

  /** @param write writes the record of an entry, or returns false: it has none. Must not come back to this listing */
  constructor(write: (records: RecordWriter, entry: T, key: K) => boolean) {
    this.#visit = (entry, key) => {
      if (write(this.#records!, entry, key)) this.#count++;
    };
  }

  write(records: RecordWriter, entries: Visited<T, K>): void {
    const begin = records.beginList();
    this.#records = records;
    this.#count = 0;
    try {
      entries.forEach(this.#visit);
    } finally {
      this.#records = undefined; // else the storage that it writes into would be kept
    }
    records.endList(begin, this.#count);
  }
}
