// Remains: linear memory that no dataspace holds any more, and that its program still reaches.
//
// What is detached without windows cannot fault: the program goes on with what lies there, so those bytes are state of
// its own. The memory that it began with stays as it is, for without it no program would go on; the place of anything
// else is cleared, so that programs that do not use it any more leave nothing to be saved.
//
//   attached --detach--> remains --attach over it--> attached
//
// I1  Remains of a space lie outside its uses.
// Also here: what a program has written to its copy of a read-only dataspace, and where nothing was ever attached. Who detaches
// and attaches: placement.ts.
import { PAGE_BYTES } from "../../session/index.ts";
import { clearBytes } from "../../util/index.ts";
import { type ComponentMemory, reach } from "./component-memory.ts";
import { ADDRESS_SPACE_BYTES } from "./limits.ts";
import { type Space, type Use, useAt } from "./placement.ts";
import { type Range, Ranges } from "./ranges.ts";
import { firstFreePage } from "./used-pages.ts";

/** A range that a program reaches, and what is in it besides zeros, or besides the dataspace that it is a copy of. */
export interface SavedRemain {
  readonly address: number;
  readonly size: number;
  /** Whole pages. */
  readonly pieces: readonly { readonly address: number; readonly bytes: Uint8Array }[];
}

/** Which ranges of a space are remains. */
export class Remains {
  readonly #ranges = new Ranges<Range>(0, ADDRESS_SPACE_BYTES, 0, PAGE_BYTES);

  get count(): number {
    return this.#ranges.count;
  }

  /** The first that ends behind `address`. */
  from(address: number): Range | undefined {
    return this.#ranges.from(address);
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
export function leave({ space, dataspace, start, end }: Use): void {
  const { memory, remains } = space;
  if (!reaches(space, start)) return;
  if (dataspace.ofProgram !== "data") clearBytes(memory.view(start, end - start));
  remains.add(start, end);
}

/** Without windows everything in linear memory, with them what lies below their limit. */
export function reaches({ memory: { windows } }: Space, address: number): boolean {
  return !windows || address < windows.limit;
}

/** What is saved of a space beside its dataspaces (remains-writer.ts writes it). The bytes are no copies. */
export function captureRemains(space: Space): readonly SavedRemain[] {
  const found: SavedRemain[] = [];
  for (const { start, end } of space.remains.all()) {
    if (reaches(space, start)) found.push({ address: start, size: end - start, pieces: pieces(space, start, end) });
  }
  for (const copy of space.copies) {
    const { start, end } = copy;
    const written = pieces(space, start, end, copy);
    if (written.length > 0) found.push({ address: start, size: end - start, pieces: written });
  }
  return found;
}

/** What was written where nothing was ever attached, whole pages; no copies. */
export function unattachedBytes(space: Space): SavedRemain["pieces"] {
  const found: SavedRemain["pieces"][number][] = [];
  const { memory } = space;
  eachHole(space, (from, to) => {
    for (let at = firstInHole(memory, from, to); at !== undefined; ) {
      const end = endToSave(memory, at, to);
      found.push({ address: at, bytes: memory.view(at, end - at) });
      at = firstInHole(memory, end, to);
    }
  });
  return found;
}

function pieces(space: Space, start: number, end: number, copy?: Use): SavedRemain["pieces"] {
  const { memory } = space;
  const found: SavedRemain["pieces"][number][] = [];
  for (let at = nextToSave(memory, start, end, copy); at !== undefined; ) {
    const to = endToSave(memory, at, end, copy);
    found.push({ address: at, bytes: memory.view(at, to - at) });
    at = nextToSave(memory, to, end, copy);
  }
  return found;
}

/** Visits ranges of linear memory at which nothing is or was attached. Nothing is made for a range. */
export function eachHole(space: Space, visit: (from: number, to: number) => void): void {
  const { memory, uses, remains } = space;
  const end = Math.min(memory.size(), memory.windows?.limit ?? Infinity);
  for (let from = 0; from < end; ) {
    const use = uses.from(from);
    const remain = remains.from(from);
    const useAt = use ? use.start : end;
    const remainAt = remain ? remain.start : end;
    const to = Math.min(useAt, remainAt, end);
    if (from < to) visit(from, to);
    if (to === end) return;
    from = use && useAt <= remainAt ? use.end : remain!.end;
  }
}

/** Whether a program whose marks say what it writes has written where nothing was ever attached; false if it has none. */
export function wroteUnattached(space: Space): boolean {
  const { memory } = space;
  let wrote = false;
  if (memory.marks) eachHole(space, (from, to) => (wrote ||= firstInHole(memory, from, to) !== undefined));
  return wrote;
}

/** The first page of a hole that is saved: only what was written there can be, and marks say what that is at most. */
export function firstInHole(memory: ComponentMemory, from: number, to: number): number | undefined {
  const { marks } = memory;
  if (!marks) return nextToSave(memory, from, to);
  for (let at = marks.next(from, to); at < to; at = marks.next(at + PAGE_BYTES, to)) {
    if (memory.firstUsed(at, at + PAGE_BYTES) !== undefined) return at;
  }
  return undefined;
}

/** The first page of [from, to) that is saved. @param copy what the range is a copy of; absent: nothing, zeros are not saved */
export function nextToSave(memory: ComponentMemory, from: number, to: number, copy?: Use): number | undefined {
  if (!copy) return from < to ? memory.firstUsed(from, to) : undefined;
  for (let at = from; at < to; at += PAGE_BYTES) if (written(copy, at)) return at;
  return undefined;
}

/** The first page of [from, to) that is not saved; `to` if there is none. */
export function endToSave(memory: ComponentMemory, from: number, to: number, copy?: Use): number {
  if (!copy) return firstFreePage(memory, from, to);
  let at = from;
  while (at < to && written(copy, at)) at += PAGE_BYTES;
  return at;
}

/** Whether a program has changed a page of its copy of a dataspace. */
function written({ space, dataspace, start, offset }: Use, at: number): boolean {
  return dataspace.differs(offset + at - start, space.memory.words(), at, PAGE_BYTES);
}

/**
 * Gives a space the remains of another, in which the same is attached; those that it has are no more.
 *
 * @param unattached they include what was written where nothing was ever attached: anything else there is no more, too
 * @returns false if the memory does not reach so far; then some are missing
 */
export function restoreRemains(space: Space, remains: readonly SavedRemain[], unattached: boolean): boolean {
  if (unattached) for (const { bytes } of unattachedBytes(space)) clearBytes(bytes);
  for (const { start, end } of space.remains.all()) {
    clearBytes(space.memory.view(start, end - start));
    space.remains.cut(start, end);
  }
  for (const { address, size, pieces } of remains) {
    if (!reach(space, address + size)) return false;
    if (!useAt(space, address)) space.remains.add(address, address + size);
    for (const piece of pieces) space.memory.view(piece.address, piece.bytes.length).set(piece.bytes);
  }
  return true;
}
