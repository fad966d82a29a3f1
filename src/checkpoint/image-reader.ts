// Manifest and pages -> checkpoint. Reads as much as it is asked for; trusts no size before it is within bounds.
import type { PlainData, SavedGroup, SavedInstance, SavedTable, SavedThread } from "../abi/index.ts";
import { messageOf } from "../util/index.ts";
import { type Content, type ReadPage, type ReadPages, readContent } from "./content.ts";
import { CheckpointFault, damagedField, pathTo } from "./faults.ts";
import { DOCUMENT_BYTES, IMAGE_BYTES } from "./limits.ts";
import { fromJson } from "./plain.ts";
import { type Sha256, sha256 } from "./sha256.ts";
import { readThreadList } from "./threads.ts";
import type { Checkpoint, Document, Manifest, ManifestInstance } from "./types.ts";
import { type Runs, zeroBesides } from "./used-runs.ts";
import { readValue, readValues } from "./values.ts";

export interface ReaderOptions {
  /** Gives the zeroed bytes that a memory is read into; exactly `sizeBytes` of them. Default: a new array. */
  readonly allocate?: (sizeBytes: number, instance: number, memory: number) => Uint8Array;
  /** The same for a content in a session's state. Default: a new array. */
  readonly allocateContent?: (sizeBytes: number) => Uint8Array;
  /** Reads the units of large contents; without it they are read page by page. */
  readonly readPages?: ReadPages;
  /** For carried modules, whose hash is checked. */
  readonly sha256?: Sha256;
}

/** Reads the parts of one image. All methods throw CheckpointFault, or what `readPage` throws. */
export class ImageReader {
  readonly manifest: Manifest;
  readonly #readPage: ReadPage;
  readonly #options: ReaderOptions;
  #leftBytes = IMAGE_BYTES;

  constructor(manifest: Manifest, readPage: ReadPage, options: ReaderOptions = {}) {
    this.manifest = manifest;
    this.#readPage = readPage;
    this.#options = options;
  }

  /** The whole checkpoint. */
  async checkpoint(): Promise<Checkpoint> {
    const { created, name, parent, sessions, modules } = this.manifest;
    return {
      created,
      name,
      ...(parent === undefined ? {} : { parent }),
      program: await this.program(),
      group: await this.group(),
      sessions: Object.fromEntries(await inOrder(Object.keys(sessions), async (key) => [key, await this.session(key)])),
      modules: Object.fromEntries(await inOrder(Object.keys(modules), async (key) => [key, await this.module(key)])),
    };
  }

  program(): Promise<PlainData> {
    return this.#plain(this.manifest.program, "program");
  }

  /** The state of one session; "damaged" when the image has none of that name. */
  session(name: string): Promise<PlainData> {
    return this.#plain(own(this.manifest.sessions, name, "sessions"), pathTo("sessions", name));
  }

