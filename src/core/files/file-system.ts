// The file system session over volumes: handles, roots, what a path's end means for each operation, and who may write.
// Resolution is walk.ts, the operations are the volumes'. Refusals are those of Linux, and where that is silent
// wasmtime's: "perm" for a way out, "rofs" for a change under a read-only root.

import type {
  DirectoryEntry,
  Errno,
  FileSystemSession,
  NodeHandle,
  NodeStatus,
  OpenOptions,
  Root,
  SessionState,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { ExactTimes } from "./exact-times.ts";
import { HandleTable, type OpenHandle } from "./handles.ts";
import type { DirectoryNode, FileNode, NewTimes, OpenNode, Written } from "./node.ts";
import type { Volume } from "./volume.ts";
import { Walk } from "./walk.ts";

/** How often an open is tried anew when others create and remove the name meanwhile. */
const OPEN_TRIES_MAX = 16;

/** See createFileSystem. */
class FileSystem implements FileSystemSession {
  readonly roots: readonly Root[];
  readonly #volumes: readonly Volume[];
  readonly #handles: HandleTable;
  readonly #times: ExactTimes;
  /** The roots, when there are several and so one may lie in another. */
  readonly #givenKeys: ReadonlySet<string>;
  #disposed = false;

  constructor(volumes: readonly Volume[], state: SessionState | undefined) {
    this.#volumes = volumes;
    this.#handles = state === undefined ? HandleTable.ofRoots(volumes) : HandleTable.restored(volumes, state);
    this.#times = new ExactTimes((state as { times?: SessionState } | undefined)?.times);
    const roots = volumes.flatMap((volume) => volume.roots);
    this.roots = roots.map(({ guestPath, writable }, handle) => ({ guestPath, writable, handle }));
    this.#givenKeys = new Set(roots.length > 1 ? roots.map(({ directory }) => keyOf(directory.status())) : []);
  }

  open(directory: NodeHandle, path: string, options: OpenOptions): Attempt<NodeHandle, Errno> {
    if (options.create && options.directory) return refusal("inval");
    return this.#walk(directory, path, (walk, base) => {
      let tries = 0;
      while (tries < OPEN_TRIES_MAX) {
        const opened = this.#openLast(walk, base, options);
        if (opened.ok) return success(this.#handles.add({ ...base, node: opened.value, ...access(options) }));
        if (opened.reason === "again") tries++;
        else if (opened.reason !== "loop" || !(options.follow || walk.slash)) return opened;
        else {
          const followed = walk.follow();
          if (!followed.ok && followed.reason !== "inval") return followed;
          if (!followed.ok) tries++;
        }
      }
      return refusal("busy");
    });
  }

  close(node: NodeHandle): Attempt<void, Errno> {
    return this.#handles.close(node) ? success(undefined) : refusal("badf");
  }

  read(node: NodeHandle, target: Uint8Array, offset: bigint): Attempt<number, Errno> {
    const open = this.#handles.get(node);
    if (open === undefined) return refusal("badf");
    if (open.node.kind === "directory") return refusal("isdir");
    if (!open.read) return refusal("badf");
    return target.length === 0 ? success(0) : open.node.read(target, offset);
  }

  write(node: NodeHandle, source: Uint8Array, offset: bigint | "end"): Attempt<Written, Errno> {
    const open = this.#handles.get(node);
    if (open === undefined) return refusal("badf");
    if (open.node.kind === "directory") return refusal("isdir");
    if (!open.write) return refusal("badf");
    if (!open.writable) return refusal("rofs");
    return open.node.write(source, offset);
  }

  status(node: NodeHandle): Attempt<NodeStatus, Errno> {
    return this.#shown(this.#handles.get(node)?.node.status() ?? refusal("badf"));
  }

  statusAt(directory: NodeHandle, path: string, follow: boolean): Attempt<NodeStatus, Errno> {
    return this.#last(directory, path, follow, (parent, name) => this.#shown(statusOf(parent, name)));
  }

  setTimes(node: NodeHandle, accessedNs: bigint | undefined, modifiedNs: bigint | undefined): Attempt<void, Errno> {
    const open = this.#handles.get(node);
    if (open === undefined) return refusal("badf");
    if (!open.writable) return refusal("rofs");
    const times = { accessedNs, modifiedNs };
    return this.#timesSet(open.node.setTimes(times), times, () => open.node.status());
  }

  setTimesAt(
    directory: NodeHandle,
    path: string,
    follow: boolean,
    accessedNs: bigint | undefined,
    modifiedNs: bigint | undefined,
  ): Attempt<void, Errno> {
    const times: NewTimes = { accessedNs, modifiedNs };
    return this.#last(directory, path, follow, (parent, name, base) => {
      if (!base.writable) return refusal("rofs");
      const set = name === undefined ? parent.setTimes(times) : parent.setTimesOf(name, times);
      return this.#timesSet(set, times, () => statusOf(parent, name));
    });
  }

  setSize(node: NodeHandle, sizeBytes: bigint): Attempt<void, Errno> {
    const open = this.#handles.get(node);
    if (open === undefined) return refusal("badf");
    if (open.node.kind === "directory") return refusal("isdir");
    if (!open.writable) return refusal("rofs");
    if (open.node.kind !== "regular-file" || !open.write) return refusal("inval");
    return open.node.setSize(sizeBytes);
  }

  sync(node: NodeHandle, dataOnly: boolean): Attempt<void, Errno> {
    return this.#handles.get(node)?.node.sync(dataOnly) ?? refusal("badf");
  }

  entries(directory: NodeHandle): Attempt<readonly DirectoryEntry[], Errno> {
    const open = this.#handles.get(directory);
    if (open === undefined) return refusal("badf");
    if (open.node.kind !== "directory") return refusal("notdir");
    const entries = open.node.entries();
    if (!entries.ok) return entries;
    return success(entries.value.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)));
  }

  createDirectory(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#change(directory, path, (walk) => {
      if (walk.name === undefined) return refusal("exist");
      return walk.directory.createDirectory(walk.name);
    });
  }

  removeDirectory(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#change(directory, path, (walk) => {
      if (walk.name === undefined) return refusal("inval");
      return this.#given(walk.directory, walk.name) ?? walk.directory.removeDirectory(walk.name);
    });
  }

  unlink(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#change(directory, path, (walk) => {
      if (walk.name === undefined) return refusal("isdir");
      if (!walk.slash) return walk.directory.unlink(walk.name);
      const status = walk.directory.statusOf(walk.name);
      if (!status.ok) return status;
      return refusal(status.value.kind === "directory" ? "isdir" : "notdir");
    });
  }

  rename(from: NodeHandle, fromPath: string, to: NodeHandle, toPath: string): Attempt<void, Errno> {
    return this.#change(from, fromPath, (source) =>
      this.#change(to, toPath, (target) => {
        if (source.name === undefined || target.name === undefined) return refusal("busy");
        if (source.slash || target.slash) {
          const status = source.directory.statusOf(source.name);
          if (!status.ok) return status;
          if (status.value.kind !== "directory") return refusal("notdir");
        }
        const given = this.#given(source.directory, source.name) ?? this.#given(target.directory, target.name);
        return given ?? source.directory.rename(source.name, target.directory, target.name);
      }),
    );
  }

  link(from: NodeHandle, fromPath: string, follow: boolean, to: NodeHandle, toPath: string): Attempt<void, Errno> {
    return this.#last(from, fromPath, follow, (parent, name, base) => {
      if (!base.writable) return refusal("rofs");
      return this.#change(to, toPath, (target) => {
        if (target.name === undefined) return refusal("exist");
        if (name === undefined) return refusal("perm");
        const taken = this.#newName(target.directory, target.name, target.slash);
        return taken ?? parent.link(name, target.directory, target.name!);
      });
    });
  }

  symlink(target: string, directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#change(directory, path, (walk) => {
      if (target === "") return refusal("noent");
      if (target.includes("\0")) return refusal("inval");
      if (target.startsWith("/")) return refusal("perm");
      if (walk.name === undefined) return refusal("exist");
      return this.#newName(walk.directory, walk.name, walk.slash) ?? walk.directory.symlink(target, walk.name);
    });
  }

  readlink(directory: NodeHandle, path: string): Attempt<string, Errno> {
    return this.#last(directory, path, false, (parent, name) =>
      name === undefined ? refusal("inval") : parent.readLink(name),
    );
  }

  capture(): SessionState {
    return { ...this.#handles.capture(this.#volumes), times: this.#times.capture() };
  }

  dispose(): void {
    this.#handles.closeAll();
    if (!this.#disposed) for (const volume of this.#volumes) volume.dispose();
    this.#disposed = true;
  }

  /** Runs `use` with a walk from a directory handle, and closes what it has opened. */
  #walk<T>(
    directory: NodeHandle,
    path: string,
    use: (walk: Walk, base: OpenHandle) => Attempt<T, Errno>,
  ): Attempt<T, Errno> {
    const base = this.#handles.get(directory);
    if (base === undefined) return refusal("badf");
    if (base.node.kind !== "directory") return refusal("notdir");
    const walk = Walk.start(base.node, path);
    if (!walk.ok) return walk;
    try {
      return use(walk.value, base);
    } finally {
      walk.value.close();
    }
  }

  /** A walk for an operation that changes the directory reached. */
  #change<T>(directory: NodeHandle, path: string, use: (walk: Walk) => Attempt<T, Errno>): Attempt<T, Errno> {
    return this.#walk(directory, path, (walk, base) => (base.writable ? use(walk) : refusal("rofs")));
  }

  /** A walk to the node itself: through links when asked to, or when a slash demands a directory. */
  #last<T>(
    directory: NodeHandle,
    path: string,
    follow: boolean,
    use: (parent: DirectoryNode, name: string | undefined, base: OpenHandle) => Attempt<T, Errno>,
  ): Attempt<T, Errno> {
    return this.#walk(directory, path, (walk, base) => {
      while ((follow || walk.slash) && walk.name !== undefined) {
        const followed = walk.follow();
        if (followed.ok) continue;
        if (followed.reason !== "inval") return followed;
        const required = walk.slash ? walk.directory.statusOf(walk.name) : undefined;
        if (required?.ok && required.value.kind !== "directory") return refusal("notdir");
        break;
      }
      return use(walk.directory, walk.name, base);
    });
  }

  /** A status as the program is to see it. */
  #shown(status: Attempt<NodeStatus, Errno>): Attempt<NodeStatus, Errno> {
    return status.ok ? success(this.#times.shown(status.value)) : status;
  }

  /** Remembers what the host could not keep of the times that were set. */
  #timesSet(
    set: Attempt<void, Errno>,
    times: NewTimes,
    statusAfter: () => Attempt<NodeStatus, Errno>,
  ): Attempt<void, Errno> {
    const status = set.ok ? statusAfter() : set;
    if (status.ok) this.#times.note(times, status.value);
    return set;
  }

  /** Refuses to take a directory away that the client was given, as Linux does for what is mounted. */
  #given(directory: DirectoryNode, name: string): Attempt<never, Errno> | undefined {
    if (this.#givenKeys.size === 0) return undefined;
    return this.#givenKeys.has(keyOf(directory.statusOf(name))) ? refusal("busy") : undefined;
  }

  /** Why a name with a slash behind it cannot be given to a new link: only a directory could have it. */
  #newName(directory: DirectoryNode, name: string, slash: boolean): Attempt<never, Errno> | undefined {
    if (!slash) return undefined;
    const status = directory.statusOf(name);
    if (!status.ok) return status;
    return refusal(status.value.kind === "directory" ? "exist" : "notdir");
  }

  /** Opens what the walk has reached. "loop": a link; "again": the name changed hands meanwhile. */
  #openLast(walk: Walk, base: OpenHandle, options: OpenOptions): Attempt<OpenNode, Errno> {
    if (walk.name === undefined) return openDirectory(walk.take(), options);
    const parent = walk.directory;
    if (options.directory || walk.slash) return openRequiredDirectory(parent, walk.name, options);
    if (options.create && options.exclusive) {
      return base.writable ? parent.createFile(walk.name, access(options)) : refusal("rofs");
    }
    const changing = options.write || options.truncate;
    const opened = parent.openFile(walk.name, { read: options.read, write: changing });
    if (opened.ok) {
      if (changing && !base.writable) return closed(opened.value, "rofs");
      return cut(opened.value, options);
    }
    if (opened.reason === "isdir" && !changing && !options.create) {
      const child = parent.child(walk.name);
      return !child.ok && child.reason === "notdir" ? refusal("again") : child;
    }
    if (opened.reason !== "noent" || !options.create) return opened;
    if (!base.writable) return refusal("rofs");
    const created = parent.createFile(walk.name, access(options));
    return !created.ok && created.reason === "exist" ? refusal("again") : created;
  }
}

