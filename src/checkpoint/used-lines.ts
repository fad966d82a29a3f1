// What the contents of one component hold besides zeros, as one list of numbers, found once: so that a restore writes many small
// dataspaces in one loop, which makes nothing and looks nothing up but where each of them is now.
//
//   entry    dataspace, first word, words, begin, ...
//            in its content, and where they are: from `begin` on in `storage`, or HERE, behind the entry itself
//
// Few words are copied into the list, because they lie scattered over the storage: reading a line from each of a hundred pages
// costs more than a hundred lines side by side.
//
// I1  A content that is not among `besides` is zero but for its entries.
// I2  Contents do not change any more: what was found holds as long as the information lives.
import { copyWords } from "../util/index.ts";
import { componentsOf } from "./components.ts";
import type { RecordedBytes } from "./granules.ts";
import type { ChildInfo, PdInfo } from "./info.ts";
import { type Runs, usedRuns } from "./used-runs.ts";

/** Numbers of an entry, without words. */
export const ENTRY_NUMBERS = 4;
export const HERE = -1;
/** Of a storage: their numbers are numbers of an entry. */
const MOST_WORDS = 2 ** 31 - 1;
/** So many words are copied into the list. */
const FEW_WORDS = 64;

export interface UsedLines {
  /** By dataspace, as they are numbered in `PdInfo.dataspaces`, then by place. */
  readonly entries: Int32Array;
  /** Of the checkpoint. */
  readonly storage: Int32Array;
  /** Whether a dataspace has no entries though its content may hold something. */
  readonly besides: readonly boolean[];
}

const found = new WeakMap<PdInfo, UsedLines>();

/** Of a component that somebody has looked at. */
export function usedLines(pd: PdInfo): UsedLines | undefined {
  return found.get(pd);
}

/** Looks at what components hold, as far as a content is not larger than what is left of `mostBytes`. */
export function findUsedLines(children: readonly ChildInfo[], mostBytes: number): void {
  let left = mostBytes;
  const looks = ({ length }: RecordedBytes) => {
    if (length > left) return false;
    left -= length;
    return true;
  };
  for (const { pd } of children.flatMap(componentsOf)) {
    found.set(pd, look(pd, looks));
    if (looks(pd.data)) usedRuns(pd.data);
  }
}

/** @param looks whether a content is looked at */
function look({ dataspaces }: PdInfo, looks: (content: RecordedBytes) => boolean): UsedLines {
  const storage = storageOf(dataspaces.map(({ content }) => content));
  const runs = dataspaces.map(({ content }) =>
    liesIn(storage, content) && looks(content) ? usedRuns(content) : undefined,
  );
  const entries = new Int32Array(runs.reduce((sum, each) => sum + numbersOf(each ?? []), 0));
  let at = 0;
  for (const [dataspace, each = []] of runs.entries()) {
    const { byteOffset } = dataspaces[dataspace]!.content as Uint8Array;
    for (let i = 0; i < each.length; i += 2) {
      const [first, words] = [each[i]! / 4, (each[i + 1]! - each[i]!) / 4];
      const begin = byteOffset / 4 + first;
      entries.set([dataspace, first, words, words > FEW_WORDS ? begin : HERE], at);
      at += ENTRY_NUMBERS;
      if (words > FEW_WORDS) continue;
      copyWords(entries, at, storage, begin, begin + words);
      at += words;
    }
  }
  return { entries, storage, besides: runs.map((each) => each === undefined) };
}

/** The one that most contents are views of: a lease has one. */
function storageOf(contents: readonly RecordedBytes[]): Int32Array {
  const buffer = contents.find((content) => content instanceof Uint8Array)?.buffer ?? new ArrayBuffer(0);
  return new Int32Array(buffer, 0, Math.min(buffer.byteLength >>> 2, MOST_WORDS));
}

function liesIn(storage: Int32Array, content: RecordedBytes): content is Uint8Array {
  if (!(content instanceof Uint8Array) || content.buffer !== storage.buffer) return false;
  const { byteOffset, length } = content;
  return byteOffset % 4 === 0 && length % 4 === 0 && byteOffset + length <= storage.byteLength;
}

function numbersOf(runs: Runs): number {
  let numbers = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const words = (runs[i + 1]! - runs[i]!) / 4;
    numbers += ENTRY_NUMBERS + (words > FEW_WORDS ? 0 : words);
  }
  return numbers;
}
