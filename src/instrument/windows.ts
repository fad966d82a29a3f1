// Windows: accesses of memory 0 that may lead elsewhere (design.md section 5).
//
// Goal: an access whose bytes lie below a variable limit, or in the pool where those before lay, costs a compare or
// less; every other one finds its bytes through the page table, or faults at the instruction with its operands preserved.
//
//   operands -> locals
//   if (not by the first way)                        hinted: hardly ever
//     ... the second way, if there are two; at last:
//     site number -> local; slow access (windows-slow.ts)
//   else
//     the instruction by the first way
//   end
//
// Ways:  direct  address + (static offset + bytes - 1) < limit: the original instruction
//        pool    the bytes lie in the run of pages that accesses like this one have led to (windows-groups.ts): the same
//                instruction on the pool, at a known distance
// A guarded loop (windows-loops.ts) is tested once for many turns. In a guarded region (windows-regions.ts) one test speaks for several accesses. It is written twice:
//
//   block $done; block $last ... block $first      one for each test
//     the region; where a test fails, operands -> locals, and br to its block
//     br $done
//   end $first; what the test's access found on the stack, and slow accesses up to the next test
//   end $last; ... up to the end of the region
//   end $done
//
// The sum of the direct way may wrap around 2^32: then the last byte lies beyond 4 GiB, and the original traps.
//
// I1  The limit may be kept in a local from one call to the next: only what is called can change it. Where an exception
//     can arrive from a call the global is read each time. Runs are read each time: only slow accesses change them.
// I2  Operands lie in the temporaries that a frame at the site saves, or are found again (plan.ts).
// I3  The order of checks, faults and effects is that of the instruction: nothing is written before a fault.
//
// Rejected after trials (docs/RATIONALE.md): a table look-up inline, the limit in memory, a test of a fixed bit.
//
// Not here: which accesses there are (windows-accesses.ts), bulk operations (windows-bulk.ts).

import { WINDOW } from "../abi/index.ts";
import { BOTTOM, OP } from "../wasm/index.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import { writeMark } from "./marks.ts";
import type { Site } from "./plan.ts";
import { RUN, type Way, type WindowSpace, writeAccess } from "./space.ts";
import { type Access, accessOf, type MemoryArgument, memoryArgument } from "./windows-accesses.ts";
import { WindowChecks } from "./windows-checks.ts";
import { AccessGroups } from "./windows-groups.ts";
import { LoopGuards } from "./windows-guards.ts";
import { type GuardedLoop, guardedLoopsOf } from "./windows-loops.ts";
import { type Region, regionsOf } from "./windows-regions.ts";
import { growFunction, slowAccess } from "./windows-slow.ts";

/** Where both ways are tried, or the test is a mere compare, writing a region twice costs more than it saves. */
const NO_REGIONS: ReadonlyMap<number, Region> = new Map();

/** The windows of the function that an emitter is writing. */
export class FunctionWindows {
  /** By first instruction. */
  readonly regions: ReadonlyMap<number, Region>;
  /** By first instruction. */
  readonly loops: ReadonlyMap<number, GuardedLoop>;
  readonly #emitter: Emitter;
  readonly #space: WindowSpace;
  readonly #groups: AccessGroups;
  readonly #checks: WindowChecks;
  readonly #guards: LoopGuards;
  /** In a guarded loop: the way that is known to be right. */
  #known: Way | undefined;
  /** In a guarded loop: locals with the distances to the pool, by access. */
  #distances: ReadonlyMap<number, number> = new Map();
  /** The region that is being written. */
  #region: OpenRegion | undefined;

  constructor(emitter: Emitter, space: WindowSpace) {
    this.#emitter = emitter;
    this.#space = space;
    this.#groups = new AccessGroups(emitter.plan);
    this.regions = space.ways.join() === "pool" ? regionsOf(emitter.plan) : NO_REGIONS;
    this.loops = guardedLoopsOf(emitter.plan, (at) => emitter.loops.turns(at), this.regions);
    this.#checks = new WindowChecks(emitter, space);
    this.#guards = new LoopGuards(emitter, this.#checks, this.#groups);
  }

  /** Whether something must follow every call. */
  get refreshes(): boolean {
    return this.#checks.limit !== undefined;
  }

  /** Writes what must stand in front of the first access, and behind everything that may let the host run. */
  refresh(): void {
    const { limit } = this.#checks;
    if (limit === undefined) return;
    this.#emitter.local(OP.globalGet, this.#space.limitGlobal);
    this.#emitter.local(OP.localSet, limit);
  }

