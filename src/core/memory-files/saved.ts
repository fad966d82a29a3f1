// The state of a memory volume as it is captured, and read back: it may come from a stranger's image.
//
// I1  What was read makes a tree: every name is one, no directory has a name twice, no node is in two directories, and
//     another name of a file comes behind its first.
import type { PlainData } from "../../abi/index.ts";
import type { StateReader } from "../../util/index.ts";
import { stateReader } from "../files/index.ts";
import { DEPTH_MAX, FILE_BYTES_MAX, isName } from "./host.ts";

export type SavedMeta = readonly [inode: bigint, accessedNs: bigint, modifiedNs: bigint, changedNs: bigint];
export type SavedDirectory = {
  readonly meta: SavedMeta;
  readonly entries: readonly (readonly [name: string, node: SavedNode])[];
};
export type SavedFile = { readonly meta: SavedMeta; readonly content: Uint8Array };
export type SavedLeaf = SavedFile | { readonly meta: SavedMeta; readonly target: string };
/** Another name of a file that came before. */
export type SavedName = { readonly same: bigint };
export type SavedNode = SavedDirectory | SavedLeaf | SavedName;

export type SavedPlace = { readonly kind: "directory" | "regular-file"; readonly inode: bigint };

export type SavedVolume = {
  readonly nextInode: bigint;
  readonly roots: readonly SavedDirectory[];
  readonly orphans: readonly (SavedDirectory | SavedFile)[];
};

/**
 * @param count how many directories the volume has
 * @throws FilesFault "wrong-state"
 */
export function readVolume(state: PlainData, count: number): SavedVolume {
  const reader = stateReader(state, "memory").only("nextInode", "roots", "orphans");
  const nextInode = reader.field("nextInode").big();
  const nodes = new VolumeReader(nextInode);
  const roots = reader.field("roots").items();
  if (roots.length !== count) reader.field("roots").malformed(`a list of ${count} directories`);
  return {
    nextInode,
    roots: roots.map((root) => nodes.directory(root, 0)),
    orphans: reader
      .field("orphans")
      .items()
      .map((orphan) => nodes.orphan(orphan)),
  };
}

/** @throws FilesFault "wrong-state" */
export function readPlace(place: PlainData): SavedPlace {
  const reader = stateReader(place, "place").only("kind", "inode");
  return { kind: reader.field("kind").oneOf(["directory", "regular-file"]), inode: reader.field("inode").big() };
}

class VolumeReader {
  readonly #nextInode: bigint;
  readonly #inodes = new Set<bigint>();
  /** Those that may have further names. */
  readonly #leaves = new Set<bigint>();

  constructor(nextInode: bigint) {
    this.#nextInode = nextInode;
  }

  directory(reader: StateReader, depth: number): SavedDirectory {
    const meta = this.#meta(reader.only("meta", "entries"));
    if (depth > DEPTH_MAX) reader.malformed(`at most ${DEPTH_MAX} directories in each other`);
    const names = new Set<string>();
    const entries = reader
      .field("entries")
      .items()
      .map((item) => {
        const [name, node, ...others] = item.items();
        if (!name || !node || others.length > 0) return item.malformed("a name and a node");
        if (!isName(name.text()) || names.has(name.text())) name.malformed("a name that no other entry has");
        names.add(name.text());
        return [name.text(), this.#node(node, depth)] as const;
      });
    return { meta, entries };
  }

  /** What only handles refer to. */
  orphan(reader: StateReader): SavedDirectory | SavedFile {
    if (reader.field("entries").absent) return this.#file(reader);
    const found = this.directory(reader, 0);
    return found.entries.length === 0 ? found : reader.field("entries").malformed("none");
  }

  #node(reader: StateReader, depth: number): SavedNode {
    if (!reader.field("same").absent) return this.#name(reader);
    if (!reader.field("entries").absent) return this.directory(reader, depth + 1);
    if (!reader.field("content").absent) return this.#file(reader);
    const target = reader.only("meta", "target").field("target");
    if (target.text() === "" || target.text().includes("\0")) target.malformed("what a link leads to");
    return { meta: this.#leaf(reader), target: target.text() };
  }

  #name(reader: StateReader): SavedName {
    const same = reader.only("same").field("same");
    return this.#leaves.has(same.big()) ? { same: same.big() } : same.malformed("a file that came before");
  }

  #file(reader: StateReader): SavedFile {
    const content = reader.only("meta", "content").field("content");
    if (content.bytes().length > FILE_BYTES_MAX) content.malformed(`at most ${FILE_BYTES_MAX} bytes`);
    return { meta: this.#leaf(reader), content: content.bytes() };
  }

  #leaf(reader: StateReader): SavedMeta {
    const meta = this.#meta(reader);
    this.#leaves.add(meta[0]);
    return meta;
  }

  #meta(reader: StateReader): SavedMeta {
    const field = reader.field("meta");
    const [inode, ...times] = field.items();
    const [accessed, modified, changed, ...others] = times;
    if (!inode || !accessed || !modified || !changed || others.length > 0)
      return field.malformed("a number and 3 times");
    const number = inode.big();
    if (number >= this.#nextInode || this.#inodes.has(number)) {
      inode.malformed(`a number below ${this.#nextInode} that no other node has`);
    }
    this.#inodes.add(number);
    return [number, accessed.big(), modified.big(), changed.big()];
  }
}
