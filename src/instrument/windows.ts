// Windows: accesses of memory 0 that may lead elsewhere (design.md section 5).
//
// Goal: an access whose bytes lie below a variable limit, or in the pool where the last ones lay, costs a compare or
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
//        pool    the bytes lie in the run of pages that was translated last, for reading or for writing: the same
//                instruction on the pool, at a known distance
// In a guarded region (windows-regions.ts) the test stands once in front, for all accesses; the region is written once
// for each way and once with slow accesses. A guarded loop (windows-loops.ts) is tested once for many turns.
//
// The sum of the direct way may wrap around 2^32: then the last byte lies beyond 4 GiB, and the original traps.
//
// I1  Limit and runs may be kept in locals from one call to the next: only what is called can change them. Where an
//     exception can arrive from a call the globals are read each time.
// I2  Operands lie in the temporaries that a frame at the site saves, or are found again (plan.ts).
// I3  The order of checks, faults and effects is that of the instruction: nothing is written before a fault.
//
// Rejected after trials (docs/RATIONALE.md): a table look-up inline, the limit in memory, a test of a fixed bit.
//
// Not here: which accesses there are (windows-accesses.ts), bulk operations (windows-bulk.ts).

import { WINDOW } from "../abi/index.ts";
import { BOTTOM, I32, I64, OP, type ValueType } from "../wasm/index.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import type { Plan, Site } from "./plan.ts";
import { RUN, type Way, type WindowSpace, writeAccess } from "./space.ts";
import { type Access, accessOf, type MemoryArgument, memoryArgument } from "./windows-accesses.ts";
import { type GuardedLoop, guardedLoopsOf, type LoopGuard } from "./windows-loops.ts";
import { type Region, regionsOf } from "./windows-regions.ts";
import { growFunction, slowAccess } from "./windows-slow.ts";

/** Accesses for each call from which on limit and runs are worth locals. */
const ACCESSES_FOR_A_CALL = 2;

/** Where both ways are tried, or the test is a mere compare, writing a region twice costs more than it saves. */
const NO_REGIONS: ReadonlyMap<number, Region> = new Map();

const I64_LT_S = 0x53;
const I64_GT_S = 0x55;
const I64_MUL = 0x7e;

const NO_NEEDS: ReadonlyMap<number, number> = new Map();

const RUN_TYPES: readonly ValueType[] = [I64, I64, I32];

/** The windows of the function that an emitter is writing. */
export class FunctionWindows {
  /** By first instruction. */
  readonly regions: ReadonlyMap<number, Region>;
  /** By first instruction. */
  readonly loops: ReadonlyMap<number, GuardedLoop>;
  readonly #emitter: Emitter;
  readonly #space: WindowSpace;
  /** Globals that are kept in locals. */
  readonly #kept = new Map<number, number>();
  /** In a region: the way that is known to be right, or "slow". */
  #known: Way | "slow" | undefined;
  /** In a region or loop: what the guard of each access says. */
  #needs: ReadonlyMap<number, number> = NO_NEEDS;

  constructor(emitter: Emitter, space: WindowSpace) {
    this.#emitter = emitter;
    this.#space = space;
    this.regions = space.ways.join() === "pool" ? regionsOf(emitter.plan) : NO_REGIONS;
    this.loops = guardedLoopsOf(emitter.plan, (at) => emitter.turns(at));
    const { needs, calls, handlers } = usesOf(emitter.plan);
    if (handlers || needs.length < 1 + ACCESSES_FOR_A_CALL * calls) return;
    if (space.ways.includes("direct")) this.#kept.set(space.limitGlobal, emitter.plan.temporary(OWN_SLOT.limit, I32));
    if (!space.ways.includes("pool")) return;
    const guarded = [...this.regions.values(), ...this.loops.values()];
    const written = new Set(guarded.flatMap((piece) => [...piece.needs.values()]));
    for (const need of [WINDOW.read, WINDOW.write]) {
      if (!needs.includes(need) && !written.has(need)) continue;
      RUN_TYPES.forEach((type, part) => {
        const global = this.#run(need, part);
        this.#kept.set(global, emitter.plan.temporary(OWN_SLOT.run + global - space.limitGlobal, type));
      });
    }
  }

  /** Whether something must follow every call. */
  get refreshes(): boolean {
    return this.#kept.size > 0;
  }

  /** Writes what must stand in front of the first access, and behind everything that may let the host run. */
  refresh(): void {
    for (const [global, local] of this.#kept) {
      this.#emitter.local(OP.globalGet, global);
      this.#emitter.local(OP.localSet, local);
    }
  }

  /** Writes a region: `write` writes its instructions. */
  region(region: Region, write: () => void): void {
    this.#needs = region.needs;
    this.#regionBy(0, region, write);
  }

