// A store in memory: for tests, for browsers, and as the shortest reading of the contract.
import {
  hashLike,
  type Page,
  type PageTarget,
  type Reached,
  reachImage,
  type Sha256,
  sha256,
} from "../checkpoint/index.ts";
import { StoreFault } from "./faults.ts";
import { byAge, missing, notFound, putInto, requireHash, requireRunName, resolveRoot } from "./resolve.ts";
import type { GcReport, Listing, PutReport, Root, Store, StoreWriter, VerifyReport } from "./types.ts";
import { requireComplete, verifyImages } from "./verify.ts";

export interface MemoryStoreOptions {
  readonly sha256?: Sha256;
  /** UTC milliseconds, for `published`. */
  readonly now?: () => number;
}

/** A store that lives as long as the object. */
export function openMemoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options);
}

class MemoryStore implements Store {
  readonly #sha256: Sha256;
  readonly #now: () => number;
  readonly #pages = new Map<string, Uint8Array>();
  readonly #manifests = new Map<string, Uint8Array>();
  #roots: Root[] = [];
  #writers = 0;
  /** The gc that runs. */
  #collecting: Promise<unknown> | undefined;

  constructor(options: MemoryStoreOptions) {
    this.#sha256 = options.sha256 ?? sha256;
    this.#now = options.now ?? Date.now;
  }

  async write<T>(work: (writer: StoreWriter) => Promise<T>): Promise<T> {
    while (this.#collecting) await this.#collecting;
    this.#writers++;
    try {
      return await work({
        putPages: async (pages) => this.#putPages(pages),
        putManifest: (bytes) => this.#putManifest(bytes),
        publish: async (id, name) => this.#publish(id, name),
      });
    } finally {
      this.#writers--;
    }
  }

  #putPages(pages: Iterable<Page>): PutReport {
    const seen = new Set<string>();
    let newPages = 0;
    let newBytes = 0;
    for (const page of pages) {
      const { name } = page;
      seen.add(name);
      if (this.#pages.has(name)) continue;
      const { bytes } = page;
      this.#pages.set(name, bytes.slice());
      newPages++;
      newBytes += bytes.length;
    }
    return { pages: seen.size, newPages, newBytes, storedBytes: newBytes };
  }

  async #putManifest(bytes: Uint8Array): Promise<string> {
    await requireComplete(bytes, this.#readPage, (name) => this.#pages.has(name));
    const id = this.#sha256(bytes);
    this.#manifests.set(id, bytes.slice());
    return id;
  }

  #publish(id: string, name: string): Root {
    requireRunName(name);
    if (!this.#manifests.has(id)) throw missing("manifest", id);
    const sequence = 1 + this.#roots.reduce((highest, root) => Math.max(highest, root.sequence), 0);
    const root = { id, name, sequence, published: new Date(this.#now()).toISOString() };
    this.#roots.push(root);
    return root;
  }

  readonly #readPage = async (name: string): Promise<Uint8Array> => {
    const bytes = this.#pages.get(name);
    if (!bytes) throw missing("page", name);
    requireHash("page", name, this.#sha256(bytes), bytes.length);
    return bytes.slice();
  };

  readPage(name: string): Promise<Uint8Array> {
    return this.#readPage(name);
  }

  async readPages(pages: readonly PageTarget[]): Promise<void> {
    for (const page of pages) putInto(page, await this.#readPage(page.name));
  }

  async readManifest(id: string): Promise<Uint8Array> {
    const bytes = this.#manifests.get(id);
    if (!bytes) throw hashLike(id) ? missing("manifest", id) : notFound(id, this.#roots.length);
    requireHash("manifest", id, this.#sha256(bytes), bytes.length);
    return bytes.slice();
  }

  async list(): Promise<Listing> {
    return { roots: this.#roots.toSorted(byAge), damaged: [] };
  }

  async resolve(reference: string): Promise<Root> {
    return resolveRoot(await this.list(), reference);
  }

  async remove(id: string): Promise<void> {
    const left = this.#roots.filter((root) => root.id !== id);
    if (left.length === this.#roots.length) throw notFound(id, this.#roots.length);
    this.#roots = left;
  }

  verify(id?: string): Promise<VerifyReport> {
    if (id !== undefined) return verifyImages(this, [id]);
    return verifyImages(this, [...this.#roots.map((root) => root.id), ...this.#manifests.keys()], this.#pages.keys());
  }

  async gc({ dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<GcReport> {
    while (this.#collecting) await this.#collecting;
    if (this.#writers > 0) {
      throw new StoreFault(
        "locked",
        `store: ${this.#writers} writers are at work, expected none; collect garbage later`,
      );
    }
    const work = this.#collect(dryRun);
    this.#collecting = work.catch(() => undefined).finally(() => (this.#collecting = undefined));
    return work;
  }

  async #collect(dryRun: boolean): Promise<GcReport> {
    const reached: Reached = { pages: new Set(), nodes: new Set() };
    const ids = new Set(this.#roots.map((root) => root.id));
    for (const id of ids) await reachImage(await this.readManifest(id), this.#readPage, reached);
    let freedBytes = 0;
    let deletedPages = 0;
    for (const [name, bytes] of this.#pages) {
      if (reached.pages.has(name)) continue;
      if (!dryRun) this.#pages.delete(name);
      deletedPages++;
      freedBytes += bytes.length;
    }
    const unrooted = [...this.#manifests.keys()].filter((id) => !ids.has(id));
    for (const id of dryRun ? [] : unrooted) this.#manifests.delete(id);
    const deletedManifests = unrooted.length;
    const keptPages = dryRun ? this.#pages.size - deletedPages : this.#pages.size;
    return { deletedManifests, deletedPages, freedBytes, keptPages, rewrittenSegments: 0 };
  }

  async close(): Promise<void> {}
}
