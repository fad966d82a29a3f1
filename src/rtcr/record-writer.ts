// Records as bytes: what a checkpoint writes into a lease while the children stand still (design.md section 7). What is
// written here in some order, record-reader.ts reads in the same one; which records there are: records.ts. Records consist of
// what plain data consists of (util/plain-writer.ts), and of
//
//   content   a number  length in bytes; zeros up to a multiple of 8; then the bytes
//             or        -1 less its place among those that are kept elsewhere (content-keeper.ts)
//
// I1  No backing store is made here, and nothing on the heap.
import type { ObjectInfo } from "../checkpoint/index.ts";
import type { Cached, Capability, Dataspace, Location } from "../session/index.ts";
import { PlainWriter } from "../util/index.ts";
import type { KeptContents } from "./content-keeper.ts";
import type { Copier, CopyEngine } from "./copier.ts";
import { ABSENT, type Part } from "./records.ts";

/** Contents begin at multiples of this. */
export const ALIGNMENT = 8;

export class RecordWriter extends PlainWriter {
  readonly #copier: Copier;
  readonly #kept: KeptContents | undefined;

  /** @param bytes the room, from a multiple of 8 on @param kept has contents that do not lie there */
  constructor(bytes: Uint8Array, copier: Copier, kept?: KeptContents) {
    super(bytes);
    this.#copier = copier;
    this.#kept = kept;
  }

  /** A part of a child begins. @param place among all parts */
  beginPart(part: Part, place: number): void {
    this.choice(place);
    this.#copier.beginPart(part);
  }

  /** What every recorded object has. */
  object({ badge, allocated, bootstrapped }: ObjectInfo): void {
    this.number(badge);
    this.number(allocated);
    this.flag(bootstrapped);
  }

  /** The badge of what an object stands before that is recorded with another child; none: it is the child's own. */
  behind(passedOn: boolean, { badge }: Capability): void {
    this.number(passedOn ? badge : ABSENT);
  }

  /** The badge of a capability; 0 if it denotes nothing: another object may have got the number since. */
  badge(capability: Capability): void {
    this.number(capability.valid ? capability.badge : 0);
  }

  place({ x, y, width, height }: Location): void {
    this.number(x);
    this.number(y);
    this.number(width);
    this.number(height);
  }

  /** All bytes of a dataspace that a service shows; whoever has it, they are the checkpoint's own. */
  shown(dataspace: Dataspace | undefined): void {
    this.#leased(dataspace);
  }

  /**
   * All bytes of a dataspace, by way of the copier; they may arrive later than this returns, before it is joined.
   *
   * @param own what copies this one, if it can
   */
  content(dataspace: Dataspace | undefined, cached?: Cached, own?: CopyEngine): void {
    const place = dataspace && this.#kept ? this.#copier.keep(dataspace, this.#kept) : -1;
    if (place >= 0) this.number(-1 - place);
    else this.#leased(dataspace, cached, own);
  }

  #leased(dataspace: Dataspace | undefined, cached?: Cached, own?: CopyEngine): void {
    const size = dataspace?.size() ?? 0;
    this.number(size);
    this.align(ALIGNMENT);
    const at = this.take(size);
    if (at >= 0 && dataspace) this.#copier.copy(dataspace, cached, at, size, own);
  }
}
