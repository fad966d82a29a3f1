// The trash: where a journal keeps files that the program has removed, by names of its own.
//
// A kept file is the file itself, moved or linked, where the trash lies on the same file system; else a copy. Links
// that lie here are not the program's: `visible` takes them off the count that it sees.

import type { Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { DirectoryNode, FileNode } from "../files/index.ts";
import { copyFile } from "./copy.ts";
import { identityOf } from "./tracked-file.ts";

/** Refusals that mean "not by this way": another file system, links not allowed or not possible there. */
const CANNOT_LINK: ReadonlySet<Errno> = new Set(["xdev", "perm", "acces", "mlink", "notsup", "nosys"]);

export type KeptAs = "same-file" | "copy";

export class Trash {
  readonly directory: DirectoryNode;
  /** The number by which locations name the trash as a root. */
  readonly root: number;
  readonly #device: bigint | undefined;
  /** How many names here a file has, by identity. */
  readonly #links = new Map<string, number>();

  constructor(directory: DirectoryNode, root: number) {
    this.directory = directory;
    this.root = root;
    const status = directory.status();
    this.#device = status.ok ? status.value.device : undefined;
    const entries = directory.entries();
    for (const { name } of entries.ok ? entries.value : []) this.#count(name, 1);
  }

  /** A status with the links that the program is to see. */
  visible(status: NodeStatus): NodeStatus {
    if (this.#links.size === 0) return status;
    const hidden = this.#links.get(identityOf(status));
    return hidden === undefined ? status : { ...status, links: status.links - BigInt(hidden) };
  }

  /** Whether a file can be kept here only as a copy. */
  elsewhere(status: NodeStatus): boolean {
    return status.device !== this.#device;
  }

  /** Moves a file here, so that open files follow; or copies it and removes its name. */
  move(from: DirectoryNode, name: string, kept: string): Attempt<KeptAs, Errno> {
    const moved = from.rename(name, this.directory, kept);
    if (moved.ok) {
      // Somebody may have put a directory in its place meanwhile.
      const status = this.directory.statusOf(kept);
      if (status.ok && status.value.kind === "directory") {
        this.directory.rename(kept, from, name);
        return refusal("isdir");
      }
      this.#count(kept, 1);
      return success("same-file");
    }
    if (!CANNOT_LINK.has(moved.reason)) return moved;
    const copied = this.#copy(from, name, kept);
    if (!copied.ok) return copied;
    const removed = from.unlink(name);
    if (removed.ok) return success("copy");
    this.drop(kept);
    return removed;
  }

  /** Gives a file a name here, or copies it; it keeps its own name. */
  link(from: DirectoryNode, name: string, kept: string): Attempt<KeptAs, Errno> {
    const linked = from.link(name, this.directory, kept);
    if (linked.ok) {
      this.#count(kept, 1);
      return success("same-file");
    }
    if (!CANNOT_LINK.has(linked.reason)) return linked;
    const copied = this.#copy(from, name, kept);
    return copied.ok ? success("copy") : copied;
  }

  /** Moves a kept file to where it was; nothing may be there. "noent" when it is not kept any more. */
  revive(kept: string, to: DirectoryNode, name: string): Attempt<void, Errno> {
    const taken = to.statusOf(name);
    if (taken.ok) return refusal("exist");
    this.#count(kept, -1);
    const moved = this.directory.rename(kept, to, name);
    if (moved.ok) return moved;
    this.#count(kept, 1);
    if (!CANNOT_LINK.has(moved.reason)) return moved;
    const copied = copyNamed(this.directory, kept, to, name);
    if (!copied.ok) {
      to.unlink(name);
      return copied;
    }
    this.drop(kept);
    return success(undefined);
  }

  /** Removes a kept file for good, if it is there. */
  drop(kept: string): void {
    this.#count(kept, -1);
    this.directory.unlink(kept);
  }

  /** Drops what was kept before a position and is not named. */
  prune(before: number, named: ReadonlySet<string>): void {
    const entries = this.directory.entries();
    for (const { name } of entries.ok ? entries.value : []) {
      if (Number.parseInt(name, 10) < before && !named.has(name)) this.drop(name);
    }
  }

  #copy(from: DirectoryNode, name: string, kept: string): Attempt<void, Errno> {
    const copied = copyNamed(from, name, this.directory, kept);
    if (copied.ok) this.#count(kept, 1);
    else this.directory.unlink(kept);
    return copied;
  }

  #count(kept: string, change: 1 | -1): void {
    const status = this.directory.statusOf(kept);
    if (!status.ok) return;
    const key = identityOf(status.value);
    const links = (this.#links.get(key) ?? 0) + change;
    if (links > 0) this.#links.set(key, links);
    else this.#links.delete(key);
  }
}

/** Copies a regular file with its permissions. Refused for anything else: it could not be made again. */
function copyNamed(from: DirectoryNode, name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
  const permissions = from.permissionsOf(name);
  if (!permissions.ok) return permissions;
  const source = from.openFile(name, { read: true, write: false });
  if (!source.ok) return source;
  const target = to.createFile(toName, { read: true, write: true });
  const copied = target.ok ? copyRegular(source.value, target.value) : target;
  source.value.close();
  if (target.ok) target.value.close();
  return copied.ok ? to.setPermissionsOf(toName, permissions.value) : copied;
}

function copyRegular(source: FileNode, target: FileNode): Attempt<void, Errno> {
  return source.kind === "regular-file" ? copyFile(source, target) : refusal("notsup");
}
