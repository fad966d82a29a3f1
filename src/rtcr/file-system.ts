// File_system sessions of a child: what it has open, and the state that its service opens the same nodes from again.
//
// A program keeps the session itself and calls it without looking up a capability. So does the session here: what it stands
// in front of is the service's object, which says "badf" when its session is over.
import type { FileSystemInfo, OpenNodeInfo } from "../checkpoint/index.ts";
import {
  type DirectoryEntry,
  type Errno,
  type FileSystemObject,
  type FileSystemSession,
  type NodeHandle,
  type NodeStatus,
  type OpenOptions,
  objectOf,
  type Root,
  type SessionState,
} from "../session/index.ts";
import { type Attempt, Fault } from "../util/index.ts";
import { RtcrFault } from "./faults.ts";
import { requireObject } from "./front.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type Made, type Opened, type Resumable, SessionBase } from "./session.ts";
import type { ChildContext } from "./tracked.ts";

type SavedFileSystem = readonly OpenNodeInfo[];

export class RtcrFileSystem implements FileSystemObject, Resumable<SavedFileSystem> {
  readonly kind = "file-system";
  readonly base: SessionBase<FileSystemObject>;
  readonly session: FileSystemSession;
  readonly #nodes: OpenNodes;
  #known: FileSystemObject | undefined;

