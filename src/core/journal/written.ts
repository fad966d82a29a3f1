// The files that a program has written or created, by location: what a checkpoint has to describe.

import type { Location } from "../files/index.ts";

/** Locations may be of files that are gone by now; whoever describes them looks. */
export class Written {
  /** `root:path` */
  readonly #keys = new Set<string>();

  add(at: Location): void {
    this.#keys.add(keyOf(at));
  }

  /** Something was renamed; a directory with all that lies below it. */
  moved(from: Location, to: Location, directory: boolean): void {
    const fromKey = keyOf(from);
    const toKey = keyOf(to);
    if (this.#keys.delete(fromKey)) this.#keys.add(toKey);
    if (!directory) return;
    const below = `${fromKey}/`;
    for (const key of [...this.#keys]) {
      if (!key.startsWith(below)) continue;
      this.#keys.delete(key);
      this.#keys.add(`${toKey}/${key.slice(below.length)}`);
    }
  }

  remove(at: Location): void {
    this.#keys.delete(keyOf(at));
  }

  /** All locations, sorted, so that those of one directory follow each other. */
  locations(): Location[] {
    return [...this.#keys].sort().map(locationOf);
  }
}

export function keyOf({ root, path }: Location): string {
  return `${root}:${path}`;
}

export function locationOf(key: string): Location {
  const colon = key.indexOf(":");
  return { root: Number(key.slice(0, colon)), path: key.slice(colon + 1) };
}
