// Going back to a mark: the inverses of the operations since then, newest first, as operations of their own.
//
// S(p) is the state of the files at position p. Going back to t < now undoes the entries behind t one by one; each is
// followed by "same q": S(here) = S(q), q where the undone entry begins. The journal only grows, so S at any mark,
// earlier or later than t, can still be reached by going on back from the end. "same" makes that short: whoever comes
// to one while looking for t <= q goes on from q at once, without doing and undoing what has cancelled out.
//
// I1  Crossing a mark begins an epoch, so what undoing saves for one stretch between marks is enough for it alone.
// I2  Behind the newest mark nothing need be kept: nobody can ask for it (journal.lossy).
// I3  A crash in the middle leaves a longer journal and a state that its end describes: going back begins again there.
// I4  What somebody else has changed, removed or put in the place of something is left alone and reported.
// I5  Nothing is written below a root that may not be changed now, whatever was so when the journal was written: that is
//     reported as well ("rofs").

import type { Errno } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { type FileNode, FilesFault, type Location, openLocation } from "../files/index.ts";
import { writeFully } from "./copy.ts";
import type { Journal } from "./journal.ts";
import type { JournaledDirectory } from "./journaled-directory.ts";
import type { JournalLog, RecordHead } from "./log-node.ts";
import type { JournalRecord, Kept, RecordType, Replaced } from "./records.ts";

/** An inverse that could not be applied. */
export interface Skipped {
  readonly at: Location;
  readonly operation: string;
  readonly reason: Errno;
}

/** The journaled roots, the trash last, and which of them may be changed now; nothing is open in them. */
export interface UndoRoots {
  readonly directories: readonly JournaledDirectory[];
  readonly writable: (root: number) => boolean;
}

/** Goes back to a mark's position. */
export function goBack(journal: Journal, roots: UndoRoots, target: number): readonly Skipped[] {
  const { log } = journal;
  if (target < log.start || target > log.end) {
    throw new FilesFault("journal", `position ${target} to go back to, the journal holds ${log.start} to ${log.end}`);
  }
  const run = new Run(journal, roots, log.heads(target));
  try {
    run.all(target);
  } finally {
    journal.lossy = false;
    run.close();
  }
  const same = journal.append({ type: "same", position: target });
  if (!same.ok) throw outOfReach(same.reason);
  journal.nextEpoch();
  return run.skipped;
}

/** What lies below roots that may not be changed, and would have to be to go back; each location once. */
export function outOfBounds({ log }: Journal, { writable }: Pick<UndoRoots, "writable">, target: number): Location[] {
  const found = new Map<string, Location>();
  for (const { record } of toUndo(log, log.heads(target), target)) {
    if (record === "mark") continue;
    for (const at of changedBy(record)) if (!writable(at.root)) found.set(`${at.root}:${at.path}`, at);
  }
  return [...found.values()];
}

interface Step {
  readonly start: number;
  /** "mark": an epoch begins here. */
  readonly record: Operation | "mark";
}

/** What must be undone to come from the end of a log to `target`, newest first. */
function* toUndo(log: JournalLog, heads: readonly RecordHead[], target: number): Iterable<Step> {
  const cancelled = new Set<number>();
  for (let i = heads.length - 1; i >= 0; ) {
    const { start, type } = heads[i--]!;
    if (type === "mark") yield { start, record: "mark" };
    else if (!cancelled.has(start)) {
      const { record } = log.read(start);
      if (record.type === "cancel") cancelled.add(record.position);
      else if (record.type === "same" && record.position >= target) {
        while (i >= 0 && heads[i]!.start >= record.position) i--;
        yield { start, record: "mark" };
      } else if (record.type !== "same" && record.type !== "mark") yield { start, record };
    }
  }
}

/** What undoing an operation changes, or gives another name to. */
function changedBy(record: Operation): readonly Location[] {
  const kept = record.type === "remove" ? record.kept : record.type === "rename" ? keptBy(record.replaced) : undefined;
  const also = kept?.kind === "name" ? [kept.at] : [];
  return record.type === "rename" ? [record.from, record.to, ...also] : [record.at, ...also];
}

function keptBy(replaced: Replaced): Kept | undefined {
  return replaced.kind === "file" ? replaced.kept : undefined;
}

class Run {
  readonly skipped: Skipped[] = [];
  readonly #journal: Journal;
  readonly #roots: readonly JournaledDirectory[];
  readonly #writable: UndoRoots["writable"];
  readonly #heads: readonly RecordHead[];
  /** Where the newest mark begins: what lies behind need not be kept. */
  readonly #newestMark: number;
  /** The file undone last: patches of one file follow each other. */
  #open: { readonly key: string; readonly file: FileNode } | undefined;

  constructor(journal: Journal, { directories, writable }: UndoRoots, heads: readonly RecordHead[]) {
    this.#journal = journal;
    this.#roots = directories;
    this.#writable = writable;
    this.#heads = heads;
    this.#newestMark = heads.findLast(({ type }) => type === "mark")?.start ?? -1;
  }

