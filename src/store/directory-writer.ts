// The writer's side of a directory store: pages, then a manifest, then a root, each safe before the next begins.
import type { Page } from "../checkpoint/index.ts";
import type { CodecName } from "./codec.ts";
import type { DirectoryHost } from "./directory.ts";
import { errnoOf, StoreFault } from "./faults.ts";
import { writeFile } from "./files.ts";
import type { Lock } from "./lock.ts";
import type { HashedAhead } from "./page-helpers.ts";
import { missing, requireRunName } from "./resolve.ts";
import { encodeRoot, parseRootFileName, requireId, rootFileName } from "./root-file.ts";
import { PAGE_LIMIT_BYTES } from "./segment-format.ts";
import { SegmentWriter, storedForm } from "./segment-writer.ts";
import type { Segments } from "./segments.ts";
import type { PutReport, Root, StoreWriter } from "./types.ts";
import { requireComplete } from "./verify.ts";

/** What a writer works on; the lock is released by whoever has taken it. */
export interface WriterContext {
  readonly host: DirectoryHost;
  readonly path: string;
  readonly codec: CodecName;
  readonly segmentBytes: number;
  readonly segments: Segments;
  readonly lock: Lock;
  readonly readManifest: (id: string) => Promise<Uint8Array>;
}

export class DirectoryWriter implements StoreWriter {
  readonly #context: WriterContext;
  #temporaries = 0;

  constructor(context: WriterContext) {
    this.#context = context;
  }

  async putPages(pages: Iterable<Page>): Promise<PutReport> {
    const { host, path, segments } = this.#context;
    const segment = new CurrentSegment(this.#context, () => this.#temporary());
    const seen = new Set<string>();
    const report = { newPages: 0, newBytes: 0, storedBytes: 0 };
    try {
      for (const page of pages) {
        const { name } = page;
        if (seen.size === seen.add(name).size || segments.place(name)) continue;
        const { bytes } = page;
        report.newPages++;
        report.newBytes += bytes.length;
        report.storedBytes += await segment.append(name, bytes);
      }
      await segment.seal();
    } catch (thrown) {
      await segment.abandon();
      throw thrown;
    }
    await host.files.syncDirectory(`${path}/segments`); // also for pages that others wrote (I3 of directory.ts)
    return { pages: seen.size, ...report };
  }

  async putManifest(bytes: Uint8Array): Promise<string> {
    const { host, path, segments } = this.#context;
    await requireComplete(
      bytes,
      (name) => segments.read(name),
      (name) => segments.place(name) !== undefined,
    );
    const id = host.sha256(bytes);
    const folder = `${path}/manifests`;
    if (!(await this.#sound(id))) await writeFile(host.files, this.#temporary(), `${folder}/${id}`, bytes);
    await host.files.syncDirectory(folder);
    return id;
  }

  async publish(id: string, name: string): Promise<Root> {
    requireRunName(name);
    requireId(id);
    const { host, path, lock } = this.#context;
    const folder = `${path}/roots`;
    if (!(await host.files.list(`${path}/manifests`)).includes(id)) throw missing("manifest", id);
    const sequence = 1 + (await host.files.list(folder)).reduce(higher, 0);
    const root = { id, name, sequence, published: new Date(host.now()).toISOString() };
    await lock.requireHeld();
    await writeFile(host.files, this.#temporary(), `${folder}/${rootFileName(root)}`, encodeRoot(root, host.sha256));
    await host.files.syncDirectory(folder);
    return root;
  }

  hashAhead(bytes: Uint8Array, unitBytes: number): HashedAhead | undefined {
    return this.#context.host.helpers?.hash(bytes, unitBytes);
  }

  /** Whether the manifest is there and whole; one that is damaged is written again, with the same bytes. */
  async #sound(id: string): Promise<boolean> {
    try {
      await this.#context.readManifest(id);
      return true;
    } catch (thrown) {
      if (thrown instanceof StoreFault && errnoOf(thrown) === undefined) return false;
      throw thrown;
    }
  }

  #temporary(): string {
    return `${this.#context.path}/tmp/${this.#context.lock.token}.${++this.#temporaries}`;
  }
}

function higher(highest: number, file: string): number {
  return Math.max(highest, parseRootFileName(file)?.sequence ?? 0);
}

/** The segment that pages go to; the next one is begun when it is full. */
class CurrentSegment {
  readonly #context: WriterContext;
  readonly #temporary: () => string;
  #writer: SegmentWriter | undefined;

  constructor(context: WriterContext, temporary: () => string) {
    this.#context = context;
    this.#temporary = temporary;
  }

  /** Appends a page, returns its stored size. */
  async append(name: string, bytes: Uint8Array): Promise<number> {
    if (bytes.length > PAGE_LIMIT_BYTES || bytes.length === 0) {
      const message = `store: a page of ${bytes.length} bytes, expected 1 to ${PAGE_LIMIT_BYTES}`;
      throw new StoreFault("damaged", message, { page: name, sizeBytes: bytes.length });
    }
    const { host, codec, segmentBytes } = this.#context;
    if (this.#writer && this.#writer.storedBytes >= segmentBytes) await this.seal();
    this.#writer ??= await SegmentWriter.create(host.files, this.#temporary());
    const form = codec === "none" ? { codec, stored: bytes } : await storedForm(bytes, codec, host.codecs[codec]);
    await this.#writer.append(name, bytes.length, form.codec, form.stored);
    return form.stored.length;
  }

  async seal(): Promise<void> {
    if (!this.#writer) return;
    const { host, path, segments } = this.#context;
    const { name, entries } = await this.#writer.seal(`${path}/segments`, host.sha256);
    this.#writer = undefined;
    segments.add(name, entries);
  }

  async abandon(): Promise<void> {
    await this.#writer?.abandon();
  }
}
