// The contract of every store: pages and manifests by hash, roots that publish them. Backends: memory.ts, directory.ts.
import type { CheckpointFault, Page, PageTarget } from "../checkpoint/index.ts";
import type { StoreFault } from "./faults.ts";
import type { HashedAhead } from "./page-helpers.ts";

/** A published checkpoint. */
export interface Root {
  readonly id: string;
  /** The run name that it was published under. */
  readonly name: string;
  /** Rises with every publication; two writers at once may take the same one. */
  readonly sequence: number;
  /** UTC time. */
  readonly published: string;
}

export interface Listing {
  /** Oldest first. */
  readonly roots: readonly Root[];
  /** Roots that are there and cannot be read; `detail` has what their names tell (id, name, sequence). */
  readonly damaged: readonly StoreFault[];
}

/** What putting pages came to. */
export interface PutReport {
  /** Different pages offered. */
  readonly pages: number;
  /** Pages that were not there before, their bytes, and the bytes that they take after compression. */
  readonly newPages: number;
  readonly newBytes: number;
  readonly storedBytes: number;
}

export interface VerifyReport {
  readonly manifests: number;
  readonly pages: number;
  readonly bytes: number;
  /** Everything that is wrong; empty: sound. */
  readonly faults: readonly (StoreFault | CheckpointFault)[];
}

export interface GcReport {
  readonly deletedManifests: number;
  readonly deletedPages: number;
  /** Stored bytes that were given back. */
  readonly freedBytes: number;
  readonly keptPages: number;
  readonly rewrittenSegments: number;
}

/** The right to write; holds off gc. Valid inside `Store.write` only. */
export interface StoreWriter {
  /** Stores pages; when it resolves they are safe. Pages that the store knows are not written again. */
  putPages(pages: Iterable<Page>): Promise<PutReport>;
  /** Stores a manifest, returns its id. "incomplete" when a page that it reaches is missing. */
  putManifest(bytes: Uint8Array): Promise<string>;
  /** Makes a stored manifest a checkpoint: from now on it is complete, before it was absent. */
  publish(id: string, name: string): Promise<Root>;
  /** Begins to hash the units of a content in other threads, where there are any; see HashedAhead. */
  hashAhead?(bytes: Uint8Array, unitBytes: number): HashedAhead | undefined;
}

/**
 * Keeps images. All methods reject with StoreFault (or CheckpointFault where a manifest is read) and change nothing
 * that was published before, except `remove`.
 */
export interface Store {
  /** Runs `work` with the right to write. Waits for a gc to end, "locked" after a deadline. */
  write<T>(work: (writer: StoreWriter) => Promise<T>): Promise<T>;
  /** The bytes of a manifest, verified. */
  readManifest(id: string): Promise<Uint8Array>;
  /** The bytes of a page, verified; the caller's own. */
  readPage(name: string): Promise<Uint8Array>;
  /** Reads pages, verified, into their targets: many at once, for memories. After a rejection targets hold anything. */
  readPages(pages: readonly PageTarget[]): Promise<void>;
  list(): Promise<Listing>;
  /** The newest root for `latest`, a run name, or an id or unique prefix of one (4 digits or more). */
  resolve(reference: string): Promise<Root>;
  /** Takes all roots of an id away; the data stays until gc. "not-found" when there is none. */
  remove(id: string): Promise<void>;
  /** Reads and checks everything that one checkpoint reaches, or everything there is. */
  verify(id?: string): Promise<VerifyReport>;
  /**
   * Deletes what no root reaches. If anything that is reached cannot be read it deletes nothing and rejects.
   *
   * @param deadRatio a segment is rewritten when more than this part of it is unreachable; 0 leaves nothing
   * @param dryRun change nothing, report what would be deleted (of segments that would be rewritten, their garbage)
   */
  gc(options?: { readonly deadRatio?: number; readonly dryRun?: boolean }): Promise<GcReport>;
  /** Gives back file handles; the store can be used again. */
  close(): Promise<void>;
}