  #regionBy(choice: number, region: Region, write: () => void): void {
    const emitter = this.#emitter;
    const way = this.#space.ways[choice];
    if (way) {
      region.guards.forEach(({ code, reach, need }, index) => {
        emitter.code.bytes(code);
        this.#regionMisses(way, reach.low, reach.high, need);
        if (index > 0) emitter.code.u8(OP.i32Or);
      });
      emitter.unlikely(OP.if);
      emitter.code.u8(0x40);
      this.#regionBy(choice + 1, region, write);
      emitter.code.u8(OP.else);
    }
    this.#known = way ?? "slow";
    write();
    this.#known = undefined;
    if (way) emitter.code.u8(OP.end);
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
    const turns = emitter.turns(loop.at);
    loop.guards.forEach((guard, index) => {
      this.#loopMisses(way, guard, turns);
      if (index > 0) emitter.code.u8(OP.i32Or);
    });
    emitter.unlikely(OP.if);
    emitter.space.writeBlockType(emitter.code, blockType);
    emitter.physical++;
    this.#loopBy(choice + 1, loop, blockType, write);
    emitter.code.u8(OP.else);
    this.#known = way;
    this.#needs = loop.needs;
    const distances = way === "pool" ? this.#keepDistances(new Set(loop.needs.values())) : [];
    write(true);
    for (const global of distances) this.#kept.delete(global);
    this.#known = undefined;
    emitter.physical--;
    emitter.code.u8(OP.end);
  }

  /** Puts the distances to the pool into locals for a loop, unless they are kept anyway; their globals. */
  #keepDistances(needs: ReadonlySet<number>): readonly number[] {
    const emitter = this.#emitter;
    const globals = [...needs].map((need) => this.#run(need, RUN.distance)).filter((global) => !this.#kept.has(global));
    for (const global of globals) {
      const local = emitter.plan.temporary(OWN_SLOT.run + global - this.#space.limitGlobal, I32);
      emitter.local(OP.globalGet, global);
      emitter.local(OP.localSet, local);
      this.#kept.set(global, local);
    }
    return globals;
  }

  /** Whether some turn's bytes at an address are not known to lie below the limit, or in the run. */
  #loopMisses(way: Way, { address, high, need }: LoopGuard, turns: number): void {
    const emitter = this.#emitter;
    const { code } = emitter;
    const begin = () => {
      code.bytes(address.code);
      code.u8(OP.i64ExtendI32U);
    };
    // Behind the last byte of all turns.
    begin();
    this.#addWide(address.above * turns + high);
    for (const [local, factor] of address.growing) {
      emitter.local(OP.localGet, local);
      code.bytes([OP.i64ExtendI32U, OP.i64Const]);
      code.s64(BigInt(factor * turns));
      code.bytes([I64_MUL, OP.i64Add]);
    }
    if (way === "direct") {
      this.#global(this.#space.limitGlobal);
      code.u8(OP.i64ExtendI32U);
    } else {
      this.#global(this.#run(need, RUN.start));
      this.#global(this.#run(need, RUN.bytes));
      code.u8(OP.i64Add);
    }
    code.u8(I64_GT_S);
    if (way === "direct" && address.below === 0) return;
    begin();
    this.#addWide(-address.below * turns);
    if (way === "direct") code.bytes([OP.i64Const, 0]);
    else this.#global(this.#run(need, RUN.start));
    code.bytes([I64_LT_S, OP.i32Or]);
  }

  /** Writes the access at `site`, whose operands lie on the stack. */
  access(site: Site): void {
    const { body } = this.#emitter.plan;
    const access = accessOf(body.op[site.at]!)!;
    const argument = memoryArgument(body, site.at);
    if (this.#known === "direct") return this.#instruction(access, argument, 0, argument.offset);
    if (this.#known === "pool") return this.#inRun(site, access, argument);
    const operands = operandLocals(this.#emitter, site);
    this.#store(operands);
    this.#by(this.#known === "slow" ? this.#space.ways.length : 0, { site, access, argument, operands });
  }

  /** Writes the access by way number `choice`, or the following ones. */
  #by(choice: number, what: Checked): void {
    const emitter = this.#emitter;
    const { code, space } = emitter;
    const { access, argument, operands } = what;
    const way = this.#space.ways[choice];
    if (!way) return this.#slow(what);
    emitter.local(OP.localGet, operands[0]!);
    if (way === "direct") this.#missesLimit(argument.offset + access.bytes - 1);
    else this.#missesRun(argument.offset, access.bytes, access.need);
    if (choice + 1 === this.#space.ways.length) emitter.unlikely(OP.if);
    else code.u8(OP.if); // which way is likelier is not known
    space.writeBlockType(code, space.blockType(access.result === BOTTOM ? [] : [access.result]));
    this.#by(choice + 1, what);
    code.u8(OP.else);
    emitter.local(OP.localGet, operands[0]!);
    if (way === "pool") this.#toPool(argument.offset, access.need);
    for (const local of operands.slice(1)) emitter.local(OP.localGet, local);
    if (way === "pool") this.#instruction(access, argument, this.#space.pool, 0);
    else this.#instruction(access, argument, 0, argument.offset);
    code.u8(OP.end);
  }

  #slow({ site, access, argument, operands }: Checked): void {
    const emitter = this.#emitter;
    emitter.setSite(site);
    for (const local of operands) emitter.local(OP.localGet, local);
    emitter.constant(argument.offset | 0);
    emitter.call(slowAccess(emitter.space, access.code, argument));
    this.refresh();
  }

  /** The access in a region whose bytes are known to lie in a run. */
  #inRun(site: Site, access: Access, argument: MemoryArgument): void {
    const emitter = this.#emitter;
    const rest = operandLocals(emitter, site).slice(1);
    this.#store(rest);
    this.#toPool(argument.offset, this.#needs.get(site.at)!);
    for (const local of rest) emitter.local(OP.localGet, local);
    this.#instruction(access, argument, this.#space.pool, 0);
  }

  #instruction({ code }: Access, { align, lane }: MemoryArgument, memory: number, offset: number): void {
    writeAccess(this.#emitter.code, code, memory, align, offset);
    if (lane >= 0) this.#emitter.code.u8(lane);
  }

  /** For the address on the stack: whether the byte `reach` behind it is not known to lie below the limit. */
  #missesLimit(reach: number): void {
    const emitter = this.#emitter;
    if (reach > 0) {
      emitter.constant(reach | 0);
      emitter.code.u8(OP.i32Add);
    }
    this.#global(this.#space.limitGlobal);
    emitter.code.u8(OP.i32GeU);
  }

  /** For the address on the stack: whether not all bytes from `offset` on lie in the run that was used last. */
  #missesRun(offset: number, bytes: number, need: number): void {
    const { code } = this.#emitter;
    code.u8(OP.i64ExtendI32U);
    this.#addWide(offset);
    this.#global(this.#run(need, RUN.start));
    code.u8(OP.i64Sub);
    this.#global(this.#run(need, RUN.bytes));
    this.#addWide(-bytes);
    code.u8(OP.i64GtU);
  }

  /** The same for all bytes from `low` up to `high`; other than above, a sum must not wrap. */
  #regionMisses(way: Way, low: number, high: number, need: number): void {
    if (way === "pool") return this.#missesRun(low, high - low, need);
    const { code } = this.#emitter;
    code.u8(OP.i64ExtendI32U);
    this.#addWide(high);
    this.#global(this.#space.limitGlobal);
    code.bytes([OP.i64ExtendI32U, OP.i64GtU]);
  }

  #addWide(value: number): void {
    if (value === 0) return;
    const { code } = this.#emitter;
    code.u8(OP.i64Const);
    code.s64(BigInt(value));
    code.u8(OP.i64Add);
  }

  /** From the address on the stack to that of the pool. */
  #toPool(offset: number, need: number): void {
    const emitter = this.#emitter;
    if (offset > 0) {
      emitter.constant(offset | 0);
      emitter.code.u8(OP.i32Add);
    }
    this.#global(this.#run(need, RUN.distance));
    emitter.code.u8(OP.i32Add);
  }

  #global(global: number): void {
    const local = this.#kept.get(global);
    if (local === undefined) this.#emitter.local(OP.globalGet, global);
    else this.#emitter.local(OP.localGet, local);
  }

  #run(need: number, part: number): number {
    return runGlobal(this.#space, need, part);
  }

  #store(locals: readonly number[]): void {
    for (const local of [...locals].reverse()) this.#emitter.local(OP.localSet, local);
  }
}

