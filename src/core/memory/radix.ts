// A radix tree from whole numbers to positive numbers, in tables: no objects. What is at a number has a gap behind it, and
// every part of the tree knows the widest gap in it, so that a wide one is found without looking where there is none.
//
// A node has 32 slots; those of level 0 are numbers, those of higher levels nodes.
//
//   node n   bits[n]      a bit for each slot in use
//            widest[n]    the largest of its gaps
//            slots, gaps  32 entries each from 32 n on: what is there (0: nothing), and the widest gap in there
//
// I1  No node is empty, and what is not in use is 0; node 0 is none.
// I2  The root covers all numbers that were ever put in.
// Cost: the nodes on the way down, four for 2^20 numbers, whatever is in the tree.
import { assert } from "../../util/index.ts";

const SLOT_BITS = 5;
const SLOTS = 1 << SLOT_BITS;
/** Numbers of so many levels fit into 32 bits. */
const SMALL_LEVELS = 6;
const MOST_LEVELS = 10;
/** Wider gaps count as so wide. */
export const WIDEST_GAP = 2 ** 30;

function slotOf(number: number, level: number): number {
  const shift = level * SLOT_BITS;
  return level < SMALL_LEVELS ? (number >>> shift) & (SLOTS - 1) : Math.floor(number / 2 ** shift) & (SLOTS - 1);
}

/** The last bit of those that are set. */
function lastOf(bits: number): number {
  return 31 - Math.clz32(bits);
}

export class Radix {
  #slots = new Int32Array(16 * SLOTS);
  #gaps = new Int32Array(16 * SLOTS);
  #bits = new Int32Array(16);
  #widest = new Int32Array(16);
  /** Nodes that were made, besides node 0. */
  #nodes = 0;
  readonly #spare: number[] = [];
  #root = 0;
  #levels = 1;
  /** Numbers that the root covers. */
  #covered = SLOTS;
  /** By level: nodes on the way to some number. */
  readonly #path = new Int32Array(MOST_LEVELS);

  get levels(): number {
    return this.#levels;
  }

  /** The widest gap of all. */
  get widest(): number {
    return this.#widest[this.#root]!;
  }

