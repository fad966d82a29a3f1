// Which way of reaching the host's directories suits this platform.

import { existsSync } from "node:fs";
import type { DirectoryNode } from "../files/index.ts";
import { LinuxHost } from "./linux-node.ts";
import { PortableHost } from "./portable-node.ts";

/** What opens directories of the host. It lives as long as any node opened through it. */
export interface Host {
  /** Opens a directory as the next root. Throws what node:fs throws. */
  openRoot(hostPath: string): DirectoryNode;
  dispose(): void;
}

/** The host for this platform: by descriptors where /proc shows them, else by path. */
export function createHost(): Host {
  return process.platform === "linux" && existsSync("/proc/self/fd") ? new LinuxHost() : new PortableHost();
}
