// An open directory whose changes are recorded: every operation on its names.

import type { DirectoryEntry, Errno, NodeStatus } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { Access, DirectoryNode, FileNode, Location, NewTimes } from "../files/index.ts";
import type { Journal } from "./journal.ts";
import { JournaledFile } from "./journaled-file.ts";
import type { JournalRecord, Kept, Replaced } from "./records.ts";
import type { TrackedFile } from "./tracked-file.ts";
import type { KeptAs } from "./trash.ts";

export class JournaledDirectory implements DirectoryNode {
  readonly kind = "directory";
  readonly #journal: Journal;
  readonly #inner: DirectoryNode;

  /** Takes over `inner`. */
  constructor(journal: Journal, inner: DirectoryNode) {
    this.#journal = journal;
    this.#inner = inner;
  }

  child(name: string): Attempt<DirectoryNode, Errno> {
    return this.#wrap(this.#inner.child(name));
  }

  again(): Attempt<DirectoryNode, Errno> {
    return this.#wrap(this.#inner.again());
  }

  openFile(name: string, access: Access): Attempt<FileNode, Errno> {
    const needed = this.#needed(name, access);
    const opened = this.#inner.openFile(name, needed);
    if (!opened.ok || opened.value.kind !== "regular-file") return opened;
    const status = opened.value.status();
    if (!status.ok) {
      opened.value.close();
      return status;
    }
    return success(new JournaledFile(this.#journal, this.#journal.track(status.value), opened.value, needed));
  }

  createFile(name: string, access: Access): Attempt<FileNode, Errno> {
    const needed = access.write ? { read: true, write: true } : access;
    const created = this.#create(
      name,
      (at) => success({ type: "create", at }),
      () => this.#inner.createFile(name, needed),
    );
    if (!created.ok) return created;
    const at = created.value.location();
    if (at.ok) this.#journal.written.add(at.value);
    return success(new JournaledFile(this.#journal, this.#journal.trackCreated(created.value), created.value, needed));
  }

  readLink(name: string): Attempt<string, Errno> {
    return this.#inner.readLink(name);
  }

  status(): Attempt<NodeStatus, Errno> {
    return this.#inner.status();
  }

  statusOf(name: string): Attempt<NodeStatus, Errno> {
    const status = this.#inner.statusOf(name);
    return status.ok ? success(this.#journal.trash.visible(status.value)) : status;
  }

  setTimes(times: NewTimes): Attempt<void, Errno> {
    return this.#journal.change(
      () => timesRecord(this.#inner.location(), this.#inner.status()),
      () => this.#inner.setTimes(times),
    );
  }

  setTimesOf(name: string, times: NewTimes): Attempt<void, Errno> {
    const status = this.#inner.statusOf(name);
    if (!status.ok) return status;
    if (status.value.kind !== "regular-file") {
      return this.#journal.change(
        () => timesRecord(this.#at(name), status),
        () => this.#inner.setTimesOf(name, times),
      );
    }
    // Through the file, whose stamp must follow; unless it may not even be read.
    const file = this.openFile(name, { read: true, write: false });
    if (!file.ok) return this.#journal.active ? file : this.#inner.setTimesOf(name, times);
    const set = file.value.setTimes(times);
    file.value.close();
    return set;
  }

  entries(): Attempt<DirectoryEntry[], Errno> {
    return this.#inner.entries();
  }

  createDirectory(name: string): Attempt<void, Errno> {
    return this.#create(
      name,
      (at) => success({ type: "mkdir", at }),
      () => this.#inner.createDirectory(name),
    );
  }

  removeDirectory(name: string): Attempt<void, Errno> {
    const permissions = this.#inner.permissionsOf(name);
    if (!permissions.ok) return permissions;
    return this.#change(
      name,
      (at) => success({ type: "rmdir", at, permissions: permissions.value }),
      () => this.#inner.removeDirectory(name),
    );
  }

  unlink(name: string): Attempt<void, Errno> {
    const status = this.#inner.statusOf(name);
    if (!status.ok) return status;
    const { kind } = status.value;
    if (kind === "directory") return refusal("isdir");
    return kind === "symbolic-link" ? this.#unlinkLink(name) : this.#unlinkFile(name, status.value);
  }

  rename(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
    if (!(to instanceof JournaledDirectory) || to.#journal !== this.#journal) return refusal("xdev");
    const source = this.#inner.statusOf(name);
    if (!source.ok) return source;
    const target = to.#inner.statusOf(toName);
    if (!target.ok && target.reason !== "noent") return target;
    if (target.ok && sameNode(source.value, target.value)) return this.#inner.rename(name, to.#inner, toName);
    const conflict = target.ok ? conflictOf(source.value, target.value) : undefined;
    if (conflict !== undefined) return refusal(conflict);
    return this.#renameOver(name, source.value, to, toName, target.ok ? target.value : undefined);
  }

  link(name: string, to: DirectoryNode, toName: string): Attempt<void, Errno> {
    if (!(to instanceof JournaledDirectory) || to.#journal !== this.#journal) return refusal("xdev");
    const from = this.#at(name);
    return to.#create(
      toName,
      (at) => (from.ok ? success({ type: "link", at, from: from.value }) : from),
      () => this.#inner.link(name, to.#inner, toName),
    );
  }

  symlink(target: string, name: string): Attempt<void, Errno> {
    return this.#create(
      name,
      (at) => success({ type: "symlink", at }),
      () => this.#inner.symlink(target, name),
    );
  }

  sync(dataOnly: boolean): Attempt<void, Errno> {
    return this.#inner.sync(dataOnly);
  }

  permissionsOf(name: string): Attempt<number, Errno> {
    return this.#inner.permissionsOf(name);
  }

  setPermissionsOf(name: string, permissions: number): Attempt<void, Errno> {
    return this.#inner.setPermissionsOf(name, permissions);
  }

  location(): Attempt<Location, Errno> {
    return this.#inner.location();
  }

  close(): void {
    this.#inner.close();
  }

  /** Brings a kept file back; "exist" when the name is taken, "noent" when it is not kept any more. */
  revive(kept: string, name: string): Attempt<void, Errno> {
    if (this.#inner.statusOf(name).ok) return refusal("exist");
    const there = this.#journal.trash.directory.statusOf(kept);
    if (!there.ok) return there;
    return this.#change(
      name,
      (at) => success({ type: "revive", at, kept }),
      () => this.#journal.trash.revive(kept, this.#inner, name),
    );
  }

  /** Removes the name of a file and keeps the file under a given name, where nothing may be. */
  keep(name: string, kept: string): Attempt<void, Errno> {
    const status = this.#inner.statusOf(name);
    if (!status.ok) return status;
    if (status.value.kind === "directory" || status.value.kind === "symbolic-link") return refusal("exist");
    if (this.#journal.trash.directory.statusOf(kept).ok) return refusal("exist");
    return this.#unlinkFile(name, status.value, { kind: "trash", name: kept });
  }

  /** What is overwritten must be read first. A pipe, say, is opened as asked for: reading too would be felt. */
  #needed(name: string, access: Access): Access {
    if (!access.write || access.read) return access;
    const status = this.#inner.statusOf(name);
    return status.ok && status.value.kind === "regular-file" ? { read: true, write: true } : access;
  }

  #wrap(opened: Attempt<DirectoryNode, Errno>): Attempt<DirectoryNode, Errno> {
    return opened.ok ? success(new JournaledDirectory(this.#journal, opened.value)) : opened;
  }

  #at(name: string): Attempt<Location, Errno> {
    const here = this.#inner.location();
    if (!here.ok) return here.reason === "noent" ? refusal(this.#lost()) : here;
    const { root, path } = here.value;
    return success({ root, path: path === "" ? name : `${path}/${name}` });
  }

  /** A recorded operation on a name here. */
  #change<T>(
    name: string,
    record: (at: Location) => Attempt<JournalRecord, Errno>,
    run: () => Attempt<T, Errno>,
  ): Attempt<T, Errno> {
    const make = (): Attempt<JournalRecord, Errno> => {
      const at = this.#at(name);
      return at.ok ? record(at.value) : at;
    };
    return this.#journal.change(make, run);
  }

  /**
   * A recorded operation that gives a name to something. A name that is taken is refused before anything is recorded:
   * after a crash, what has that name would seem to be what the record speaks of.
   */
  #create<T>(
    name: string,
    record: (at: Location) => Attempt<JournalRecord, Errno>,
    run: () => Attempt<T, Errno>,
  ): Attempt<T, Errno> {
    if (this.#journal.active && this.#inner.statusOf(name).ok) return refusal("exist");
    return this.#change(name, record, run);
  }

  /** Why a directory has no location: it was removed, or somebody has moved it out of what the program was given. */
  #lost(): Errno {
    const status = this.#inner.status();
    return status.ok && status.value.links > 0n ? "stale" : "noent";
  }

  #unlinkLink(name: string): Attempt<void, Errno> {
    const target = this.#inner.readLink(name);
    if (!target.ok) return target;
    return this.#change(
      name,
      (at) => success({ type: "unlink-link", at, target: target.value }),
      () => this.#inner.unlink(name),
    );
  }

  #unlinkFile(name: string, status: NodeStatus, keptAgain?: Kept): Attempt<void, Errno> {
    const { trash } = this.#journal;
    const file = this.#journal.known(status);
    const kept = keptAgain ?? this.#journal.keptFor(file, trash.visible(status), this.#at(name));
    const removed = this.#change<KeptAs>(
      name,
      (at) => success({ type: "remove", at, kept, inode: status.inode }),
      () =>
        kept.kind === "trash" ? trash.move(this.#inner, name, kept.name) : keptElsewhere(this.#inner.unlink(name)),
    );
    if (!removed.ok) return removed;
    this.#journal.keepOpen(file, kept, removed.value, removed.value === "copy");
    if (kept.kind === "nowhere" && status.links === 1n) this.#journal.forget(file);
    return success(undefined);
  }

  #renameOver(
    name: string,
    source: NodeStatus,
    to: JournaledDirectory,
    toName: string,
    target: NodeStatus | undefined,
  ): Attempt<void, Errno> {
    const { trash } = this.#journal;
    const file = target && this.#journal.known(target);
    const replaced = to.#replaced(toName, target, file);
    if (!replaced.ok) return replaced;
    const kept: Kept = replaced.value.kind === "file" ? replaced.value.kept : { kind: "nowhere" };
    const from = this.#at(name);
    const { inode } = source;
    const renamed = to.#change<KeptAs>(
      toName,
      (at) => (from.ok ? success({ type: "rename", from: from.value, to: at, inode, replaced: replaced.value }) : from),
      () => {
        const linked = kept.kind === "trash" ? trash.link(to.#inner, toName, kept.name) : SAME_FILE;
        if (!linked.ok) return linked;
        const done = this.#inner.rename(name, to.#inner, toName);
        if (!done.ok && kept.kind === "trash") trash.drop(kept.name);
        return done.ok ? linked : done;
      },
    );
    if (!renamed.ok) return renamed;
    this.#journal.keepOpen(file, kept, renamed.value, true);
    if (kept.kind === "nowhere" && target?.links === 1n) this.#journal.forget(file);
    const at = to.#at(toName);
    if (from.ok && at.ok) this.#journal.written.moved(from.value, at.value, source.kind === "directory");
    return success(undefined);
  }

  /** What a rename to a name here takes the place of. */
  #replaced(name: string, target: NodeStatus | undefined, file: TrackedFile | undefined): Attempt<Replaced, Errno> {
    if (target === undefined) return success({ kind: "nothing" });
    if (target.kind === "directory") {
      const permissions = this.#inner.permissionsOf(name);
      return permissions.ok ? success({ kind: "directory", permissions: permissions.value }) : permissions;
    }
    if (target.kind !== "symbolic-link") return this.#replacedFile(name, target, file);
    const link = this.#inner.readLink(name);
    return link.ok ? success({ kind: "link", target: link.value }) : link;
  }

  #replacedFile(name: string, target: NodeStatus, file: TrackedFile | undefined): Attempt<Replaced, Errno> {
    const kept = this.#journal.keptFor(file, this.#journal.trash.visible(target), this.#at(name));
    return success({ kind: "file", kept });
  }
}

const SAME_FILE = success<KeptAs>("same-file");

function timesRecord(at: Attempt<Location, Errno>, status: Attempt<NodeStatus, Errno>): Attempt<JournalRecord, Errno> {
  if (!status.ok) return status;
  if (!at.ok) return at.reason === "noent" ? refusal("stale") : at;
  const { accessedNs, modifiedNs } = status.value;
  return success({ type: "times", at: at.value, accessedNs, modifiedNs });
}

function sameNode(a: NodeStatus, b: NodeStatus): boolean {
  return a.inode === b.inode && a.device === b.device;
}

/** Why one node cannot take the place of another. */
function conflictOf(source: NodeStatus, target: NodeStatus): Errno | undefined {
  if (source.kind === "directory") return target.kind === "directory" ? undefined : "notdir";
  return target.kind === "directory" ? "isdir" : undefined;
}

function keptElsewhere(done: Attempt<void, Errno>): Attempt<KeptAs, Errno> {
  return done.ok ? SAME_FILE : done;
}