  all(target: number): void {
    this.#journal.nextEpoch();
    for (const { start, record } of toUndo(this.#journal.log, this.#heads, target)) {
      if (record === "mark") this.#journal.nextEpoch();
      else this.#undo(start, record);
    }
  }

  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  #undo(position: number, record: Operation): void {
    // Only what the program has made since: what came back from the trash, say, is older.
    this.#journal.lossy = position > this.#newestMark && MADE_SINCE.has(record.type);
    const undone = changedBy(record).every(({ root }) => this.#writable(root))
      ? this.#inverse(record)
      : refusal<Errno>("rofs");
    if (!undone.ok) {
      if (undone.reason === "nospc" || undone.reason === "dquot") throw outOfReach(undone.reason);
      const at = record.type === "rename" ? record.to : record.at;
      this.skipped.push({ at, operation: record.type, reason: undone.reason });
    }
    const same = this.#journal.append({ type: "same", position });
    if (!same.ok) throw outOfReach(same.reason);
  }

  #inverse(record: Operation): Attempt<void, Errno> {
    if (record.type === "touch" || record.type === "patch") return this.#restoreFile(record);
    this.close();
    switch (record.type) {
      case "create":
      case "symlink":
      case "link":
        return this.#in(record.at, (parent, name) => parent.unlink(name));
      case "revive":
        // Under its old name: older records name it, and they may be undone once more.
        return this.#in(record.at, (parent, name) => parent.keep(name, record.kept));
      case "mkdir":
        return this.#in(record.at, (parent, name) => parent.removeDirectory(name));
      case "rmdir":
        return this.#in(record.at, (parent, name) => makeDirectory(parent, name, record.permissions));
      case "remove":
        return this.#in(record.at, (parent, name) => this.#bringBack(parent, name, record.kept));
      case "unlink-link":
        return this.#in(record.at, (parent, name) => parent.symlink(record.target, name));
      case "times":
        return this.#restoreTimes(record);
      case "rename":
        return this.#renameBack(record);
    }
  }

  #in<T>(at: Location, use: (parent: JournaledDirectory, name: string) => Attempt<T, Errno>): Attempt<T, Errno> {
    // A journaled root has journaled directories below it.
    return openLocation(this.#roots, at, (parent, name) => use(parent as JournaledDirectory, name));
  }

  #restoreFile(record: Extract<Operation, { type: "touch" | "patch" }>): Attempt<void, Errno> {
    const opened = this.#openFile(record.at);
    if (!opened.ok) return opened;
    const file = opened.value;
    if (record.type === "patch") return writeFully(file, record.bytes, BigInt(record.offset));
    const status = file.status();
    if (!status.ok) return status;
    const sized =
      status.value.sizeBytes === BigInt(record.size) ? success(undefined) : file.setSize(BigInt(record.size));
    return sized.ok ? file.setTimes(record) : sized;
  }

  #openFile(at: Location): Attempt<FileNode, Errno> {
    const key = `${at.root}:${at.path}`;
    if (this.#open?.key === key) return success(this.#open.file);
    this.close();
    const opened = this.#in(at, (parent, name) => parent.openFile(name, { read: true, write: true }));
    if (opened.ok) this.#open = { key, file: opened.value };
    return opened;
  }

  #restoreTimes(record: Extract<Operation, { type: "times" }>): Attempt<void, Errno> {
    if (record.at.path === "") return this.#roots[record.at.root]?.setTimes(record) ?? refusal("noent");
    return this.#in(record.at, (parent, name) => parent.setTimesOf(name, record));
  }

  #renameBack({ from, to, replaced }: Extract<Operation, { type: "rename" }>): Attempt<void, Errno> {
    return this.#in(to, (parent, name) => {
      const moved = this.#in(from, (source, sourceName) =>
        source.statusOf(sourceName).ok ? refusal("exist") : parent.rename(name, source, sourceName),
      );
      return moved.ok ? this.#putBack(parent, name, replaced) : moved;
    });
  }

  #putBack(parent: JournaledDirectory, name: string, replaced: Replaced): Attempt<void, Errno> {
    switch (replaced.kind) {
      case "nothing":
        return success(undefined);
      case "file":
        return this.#bringBack(parent, name, replaced.kept);
      case "link":
        return parent.symlink(replaced.target, name);
      case "directory":
        return makeDirectory(parent, name, replaced.permissions);
    }
  }

  #bringBack(parent: JournaledDirectory, name: string, kept: Kept): Attempt<void, Errno> {
    if (kept.kind === "name") {
      return this.#in(kept.at, (source, sourceName) => source.link(sourceName, parent, name));
    }
    const revived = kept.kind === "trash" ? parent.revive(kept.name, name) : refusal<Errno>("noent");
    if (revived.ok || revived.reason !== "noent") return revived;
    // Nobody can ask for its content: it comes back empty, for the older operations that name it.
    const created = parent.createFile(name, { read: false, write: true });
    if (!created.ok) return created;
    created.value.close();
    return success(undefined);
  }
}

/** Operations whose undoing loses only what came into being after them. */
const MADE_SINCE: ReadonlySet<RecordType> = new Set(["touch", "patch", "create"]);

type Operation = Exclude<JournalRecord, { type: "mark" | "cancel" | "same" }>;

function makeDirectory(parent: JournaledDirectory, name: string, permissions: number): Attempt<void, Errno> {
  const made = parent.createDirectory(name);
  return made.ok ? parent.setPermissionsOf(name, permissions) : made;
}

function outOfReach(reason: Errno): FilesFault {
  return new FilesFault("journal", `files cannot be taken back to the checkpoint: ${reason}; make room and try again`, {
    reason,
  });
}
