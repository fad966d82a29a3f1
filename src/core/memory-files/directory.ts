// Directories of a memory volume. The disk beneath knows paths only; so that an open directory stays the same when its
// name changes, each is one record with its parent and name, kept up by every rename.

import type { DirectoryEntry, Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import {
  attempt,
  type DirectoryNode,
  type FileNode,
  type Location,
  type NewTimes,
  TreeRecord,
} from "../files/index.ts";
import { DISK_FLAGS, type DiskStatus } from "./disk.ts";
import { MemoryFile, setMetaTimes } from "./file.ts";
import { DEPTH_MAX, kindOf, type MemoryHost, type Meta, NAME_BYTES_MAX } from "./host.ts";

const encoder = new TextEncoder();

/** What is known of a directory while anything refers to it. */
export type DirectoryRecord = TreeRecord<Meta>;

/** An open directory. Nothing has to be closed: records go with their directories. */
export class MemoryDirectory implements DirectoryNode {
  readonly kind = "directory";
  readonly record: DirectoryRecord;
  readonly #host: MemoryHost;

  constructor(host: MemoryHost, record: DirectoryRecord) {
    this.#host = host;
    this.record = record;
  }

  child(name: string): Attempt<DirectoryNode, Errno> {
    const status = this.#lookup(name);
    if (!status.ok) return status;
    if (!status.value.isDirectory()) return refusal("notdir");
    return success(new MemoryDirectory(this.#host, this.#childRecord(name, status.value)));
  }

  again(): Attempt<DirectoryNode, Errno> {
    return success(new MemoryDirectory(this.#host, this.record));
  }

  openFile(name: string): Attempt<FileNode, Errno> {
    const status = this.#lookup(name);
    if (!status.ok) return status;
    if (status.value.isDirectory()) return refusal("isdir");
    if (status.value.isSymbolicLink()) return refusal("loop");
    return this.#open(name, 0);
  }

  createFile(name: string): Attempt<FileNode, Errno> {
    return this.#creating(name, () => this.#open(name, DISK_FLAGS.create | DISK_FLAGS.exclusive));
  }

  readLink(name: string): Attempt<string, Errno> {
    const status = this.#lookup(name);
    if (!status.ok) return status;
    if (!status.value.isSymbolicLink()) return refusal("inval");
    return attempt(() => String(this.#host.disk.readlinkSync(this.#path(name))));
  }

  status(): Attempt<NodeStatus, Errno> {
    const { removed, path, about: meta } = this.record;
    // A removed directory is still one, without names.
    if (!removed) return success(this.#host.status(this.#host.disk.lstatSync(path), meta));
    const gone = {
      ino: 0,
      nlink: 0,
      size: 0,
      isFile: () => false,
      isDirectory: () => true,
      isSymbolicLink: () => false,
    };
    return success(this.#host.status(gone, meta));
  }

  statusOf(name: string): Attempt<NodeStatus, Errno> {
    const status = this.#lookup(name);
    return status.ok ? success(this.#host.status(status.value, this.#host.metaOf(status.value))) : status;
  }

  setTimes(times: NewTimes): Attempt<void, Errno> {
    setMetaTimes(this.record.about, times);
    this.#host.changed(this.record.about);
    return success(undefined);
  }

  setTimesOf(name: string, times: NewTimes): Attempt<void, Errno> {
    const status = this.#lookup(name);
    if (!status.ok) return status;
    const meta = this.#host.metaOf(status.value);
    setMetaTimes(meta, times);
    this.#host.changed(meta);
    return success(undefined);
  }

  entries(): Attempt<DirectoryEntry[], Errno> {
    if (this.record.removed) return success([]);
    const entries: DirectoryEntry[] = [];
    for (const name of this.#host.disk.readdirSync(this.record.path).map(String)) {
      const status = this.#host.disk.lstatSync(this.#path(name));
      entries.push({ name, kind: kindOf(status), inode: this.#host.metaOf(status).inode });
    }
    return success(entries);
  }

  createDirectory(name: string): Attempt<void, Errno> {
    return this.#creating(name, () => {
      if (this.record.depth >= DEPTH_MAX) return refusal("nametoolong");
      this.#host.disk.mkdirSync(this.#path(name));
      this.#childRecord(name, this.#host.disk.lstatSync(this.#path(name)), true);
      return success(undefined);
    });
  }

  removeDirectory(name: string): Attempt<void, Errno> {
    const child = this.child(name);
    if (!child.ok) return child;
    const removed = attempt(() => this.#host.disk.rmdirSync(this.#path(name)));
    if (!removed.ok) return removed;
    this.record.drop(name);
    this.#host.modified(this.record.about);
    return removed;
  }

  unlink(name: string): Attempt<void, Errno> {
    const status = this.#lookup(name);
    if (!status.ok) return status;
    if (status.value.isDirectory()) return refusal("isdir");
    this.#host.changed(this.#host.metaOf(status.value));
    this.#host.disk.unlinkSync(this.#path(name));
    this.#host.modified(this.record.about);
    return success(undefined);
  }

  rename(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
    if (!(to instanceof MemoryDirectory) || to.#host !== this.#host) return refusal("xdev");
    const source = this.#lookup(name);
    if (!source.ok) return source;
    const target = to.#lookup(toName);
    if (!target.ok && target.reason !== "noent") return target;
    if (to.record.removed) return refusal("noent");
    const refused = this.#cannotRename(name, source.value, to, toName, target.ok ? target.value : undefined);
    if (refused !== undefined) return refused === "same" ? success(undefined) : refusal(refused);
    if (target.ok) {
      const removed = target.value.isDirectory() ? to.removeDirectory(toName) : to.unlink(toName);
      if (!removed.ok) return removed;
    }
    this.#move(name, source.value.isDirectory(), to, toName);
    this.#host.modified(this.record.about);
    this.#host.modified(to.record.about);
    return success(undefined);
  }

  link(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
    if (!(to instanceof MemoryDirectory) || to.#host !== this.#host) return refusal("xdev");
    const source = this.#lookup(name);
    if (!source.ok) return source;
    if (source.value.isDirectory()) return refusal("perm");
    return to.#creating(toName, () => {
      this.#host.disk.linkSync(this.#path(name), to.#path(toName));
      this.#host.changed(this.#host.metaOf(source.value));
      return success(undefined);
    });
  }

  symlink(target: string, name: string): Attempt<void, Errno> {
    return this.#creating(name, () => {
      this.#host.disk.symlinkSync(target, this.#path(name));
      this.#host.created(this.#host.disk.lstatSync(this.#path(name)));
      return success(undefined);
    });
  }

  sync(): Attempt<void, Errno> {
    return success(undefined);
  }

  permissionsOf(name: string): Attempt<number, Errno> {
    const status = this.#lookup(name);
    return status.ok ? success(0o777) : status;
  }

  setPermissionsOf(name: string): Attempt<void, Errno> {
    const status = this.#lookup(name);
    return status.ok ? success(undefined) : status;
  }

  location(): Attempt<Location, Errno> {
    return refusal("noent");
  }

  close(): void {}

  #path(name: string): string {
    return `${this.record.path}/${name}`;
  }

  #lookup(name: string): Attempt<DiskStatus, Errno> {
    if (encoder.encode(name).length > NAME_BYTES_MAX) return refusal("nametoolong");
    if (this.record.removed) return refusal("noent");
    return attempt(() => this.#host.disk.lstatSync(this.#path(name)));
  }

  #open(name: string, flags: number): Attempt<FileNode, Errno> {
    const { disk } = this.#host;
    return attempt(() => {
      const fd = disk.openSync(this.#path(name), DISK_FLAGS.readWrite | DISK_FLAGS.noFollow | flags);
      const status = disk.fstatSync(fd);
      const meta = flags & DISK_FLAGS.create ? this.#host.created(status) : this.#host.metaOf(status);
      return new MemoryFile(this.#host, fd, meta);
    });
  }

  /** Creates a name that nothing has. */
  #creating<T>(name: string, create: () => Attempt<T, Errno>): Attempt<T, Errno> {
    const taken = this.#lookup(name);
    if (taken.ok) return refusal("exist");
    if (taken.reason !== "noent" || this.record.removed) return taken;
    const created = create();
    if (created.ok) this.#host.modified(this.record.about);
    return created;
  }

  #childRecord(name: string, status: DiskStatus, created = false): DirectoryRecord {
    const known = this.record.children.get(name);
    if (known !== undefined) return known;
    const meta = created ? this.#host.created(status) : this.#host.metaOf(status);
    const record = new TreeRecord(meta, this.record, name);
    this.record.children.set(name, record);
    return record;
  }

  #move(name: string, directory: boolean, to: MemoryDirectory, toName: string): void {
    const { disk } = this.#host;
    if (!directory) {
      // memfs would rename what a link leads to.
      disk.linkSync(this.#path(name), to.#path(toName));
      disk.unlinkSync(this.#path(name));
      return;
    }
    disk.renameSync(this.#path(name), to.#path(toName));
    this.record.move(name, to.record, toName);
  }

  /** Why a rename is refused, or "same" when both names are one node's and nothing is to be done. */
  #cannotRename(
    name: string,
    source: DiskStatus,
    to: MemoryDirectory,
    toName: string,
    target: DiskStatus | undefined,
  ): Errno | "same" | undefined {
    if (target !== undefined && target.ino === source.ino) return "same";
    if (!source.isDirectory()) return target?.isDirectory() ? "isdir" : undefined;
    if (to.record.within(this.#childRecord(name, source))) return "inval";
    if (target !== undefined && !target.isDirectory()) return "notdir";
    if (target !== undefined && this.#host.disk.readdirSync(to.#path(toName)).length > 0) return "notempty";
    return to.record.depth + this.#levelsOf(this.#path(name)) > DEPTH_MAX ? "nametoolong" : undefined;
  }

  /** Levels of directories at a path of the disk: 1 for one without others in it. */
  #levelsOf(path: string): number {
    const { disk } = this.#host;
    const below = disk.readdirSync(path).map((name) => `${path}/${String(name)}`);
    const levels = below.filter((name) => disk.lstatSync(name).isDirectory()).map((name) => this.#levelsOf(name));
    return 1 + Math.max(0, ...levels);
  }
}
