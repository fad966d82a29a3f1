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
// Not here: the position in the body (body-writer.ts), loops that are written more than once (emit-loops.ts), what goes
// around a body (frame-code.ts), where to begin in the middle (continuation.ts).

import { I32, isNullable, isRef, OP } from "../wasm/index.ts";
import { BodyWriter } from "./body-writer.ts";
import { type Caught, closeCaught, openCaught } from "./caught.ts";
import { LoopWriter } from "./emit-loops.ts";
import { emitPieces, writeBulk } from "./emit-pieces.ts";
import { FunctionMarks, WRITING, writesMemory } from "./marks.ts";
import { FunctionMirror } from "./mirror.ts";
import { MARK, type Plan, type Site } from "./plan.ts";
import { bulkTypes, type Space } from "./space.ts";
import { emitGrowth, FunctionWindows } from "./windows.ts";
import { accessOf } from "./windows-accesses.ts";
import type { Region } from "./windows-regions.ts";
import { growTableFunction } from "./windows-slow.ts";

/** Slots of temporaries that are no operand slots. */
export const OWN_SLOT = { site: 1 << 20, record: (1 << 20) + 1, fuel: (1 << 20) + 2, outcome: (1 << 20) + 3,
  limit: (1 << 20) + 4, marked: (1 << 20) + 5, bounds: (1 << 20) + 8, operand: (1 << 20) + 10,
  distance: (1 << 20) + 20, mirrored: (1 << 20) + 30 } as const; // biome-ignore format: one list

const SPECIAL: readonly number[] = [
  OP.block, OP.loop, OP.if, OP.else, OP.try, OP.catch, OP.catchAll, OP.tryTable, OP.end, OP.delegate, OP.throw,
]; // biome-ignore format: one list
const BRANCHES: readonly number[] = [OP.br, OP.brIf, OP.brTable, OP.rethrow, OP.brOnNull, OP.brOnNonNull];
const FUNCTIONS: readonly number[] = [OP.call, OP.returnCall, OP.refFunc];
const CALLS: readonly number[] = [OP.call, OP.callIndirect, OP.callRef];
const SEGMENTS: readonly number[] = [OP.memoryInit, OP.dataDrop, OP.tableInit, OP.elementDrop];

export class Emitter extends BodyWriter {
  /** Whether a freeze may leave through this function, so that its frame is saved. */
  framed = false;
  /** Undefined in functions without windows. */
  windows: FunctionWindows | undefined;
  /** Undefined in programs without a mirror. */
  mirror: FunctionMirror | undefined;
  readonly loops: LoopWriter;
  /** Undefined in programs without marks. */
  marks: FunctionMarks | undefined;
  /** By open block of the original: the handler whose body is being written, if its exception may be thrown again. */
  readonly caught: (Caught | undefined)[] = [];
  /** 1 for instructions that are not merely copied, by opcode. */
  readonly #special = new Uint8Array(0x450);
  #siteLocal = 0;
  #inRegion = false;
  #parameters = 0;

  constructor(space: Space) {
    super(space);
    this.loops = new LoopWriter(this);
    const growth = space.growth ? [OP.tableGrow] : [];
    const writing = space.marks || space.mirror !== undefined ? WRITING : [];
    for (const list of [SPECIAL, BRANCHES, this.space.relocated ? FUNCTIONS : [], SEGMENTS, growth, writing]) {
      for (const code of list) this.#special[code] = 1;
    }
  }

  /**
   * Starts a new function.
   *
   * @param parameters how many of the original's parameters are parameters here; the others are locals
   * @param from the first instruction that is written
   */
  begin(plan: Plan, parameters = plan.body.params, from = 0): void {
    this.beginBody(plan);
    this.#parameters = parameters;
    this.caught.length = 0;
    this.framed = false;
    const nonNull = plan.body.locals.some((type, local) => local >= parameters && isRef(type) && !isNullable(type));
    this.#special[OP.localGet] = this.#special[OP.localTee] = nonNull ? 1 : 0;
    this.#siteLocal = plan.temporary(OWN_SLOT.site, I32);
    const { windows } = this.space;
    this.windows = windows?.windowed(plan.function) ? new FunctionWindows(this, windows) : undefined;
    this.marks = this.space.marks ? new FunctionMarks(this, from) : undefined;
    this.mirror = this.space.mirror === undefined ? undefined : new FunctionMirror(this, this.space.mirror, from);
    for (const code of CALLS) this.#special[code] = this.#refreshes ? 1 : 0;
    if (this.space.relocated) this.#special[OP.call] = 1;
  }

  /** Writes the instructions from `first` up to `last`, exclusive. */
  instructions(first: number, last: number): void {
    const { op, match } = this.plan.body;
    const marks = this.plan.marks;
    this.copyFrom(first);
    const regions = this.windows?.regions;
    for (let at = first; at < last; at++) {
      const region = regions?.get(at);
      if (region && region.end <= last && !this.#inRegion && !this.loops.plain) {
        this.copyTo(at);
        this.#region(region);
        at = region.end - 1;
        continue;
      }
      const loop = op[at] === OP.loop && !this.loops.plain ? this.windows?.loops.get(at) : undefined;
      if (loop) {
        this.copyTo(at);
        this.loops.guarded(loop);
        at = match[at]!;
        continue;
      }
      if ((marks[at]! & (MARK.site | MARK.tee)) === 0 && this.#special[op[at]!] === 0) continue;
      this.#instruction(at);
    }
    this.copyTo(last);
    this.endRun();
  }

  /** Writes a guarded region once for each way. */
  #region(region: Region): void {
    this.#inRegion = true;
    this.windows!.region(region, (first) => this.instructions(first, region.end));
    this.#inRegion = false;
    this.copyFrom(region.end);
  }

