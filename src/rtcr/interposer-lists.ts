// A child's interposers by class, as a checkpoint asks for them in its pause: the same list as the last time if it still holds.
import type { Session } from "../init/index.ts";
import type { Interposer } from "./tracked-child.ts";

export type InterposerClass<T extends Interposer> = new (...args: never[]) => T;

type Entries = readonly (readonly [session: Session, interposer: Interposer])[];

const NONE: readonly Interposer[] = [];

export class InterposerLists {
  readonly #interposers: ReadonlyMap<Session, Interposer>;
  readonly #known = new Map<unknown, readonly Interposer[]>();
  /** What is in the map: visiting that would make something each time. Undefined: it has changed. */
  #all: Entries | undefined;

  constructor(interposers: ReadonlyMap<Session, Interposer>) {
    this.#interposers = interposers;
  }

  /** Oldest first; without those whose server has ended, or that the child has closed. */
  of<T extends Interposer>(kind: InterposerClass<T>): readonly T[] {
    const all = (this.#all ??= [...this.#interposers].sort(byAge));
    const list = this.#known.get(kind) ?? NONE;
    return isListOf(all, kind, list) ? (list as readonly T[]) : this.#listed(all, kind);
  }

  /** The map has another interposer, or one less. */
  changed(): void {
    this.#all = undefined;
  }

  #listed<T extends Interposer>(all: Entries, kind: InterposerClass<T>): readonly T[] {
    const live = all.filter(([session, interposer]) => isLive(interposer, session));
    const list = live.map(([, interposer]) => interposer).filter((each): each is T => each instanceof kind);
    this.#known.set(kind, list);
    return list;
  }
}

/** Sessions that a restore has taken in came behind younger ones. */
function byAge([, { base: a }]: Entries[number], [, { base: b }]: Entries[number]): number {
  return a.allocated - b.allocated;
}

/** Whether a list is the one of a class still. */
function isListOf(all: Entries, kind: InterposerClass<Interposer>, list: readonly Interposer[]): boolean {
  let count = 0;
  for (let i = 0; i < all.length; i++) {
    const entry = all[i]!;
    if (!(entry[1] instanceof kind) || !isLive(entry[1], entry[0])) continue;
    if (list[count] !== entry[1]) return false;
    count++;
  }
  return count === list.length;
}

function isLive({ base }: Interposer, { unwanted }: Session): boolean {
  return base.capability.valid && !unwanted;
}
