// The directory store under Node: openDirectoryStore(path).
import { nodeCodecs } from "./codec-node.ts";
import { type DirectoryHost, type DirectoryOptions, openDirectory } from "./directory.ts";
import { nodeFiles } from "./files-node.ts";
import { newToken, nodeOwner } from "./owner-node.ts";
import { nodePageHelpers } from "./page-helpers-node.ts";
import { nodeSha256 } from "./sha256-node.ts";
import type { Store } from "./types.ts";

/** What Node gives a directory store. */
export const nodeHost: DirectoryHost = {
  files: nodeFiles,
  sha256: nodeSha256,
  codecs: nodeCodecs,
  owner: nodeOwner,
  now: Date.now,
  token: newToken,
  helpers: nodePageHelpers,
};

/**
 * Opens the store in a directory, making it first unless `create` is false. Rejects with StoreFault "foreign", "newer",
 * "not-found", "io". Any number of processes may have it open.
 */
export function openDirectoryStore(path: string, options: DirectoryOptions = {}): Promise<Store> {
  return openDirectory(nodeHost, path, options);
}
