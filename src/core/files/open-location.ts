// Finding a location again: component by component from its root, never through a link. Locations come out of captures,
// which others may have written: a component that is no name is refused.

import type { Errno } from "../../session/index.ts";
import { type Attempt, refusal } from "../../util/index.ts";
import type { DirectoryNode, Location } from "./node.ts";

/** Runs `use` with the directory of a location and the name in it. "inval": the root itself, or what is no name. */
export function openLocation<T>(
  roots: readonly DirectoryNode[],
  { root, path }: Location,
  use: (parent: DirectoryNode, name: string) => Attempt<T, Errno>,
): Attempt<T, Errno> {
  const base = roots[root];
  const parts = path.split("/");
  if (base === undefined || parts.some((part) => ["", ".", ".."].includes(part) || part.includes("\0"))) {
    return refusal("inval");
  }
  const name = parts.pop()!;
  let directory = base;
  try {
    for (const part of parts) {
      const child = directory.child(part);
      if (!child.ok) return child;
      if (directory !== base) directory.close();
      directory = child.value;
    }
    return use(directory, name);
  } finally {
    if (directory !== base) directory.close();
  }
}
