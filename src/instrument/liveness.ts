// Liveness of locals at safe points: which locals may still be read after a thread has stood there.
//
// A backward walk over the structured instructions. A label's set is known when the walk meets a branch to it, but
// for loops, whose head lies before the branch: those start empty, and an outermost loop is walked again until no head
// in it grows (the depth of the nest bounds the repetitions). Instructions that may throw (calls, throws) also see
// what the handlers of every enclosing try need; traps cannot be caught and do not count.
//
// Sets are rows of `words` words in one array, which is kept and reused; a row is named by its offset:
//   CURRENT             what is live at the point of the walk
//   #row(depth, kind)   for each open block: what is live at its end, at its else, at the head of a loop (HEAD), at
//                       legacy handlers, and in handlers reached from a throw (THROWN)
// Rows that would only repeat another are not written: `#labelAt` and `#thrownAt` say which row stands for a block's
// label and for its handlers. The result follows from the original body alone.

import { type Body, OP } from "../wasm/index.ts";
import { PLAN_LIMITS, requireBelow } from "./limits.ts";

const CURRENT = 0;
const END = 0;
const ELSE = 1;
const HEAD = 2;
const HANDLERS = 3;
const THROWN = 4;
const KINDS = 5;

/** Live locals at chosen instructions of one body after the other. */
export class Liveness {
  /** Words of one set. */
  words = 0;
  #sites = new Uint32Array(0);
  #rows = new Uint32Array(1024);
  #labelAt = new Int32Array(64);
  #thrownAt = new Int32Array(64);
  /** What is live at the heads of loops, row by row, as far as it is known. */
  #heads = new Uint32Array(64);
  /** Offset in `#heads` by the loop's instruction. */
  readonly #headAt = new Map<number, number>();
  #depth = 0;
  /** Open loops. */
  #nest = 0;
  /** Whether a head has grown in the current walk over an outermost loop. */
  #grew = false;

  /**
   * Computes the sets of `sites` sites of `body`.
   *
   * @param siteAt for each instruction the site that stands there, plus one; 0 for none
   * @throws WasmFault "too-large" if there are too many locals for that many sites or open blocks
   */
  analyse(body: Body, siteAt: Int32Array, sites: number): void {
    this.words = Math.max(1, (body.locals.length + 31) >>> 5);
    const size = this.words * sites;
    requireBelow(size, PLAN_LIMITS.liveWords, "words for live locals at safe points", body);
    if (this.#sites.length < size) this.#sites = new Uint32Array(size);
    else this.#sites.fill(0, 0, size);
    this.#reserve(body, 1);
    if (this.#headAt.size) this.#headAt.clear();
    this.#walk(body, siteAt);
  }

  /** Adds the set of `site` to `set`, which has `words` words. */
  addTo(set: Uint32Array, site: number): void {
    const from = site * this.words;
    for (let word = 0; word < this.words; word++) set[word]! |= this.#sites[from + word]!;
  }

  /** Walks from the end to the start. */
  #walk(body: Body, siteAt: Int32Array): void {
    const { op, a, count } = body;
    this.#depth = 0;
    this.#nest = 0;
    this.#clear(CURRENT);
    for (let at = count - 1; at >= 0; at--) {
      const code = op[at]!;
      if (code > OP.localTee) {
        if (code === OP.brOnNull || code === OP.brOnNonNull) this.#unite(CURRENT, this.#label(a[at]!));
        if (siteAt[at]) this.#record(siteAt[at]! - 1);
      } else if (code === OP.localGet) {
        this.#rows[a[at]! >>> 5]! |= 1 << (a[at]! & 31);
      } else if (code >= OP.localSet) {
        this.#rows[a[at]! >>> 5]! &= ~(1 << (a[at]! & 31));
      } else if (code === OP.call || code === OP.callIndirect || code === OP.callRef) {
        this.#unite(CURRENT, this.#thrownAt[this.#depth - 1]!);
        if (siteAt[at]) this.#record(siteAt[at]! - 1);
      } else if (code === OP.loop) {
        if (siteAt[at]) this.#record(siteAt[at]! - 1);
        if (this.#leaveLoop(at)) at = body.match[at]!;
      } else {
        this.#control(body, at, code);
      }
    }
    if (siteAt[count]) this.#record(siteAt[count]! - 1);
  }

  #control(body: Body, at: number, code: number): void {
    const top = this.#depth - 1;
    switch (code) {
      case OP.end:
      case OP.delegate:
        this.#enter(body, body.match[at]!);
        return;
      case OP.br:
        this.#copy(CURRENT, this.#label(body.a[at]!));
        return;
      case OP.brIf:
        this.#unite(CURRENT, this.#label(body.a[at]!));
        return;
      case OP.brTable:
        this.#clear(CURRENT);
        for (const label of body.labels.get(at)!) this.#unite(CURRENT, this.#label(label));
        return;
      case OP.throw:
      case OP.throwRef:
      case OP.rethrow:
        this.#copy(CURRENT, this.#thrownAt[top]!);
        return;
      case OP.return:
      case OP.unreachable:
      case OP.returnCall:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        this.#clear(CURRENT);
        return;
      case OP.else:
        this.#copy(this.#row(top, ELSE), CURRENT);
        this.#copy(CURRENT, this.#row(top, END));
        return;
      case OP.if:
        this.#unite(CURRENT, this.#row(top, body.op[body.next[at]!] === OP.else ? ELSE : END));
        this.#depth--;
        return;
      case OP.catch:
      case OP.catchAll:
        this.#leaveHandler(body, at);
        return;
      case OP.block:
      case OP.try:
      case OP.tryTable:
        this.#depth--;
    }
  }

  /** Comes to a block from its end; `opener` is -1 for the function. */
  #enter(body: Body, opener: number): void {
    const top = this.#depth++;
    this.#reserve(body, this.#depth);
    const code = opener < 0 ? OP.block : body.op[opener]!;
    const end = this.#row(top, END);
    this.#labelAt[top] = end;
    if (opener < 0) this.#clear(end);
    else this.#copy(end, CURRENT);
    const thrown = this.#row(top, THROWN);
    this.#thrownAt[top] = top === 0 ? thrown : this.#thrownAt[top - 1]!;
    if (top === 0) this.#clear(thrown);
    if (code === OP.loop) this.#enterLoop(opener, top);
    if (code !== OP.try && code !== OP.tryTable) return;
    this.#clear(this.#row(top, HANDLERS));
    this.#copy(thrown, this.#thrownAt[top]!);
    this.#thrownAt[top] = thrown;
    for (const clause of body.catches.get(opener) ?? []) this.#unite(thrown, this.#labelAt[top - 1 - clause.label]!);
  }

