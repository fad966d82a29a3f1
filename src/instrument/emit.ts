// Writes instrumented code: the original instructions byte for byte, with insertions at the plan's marks.
//
// An emitter is used for the shipped function and for continuations alike. It writes runs of unmarked instructions as
// one copy and treats by itself only
//   - sites: the site number before a call, a poll at loop heads and the entry, operations in pieces
//   - tees behind instructions whose results a frame must hold
//   - branches, when blocks were inserted around or between the original's (labels are physical - see `#labels`)
//   - functions and tags, where the module written into numbers them differently
//   - handlers that would swallow the freeze: they let it pass first
//   - locals of types without a default value, which are declared nullable so that the handler can read them
//
// Not here: what goes around a body (frame-code.ts), where to begin in the middle (continuation.ts), single instructions
// (code-writer.ts). Above 400 lines, because everything in it moves the same position through the same body.

import { asNullable, BLOCK_EMPTY, I32, isNullable, isRef, OP, type ValueType } from "../wasm/index.ts";
import { type Caught, closeCaught, openCaught } from "./caught.ts";
import { CodeWriter } from "./code-writer.ts";
import { mostTurnsOf } from "./counted-loops.ts";
import { closeCopy, closeMinedLoop, closeRound, openCopy, openMinedLoop, openRound } from "./emit-loops.ts";
import { emitPieces } from "./emit-pieces.ts";
import { bodyCopies, loopTurns } from "./loops.ts";
import { MARK, type Plan, type Site } from "./plan.ts";
import type { Space } from "./space.ts";
import { emitGrowth, FunctionWindows } from "./windows.ts";
import { accessOf } from "./windows-accesses.ts";
import type { GuardedLoop } from "./windows-loops.ts";
import type { Region } from "./windows-regions.ts";
import { growTableFunction } from "./windows-slow.ts";

/** Slots of temporaries that are no operand slots. */
export const OWN_SLOT = { site: 1 << 20, record: (1 << 20) + 1, fuel: (1 << 20) + 2, outcome: (1 << 20) + 3,
  limit: (1 << 20) + 4, bounds: (1 << 20) + 8, operand: (1 << 20) + 10, distance: (1 << 20) + 20 } as const; // biome-ignore format: one list

/** Behind every body: there is nothing to copy. */
const NO_RUN = 2 ** 31;

const SPECIAL: readonly number[] = [
  OP.block, OP.loop, OP.if, OP.else, OP.try, OP.catch, OP.catchAll, OP.tryTable, OP.end, OP.delegate, OP.throw,
]; // biome-ignore format: one list
const BRANCHES: readonly number[] = [OP.br, OP.brIf, OP.brTable, OP.rethrow, OP.brOnNull, OP.brOnNonNull];
const FUNCTIONS: readonly number[] = [OP.call, OP.returnCall, OP.refFunc];
const CALLS: readonly number[] = [OP.call, OP.callIndirect, OP.callRef];
const SEGMENTS: readonly number[] = [OP.memoryInit, OP.dataDrop, OP.tableInit, OP.elementDrop];

export class Emitter extends CodeWriter {
  plan!: Plan;
  /** Physical index of the block that a freeze must leave through; -1 if it needs none (legacy exceptions, no handler). */
  handler = -1;
  /** Physical blocks that are open, the function included. */
  physical = 0;
  /** Physical index of every open block of the original, the function first. */
  readonly labels: number[] = [];
  /** Whether a freeze may leave through this function, so that its frame is saved. */
  framed = false;
  /** Undefined in functions without windows. */
  windows: FunctionWindows | undefined;
  /** By open block of the original: the handler whose body is being written, if its exception may be thrown again. */
  readonly caught: (Caught | undefined)[] = [];
  /** Where the run begins that is not copied yet. */
  #from = NO_RUN;
  /** 1 for instructions that are not merely copied, by opcode. */
  readonly #special = new Uint8Array(0x450);
  /** Strip-mined loops that are open, and the physical index of the block around each. */
  readonly #mined = new Map<number, number>();
  #siteLocal = 0;
  #inRegion = false;
  /** Whether a guarded loop is being written without checks. */
  #plain = false;
  #parameters = 0;

