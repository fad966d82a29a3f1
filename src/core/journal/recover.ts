// Deciding, after a crash, whether the last operation of a journal has happened. All others have (journal.ts, I1).
//
// An operation that has not happened is cancelled in the journal, and what it may have prepared is taken back: a link
// or a copy in the trash, the beginning of a copy out of it.
//
// A file is known by its inode; or, because all of it may have been copied since the crash (a backup, another disk), by its
// size and modification time. (A copy into the trash of another file system that was not complete is neither: then the file
// is reported, as one that somebody else has put there.) The number of an inode that is gone is used again, as where the trash
// has only a copy: a file that was changed behind that copy is another one.

import type { NodeStatus } from "../../session/index.ts";
import { assert } from "../../util/index.ts";
import { type DirectoryNode, type Location, openLocation } from "../files/index.ts";
import type { JournalLog } from "./log-node.ts";
import type { JournalRecord, Kept } from "./records.ts";

/**
 * Cancels the journal's last operation unless it has happened.
 *
 * @param roots the host's own, the trash last
 * @param writable nothing is written below others
 */
export function recover(log: JournalLog, roots: readonly DirectoryNode[], writable: (root: number) => boolean): void {
  const last = log.heads(log.lastSegmentStart).at(-1);
  if (last === undefined) return;
  const { record } = log.read(last.start);
  if (happened(record, roots)) return;
  const appended = log.append({ type: "cancel", position: last.start });
  assert(appended.ok, "the record that cancels an undecided operation can be written");
  takeBack(record, roots, writable);
}

/** Whether the operation has happened; true for those whose undoing does no harm when they have not. */
function happened(record: JournalRecord, roots: readonly DirectoryNode[]): boolean {
  switch (record.type) {
    case "create": {
      const made = statusAt(roots, record.at);
      return made?.kind === "regular-file" && made.sizeBytes === 0n;
    }
    case "symlink":
      return statusAt(roots, record.at)?.kind === "symbolic-link";
    case "mkdir":
      return statusAt(roots, record.at)?.kind === "directory";
    case "link": {
      const made = statusAt(roots, record.at);
      return made !== undefined && sameFile(made, statusAt(roots, record.from));
    }
    case "rmdir":
    case "unlink-link":
      return statusAt(roots, record.at) === undefined;
    case "remove": {
      const there = statusAt(roots, record.at);
      return !isThere(there, record.kept, roots) && !isItself(there, record.inode, record.kept, roots);
    }
    case "rename": {
      if (statusAt(roots, record.from)?.inode === record.inode) return false;
      const { from, to, replaced } = record;
      // The name is there still, as another inode: it was moved if something has come to where it should go.
      if (!statusAt(roots, from)) return true;
      const there = statusAt(roots, to);
      if (replaced.kind === "file") return !isThere(there, replaced.kept, roots);
      return replaced.kind === "nothing" && there !== undefined;
    }
    case "revive":
      return roots.at(-1)!.statusOf(record.kept).ok === false;
    default:
      return true;
  }
}

function takeBack(record: JournalRecord, roots: readonly DirectoryNode[], writable: (root: number) => boolean): void {
  const trash = roots.at(-1)!;
  const kept = record.type === "remove" ? record.kept : replacedBy(record);
  if (kept?.kind === "trash") trash.unlink(kept.name);
  // Kept, and there too: the copy out of the trash was not complete.
  if (record.type === "revive" && writable(record.at.root))
    openLocation(roots, record.at, (parent, name) => parent.unlink(name));
}

function replacedBy(record: JournalRecord): Kept | undefined {
  return record.type === "rename" && record.replaced.kind === "file" ? record.replaced.kept : undefined;
}

function statusAt(roots: readonly DirectoryNode[], at: Location): NodeStatus | undefined {
  const status = openLocation(roots, at, (parent, name) => parent.statusOf(name));
  return status.ok ? status.value : undefined;
}

/** Whether what is there was to be kept, and has not been removed: there is no such thing kept, or it is the same. */
function isThere(there: NodeStatus | undefined, kept: Kept, roots: readonly DirectoryNode[]): boolean {
  if (!there || kept.kind === "nowhere") return false;
  if (kept.kind === "name") return sameFile(there, statusAt(roots, kept.at));
  const status = roots.at(-1)!.statusOf(kept.name);
  return !status.ok || sameFile(there, status.value);
}

/** Whether what is there is the inode that was to be kept. A copy of it that is older than what is there says that it is not. */
function isItself(there: NodeStatus | undefined, inode: bigint, kept: Kept, roots: readonly DirectoryNode[]): boolean {
  if (there?.inode !== inode) return false;
  const copy = kept.kind === "trash" ? roots.at(-1)!.statusOf(kept.name) : undefined;
  return !copy?.ok || there.changedNs <= copy.value.changedNs;
}

function sameFile(one: NodeStatus, other: NodeStatus | undefined): boolean {
  if (!other || one.kind !== other.kind) return false;
  const copied =
    one.kind === "regular-file" && one.sizeBytes === other.sizeBytes && one.modifiedNs === other.modifiedNs;
  return copied || (one.inode === other.inode && one.device === other.device);
}
