// Directories of the host as a volume with an undo journal: a checkpoint can be gone back to, files included.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { PlainData } from "../../abi/index.ts";
import {
  type Access,
  type DirectoryNode,
  FilesFault,
  type Location,
  type OpenNode,
  openLocation,
  stateReader,
  type Volume,
  type VolumeRoot,
} from "../files/index.ts";
import {
  type Difference,
  goBack,
  Journal,
  JournaledDirectory,
  JournalLog,
  Ledger,
  lockFolder,
  outOfBounds,
  recover,
  type Skipped,
} from "../journal/index-node.ts";
import { createHost, type Host } from "./host-node.ts";
import { openPlace, type Place, placeOf, requirePlace } from "./place-node.ts";
import { describePlace, type HostDirectory, openRoots } from "./volume-node.ts";

/** Differences that a message lists; the rest is counted. */
const DIFFERENCES_LISTED_MAX = 10;

/** Directories of the host, and the folder of the journal; the folder must not lie in one of them. */
export interface JournaledOptions {
  readonly directories: readonly HostDirectory[];
  readonly journal: string;
  readonly host?: Host;
}

/** A journaled volume's part of a checkpoint. */
type VolumeState = {
  readonly journal: string;
  readonly position: number;
  /** What the files that the program has written are like. */
  readonly files: readonly CapturedFile[];
};

type CapturedFile = {
  readonly root: number;
  readonly path: string;
  readonly device: bigint;
  readonly inode: bigint;
  readonly sizeBytes: bigint;
  readonly modifiedNs: bigint;
};

export class JournaledVolume implements Volume {
  readonly roots: readonly VolumeRoot[];
  readonly #hostRoots: readonly VolumeRoot[];
  readonly #trash: DirectoryNode;
  readonly #journal: Journal;
  /** What gives back all that the volume holds, last thing first. */
  readonly #release: (() => void)[];
  /** Files that are open in the capture that has been begun. */
  #places: Place[] = [];