  async threads(): Promise<SavedThread[]> {
    const json = await this.#document(this.manifest.threads, "threads");
    return readThreadList(json, "threads", this.manifest.instances.length, this.#bytes);
  }

  /** The JSON of a session's state; byte arrays in it stand as contents and are not read. */
  async sessionJson(name: string): Promise<unknown> {
    const path = pathTo("sessions", name);
    return this.#document(own(this.manifest.sessions, name, "sessions"), path);
  }

  /** Memories, globals, tables and threads. */
  async group(): Promise<SavedGroup> {
    const instances = await inOrder(this.manifest.instances, (instance, i) => this.#instance(instance, i));
    return { abi: this.manifest.abi, instances, threads: await this.threads() };
  }

  /** As `group`, but memories are described only: their contents are empty, `memory` reads them. */
  async outline(): Promise<SavedGroup> {
    const instances = await inOrder(this.manifest.instances, (instance, i) => this.#instance(instance, i, true));
    return { abi: this.manifest.abi, instances, threads: await this.threads() };
  }

  /** Reads the content of a memory into `target`, which must be all zero and of its size. */
  async memory(instance: number, index: number, target: Uint8Array): Promise<void> {
    const found = this.manifest.instances[instance]?.memories.find((memory) => memory.index === index);
    const path = `instances[${instance}].memories`;
    if (!found) throw damagedField(path, this.manifest.instances[instance]?.memories, `memory ${index}`);
    await this.#bytes(found.content, path, (sizeBytes) => {
      if (sizeBytes === target.length) return target;
      throw damagedField(path, `a content of ${sizeBytes} bytes`, `${target.length} bytes`);
    });
  }

  /** A carried module, whose SHA-256 is `hash`. */
  async module(hash: string): Promise<Uint8Array> {
    const path = pathTo("modules", hash);
    const bytes = await this.#bytes(own(this.manifest.modules, hash, "modules"), path);
    const actual = (this.#options.sha256 ?? sha256)(bytes);
    if (actual !== hash) throw damagedField(path, `a module of SHA-256 ${actual}`, hash);
    return bytes;
  }

  async #instance(instance: ManifestInstance, i: number, described = false): Promise<SavedInstance> {
    const path = `instances[${i}]`;
    const count = this.manifest.instances.length;
    const allocate = this.#options.allocate;
    return {
      ...instance,
      memories: await inOrder(instance.memories, async ({ index, pages, content }, m) => {
        if (described) return { index, pages, content: new Uint8Array(0) };
        const target = allocate && ((sizeBytes: number) => allocate(sizeBytes, i, index));
        return { index, pages, content: await this.#bytes(content, `${path}.memories[${m}].content`, target) };
      }),
      globals: instance.globals.map(({ index, value }, g) => ({
        index,
        value: readValue(value, `${path}.globals[${g}].value`, count),
      })),
      tables: await inOrder(instance.tables, async ({ index, elements }, t): Promise<SavedTable> => {
        const at = `${path}.tables[${t}].elements`;
        return { index, elements: readValues(await this.#document(elements, at), at, count) };
      }),
    };
  }

  async #plain(document: Document, path: string): Promise<PlainData> {
    const { allocateContent } = this.#options;
    const contentOf = async (content: Content, at: string) => {
      const target = this.#room(content, at, allocateContent);
      zeroBesides(target, await this.#read(content, at, target));
      return target;
    };
    return fromJson(await this.#document(document, path), path, contentOf);
  }

  async #document(document: Document, path: string): Promise<unknown> {
    if ("inline" in document) return document.inline;
    const { sizeBytes } = document.content;
    if (sizeBytes > DOCUMENT_BYTES) throw tooLarge(path, sizeBytes, DOCUMENT_BYTES);
    return parseDocument(await this.#bytes(document.content, path), path);
  }

  #bytes = async (content: Content, path: string, allocate = newBytes): Promise<Uint8Array> => {
    const target = this.#room(content, path, allocate);
    await this.#read(content, path, target);
    return target;
  };

  #room({ sizeBytes }: Content, path: string, allocate = newBytes): Uint8Array {
    if (sizeBytes > this.#leftBytes) throw tooLarge(path, sizeBytes, this.#leftBytes);
    this.#leftBytes -= sizeBytes;
    return allocateBytes(sizeBytes, path, allocate);
  }

  #read(content: Content, path: string, target: Uint8Array): Promise<Runs> {
    return readContent(content, this.#readPage, target, path, this.#options.readPages);
  }
}

/** The JSON of a document that lies in a content. */
export function parseDocument(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CheckpointFault("damaged", `image: ${path} is not JSON (${messageOf(cause)})`, { path }, cause);
  }
}

function newBytes(sizeBytes: number): Uint8Array {
  return new Uint8Array(sizeBytes);
}

function allocateBytes(sizeBytes: number, path: string, allocate: (sizeBytes: number) => Uint8Array): Uint8Array {
  try {
    return allocate(sizeBytes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = `image: ${path} needs ${sizeBytes} bytes, this host does not give them`;
    throw new CheckpointFault("limit", message, { path, sizeBytes }, cause);
  }
}

function tooLarge(path: string, sizeBytes: number, limitBytes: number): CheckpointFault {
  const message = `image: ${path} has ${sizeBytes} bytes, expected at most ${limitBytes}`;
  return new CheckpointFault("limit", message, { path, sizeBytes, limitBytes });
}

function own<T>(record: Readonly<Record<string, T>>, key: string, path: string): T {
  if (Object.hasOwn(record, key)) return record[key]!;
  throw damagedField(pathTo(path, key), undefined, `one of ${Object.keys(record).join(", ") || "none"}`);
}

/** Maps one after the other: the pages of one content are read concurrently already. */
async function inOrder<T, R>(items: readonly T[], map: (item: T, i: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const [i, item] of items.entries()) results.push(await map(item, i));
  return results;
}
