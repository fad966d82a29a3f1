// The contents of one dataspace, checkpoint after checkpoint.
//
//   owed      granules that may have been written since the last checkpoint that was completed
//   copy      their bytes go to places of their own (granule-copy.ts)
//   complete  a table of places, shared by whoever has the same; or none: the places are given back and all is owed still
//
// I1  What is owed is forgotten by `complete` only: a checkpoint that fails loses nothing, whoever has taken the marks.
// I2  The pause copies, and compares nothing: so it is not longer than that of a full checkpoint, whatever was written, also of
//     programs that mark nothing. Copies of what has not changed are given back behind it.
import { type GranuleBytes, type RecordedBytes, UNIT_BYTES } from "../../checkpoint/index.ts";
import { type Capability, type Dataspace, PAGE_BYTES, type WrittenPages } from "../../session/index.ts";
import { required } from "../../util/index.ts";
import type { Copier } from "../copier.ts";
import { GranuleCopy, STATE } from "./granule-copy.ts";
import type { GranuleStore } from "./granule-store.ts";
import { renumber, SharedTable } from "./shared-table.ts";
import { quotient } from "./words.ts";

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
  readonly sizeBytes: number;
  readonly #owed: Uint8Array;
  readonly #copy: GranuleCopy;
  readonly #written: WrittenPages | undefined;
  /** Of the last checkpoint that was completed. */
  #table: SharedTable | undefined;
  /** Whether anything is owed. */
  #owes = true;
  #expected: number;

  constructor(capability: Capability<Dataspace>, store: GranuleStore) {
    this.capability = capability;
    this.#store = store;
    const dataspace = required(capability.object, "a dataspace that is there");
    this.sizeBytes = dataspace.size();
    this.#expected = Math.ceil(this.sizeBytes / store.granuleBytes);
    this.#owed = new Uint8Array(this.#expected).fill(1);
    this.#copy = new GranuleCopy(store, this.sizeBytes);
    this.#written = dataspace.written?.();
  }

  /** Granules that the next checkpoint will probably need. */
  get expected(): number {
    return Math.max(this.#expected, this.chunks * this.#store.chunkGranules);
  }

  /** Empty chunks that it will. */
  get chunks(): number {
    return this.#copy.chunks;
  }

  /** Granules that the last `copy` would have needed. */
  get needed(): number {
    return this.#copy.needed;
  }

  /** Granules that the last `copy` has copied. */
  get copied(): number {
    return this.#copy.copied;
  }

  /**
   * The dataspace holds a content, and nothing runs that could write to it.
   *
   * @returns takes the content over, as that of the last checkpoint; if there is no room for it, the next one copies everything
   */
  begins(content: RecordedBytes): () => void {
    this.#written?.take(() => {});
    return () => {
      const table = SharedTable.of(this.#store, content);
      if (!table) return;
      this.#table?.release();
      this.#table = table;
      this.#owed.fill(0);
      this.#owes = false;
      this.#copy.none();
      this.#expected = Math.ceil(this.#owed.length / 8);
    };
  }

  /**
   * Takes over what was written, and copies it. Makes nothing on the heap.
   *
   * @returns granules that there was no room for: then nothing was copied
   */
  copy(dataspace: Dataspace, copier: Copier): number {
    if (this.#written) this.#written.take(this.#owe);
    else this.#owe(0, quotient(this.sizeBytes, PAGE_BYTES));
    if (this.#owes) return this.#copy.run(dataspace, this.#owed, this.#table?.places, copier);
    this.#copy.none();
    return 0;
  }

  /** The checkpoint is one: the next one has only to do with what is written from its pause on. */
  complete(): Share {
    const likely = this.#table ? (this.#copy.needed * 5) / 4 : this.#owed.length / 8;
    this.#copy.settle();
    const table = this.#copy.states.some((state) => state !== STATE.kept) || !this.#table ? this.#renew() : this.#table;
    this.#expected = Math.min(this.#owed.length, Math.ceil(likely));
    this.#owed.fill(0);
    this.#owes = false;
    const used = table.use();
    return { bytes: table.bytes, release: () => used.release() };
  }

  /** It is none. @returns places that are to be given back */
  abandon(): readonly number[] {
    return this.#copy.abandon();
  }

  /** Checkpoints that live stay what they are. */
  dispose(): void {
    this.#written?.close();
    this.#table?.release();
    this.#table = undefined;
  }

  readonly #owe = (page: number, count: number): void => {
    const { granuleBytes } = this.#store;
    this.#owes = true;
    this.#owed.fill(
      1,
      quotient(page * PAGE_BYTES, granuleBytes),
      quotient((page + count) * PAGE_BYTES - 1, granuleBytes) + 1,
    );
  };

  /** The places of this checkpoint become a table. Nobody's granules are counted before all of it is made. */
  #renew(): SharedTable {
    const { states } = this.#copy;
    const places = this.#copy.places.slice();
    const { granuleBytes } = this.#store;
    const units = this.#table?.units.slice() ?? new Float64Array(Math.ceil(this.sizeBytes / UNIT_BYTES));
    const table = new SharedTable(this.#store, this.sizeBytes, places, units);
    for (const [granule, state] of states.entries()) {
      if (state === STATE.kept) this.#store.retain(places[granule]!);
      else if (state !== STATE.moved)
        renumber(units, granule * granuleBytes, Math.min(this.sizeBytes, (granule + 1) * granuleBytes));
    }
    this.#table?.release();
    return (this.#table = table);
  }
}
