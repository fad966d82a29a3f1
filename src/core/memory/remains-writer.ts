// Remains as a checkpoint writes them while programs stand still: a plain list of `SavedRemain`. Nothing is made on the heap
// for a range or a page.
import type { PlainWriter } from "../../util/index.ts";
import type { Space, Use } from "./placement.ts";
import { eachHole, endToSave, firstInHole, nextToSave, reaches } from "./remains.ts";

/**
 * Writes what is saved of a space beside its dataspaces.
 *
 * @param unattached what was written where nothing was ever attached, too: all of linear memory is looked at
 * @returns how many bytes are in it; undefined: there is nothing, and nothing was written
 */
export function writeRemains(space: Space, to: PlainWriter, unattached: boolean): number | undefined {
  const { remains, copies } = space;
  return remains.count === 0 && copies.size === 0 && !unattached ? undefined : writeAll(space, to, unattached);
}

function writeAll(space: Space, to: PlainWriter, unattached: boolean): number | undefined {
  const { remains, copies } = space;
  const before = to.neededBytes;
  const begin = to.list();
  let count = 0;
  let bytes = 0;
  const add = (written: number) => {
    count++;
    bytes += written;
  };
  if (unattached) {
    eachHole(space, (from, behind) => {
      for (let at = firstInHole(space.memory, from, behind); at !== undefined; ) {
        const end = endToSave(space.memory, at, behind);
        add(writeRemain(space, to, at, end));
        at = firstInHole(space.memory, end, behind);
      }
    });
  }
  for (let next = remains.from(0); next; next = remains.from(next.end)) {
    if (reaches(space, next.start)) add(writeRemain(space, to, next.start, next.end));
  }
  copies.forEach((copy) => {
    const { start, end } = copy;
    if (nextToSave(space.memory, start, end, copy) !== undefined) add(writeRemain(space, to, start, end, copy));
  });
  to.endList(begin, count);
  if (count > 0) return bytes;
  to.dropSince(before);
  return undefined;
}

/** @param copy what the range is a copy of */
function writeRemain({ memory }: Space, to: PlainWriter, address: number, end: number, copy?: Use): number {
  to.fields();
  to.put("address", address);
  to.put("size", end - address);
  to.field("pieces");
  const begin = to.list();
  let count = 0;
  let bytes = 0;
  for (let at = nextToSave(memory, address, end, copy); at !== undefined; ) {
    const behind = endToSave(memory, at, end, copy);
    to.fields();
    to.put("address", at);
    to.field("bytes");
    to.plainWords(memory.words(), at, behind - at);
    to.end();
    count++;
    bytes += behind - at;
    at = nextToSave(memory, behind, end, copy);
  }
  to.endList(begin, count);
  to.end();
  return bytes;
}
