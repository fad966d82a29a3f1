// What the nodes of one memory volume share: the disk, and what it does not keep of nodes: inode numbers that are never
// given twice, and times to the nanosecond.

import type { NodeKind, NodeStatus } from "../../session/index.ts";
import type { Disk, DiskStatus } from "./disk.ts";

/** A file's largest size; the disk keeps each in one buffer. */
export const FILE_BYTES_MAX = 1 << 30;
export const NAME_BYTES_MAX = 255;
/** How deep directories lie at most: each is three levels of a capture, and a checkpoint holds 500. */
export const DEPTH_MAX = 128;
/** Memory volumes look like one device to the program, whatever the machine. */
export const MEMORY_DEVICE = 0x6d656dn;

/** Whether a directory can have an entry of that name. */
export function isName(name: string): boolean {
  if (["", ".", ".."].includes(name) || /[/\0]/.test(name) || !name.isWellFormed()) return false;
  return new TextEncoder().encode(name).length <= NAME_BYTES_MAX;
}

/** What belongs to a node, whichever names it has. */
export interface Meta {
  readonly inode: bigint;
  accessedNs: bigint;
  modifiedNs: bigint;
  changedNs: bigint;
}

export class MemoryHost {
  readonly disk: Disk;
  readonly #now: () => bigint;
  #nextInode: bigint;
  /** By the disk's own numbers, which it gives again when a node is gone. */
  readonly #metas = new Map<number, Meta>();

  constructor(disk: Disk, nowNs: () => bigint, nextInode = 1n) {
    this.disk = disk;
    this.#now = nowNs;
    this.#nextInode = nextInode;
  }

  get nextInode(): bigint {
    return this.#nextInode;
  }

  /** The meta of a node that has just been created. */
  created(status: DiskStatus): Meta {
    const now = this.#now();
    const meta = { inode: this.#nextInode++, accessedNs: now, modifiedNs: now, changedNs: now };
    this.#metas.set(status.ino, meta);
    return meta;
  }

  /** Gives a node that was just created the meta of a capture. */
  adopt(status: DiskStatus, meta: Meta): void {
    this.#metas.set(status.ino, meta);
  }

  metaOf(status: DiskStatus): Meta {
    return this.#metas.get(status.ino) ?? this.created(status);
  }

  /** The content of a node, or the names in it, have changed. */
  modified(meta: Meta): void {
    meta.modifiedNs = this.#now();
    meta.changedNs = meta.modifiedNs;
  }

  /** Something else about a node has changed. */
  changed(meta: Meta): void {
    meta.changedNs = this.#now();
  }

  status(status: DiskStatus, meta: Meta): NodeStatus {
    return {
      kind: kindOf(status),
      device: MEMORY_DEVICE,
      inode: meta.inode,
      links: BigInt(status.nlink),
      sizeBytes: BigInt(status.size),
      accessedNs: meta.accessedNs,
      modifiedNs: meta.modifiedNs,
      changedNs: meta.changedNs,
    };
  }
}

export function kindOf(status: DiskStatus): NodeKind {
  if (status.isFile()) return "regular-file";
  if (status.isDirectory()) return "directory";
  return status.isSymbolicLink() ? "symbolic-link" : "unknown";
}
