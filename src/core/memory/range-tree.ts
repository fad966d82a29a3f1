// Ranges of numbers that do not overlap, and the free places between them.
//
// An AVL tree by address. Every node knows the first start, the last end and the widest gap inside its subtree, so that
// a free place is found without looking at the subtrees in which none is wide enough.
//
// I1  Ranges lie within [start, end), are not empty and do not overlap.
// I2  `gap` of a node is the widest gap between neighbours of its subtree; gaps at the subtree's edges belong to whoever
//     is above.
// Cost: at, insert, remove O(log n). find O(log n) plus at most `misfits` places per alignment that are wide enough but
// wrongly placed. Rejected: bins by size (no smallest address), a list of free ranges (two structures to keep in step),
// blocks of 256 neighbours in arrays (with 100,000 ranges the same for removals, three times slower for places), a radix
// tree over pages (docs/RATIONALE.md).

/** Half-open, in whatever unit the owner counts. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

interface Node<T extends Range> {
  range: T;
  /** Those of `range`, for walks that need nothing else. */
  start: number;
  end: number;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
  height: number;
  first: number;
  last: number;
  gap: number;
}

export class RangeTree<T extends Range> {
  readonly start: number;
  readonly end: number;
  readonly #misfits: number;
  #root: Node<T> | undefined;
  #count = 0;

  constructor(start: number, end: number, misfits: number) {
    this.start = start;
    this.end = end;
    this.#misfits = misfits;
  }

  get count(): number {
    return this.#count;
  }

  /** Nodes on the longest way down: what operations cost at most, times a constant. */
  get height(): number {
    return this.#root?.height ?? 0;
  }

  /** The range that holds `address`. */
  at(address: number): T | undefined {
    let node = this.#root;
    while (node) {
      if (address < node.start) node = node.left;
      else if (address >= node.end) node = node.right;
      else return node.range;
    }
    return undefined;
  }

  /** The first range that ends behind `address`. */
  from(address: number): T | undefined {
    let node = this.#root;
    let found: T | undefined;
    while (node) {
      if (node.end <= address) {
        node = node.right;
      } else {
        found = node.range;
        node = node.left;
      }
    }
    return found;
  }

  /** Ranges that overlap [start, end), ascending; the tree must not change meanwhile, except behind the last one given. */
  *overlapping(start: number, end: number): Generator<T, void> {
    for (let next = this.from(start); next && next.start < end; next = this.from(next.end)) yield next;
  }

  /** Whether [start, end) lies inside and overlaps nothing. */
  free(start: number, end: number): boolean {
    if (!(start >= this.start && start < end && end <= this.end)) return false;
    const next = this.from(start);
    return !next || next.start >= end;
  }

  /** Adds a range. @returns false, and nothing has changed, if its place is not free */
  insert(range: T): boolean {
    if (!this.free(range.start, range.end)) return false;
    this.#root = insertInto(this.#root, range);
    this.#count++;
    return true;
  }

  /** Takes out the range that begins at `start`; harmless if there is none. */
  remove(start: number): void {
    const found = this.at(start);
    if (!found || found.start !== start) return;
    this.#root = removeFrom(this.#root, start);
    this.#count--;
  }

  /**
   * The lowest free place of `size` at or above `lowest`, at a multiple of `align`; if it is not found among the places
   * looked at, one at a place that is wide enough for any alignment.
   */
  find(size: number, align: number, lowest: number = this.start): number | undefined {
    const low = Math.max(lowest, this.start);
    const search = { size, wide: size, align, lowest: low, left: this.#misfits };
    const found = findIn(this.#root, this.start, this.end, search);
    if (found !== undefined || search.left > 0) return found;
    return findIn(this.#root, this.start, this.end, { size, wide: size + align, align, lowest: low, left: Infinity });
  }
}

interface Search {
  readonly size: number;
  /** Gaps below this are not looked at. */
  readonly wide: number;
  readonly align: number;
  readonly lowest: number;
  left: number;
}

function findIn<T extends Range>(
  node: Node<T> | undefined,
  low: number,
  high: number,
  search: Search,
): number | undefined {
  if (high - low < search.wide || high - search.lowest < search.size || search.left <= 0) return undefined;
  if (!node) return fit(low, high, search);
  if (Math.max(node.gap, node.first - low, high - node.last) < search.wide) return undefined;
  return findIn(node.left, low, node.start, search) ?? findIn(node.right, node.end, high, search);
}

function fit(low: number, high: number, search: Search): number | undefined {
  const at = Math.ceil(Math.max(low, search.lowest) / search.align) * search.align;
  if (at + search.size <= high) return at;
  search.left--;
  return undefined;
}

function update<T extends Range>(node: Node<T>): Node<T> {
  const { left, right, start, end } = node;
  node.height = 1 + Math.max(left?.height ?? 0, right?.height ?? 0);
  node.first = left ? left.first : start;
  node.last = right ? right.last : end;
  let gap = 0;
  if (left) gap = Math.max(left.gap, start - left.last);
  if (right) gap = Math.max(gap, right.gap, right.first - end);
  node.gap = gap;
  return node;
}

function lean<T extends Range>(node: Node<T>): number {
  return (node.left?.height ?? 0) - (node.right?.height ?? 0);
}

function rotateRight<T extends Range>(node: Node<T>): Node<T> {
  const top = node.left!;
  node.left = top.right;
  top.right = update(node);
  return update(top);
}

function rotateLeft<T extends Range>(node: Node<T>): Node<T> {
  const top = node.right!;
  node.right = top.left;
  top.left = update(node);
  return update(top);
}

function balance<T extends Range>(node: Node<T>): Node<T> {
  update(node);
  const leaning = lean(node);
  if (leaning > 1) {
    if (lean(node.left!) < 0) node.left = rotateLeft(node.left!);
    return rotateRight(node);
  }
  if (leaning < -1) {
    if (lean(node.right!) > 0) node.right = rotateRight(node.right!);
    return rotateLeft(node);
  }
  return node;
}

function insertInto<T extends Range>(node: Node<T> | undefined, range: T): Node<T> {
  if (!node) {
    const { start, end } = range;
    return { range, start, end, left: undefined, right: undefined, height: 1, first: start, last: end, gap: 0 };
  }
  if (range.start < node.start) node.left = insertInto(node.left, range);
  else node.right = insertInto(node.right, range);
  return balance(node);
}

function removeFrom<T extends Range>(node: Node<T> | undefined, start: number): Node<T> | undefined {
  if (!node) return undefined;
  if (start < node.start) node.left = removeFrom(node.left, start);
  else if (start > node.start) node.right = removeFrom(node.right, start);
  else if (!node.left) return node.right;
  else if (!node.right) return node.left;
  else {
    let next = node.right;
    while (next.left) next = next.left;
    node.range = next.range;
    node.start = next.start;
    node.end = next.end;
    node.right = removeFrom(node.right, next.start);
  }
  return balance(node);
}
