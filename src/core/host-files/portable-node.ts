// Directories and files of the host by path, where there are no descriptors to go through (macOS, Windows).
//
// Every directory is remembered with its identity (device and inode). Before an operation each directory from the root
// down is looked at again, and after an opening once more, with the file itself: a link put in the place of one of them
// is noticed, and what was opened is closed unread ("again": the session tries anew).
//
// What remains, unlike on Linux: between the look and an operation that opens nothing (create, rename, remove, link,
// set times) another process can still swap a directory, and a file can be created through it before that is noticed.
// Directories that others rename are lost to open handles ("stale").

import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { sep } from "node:path";
import type { DirectoryEntry, Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import {
  type Access,
  attempt,
  type DirectoryNode,
  type FileNode,
  type Location,
  type NewTimes,
  TreeRecord,
} from "../files/index.ts";
import { accessFlags, HostFile } from "./file-node.ts";
import { toKind, toStatus } from "./status-node.ts";
import { setHostTimes } from "./times-node.ts";

/** Windows has none of these flags. */
const FILE_FLAGS = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
const NEW_FILE_MODE = 0o666;

interface Identity {
  readonly device: bigint;
  readonly inode: bigint;
}

type Directory = TreeRecord<Identity>;

/** Where an open file was last seen by this host; `name` is undefined when its name is gone. */
interface FileRecord {
  parent: Directory;
  name: string | undefined;
}

export class PortableHost {
  readonly #roots: Directory[] = [];
  readonly files = new Set<FileRecord>();

  /** Opens a directory of the host as the next root. Throws what node:fs throws. */
  openRoot(hostPath: string): DirectoryNode {
    const path = realpathSync(hostPath);
    const record: Directory = new TreeRecord(identityOf(lstatSync(path, { bigint: true })), undefined, path);
    this.#roots.push(record);
    readdirSync(path);
    return new PortableDirectory(this, record);
  }

  dispose(): void {
    this.#roots.length = 0;
  }

  rootOf(record: Directory): number {
    return this.#roots.indexOf(record.root);
  }

  /** A name was given to something else, or removed. */
  moved(from: Directory, name: string, to: Directory | undefined, toName: string | undefined): void {
    for (const file of this.files) {
      if (to !== undefined && file.parent === to && file.name === toName) file.name = undefined;
    }
    for (const file of this.files) {
      if (file.parent !== from || file.name !== name) continue;
      file.parent = to ?? from;
      file.name = toName;
    }
  }
}

class PortableDirectory implements DirectoryNode {
  readonly kind = "directory";
  readonly #host: PortableHost;
  readonly #record: Directory;

  constructor(host: PortableHost, record: Directory) {
    this.#host = host;
    this.#record = record;
  }

  child(name: string): Attempt<DirectoryNode, Errno> {
    return this.#checked(name, (path) => {
      const stats = lstatSync(path, { bigint: true });
      if (!stats.isDirectory()) return refusal("notdir");
      const known = this.#record.children.get(name);
      const identity = identityOf(stats);
      const same = known !== undefined && sameIdentity(known.about, identity);
      const record: Directory = same ? known : new TreeRecord(identity, this.#record, name);
      this.#record.children.set(name, record);
      return success(new PortableDirectory(this.#host, record));
    });
  }

  again(): Attempt<DirectoryNode, Errno> {
    return success(new PortableDirectory(this.#host, this.#record));
  }

  openFile(name: string, access: Access): Attempt<FileNode, Errno> {
    return this.#checked(name, (path) => {
      const before = lstatSync(path, { bigint: true });
      if (before.isDirectory()) return refusal("isdir");
      if (before.isSymbolicLink()) return refusal("loop");
      return this.#opened(name, openSync(path, FILE_FLAGS | accessFlags(access)), before);
    });
  }

  createFile(name: string, access: Access): Attempt<FileNode, Errno> {
    return this.#checked(name, (path) => {
      const flags = FILE_FLAGS | accessFlags(access) | constants.O_CREAT | constants.O_EXCL;
      return this.#opened(name, openSync(path, flags, NEW_FILE_MODE), undefined);
    });
  }

  readLink(name: string): Attempt<string, Errno> {
    return this.#checked(name, (path) => success(readlinkSync(path).replaceAll(sep, "/")));
  }

  status(): Attempt<NodeStatus, Errno> {
    return this.#verified((path) => success(toStatus(lstatSync(path, { bigint: true }))));
  }

  statusOf(name: string): Attempt<NodeStatus, Errno> {
    return this.#checked(name, (path) => success(toStatus(lstatSync(path, { bigint: true }))));
  }

  setTimes(times: NewTimes): Attempt<void, Errno> {
    return this.#verified((path) => success(setHostTimes(path, times, false)));
  }

  setTimesOf(name: string, times: NewTimes): Attempt<void, Errno> {
    return this.#checked(name, (path) => success(setHostTimes(path, times, false)));
  }

  entries(): Attempt<DirectoryEntry[], Errno> {
    if (this.#record.removed) return success([]);
    return this.#verified((path) => {
      const entries: DirectoryEntry[] = [];
      for (const name of readdirSync(path)) {
        const stats = lstatSync(path + sep + name, { bigint: true, throwIfNoEntry: false });
        if (stats !== undefined) entries.push({ name, kind: toKind(stats), inode: BigInt.asUintN(64, stats.ino) });
      }
      return success(entries);
    });
  }

  createDirectory(name: string): Attempt<void, Errno> {
    return this.#checked(name, (path) => success(void mkdirSync(path)));
  }

  removeDirectory(name: string): Attempt<void, Errno> {
    return this.#checked(name, (path) => {
      rmdirSync(path);
      this.#record.drop(name);
      return success(undefined);
    });
  }

  unlink(name: string): Attempt<void, Errno> {
    return this.#checked(name, (path) => {
      if (lstatSync(path).isDirectory()) return refusal("isdir");
      unlinkSync(path);
      this.#host.moved(this.#record, name, undefined, undefined);
      return success(undefined);
    });
  }

  rename(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
    if (!(to instanceof PortableDirectory) || to.#host !== this.#host) return refusal("xdev");
    return this.#checked(name, (path) =>
      to.#checked(toName, (toPath) => {
        const source = lstatSync(path, { bigint: true });
        const target = lstatSync(toPath, { bigint: true, throwIfNoEntry: false });
        renameSync(path, toPath);
        if (target !== undefined && sameIdentity(identityOf(source), identityOf(target))) return success(undefined);
        if (source.isDirectory()) this.#record.move(name, to.#record, toName);
        this.#host.moved(this.#record, name, to.#record, toName);
        return success(undefined);
      }),
    );
  }

  link(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
    if (!(to instanceof PortableDirectory) || to.#host !== this.#host) return refusal("xdev");
    return this.#checked(name, (path) =>
      to.#checked(toName, (toPath) => {
        // Some systems link to what a link leads to: then it must lie here, and nobody could tell.
        if (process.platform !== "linux" && lstatSync(path).isSymbolicLink()) return refusal("notsup");
        return success(linkSync(path, toPath));
      }),
    );
  }

  symlink(target: string, name: string): Attempt<void, Errno> {
    return this.#checked(name, (path) => success(symlinkSync(target, path)));
  }

  sync(): Attempt<void, Errno> {
    return this.#verified((path) => {
      const fd = openSync(path, constants.O_RDONLY);
      try {
        return success(fsyncSync(fd));
      } finally {
        closeSync(fd);
      }
    });
  }

  permissionsOf(name: string): Attempt<number, Errno> {
    return this.#checked(name, (path) => success(lstatSync(path).mode & 0o7777));
  }

  setPermissionsOf(name: string, permissions: number): Attempt<void, Errno> {
    return this.#checked(name, (path) => {
      if (lstatSync(path).isSymbolicLink()) return refusal("notsup");
      return success(chmodSync(path, permissions));
    });
  }

  location(): Attempt<Location, Errno> {
    const verified = verify(this.#record);
    return verified.ok
      ? success({ root: this.#host.rootOf(this.#record), path: this.#record.pathInRoot })
      : lost(verified);
  }

  close(): void {}

  /** Runs `use` with this directory's path, if all on the way to it is what it was. */
  #verified<T>(use: (path: string) => Attempt<T, Errno>): Attempt<T, Errno> {
    const verified = verify(this.#record);
    if (!verified.ok) return verified;
    const used = attempt(() => use(this.#record.path));
    return used.ok ? used.value : used;
  }

  #checked<T>(name: string, use: (path: string) => Attempt<T, Errno>): Attempt<T, Errno> {
    // To Windows these are not parts of a name.
    if (sep === "\\" && /[\\:]/.test(name)) return refusal("inval");
    return this.#verified((path) => use(path + sep + name));
  }

  /** The file of a new descriptor, if it is the one that the name had, in the directories that were looked at. */
  #opened(name: string, fd: number, before: BigIntStats | undefined): Attempt<FileNode, Errno> {
    const stats = fstatSync(fd, { bigint: true });
    const named = lstatSync(this.#record.path + sep + name, { bigint: true, throwIfNoEntry: false });
    const kind = toKind(stats);
    const same = (other: BigIntStats | undefined): boolean =>
      other !== undefined && sameIdentity(identityOf(other), identityOf(stats));
    if (kind === "directory" || !same(named) || (before !== undefined && !same(before)) || !verify(this.#record).ok) {
      closeSync(fd);
      return refusal("again");
    }
    const record: FileRecord = { parent: this.#record, name };
    this.#host.files.add(record);
    return success(new PortableFile(fd, kind, record, this.#host));
  }
}

class PortableFile extends HostFile {
  readonly #record: FileRecord;
  readonly #host: PortableHost;

  constructor(fd: number, kind: FileNode["kind"], record: FileRecord, host: PortableHost) {
    super(fd, kind, () => locate(record, host), undefined);
    this.#record = record;
    this.#host = host;
  }

  override close(): void {
    this.#host.files.delete(this.#record);
    super.close();
  }
}

function locate({ parent, name }: FileRecord, host: PortableHost): Attempt<Location, Errno> {
  if (name === undefined) return refusal("noent");
  const verified = verify(parent);
  if (!verified.ok) return lost(verified);
  const path = parent.pathInRoot === "" ? name : `${parent.pathInRoot}/${name}`;
  return success({ root: host.rootOf(parent), path });
}

/** Why there is no location: a path that is not what it was leads to nothing of ours. */
function lost(refused: Attempt<void, Errno>): Attempt<Location, Errno> {
  return refusal(!refused.ok && refused.reason === "nametoolong" ? "nametoolong" : "noent");
}

/** Whether every directory from the root to this one is what it was. */
function verify(record: Directory): Attempt<void, Errno> {
  if (record.removed) return refusal("noent");
  if (record.parent !== undefined) {
    const above = verify(record.parent);
    if (!above.ok) return above;
  }
  const stats = attempt(() => lstatSync(record.path, { bigint: true }));
  if (!stats.ok) return stats;
  return stats.value.isDirectory() && sameIdentity(identityOf(stats.value), record.about)
    ? success(undefined)
    : refusal("stale");
}

function identityOf(stats: BigIntStats): Identity {
  return { device: BigInt.asUintN(64, stats.dev), inode: BigInt.asUintN(64, stats.ino) };
}

function sameIdentity(a: Identity, b: Identity): boolean {
  return a.device === b.device && a.inode === b.inode;
}
