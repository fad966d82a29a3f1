// What is attached in one region map, by where it lies.
//
// A region of 2^k to 2^(k+1) - 1 pages is of class k, and stands in a table under its class and the unit of 2^k pages in which
// it begins. Whatever else begins there would overlap it; and a region that holds an address begins in the address's own
// unit or in one of the two before. Tables are in pieces of UNITS units of a class.
//
// I1  Regions whose dataspace is alive do not overlap: that is the service's to see to. What has stood where one is added
//     belongs to a dataspace that has been freed, and so left the map by itself.
// I2  Order is that of attachment.
// I3  No piece is empty.
// Cost: constant, a look-up for each class in use and unit. Entries of freed dataspaces are at most as many as others, and
// a few: they are dropped when the number has doubled, and when a visit has found more of them than of others.
import type { AttachedRegionInfo } from "../checkpoint/index.ts";
import { type Capability, type Dataspace, PAGE_BYTES } from "../session/index.ts";
import { type Placed, Row } from "../util/index.ts";

/** A piece of a dataspace where it is attached. */
export interface AttachedRegion extends Omit<AttachedRegionInfo, "dataspaceBadge"> {
  readonly dataspace: Capability<Dataspace>;
}

export class Attachment implements AttachedRegion, Placed {
  readonly dataspace: Capability<Dataspace>;
  readonly address: number;
  readonly size: number;
  readonly offset: number;
  readonly executable: boolean;
  readonly writeable: boolean;
  place = 0;

  constructor({ dataspace, address, size, offset, executable, writeable }: AttachedRegion) {
    this.dataspace = dataspace;
    // Whole numbers as such, however they were computed: reading a field that has held a double makes one on the heap.
    this.address = Math.trunc(address);
    this.size = Math.trunc(size);
    this.offset = Math.trunc(offset);
    this.executable = executable;
    this.writeable = writeable;
  }
}

/** Those that begin in some neighbouring units of a class. */
class Piece {
  readonly key: number;
  readonly entries: (Attachment | undefined)[] = new Array<Attachment | undefined>(UNITS).fill(undefined);
  used = 0;

  constructor(key: number) {
    this.key = key;
  }
}

const UNITS = 32;
/** Room for a class in a key. */
const CLASSES = 64;
/** So few entries are not worth looking through. */
const FEW = 64;
/** A page's part of a unit, by class. */
const PART = Float64Array.from({ length: CLASSES }, (_, of) => 2 ** -of);
const PER_PAGE = 1 / PAGE_BYTES;

export class Attachments {
  readonly #order = new Row<Attachment>();
  readonly #pieces = new Map<number, Piece>();
  /** The one that was asked for last. */
  #last: Piece | undefined;
  /** How many entries there are, or were, of each class. */
  readonly #ofClass: number[] = [];
  #dropAt = FEW;

  /** Entries, of freed dataspaces too. */
  get size(): number {
    return this.#order.size;
  }

  add(attachment: Attachment): void {
    if (this.#order.size >= this.#dropAt) this.#drop();
    const of = classOf(attachment);
    while (this.#ofClass.length <= of) this.#ofClass.push(0);
    const unit = unitOf(attachment.address, of);
    const piece = this.#pieceFor(of, unit);
    const at = placeIn(unit);
    const before = piece.entries[at];
    if (before) this.#order.delete(before);
    else {
      piece.used++;
      this.#ofClass[of]!++;
    }
    piece.entries[at] = attachment;
    this.#order.add(attachment);
  }

  /** Takes out what holds `address`, and gives it; harmless if there is nothing. */
  remove(address: number): Attachment | undefined {
    for (let of = 0; of < this.#ofClass.length; of++) {
      if (this.#ofClass[of] === 0) continue;
      const unit = unitOf(address, of);
      for (let before = 0; before <= 2; before++) {
        const begin = unit - before;
        const piece = this.#piece(of, begin);
        const found = piece?.entries[placeIn(begin)];
        if (!found || address < found.address || address >= found.address + found.size) continue;
        if (!found.dataspace.valid) continue;
        this.#take(found, of, piece!, placeIn(begin));
        return found;
      }
    }
    return undefined;
  }

  /** Visits what is attached, in the order of attachment. */
  each(visit: (attachment: Attachment) => void): void {
    let living = 0;
    this.#order.forEach((attachment) => {
      if (!attachment.dataspace.valid) return;
      living++;
      visit(attachment);
    });
    if (this.#order.size > Math.max(FEW, 2 * living)) this.#drop();
  }

  /** Visits all entries, of freed dataspaces too, and makes nothing. */
  forEach(visit: (attachment: Attachment) => void): void {
    this.#order.forEach(visit);
  }

  #drop(): void {
    for (const entry of this.#order) {
      if (entry.dataspace.valid) continue;
      const of = classOf(entry);
      const unit = unitOf(entry.address, of);
      this.#take(entry, of, this.#piece(of, unit)!, placeIn(unit));
    }
    this.#dropAt = Math.max(FEW, 2 * this.#order.size);
  }

  #take(entry: Attachment, of: number, piece: Piece, at: number): void {
    this.#order.delete(entry);
    piece.entries[at] = undefined;
    this.#ofClass[of]!--;
    if (--piece.used > 0) return;
    this.#pieces.delete(piece.key);
    this.#last = undefined;
  }

  #piece(of: number, unit: number): Piece | undefined {
    const key = keyOf(of, unit);
    if (this.#last?.key === key) return this.#last;
    const found = this.#pieces.get(key);
    if (found) this.#last = found;
    return found;
  }

  #pieceFor(of: number, unit: number): Piece {
    const found = this.#piece(of, unit);
    if (found) return found;
    const made = new Piece(keyOf(of, unit));
    this.#pieces.set(made.key, made);
    this.#last = made;
    return made;
  }
}

/** Of whatever a record says that its size is. */
function classOf({ size }: AttachedRegion): number {
  const pages = size * PER_PAGE;
  if (pages >= 2 ** 31) return Math.min(Math.floor(Math.log2(pages)), CLASSES - 1);
  return pages >= 1 ? 31 - Math.clz32(pages) : 0;
}

function unitOf(address: number, of: number): number {
  return Math.floor(address * PER_PAGE * PART[of]!);
}

function placeIn(unit: number): number {
  return unit & (UNITS - 1);
}

function keyOf(of: number, unit: number): number {
  return Math.floor(unit * (1 / UNITS)) * CLASSES + of;
}
