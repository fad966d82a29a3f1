// The shared functions behind windows: what an access of memory 0 does when it is not known to lie below the limit.
//
//   slow access   (address, operands..., static offset, run) -> result
//     beyond 4 GiB      traps, as the original does
//     below the limit   the original
//     misaligned atomic traps
//     within one page   the same instruction on the pool, at the address that the page table gives
//     over two pages    by way of a scratch area: gather then load, or store then scatter
//   translation   (address) -> address in the pool; asks HOOK.fault until the page is there
//
// HOOK.fault may throw the freeze. It passes through the functions here, which are no frames, to the handler of the
// function with the access, whose site has been set before; so nothing may have been written before the last fault.
// Rejected: outcomes that tell the caller to give way, as waits have them (a test behind every access).

import { CONTROL, HOOK, WAIT, WINDOW } from "../abi/index.ts";
import { BOTTOM, I32, I64, OP, type ValueType } from "../wasm/index.ts";
import { HelperCode } from "./helper-code.ts";
import { markIn } from "./marks.ts";
import { RUN, type Space } from "./space.ts";
import { type Access, accessOf, type MemoryArgument } from "./windows-accesses.ts";
import { runGlobal } from "./windows-checks.ts";

const PAGE = WINDOW.pageBytes;
const SPACE = 1n << 32n;
const I64_LT_S = 0x53;
const I64_GE_S = 0x59;
const I64_SHL = 0x86;
/** The scratch area of accesses over two pages, in control memory. */
const SCRATCH = CONTROL.scratch + 64;

/** The function of an access: (address, operands, static offset, run that it leads to) -> result. */
export function slowAccess(space: Space, code: number, { align, lane }: MemoryArgument): number {
  const access = accessOf(code)!;
  return space.shared(`window access ${code} ${align} ${lane}`, (writer) => {
    const offset = 1 + access.operands.length;
    const run = offset + 1;
    const wide = offset + 2;
    const address = offset + 3;
    const helper = new HelperCode(writer, space, [I64, I32]);
    const emit = (memory: number, staticOffset = 0) => {
      for (let i = 0; i < access.operands.length; i++) helper.get(1 + i);
      helper.access(code, memory, align, staticOffset);
      if (lane >= 0) helper.op(lane);
    };
    const mark = () => {
      if (space.marks && access.need === WINDOW.write) markIn(helper, address);
    };
    helper.wide(0).wide(offset).op(OP.i64Add).tee(wide).i64(BigInt(access.bytes)).op(OP.i64Add);
    helper.i64(SPACE).op(OP.i64GtU).open(OP.if).i32(-1);
    emit(0, 0xffff_ffff);
    helper.op(OP.return).end().get(wide).op(OP.i32WrapI64).set(address);
    helper
      .get(address)
      .i32(access.bytes - 1)
      .op(OP.i32Add)
      .limit()
      .op(OP.i32LtU)
      .open(OP.if);
    mark();
    helper.get(address);
    emit(0);
    helper.op(OP.return).end();
    if (access.bytes > 1) oddAccess(helper, access, address, emit);
    helper.get(address).call(translation(space, access.need));
    // Guarded loops remember for themselves.
    if (space.windows!.ways.includes("pool")) {
      helper.tee(offset).get(address).get(offset).get(run).call(remember(space));
    }
    mark();
    emit(space.windows!.pool);
    helper.done();
    return space.typeIndex([I32, ...access.operands, I32, I32], access.result === BOTTOM ? [] : [access.result]);
  });
}

/** Atomics that are misaligned, and other accesses that lie in two pages. */
function oddAccess(helper: HelperCode, access: Access, address: number, emit: (memory: number) => void): void {
  const { space } = helper;
  const { bytes, atomic, need } = access;
  if (atomic) {
    helper
      .get(address)
      .i32(bytes - 1)
      .op(OP.i32And)
      .open(OP.if)
      .get(address)
      .i32(PAGE - 1)
      .op(OP.i32And);
    emit(space.windows!.pool); // traps
    helper.op(OP.return).end();
    return;
  }
  helper
    .get(address)
    .i32(PAGE - 1)
    .op(OP.i32And)
    .i32(PAGE - bytes)
    .op(OP.i32GtU)
    .open(OP.if);
  if (need === WINDOW.read) helper.get(address).i32(bytes).call(gather(space));
  helper.i32(SCRATCH);
  emit(space.controlMemory);
  if (need === WINDOW.write) helper.get(address).i32(bytes).call(scatter(space));
  helper.op(OP.return).end();
}