  /** Writes a region; `write` writes its instructions from one on. */
  region({ start, checks, spoken, results }: Region, write: (first: number) => void): void {
    const emitter = this.#emitter;
    const { code, plan } = emitter;
    const first = [...checks.keys()][0]!;
    const height = start === 0 ? 0 : plan.heights[start - 1]!;
    const done = emitter.physical;
    emitter.physical += 1 + checks.size;
    const entries = new Map([...checks.keys()].map((at, index) => [at, emitter.physical - 1 - index]));
    this.#region = { checks, spoken, first, height, entries, quick: true };
    code.u8(OP.block);
    emitter.space.writeBlockType(code, emitter.space.blockType(results));
    for (let block = 0; block < checks.size; block++) code.bytes([OP.block, 0x40]);
    write(start);
    code.u8(OP.br);
    code.u32(emitter.physical - 1 - done);
    code.u8(OP.end);
    emitter.physical--;
    this.#region.quick = false;
    write(first);
    this.#region = undefined;
    code.u8(OP.end);
    emitter.physical--;
  }

  /**
   * Writes a guarded loop.
   *
   * @param blockType of the loop where it is written
   * @param write writes the loop; `fast`: no access in it needs a check
   */
  loop(loop: GuardedLoop, blockType: number, write: (fast: boolean) => void): void {
    this.#loopBy(0, loop, blockType, write);
  }

  #loopBy(choice: number, loop: GuardedLoop, blockType: number, write: (fast: boolean) => void): void {
    const emitter = this.#emitter;
    const way = this.#space.loopWays[choice];
    if (!way) return write(false);
    const distances = this.#guards.misses(way, loop);
    emitter.unlikely(OP.if);
    emitter.space.writeBlockType(emitter.code, blockType);
    emitter.physical++;
    this.#loopBy(choice + 1, loop, blockType, write);
    emitter.code.u8(OP.else);
    this.#known = way;
    this.#distances = distances;
    write(true);
    this.#known = undefined;
    emitter.physical--;
    emitter.code.u8(OP.end);
  }

  /** Writes the access at `site`, whose operands lie on the stack. */
  access(site: Site): void {
    const { body } = this.#emitter.plan;
    const access = accessOf(body.op[site.at]!)!;
    const argument = memoryArgument(body, site.at);
    const operands = operandLocals(this.#emitter, site);
    const what = { site, access, argument, operands };
    if (this.#known === "direct") {
      if (this.#marked(access)) {
        for (const local of this.#markOnStack(what)) this.#emitter.local(OP.localGet, local);
      }
      return this.#instruction(access, argument, 0, argument.offset);
    }
    if (this.#known === "pool") {
      this.#markOnStack(what);
      this.#emitter.local(OP.localGet, this.#distances.get(site.at)!);
      return this.#atDistance(what);
    }
    if (this.#region) return this.#inRegion(this.#region, what);
    this.#store(operands);
    this.#by(0, { ...what, run: this.#groups.run(site, access.need) });
  }

  /** Writes an access in a region: in the quick copy with its check, or where an earlier one speaks for it. */
  #inRegion(region: OpenRegion, what: Operands): void {
    const emitter = this.#emitter;
    const { site, operands } = what;
    const check = region.checks.get(site.at) ?? region.checks.get(region.spoken.get(site.at)!)!;
    const run = this.#groups.run(emitter.plan.siteAt.get(check.at)!, check.need);
    if (!region.quick) {
      this.#enter(region, what);
      return this.#slow({ ...what, run });
    }
    if (check.at === site.at) {
      this.#store(operands);
      emitter.local(OP.localGet, operands[0]!);
      this.#checks.missesRun(run, check.low, check.high);
      emitter.unlikely(OP.brIf);
      emitter.code.u32(emitter.physical - 1 - region.entries.get(site.at)!);
      this.#mark(what);
      emitter.local(OP.localGet, operands[0]!);
    } else {
      this.#markOnStack(what);
    }
    this.#checks.pushRun(run, RUN.distance);
    this.#atDistance(what);
  }

  /** Lets those who come from the quick copy of a region enter the other in front of an access; its operands -> locals. */
  #enter({ checks, first, height }: OpenRegion, { site, operands }: Operands): void {
    const emitter = this.#emitter;
    if (site.at !== first) this.#store(operands);
    if (!checks.has(site.at)) return;
    const below = site.slots.length - site.operands;
    if (site.at !== first) {
      for (let slot = height; slot < below; slot++) emitter.code.u8(OP.drop);
      emitter.code.u8(OP.end);
      emitter.physical--;
    }
    emitter.pushSlots(site, height, below);
  }

  /** Writes the access by way number `choice`, or the following ones. */
  #by(choice: number, what: Checked): void {
    const emitter = this.#emitter;
    const { code, space } = emitter;
    const { access, argument, operands, run } = what;
    const way = this.#space.ways[choice];
    if (!way) return this.#slow(what);
    emitter.local(OP.localGet, operands[0]!);
    if (way === "direct") this.#checks.missesLimit(argument.offset + access.bytes - 1);
    else this.#checks.missesRun(run, argument.offset, argument.offset + access.bytes);
    if (choice + 1 === this.#space.ways.length) emitter.unlikely(OP.if);
    else code.u8(OP.if); // which way is likelier is not known
    space.writeBlockType(code, space.blockType(access.result === BOTTOM ? [] : [access.result]));
    this.#by(choice + 1, what);
    code.u8(OP.else);
    this.#mark(what);
    emitter.local(OP.localGet, operands[0]!);
    if (way === "pool") {
      this.#checks.pushRun(run, RUN.distance);
      this.#atDistance(what);
    } else {
      for (const local of operands.slice(1)) emitter.local(OP.localGet, local);
      this.#instruction(access, argument, 0, argument.offset);
    }
    code.u8(OP.end);
  }

  #slow({ site, access, argument, operands, run }: Checked): void {
    const emitter = this.#emitter;
    emitter.setSite(site);
    for (const local of operands) emitter.local(OP.localGet, local);
    emitter.constant(argument.offset | 0);
    emitter.constant(run);
    emitter.call(slowAccess(emitter.space, access.code, argument));
    this.refresh();
  }

  /** Writes the access on the pool: the address and the distance lie on the stack, other operands in their locals. */
  #atDistance({ access, argument, operands }: Operands): void {
    const emitter = this.#emitter;
    emitter.code.u8(OP.i32Add);
    // The pool's first page is nobody's: up to there an address may lie in front of the run.
    const near = argument.offset <= WINDOW.pageBytes;
    if (!near) {
      emitter.constant(argument.offset | 0);
      emitter.code.u8(OP.i32Add);
    }
    for (const local of operands.slice(1)) emitter.local(OP.localGet, local);
    this.#instruction(access, argument, this.#space.pool, near ? argument.offset : 0);
  }

  #instruction({ code }: Access, { align, lane }: MemoryArgument, memory: number, offset: number): void {
    writeAccess(this.#emitter.code, code, memory, align, offset);
    if (lane >= 0) this.#emitter.code.u8(lane);
  }

  #marked({ need }: Access): boolean {
    return need === WINDOW.write && this.#emitter.marks !== undefined;
  }

  /** Marks what an access is about to write, if it does; its address is in the first local. */
  #mark({ access, argument, operands }: Operands): void {
    if (this.#marked(access)) writeMark(this.#emitter, operands[0]!, argument.offset, access.bytes);
  }

  /** The same with the operands on the stack: all but the address are in their locals afterwards. @returns those locals */
  #markOnStack(what: Operands): readonly number[] {
    const [address, ...others] = what.operands;
    this.#store(others);
    if (this.#marked(what.access)) {
      this.#emitter.local(OP.localTee, address!);
      this.#mark(what);
    }
    return others;
  }

  #store(locals: readonly number[]): void {
    for (const local of [...locals].reverse()) this.#emitter.local(OP.localSet, local);
  }
}

