// Image files: one checkpoint with everything it reaches as one stream of bytes, to carry it from store to store over
// whatever moves bytes (a file, HTTP, a message). docs/FORMAT.md has the layout:
//
//   "RTCRIMAG"  u32 version  u32 manifest size  manifest
//   { u32 page size  page } ...  u32 0
//
// I1  A page's name is not written: it is the hash of its bytes, so a damaged page is a page that is missing.
// I2  Nothing is published before all of it is there: a stream that ends early leaves garbage for gc.
// Not here: compression, which HTTP and files have of their own.

import {
  decodeManifest,
  MANIFEST_BYTES,
  type Page,
  type Reached,
  reachImage,
  type Sha256,
  sha256,
  short,
} from "../checkpoint/index.ts";
import { equalBytes, joinBytes } from "../util/index.ts";
import { StoreFault } from "./faults.ts";
import { PAGE_LIMIT_BYTES } from "./segment-format.ts";
import type { Root, Store, StoreWriter } from "./types.ts";

export const IMAGE_FILE_VERSION = 1;

const MARK = new TextEncoder().encode("RTCRIMAG");
const HEADER_BYTES = 16;
/** Pages go out, and into a store, in groups of this many: up to 16 MiB. */
const GROUP_PAGES = 256;

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Yields the image file of a checkpoint (`latest`, a run name, an id or a prefix of one), in chunks of up to 16 MiB.
 *
 * @throws StoreFault, before the first chunk when the checkpoint is not there
 */
export async function* exportImage(store: Store, reference: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { id } = await store.resolve(reference);
  const manifest = await store.readManifest(id);
  const reached: Reached = { pages: new Set(), nodes: new Set() };
  await reachImage(manifest, (name) => store.readPage(name), reached);
  yield joinBytes([MARK, words(IMAGE_FILE_VERSION, manifest.length), manifest]);
  const names = [...reached.pages];
  for (let i = 0; i < names.length; i += GROUP_PAGES) {
    const pages = await Promise.all(names.slice(i, i + GROUP_PAGES).map((name) => store.readPage(name)));
    yield joinBytes(pages.flatMap((page) => [words(page.length), page]));
  }
  yield joinBytes([words(0)]);
}

/**
 * Stores the checkpoint of an image file and publishes it under the name it had.
 *
 * @throws StoreFault "foreign", "newer", "older", "truncated", "damaged" (a page does not belong to the manifest's
 *   hashes, or something follows the end), CheckpointFault for a bad manifest; nothing is published then
 */
export function importImage(
  store: Store,
  file: Chunks,
  { sha256: hash = sha256 }: { readonly sha256?: Sha256 } = {},
): Promise<Root> {
  return store.write(async (writer) => {
    const bytes = new ByteStream(file);
    const manifest = await readHead(bytes);
    const { name } = decodeManifest(manifest);
    await readPages(bytes, writer, hash);
    const id = await writer.putManifest(manifest).catch((thrown) => {
      throw thrown instanceof StoreFault && thrown.code === "incomplete" ? damagedPage(thrown) : thrown;
    });
    return writer.publish(id, name);
  });
}

async function readHead(bytes: ByteStream): Promise<Uint8Array> {
  const head = await bytes.upTo(HEADER_BYTES);
  if (!equalBytes(head.subarray(0, MARK.length), MARK.subarray(0, head.length))) {
    throw new StoreFault("foreign", "image file: it is none, expected it to begin with RTCRIMAG");
  }
  if (head.length < HEADER_BYTES) throw truncated(head.length, "its header");
  const view = new DataView(head.buffer, head.byteOffset);
  const version = view.getUint32(8, true);
  if (version !== IMAGE_FILE_VERSION) {
    const message = `image file: version ${version}, this build reads ${IMAGE_FILE_VERSION}; use another build`;
    throw new StoreFault(version > IMAGE_FILE_VERSION ? "newer" : "older", message, { found: version });
  }
  const sizeBytes = view.getUint32(12, true);
  if (sizeBytes > MANIFEST_BYTES) throw damaged(`a manifest of ${sizeBytes} bytes, expected at most ${MANIFEST_BYTES}`);
  return (await bytes.exactly(sizeBytes, "its manifest")).slice();
}

async function readPages(bytes: ByteStream, writer: StoreWriter, hash: Sha256): Promise<void> {
  for (let group: Page[] = []; ; ) {
    const size = await bytes.exactly(4, "a page or its end");
    const sizeBytes = new DataView(size.buffer, size.byteOffset).getUint32(0, true);
    if (sizeBytes > PAGE_LIMIT_BYTES)
      throw damaged(`a page of ${sizeBytes} bytes, expected at most ${PAGE_LIMIT_BYTES}`);
    if (sizeBytes > 0) {
      const page = (await bytes.exactly(sizeBytes, "a page")).slice();
      group.push({ name: hash(page), bytes: page });
    }
    if (group.length === GROUP_PAGES || sizeBytes === 0) {
      await writer.putPages(group);
      group = [];
    }
    if (sizeBytes === 0) break;
  }
  if ((await bytes.upTo(1)).length > 0) throw damaged("more bytes behind its end, expected none");
}

/** Takes bytes off a stream of chunks. What it returns is valid until the next call. */
class ByteStream {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #position = 0;

  constructor(source: Chunks) {
    this.#chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** The next `count` bytes, or what is left. */
  async upTo(count: number): Promise<Uint8Array> {
    while (this.#rest.length < count) {
      const next = await this.#chunks.next();
      if (next.done) break;
      this.#rest = this.#rest.length === 0 ? next.value : joinBytes([this.#rest, next.value]);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(taken.length);
    this.#position += taken.length;
    return taken;
  }

  async exactly(count: number, what: string): Promise<Uint8Array> {
    const taken = await this.upTo(count);
    if (taken.length < count) throw truncated(this.#position, what);
    return taken;
  }
}

function words(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, true);
  });
  return new Uint8Array(view.buffer);
}

function truncated(position: number, what: string): StoreFault {
  return new StoreFault("truncated", `image file: it ends after ${position} bytes, expected ${what}`, { position });
}

function damaged(found: string): StoreFault {
  return new StoreFault("damaged", `image file: found ${found}`);
}

function damagedPage(cause: StoreFault): StoreFault {
  const { page } = cause.detail as { readonly page: string };
  const message = `image file: no page in it has the hash ${short(page)}, expected all that its manifest reaches; it was damaged on its way`;
  return new StoreFault("damaged", message, { page }, cause);
}