/** The function (address) -> address in the pool, for an address at or above the limit. */
export function translation(space: Space, need: number): number {
  return space.shared(`window ${need}`, (writer) => {
    const helper = new HelperCode(writer, space, [I32]);
    helper.open(OP.loop);
    helper.get(0).i32(12).op(OP.i32ShrU).i32(4).op(OP.i32Shl).access(OP.i32Load, space.windows!.pages, 2).tee(1);
    helper.i32(need).op(OP.i32And).open(OP.if);
    helper
      .get(1)
      .i32(-PAGE)
      .op(OP.i32And)
      .get(0)
      .i32(PAGE - 1)
      .op(OP.i32And, OP.i32Or, OP.return)
      .end();
    helper.i32(need).get(0).hook(HOOK.fault, [I32, I32], []).op(OP.br, 0).end().op(OP.unreachable);
    helper.done();
    return space.typeIndex([I32], [I32]);
  });
}

/** The function (address, address in the pool, run) that lets a run be that of an address, if it may be used so. */
function remember(space: Space): number {
  return space.shared("window remember", (writer) => {
    const helper = new HelperCode(writer, space, []);
    const { pages } = space.windows!;
    const [address, pool, run] = [0, 1, 2];
    const entry = () => helper.get(address).i32(12).op(OP.i32ShrU).i32(4).op(OP.i32Shl);
    entry().access(OP.i32Load, pages, 2);
    needOf(helper, run).op(OP.i32And, OP.i32Eqz).open(OP.if).op(OP.return).end();
    // Globals have no computed numbers: block after block, each run's code behind its own.
    for (let block = 0; block < WINDOW.runs; block++) helper.open(OP.block);
    helper.get(run).op(OP.brTable);
    writer.u32(WINDOW.runs - 1);
    for (let label = 0; label < WINDOW.runs; label++) writer.u32(label);
    for (let number = 0; number < WINDOW.runs; number++) {
      const set = (part: number) => helper.global(OP.globalSet, runGlobal(space.windows!, number, part));
      helper.end();
      entry().access(OP.i32Load, pages, 2, 4).op(OP.i64ExtendI32U);
      set(RUN.start);
      entry().access(OP.i32Load, pages, 2, 8).op(OP.i64ExtendI32U).i64(12n).op(I64_SHL).i64(-8n).op(OP.i64Add);
      set(RUN.bytes);
      helper.get(pool).get(address).op(OP.i32Sub);
      set(RUN.distance);
      helper.op(OP.return);
    }
    helper.done();
    return space.typeIndex([I32, I32, I32], []);
  });
}

/** What a run is for: even ones are for reading, odd ones for writing. */
function needOf(helper: HelperCode, run: number): HelperCode {
  return helper.i32(WINDOW.read).get(run).i32(1).op(OP.i32And, OP.i32Shl);
}

/**
 * The function (first address, behind the last one, run) -> distance to the pool of what lies there, for loops; 1 if it
 * does not lie side by side in the pool. Otherwise the run is that of the first address.
 */
export function distanceTo(space: Space): number {
  return space.shared("window distance", (writer) => {
    const helper = new HelperCode(writer, space, [I32, I32, I32]);
    const { pages } = space.windows!;
    const [first, end, run, address, entry, word] = [0, 1, 2, 3, 4, 5];
    const none = () => helper.open(OP.if).i32(1).op(OP.return).end();
    helper.get(first).limit().op(OP.i64ExtendI32U, I64_LT_S).get(first).i64(SPACE).op(I64_GE_S, OP.i32Or);
    none();
    helper.get(first).op(OP.i32WrapI64).tee(address).i32(12).op(OP.i32ShrU).i32(4).op(OP.i32Shl).tee(entry);
    helper.access(OP.i32Load, pages, 2).tee(word);
    needOf(helper, run).op(OP.i32And, OP.i32Eqz);
    none();
    helper.get(end).get(entry).access(OP.i32Load, pages, 2, 4).op(OP.i64ExtendI32U);
    helper.get(entry).access(OP.i32Load, pages, 2, 8).op(OP.i64ExtendI32U).i64(12n).op(I64_SHL, OP.i64Add, OP.i64GtU);
    none();
    helper.get(word).i32(-PAGE).op(OP.i32And);
    helper.get(address).i32(-PAGE).op(OP.i32And, OP.i32Sub).set(word);
    helper.get(address).get(address).get(word).op(OP.i32Add).get(run).call(remember(space)).get(word);
    helper.done();
    return space.typeIndex([I64, I64, I32], [I32]);
  });
}

/** The function (address, bytes) that collects bytes from two pages in the scratch area. */
function gather(space: Space): number {
  return space.shared("window gather", (writer) => {
    twoPages(new HelperCode(writer, space, [I32, I32, I32]), WINDOW.read);
    return space.typeIndex([I32, I32], []);
  });
}

/** The function (address, bytes) that writes bytes of the scratch area to two pages. */
function scatter(space: Space): number {
  return space.shared("window scatter", (writer) => {
    twoPages(new HelperCode(writer, space, [I32, I32, I32]), WINDOW.write);
    return space.typeIndex([I32, I32], []);
  });
}

