// Where a content holds something. Much of a memory is zero in practice, and memory that is zero already need not be written to
// become what was recorded.
//
// I1  A content does not change any more when it is asked for. What was found is kept as long as the content lives.
// I2  Outside of its runs a content is zero. Gaps of less than a page are part of runs: they are worth no write of their own.
import { allZero, zeroWords } from "../util/index.ts";
import type { RecordedBytes } from "./granules.ts";

const PAGE_BYTES = 4096;
const PAGE_WORDS = PAGE_BYTES / 4;
const LINE_WORDS = 16;

/** Ranges of bytes, [from, to) in turn, ascending. */
export type Runs = readonly number[];

const found = new WeakMap<RecordedBytes, Runs>();
const hints = new WeakMap<RecordedBytes, Runs>();

/** What is known of a content that has just been read: outside of these runs it is never looked at. */
export function zeroBesides(content: Uint8Array, runs: Runs): void {
  hints.set(content, runs);
}

/** Looked for once, but in a page alone: to remember it takes longer than to look again. */
export function usedRuns(content: RecordedBytes): Runs {
  if (content.length <= PAGE_BYTES) return look(content);
  let runs = found.get(content);
  if (runs === undefined) {
    runs = look(content);
    found.set(content, runs);
  }
  return runs;
}

/** @param from not before the end of the last one */
export function addRun(runs: number[], from: number, to: number): void {
  const last = runs.length - 1;
  if (last > 0 && from - runs[last]! < PAGE_BYTES) runs[last] = to;
  else runs.push(from, to);
}

function look(content: RecordedBytes): Runs {
  const runs: number[] = [];
  if (content instanceof Uint8Array) {
    const within = hints.get(content) ?? [0, content.length];
    for (let i = 0; i < within.length; i += 2) lookAt(content.subarray(within[i], within[i + 1]), within[i]!, runs);
  } else {
    const bytes = (at: number, source: Uint8Array, from: number, length: number) =>
      lookAt(source.subarray(from, from + length), at, runs);
    content.pieces({ bytes, zeros: () => {} });
  }
  return runs;
}

/** Adds runs of bytes that stand at `at`. What does not lie at words, or is no whole pages, is used wherever it may be. */
function lookAt({ buffer, byteOffset, length }: Uint8Array, at: number, runs: number[]): void {
  if (byteOffset % 4 !== 0 || length % PAGE_BYTES !== 0) {
    if (!allZero(new Uint8Array(buffer, byteOffset, length))) addRun(runs, at, at + length);
    return;
  }
  const words = new Int32Array(buffer, byteOffset, length / 4);
  for (let page = 0; page < words.length; page += PAGE_WORDS) {
    if (zeroWords(words, page, page + PAGE_WORDS)) continue;
    let [from, to] = [page, page + PAGE_WORDS];
    while (zeroWords(words, from, from + LINE_WORDS)) from += LINE_WORDS;
    while (zeroWords(words, to - LINE_WORDS, to)) to -= LINE_WORDS;
    addRun(runs, at + from * 4, at + to * 4);
  }
}
