// All segments of a directory: which page lies where, and reading it verified.
//
// I1  A page that is found here lies in a segment whose file was listed under its final name, so it was complete.
// I2  Segments only come (other writers) and go (gc): `refresh` looks again. A page whose segment has gone is looked up anew.
//     One look at a time, each begun after whoever relies on it has asked: what a look has found is never older than what
//     another one, or a writer of this process, has put in its place.
// I3  A segment that cannot be read hides nothing but its own pages; the fault is kept for the message "missing".

import { hashLike, type PageTarget, type Sha256, short } from "../checkpoint/index.ts";
import { messageOf } from "../util/index.ts";
import type { Codecs } from "./codec.ts";
import { errnoOf, StoreFault } from "./faults.ts";
import type { FileOperations } from "./files.ts";
import { OpenFiles } from "./open-files.ts";
import type { PageHelpers, PageToRead } from "./page-helpers.ts";
import { missing, putInto, requireHash } from "./resolve.ts";
import {
  HEADER_BYTES,
  readIndex,
  readTrailer,
  requireHeader,
  type SegmentEntry,
  TRAILER_BYTES,
} from "./segment-format.ts";

/** Where a page lies. */
export interface PagePlace extends SegmentEntry {
  readonly segment: string;
}

/** How often a page may be moved while it is looked for. */
const LOOKS = 3;

interface Batch {
  readonly segment: string;
  readonly buffer: ArrayBufferLike;
  readonly pages: (PageToRead & { readonly page: PageTarget })[];
}

/** The parts of a DirectoryHost that segments need. */
export interface SegmentsHost {
  readonly files: FileOperations;
  readonly sha256: Sha256;
  readonly codecs: Codecs;
  readonly helpers?: PageHelpers;
}

export class Segments {
  readonly #files: FileOperations;
  readonly #directory: string;
  readonly #sha256: Sha256;
  readonly #codecs: Codecs;
  readonly #helpers: PageHelpers | undefined;
  readonly #pages = new Map<string, PagePlace>();
  readonly #loaded = new Map<string, readonly SegmentEntry[]>();
  readonly #damaged = new Map<string, StoreFault>();
  /** Pages of which a copy was found to be damaged, with what was wrong. */
  readonly #distrusted = new Map<string, StoreFault>();
  /** Segments that such copies lie in. */
  readonly #doubted = new Set<string>();
  readonly #open: OpenFiles;
  /** The last look that was asked for, and that one if it has not begun. */
  #looking: Promise<void> = Promise.resolve();
  #nextLook: Promise<void> | undefined;

  constructor({ files, sha256, codecs, helpers }: SegmentsHost, directory: string) {
    this.#files = files;
    this.#directory = directory;
    this.#sha256 = sha256;
    this.#codecs = codecs;
    this.#helpers = helpers;
    this.#open = new OpenFiles((segment) => files.open(`${directory}/${segment}`));
  }

  /** Segments that can be read, with their entries. */
  get loaded(): ReadonlyMap<string, readonly SegmentEntry[]> {
    return this.#loaded;
  }

  /** Segments that cannot be read, with what is wrong. */
  get damaged(): ReadonlyMap<string, StoreFault> {
    return this.#damaged;
  }

  place(name: string): PagePlace | undefined {
    return this.#pages.get(name);
  }

  names(): Iterable<string> {
    return this.#pages.keys();
  }

  /** Looks which segments there are at the call, or later. */
  refresh(): Promise<void> {
    this.#nextLook ??= this.#looking = this.#looking
      .catch(() => undefined)
      .then(() => {
        this.#nextLook = undefined;
        return this.#look();
      });
    return this.#nextLook;
  }