  constructor(context: ChildContext, opened: Opened<FileSystemObject>) {
    this.base = new SessionBase<FileSystemObject>(context, this, opened);
    this.#known = objectOf<FileSystemObject>(opened.real, "file-system"); // in a restore its server may come later
    this.#nodes = new OpenNodes(this.#known?.session.roots ?? []);
    this.session = new WatchedFiles(() => this.#files, this.#nodes);
  }

  get #files(): FileSystemObject {
    return (this.#known ??= requireObject<FileSystemObject>(this.base.real, "file-system"));
  }

  /** Of a state that was recorded elsewhere: which nodes it has beside the given directories is not known here. */
  reopen(state: SessionState): FileSystemSession {
    const { roots } = this.#files.reopen(state);
    this.#nodes.begin(roots);
    return this.session;
  }

  /** Takes up a recorded session. @throws Fault naming all nodes that are not there; nothing has changed then */
  restore({ nodes, state }: FileSystemInfo): void {
    this.#files.reopen(state);
    this.#nodes.restore(nodes);
  }

  /** Takes up a recorded session where the server has been restored, which has it open as it was. */
  shows(nodes: FileSystemInfo["nodes"]): void {
    this.#nodes.restore(nodes);
  }

  /**
   * @param apart whether its state is that of a server which is in the checkpoint, too
   * @throws RtcrFault "unsaveable" naming what the service cannot record
   */
  checkpoint(records: RecordWriter, apart = false): void {
    const state = apart ? null : captured("File_system", this.base.id, () => this.#files.session.capture());
    this.base.checkpoint(records);
    this.#nodes.checkpoint(records);
    records.plain(state);
  }

  get made(): Made {
    return this.base.made;
  }

  capture(): SavedFileSystem {
    return this.#nodes.list;
  }

  /** The service's own state is that of the session behind. */
  resume(nodes: SavedFileSystem): void {
    this.shows(nodes);
  }

  dispose(): void {
    this.base.dispose();
  }
}

/** The state that a service gives of one of its sessions; its faults say what has no saved form. */
export function captured(service: string, id: number, capture: () => SessionState): SessionState {
  try {
    return capture();
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const message = `${service} session ${id}: ${thrown.message}`;
    throw new RtcrFault("unsaveable", message, { service, id, code: thrown.code }, thrown);
  }
}

/** Characters of a path that are kept: a program may open directories in directories without end. */
const PATH_LIMIT = 4096;

/** What is open, in the order of opening. */
class OpenNodes {
  readonly #nodes = new Map<NodeHandle, OpenNodeInfo>();

  constructor(roots: readonly Root[]) {
    this.begin(roots);
  }

  /** Nothing is open but the given directories. */
  begin(roots: readonly Root[]): void {
    this.#nodes.clear();
    for (const { handle, guestPath } of roots) this.add({ handle, path: guestPath, read: true, write: false });
  }

  get list(): readonly OpenNodeInfo[] {
    return [...this.#nodes.values()];
  }

  restore(nodes: readonly OpenNodeInfo[]): void {
    this.#nodes.clear();
    for (const node of nodes) this.add(node);
  }

  add(node: OpenNodeInfo): void {
    this.#nodes.set(node.handle, node);
  }

  opened(handle: NodeHandle, directory: NodeHandle, path: string, { read, write }: OpenOptions): void {
    const above = this.#nodes.get(directory)?.path ?? "";
    const full = above.endsWith("/") ? above + path : `${above}/${path}`;
    this.add({ handle, path: full.length > PATH_LIMIT ? `...${full.slice(3 - PATH_LIMIT)}` : full, read, write });
  }

  closed(handle: NodeHandle): void {
    this.#nodes.delete(handle);
  }

  checkpoint(records: RecordWriter): void {
    const begin = records.beginList();
    this.#nodes.forEach(({ handle, path, read, write }) => {
      records.number(handle);
      records.text(path);
      records.flag(read);
      records.flag(write);
    });
    records.endList(begin, this.#nodes.size);
  }
}

/** The session that a child works with. */
class WatchedFiles implements FileSystemSession {
  readonly #filesOf: () => FileSystemObject;
  readonly #nodes: OpenNodes;

  constructor(filesOf: () => FileSystemObject, nodes: OpenNodes) {
    this.#filesOf = filesOf;
    this.#nodes = nodes;
  }

  get #files(): FileSystemObject {
    return this.#filesOf();
  }

  get roots(): readonly Root[] {
    return this.#files.session.roots;
  }

  open(directory: NodeHandle, path: string, options: OpenOptions): Attempt<NodeHandle, Errno> {
    const opened = this.#files.session.open(directory, path, options);
    if (opened.ok) this.#nodes.opened(opened.value, directory, path, options);
    return opened;
  }

  close(node: NodeHandle): Attempt<void, Errno> {
    const closed = this.#files.session.close(node);
    if (closed.ok) this.#nodes.closed(node);
    return closed;
  }

  read(node: NodeHandle, target: Uint8Array, offset: bigint): Attempt<number, Errno> {
    return this.#files.session.read(node, target, offset);
  }

  write(...written: Parameters<FileSystemSession["write"]>): ReturnType<FileSystemSession["write"]> {
    return this.#files.session.write(...written);
  }

  status(node: NodeHandle): Attempt<NodeStatus, Errno> {
    return this.#files.session.status(node);
  }

  statusAt(directory: NodeHandle, path: string, follow: boolean): Attempt<NodeStatus, Errno> {
    return this.#files.session.statusAt(directory, path, follow);
  }

  setTimes(...times: Parameters<FileSystemSession["setTimes"]>): Attempt<void, Errno> {
    return this.#files.session.setTimes(...times);
  }

  setTimesAt(...times: Parameters<FileSystemSession["setTimesAt"]>): Attempt<void, Errno> {
    return this.#files.session.setTimesAt(...times);
  }

  setSize(node: NodeHandle, sizeBytes: bigint): Attempt<void, Errno> {
    return this.#files.session.setSize(node, sizeBytes);
  }

  sync(node: NodeHandle, dataOnly: boolean): Attempt<void, Errno> {
    return this.#files.session.sync(node, dataOnly);
  }

  entries(directory: NodeHandle): Attempt<readonly DirectoryEntry[], Errno> {
    return this.#files.session.entries(directory);
  }

  createDirectory(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#files.session.createDirectory(directory, path);
  }

  removeDirectory(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#files.session.removeDirectory(directory, path);
  }

  unlink(directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#files.session.unlink(directory, path);
  }

  rename(...names: Parameters<FileSystemSession["rename"]>): Attempt<void, Errno> {
    return this.#files.session.rename(...names);
  }

  link(...names: Parameters<FileSystemSession["link"]>): Attempt<void, Errno> {
    return this.#files.session.link(...names);
  }

  symlink(target: string, directory: NodeHandle, path: string): Attempt<void, Errno> {
    return this.#files.session.symlink(target, directory, path);
  }

  readlink(directory: NodeHandle, path: string): Attempt<string, Errno> {
    return this.#files.session.readlink(directory, path);
  }

  capture(): SessionState {
    return this.#files.session.capture();
  }

  dispose(): void {
    this.#files.session.dispose();
  }
}