  #enterLoop(opener: number, top: number): void {
    if (this.#nest++ === 0) this.#grew = false;
    this.#labelAt[top] = this.#row(top, HEAD);
    let head = this.#headAt.get(opener);
    if (head === undefined) {
      head = this.#headAt.size * this.words;
      this.#headAt.set(opener, head);
      if (this.#heads.length < head + this.words) this.#heads = grown(this.#heads, head + this.words);
      this.#heads.fill(0, head, head + this.words);
    }
    for (let word = 0; word < this.words; word++) this.#rows[this.#labelAt[top]! + word] = this.#heads[head + word]!;
  }

  /** At the head of a loop; whether its body must be walked again, from its end. */
  #leaveLoop(at: number): boolean {
    const head = this.#headAt.get(at)!;
    for (let word = 0; word < this.words; word++) {
      const united = (this.#heads[head + word]! | this.#rows[word]!) >>> 0;
      if (united === this.#heads[head + word]) continue;
      this.#heads[head + word] = united;
      this.#grew = true;
    }
    this.#depth--;
    if (--this.#nest > 0 || !this.#grew) return false;
    const top = this.#depth++;
    this.#copy(CURRENT, this.#row(top, END));
    this.#enterLoop(at, top);
    return true;
  }

  /** At a legacy catch: what its body needs, every call of the try's body needs. */
  #leaveHandler(body: Body, at: number): void {
    const top = this.#depth - 1;
    this.#unite(this.#row(top, HANDLERS), CURRENT);
    this.#copy(CURRENT, this.#row(top, END));
    if (body.next[body.match[at]!] === at) this.#unite(this.#row(top, THROWN), this.#row(top, HANDLERS));
  }

  #label(label: number): number {
    return this.#labelAt[this.#depth - 1 - label]!;
  }

  #record(site: number): void {
    const to = site * this.words;
    for (let word = 0; word < this.words; word++) this.#sites[to + word] = this.#rows[word]!;
  }

  #row(depth: number, kind: number): number {
    return (1 + depth * KINDS + kind) * this.words;
  }

  /** Makes room for `depth` open blocks. */
  #reserve(body: Body, depth: number): void {
    const size = this.#row(depth, 0);
    requireBelow(size, PLAN_LIMITS.liveWords, "words for live locals in open blocks", body);
    if (this.#rows.length < size) this.#rows = grown(this.#rows, size);
    if (this.#labelAt.length >= depth) return;
    const larger = [new Int32Array(depth * 2), new Int32Array(depth * 2)] as const;
    larger[0].set(this.#labelAt);
    larger[1].set(this.#thrownAt);
    [this.#labelAt, this.#thrownAt] = larger;
  }

  #clear(row: number): void {
    const rows = this.#rows;
    for (let word = 0; word < this.words; word++) rows[row + word] = 0;
  }

  #copy(target: number, source: number): void {
    const rows = this.#rows;
    for (let word = 0; word < this.words; word++) rows[target + word] = rows[source + word]!;
  }

  #unite(target: number, source: number): void {
    const rows = this.#rows;
    for (let word = 0; word < this.words; word++) rows[target + word]! |= rows[source + word]!;
  }
}

function grown(array: Uint32Array<ArrayBuffer>, size: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(size * 2);
  larger.set(array);
  return larger;
}
