// Contents of checkpoints as increments (S108): of each dataspace what was written since the checkpoint before, in granules
// that checkpoints share. Any number of them live, in any order: who has a granule is counted.
import type { RecordedBytes } from "../../checkpoint/index.ts";
import type { Capability, Dataspace } from "../../session/index.ts";
import { type Attempt, assert, success } from "../../util/index.ts";
import type { ContentKeeper, KeptContents } from "../content-keeper.ts";
import type { Copier } from "../copier.ts";
import { type DataProvider, SharedMemoryProvider } from "../data-provider.ts";
import { GranuleStore } from "./granule-store.ts";
import { Lineage, type Share } from "./lineage.ts";

/** What a program may change between two checkpoints more than between the two before; a granule at least. */
const SPARE_BYTES = 256 << 10;

export interface IncrementalOptions {
  /** Pages of a granule. Default: 1 */
  readonly granularity?: number;
  /** Where granules lie: leases of `CHUNK_BYTES`, or of a granule. Default: shared memory, as it is needed. */
  readonly provider?: DataProvider;
}

export class IncrementalContents implements ContentKeeper {
  readonly granularity: number;
  readonly #store: GranuleStore;
  /** By dataspace: another one with the same badge is another one. */
  readonly #lineages = new Map<Dataspace, Lineage>();
  #copied = 0;

  constructor({ granularity = 1, provider = new SharedMemoryProvider() }: IncrementalOptions = {}) {
    assert(Number.isInteger(granularity) && granularity > 0, "a granule has pages");
    this.granularity = granularity;
    this.#store = new GranuleStore(granularity, provider);
  }

  /** Bytes of all granules that checkpoints have, and of the last one of each dataspace. */
  get usedBytes(): number {
    return this.#store.used * this.#store.granuleBytes;
  }

  /** Bytes of granules that pauses of checkpoints have copied. */
  get copiedBytes(): number {
    return this.#copied;
  }

  keeps({ pieces }: Dataspace): boolean {
    return pieces !== undefined;
  }

  begin(dataspaces: Iterable<Capability<Dataspace>>, least?: number): Attempt<KeptContents, "no-room"> {
    this.#sweep();
    const lineages: Lineage[] = [];
    for (const dataspace of dataspaces) {
      const lineage = this.#lineageOf(dataspace);
      if (lineage) lineages.push(lineage);
    }
    const expected = lineages.reduce((sum, each) => sum + each.expected, spareOf(this.#store));
    const chunks = lineages.reduce((sum, each) => sum + each.chunks, 0);
    const room = this.#store.reserve(least ?? expected, chunks);
    const copied = (granules: number) => (this.#copied += granules * this.#store.granuleBytes);
    return room.ok ? success(new KeptIncrement(this.#store, this.#lineages, lineages.length, copied)) : room;
  }

  filled(capability: Capability<Dataspace>, content: RecordedBytes): () => void {
    const lineage = this.#lineageOf(capability);
    return lineage?.sizeBytes === content.length ? lineage.begins(content) : () => {};
  }

  dispose(): void {
    for (const lineage of this.#lineages.values()) lineage.dispose();
    this.#lineages.clear();
  }

  #lineageOf(capability: Capability<Dataspace>): Lineage | undefined {
    const dataspace = capability.object;
    if (!dataspace || !this.keeps(dataspace)) return undefined;
    const known = this.#lineages.get(dataspace);
    if (known) return known;
    const lineage = new Lineage(capability, this.#store);
    this.#lineages.set(dataspace, lineage);
    return lineage;
  }

  /** Forgets dataspaces that are no more. */
  #sweep(): void {
    for (const [dataspace, lineage] of this.#lineages) {
      if (lineage.capability.valid) continue;
      lineage.dispose();
      this.#lineages.delete(dataspace);
    }
    this.#store.trim();
  }
}

class KeptIncrement implements KeptContents {
  readonly targets: readonly Uint8Array[];
  missing = 0;
  readonly #store: GranuleStore;
  readonly #lineages: ReadonlyMap<Dataspace, Lineage>;
  /** Those that were copied, in their order; as long as there are any from the beginning. */
  readonly #copied: (Lineage | undefined)[];
  #count = 0;
  readonly #completed: (granules: number) => void;

  /** @param completed told of the granules that a complete checkpoint has copied */
  constructor(
    store: GranuleStore,
    lineages: ReadonlyMap<Dataspace, Lineage>,
    count: number,
    completed: (granules: number) => void,
  ) {
    this.#store = store;
    this.#lineages = lineages;
    this.#completed = completed;
    this.#copied = new Array<undefined>(count).fill(undefined);
    this.targets = store.chunks.filter((chunk) => chunk !== undefined);
  }

  get needed(): number {
    return this.#copied.reduce((sum, lineage) => sum + (lineage?.needed ?? 0), spareOf(this.#store));
  }

  copy(dataspace: Dataspace, copier: Copier): number {
    const lineage = this.#lineages.get(dataspace);
    if (!lineage || lineage.copiedBy === this || this.#count === this.#copied.length) return -1;
    lineage.copiedBy = this;
    this.#copied[this.#count] = lineage; // whatever throws, it has places
    this.missing += lineage.copy(dataspace, copier);
    return this.#count++;
  }

  complete(): { readonly contents: readonly RecordedBytes[]; release(): void } {
    const done = this.#done();
    let shares: readonly Share[] = this.#shares(done);
    this.#completed(done.reduce((sum, { copied }) => sum + copied, 0));
    const contents = shares.map(({ bytes }) => bytes);
    const release = () => {
      for (const share of shares) share.release();
      shares = [];
      this.#store.trim();
    };
    return { contents, release };
  }

  /** Whatever is thrown, nothing of it is left. */
  #shares(done: readonly Lineage[]): readonly Share[] {
    const shares: Share[] = [];
    try {
      for (const lineage of done) shares.push(lineage.complete());
      return shares;
    } catch (thrown) {
      for (const share of shares) share.release();
      for (const lineage of done.slice(shares.length))
        for (const place of lineage.abandon()) this.#store.release(place);
      throw thrown;
    }
  }

  abandon(): () => void {
    const places = this.#done().flatMap((lineage) => lineage.abandon());
    return () => {
      for (const place of places) this.#store.release(place);
    };
  }

  /** Those that were copied. */
  #done(): readonly Lineage[] {
    return this.#copied.flatMap((lineage) => lineage ?? []);
  }
}

/** In granules. */
function spareOf({ granuleBytes }: GranuleStore): number {
  return Math.ceil(SPARE_BYTES / granuleBytes);
}
