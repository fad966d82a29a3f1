// Lists of records of whatever has `forEach`. A listing is made once, so that nothing is made for a list that it writes.
import type { RecordWriter } from "./record-writer.ts";

interface Visited<T> {
  forEach(visit: (entry: T) => void): void;
}

export class Listing<T> {
  readonly #visit: (entry: T) => void;
  #records: RecordWriter | undefined;
  #count = 0;

  /** @param write writes the record of an entry, or returns false: it has none. Must not come back to this listing */
  constructor(write: (records: RecordWriter, entry: T) => boolean) {
    this.#visit = (entry) => {
      if (write(this.#records!, entry)) this.#count++;
    };
  }

  write(records: RecordWriter, entries: Visited<T>): void {
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
