// Liveness of locals at safe points: which locals may still be read after a thread has stood there.
//
// A backward walk over the structured instructions. A label's set is known when the walk meets a branch to it, but
// for loops, whose head lies before the branch: those start empty and the walk is repeated until none grows (the
// depth of the loop nest bounds the repetitions). Instructions that may throw (calls, throws) also see what the
// handlers of every enclosing try need; traps cannot be caught and do not count.
//
// Sets are bit sets in Uint32Arrays, kept and reused. The result follows from the original body alone.

import { type Body, OP } from "../wasm/index.ts";

/** Live locals at chosen instructions of one body after the other. */
export class Liveness {
  /** Words of one set. */
  words = 0;
  #sites = new Uint32Array(0);
  #current = new Uint32Array(0);
  readonly #labels: Uint32Array[] = [];
  readonly #ends: Uint32Array[] = [];
  readonly #elses: Uint32Array[] = [];
  readonly #handlers: Uint32Array[] = [];
  readonly #thrown: Uint32Array[] = [];
  readonly #heads = new Map<number, Uint32Array>();
  #depth = 0;

  /**
   * Computes the sets of `sites` sites of `body`.
   *
   * @param siteAt for each instruction the site that stands there, plus one; 0 for none
   */
  analyse(body: Body, siteAt: Int32Array, sites: number): void {
    this.words = Math.max(1, (body.locals.length + 31) >>> 5);
    this.#current = new Uint32Array(this.words);
    this.#sites = new Uint32Array(this.words * sites);
    this.#heads.clear();
    while (this.#walk(body, siteAt));
  }

  /** Whether `local` is live at `site` (numbered from 0). */
  live(site: number, local: number): boolean {
    return ((this.#sites[site * this.words + (local >>> 5)]! >>> (local & 31)) & 1) === 1;
  }

  /** One walk from the end to the start; whether a loop's set grew, so that another is needed. */
  #walk(body: Body, siteAt: Int32Array): boolean {
    const { op, a, count, match } = body;
    const current = this.#current;
    let grew = false;
    this.#depth = 0;
    current.fill(0);
    for (let at = count - 1; at >= 0; at--) {
      const code = op[at]!;
      if (code > OP.localTee) {
        if (code === OP.brOnNull || code === OP.brOnNonNull) unite(current, this.#label(a[at]!));
        if (siteAt[at]) this.#record(siteAt[at]! - 1);
        continue;
      }
      switch (code) {
        case OP.localGet: {
          const local = a[at]!;
          current[local >>> 5]! |= 1 << (local & 31);
          break;
        }
        case OP.localSet:
        case OP.localTee: {
          const local = a[at]!;
          current[local >>> 5]! &= ~(1 << (local & 31));
          break;
        }
        case OP.end:
        case OP.delegate:
          this.#enter(body, match[at]!);
          break;
        case OP.loop:
          if (siteAt[at]) this.#record(siteAt[at]! - 1);
          grew = unite(this.#heads.get(at)!, current) || grew;
          this.#depth--;
          break;
        case OP.call:
        case OP.callIndirect:
        case OP.callRef:
          unite(current, this.#thrown[this.#depth - 1]!);
          if (siteAt[at]) this.#record(siteAt[at]! - 1);
          break;
        default:
          this.#control(body, at, code);
      }
    }
    if (siteAt[count]) this.#record(siteAt[count]! - 1);
    return grew;
  }

  #control(body: Body, at: number, code: number): void {
    const current = this.#current;
    const top = this.#depth - 1;
    switch (code) {
      case OP.br:
        current.set(this.#label(body.a[at]!));
        return;
      case OP.brIf:
        unite(current, this.#label(body.a[at]!));
        return;
      case OP.brTable:
        current.fill(0);
        for (const label of body.labels.get(at)!) unite(current, this.#label(label));
        return;
      case OP.throw:
      case OP.throwRef:
      case OP.rethrow:
        current.set(this.#thrown[top]!);
        return;
      case OP.return:
      case OP.unreachable:
      case OP.returnCall:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        current.fill(0);
        return;
      case OP.else:
        this.#elses[top]!.set(current);
        current.set(this.#ends[top]!);
        return;
      case OP.if:
        unite(current, body.op[body.next[at]!] === OP.else ? this.#elses[top]! : this.#ends[top]!);
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
    for (const sets of [this.#labels, this.#ends, this.#elses, this.#handlers, this.#thrown]) {
      if (sets[top]?.length !== this.words) sets[top] = new Uint32Array(this.words);
    }
    this.#ends[top]!.set(this.#current);
    this.#handlers[top]!.fill(0);
    const thrown = this.#thrown[top]!;
    if (top === 0) thrown.fill(0);
    else thrown.set(this.#thrown[top - 1]!);
    if (opener < 0) {
      this.#labels[top]!.fill(0);
      return;
    }
    if (body.op[opener] === OP.loop) {
      let head = this.#heads.get(opener);
      if (!head) this.#heads.set(opener, (head = new Uint32Array(this.words)));
      this.#labels[top]!.set(head);
      return;
    }
    this.#labels[top]!.set(this.#current);
    for (const clause of body.catches.get(opener) ?? []) unite(thrown, this.#labels[top - 1 - clause.label]!);
  }

  /** At a legacy catch: what its body needs, every call of the try's body needs. */
  #leaveHandler(body: Body, at: number): void {
    const top = this.#depth - 1;
    unite(this.#handlers[top]!, this.#current);
    this.#current.set(this.#ends[top]!);
    if (body.next[body.match[at]!] === at) unite(this.#thrown[top]!, this.#handlers[top]!);
  }

  #label(label: number): Uint32Array {
    return this.#labels[this.#depth - 1 - label]!;
  }

  #record(site: number): void {
    this.#sites.set(this.#current, site * this.words);
  }
}

/** Adds `source` to `target`; whether `target` grew. */
function unite(target: Uint32Array, source: Uint32Array): boolean {
  let grew = false;
  for (let word = 0; word < target.length; word++) {
    const united = (target[word]! | source[word]!) >>> 0;
    if (united !== target[word]) {
      target[word] = united;
      grew = true;
    }
  }
  return grew;
}
