// Contents of checkpoints from redundant memory (S109): in the pause a snapshot of each mirror, and nothing is copied; what a
// checkpoint has of it is copied when there is time, or as soon as somebody reads it.
//
//   begin      room for all of them, a free slot in each mirror: where all wait to be flattened, the oldest is flattened now
//   copy       (in the pause) the first: all mirrors freeze; each: what is in a mirror is noted, the rest is copied
//   work       (the children go on) flattens and copies, a piece at a time
//
// I1  Whoever reads a content has it as it was in the pause: reading finishes what is left.
// I2  Nothing is written into the room of a checkpoint that was given back.
// Dataspaces that are in no mirror (behind windows, detached, in a component that runs without one) are not kept here.
import { GranuleBytes, type GranuleStorage, type RecordedBytes, UNIT_BYTES } from "../../checkpoint/index.ts";
import {
  type Capability,
  type Dataspace,
  type DataspaceSink,
  type MemoryMirror,
  type MemorySnapshot,
  PAGE_BYTES,
} from "../../session/index.ts";
import { type Attempt, success } from "../../util/index.ts";
import type { ContentKeeper, KeptContents } from "../content-keeper.ts";
import type { Copier } from "../copier.ts";
import type { DataProvider, Lease } from "../data-provider.ts";

/** Flattened or copied in one go: some tenths of a millisecond. */
const PIECE_BYTES = 512 << 10;

/** Numbers of units: module `inc` has those above zero. */
let lastUnit = 0;

export class RedundantContents implements ContentKeeper {
  readonly #provider: DataProvider;
  /** With something left to do, in their order. */
  #unfinished: RedundantCheckpoint[] = [];
  /** Snapshots that a checkpoint had to flatten in front of its pause, because all slots were in use. */
  waited = 0;

  constructor(provider: DataProvider) {
    this.#provider = provider;
  }

  /** Checkpoints whose contents are not all there yet. */
  get unfinished(): number {
    return this.#unfinished.length;
  }

  keeps(dataspace: Dataspace): boolean {
    return mirrorsOf(dataspace).length > 0;
  }

  begin(dataspaces: Iterable<Capability<Dataspace>>): Attempt<KeptContents, "no-room"> {
    const kept: Kept[] = [];
    const pieces = new Map<MemoryMirror, number>();
    let size = 0;
    for (const { object } of dataspaces) {
      const mirrors = object ? mirrorsOf(object) : [];
      if (!object || mirrors.length === 0) continue;
      for (const mirror of mirrors) pieces.set(mirror, (pieces.get(mirror) ?? 0) + 1);
      kept.push({ dataspace: object, begin: size, sizeBytes: object.size() });
      size += object.size();
    }
    const lease = this.#provider.lease(size);
    if (!lease.ok) return lease;
    try {
      for (const [mirror, count] of pieces) this.waited += mirror.prepare(count);
      const completed = (one: RedundantCheckpoint) => void this.#unfinished.push(one);
      return success(new RedundantCheckpoint(lease.value, kept, [...pieces.keys()], completed));
    } catch (thrown) {
      lease.value.release();
      throw thrown;
    }
  }

  /** Does a piece of what is left. @returns false: nothing is */
  work(): boolean {
    const [oldest] = this.#unfinished;
    if (oldest?.step(PIECE_BYTES)) this.#unfinished.shift();
    return this.#unfinished.length > 0;
  }

  dispose(): void {
    while (this.work());
  }
}

/** Where a dataspace is in the room of a checkpoint. */
interface Kept {
  readonly dataspace: Dataspace;
  readonly begin: number;
  readonly sizeBytes: number;
}

class RedundantCheckpoint implements KeptContents, DataspaceSink {
  readonly targets: readonly Uint8Array[];
  readonly missing = 0;
  readonly needed = 0;
  readonly #lease: Lease;
  readonly #kept: readonly Kept[];
  readonly #places: ReadonlyMap<Dataspace, number>;
  readonly #mirrors: readonly MemoryMirror[];
  /** Of each mirror, from the first copy on. */
  readonly #snapshots: (MemorySnapshot | undefined)[];
  readonly #completed: (one: RedundantCheckpoint) => void;
  #copier: Copier | undefined;
  #begin = 0;

