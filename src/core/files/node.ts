// What a file system is built on: operations on one name in one open directory, and on open files. Implemented by the
// host's directories (host-files/) and by memory (memory-file-system.ts), and wrapped by the undo journal.
//
// Names are single components: never empty, `.`, `..`, and without `/` and NUL (walk.ts sees to it). No operation
// follows a symbolic link; whoever wants that reads the link and walks on (walk.ts).

import type { DirectoryEntry, Errno, NodeKind, NodeStatus } from "../../session/index.ts";
import type { Attempt } from "../../util/index.ts";

export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

/** Times in nanoseconds since 1970; undefined leaves a time as it is. */
export interface NewTimes {
  readonly accessedNs: bigint | undefined;
  readonly modifiedNs: bigint | undefined;
}

export interface Written {
  readonly bytes: number;
  /** The offset behind the bytes written. */
  readonly end: bigint;
}

/** Where a node lies now: the index of a root of its volume and the path below it ("" is the root itself). */
export interface Location {
  readonly root: number;
  readonly path: string;
}

/** An open file that is not a directory. The owner calls `close` once. */
export interface FileNode {
  readonly kind: Exclude<NodeKind, "directory">;
  read(target: Uint8Array, offset: bigint): Attempt<number, Errno>;
  write(source: Uint8Array, offset: bigint | "end"): Attempt<Written, Errno>;
  status(): Attempt<NodeStatus, Errno>;
  setSize(sizeBytes: bigint): Attempt<void, Errno>;
  setTimes(times: NewTimes): Attempt<void, Errno>;
  sync(dataOnly: boolean): Attempt<void, Errno>;
  /** See DirectoryNode. */
  location(): Attempt<Location, Errno>;
  close(): void;
}

/** An open directory; it stays the same directory when its name changes. The owner calls `close` once. */
export interface DirectoryNode {
  readonly kind: "directory";
  /** Opens a directory in this one. Anything else, links included: "notdir". */
  child(name: string): Attempt<DirectoryNode, Errno>;
  /** Opens the same directory once more. */
  again(): Attempt<DirectoryNode, Errno>;
  /** Opens an existing file as it is: never created, never cut. "isdir" for a directory, "loop" for a link. */
  openFile(name: string, access: Access): Attempt<FileNode, Errno>;
  /** Creates a file; "exist" when the name is taken by anything. */
  createFile(name: string, access: Access): Attempt<FileNode, Errno>;
  /** The target of a link, "inval" for anything else. */
  readLink(name: string): Attempt<string, Errno>;
  status(): Attempt<NodeStatus, Errno>;
  statusOf(name: string): Attempt<NodeStatus, Errno>;
  setTimes(times: NewTimes): Attempt<void, Errno>;
  setTimesOf(name: string, times: NewTimes): Attempt<void, Errno>;
  entries(): Attempt<DirectoryEntry[], Errno>;
  createDirectory(name: string): Attempt<void, Errno>;
  removeDirectory(name: string): Attempt<void, Errno>;
  unlink(name: string): Attempt<void, Errno>;
  /** "xdev" when `to` belongs to another volume. */
  rename(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno>;
  link(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno>;
  symlink(target: string, name: string): Attempt<void, Errno>;
  sync(dataOnly: boolean): Attempt<void, Errno>;
  /** Permission bits of a file or directory, for making it again as it was. */
  permissionsOf(name: string): Attempt<number, Errno>;
  setPermissionsOf(name: string, permissions: number): Attempt<void, Errno>;
  /** "noent" when it has no name any more or lies outside every root, "nametoolong" when no path reaches that deep. */
  location(): Attempt<Location, Errno>;
  close(): void;
}

export type OpenNode = FileNode | DirectoryNode;

/** A directory that a session is to give to its client. */
export interface VolumeRoot {
  /** The path that the client sees. */
  readonly guestPath: string;
  readonly writable: boolean;
  readonly directory: DirectoryNode;
}