interface OpenRegion extends Pick<Region, "checks" | "spoken"> {
  /** The first check. */
  readonly first: number;
  /** Of the operand stack in front of the region. */
  readonly height: number;
  /** Physical indices of the blocks that a check is left through, by access. */
  readonly entries: ReadonlyMap<number, number>;
  /** Which copy is being written. */
  quick: boolean;
}

/** An access, and the locals of its operands. */
interface Operands {
  readonly site: Site;
  readonly access: Access;
  readonly argument: MemoryArgument;
  readonly operands: readonly number[];
}

interface Checked extends Operands {
  /** The run that it is looked for in. */
  readonly run: number;
}

/** Writes memory.grow at `site` as a request to the host. */
export function emitGrowth(emitter: Emitter, site: Site): void {
  const { plan, space } = emitter;
  const [delta] = operandLocals(emitter, site);
  emitter.local(OP.localSet, delta!);
  emitter.setSite(site);
  emitter.local(OP.localGet, delta!);
  emitter.call(growFunction(space, plan.body.a[site.at]!));
  emitter.refresh();
}

/** Locals for the operands of a site: those that its frame saves, or others where they are found again without. */
function operandLocals({ plan }: Emitter, site: Site): readonly number[] {
  const first = site.slots.length - site.operands;
  return site.slots.slice(first).map(({ source, type }, index) => {
    return plan.temporary(source === "temporary" ? first + index : OWN_SLOT.operand + index, type);
  });
}