/** Moves bytes between two pages and the scratch area; the first page may lie below the limit. */
function twoPages(helper: HelperCode, need: number): void {
  const { space } = helper;
  const [address, bytes, first, pool1, pool2] = [0, 1, 2, 3, 4];
  const { pool } = space.windows!;
  const translate = translation(space, need);
  const move = (memory: number, at: () => void, scratch: () => void, length: () => void) => {
    for (const part of need === WINDOW.read ? [scratch, at, length] : [at, scratch, length]) part();
    if (need === WINDOW.read) helper.copy(space.controlMemory, memory);
    else helper.copy(memory, space.controlMemory);
  };
  const begin = () => helper.i32(SCRATCH);
  const size = () => helper.get(first);
  helper
    .i32(PAGE)
    .get(address)
    .i32(PAGE - 1)
    .op(OP.i32And, OP.i32Sub)
    .set(first);
  helper.get(address).limit().op(OP.i32LtU).op(OP.i32Eqz).open(OP.if).get(address).call(translate).set(pool1).end();
  helper.get(address).get(first).op(OP.i32Add).call(translate).set(pool2);
  if (space.marks && need === WINDOW.write) markIn(helper, address);
  helper.get(address).limit().op(OP.i32LtU).open(OP.if);
  move(0, () => helper.get(address), begin, size);
  helper.op(OP.else);
  move(pool, () => helper.get(pool1), begin, size);
  helper.end();
  const rest = () => helper.i32(SCRATCH).get(first).op(OP.i32Add);
  move(
    pool,
    () => helper.get(pool2),
    rest,
    () => helper.get(bytes).get(first).op(OP.i32Sub),
  );
  helper.done();
}

/**
 * The function of a wait at an address that may be translated: (address, expected, timeout) -> (outcome, timeout left).
 *
 * @param plainly the same for memory 0
 */
export function windowWaitFunction(space: Space, code: number, argument: MemoryArgument, plainly: number): number {
  const { align, offset } = argument;
  return space.shared(`window wait ${code} ${align} ${offset}`, (writer) => {
    const value: ValueType = code === OP.wait64 ? I64 : I32;
    const bytes = value === I64 ? 8 : 4;
    const helper = new HelperCode(writer, space, [I64, I32, I32]);
    const [wide, address, outcome] = [3, 4, 5];
    const plain = () => helper.get(0).get(1).get(2).call(plainly).op(OP.return);
    helper.wide(0).i64(BigInt(offset)).op(OP.i64Add).tee(wide).i64(BigInt(bytes)).op(OP.i64Add);
    helper.i64(SPACE).op(OP.i64GtU).open(OP.if);
    plain();
    helper
      .end()
      .get(wide)
      .op(OP.i32WrapI64)
      .tee(address)
      .i32(bytes - 1)
      .op(OP.i32Add)
      .limit()
      .op(OP.i32LtU);
    helper
      .get(address)
      .i32(bytes - 1)
      .op(OP.i32And, OP.i32Or)
      .open(OP.if); // misaligned: traps
    plain();
    helper.end().get(address).call(translation(space, WINDOW.read)).tee(address).get(1).i64(0n);
    helper.access(code, space.windows!.pool, align).set(outcome);
    helper.i32(-1).wide(address).wide(1, value).get(2).get(outcome).i32(WAIT.timedOut).op(OP.i32Eq);
    helper.get(outcome).i32(WAIT.notEqual).op(OP.i32Eq, OP.i32Sub).i32(bytes).op(OP.i32Mul); // see waitFunction
    helper.hook(HOOK.wait, [I32, I64, I64, I64, I32], [I32, I64]);
    helper.done();
    return space.typeIndex([I32, value, I64], [I32, I64]);
  });
}

/** The function (delta) -> delta that tells the host of table.grow: one that fails if the host refuses it. */
export function growTableFunction(space: Space, table: number): number {
  return space.shared(`grow table ${table}`, (writer) => {
    const type = space.spaces.tables[table]!.limits.index64 ? I64 : I32;
    const helper = new HelperCode(writer, space, []);
    helper.i32(table).wide(0, type).hook(HOOK.growTable, [I32, I64], [I64]);
    if (type === I32) helper.op(OP.i32WrapI64);
    helper.done();
    return space.typeIndex([type], [type]);
  });
}

/** The function (delta) -> result that asks the host for memory.grow. */
export function growFunction(space: Space, memory: number): number {
  return space.shared(`grow ${memory}`, (writer) => {
    const type = space.spaces.memories[memory]!.index64 ? I64 : I32;
    const helper = new HelperCode(writer, space, []);
    helper.i32(memory).wide(0, type).hook(HOOK.grow, [I32, I64], [I64]);
    if (type === I32) helper.op(OP.i32WrapI64);
    helper.done();
    return space.typeIndex([type], [type]);
  });
}
