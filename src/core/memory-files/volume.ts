// Files in memory as a volume; all of them are part of every checkpoint.

import type { PlainData } from "../../abi/index.ts";
import { assert } from "../../util/index.ts";
import { FilesFault, type OpenNode, TreeRecord, type Volume, type VolumeRoot } from "../files/index.ts";
import { type DirectoryRecord, MemoryDirectory } from "./directory.ts";
import type { Disk } from "./disk.ts";
import { MemoryFile } from "./file.ts";
import { MemoryHost, type Meta } from "./host.ts";
import {
  readPlace,
  readVolume,
  type SavedDirectory,
  type SavedFile,
  type SavedLeaf,
  type SavedMeta,
  type SavedNode,
  type SavedPlace,
  type SavedVolume,
} from "./saved.ts";

export interface MemoryOptions {
  /** The paths under which the program sees directories of this volume, which are empty at first. */
  readonly guestPaths: readonly string[];
  /** Real time in nanoseconds since 1970. */
  readonly nowNs?: () => bigint;
}

/** Where the disk has files that only open handles refer to. */
const ORPHANS = "/orphans";

export class MemoryVolume implements Volume {
  readonly roots: readonly VolumeRoot[];
  readonly #host: MemoryHost;
  /** Open files, and directories without a name, of the capture or the restore under way, by inode. */
  #open = new Map<bigint, OpenNode>();
  /** In a restore: the disk's path of every file, by inode. */
  #paths = new Map<bigint, string>();
  #directories = new Map<bigint, DirectoryRecord>();
  #orphans: bigint[] = [];

