// Checkpoints in and out of a store: the two calls that most users need.
import {
  type Checkpoint,
  decodeManifest,
  type EncodedImage,
  type EncodeOptions,
  encodeCheckpoint,
  ImageReader,
  type Page,
  type ReaderOptions,
  type ReadPages,
  sha256,
  UNIT_BYTES,
  unitsKey,
} from "../checkpoint/index.ts";
import type { HashedAhead } from "./page-helpers.ts";
import type { PutReport, Root, Store, StoreWriter } from "./types.ts";

export interface SavedImage {
  readonly root: Root;
  readonly report: PutReport;
  /** The manifest, and the unit names that spare hashing next time. */
  readonly image: EncodedImage;
}

export interface SaveOptions extends EncodeOptions {
  /** Called with the id when all is stored, before it is published: what has to be there as soon as the checkpoint is. */
  readonly beforePublished?: ((id: string) => void) | undefined;
}

/**
 * Stores a checkpoint and publishes it under its name. The byte arrays of the checkpoint must not change until it
 * resolves; pages are hashed while others are written.
 */
export function saveCheckpoint(store: Store, checkpoint: Checkpoint, options: SaveOptions): Promise<SavedImage> {
  return store.write(async (writer) => {
    let image: EncodedImage | undefined;
    const ahead = new MemoriesAhead(writer, checkpoint);
    const pages = function* (): Generator<Page, void> {
      image = yield* encodeCheckpoint(checkpoint, { ...options, knownUnit: ahead.knownUnit(options.knownUnit) });
    };
    const report = await writer.putPages(pages()).finally(() => ahead.stop());
    const { manifest } = image as unknown as EncodedImage;
    const id = await writer.putManifest(manifest);
    options.beforePublished?.(id);
    return { root: await writer.publish(id, checkpoint.name), report, image: image as unknown as EncodedImage };
  });
}

/** The memories of a checkpoint that other threads hash from their ends, while they are written from their beginnings. */
class MemoriesAhead {
  readonly #memories = new Map<string, HashedAhead>();

  constructor(writer: StoreWriter, { group }: Checkpoint) {
    for (const [instance, { memories }] of group.instances.entries()) {
      for (const { index, content } of memories) {
        const ahead = writer.hashAhead?.(content, UNIT_BYTES);
        if (ahead) this.#memories.set(unitsKey(instance, index), ahead);
      }
    }
  }

  /** @param known names that need no hashing come first */
  knownUnit(known: EncodeOptions["knownUnit"]): NonNullable<EncodeOptions["knownUnit"]> {
    return (instance, memory, unit) => {
      const name = known?.(instance, memory, unit);
      return name === undefined ? this.#memories.get(unitsKey(instance, memory))?.nameOf(unit) : name;
    };
  }

  stop(): void {
    for (const memory of this.#memories.values()) memory.stop();
  }
}

export interface LoadedImage {
  readonly root: Root;
  /** Reads the parts; `reader.checkpoint()` gives all of it. */
  readonly reader: ImageReader;
}

/** Finds a checkpoint by `latest`, run name, id or prefix of an id, and reads its manifest. */
export async function openImage(
  store: Store,
  reference: string,
  options: ReaderOptions = { sha256 },
): Promise<LoadedImage> {
  const root = await store.resolve(reference);
  const manifest = decodeManifest(await store.readManifest(root.id));
  const readPages: ReadPages = (pages) => store.readPages(pages);
  return { root, reader: new ImageReader(manifest, (name) => store.readPage(name), { readPages, ...options }) };
}

/** Finds a checkpoint and reads all of it. */
export async function loadCheckpoint(store: Store, reference: string, options?: ReaderOptions): Promise<Checkpoint> {
  const { reader } = await openImage(store, reference, options);
  return reader.checkpoint();
}