  constructor(space: Space) {
    super(space);
    const growth = space.growth ? [OP.tableGrow] : [];
    for (const list of [SPECIAL, BRANCHES, this.space.relocated ? FUNCTIONS : [], SEGMENTS, growth]) {
      for (const code of list) this.#special[code] = 1;
    }
  }

  /**
   * Starts a new function.
   *
   * @param parameters how many of the original's parameters are parameters here; the others are locals
   */
  begin(plan: Plan, parameters = plan.body.params): void {
    this.plan = plan;
    this.#parameters = parameters;
    this.#from = NO_RUN;
    this.code.clear();
    this.hints.length = 0;
    this.labels.length = 0;
    this.caught.length = 0;
    this.framed = false;
    this.handler = -1;
    this.physical = 0;
    const nonNull = plan.body.locals.some((type, local) => local >= parameters && isRef(type) && !isNullable(type));
    this.#special[OP.localGet] = this.#special[OP.localTee] = nonNull ? 1 : 0;
    this.#siteLocal = plan.temporary(OWN_SLOT.site, I32);
    const { windows } = this.space;
    this.windows = windows?.windowed(plan.function) ? new FunctionWindows(this, windows) : undefined;
    for (const code of CALLS) this.#special[code] = this.windows?.refreshes ? 1 : 0;
    if (this.space.relocated) this.#special[OP.call] = 1;
  }

  /** Writes the instructions from `first` up to `last`, exclusive. */
  instructions(first: number, last: number): void {
    const { op, start, match } = this.plan.body;
    const marks = this.plan.marks;
    this.#from = start[first]!;
    const regions = this.windows?.regions;
    for (let at = first; at < last; at++) {
      const region = regions?.get(at);
      if (region && region.end <= last && !this.#inRegion && !this.#plain) {
        this.#flush(start[at]!);
        this.#region(region);
        at = region.end - 1;
        continue;
      }
      const loop = op[at] === OP.loop && !this.#plain ? this.windows?.loops.get(at) : undefined;
      if (loop) {
        this.#flush(start[at]!);
        this.#guardedLoop(loop);
        at = match[at]!;
        continue;
      }
      if ((marks[at]! & (MARK.site | MARK.tee)) === 0 && this.#special[op[at]!] === 0) continue;
      this.#instruction(at);
    }
    this.#flush(start[last]!);
    this.#from = NO_RUN;
  }

  /** Writes a guarded region once for each way. */
  #region(region: Region): void {
    this.#inRegion = true;
    this.windows!.region(region, (first) => this.instructions(first, region.end));
    this.#inRegion = false;
    this.#from = this.plan.body.start[region.end]!;
  }

  /** Writes one instruction that asks for more than a copy. */
  #instruction(at: number): void {
    const code = this.plan.body.op[at]!;
    const mark = this.plan.marks[at]!;
    if (mark & MARK.site) {
      if (code === OP.loop && this.mined(at)) return this.#openMined(at);
      const site = this.plan.siteAt.get(at)!;
      if (site.kind === "call") {
        this.#flush(this.plan.body.start[at]!);
        this.setSite(site);
      } else if (site.kind === "operation") {
        this.#flush(this.plan.body.start[at]!);
        this.#operation(site, code);
        this.#from = this.plan.body.start[at + 1]!;
        if (mark & MARK.tee) this.tee(at);
        return;
      }
    }
    if (this.#special[code]) this.#translate(at, code);
    if (this.windows?.refreshes && CALLS.includes(code) && (mark & MARK.dead) === 0) {
      this.#flush(this.plan.body.start[at + 1]!);
      this.windows.refresh();
    }
    if (mark & MARK.tee) this.tee(at);
    if (mark & MARK.site && code === OP.loop) {
      this.#flush(this.plan.body.start[at + 1]!);
      this.poll(this.plan.siteAt.get(at)!);
    }
  }

