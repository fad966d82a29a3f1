// Dataspaces: containers of memory in pages of 4 KiB (spec 2.4).
import type { ByteSink } from "../util/index.ts";
import type { KernelObject } from "./capability.ts";
import type { DataspaceSink } from "./mirror.ts";

export type { ByteSink };

/** Takes a run of pages of 4 KiB: the first one's number in the dataspace, and how many. */
export type VisitPages = (page: number, count: number) => void;

/** What one taker of increments has not taken yet of a dataspace. Takers do not see each other. */
export interface WrittenPages {
  /**
   * Visits, ascending, what may have been written since the last `take`, and begins anew: the first one visits everything.
   * A page that is not visited has not changed; one that is visited may be as it was. All threads that could write must stand
   * still, until the pages are copied. Nothing is made on the heap.
   */
  take(visit: VisitPages): void;
  /** What the last `take` visited counts as written again: it did not become a checkpoint. */
  undo(): void;
  /** Nobody takes here any more. Harmless when repeated, and when the dataspace is no more. */
  close(): void;
}

/** How a dataspace is cached; recorded and given back, without effect on this machine. */
export type Cached = "uncached" | "write-combined" | "cached";

export interface Dataspace extends KernelObject {
  readonly kind: "dataspace";
  readonly origin: "ram" | "rom" | "io" | "managed";
  /** Bytes, a multiple of the page size. */
  size(): number;
  /** A number that stands for the physical address; stable for the dataspace's life. */
  physAddr(): number;
  writable(): boolean;
  /**
   * How components in TypeScript see the content (guests attach it instead). Ranges beyond the end are cut off; holes of
   * managed dataspaces read as zero and swallow writes. Returns the bytes moved.
   */
  read(offset: number, target: Uint8Array): number;
  /** As `read`; 0 when the dataspace is not writable. */
  write(offset: number, source: Uint8Array): number;
  /**
   * As `write`, of the words of `source` from number `from` up to `to`; `offset` is a multiple of 4. Nothing is made on the heap
   * where that can be helped. Absent: there is `write`.
   */
  writeWords?(offset: number, source: Int32Array, from: number, to: number): number;
  /**
   * Shows where all its bytes are now, in pieces that do not overlap and have no gaps. What that needs is made the first
   * time and kept, so that nothing is made the next time. Absent: they can only be read.
   */
  pieces?(sink: DataspaceSink): void;
  /**
   * Begins to note what is written, for one taker; make it outside of a pause. As long as a component whose program does not
   * mark its stores (`LoadOptions.marks`) can write here, everything counts as written. Absent: nobody notes it.
   */
  written?(): WrittenPages;
}

/** All bytes of a dataspace, as a copy. */
export function contentOf(dataspace: Dataspace): Uint8Array {
  const bytes = new Uint8Array(dataspace.size());
  dataspace.read(0, bytes);
  return bytes;
}
