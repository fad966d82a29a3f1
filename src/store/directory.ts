// A store in a directory. docs/FORMAT.md has the layout; this file has the order of things.
//
// I1  What a name in segments/, manifests/ or roots/ shows is complete: everything is written in tmp/, synced, then renamed.
// I2  A root is renamed into its place when everything it reaches is safe: segments and their directory, manifest and its directory.
// I3  Everything a checkpoint relies on is made safe by the process that publishes it, also what others wrote: another writer may
//     have renamed a segment and died before it synced the directory.
// I4  Pages and manifests are deleted in gc.ts only.
// Tested by: directory.test.ts (kill, power failure and full disk at every single operation), suite.test.ts.

import { hashLike, type PageTarget, type Sha256, short } from "../checkpoint/index.ts";
import type { CodecName, Codecs } from "./codec.ts";
import { DirectoryWriter } from "./directory-writer.ts";
import { asFault, errnoOf, StoreFault } from "./faults.ts";
import { type FileOperations, readFile, writeFile } from "./files.ts";
import { collectGarbage, DEAD_RATIO } from "./gc.ts";
import { Locks, type Owner } from "./lock.ts";
import type { PageHelpers } from "./page-helpers.ts";
import { byAge, missing, notFound, requireHash, resolveRoot } from "./resolve.ts";
import { decodeRoot, parseRootFileName, requireId, rootFileName } from "./root-file.ts";
import { SEGMENT_LIMIT_BYTES } from "./segment-format.ts";
import { Segments } from "./segments.ts";
import type { GcReport, Listing, Root, Store, StoreWriter, VerifyReport } from "./types.ts";
import { verifyImages } from "./verify.ts";

/** What a directory store is made of; openDirectoryStore (directory-node.ts) fills it for Node. */
export interface DirectoryHost {
  readonly files: FileOperations;
  readonly sha256: Sha256;
  readonly codecs: Codecs;
  readonly owner: Owner;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Never gives the same text twice. */
  readonly token: () => string;
  /** Other threads that read and hash beside this one; absent: there are none. */
  readonly helpers?: PageHelpers;
}

export interface DirectoryOptions {
  /** Make the store when the directory is missing or empty (default), or reject with "not-found". */
  readonly create?: boolean;
  /** How new pages are stored. Default "none": compression costs more than it saves, see docs/RATIONALE.md. */
  readonly codec?: CodecName;
  /** A new segment is begun behind this many stored bytes. Default 128 MiB. */
  readonly segmentBytes?: number;
  /** How long gc waits for writers to end; writers wait six times as long for a gc. Default 10 s. */
  readonly lockWaitMs?: number;
}

const MARK = '{\n "$rtcr": "store",\n "format": 1\n}\n';
const FOLDERS = ["segments", "manifests", "roots", "locks", "tmp"] as const;

/** Opens the store in a directory. Rejects with "foreign" when the directory holds anything else. */
export function openDirectory(host: DirectoryHost, path: string, options: DirectoryOptions = {}): Promise<Store> {
  return asFault(`opening ${path}`, async () => {
    await requireStore(host, path, options.create ?? true);
    return new DirectoryStore(host, path, options);
  });
}

async function requireStore(host: DirectoryHost, path: string, create: boolean): Promise<void> {
  const { files } = host;
  const names = await namesIn(files, path);
  if (!names.includes("store.json")) {
    const strange = names.find((name) => !(FOLDERS as readonly string[]).includes(name));
    if (strange !== undefined) {
      const message = `store: ${path} holds ${JSON.stringify(strange)} and no store.json, expected an rtcr store or an empty directory`;
      throw new StoreFault("foreign", message, { path, found: strange });
    }
    // With folders it has lost its mark, and gets it again.
    if (!create && names.length === 0)
      throw new StoreFault("not-found", `store: there is none at ${path}, expected store.json in it`, { path });
    await createStore(host, path);
  }
  requireMark(new TextDecoder().decode(await readFile(files, `${path}/store.json`)), path);
}

async function namesIn(files: FileOperations, path: string): Promise<string[]> {
  try {
    return await files.list(path);
  } catch (thrown) {
    ignoreMissing(thrown);
    return [];
  }
}

/** Several processes may do this at once: they all write the same. */
async function createStore({ files, token }: DirectoryHost, path: string): Promise<void> {
  for (const folder of FOLDERS) await files.makeDirectory(`${path}/${folder}`);
  await files.syncDirectory(path);
  await writeFile(files, `${path}/tmp/${token()}.store`, `${path}/store.json`, new TextEncoder().encode(MARK));
  await files.syncDirectory(path);
}

function requireMark(text: string, path: string): void {
  if (text === MARK) return;
  const [, format] = /^\{\n "\$rtcr": "store",\n "format": (\d{1,9})\n\}\n$/.exec(text) ?? [];
  if (format === undefined) {
    const message = `store: ${path}/store.json is no mark of an rtcr store, expected ${JSON.stringify(MARK)}`;
    throw new StoreFault(MARK.startsWith(text) ? "truncated" : "foreign", message, { path });
  }
  const code = Number(format) > 1 ? "newer" : "older";
  throw new StoreFault(code, `store: ${path} has format ${format}, this build reads 1; use a newer build`, {
    path,
    format,
  });
}

