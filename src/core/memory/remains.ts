// Remains: linear memory that no dataspace holds any more, and that its program still reaches.
//
// What is detached without windows cannot fault: the program goes on with what lies there, so those bytes are state of
// its own. The memory that it began with stays as it is, for without it no program would go on; the place of anything
// else is cleared, so that programs that do not use it any more leave nothing to be saved.
//
//   attached --detach--> remains --attach over it--> attached
//
// I1  Remains of a space lie outside its uses.
// Also here: what a program has written to its copy of a read-only dataspace. Who detaches and attaches: placement.ts.
import { PAGE_BYTES } from "../../session/index.ts";
import { clearBytes } from "../../util/index.ts";
import { reach } from "./component-memory.ts";
import { ADDRESS_SPACE_BYTES } from "./limits.ts";
import type { Space, Use } from "./placement.ts";
import { type Range, RangeTree } from "./range-tree.ts";
import { firstFreePage } from "./used-pages.ts";

/** A range that a program reaches, and what is in it besides zeros, or besides the dataspace that it is a copy of. */
export interface SavedRemain {
  readonly address: number;
  readonly size: number;
  /** Whole pages. */
  readonly pieces: readonly { readonly address: number; readonly bytes: Uint8Array }[];
}

const NONE: readonly SavedRemain[] = [];
const ZEROS = new Uint32Array(PAGE_BYTES / 4);
const ORIGINAL = new Uint8Array(PAGE_BYTES);
const ORIGINAL_WORDS = new Uint32Array(ORIGINAL.buffer);

/** Which ranges of a space are remains. */
export class Remains {
  readonly #ranges = new RangeTree<Range>(0, ADDRESS_SPACE_BYTES, 0);

  get count(): number {
    return this.#ranges.count;
  }

  all(): readonly Range[] {
    return [...this.#ranges.overlapping(0, ADDRESS_SPACE_BYTES)];
  }

  /** Nothing is attached at [start, end) any more. Neighbours become one. */
  add(start: number, end: number): void {
    this.cut(start, end);
    const before = start > 0 ? this.#ranges.at(start - 1) : undefined;
    const behind = this.#ranges.at(end);
    for (const neighbour of [before, behind]) if (neighbour) this.#ranges.remove(neighbour.start);
    this.#ranges.insert({ start: before?.start ?? start, end: behind?.end ?? end });
  }

  /** Something is attached at [start, end). */
  cut(start: number, end: number): void {
    if (this.#ranges.count === 0) return;
    for (const range of [...this.#ranges.overlapping(start, end)]) {
      this.#ranges.remove(range.start);
      if (range.start < start) this.#ranges.insert({ start: range.start, end: start });
      if (range.end > end) this.#ranges.insert({ start: end, end: range.end });
    }
  }
}

/** A use is no more: what its program goes on reaching. */
export function leave({ space, dataspace, address, length }: Use): void {
  const { memory, remains } = space;
  if (!reaches(space, address)) return;
  if (dataspace.ofProgram !== "data") clearBytes(memory.view(address, length));
  remains.add(address, address + length);
}

/** Without windows everything in linear memory, with them what lies below their limit. */
function reaches({ memory: { windows } }: Space, address: number): boolean {
  return !windows || address < windows.limit;
}

/**
 * What is saved of a space beside its dataspaces. The bytes are no copies.
 *
 * @param unattached what was written where nothing was ever attached, too: all of linear memory is looked at
 */
export function captureRemains(space: Space, unattached: boolean): readonly SavedRemain[] {
  if (space.remains.count === 0 && space.copies.size === 0 && !unattached) return NONE;
  const found: SavedRemain[] = [];
  if (unattached) {
    for (const piece of unattachedBytes(space)) {
      found.push({ address: piece.address, size: piece.bytes.length, pieces: [piece] });
    }
  }
  for (const { start, end } of space.remains.all()) {
    if (reaches(space, start)) found.push(saved(space, start, end - start, () => ZEROS));
  }
  for (const { dataspace, offset, address, length } of space.copies) {
    const original = (at: number) => {
      dataspace.read(offset + at, ORIGINAL);
      return ORIGINAL_WORDS;
    };
    const written = saved(space, address, length, original);
    if (written.pieces.length > 0) found.push(written);
  }
  return found;
}

/** What was written where nothing was ever attached, whole pages; no copies. */
export function unattachedBytes(space: Space): readonly SavedRemain["pieces"][number][] {
  const found: SavedRemain["pieces"][number][] = [];
  eachUnattached(space, (address, size) => found.push({ address, bytes: space.memory.view(address, size) }));
  return found;
}

/** Visits runs of pages that are not zero, and at which nothing is or was attached. */
function eachUnattached(space: Space, visit: (address: number, size: number) => void): void {
  const { memory, uses, remains } = space;
  const end = Math.min(memory.size(), memory.windows?.limit ?? Infinity);
  const known: Range[] = Array.from(uses.values(), ({ address, length }) => ({
    start: address,
    end: address + length,
  }));
  known.push(...remains.all(), { start: end, end });
  let from = 0;
  for (const { start, end: behind } of known.sort((a, b) => a.start - b.start)) {
    const to = Math.min(start, end);
    for (let at = from < to ? memory.firstUsed(from, to) : undefined; at !== undefined; ) {
      const free = firstFreePage(memory, at, to);
      visit(at, free - at);
      at = free < to ? memory.firstUsed(free, to) : undefined;
    }
    from = Math.max(from, behind);
  }
}

/** @param plain what a page, so far into the range, need not be saved with */
function saved({ memory }: Space, address: number, size: number, plain: (at: number) => Uint32Array): SavedRemain {
  const view = memory.view(address, size);
  const words = new Uint32Array(view.buffer, view.byteOffset, size / 4);
  const pieces: { address: number; bytes: Uint8Array }[] = [];
  let from = -1;
  for (let at = 0; at <= size; at += PAGE_BYTES) {
    if (at < size && differs(words, at / 4, plain(at))) {
      if (from < 0) from = at;
    } else if (from >= 0) {
      pieces.push({ address: address + from, bytes: view.subarray(from, at) });
      from = -1;
    }
  }
  return { address, size, pieces };
}

function differs(words: Uint32Array, from: number, page: Uint32Array): boolean {
  for (let i = 0; i < page.length; i++) if (words[from + i] !== page[i]) return true;
  return false;
}

/**
 * Gives a space the remains of another, in which the same is attached; those that it has are no more.
 *
 * @param unattached they include what was written where nothing was ever attached: anything else there is no more, too
 * @returns false if the memory does not reach so far; then some are missing
 */
export function restoreRemains(space: Space, remains: readonly SavedRemain[], unattached: boolean): boolean {
  if (unattached) eachUnattached(space, (address, size) => clearBytes(space.memory.view(address, size)));
  for (const { start, end } of space.remains.all()) {
    clearBytes(space.memory.view(start, end - start));
    space.remains.cut(start, end);
  }
  for (const { address, size, pieces } of remains) {
    if (!reach(space, address + size)) return false;
    if (!space.uses.has(address)) space.remains.add(address, address + size);
    for (const piece of pieces) space.memory.view(piece.address, piece.bytes.length).set(piece.bytes);
  }
  return true;
}