interface Checked {
  readonly site: Site;
  readonly access: Access;
  readonly argument: MemoryArgument;
  readonly operands: readonly number[];
}

/** The global with a part of the run that was used last for reading or for writing. */
export function runGlobal({ limitGlobal }: WindowSpace, need: number, part: number): number {
  return limitGlobal + 1 + (need === WINDOW.write ? RUN.count : 0) + part;
}

/** Writes memory.grow at `site` as a request to the host. */
export function emitGrowth(emitter: Emitter, site: Site): void {
  const { plan, space } = emitter;
  const [delta] = operandLocals(emitter, site);
  emitter.local(OP.localSet, delta!);
  emitter.setSite(site);
  emitter.local(OP.localGet, delta!);
  emitter.call(growFunction(space, plan.body.a[site.at]!));
  emitter.windows?.refresh();
}

/** Locals for the operands of a site: those that its frame saves, or others where they are found again without. */
function operandLocals({ plan }: Emitter, site: Site): readonly number[] {
  const first = site.slots.length - site.operands;
  return site.slots.slice(first).map(({ source, type }, index) => {
    return plan.temporary(source === "temporary" ? first + index : OWN_SLOT.operand + index, type);
  });
}

/** What the accesses of a function need, how many calls there are, and whether exceptions can arrive. */
function usesOf({ body, siteAt }: Plan) {
  const { op, count, catches } = body;
  const needs: number[] = [];
  let calls = 0;
  let handlers = catches.size > 0;
  for (let at = 0; at < count; at++) {
    const code = op[at]!;
    if (code === OP.try) handlers = true;
    else if (code === OP.call || code === OP.callIndirect || code === OP.callRef) calls++;
    const access = accessOf(code);
    if (access && siteAt.get(at)) needs.push(access.need);
  }
  return { needs, calls, handlers };
}
