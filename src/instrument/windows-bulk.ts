// Bulk memory operations over windows: in pieces that lie within a page on both sides.
//
//   destination, source or value, length -> temporaries
//   loop: one step (a shared function moves the three values on); poll; again while there is a rest
//
// A step whose whole rest lies below the limit does a piece of the original operation. Otherwise the rest is checked
// against all that the original would trap for, and one piece of at most a page is moved, after both its pages have
// been translated: a fault freezes the thread with what is left of the operation in its temporaries. Copies go downwards
// when the destination lies above the source, as in emit-pieces.ts.

import { WINDOW } from "../abi/index.ts";
import type { ByteWriter } from "../util/index.ts";
import { I32, I64, OP, type ValueType } from "../wasm/index.ts";
import type { Operand } from "./code-writer.ts";
import type { Emitter } from "./emit.ts";
import { pieceFunction, writeBulk } from "./emit-pieces.ts";
import { HelperCode } from "./helper-code.ts";
import { rangeFunction } from "./marks.ts";
import type { Site } from "./plan.ts";
import type { Space } from "./space.ts";
import { translation } from "./windows-slow.ts";

const PAGE = WINDOW.pageBytes;

/** Writes the operation at `site`, whose operands lie in their temporaries. */
export function emitWindowBulk(
  emitter: Emitter,
  site: Site,
  length: Operand,
  load: () => void,
  store: () => void,
): void {
  const { code, plan, space } = emitter;
  const { op, a, b } = plan.body;
  emitter.setSite(site);
  code.bytes([OP.loop, 0x40]);
  load();
  emitter.call(stepFunction(space, op[site.at]!, a[site.at]!, b[site.at]!));
  store();
  emitter.local(OP.localGet, length.local);
  code.bytes([length.type === I64 ? OP.i64Eqz : OP.i32Eqz, OP.i32Eqz, OP.if, 0x40]);
  emitter.poll(site);
  code.bytes([OP.br, 1, OP.end, OP.end]);
  emitter.windows?.refresh();
}

/** A function of (destination, source or value, length) that does one piece and returns the three for the rest. */
function stepFunction(space: Space, operation: number, a: number, b: number): number {
  return space.shared(`window step ${operation} ${a} ${b}`, (writer) => {
    const step = new Step(writer, space, operation, a, b);
    step.write();
    return space.typeIndex(step.types, step.types);
  });
}

/** One side of an operation. */
interface Side {
  /** Parameter with its first address. */
  readonly parameter: number;
  readonly memory: number;
  readonly type: ValueType;
  readonly need: number;
  /** Local for the address in the pool. */
  readonly pool: number;
}

const LENGTH = 2;
/** Locals behind the three parameters. */
const CHUNK = 3;
const POOL_TO = 4;
const POOL_FROM = 5;
const DIRECT = 6;

class Step {
  readonly types: readonly ValueType[];
  readonly #code: HelperCode;
  readonly #space: Space;
  readonly #operation: number;
  readonly #a: number;
  readonly #b: number;
  readonly #sides: readonly Side[];

  constructor(writer: ByteWriter, space: Space, operation: number, a: number, b: number) {
    const { memories } = space.spaces;
    const typeOf = (memory: number) => (memories[memory]!.index64 ? I64 : I32);
    const target = operation === OP.memoryInit ? b : a;
    const to = { parameter: 0, memory: target, type: typeOf(target), need: WINDOW.write, pool: POOL_TO };
    const source = operation === OP.memoryCopy ? typeOf(b) : I32;
    const from = { parameter: 1, memory: b, type: source, need: WINDOW.read, pool: POOL_FROM };
    this.#sides = operation === OP.memoryCopy ? [to, from] : [to];
    // One side is memory 0, whose addresses have 32 bits, so lengths have 32 bits.
    this.types = [to.type, source, I32];
    this.#code = new HelperCode(writer, space, [I32, I32, I32, I32]);
    this.#space = space;
    this.#operation = operation;
    this.#a = a;
    this.#b = b;
  }