  /** What is at `number`; 0: nothing. */
  at(number: number): number {
    if (!(number >= 0 && number < this.#covered)) return 0;
    const slots = this.#slots;
    let at = this.#root;
    for (let level = this.#levels - 1; at !== 0 && level >= 0; level--) at = slots[at * SLOTS + slotOf(number, level)]!;
    return at;
  }

  /** What is at the last number in use up to `number`; 0: nothing. */
  upTo(number: number): number {
    if (number < 0 || this.#root === 0) return 0;
    if (number >= this.#covered) return this.#lastOf(this.#root, this.#levels - 1);
    const path = this.#path;
    let level = this.#levels - 1;
    let node = this.#root;
    for (; ; level--) {
      path[level] = node;
      const next = this.#slots[node * SLOTS + slotOf(number, level)]!;
      if (next === 0) break;
      if (level === 0) return next;
      node = next;
    }
    for (; level < this.#levels; level++) {
      const below = this.#bits[path[level]!]! & ((1 << slotOf(number, level)) - 1);
      if (below === 0) continue;
      const found = this.#slots[path[level]! * SLOTS + lastOf(below)]!;
      return level === 0 ? found : this.#lastOf(found, level - 1);
    }
    return 0;
  }

  #lastOf(node: number, top: number): number {
    let at = node;
    for (let level = top; level >= 0; level--) at = this.#slots[at * SLOTS + lastOf(this.#bits[at]!)]!;
    return at;
  }

  /** Puts a positive number at one that is not in use, with no gap behind it. */
  put(number: number, content: number): void {
    this.#cover(number);
    this.#reserve();
    let node = this.#root;
    if (node === 0) this.#root = node = this.#newNode();
    for (let level = this.#levels - 1; ; level--) {
      const slot = slotOf(number, level);
      const at = node * SLOTS + slot;
      let next = level === 0 ? content : this.#slots[at]!;
      if (next === 0) next = this.#newNode();
      this.#slots[at] = next;
      this.#bits[node]! |= 1 << slot;
      if (level === 0) return;
      node = next;
    }
  }

  /** Takes out what is at a number in use. */
  clear(number: number): void {
    this.setGap(number, 0);
    const path = this.#path;
    for (let level = 0; level < this.#levels; level++) {
      const node = path[level]!;
      const slot = slotOf(number, level);
      this.#slots[node * SLOTS + slot] = 0;
      this.#bits[node]! &= ~(1 << slot);
      if (this.#bits[node] !== 0) return;
      this.#spare.push(node);
    }
    this.#root = 0;
  }

  /** The gap behind a number in use is this. */
  setGap(number: number, gap: number): void {
    this.#descend(number);
    const path = this.#path;
    const widests = this.#widest;
    let widest = Math.min(gap, WIDEST_GAP);
    for (let level = 0; level < this.#levels; level++) {
      const node = path[level]!;
      const at = node * SLOTS + slotOf(number, level);
      const before = this.#gaps[at]!;
      const most = widests[node]!;
      this.#gaps[at] = widest;
      if (widest < most) {
        if (before < most) return;
        widest = this.#widestOf(node);
      }
      if (widest === most) return;
      widests[node] = widest;
    }
  }

  #widestOf(node: number): number {
    const gaps = this.#gaps;
    let most = 0;
    for (let at = node * SLOTS; at < (node + 1) * SLOTS; at++) if (gaps[at]! > most) most = gaps[at]!;
    return most;
  }

  /** What is at the first number behind a number in use with a gap of `wide`, which is not 0; 0: nothing. */
  wideBehind(number: number, wide: number): number {
    if (this.widest < wide) return 0;
    this.#descend(number);
    for (let level = 0; level < this.#levels; level++) {
      const found = this.#wideFrom(this.#path[level]!, slotOf(number, level) + 1, level, wide);
      if (found !== 0) return found;
    }
    return 0;
  }

  /** As `wideBehind`, of all numbers. */
  firstWide(wide: number): number {
    return this.#wideFrom(this.#root, 0, this.#levels - 1, wide);
  }

  #wideFrom(node: number, slot: number, top: number, wide: number): number {
    if (this.#widest[node]! < wide) return 0;
    const gaps = this.#gaps;
    const end = (node + 1) * SLOTS;
    let at = node * SLOTS + slot;
    while (at < end && gaps[at]! < wide) at++;
    if (at === end) return 0;
    let found = this.#slots[at]!;
    for (let level = top; level > 0; level--) {
      at = found * SLOTS;
      while (gaps[at]! < wide) at++;
      found = this.#slots[at]!;
    }
    return found;
  }

  /** Leaves the nodes on the way to a number in use in `#path`. */
  #descend(number: number): void {
    const path = this.#path;
    let node = this.#root;
    for (let level = this.#levels - 1; level > 0; level--) {
      path[level] = node;
      node = this.#slots[node * SLOTS + slotOf(number, level)]!;
    }
    path[0] = node;
  }

  /** The root reaches to a number. */
  #cover(number: number): void {
    while (number >= this.#covered) {
      assert(this.#levels < MOST_LEVELS, "numbers have at most 50 bits");
      this.#levels++;
      this.#covered *= SLOTS;
      const before = this.#root;
      if (before === 0) continue;
      this.#reserve();
      this.#root = this.#newNode();
      this.#bits[this.#root] = 1;
      this.#slots[this.#root * SLOTS] = before;
      this.#gaps[this.#root * SLOTS] = this.#widest[this.#root] = this.#widest[before]!;
    }
  }

  /** There is room for what one number may need. */
  #reserve(): void {
    const before = this.#bits.length;
    if (this.#nodes + MOST_LEVELS + 1 <= before) return;
    this.#slots = grown(this.#slots, 2 * before * SLOTS);
    this.#gaps = grown(this.#gaps, 2 * before * SLOTS);
    this.#bits = grown(this.#bits, 2 * before);
    this.#widest = grown(this.#widest, 2 * before);
  }

  #newNode(): number {
    return this.#spare.pop() ?? ++this.#nodes;
  }
}

function grown(table: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(table);
  return larger;
}