  /**
   * Opens the directories and the journal, and decides what a crash has left undecided.
   *
   * @throws FilesFault "missing-files", "journal" when it is in use or damaged
   */
  constructor({ directories, journal, host = createHost() }: JournaledOptions) {
    const trashPath = join(journal, "trash");
    mkdirSync(trashPath, { recursive: true, mode: 0o700 });
    this.#release = [lockFolder(journal), () => host.dispose()];
    try {
      this.#hostRoots = openRoots(host, directories);
      this.#trash = host.openRoot(trashPath);
      this.#release.push(...this.#inner.map((directory) => () => directory.close()));
      const log = JournalLog.open(journal);
      this.#release.push(() => log.close());
      recover(log, this.#inner, (root) => this.#writable(root));
      this.#journal = new Journal(log, this.#hostDirectories, this.#trash);
    } catch (thrown) {
      this.dispose();
      throw thrown;
    }
    this.roots = this.#hostRoots.map((root) => ({
      ...root,
      directory: new JournaledDirectory(this.#journal, root.directory),
    }));
  }

  /** What is not as the checkpoint and the program have left it. */
  check(state: PlainData): readonly Difference[] {
    const { journal, position, files } = requireState(state);
    const { log } = this.#journal;
    if (journal !== log.id || position > log.end || position < log.start) {
      const found = journal === log.id ? `positions ${log.start} to ${log.end}` : `journal ${log.id}`;
      const expected = `position ${position} of journal ${journal}`;
      return [{ path: "(undo journal)", what: "unknown", found, expected }];
    }
    const ledger = new Ledger();
    for (const { root, path, ...expected } of files)
      ledger.expect({ root, path }, { kind: "regular-file", ...expected });
    ledger.replay(log, position);
    return ledger.differences(this.#hostDirectories, (at) => this.#pathOf(at));
  }

  /**
   * Takes the files back to a checkpoint.
   *
   * @param acceptChanged go on although others have changed files, or changes lie where nothing may be written now; what
   *   they did is left where it is in the way, and so is what lies there
   * @returns what could not be undone
   * @throws FilesFault "changed-files" with the differences, or the paths, as detail; nothing has been changed then
   */
  goBack(state: PlainData, acceptChanged: boolean): readonly Skipped[] {
    const differences = this.check(state);
    if (differences.length > 0 && !acceptChanged) throw changedFiles(differences);
    const { journal, position, files } = requireState(state);
    const { log } = this.#journal;
    const known = journal === log.id && position <= log.end && position >= log.start;
    if (known && !acceptChanged) this.#requireWritable(position);
    for (const file of files) this.#journal.written.add(file);
    if (!known) return [];
    const directories = this.#journaled as JournaledDirectory[];
    return goBack(this.#journal, { directories, writable: (root) => this.#writable(root) }, position);
  }

  /** @throws FilesFault "changed-files" when going back would write below a directory that is given read-only */
  #requireWritable(position: number): void {
    const at = outOfBounds(this.#journal, { writable: (root) => this.#writable(root) }, position);
    if (at.length === 0) return;
    const paths = at.map((location) => this.#pathOf(location));
    const what = "files that have changed since the checkpoint cannot be taken back where nothing may be written now";
    throw new FilesFault("changed-files", `${what}: ${listOf(paths)}`, { paths });
  }

  place(node: OpenNode): PlainData {
    const place = placeOf(node);
    this.#places.push(place);
    return place;
  }

  beginCapture(): void {
    this.#places = [];
  }

  endCapture(): PlainData {
    for (const place of this.#places) {
      if (!("orphan" in place) && place.kind === "regular-file") this.#journal.written.add(place);
    }
    const files = this.#capturedFiles();
    const marked = this.#journal.mark();
    if (!marked.ok) throw new FilesFault("journal", `the undo journal cannot be written: ${marked.reason}`);
    const state: VolumeState = { journal: this.#journal.log.id, position: marked.value, files };
    return state;
  }

  checkPlace(place: PlainData): void {
    requirePlace(place);
  }

  reopen(place: PlainData, access: Access): OpenNode | undefined {
    return openPlace(this.#journaled, place, access);
  }

  endRestore(): void {}

  describe(place: PlainData): string {
    return describePlace(this.roots, place as Place);
  }

  /** Forgets what none of these checkpoints (their volume states) needs; none: until the next checkpoint, nothing. */
  prune(states: readonly PlainData[]): void {
    const positions = states
      .map((state) => requireState(state))
      .filter(({ journal }) => journal === this.#journal.log.id);
    const oldest = Math.min(this.#journal.log.end, ...positions.map(({ position }) => position));
    if (positions.length === 0) this.#journal.deactivate();
    const named = new Set(
      positions.flatMap(({ files }) => files.filter(({ root }) => root === this.roots.length).map(({ path }) => path)),
    );
    this.#journal.prune(oldest, named);
  }

  dispose(): void {
    while (this.#release.length > 0) this.#release.pop()!();
  }

  /** The roots as they are journaled, the trash last. */
  get #journaled(): DirectoryNode[] {
    return [...this.roots.map(({ directory }) => directory), new JournaledDirectory(this.#journal, this.#trash)];
  }

  /** The trash is ours. */
  #writable(root: number): boolean {
    return this.#hostRoots[root]?.writable ?? true;
  }

  /** The host's own roots, the trash last. */
  get #inner(): DirectoryNode[] {
    return [...this.#hostDirectories, this.#trash];
  }

  get #hostDirectories(): DirectoryNode[] {
    return this.#hostRoots.map(({ directory }) => directory);
  }

  #capturedFiles(): CapturedFile[] {
    const files: CapturedFile[] = [];
    for (const at of this.#journal.written.locations()) {
      const status = openLocation(this.#inner, at, (parent, name) => parent.statusOf(name));
      if (!status.ok || status.value.kind !== "regular-file") {
        this.#journal.written.remove(at);
        continue;
      }
      const { device, inode, sizeBytes, modifiedNs } = status.value;
      files.push({ ...at, device, inode, sizeBytes, modifiedNs });
    }
    return files;
  }

  #pathOf({ root, path }: Location): string {
    return describePlace(this.roots, { root, path, kind: "unknown", device: 0n, inode: 0n });
  }
}

function requireState(state: PlainData): VolumeState {
  const reader = stateReader(state, "directories").only("journal", "position", "files");
  const files = reader
    .field("files")
    .items()
    .map((file): CapturedFile => {
      const [device, inode, sizeBytes] = ["device", "inode", "sizeBytes"].map((name) => file.field(name).big());
      const modifiedNs = file.field("modifiedNs").big(-(1n << 63n));
      file.only("root", "path", "device", "inode", "sizeBytes", "modifiedNs");
      const at = { root: file.field("root").count(), path: file.field("path").text() };
      return { ...at, device: device!, inode: inode!, sizeBytes: sizeBytes!, modifiedNs };
    });
  return { journal: reader.field("journal").text(), position: reader.field("position").count(), files };
}

function changedFiles(differences: readonly Difference[]): FilesFault {
  const what = differences.map(({ path, what, found, expected }) => {
    return `${path} ${what} (found ${found}, expected ${expected})`;
  });
  return new FilesFault("changed-files", `files were changed by others since the checkpoint: ${listOf(what, "; ")}`, {
    differences,
  });
}

/** The first of them; the rest is counted. */
function listOf(items: readonly string[], separator = ", "): string {
  const more = items.length - DIFFERENCES_LISTED_MAX;
  const listed = items.slice(0, DIFFERENCES_LISTED_MAX);
  return [...listed, ...(more > 0 ? [`and ${more} more`] : [])].join(separator);
}