class DirectoryStore implements Store {
  readonly #host: DirectoryHost;
  readonly #path: string;
  readonly #segments: Segments;
  readonly #locks: Locks;
  readonly #codec: CodecName;
  readonly #segmentBytes: number;

  constructor(host: DirectoryHost, path: string, options: DirectoryOptions) {
    const { files, owner, now, token } = host;
    this.#host = host;
    this.#path = path;
    this.#codec = options.codec ?? "none";
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_LIMIT_BYTES;
    this.#segments = new Segments(host, `${path}/segments`);
    this.#locks = new Locks(files, path, { owner, now, token, waitMs: options.lockWaitMs ?? 10_000 });
  }

  write<T>(work: (writer: StoreWriter) => Promise<T>): Promise<T> {
    return asFault(`writing to ${this.#path}`, async () => {
      const lock = await this.#locks.acquire("writer");
      try {
        await this.#segments.refresh(); // also what other processes have written need not be written again
        return await work(
          new DirectoryWriter({
            host: this.#host,
            path: this.#path,
            codec: this.#codec,
            segmentBytes: this.#segmentBytes,
            segments: this.#segments,
            lock,
            readManifest: (id) => this.#manifest(id),
          }),
        );
      } finally {
        await lock.release();
      }
    });
  }

  readManifest(id: string): Promise<Uint8Array> {
    return asFault(`reading manifest ${short(id)}`, () => this.#manifest(id));
  }

  async #manifest(id: string): Promise<Uint8Array> {
    requireId(id);
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.#host.files, `${this.#path}/manifests/${id}`);
    } catch (thrown) {
      throw errnoOf(thrown) === "ENOENT" ? missing("manifest", id) : thrown;
    }
    requireHash("manifest", id, this.#host.sha256(bytes), bytes.length);
    return bytes;
  }

  readPage(name: string): Promise<Uint8Array> {
    return asFault(`reading page ${short(name)}`, () => this.#segments.read(name));
  }

  readPages(pages: readonly PageTarget[]): Promise<void> {
    return asFault(`reading ${pages.length} pages`, () => this.#segments.readInto(pages));
  }

  list(): Promise<Listing> {
    return asFault(`listing ${this.#path}`, async () => {
      const roots: Root[] = [];
      const damaged: StoreFault[] = [];
      for (const file of await this.#host.files.list(`${this.#path}/roots`)) {
        try {
          const root = await this.#root(file);
          if (root) roots.push(root);
        } catch (thrown) {
          if (!(thrown instanceof StoreFault)) throw thrown;
          damaged.push(thrown);
        }
      }
      return { roots: roots.sort(byAge), damaged };
    });
  }

  async #root(file: string): Promise<Root | undefined> {
    const named = parseRootFileName(file);
    if (!named) return undefined;
    try {
      return decodeRoot(await readFile(this.#host.files, `${this.#path}/roots/${file}`), named, this.#host.sha256);
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") return undefined; // removed while we were looking
      throw thrown;
    }
  }

  async resolve(reference: string): Promise<Root> {
    return resolveRoot(await this.list(), reference);
  }

  remove(id: string): Promise<void> {
    return asFault(`removing ${short(id)}`, async () => {
      const { files } = this.#host;
      const named = (await files.list(`${this.#path}/roots`))
        .map(parseRootFileName)
        .filter((name) => name !== undefined);
      const doomed = named.filter((name) => name.id === id);
      if (doomed.length === 0) throw notFound(id, named.length);
      for (const name of doomed) await files.remove(`${this.#path}/roots/${rootFileName(name)}`).catch(ignoreMissing);
      await files.syncDirectory(`${this.#path}/roots`);
    });
  }

  verify(id?: string): Promise<VerifyReport> {
    return asFault(`verifying ${this.#path}`, async () => {
      await this.#segments.reconsider();
      if (id !== undefined) return verifyImages(this, [id]);
      const manifests = (await this.#host.files.list(`${this.#path}/manifests`)).filter(hashLike);
      const { roots, damaged } = await this.list();
      const ids = [...roots.map((root) => root.id), ...manifests];
      const report = await verifyImages(this, ids, [...this.#segments.names()]);
      return { ...report, faults: [...damaged, ...this.#segments.damaged.values(), ...report.faults] };
    });
  }

  gc(options: { readonly deadRatio?: number; readonly dryRun?: boolean } = {}): Promise<GcReport> {
    return asFault(`collecting garbage in ${this.#path}`, async () => {
      const lock = await this.#locks.acquire("gc");
      try {
        return await collectGarbage({
          host: this.#host,
          path: this.#path,
          segments: this.#segments,
          segmentBytes: this.#segmentBytes,
          locks: this.#locks,
          lock,
          deadRatio: options.deadRatio ?? DEAD_RATIO,
          dryRun: options.dryRun ?? false,
          list: () => this.list(),
          readManifest: (id) => this.#manifest(id),
        });
      } finally {
        await lock.release();
      }
    });
  }

  close(): Promise<void> {
    return this.#segments.close();
  }
}

function ignoreMissing(thrown: unknown): void {
  if (errnoOf(thrown) !== "ENOENT") throw thrown;
}