/**
 * A file system session over volumes, which it then owns; the roots' handles are 0, 1, ... in their order.
 *
 * With the `state` of a capture every node that was open is opened again under its old handle.
 *
 * @throws FilesFault "missing-files" naming all that are not there any more, "wrong-state"
 */
export function createFileSystem(volumes: readonly Volume[], state?: SessionState): FileSystemSession {
  return new FileSystem(volumes, state);
}

/** What a node is known by; "" without a status. */
function keyOf(status: Attempt<NodeStatus, Errno>): string {
  return status.ok ? `${status.value.device}:${status.value.inode}` : "";
}

function statusOf(parent: DirectoryNode, name: string | undefined): Attempt<NodeStatus, Errno> {
  return name === undefined ? parent.status() : parent.statusOf(name);
}

function access(options: OpenOptions): { read: boolean; write: boolean } {
  return { read: options.read, write: options.write };
}

function closed(node: OpenNode, reason: Errno): Attempt<never, Errno> {
  node.close();
  return refusal(reason);
}

/** The directory itself, unless something was asked for that only a file can do. */
function openDirectory(opened: Attempt<DirectoryNode, Errno>, options: OpenOptions): Attempt<OpenNode, Errno> {
  if (!opened.ok) return opened;
  if (options.create && options.exclusive) return closed(opened.value, "exist");
  return options.write || options.truncate || options.create ? closed(opened.value, "isdir") : opened;
}

function openRequiredDirectory(parent: DirectoryNode, name: string, options: OpenOptions): Attempt<OpenNode, Errno> {
  const child = parent.child(name);
  if (child.ok) return openDirectory(child, options);
  if (child.reason === "noent") return refusal(options.create ? "isdir" : "noent");
  if (child.reason !== "notdir") return child;
  return refusal(parent.readLink(name).ok ? "loop" : "notdir");
}

/** O_TRUNC: cuts a regular file, leaves a device as it is. */
function cut(file: FileNode, options: OpenOptions): Attempt<OpenNode, Errno> {
  if (!options.truncate || file.kind !== "regular-file") return success(file);
  const emptied = file.setSize(0n);
  return emptied.ok ? success(file) : closed(file, emptied.reason);
}
