// What is attached in one region map, by where it lies.
//
// A region of 2^k to 2^(k+1) - 1 pages is of class k, and stands in a hash map under its class and the unit of 2^k pages
// in which it begins. Whatever else begins there would overlap it; and a region that holds an address begins in the
// address's own unit or in one of the two before.
//
// I1  Regions whose dataspace is alive do not overlap: that is the service's to see to. What has stood where one is added
//     belongs to a dataspace that has been freed, and so left the map by itself.
// I2  Order is that of attachment.
// Cost: constant, a look-up for each class in use and unit. Entries of freed dataspaces are at most as many as others, and
// a few: they are dropped when the number has doubled, and when a visit has found more of them than of others.
import type { AttachedRegionInfo } from "../checkpoint/index.ts";
import { type Capability, type Dataspace, PAGE_BYTES } from "../session/index.ts";

export interface Attachment extends Omit<AttachedRegionInfo, "dataspaceBadge"> {
  readonly dataspace: Capability<Dataspace>;
}

/** Room for a class in a key. */
const CLASSES = 64;
/** So few entries are not worth looking through. */
const FEW = 64;

export class Attachments {
  readonly #entries = new Map<number, Attachment>();
  /** How many entries there are, or were, of each class. */
  readonly #ofClass: number[] = [];
  #dropAt = FEW;

  /** Entries, of freed dataspaces too. */
  get size(): number {
    return this.#entries.size;
  }

  add(attachment: Attachment): void {
    if (this.#entries.size >= this.#dropAt) this.#drop();
    const pages = attachment.size / PAGE_BYTES;
    const of = classOf(pages);
    const key = keyOf(of, Math.floor(attachment.address / PAGE_BYTES / 2 ** of));
    if (!this.#entries.delete(key)) this.#ofClass[of] = (this.#ofClass[of] ?? 0) + 1;
    this.#entries.set(key, attachment);
  }

  /** Takes out what holds `address`, and gives it; harmless if there is nothing. */
  remove(address: number): Attachment | undefined {
    const page = Math.floor(address / PAGE_BYTES);
    for (let of = 0; of < this.#ofClass.length; of++) {
      const removed = this.#ofClass[of] ? this.#removeOf(of, Math.floor(page / 2 ** of), address) : undefined;
      if (removed) return removed;
    }
    return undefined;
  }

  #removeOf(of: number, unit: number, address: number): Attachment | undefined {
    for (let begin = unit; begin >= unit - 2; begin--) {
      const key = keyOf(of, begin);
      const found = this.#entries.get(key);
      if (!found?.dataspace.valid || address < found.address || address >= found.address + found.size) continue;
      this.#delete(of, key);
      return found;
    }
    return undefined;
  }

  /** Visits what is attached, in the order of attachment. */
  each(visit: (attachment: Attachment) => void): void {
    let living = 0;
    this.#entries.forEach((attachment) => {
      if (!attachment.dataspace.valid) return;
      living++;
      visit(attachment);
    });
    if (this.#entries.size > Math.max(FEW, 2 * living)) this.#drop();
  }

  /** Visits all entries, of freed dataspaces too, and makes nothing. */
  forEach(visit: (attachment: Attachment, key: number) => void): void {
    this.#entries.forEach(visit);
  }

  #drop(): void {
    for (const [key, { dataspace }] of this.#entries) if (!dataspace.valid) this.#delete(key % CLASSES, key);
    this.#dropAt = Math.max(FEW, 2 * this.#entries.size);
  }

  #delete(of: number, key: number): void {
    this.#entries.delete(key);
    this.#ofClass[of] = (this.#ofClass[of] ?? 1) - 1;
  }
}

function classOf(pages: number): number {
  return Math.floor(Math.log2(pages));
}

function keyOf(of: number, unit: number): number {
  return unit * CLASSES + of;
}
