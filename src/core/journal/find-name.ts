// Finding another name of a file by its identity, for hard links that the trash cannot hold.

import type { NodeStatus } from "../../session/index.ts";
import type { DirectoryNode, Location } from "../files/index.ts";

/** Entries looked at before giving up; the file is then kept as a copy, and comes back as a file of its own. */
export const ENTRIES_SEARCHED_MAX = 200_000;
/** Levels searched: a name below has no path that the host could take. */
const DEPTH_SEARCHED_MAX = 2048;

/** Another name under the roots than `at` of a file with that status. */
export function findOtherName(roots: readonly DirectoryNode[], status: NodeStatus, at: Location): Location | undefined {
  const budget = { left: ENTRIES_SEARCHED_MAX, levels: DEPTH_SEARCHED_MAX };
  for (const [root, directory] of roots.entries()) {
    const path = search(directory, "", (name) => root === at.root && name === at.path, status, budget);
    if (path !== undefined) return { root, path };
  }
  return undefined;
}

function search(
  directory: DirectoryNode,
  prefix: string,
  excluded: (path: string) => boolean,
  status: NodeStatus,
  budget: { left: number; levels: number },
): string | undefined {
  const entries = directory.entries();
  for (const { name, kind, inode } of entries.ok ? entries.value : []) {
    if (budget.left-- <= 0) return undefined;
    const path = prefix + name;
    if (kind === "regular-file" && inode === status.inode && !excluded(path)) {
      const found = directory.statusOf(name);
      if (found.ok && found.value.device === status.device && found.value.inode === inode) return path;
    }
    if (kind !== "directory" || budget.levels === 0) continue;
    const child = directory.child(name);
    if (!child.ok) continue;
    budget.levels--;
    const found = search(child.value, `${path}/`, excluded, status, budget);
    budget.levels++;
    child.value.close();
    if (found !== undefined) return found;
  }
  return undefined;
}