  write(): void {
    this.#belowLimit();
    for (const side of this.#sides) this.#requireInside(side);
    if (this.#operation === OP.memoryInit) this.#requireSegment();
    this.#code.get(LENGTH).op(OP.i32Eqz).open(OP.if).get(0).get(1).get(LENGTH).op(OP.return).end();
    const [to, from] = this.#sides;
    if (from && to!.memory === from.memory) {
      this.#code.wide(0, to!.type).wide(1, from.type).op(OP.i64GtU).open(OP.if);
      this.#piece(true);
      this.#code.end();
    }
    this.#piece(false);
    this.#code.done();
  }

  /** The original operation, or a piece of it, where nothing is translated. */
  #belowLimit(): void {
    const code = this.#code;
    code.i32(1);
    for (const side of this.#sides) {
      if (side.memory !== 0) continue;
      code
        .wide(side.parameter)
        .wide(LENGTH)
        .op(OP.i64Add)
        .limit()
        .op(OP.i64ExtendI32U, OP.i64GtU, OP.i32Eqz, OP.i32And);
    }
    code.open(OP.if).get(LENGTH).i32(this.#space.pieceBytes).op(OP.i32GtU).open(OP.if);
    code
      .get(0)
      .get(1)
      .get(2)
      .call(pieceFunction(this.#space, this.#operation, this.#a, this.#b))
      .op(OP.return)
      .end();
    this.#mark(LENGTH, false);
    code.get(0).get(1).get(2);
    this.#bulk(this.#a, this.#b);
    code.get(0).get(1).i32(0).op(OP.return).end();
  }

  /** Traps if the rest of a side leaves the address space, or memory 0 below the limit, or another memory. */
  #requireInside({ parameter, memory, type }: Side): void {
    const code = this.#code;
    const end = () => code.wide(parameter, type).wide(LENGTH).op(OP.i64Add);
    const size = () => code.bytesOf(memory, type === I64);
    if (memory !== 0) {
      end();
      size();
      code.op(OP.i64GtU);
    } else {
      end()
        .i64(1n << 32n)
        .op(OP.i64GtU);
      // Below the limit, up to the limit: the end is known to lie above it, or the other side does and this may end below.
      code.get(parameter).limit().op(OP.i32LtU);
      end();
      code.limit().op(OP.i64ExtendI32U);
      end();
      code.limit().op(OP.i64ExtendI32U, OP.i64LtU, OP.select);
      size();
      code.op(OP.i64GtU, OP.i32And, OP.i32Or);
    }
    code.open(OP.if);
    this.#trap();
    code.end();
  }

  /** Traps if the segment is shorter than what is to be copied, or was dropped. */
  #requireSegment(): void {
    const code = this.#code;
    const { pool } = this.#space.windows!;
    code.wide(1).wide(LENGTH).op(OP.i64Add).i64(0xffff_ffffn).op(OP.i64GtU).open(OP.if);
    this.#trap();
    code.end().i32(0).get(1).get(LENGTH).op(OP.i32Add).i32(0);
    this.#bulk(this.#a, pool);
  }

  /** The original with operands that it cannot bear. */
  #trap(): void {
    const [to, from] = this.#sides;
    const most = (type: ValueType) => (type === I64 ? this.#code.i64(-1n) : this.#code.i32(-1));
    most(to!.type);
    most(from?.type ?? I32);
    this.#code.i32(-1);
    this.#bulk(this.#a, this.#b);
    this.#code.op(OP.unreachable);
  }

  /** Moves one piece from the low or from the high end, and returns. */
  #piece(downwards: boolean): void {
    const code = this.#code;
    code.get(LENGTH).set(CHUNK);
    for (const side of this.#sides) if (side.memory === 0) this.#shorten(side, downwards);
    code.i32(0).set(DIRECT);
    this.#sides.forEach((side, index) => {
      if (side.memory !== 0) return;
      this.#address(side, downwards);
      code
        .limit()
        .op(OP.i32LtU)
        .open(OP.if)
        .get(DIRECT)
        .i32(1 << index)
        .op(OP.i32Or)
        .set(DIRECT)
        .op(OP.else);
      this.#address(side, downwards);
      code.call(translation(this.#space, side.need)).set(side.pool).end();
    });
    this.#mark(CHUNK, downwards);
    this.#move(0, 0, downwards);
    for (const parameter of [0, 1]) {
      code.get(parameter);
      if (downwards || (parameter === 1 && this.#operation === OP.memoryFill)) continue;
      const wide = this.types[parameter] === I64;
      code.get(CHUNK).op(...(wide ? [OP.i64ExtendI32U, OP.i64Add] : [OP.i32Add]));
    }
    code.get(LENGTH).get(CHUNK).op(OP.i32Sub, OP.return);
  }

  /** Marks the piece, whose length is in a local, where it is written: its pages are there. */
  #mark(length: number, downwards: boolean): void {
    const [to] = this.#sides;
    if (!this.#space.marks || to!.memory !== 0) return;
    this.#address(to!, downwards);
    this.#code.get(length).call(rangeFunction(this.#space));
  }

  /** Lets the piece end, or begin, where a page does. */
  #shorten({ parameter }: Side, downwards: boolean): void {
    const code = this.#code;
    const within = () => {
      if (downwards) {
        code
          .get(parameter)
          .get(LENGTH)
          .op(OP.i32Add)
          .i32(1)
          .op(OP.i32Sub)
          .i32(PAGE - 1)
          .op(OP.i32And);
        code.i32(1).op(OP.i32Add);
      } else {
        code
          .i32(PAGE)
          .get(parameter)
          .i32(PAGE - 1)
          .op(OP.i32And, OP.i32Sub);
      }
    };
    within();
    code.get(CHUNK).op(OP.i32LtU).open(OP.if);
    within();
    code.set(CHUNK).end();
  }

  /** The first address of the piece on a side. */
  #address({ parameter, type }: Side, downwards: boolean): void {
    const code = this.#code;
    code.get(parameter);
    if (!downwards) return;
    code.get(LENGTH).get(CHUNK).op(OP.i32Sub);
    code.op(...(type === I64 ? [OP.i64ExtendI32U, OP.i64Add] : [OP.i32Add]));
  }

  /** Chooses, side by side, between memory 0 and the pool. */
  #move(index: number, pools: number, downwards: boolean): void {
    const code = this.#code;
    const side = this.#sides[index];
    if (!side) return this.#moveBetween(pools, downwards);
    if (side.memory !== 0) return this.#move(index + 1, pools, downwards);
    code
      .get(DIRECT)
      .i32(1 << index)
      .op(OP.i32And)
      .open(OP.if);
    this.#move(index + 1, pools, downwards);
    code.op(OP.else);
    this.#move(index + 1, pools | (1 << index), downwards);
    code.end();
  }

  /** @param pools the sides, as bits, that lie in the pool */
  #moveBetween(pools: number, downwards: boolean): void {
    const code = this.#code;
    const memories = this.#sides.map(({ memory }, index) =>
      pools & (1 << index) ? this.#space.windows!.pool : memory,
    );
    this.#sides.forEach((side, index) => {
      if (pools & (1 << index)) code.get(side.pool);
      else this.#address(side, downwards);
    });
    if (this.#sides.length === 1) code.get(1);
    code.get(CHUNK);
    if (this.#operation === OP.memoryInit) this.#bulk(this.#a, memories[0]!);
    else this.#bulk(memories[0]!, memories[1] ?? 0);
  }

  #bulk(a: number, b: number): void {
    writeBulk(this.#code.writer, this.#space, this.#operation, a, b);
  }
}