  /**
   * On an empty disk; with the state of a capture, it holds what was captured.
   *
   * @throws FilesFault "wrong-state" for a state that is none
   */
  constructor(
    disk: Disk,
    { guestPaths, nowNs = () => BigInt(Date.now()) * 1_000_000n }: MemoryOptions,
    state?: PlainData,
  ) {
    const saved = state === undefined ? undefined : readVolume(state, guestPaths.length);
    this.#host = new MemoryHost(disk, nowNs, saved?.nextInode);
    disk.mkdirSync(ORPHANS);
    this.roots = guestPaths.map((guestPath, root) => {
      disk.mkdirSync(`/${root}`);
      const node = saved?.roots[root];
      const status = disk.lstatSync(`/${root}`);
      if (node) this.#host.adopt(status, toMeta(node.meta));
      const record: DirectoryRecord = new TreeRecord(this.#host.metaOf(status), undefined, `/${root}`);
      if (node) this.#restoreEntries(record, node.entries);
      this.#directories.set(record.about.inode, record);
      return { guestPath, writable: true, directory: new MemoryDirectory(this.#host, record) };
    });
    for (const orphan of saved?.orphans ?? []) this.#restoreOrphan(orphan);
  }

  beginCapture(): void {
    this.#open = new Map();
  }

  place(node: OpenNode): PlainData {
    const inode = metaOf(node).inode;
    this.#open.set(inode, node);
    const place: SavedPlace = { kind: node.kind === "directory" ? "directory" : "regular-file", inode };
    return place;
  }

  endCapture(): PlainData {
    const seen = new Set<bigint>();
    const roots = this.roots.map(({ directory }) => this.#saveDirectory(directory as MemoryDirectory, seen));
    const orphans: (SavedDirectory | SavedFile)[] = [];
    for (const [inode, node] of this.#open) {
      if (seen.has(inode)) continue;
      const meta = fromMeta(metaOf(node));
      if (node instanceof MemoryFile) orphans.push({ meta, content: node.content() });
      else orphans.push({ meta, entries: [] });
    }
    this.#open = new Map();
    const saved: SavedVolume = { nextInode: this.#host.nextInode, roots, orphans };
    return saved as PlainData;
  }

  checkPlace(place: PlainData): void {
    readPlace(place);
  }

  reopen(place: PlainData): OpenNode | undefined {
    const { kind, inode } = readPlace(place);
    if (kind === "directory") {
      const record = this.#directories.get(inode);
      return record && new MemoryDirectory(this.#host, record);
    }
    const path = this.#paths.get(inode);
    if (path === undefined || !this.#host.disk.lstatSync(path).isFile()) return undefined;
    const fd = this.#host.disk.openSync(path, 2);
    const file = new MemoryFile(this.#host, fd, this.#host.metaOf(this.#host.disk.fstatSync(fd)));
    return file;
  }

  endRestore(): void {
    for (const inode of this.#orphans) this.#host.disk.unlinkSync(this.#pathOf(inode));
    this.#orphans = [];
    this.#paths.clear();
    this.#directories.clear();
  }

  describe(place: PlainData): string {
    return `inode ${readPlace(place).inode} in memory`;
  }

  dispose(): void {}

  #saveDirectory(directory: MemoryDirectory, seen: Set<bigint>): SavedDirectory {
    const entries: [string, SavedNode][] = [];
    seen.add(directory.record.about.inode);
    const listed = directory.entries();
    for (const { name, kind, inode } of listed.ok ? listed.value : []) {
      const status = directory.statusOf(name);
      assert(status.ok, "a name that was listed is there");
      const { accessedNs, modifiedNs, changedNs } = status.value;
      const meta: SavedMeta = [inode, accessedNs, modifiedNs, changedNs];
      if (kind === "directory") {
        const child = directory.child(name);
        assert(child.ok, "a directory that was listed can be opened");
        entries.push([name, this.#saveDirectory(child.value as MemoryDirectory, seen)]);
      } else if (seen.has(inode)) entries.push([name, { same: inode }]);
      else entries.push([name, saveLeaf(directory, name, kind === "symbolic-link", meta)]);
      seen.add(inode);
    }
    return { meta: fromMeta(directory.record.about), entries };
  }

  #restoreEntries(parent: DirectoryRecord, entries: readonly (readonly [name: string, node: SavedNode])[]): void {
    for (const [name, node] of entries) {
      const path = `${parent.path}/${name}`;
      if ("same" in node) this.#host.disk.linkSync(this.#pathOf(node.same), path);
      else if ("entries" in node) {
        this.#host.disk.mkdirSync(path);
        const record: DirectoryRecord = new TreeRecord(toMeta(node.meta), parent, name);
        this.#host.adopt(this.#host.disk.lstatSync(path), record.about);
        parent.children.set(name, record);
        this.#directories.set(record.about.inode, record);
        this.#restoreEntries(record, node.entries);
      } else this.#restoreLeaf(path, node);
    }
  }

  #restoreLeaf(path: string, node: SavedLeaf): void {
    const { disk } = this.#host;
    if ("target" in node) disk.symlinkSync(node.target, path);
    else {
      const fd = disk.openSync(path, 0o302);
      if (node.content.length > 0) disk.writeSync(fd, node.content, 0, node.content.length, 0);
      disk.closeSync(fd);
    }
    const meta = toMeta(node.meta);
    this.#paths.set(meta.inode, path);
    this.#host.adopt(disk.lstatSync(path), meta);
  }

  #restoreOrphan(node: SavedDirectory | SavedFile): void {
    const meta = toMeta(node.meta);
    if (!("entries" in node)) {
      this.#restoreLeaf(`${ORPHANS}/${meta.inode}`, node);
      this.#orphans.push(meta.inode);
      return;
    }
    const record: DirectoryRecord = new TreeRecord(meta, undefined, ORPHANS);
    record.removed = true;
    this.#directories.set(meta.inode, record);
  }

  #pathOf(inode: bigint): string {
    const path = this.#paths.get(inode);
    if (path === undefined) throw new FilesFault("wrong-state", `a name of inode ${inode}, which is not in the state`);
    return path;
  }
}

/** A file or a link, as it is. */
function saveLeaf(directory: MemoryDirectory, name: string, link: boolean, meta: SavedMeta): SavedLeaf {
  if (link) {
    const target = directory.readLink(name);
    assert(target.ok, "a link that was listed can be read");
    return { meta, target: target.value };
  }
  const file = directory.openFile(name);
  assert(file.ok, "a file that was listed can be opened");
  const content = (file.value as MemoryFile).content();
  file.value.close();
  return { meta, content };
}

function metaOf(node: OpenNode): Meta {
  if (node instanceof MemoryDirectory) return node.record.about;
  assert(node instanceof MemoryFile, "a node of a memory volume");
  return node.meta;
}

function fromMeta({ inode, accessedNs, modifiedNs, changedNs }: Meta): SavedMeta {
  return [inode, accessedNs, modifiedNs, changedNs];
}

function toMeta([inode, accessedNs, modifiedNs, changedNs]: SavedMeta): Meta {
  return { inode, accessedNs, modifiedNs, changedNs };
}
