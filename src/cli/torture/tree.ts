// The content of a directory as it is compared after two runs: kinds, sizes, hashes and link targets; no times, which
// are of the moment, and no numbers that the host gives out.

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** A description of every entry by its path. */
export type Tree = ReadonlyMap<string, string>;

/** @param prefix what paths begin with, for people */
export function readTree(root: string, prefix: string): Tree {
  const tree = new Map<string, string>();
  const visit = (path: string, shown: string) => {
    for (const name of readdirSync(path).sort()) {
      const [full, key] = [join(path, name), `${shown}/${name}`];
      const status = lstatSync(full);
      if (status.isDirectory()) {
        tree.set(key, "a directory");
        visit(full, key);
      } else {
        const link = status.isSymbolicLink();
        tree.set(key, link ? `a link to ${readlinkSync(full)}` : describeContent(readFileSync(full)));
      }
    }
  };
  visit(root, prefix.replace(/\/$/, ""));
  return tree;
}

export function describeContent(content: Uint8Array): string {
  return `a file of ${content.length} bytes, SHA-256 ${createHash("sha256").update(content).digest("hex").slice(0, 16)}`;
}
