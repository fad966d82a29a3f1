// The undo journal of a volume: records, before each operation, what undoing it takes.
//
// Goal: whatever a program does to its files after a checkpoint can be undone, in any process, also when this one is
// killed (SIGKILL) at any moment; and going back to a checkpoint leaves earlier and later ones reachable.
//
// Shape: the journaled nodes (journaled-*.ts) wrap the host's; each changing operation is `change`, or `prepare` and
// `settle` around a change of a file. The log (log-node.ts) is append-only. Files that are removed are moved to the
// trash, a folder of the journal, or copied there when it lies on another file system.
//
// I1  A record is written before its operation. At any moment at most the last record's operation is undecided
//     (recover.ts decides it): the next record is written only when the operation is done or a "cancel" was written.
// I2  Before a file's first change in an epoch there is a "touch" with its size and times; before any byte that it had
//     at that moment is lost, there is a "patch" with it. An epoch lasts from mark to mark; what was saved once in an
//     epoch is not saved again, so steady rewriting does not make the journal grow.
// I3  Until the first mark nothing is recorded: nobody can go back.
// I4  A "touch" carries a stamp, unsettled while a change is under way and then what the change left: so a restore can
//     tell a change by others from ours (ledger.ts).
// I5  A file removed while it is open goes to the trash always: a checkpoint can still name it there.
// Rejected: copying files whole at the first change (O(size) for a small write); a log of new bytes (redo), which
// would have to hold all output for ever. Power loss is not covered: nothing is flushed to the disk.

