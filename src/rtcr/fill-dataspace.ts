// One content back into its dataspace. What was recorded as zero is not written where nothing but zeros is, so that the system
// gives no memory for it: in new dataspaces, which are known to be zero, and where a look shows it.
import { ENTRY_NUMBERS, HERE, type RecordedBytes, type Runs, type UsedLines, usedRuns } from "../checkpoint/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import { type ByteSink, type Dataspace, PAGE_BYTES } from "../session/index.ts";
import { allZero } from "../util/index.ts";

const ZEROS = new Uint8Array(65_536);

/**
 * Afterwards the dataspace holds the content, byte for byte.
 *
 * @param zeroed it holds nothing but zeros now
 */
export function fillDataspace(dataspace: Dataspace, content: RecordedBytes, zeroed: boolean): void {
  const scope = beginScope("Memcpy", "blue");
  if (isPage(content)) dataspace.write(0, content);
  else fillRuns(dataspace, content, zeroed);
  endScope(scope);
}

/**
 * Afterwards dataspaces that held nothing but zeros hold what was recorded, but for those besides.
 *
 * @param empty by their numbers; undefined: nothing is written
 */
export function fillLines({ entries, storage }: UsedLines, empty: readonly (Dataspace | undefined)[]): void {
  const scope = beginScope("Memcpy", "blue");
  for (let i = 0; i < entries.length; ) {
    const dataspace = empty[entries[i]!];
    const offset = entries[i + 1]! * 4;
    const words = entries[i + 2]!;
    const begin = entries[i + 3]!;
    i += ENTRY_NUMBERS;
    if (begin !== HERE) {
      if (dataspace) writeWords(dataspace, offset, storage, begin, begin + words);
      continue;
    }
    if (dataspace) writeWords(dataspace, offset, entries, i, i + words);
    i += words;
  }
  endScope(scope);
}

function writeWords(dataspace: Dataspace, offset: number, words: Int32Array, from: number, to: number): void {
  if (dataspace.writeWords) dataspace.writeWords(offset, words, from, to);
  else dataspace.write(offset, new Uint8Array(words.buffer, words.byteOffset + from * 4, (to - from) * 4));
}

/** A page that holds something at its beginning, as most do, is written as it is: many dataspaces are of one page. */
function isPage(content: RecordedBytes): content is Uint8Array {
  return content.length <= PAGE_BYTES && content instanceof Uint8Array && content[0] !== 0;
}

function fillRuns(dataspace: Dataspace, content: RecordedBytes, zeroed: boolean): void {
  const runs = usedRuns(content);
  for (let i = 0; i < runs.length; i += 2) write(dataspace, content, runs[i]!, runs[i + 1]!);
  if (!zeroed) clearBesides(dataspace, runs, content.length);
}

function write(dataspace: Dataspace, content: RecordedBytes, begin: number, end: number): void {
  if (content instanceof Uint8Array) {
    dataspace.write(begin, end - begin === content.length ? content : content.subarray(begin, end));
    return;
  }
  const bytes: ByteSink["bytes"] = (at, source, from, length) =>
    dataspace.write(begin + at, source.subarray(from, from + length));
  content.pieces({ bytes, zeros: (at, length) => writeZeros(dataspace, begin + at, begin + at + length) }, begin, end);
}

function writeZeros(dataspace: Dataspace, begin: number, end: number): void {
  for (let at = begin; at < end; at += ZEROS.length) dataspace.write(at, ZEROS.subarray(0, end - at));
}

/** Writes zeros outside of runs, into pages that are not zero there. */
function clearBesides(dataspace: Dataspace, runs: Runs, length: number): void {
  const found = new Found();
  for (let i = 0; i <= runs.length; i += 2) {
    const from = runs[i - 1] ?? 0;
    const to = runs[i] ?? length;
    if (from === to) continue;
    if (dataspace.pieces) found.look(dataspace, from, to);
    else writeZeros(dataspace, from, to);
  }
  for (const [from, to] of found.ranges) writeZeros(dataspace, from, to);
}

/** Pages, or parts of pages, that are not zero. */
class Found implements ByteSink {
  readonly ranges: [from: number, to: number][] = [];
  #from = 0;
  #to = 0;

  /** Adds those of [from, to). */
  look(dataspace: Dataspace, from: number, to: number): void {
    this.#from = from;
    this.#to = to;
    dataspace.pieces?.(this);
  }

  bytes(at: number, source: Uint8Array, from: number, length: number): void {
    const end = Math.min(at + length, this.#to);
    for (let begin = Math.max(at, this.#from); begin < end; ) {
      const next = Math.min(begin - (begin % PAGE_BYTES) + PAGE_BYTES, end);
      if (!allZero(source.subarray(from + begin - at, from + next - at))) this.ranges.push([begin, next]);
      begin = next;
    }
  }

  zeros(): void {}
}
