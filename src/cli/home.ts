// Where rtcr keeps its state on this machine, and what lies there.
//
//   store/            checkpoints (src/store/, docs/FORMAT.md)
//   runs/NAME/        lock, run.json and control socket of a running program
//   journals/ID/      undo journal of the files that a program and its restored successors write
//   modules/HASH.wasm modules that checkpoints do not carry (run --no-module)
//   cache/SEAL/       rewritten modules, and compiled code of rtcr itself (node/); may be deleted at any time. The name says
//                     that it was put there under this key (seal.ts)
//   released/ID       the output that checkpoint ID holds was written out
//   made/ID           checkpoint ID was made by a run here (marks.ts)
//   key               the secret under which that is noted (seal.ts)
//   lock              held while a damaged key is replaced

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../store/index-node.ts";
import { makeFolders } from "./folders.ts";
import { cacheFolder, makeSeal, readSeal } from "./seal.ts";

type Folder = "runs" | "journals" | "modules" | "cache" | "released" | "made";

export interface Home {
  readonly path: string;
  /** Path of something in a folder of the state directory, to write it; the folder exists then. */
  at(folder: Folder, ...names: string[]): string;
  /** The same to read it: nothing is made. */
  find(folder: Folder, ...names: string[]): string;
  /** The names in a folder; none if it does not exist. */
  list(folder: Folder): string[];
  /** The folder of code to be run again, which exists then; undefined where others could put code there, or nobody can. */
  cache(): string | undefined;
  /** The store, to write to; the caller closes it. */
  store(): Promise<Store>;
  /** The store, to read it: an empty one if there is none yet. */
  storeIfAny(): Promise<Store>;
}

/** Nothing is created before it is needed; folders are the owner's only. */
export function openHome(path: string): Home {
  const folder = (...names: string[]) => {
    const full = join(path, ...names);
    makeFolders(full);
    return full;
  };
  return {
    path,
    at: (kind, ...names) => join(folder(kind), ...names),
    find: (kind, ...names) => join(path, kind, ...names),
    list: (kind) => (existsSync(join(path, kind)) ? readdirSync(join(path, kind)).sort() : []),
    cache: () => {
      folder();
      try {
        makeSeal(path);
        const seal = readSeal(path); // none where the next process would have another one
        const cache = seal && cacheFolder(path, seal);
        if (cache !== undefined) makeFolders(cache);
        return cache;
      } catch {
        return undefined;
      }
    },
    store: async () => {
      folder();
      const { openDirectoryStore } = await import("../store/index-node.ts");
      return openDirectoryStore(join(path, "store"));
    },
    storeIfAny: () => storeOrEmpty(join(path, "store")),
  };
}

async function storeOrEmpty(path: string): Promise<Store> {
  const { nodeSha256, openDirectoryStore, openMemoryStore, StoreFault } = await import("../store/index-node.ts");
  try {
    return await openDirectoryStore(path, { create: false });
  } catch (thrown) {
    if (thrown instanceof StoreFault && thrown.code === "not-found") return openMemoryStore({ sha256: nodeSha256 });
    throw thrown;
  }
}