  constructor(
    lease: Lease,
    kept: readonly Kept[],
    mirrors: readonly MemoryMirror[],
    completed: (one: RedundantCheckpoint) => void,
  ) {
    this.targets = [lease.bytes];
    this.#lease = lease;
    this.#kept = kept;
    this.#places = new Map(kept.map(({ dataspace }, place) => [dataspace, place]));
    this.#mirrors = mirrors;
    this.#snapshots = mirrors.map(() => undefined);
    this.#completed = completed;
  }

  copy(dataspace: Dataspace, copier: Copier): number {
    const place = this.#places.get(dataspace);
    if (place === undefined || !dataspace.pieces) return -1;
    if (!this.#copier) {
      const target = this.#lease.bytes;
      for (let i = 0; i < this.#mirrors.length; i++) this.#snapshots[i] = this.#mirrors[i]!.freeze(target);
      this.#copier = copier;
    }
    this.#begin = this.#kept[place]!.begin;
    dataspace.pieces(this);
    return place;
  }

  mirrored(at: number, length: number, mirror: MemoryMirror, address: number): boolean {
    for (let i = 0; i < this.#mirrors.length; i++) {
      if (this.#mirrors[i] === mirror) return this.#snapshots[i]!.keep(address, length, this.#begin + at);
    }
    return false;
  }

  bytes(at: number, source: Uint8Array, from: number, length: number): void {
    this.#copier!.copyTo(this.#lease.bytes, this.#begin + at, source, from, length);
  }

  zeros(at: number, length: number): void {
    this.#lease.bytes.fill(0, this.#begin + at, this.#begin + at + length);
  }

  complete(): { readonly contents: readonly RecordedBytes[]; release(): void } {
    const { bytes } = this.#lease;
    const finish = () => this.#finish();
    const storage: GranuleStorage = {
      granuleBytes: PAGE_BYTES,
      chunkGranules: Math.ceil(bytes.length / PAGE_BYTES),
      get chunks() {
        finish();
        return [bytes];
      },
    };
    this.#completed(this);
    return { contents: this.#kept.map((kept) => contentIn(storage, kept)), release: () => this.#release() };
  }

  abandon(): () => void {
    this.#drop();
    return () => this.#lease.release();
  }

  /** Does about so many bytes of what is left. @returns true: nothing is */
  step(bytes: number): boolean {
    return this.#each((mirror, snapshot) => mirror.step(snapshot, bytes));
  }

  #finish(): void {
    this.#each((mirror, snapshot) => {
      mirror.finish(snapshot);
      return true;
    });
  }

  /** As long as `work` says true. */
  #each(work: (mirror: MemoryMirror, snapshot: MemorySnapshot) => boolean): boolean {
    return this.#mirrors.every((mirror, place) => {
      const snapshot = this.#snapshots[place];
      return !snapshot || work(mirror, snapshot);
    });
  }

  #drop(): void {
    for (const snapshot of this.#snapshots) snapshot?.drop();
  }

  #release(): void {
    this.#drop();
    this.#lease.release();
  }
}

/** The bytes of a dataspace in a room that is one chunk. */
function contentIn(storage: GranuleStorage, { begin, sizeBytes }: Kept): GranuleBytes {
  const first = begin / PAGE_BYTES + 1;
  return new GranuleBytes(storage, {
    sizeBytes,
    places: Int32Array.from({ length: sizeBytes / PAGE_BYTES }, (_, page) => first + page),
    units: Float64Array.from({ length: Math.ceil(sizeBytes / UNIT_BYTES) }, () => --lastUnit),
  });
}

/** The mirrors that bytes of a dataspace are in. */
function mirrorsOf(dataspace: Dataspace): readonly MemoryMirror[] {
  const mirrors: MemoryMirror[] = [];
  const mirrored: DataspaceSink["mirrored"] = (_, __, mirror) => mirrors.push(mirror) > 0;
  dataspace.pieces?.({ bytes: () => {}, zeros: () => {}, mirrored });
  return mirrors;
}
