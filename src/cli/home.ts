// Where rtcr keeps its state on this machine, and what lies there.
//
//   store/            checkpoints (src/store/, docs/FORMAT.md)
//   runs/NAME/        lock, run.json and control socket of a running program
//   journals/ID/      undo journal of the files that a program and its restored successors write
//   modules/HASH.wasm modules that checkpoints do not carry (run --no-module)
//   cache/            rewritten modules, and compiled code of rtcr itself (node/); may be deleted at any time
//   released/ID       the output that checkpoint ID holds was written out
//   made/ID           checkpoint ID was made by a run here (marks.ts)
//   key               the secret under which that is noted (seal.ts)

import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { openDirectoryStore, type Store } from "../store/index-node.ts";

export interface Home {
  readonly path: string;
  /** Path of something in a folder of the state directory; the folder exists then. */
  at(folder: "runs" | "journals" | "modules" | "cache" | "released" | "made", ...names: string[]): string;
  /** The store; the caller closes it. */
  store(): Promise<Store>;
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
    store: () => {
      folder();
      return openDirectoryStore(join(path, "store"));
    },
  };
}

/** Creates a folder and those above it, as far as they are missing. Node's own way of doing so hangs below /proc. */
function makeFolders(path: string): void {
  if (existsSync(path) || dirname(path) === path) return;
  makeFolders(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown; // another process was faster
  }
}
