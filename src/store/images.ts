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
  sha256,
} from "../checkpoint/index.ts";
import type { PutReport, Root, Store } from "./types.ts";

export interface SavedImage {
  readonly root: Root;
  readonly report: PutReport;
  /** The manifest, and the unit names that spare hashing next time. */
  readonly image: EncodedImage;
}

/**
 * Stores a checkpoint and publishes it under its name. The byte arrays of the checkpoint must not change until it
 * resolves; pages are hashed while others are written.
 */
export function saveCheckpoint(store: Store, checkpoint: Checkpoint, options: EncodeOptions): Promise<SavedImage> {
  return store.write(async (writer) => {
    let image: EncodedImage | undefined;
    const pages = function* (): Generator<Page, void> {
      image = yield* encodeCheckpoint(checkpoint, options);
    };
    const report = await writer.putPages(pages());
    const { manifest } = image as unknown as EncodedImage;
    const id = await writer.putManifest(manifest);
    return { root: await writer.publish(id, checkpoint.name), report, image: image as unknown as EncodedImage };
  });
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
  return { root, reader: new ImageReader(manifest, (name) => store.readPage(name), options) };
}

/** Finds a checkpoint and reads all of it. */
export async function loadCheckpoint(store: Store, reference: string, options?: ReaderOptions): Promise<Checkpoint> {
  const { reader } = await openImage(store, reference, options);
  return reader.checkpoint();
}
