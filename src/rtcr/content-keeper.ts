// What a module may keep of contents beside the leases of checkpoints (spec 1.5): so that a checkpoint copies what was written
// since the one before, and shares the rest with it.
//
//   keeper.begin(dataspaces)   before the pause: there is room for what a checkpoint will probably need
//   kept.copy(dataspace)       in the pause, for each that it keeps
//   kept.complete()            the children go on: bytes of all of them        or kept.abandon(): there was none
import type { RecordedBytes } from "../checkpoint/index.ts";
import type { Capability, Dataspace } from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import type { Copier } from "./copier.ts";

export interface ContentKeeper {
  /** Whether it keeps what is in a dataspace: then that needs no room in a lease. */
  keeps(dataspace: Dataspace): boolean;
  /**
   * A checkpoint is about to be made.
   *
   * @param least granules that it is known to need: an attempt before has failed for them. Default: as may be expected
   * @returns "no-room": nothing is taken
   */
  begin(dataspaces: Iterable<Capability<Dataspace>>, least?: number): Attempt<KeptContents, "no-room">;
  /**
   * A restore has filled a dataspace, and nothing runs that could write to it: the next checkpoint may share the content.
   *
   * @returns takes what it needs of it, when the children go on; the content is not read any more then
   */
  filled?(dataspace: Capability<Dataspace>, content: RecordedBytes): () => void;
  /** Does a piece of what it puts off until the children go on. @returns false: nothing is left. Absent: it puts off nothing */
  work?(): boolean;
  /** Nothing more is taken; checkpoints that live stay what they are. */
  dispose(): void;
}

/** The contents of one checkpoint. Either `complete` or `abandon` ends it. */
export interface KeptContents {
  /** Storage that `copy` writes to, as copiers know it. */
  readonly targets: readonly Uint8Array[];
  /** Granules that there was no room for so far: then it is to be abandoned, and begun with `needed`. */
  readonly missing: number;
  readonly needed: number;
  /**
   * Copies what a checkpoint must copy of a dataspace. Nothing is made on the heap.
   *
   * @returns its place among what `complete` gives; -1: it is not kept
   */
  copy(dataspace: Dataspace, copier: Copier): number;
  /** @returns what there is of each, until `release` */
  complete(): { readonly contents: readonly RecordedBytes[]; release(): void };
  /**
   * Everything that was to be copied is copied by the next checkpoint.
   *
   * @returns gives the storage back: to be called when nobody copies any more
   */
  abandon(): () => void;
}
