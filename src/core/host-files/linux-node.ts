// Directories and files of the host on Linux, reached through directory descriptors: `/proc/self/fd/N/name`.
//
// The kernel goes from the magic link N straight to the open directory, whatever its name is by now, and looks up one
// name there. With O_NOFOLLOW, or calls that never follow (lstat, unlink, rename, mkdir, link, symlink, readlink),
// nothing outside of the open directory can be reached: there is no path left in which a link could be swapped.
//
// I1  Every name handed to the kernel is a single component behind a descriptor of ours.
// I2  No call follows a link in that component: open has O_NOFOLLOW; where a call would follow (utimes), the descriptor
//     of the node is used instead of its name.
// I3  Opening never blocks and never makes a terminal ours: O_NONBLOCK, O_NOCTTY.
// Directories are held as O_PATH descriptors: they need no read permission and keep the directory, not its name.

import {
  chmodSync,
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import type { DirectoryEntry, Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import {
  type Access,
  attempt,
  type DirectoryNode,
  type FileNode,
  type Location,
  type NewTimes,
} from "../files/index.ts";
import { accessFlags, HostFile } from "./file-node.ts";
import { toKind, toStatus } from "./status-node.ts";
import { setHostTimes } from "./times-node.ts";

/** Not among Node's constants; the same number on every Linux that Node runs on. */
const O_PATH = 0x20_0000;
const DIRECTORY_FLAGS = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const FILE_FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const NEW_FILE_MODE = 0o666;

/** What the nodes of one volume share: its roots' descriptors, by index. */
export class LinuxHost {
  readonly #roots: number[] = [];

  /** Opens a directory of the host as the next root. Throws what node:fs throws. */
  openRoot(hostPath: string): DirectoryNode {
    const fd = openSync(hostPath, O_PATH | constants.O_DIRECTORY);
    this.#roots.push(openSync(`/proc/self/fd/${fd}`, O_PATH | constants.O_DIRECTORY));
    return new LinuxDirectory(this, fd);
  }

  dispose(): void {
    for (const fd of this.#roots.splice(0)) closeSync(fd);
  }

  /** Which root the node of a descriptor lies in now, by the names that the kernel knows. */
  locate(fd: number): Attempt<Location, Errno> {
    const found = attempt(() => this.#find(fd));
    if (!found.ok) return found;
    return found.value === undefined ? refusal("noent") : success(found.value);
  }

  #find(fd: number): Location | undefined {
    const path = readlinkSync(`/proc/self/fd/${fd}`);
    let found: Location | undefined;
    let longest = -1;
    for (const [root, rootFd] of this.#roots.entries()) {
      const rootPath = readlinkSync(`/proc/self/fd/${rootFd}`);
      const inside = path === rootPath || path.startsWith(rootPath === "/" ? "/" : `${rootPath}/`);
      if (!inside || rootPath.length <= longest) continue;
      longest = rootPath.length;
      found = { root, path: path.slice(rootPath.length).replace(/^\//, "") };
    }
    return found !== undefined && sameNode(path, fd) ? found : undefined;
  }
}

/** Whether `path` still names the node; it does not when the kernel has put " (deleted)" behind it. */
function sameNode(path: string, fd: number): boolean {
  const named = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  const open = fstatSync(fd, { bigint: true });
  return named !== undefined && named.ino === open.ino && named.dev === open.dev;
}

class LinuxDirectory implements DirectoryNode {
  readonly kind = "directory";
  readonly #host: LinuxHost;
  readonly #fd: number;
  /** `/proc/self/fd/N/` */
  readonly #prefix: string;

  constructor(host: LinuxHost, fd: number) {
    this.#host = host;
    this.#fd = fd;
    this.#prefix = `/proc/self/fd/${fd}/`;
  }

  child(name: string): Attempt<DirectoryNode, Errno> {
    return attempt(() => new LinuxDirectory(this.#host, openSync(this.#prefix + name, DIRECTORY_FLAGS)));
  }

  again(): Attempt<DirectoryNode, Errno> {
    return attempt(() => new LinuxDirectory(this.#host, openSync(`${this.#prefix}.`, DIRECTORY_FLAGS)));
  }

  openFile(name: string, access: Access): Attempt<FileNode, Errno> {
    const fd = attempt(() => openSync(this.#prefix + name, FILE_FLAGS | accessFlags(access)));
    if (!fd.ok) return fd;
    const kind = toKind(fstatSync(fd.value, { bigint: true }));
    if (kind !== "directory") return success(this.#file(fd.value, kind));
    closeSync(fd.value);
    return refusal("isdir");
  }

  createFile(name: string, access: Access): Attempt<FileNode, Errno> {
    const flags = FILE_FLAGS | accessFlags(access) | constants.O_CREAT | constants.O_EXCL;
    return attempt(() => this.#file(openSync(this.#prefix + name, flags, NEW_FILE_MODE), "regular-file"));
  }

  readLink(name: string): Attempt<string, Errno> {
    return attempt(() => readlinkSync(this.#prefix + name));
  }

  status(): Attempt<NodeStatus, Errno> {
    return attempt(() => toStatus(fstatSync(this.#fd, { bigint: true })));
  }

  statusOf(name: string): Attempt<NodeStatus, Errno> {
    return attempt(() => toStatus(lstatSync(this.#prefix + name, { bigint: true })));
  }

  setTimes(times: NewTimes): Attempt<void, Errno> {
    return attempt(() => setHostTimes(`${this.#prefix}.`, times, true));
  }

  setTimesOf(name: string, times: NewTimes): Attempt<void, Errno> {
    return attempt(() => setHostTimes(this.#prefix + name, times, false));
  }

  entries(): Attempt<DirectoryEntry[], Errno> {
    return attempt(() => {
      const entries: DirectoryEntry[] = [];
      for (const name of readdirSync(`${this.#prefix}.`)) {
        const stats = lstatSync(this.#prefix + name, { bigint: true, throwIfNoEntry: false });
        if (stats !== undefined) entries.push({ name, kind: toKind(stats), inode: BigInt.asUintN(64, stats.ino) });
      }
      return entries;
    });
  }

  createDirectory(name: string): Attempt<void, Errno> {
    return attempt(() => void mkdirSync(this.#prefix + name));
  }

  removeDirectory(name: string): Attempt<void, Errno> {
    return attempt(() => rmdirSync(this.#prefix + name));
  }

  unlink(name: string): Attempt<void, Errno> {
    return attempt(() => unlinkSync(this.#prefix + name));
  }

  rename(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
    if (!(to instanceof LinuxDirectory)) return refusal("xdev");
    return attempt(() => renameSync(this.#prefix + name, to.#prefix + toName));
  }

  link(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
    if (!(to instanceof LinuxDirectory)) return refusal("xdev");
    return attempt(() => linkSync(this.#prefix + name, to.#prefix + toName));
  }

  symlink(target: string, name: string): Attempt<void, Errno> {
    return attempt(() => symlinkSync(target, this.#prefix + name));
  }

  sync(dataOnly: boolean): Attempt<void, Errno> {
    return attempt(() => {
      const fd = openSync(`${this.#prefix}.`, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        if (dataOnly) fdatasyncSync(fd);
        else fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  }

  permissionsOf(name: string): Attempt<number, Errno> {
    return attempt(() => lstatSync(this.#prefix + name).mode & 0o7777);
  }

  setPermissionsOf(name: string, permissions: number): Attempt<void, Errno> {
    return attempt(() => {
      const fd = openSync(this.#prefix + name, O_PATH | constants.O_NOFOLLOW);
      try {
        chmodSync(`/proc/self/fd/${fd}`, permissions);
      } finally {
        closeSync(fd);
      }
    });
  }

  location(): Attempt<Location, Errno> {
    return this.#host.locate(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #file(fd: number, kind: FileNode["kind"]): FileNode {
    return new HostFile(fd, kind, () => this.#host.locate(fd), `/proc/self/fd/${fd}`);
  }
}
