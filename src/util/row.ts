// Rows: sets whose elements know their places, in the order in which they came. Nothing is made and nothing is hashed for an
// element, and adding one or taking one out costs the same (by and by) however many there are. An element is in one row at a
// time.
//
// As a chain (chain.ts), but for sets whose elements are of many classes: of an element it looks at one field only, which is
// what costs when the engine cannot know where it lies.
//
// I1  What is taken out leaves a gap, except at the end while nobody visits: what is added lies behind whoever is visited. There
//     are at most as many gaps as elements, and FEW; more only until something is taken out while nobody visits.

/** What an element carries; the row's own. Whoever makes one says 0. */
export interface Placed {
  place: number;
}

const FEW = 64;

export class Row<T extends Placed> {
  readonly #elements: (T | undefined)[] = [];
  #size = 0;
  #visits = 0;

  get size(): number {
    return this.#size;
  }

  get newest(): T | undefined {
    const elements = this.#elements;
    let last = elements.length - 1;
    while (last >= 0 && elements[last] === undefined) last--;
    return last < 0 ? undefined : elements[last];
  }

  /** Adds an element of no row. */
  add(element: T): void {
    const elements = this.#elements;
    element.place = elements.length;
    elements.push(element);
    this.#size++;
  }

  /** @returns whether it was there */
  delete(element: T): boolean {
    const elements = this.#elements;
    const { place } = element;
    if (place >= elements.length || elements[place] !== element) return false;
    elements[place] = undefined;
    this.#size--;
    if (this.#visits > 0) return true;
    if (place === elements.length - 1) this.#cut();
    else if (elements.length > 2 * this.#size + FEW) this.#close();
    return true;
  }

  /** Makes nothing. `visit` may take out and add any: what is added is visited. */
  forEach(visit: (element: T) => void): void {
    const elements = this.#elements;
    this.#visits++;
    try {
      for (let place = 0; place < elements.length; place++) {
        const element = elements[place];
        if (element !== undefined) visit(element);
      }
    } finally {
      if (--this.#visits === 0) this.#cut();
    }
  }

  /** As `forEach`. */
  *[Symbol.iterator](): Generator<T, void> {
    const elements = this.#elements;
    this.#visits++;
    try {
      for (let place = 0; place < elements.length; place++) {
        const element = elements[place];
        if (element !== undefined) yield element;
      }
    } finally {
      if (--this.#visits === 0) this.#cut();
    }
  }

  /** The last place is no gap. */
  #cut(): void {
    const elements = this.#elements;
    while (elements.length > 0 && elements[elements.length - 1] === undefined) elements.pop();
  }

  #close(): void {
    const elements = this.#elements;
    let end = 0;
    for (let place = 0; place < elements.length; place++) {
      const element = elements[place];
      if (element === undefined) continue;
      element.place = end;
      elements[end++] = element;
    }
    elements.length = end;
  }
}