import type { Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { type DirectoryNode, type FileNode, type Location, openLocation } from "../files/index.ts";
import { findOtherName } from "./find-name.ts";
import { type JournalLog, PATCH_BYTES_MAX } from "./log-node.ts";
import type { JournalRecord, Kept } from "./records.ts";
import { identityOf, TrackedFile } from "./tracked-file.ts";
import { type KeptAs, Trash } from "./trash.ts";
import { Written } from "./written.ts";

export class Journal {
  readonly log: JournalLog;
  readonly trash: Trash;
  /** The files that the program has written or created, for what a checkpoint says of them. */
  readonly written = new Written();
  /** Nobody can ask for the bytes that are lost now: set while going back over what no mark covers. */
  lossy = false;
  readonly #roots: readonly DirectoryNode[];
  /** There is a mark: operations are recorded. */
  #active: boolean;
  #epoch = 0;
  /** The record whose operation was refused, while the "cancel" for it could not be written. */
  #uncancelled: number | undefined;
  #keptNames = 0;
  /** Counts operations on names. */
  #nameChanges = 0;
  readonly #files = new Map<string, TrackedFile>();

  /** `trash` is the host's root behind `roots`, so that locations can lie in it. An empty log is not active. */
  constructor(log: JournalLog, roots: readonly DirectoryNode[], trash: DirectoryNode) {
    this.log = log;
    this.#roots = roots;
    this.trash = new Trash(trash, roots.length);
    this.#active = log.end > 0;
  }

  get active(): boolean {
    return this.#active;
  }

  /** Begins an epoch: all that is changed from now on is saved anew. */
  nextEpoch(): void {
    this.#epoch++;
    for (const [key, file] of this.#files) if (file.nodes.size === 0) this.#files.delete(key);
  }

  /** Marks a checkpoint; the position to go back to. */
  mark(): Attempt<number, Errno> {
    const appended = this.append({ type: "mark" });
    if (!appended.ok) return appended;
    this.#active = true;
    this.nextEpoch();
    this.log.rotate();
    return success(appended.value.end);
  }

  /** Forgets what going back to `oldest` or later does not need, except kept files that are open or in `named`. */
  prune(oldest: number, named: ReadonlySet<string>): void {
    this.log.dropBefore(oldest);
    const open = [...this.#files.values()].flatMap((file) => (file.nodes.size > 0 ? file.orphanNames : []));
    this.trash.prune(oldest, new Set([...named, ...open]));
  }

  /** Stops recording: no mark is in use any more. */
  deactivate(): void {
    this.#active = false;
    this.nextEpoch();
  }

  append(record: JournalRecord): Attempt<{ readonly start: number; readonly end: number }, Errno> {
    if (this.#uncancelled !== undefined) {
      const cancelled = this.log.append({ type: "cancel", position: this.#uncancelled });
      if (!cancelled.ok) return cancelled;
      this.#uncancelled = undefined;
    }
    return this.log.append(record);
  }

  /** Runs an operation on names, recorded when the journal is active. */
  change<T>(record: () => Attempt<JournalRecord, Errno>, run: () => Attempt<T, Errno>): Attempt<T, Errno> {
    this.#nameChanges++;
    if (!this.#active) return run();
    const made = record();
    if (!made.ok) return made;
    const appended = this.append(made.value);
    if (!appended.ok) return appended;
    const done = run();
    if (!done.ok) {
      const cancelled = this.log.append({ type: "cancel", position: appended.value.start });
      if (!cancelled.ok) this.#uncancelled = appended.value.start;
    }
    return done;
  }

  /** How a file that is about to lose the name at `at` shall be kept. */
  keptFor(file: TrackedFile | undefined, status: NodeStatus, at: Attempt<Location, Errno>): Kept {
    const open = file !== undefined && file.nodes.size > 0;
    if (!open && this.forgettable(file)) return { kind: "nowhere" };
    // A copy would be a file of its own: the name must come back as a link.
    const linked = status.links > 1n && this.trash.elsewhere(status);
    const other = linked && at.ok ? findOtherName(this.#roots, status, at.value) : undefined;
    return other === undefined
      ? { kind: "trash", name: `${this.log.end}-${this.#keptNames++}` }
      : { kind: "name", at: other };
  }

  /** Open files go on with the file as it is kept. `removed`: the name that they were opened by is gone. */
  keepOpen(file: TrackedFile | undefined, kept: Kept, keptAs: KeptAs, removed: boolean): void {
    if (file === undefined || file.nodes.size === 0 || kept.kind === "nowhere") return;
    if (kept.kind === "name") {
      openLocation(this.#roots, kept.at, (parent, name) => success(file.repoint(parent, name, "same-file")));
      return;
    }
    file.orphanNames.push(kept.name);
    if (!removed) return;
    file.repoint(this.trash.directory, kept.name, keptAs);
    const status = this.trash.directory.statusOf(kept.name);
    if (keptAs === "copy" && status.ok) this.#rekey(file, status.value);
  }

  /** What is known of a file that is being opened. */
  track(status: NodeStatus): TrackedFile {
    const known = this.known(status);
    if (known !== undefined) return known;
    const file = new TrackedFile(identityOf(status));
    this.#files.set(file.key, file);
    return file;
  }

  /** What is known of a file, if anything; nothing when it is not the one that we have left. */
  known(status: NodeStatus): TrackedFile | undefined {
    const file = this.#files.get(identityOf(status));
    if (file === undefined || file.nodes.size > 0 || !file.changedByOthers(status)) return file;
    this.#files.delete(file.key);
    return undefined;
  }

  /** A file that was just created. */
  trackCreated(created: FileNode): TrackedFile {
    const status = created.status();
    const key = status.ok ? identityOf(status.value) : "";
    const file = new TrackedFile(key);
    this.#files.set(key, file);
    file.enter(this.#epoch);
    file.fresh = true;
    file.note(created);
    return file;
  }

  /** Whether nobody can ask for the content that a file has now. */
  forgettable(file: TrackedFile | undefined): boolean {
    return this.lossy || !this.#active || (file !== undefined && file.epoch === this.#epoch && file.fresh);
  }

  /** The file has no open node any more. */
  release(file: TrackedFile): void {
    if (file.orphanNames.length > 0 && this.forgettable(file)) {
      for (const name of file.orphanNames.splice(0)) this.trash.drop(name);
    }
    const useful = this.#active && file.epoch === this.#epoch && (file.fresh || file.touchEnd !== undefined);
    if (!useful) this.#files.delete(file.key);
  }

  /** The last name of a file was removed for good: its identity may come back as another file's. */
  forget(file: TrackedFile | undefined): void {
    if (file?.nodes.size === 0) this.#files.delete(file.key);
  }

  /** Saves what a change of [start, end) in a file will lose. Refused: the change must not happen. */
  prepare(file: TrackedFile, node: FileNode, start: number, end: number): Attempt<void, Errno> {
    if (!this.#active) {
      this.#noteWritten(file, node);
      return success(undefined);
    }
    file.enter(this.#epoch);
    if (file.nameless) return success(undefined);
    if (file.touchEnd === undefined) {
      const touched = this.#touch(file, node);
      if (!touched.ok || file.nameless) return touched;
    } else {
      const unsettled = this.log.unsettle(file.touchEnd);
      if (!unsettled.ok) return unsettled;
    }
    if (file.fresh || this.lossy) return success(undefined);
    for (const [from, to] of file.saved.missing(start, Math.min(end, file.sizeAtTouch))) {
      const saved = this.#save(file, node, from, to);
      if (!saved.ok) return saved;
    }
    return success(undefined);
  }

  /** Notes what a change has left of a file. */
  settle(file: TrackedFile, node: FileNode): void {
    if (file.touchEnd === undefined || file.epoch !== this.#epoch) return;
    const status = file.note(node);
    if (status === undefined) return;
    const { sizeBytes, modifiedNs } = status;
    this.log.settle(file.touchEnd, { settled: true, size: sizeBytes, modifiedNs });
  }

  /** A file's open nodes are another file now: its copy in the trash. */
  #rekey(file: TrackedFile, status: NodeStatus): void {
    this.#files.delete(file.key);
    file.key = identityOf(status);
    this.#files.set(file.key, file);
  }

  #noteWritten(file: TrackedFile, node: FileNode): void {
    if (file.epoch === this.#epoch) return;
    file.enter(this.#epoch);
    const at = node.location();
    if (at.ok) this.written.add(at.value);
  }

  #touch(file: TrackedFile, node: FileNode): Attempt<void, Errno> {
    const status = node.status();
    if (!status.ok) return status;
    const located = this.#locationOf(file, node);
    if (!located.ok) {
      if (located.reason !== "noent") return located;
      file.nameless = true;
      return success(undefined);
    }
    const at = located.value;
    const { device, inode, sizeBytes, accessedNs, modifiedNs } = status.value;
    const size = Number(sizeBytes);
    const appended = this.append({ type: "touch", at, device, inode, size, accessedNs, modifiedNs });
    if (!appended.ok) return appended;
    file.touchEnd = appended.value.end;
    file.sizeAtTouch = size;
    this.written.add(at);
    return success(undefined);
  }

  /** Where a file lies; asked anew only after a name was changed through the journal. */
  #locationOf(file: TrackedFile, node: FileNode): Attempt<Location, Errno> {
    if (file.at === undefined || file.atChanges !== this.#nameChanges) {
      file.at = node.location();
      file.atChanges = this.#nameChanges;
    }
    return file.at;
  }

  /** Writes the bytes of [start, end) to the journal, in pieces. */
  #save(file: TrackedFile, node: FileNode, start: number, end: number): Attempt<void, Errno> {
    const at = this.#locationOf(file, node);
    if (!at.ok) return at.reason === "noent" ? refusal("stale") : at;
    const piece = new Uint8Array(Math.min(end - start, PATCH_BYTES_MAX));
    for (let offset = start; offset < end; ) {
      const read = node.read(piece.subarray(0, Math.min(piece.length, end - offset)), BigInt(offset));
      if (!read.ok) return read;
      if (read.value === 0) break;
      const appended = this.append({ type: "patch", at: at.value, offset, bytes: piece.subarray(0, read.value) });
      if (!appended.ok) return appended;
      file.saved.add(offset, offset + read.value);
      offset += read.value;
    }
    file.saved.add(start, end);
    return success(undefined);
  }
}