  /** As `refresh`; what was found to be damaged may have been repaired, and is read again. */
  reconsider(): Promise<void> {
    for (const segment of this.#doubted) {
      this.#loaded.delete(segment);
      this.#open.drop(segment);
    }
    if (this.#doubted.size > 0) this.#rebuild();
    this.#doubted.clear();
    this.#distrusted.clear();
    return this.refresh();
  }

  async #look(): Promise<void> {
    const before = [...this.#loaded.keys()]; // a writer may add one that the listing is too old for
    const listed = new Set((await this.#files.list(this.#directory)).filter(hashLike));
    for (const name of this.#damaged.keys()) if (!listed.has(name)) this.#damaged.delete(name);
    const gone = before.filter((name) => !listed.has(name));
    for (const name of gone) {
      this.#loaded.delete(name);
      this.#open.drop(name);
    }
    if (gone.length > 0) this.#rebuild();
    // Those that could not be read are read again: somebody may have put the right ones in their places.
    for (const name of listed) if (!this.#loaded.has(name)) await this.#load(name);
  }

  /** Adds a segment that was just written, perhaps over a damaged one of that name. */
  add(segment: string, entries: readonly SegmentEntry[]): void {
    this.#open.drop(segment);
    this.#enter(segment, entries);
  }

  #enter(segment: string, entries: readonly SegmentEntry[]): void {
    this.#loaded.set(segment, entries);
    this.#damaged.delete(segment);
    for (const entry of entries) if (!this.#pages.has(entry.name)) this.#pages.set(entry.name, { ...entry, segment });
  }

  /** The bytes of a page, verified; another copy is taken where the first one is damaged. */
  async read(name: string): Promise<Uint8Array> {
    for (let looks = 0; ; looks++) {
      const bytes = await this.#readKnown(name);
      if (bytes) return bytes;
      const nowhere = looks > 0 && !this.#pages.has(name);
      if (nowhere || looks === LOOKS || this.#distrusted.has(name)) throw this.absence(name);
      await this.refresh(); // another process has added it, or gc has moved it
    }
  }

  /** @returns undefined if it lies nowhere that is known, or not there any more */
  async #readKnown(name: string): Promise<Uint8Array | undefined> {
    for (let place = this.#pages.get(name); place; place = this.#pages.get(name)) {
      try {
        return await this.readAt(place);
      } catch (thrown) {
        if (errnoOf(thrown) === "ENOENT") return undefined;
        if (!(thrown instanceof StoreFault)) throw thrown;
        this.#distrust(place, thrown);
      }
    }
    return undefined;
  }

  /**
   * Reads many pages, verified, into their targets: runs of a segment at once and by several threads where that can be
   * done, the others as `read` does.
   */
  async readInto(pages: readonly PageTarget[]): Promise<void> {
    if (pages.some(({ name }) => !this.#pages.has(name))) await this.refresh();
    const left: PageTarget[] = [];
    for (const batch of this.#batches(pages, left)) left.push(...(await this.#readBatch(batch)));
    for (const page of left) putInto(page, await this.read(page.name));
  }

  /** Pages of the same segment that go to the same buffer, in rising order; `left` gets those that need more than reading. */
  #batches(pages: readonly PageTarget[], left: PageTarget[]): Batch[] {
    const batches = new Map<string, Map<ArrayBufferLike, Batch>>();
    for (const page of pages) {
      const place = this.#pages.get(page.name);
      const { buffer } = page.target;
      if (!this.#helpers || place?.codec !== "none" || place.sizeBytes !== page.target.length) {
        left.push(page);
        continue;
      }
      let buffers = batches.get(place.segment);
      if (!buffers) batches.set(place.segment, (buffers = new Map()));
      let batch = buffers.get(buffer);
      if (!batch) buffers.set(buffer, (batch = { segment: place.segment, buffer, pages: [] }));
      batch.pages.push({
        page,
        name: page.name,
        position: place.offset,
        offset: page.target.byteOffset,
        sizeBytes: place.sizeBytes,
      });
    }
    return [...batches.values()].flatMap((buffers) => [...buffers.values()]);
  }

  /** @returns the pages that are still to be read */
  async #readBatch({ segment, buffer, pages }: Batch): Promise<PageTarget[]> {
    try {
      const wrong = await this.#open.use(segment, async ({ descriptor }) =>
        descriptor === undefined ? pages : this.#helpers!.read(descriptor, new Uint8Array(buffer), pages),
      );
      const names = new Set(wrong);
      return pages.filter((page) => names.has(page)).map(({ page }) => page);
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") return pages.map(({ page }) => page); // gc has moved them
      throw thrown;
    }
  }

  /** Why a page cannot be read: its only copies are damaged, or there is none. */
  absence(name: string): StoreFault {
    const known = this.#distrusted.get(name);
    if (known) return known;
    const [broken] = this.#damaged.values();
    const why = broken ? `; ${this.#damaged.size} segments are unreadable, the first: ${broken.message}` : "";
    return missing("page", name, why);
  }

  /** The bytes of a page at a known place, verified. */
  async readAt(place: PagePlace): Promise<Uint8Array> {
    const stored = await this.readStored(place);
    const label = ` in segment ${short(place.segment)} at byte ${place.offset}`;
    const bytes = await this.#decode(place, stored, label);
    requireHash("page", place.name, this.#sha256(bytes), bytes.length, label);
    return bytes;
  }

  /** The bytes as they are stored, not verified. */
  async readStored(place: PagePlace): Promise<Uint8Array> {
    const stored = await this.#open.use(place.segment, (file) => file.read(place.offset, place.storedBytes));
    if (stored.length === place.storedBytes) return stored;
    const message = `store: segment ${short(place.segment)} ends inside page ${short(place.name)}, expected ${place.storedBytes} bytes at ${place.offset}, found ${stored.length}`;
    throw new StoreFault("truncated", message, { segment: place.segment, page: place.name });
  }

  /** Closes the files. */
  close(): Promise<void> {
    return this.#open.close();
  }

  async #decode(place: PagePlace, stored: Uint8Array, label: string): Promise<Uint8Array> {
    if (place.codec === "none") return stored;
    const codec = this.#codecs[place.codec];
    if (!codec) {
      const message = `store: page ${short(place.name)}${label} is stored with ${place.codec}, which this host cannot decode`;
      throw new StoreFault("damaged", message, { page: place.name, codec: place.codec });
    }
    try {
      return await codec.decode(stored, place.sizeBytes);
    } catch (cause) {
      const message = `store: page ${short(place.name)}${label} does not decode (${messageOf(cause)}), expected ${place.codec} of ${place.sizeBytes} bytes`;
      throw new StoreFault("damaged", message, { page: place.name, codec: place.codec }, cause);
    }
  }

  /** Looks no more at a damaged copy, so that another is found, or the page is written again when it is put again. */
  #distrust(place: PagePlace, fault: StoreFault): void {
    this.#distrusted.set(place.name, fault);
    this.#doubted.add(place.segment);
    const rest = this.#loaded.get(place.segment)?.filter(({ offset }) => offset !== place.offset) ?? [];
    this.#loaded.set(place.segment, rest);
    this.#rebuild();
  }

  #rebuild(): void {
    this.#pages.clear();
    for (const [segment, entries] of this.#loaded) this.#enter(segment, entries);
  }

  async #load(segment: string): Promise<void> {
    try {
      this.#enter(segment, await this.#readIndex(segment));
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") return; // a gc was faster
      if (!(thrown instanceof StoreFault)) throw thrown;
      this.#damaged.set(segment, thrown);
    }
  }

  async #readIndex(segment: string): Promise<SegmentEntry[]> {
    const label = `segment ${short(segment)}`;
    const file = await this.#files.open(`${this.#directory}/${segment}`);
    try {
      const fileBytes = await file.sizeBytes();
      requireHeader(await file.read(0, HEADER_BYTES), label);
      const tailAt = Math.max(HEADER_BYTES, fileBytes - TRAILER_BYTES);
      const place = readTrailer(await file.read(tailAt, TRAILER_BYTES), fileBytes, label);
      return readIndex(await file.read(place.offset, place.sizeBytes), place, segment, label, this.#sha256);
    } finally {
      await file.close();
    }
  }
}