  /** Writes one instruction that asks for more than a copy. */
  #instruction(at: number): void {
    const code = this.plan.body.op[at]!;
    const mark = this.plan.marks[at]!;
    if (mark & MARK.site) {
      if (code === OP.loop && this.loops.mined(at)) return this.loops.open(at);
      const site = this.plan.siteAt.get(at)!;
      if (site.kind === "call") {
        this.copyTo(at);
        this.setSite(site);
      } else if (site.kind === "operation") {
        this.copyTo(at);
        this.#operation(site, code);
        this.copyFrom(at + 1);
        if (mark & MARK.tee) this.tee(at);
        return;
      }
    }
    if (this.marks && writesMemory(this.plan.body, at)) {
      this.copyTo(at);
      this.marks.before(at);
    }
    if (this.#special[code]) this.#translate(at, code);
    if (this.#refreshes && CALLS.includes(code) && (mark & MARK.dead) === 0) {
      this.copyTo(at + 1);
      this.refresh();
    }
    if (mark & MARK.tee) this.tee(at);
    if (mark & MARK.site && code === OP.loop) {
      this.copyTo(at + 1);
      this.poll(this.plan.siteAt.get(at)!);
    }
  }

  #operation(site: Site, code: number): void {
    if (code === OP.memoryGrow) emitGrowth(this, site);
    else if (accessOf(code)) this.windows!.access(site);
    else emitPieces(this, site);
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
        this.loops.close(match[at]!, at);
        return;
      case OP.delegate:
        this.labels.pop();
        this.physical--;
        return this.branch(at, [a[at]!]);
      case OP.tryTable:
        this.replace(at);
        this.tryTable(at, this.plan.body.blockType[at]!);
        return;
      case OP.catchAll:
        this.#leaveHandler(at);
        this.copyTo(at);
        this.code.u8(OP.catch);
        this.code.u32(this.space.freezeTag);
        this.throwFreeze();
        return this.#enterHandler(at);
      case OP.catch:
        this.#leaveHandler(at);
        this.replace(at);
        this.code.u8(code);
        this.code.u32(this.space.tagIndex(a[at]!));
        return this.#enterHandler(at);
      case OP.throw:
        if (this.space.tagIndex(a[at]!) === a[at]) return;
        this.replace(at);
        this.code.u8(code);
        this.code.u32(this.space.tagIndex(a[at]!));
        return;
      case OP.localGet:
      case OP.localTee: {
        const type = locals[a[at]!]!;
        if (a[at]! < this.#parameters || !isRef(type) || isNullable(type)) return;
        this.copyTo(at + 1);
        this.code.u8(OP.refAsNonNull);
        return;
      }
      case OP.br:
      case OP.brIf:
      case OP.rethrow:
      case OP.brOnNull:
      case OP.brOnNonNull:
        return this.branch(at, [a[at]!]);
      case OP.brTable:
        return this.branch(at, this.plan.body.labels.get(at)!);
      case OP.memoryCopy:
      case OP.memoryFill:
      case OP.memoryInit:
        return this.#bulk(at, code);
      case OP.tableGrow:
        this.copyTo(at);
        return this.call(growTableFunction(this.space, a[at]!));
      default:
        return accessOf(code) ? this.#mirrored(at) : this.#relocate(at, code);
    }
  }

  get #refreshes(): boolean {
    return this.windows?.refreshes || this.mirror?.refreshes || false;
  }

  /** Writes what must stand in front of all accesses, and behind everything that may let the host run. */
  refresh(): void {
    this.windows?.refresh();
    this.mirror?.refresh();
  }

  /** Writes an access of a program with a mirror. */
  #mirrored(at: number): void {
    if (!this.mirror || !writesMemory(this.plan.body, at)) return;
    this.replace(at);
    this.mirror.access(at);
  }

  /** Writes a bulk operation that is not cut into pieces. */
  #bulk(at: number, code: number): void {
    const { body } = this.plan;
    if (!this.mirror || !writesMemory(body, at)) return this.#relocate(at, code);
    this.replace(at);
    const write = () => writeBulk(this.code, this.space, code, body.a[at]!, body.b[at]!);
    this.mirror.bulk(bulkTypes(this.space, code, body.a[at]!, body.b[at]!), write);
  }

  /** Wraps the body of the handler that begins at `at`, if its exception may be thrown again. */
  #enterHandler(at: number): void {
    const caught = this.framed ? this.plan.caught.find(({ clause }) => clause === at) : undefined;
    if (!caught) return;
    this.copyTo(at + 1);
    openCaught(this, caught, caught.which === undefined ? caught.tags[0]!.payload : []);
    this.caught[this.labels.length - 1] = caught;
  }

  /** Ends the wrapped body of a handler in front of instruction `at`. */
  #leaveHandler(at: number): void {
    const caught = this.caught[this.labels.length - 1];
    if (!caught) return;
    this.copyTo(at);
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
        this.replace(at);
        this.code.u8(code);
        this.code.u32(this.space.functionIndex(a[at]!));
        return;
      case OP.memoryInit:
      case OP.tableInit:
      case OP.dataDrop:
      case OP.elementDrop: {
        const helper = this.space.segmentFunction(code, a[at]!, b[at]!);
        if (helper < 0) return;
        this.replace(at);
        this.call(helper);
      }
    }
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
    this.refresh();
    this.code.u8(OP.end);
  }
}
