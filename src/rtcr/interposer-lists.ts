// A child's interposers by class, as a checkpoint asks for them in its pause: the same list as the last time if it still holds.
import type { Session } from "../init/index.ts";
import type { Interposer } from "./tracked-child.ts";

export type InterposerClass<T extends Interposer> = new (...args: never[]) => T;

const NONE: readonly Interposer[] = [];

export class InterposerLists {
  readonly #interposers: ReadonlyMap<Session, Interposer>;
  readonly #known = new Map<unknown, readonly Interposer[]>();
  // What `#visit` compares.
  #kind: InterposerClass<Interposer> | undefined;
  #list: readonly Interposer[] = [];
  #count = 0;
  #same = true;
  readonly #visit = (interposer: Interposer, session: Session) => {
    if (!(interposer instanceof this.#kind!) || !isLive(interposer, session)) return;
    if (this.#list[this.#count] !== interposer) this.#same = false;
    this.#count++;
  };

  constructor(interposers: ReadonlyMap<Session, Interposer>) {
    this.#interposers = interposers;
  }

  /** Oldest first; without those whose server has ended, or that the child has closed. */
  of<T extends Interposer>(kind: InterposerClass<T>): readonly T[] {
    this.#kind = kind;
    this.#list = this.#known.get(kind) ?? NONE;
    this.#count = 0;
    this.#same = true;
    this.#interposers.forEach(this.#visit);
    if (this.#same && this.#count === this.#list.length) return this.#list as readonly T[];
    const live = [...this.#interposers].filter(([session, interposer]) => isLive(interposer, session));
    const list = live.map(([, interposer]) => interposer).filter((each): each is T => each instanceof kind);
    this.#known.set(kind, list);
    return list;
  }
}

function isLive({ base }: Interposer, { unwanted }: Session): boolean {
  return base.capability.valid && !unwanted;
}
