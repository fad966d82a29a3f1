// What the journal knows of one file, by identity, while it is open and until the next mark.

import type { Errno, NodeStatus } from "../../session/index.ts";
import type { Attempt } from "../../util/index.ts";
import type { DirectoryNode, FileNode, Location } from "../files/index.ts";
import { Intervals } from "./intervals.ts";

/** An open file whose descriptor can be exchanged, when the name it was opened by goes. */
export interface Repointable {
  repoint(parent: DirectoryNode, name: string, replacement: "same-file" | "copy"): void;
}

export class TrackedFile {
  key: string;
  /** The open files of this identity. */
  readonly nodes = new Set<Repointable>();
  /** The names in the trash that it has because it was open when others were removed. */
  readonly orphanNames: string[] = [];
  /** Everything below is of this epoch: since the last mark, or since going back began. */
  epoch = -1;
  /** Created in this epoch: nobody can ask for its earlier content. */
  fresh = false;
  /** It has no name under any root: checkpoints carry its content instead of a place. */
  nameless = false;
  /** Where its record "touch" ends; undefined until the first change. */
  touchEnd: number | undefined;
  /** Where it lay when so many names had been changed. */
  at: Attempt<Location, Errno> | undefined;
  atChanges = -1;
  /** Its size at the first change: what lies behind is new. */
  sizeAtTouch = 0;
  /** The ranges whose former bytes need no saving any more. */
  readonly saved = new Intervals();
  /** What our last change left; undefined before the first. */
  left: { readonly sizeBytes: bigint; readonly modifiedNs: bigint } | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Forgets what belongs to an earlier epoch. */
  enter(epoch: number): void {
    if (this.epoch === epoch) return;
    this.epoch = epoch;
    this.fresh = false;
    this.nameless = false;
    this.touchEnd = undefined;
    this.at = undefined;
    this.sizeAtTouch = 0;
    this.saved.clear();
    this.left = undefined;
  }

  /** Whether somebody else has changed the file, or it is another one that got the same inode number. */
  changedByOthers(status: NodeStatus): boolean {
    const { left } = this;
    return left !== undefined && (left.sizeBytes !== status.sizeBytes || left.modifiedNs !== status.modifiedNs);
  }

  /** All open files of this identity go on with the file of that name. */
  repoint(parent: DirectoryNode, name: string, replacement: "same-file" | "copy"): void {
    for (const node of this.nodes) node.repoint(parent, name, replacement);
  }

  note(file: FileNode): NodeStatus | undefined {
    const status = file.status();
    if (!status.ok) return undefined;
    this.left = { sizeBytes: status.value.sizeBytes, modifiedNs: status.value.modifiedNs };
    return status.value;
  }
}

/** Files are told apart by device and inode. */
export function identityOf(status: { readonly device: bigint; readonly inode: bigint }): string {
  return `${status.device}:${status.inode}`;
}
