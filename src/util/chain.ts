// Chains: sets whose elements know their neighbours, in the order in which they came. Nothing is made and nothing is hashed
// for an element, and taking one out costs the same however many there are. An element is in one chain at a time.

/** What an element carries; the chain's own. */
export interface Linked<T extends Linked<T>> {
  chain: Chain<T> | undefined;
  older: T | undefined;
  newer: T | undefined;
}

export class Chain<T extends Linked<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** From here `newer` leads to all of them. */
  get oldest(): T | undefined {
    return this.#oldest;
  }

  has(element: T): boolean {
    return element.chain === this;
  }

  /** Adds an element of no chain. */
  add(element: T): void {
    const before = this.#newest;
    element.chain = this;
    element.older = before;
    if (before) before.newer = element;
    else this.#oldest = element;
    this.#newest = element;
    this.#size++;
  }

  /** @returns whether it was there */
  delete(element: T): boolean {
    if (element.chain !== this) return false;
    const { older, newer } = element;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    element.chain = undefined;
    element.older = undefined;
    element.newer = undefined;
    this.#size--;
    return true;
  }

  /** Makes nothing. `visit` may take out the element that it is given. */
  forEach(visit: (element: T) => void): void {
    for (let element = this.#oldest; element; ) {
      const { newer } = element;
      visit(element);
      element = newer;
    }
  }

  /** Whoever iterates may take out what it was given. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let element = this.#oldest; element; ) {
      const { newer } = element;
      yield element;
      element = newer;
    }
  }
}
