// A checkpoint of components out of the store.
import { fromCheckpoint, type ReadPages, short } from "../../checkpoint/index.ts";
import { contentBytes, type LoadedImage, nodeSha256, openImage, type Store } from "../../store/index-node.ts";
import { madeByRun } from "../check-image.ts";
import { usageError } from "../failure.ts";
import type { Home } from "../home.ts";

export type LoadedSystem = Awaited<ReturnType<typeof loadSystem>>;

/** A checkpoint of components, all of it. @param reading how pages are read @throws CliFailure (usage) of a program; CheckpointFault: other, or damaged */
export async function loadSystem(home: Home, reference: string, reading?: (store: Store) => ReadPages) {
  const store = await home.storeIfAny();
  try {
    const image: LoadedImage = await openImage(store, reference, {
      sha256: nodeSha256,
      allocateContent: contentBytes,
      ...(reading ? { readPages: reading(store) } : {}),
    });
    if (madeByRun(await image.reader.program())) {
      throw usageError(`checkpoint ${short(image.root.id)} is of a program, expected one of a system's children`);
    }
    return { root: image.root, reader: image.reader, system: fromCheckpoint(await image.reader.checkpoint()) };
  } finally {
    await store.close();
  }
}
