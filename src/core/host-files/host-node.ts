// Which way of reaching the host's directories suits this platform.

import type { DirectoryNode } from "../files/index.ts";
import { LinuxHost } from "./linux-node.ts";

/** What opens directories of the host. It lives as long as any node opened through it. */
export interface Host {
  /** Opens a directory as the next root. Throws what node:fs throws. */
  openRoot(hostPath: string): DirectoryNode;
  dispose(): void;
}

/** The host for this platform. */
export function createHost(): Host {
  return new LinuxHost();
}
