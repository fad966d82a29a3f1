// File_system session: files and directories under given roots. The contract only; the services are in core/.
//
// Nodes are named by handles that the session gives out. All calls are synchronous and return refusals with WASI
// errno names. A path is relative to a directory handle and never leaves that handle's root, whatever it contains
// (`..`, absolute paths, symbolic links, links swapped meanwhile): refusal "notcapable" or "perm". Paths come as the
// program gave them, trailing slashes and empty ones included, but without NUL and never longer than 4096 bytes;
// what they mean is the session's to say. Buffers may lie in shared memory.

import type { Attempt } from "../util/index.ts";
import type { KernelObject } from "./capability.ts";
import type { Errno } from "./errno.ts";
import type { SessionState, Stateful } from "./state.ts";

/** A node that a client holds open; valid until `close`. Handles are small integers and are reused. */
export type NodeHandle = number;

export const NODE_KINDS = [
  "regular-file",
  "directory",
  "symbolic-link",
  "character-device",
  "block-device",
  "socket",
  "unknown",
] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

export interface NodeStatus {
  readonly kind: NodeKind;
  readonly device: bigint;
  readonly inode: bigint;
  readonly links: bigint;
  readonly sizeBytes: bigint;
  /** Times in nanoseconds since 1970-01-01T00:00Z. */
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: NodeKind;
  readonly inode: bigint;
}

export interface OpenOptions {
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
  /** Refuse with "notdir" unless the node is a directory. */
  readonly directory: boolean;
  /** Follow a symbolic link in the last component. */
  readonly follow: boolean;
  /** At least one of `read` and `write` is set; a directory opened for writing is refused with "isdir". */
  readonly read: boolean;
  readonly write: boolean;
  /** Writes will go to the end at first (O_APPEND). A hint: every write says itself where it goes, and that counts. */
  readonly append: boolean;
}

/** One directory given to the client. */
export interface Root {
  /** The path that the client sees. */
  readonly guestPath: string;
  readonly writable: boolean;
  readonly handle: NodeHandle;
}

/** Its state is what the service needs to create this session again, with the same handles for the same nodes. */
export interface FileSystemSession extends Stateful {
  readonly roots: readonly Root[];
  /** The most that one read or write moves; absent: no such bound. */
  readonly pieceBytes?: number | undefined;

  open(directory: NodeHandle, path: string, options: OpenOptions): Attempt<NodeHandle, Errno>;
  close(node: NodeHandle): Attempt<void, Errno>;

  /** Reads into `target` from `offset`; the number of bytes read, 0 at the end of the file. */
  read(node: NodeHandle, target: Uint8Array, offset: bigint): Attempt<number, Errno>;
  /** Writes `source` at `offset`, or at the end; the number of bytes written and the offset behind them. */
  write(
    node: NodeHandle,
    source: Uint8Array,
    offset: bigint | "end",
  ): Attempt<{ readonly bytes: number; readonly end: bigint }, Errno>;

  status(node: NodeHandle): Attempt<NodeStatus, Errno>;
  statusAt(directory: NodeHandle, path: string, follow: boolean): Attempt<NodeStatus, Errno>;
  /** Undefined times stay as they are. */
  setTimes(node: NodeHandle, accessedNs: bigint | undefined, modifiedNs: bigint | undefined): Attempt<void, Errno>;
  setTimesAt(
    directory: NodeHandle,
    path: string,
    follow: boolean,
    accessedNs: bigint | undefined,
    modifiedNs: bigint | undefined,
  ): Attempt<void, Errno>;
  setSize(node: NodeHandle, sizeBytes: bigint): Attempt<void, Errno>;
  sync(node: NodeHandle, dataOnly: boolean): Attempt<void, Errno>;

  /** All entries but `.` and `..`, sorted by name. */
  entries(directory: NodeHandle): Attempt<readonly DirectoryEntry[], Errno>;
  createDirectory(directory: NodeHandle, path: string): Attempt<void, Errno>;
  removeDirectory(directory: NodeHandle, path: string): Attempt<void, Errno>;
  unlink(directory: NodeHandle, path: string): Attempt<void, Errno>;
  rename(from: NodeHandle, fromPath: string, to: NodeHandle, toPath: string): Attempt<void, Errno>;
  link(from: NodeHandle, fromPath: string, follow: boolean, to: NodeHandle, toPath: string): Attempt<void, Errno>;
  symlink(target: string, directory: NodeHandle, path: string): Attempt<void, Errno>;
  readlink(directory: NodeHandle, path: string): Attempt<string, Errno>;
  /** Releases every handle and whatever the service holds for the session. */
  dispose(): void;
}

/** What a File_system capability denotes: the session that a program works with. It has no functions for guests. */
export interface FileSystemObject extends KernelObject {
  readonly kind: "file-system";
  readonly session: FileSystemSession;
  /**
   * Puts a session in its place that goes on from a captured one, with the same handles for the same nodes.
   *
   * @throws Fault naming all nodes that are not there; the present session stays then
   */
  reopen(state: SessionState): FileSystemSession;
}