  #operation(site: Site, code: number): void {
    if (code === OP.memoryGrow) emitGrowth(this, site);
    else if (accessOf(code)) this.windows!.access(site);
    else emitPieces(this, site);
  }

  /** Whether the loop at `at`, an active site, is strip-mined. */
  mined(at: number): boolean {
    return loopTurns(this.plan.body, at, this.space.mostTurns) > 1;
  }

  /** The most turns of a loop between two points where a guard can be asked; 1 if it is asked for none. */
  turns(at: number): number {
    if (this.plan.siteAt.get(at)) {
      if (!this.mined(at)) return 1;
      const { copies, rounds } = this.#mining(at);
      return copies * rounds;
    }
    const most = mostTurnsOf(this.plan.body, at);
    return Number.isFinite(most) ? most : 1;
  }

  /**
   * How many copies of a strip-mined body follow each other, and how often all of them run before a poll: a power of
   * two, because branch predictors learn the polls together with the period of the program (docs/RATIONALE.md).
   */
  #mining(at: number): { readonly copies: number; readonly rounds: number } {
    const turns = loopTurns(this.plan.body, at, this.space.mostTurns);
    const copies = Math.min(turns, bodyCopies(this.plan.body, at));
    return { copies, rounds: 2 ** Math.floor(Math.log2(turns / copies)) };
  }

  #openMined(at: number): void {
    const { start } = this.plan.body;
    this.#replace(at);
    const left = openMinedLoop(this, at, this.#mining(at).rounds);
    this.#mined.set(at, left);
    openRound(this, at);
    this.#copies(at, left);
    this.#from = start[at + 1]!;
  }

  /** Writes the copies of a strip-mined loop's body but the last. */
  #copies(at: number, left: number): void {
    const { match, start } = this.plan.body;
    const { copies } = this.#mining(at);
    for (let copy = 1; copy < copies; copy++) {
      this.#from = start[at + 1]!;
      openCopy(this);
      this.instructions(at + 1, match[at]!);
      closeCopy(this, left);
    }
  }

  #closeMined(opener: number, end: number): void {
    const left = this.#mined.get(opener);
    if (left === undefined) return;
    this.#mined.delete(opener);
    this.#flush(this.plan.body.start[end + 1]!);
    closeRound(this, left);
    closeMinedLoop(this, this.plan.siteAt.get(opener)!, this.#mining(opener).rounds);
  }

  /** Writes a guarded loop, once for each way and once with checks. */
  #guardedLoop(loop: GuardedLoop): void {
    const { at } = loop;
    const { match, start, blockType } = this.plan.body;
    const windows = this.windows!;
    if (this.plan.siteAt.get(at) && this.mined(at)) {
      const { rounds } = this.#mining(at);
      const left = openMinedLoop(this, at, rounds);
      windows.loop(loop, BLOCK_EMPTY, (fast) => {
        this.#plain = fast;
        openRound(this, at);
        this.#copies(at, left);
        this.#lastCopy(at);
        closeRound(this, left);
        this.#plain = false;
      });
      closeMinedLoop(this, this.plan.siteAt.get(at)!, rounds);
    } else {
      windows.loop(loop, blockType[at]!, (fast) => {
        this.#plain = fast;
        this.code.u8(OP.loop);
        this.space.writeBlockType(this.code, blockType[at]!);
        this.labels.push(this.physical++);
        this.#lastCopy(at);
        this.#plain = false;
      });
    }
    this.#from = start[match[at]! + 1]!;
    if (this.plan.marks[match[at]!]! & MARK.tee) this.tee(match[at]!);
  }

  /** The body of a loop that has been opened, and its end. */
  #lastCopy(at: number): void {
    this.instructions(at + 1, this.plan.body.match[at]!);
    this.code.u8(OP.end);
    this.labels.pop();
    this.physical--;
  }

  #translate(at: number, code: number): void {
    const { a, locals, match } = this.plan.body;
    switch (code) {
      case OP.block:
      case OP.loop:
      case OP.if:
      case OP.try:
        this.labels.push(this.physical++);
        return;
      case OP.end:
        this.#leaveHandler(at);
        this.labels.pop();
        this.physical--;
        if (this.#mined.size > 0) this.#closeMined(match[at]!, at);
        return;
      case OP.delegate:
        this.labels.pop();
        this.physical--;
        return this.#branch(at, [a[at]!]);
      case OP.tryTable:
        this.#replace(at);
        this.tryTable(at, this.plan.body.blockType[at]!);
        return;
      case OP.catchAll:
        this.#leaveHandler(at);
        this.#flush(this.plan.body.start[at]!);
        this.code.u8(OP.catch);
        this.code.u32(this.space.freezeTag);
        this.throwFreeze();
        return this.#enterHandler(at);
      case OP.catch:
        this.#leaveHandler(at);
        this.#replace(at);
        this.code.u8(code);
        this.code.u32(this.space.tagIndex(a[at]!));
        return this.#enterHandler(at);
      case OP.throw:
        if (this.space.tagIndex(a[at]!) === a[at]) return;
        this.#replace(at);
        this.code.u8(code);
        this.code.u32(this.space.tagIndex(a[at]!));
        return;
      case OP.localGet:
      case OP.localTee: {
        const type = locals[a[at]!]!;
        if (a[at]! < this.#parameters || !isRef(type) || isNullable(type)) return;
        this.#flush(this.plan.body.start[at + 1]!);
        this.code.u8(OP.refAsNonNull);
        return;
      }
      case OP.br:
      case OP.brIf:
      case OP.rethrow:
      case OP.brOnNull:
      case OP.brOnNonNull:
        return this.#branch(at, [a[at]!]);
      case OP.brTable:
        return this.#branch(at, this.plan.body.labels.get(at)!);
      case OP.tableGrow:
        this.#flush(this.plan.body.start[at]!);
        return this.call(growTableFunction(this.space, a[at]!));
      default:
        return this.#relocate(at, code);
    }
  }

  /** Wraps the body of the handler that begins at `at`, if its exception may be thrown again. */
  #enterHandler(at: number): void {
    const caught = this.framed ? this.plan.caught.find(({ clause }) => clause === at) : undefined;
    if (!caught) return;
    this.#flush(this.plan.body.start[at + 1]!);
    openCaught(this, caught, caught.which === undefined ? caught.tags[0]!.payload : []);
    this.caught[this.labels.length - 1] = caught;
  }

  /** Ends the wrapped body of a handler in front of instruction `at`. */
  #leaveHandler(at: number): void {
    const caught = this.caught[this.labels.length - 1];
    if (!caught) return;
    this.#flush(this.plan.body.start[at]!);
    closeCaught(this, caught);
    this.caught[this.labels.length - 1] = undefined;
  }

  /** Functions and segments under the numbers of the module written into. */
  #relocate(at: number, code: number): void {
    const { a, b } = this.plan.body;
    switch (code) {
      case OP.call:
      case OP.returnCall:
      case OP.refFunc:
        this.#replace(at);
        this.code.u8(code);
        this.code.u32(this.space.functionIndex(a[at]!));
        return;
      case OP.memoryInit:
      case OP.tableInit:
      case OP.dataDrop:
      case OP.elementDrop: {
        const helper = this.space.segmentFunction(code, a[at]!, b[at]!);
        if (helper < 0) return;
        this.#replace(at);
        this.call(helper);
      }
    }
  }

  /** Leaves out instruction `at` of the run being copied. */
  #replace(at: number): void {
    this.#flush(this.plan.body.start[at]!);
    this.#from = this.plan.body.start[at + 1]!;
  }

  #flush(until: number): void {
    if (this.#from >= until) return;
    this.code.copy(this.plan.body.bytes, this.#from, until);
    this.#from = until;
  }

  /** The relative depth, here, of the block that the original names by `label`. */
  depth(label: number): number {
    return this.physical - 1 - this.labels[this.labels.length - 1 - label]!;
  }

  #branch(at: number, labels: readonly number[]): void {
    if (labels.every((label) => this.depth(label) === label)) return;
    const { op } = this.plan.body;
    this.#replace(at);
    this.code.u8(op[at]!);
    if (op[at] === OP.brTable) this.code.u32(labels.length - 1);
    for (const label of labels) this.code.u32(this.depth(label));
  }

  /** A try_table with the clauses of the original, and in front of them one that lets a freeze or an exit pass. */
  tryTable(at: number, blockType: number): void {
    const clauses = this.plan.body.catches.get(at)!;
    this.code.u8(OP.tryTable);
    this.space.writeBlockType(this.code, blockType);
    this.code.u32(clauses.length + (this.handler < 0 ? 0 : 1));
    if (this.handler >= 0) {
      this.code.u8(0);
      this.code.u32(this.space.freezeTag);
      this.code.u32(this.physical - 1 - this.handler);
    }
    for (const clause of clauses) {
      this.code.u8((clause.tag < 0 ? 2 : 0) + (clause.ref ? 1 : 0));
      if (clause.tag >= 0) this.code.u32(this.space.tagIndex(clause.tag));
      this.code.u32(this.depth(clause.label));
    }
    this.labels.push(this.physical++);
  }

  /** Puts what instruction `at` has left on the stack into the temporaries that frames need. */
  tee(at: number): void {
    this.#flush(this.plan.body.start[at + 1]!);
    const tees = this.plan.tees.get(at)!;
    const height = this.plan.heights[at]!;
    const lowest = Math.min(...tees.map((tee) => tee.slot));
    if (lowest === height - 1) {
      const { slot, type } = tees[0]!;
      this.local(OP.localTee, this.plan.temporary(slot, type));
      if (isRef(type) && !isNullable(type)) this.code.u8(OP.refAsNonNull);
      return;
    }
    const types = this.space.pushedTypes(this.plan, at);
    const base = height - types.length;
    const stored: { local: number; type: ValueType }[] = [];
    for (let slot = height - 1; slot >= lowest; slot--) {
      const type = types[slot - base]!;
      const local = this.plan.temporary(slot, type);
      stored.unshift({ local, type });
      this.local(OP.localSet, local);
    }
    for (const { local, type } of stored) this.push(local, type);
  }

  /** Reads a temporary back as a value of `type`. */
  push(local: number, type: ValueType): void {
    this.local(OP.localGet, local);
    if (type !== asNullable(type)) this.code.u8(OP.refAsNonNull);
  }

  /** Pushes values below a site that its plan knows where to find: those in the slots from `first` up to `last`. */
  pushSlots({ slots }: Site, first: number, last: number): void {
    for (let index = first; index < last; index++) {
      const { type, origin, source, local } = slots[index]!;
      if (source === "constant") this.instructions(origin, origin + 1);
      else this.push(source === "local" ? local : this.plan.temporary(index, type), type);
    }
  }

  /** Notes where the frame stands, in case it is saved during what follows. */
  setSite(site: Site): void {
    this.constant(site.number);
    this.local(OP.localSet, this.#siteLocal);
  }

  /** Looks at the flag and gives way to a freeze at `site`. */
  poll(site: Site): void {
    this.loadFlag();
    this.unlikely(OP.if);
    this.code.u8(0x40);
    this.setSite(site);
    this.call(this.space.poll);
    this.windows?.refresh();
    this.code.u8(OP.end);
  }
}
