// The plan of one function: its safe points, what a frame must hold at each, and where that is found.
//
// A *site* is an instruction at which a thread may stand when it is frozen: the function's entry, a loop's head, a
// call, an operation that is cut into pieces. Sites, and the values of a frame at a site, follow from the original
// body alone (promise 7 of design.md); which of them are *active*, i.e. instrumented, depends on the rewriter's
// options and on what the callees can do.
//
// Values of a frame at a site, in this order:
//   1. the live locals, by index
//   2. the operand stack below the call (at a loop: with its parameters, at an operation: with its operands), from
//      the bottom, without values that are constants or unchanged locals: those are found again without being saved
//
// A value of the operand stack cannot be read where the frame is saved, so each one that is needed is also put into
// a temporary local by the instruction that produces it (`tees`); a slot and a type have one temporary for the whole
// function, because no two values lie in one slot at the same time.
//
// Not here: which sites are active (call-graph.ts), code (emit.ts).

import {
  asNullable,
  type Body,
  BodyDecoder,
  type FunctionType,
  type IndexSpaces,
  type Module,
  OP,
  Typing,
  type ValueType,
} from "../wasm/index.ts";
import { Liveness } from "./liveness.ts";
import { isPiecewise } from "./pieces.ts";

export type SiteKind = "entry" | "loop" | "call" | "operation";

/** Where a value of the operand stack is found while its frame is saved or rebuilt. */
export interface Slot {
  readonly type: ValueType;
  /** The instruction that produced the value. */
  readonly origin: number;
  readonly source: "temporary" | "local" | "constant";
  /** The local that holds the value, for "local". */
  readonly local: number;
}

export interface Site {
  /** Number of the site in its function, over all candidates: the value of the frame's site word. */
  readonly number: number;
  readonly kind: SiteKind;
  /** The instruction; -1 for the entry. */
  readonly at: number;
  /** Byte offset of the instruction in the original body, 0 for the entry: the position that images use. */
  readonly position: number;
  readonly slots: readonly Slot[];
  readonly active: boolean;
}

/** One value of a saved frame. */
export interface FrameValue {
  /** The local (of the original, or a temporary behind them) that holds the value. */
  readonly local: number;
  /** The type it is saved with: references are nullable. */
  readonly type: ValueType;
}

/** Temporaries that an instruction must fill with what it leaves on the stack. */
export interface Tee {
  readonly slot: number;
  readonly type: ValueType;
}

export interface Plan {
  readonly function: number;
  readonly type: FunctionType;
  readonly body: Body;
  readonly sites: readonly Site[];
  /** Active site by instruction index; `body.count` stands for the entry. */
  readonly siteAt: ReadonlyMap<number, Site>;
  /** MARK bits by instruction index. */
  readonly marks: Uint8Array;
  readonly tees: ReadonlyMap<number, readonly Tee[]>;
  /** Height of the operand stack behind each instruction. */
  readonly heights: Int32Array;
  /** Types of the temporaries, which follow the original's locals. */
  readonly temporaries: readonly ValueType[];
  temporary(slot: number, type: ValueType): number;
  /** The values of a frame at `site`, in their canonical order. */
  values(site: Site): readonly FrameValue[];
  /** The values of all sites in the layout and of `extra` together, each once: what a saver is given. */
  union(extra?: Site): readonly FrameValue[];
}

/** Which candidates are instrumented. */
export interface Activity {
  readonly entry: boolean;
  /** For loops, calls and operations. */
  readonly active: (body: Body, at: number) => boolean;
}

/** What the code around an instruction must do for it. */
export const MARK = { site: 1, tee: 2, dead: 4 } as const;

/** Plans one function after the other; a plan is valid until the next one. */
export class Planner {
  readonly module: Module;
  readonly spaces: IndexSpaces;
  readonly decoder = new BodyDecoder();
  readonly #typing: Typing;
  readonly #liveness = new Liveness();
  #siteAt = new Int32Array(1024);
  #heights = new Int32Array(1024);
  #marks = new Uint8Array(1024);

  constructor(module: Module, spaces: IndexSpaces) {
    this.module = module;
    this.spaces = spaces;
    this.#typing = new Typing(module, spaces);
  }

  /** Decodes the body of a defined function. */
  decode(functionIndex: number): Body {
    return this.decoder.decode(
      this.module.code[functionIndex - this.spaces.importedFunctions]!,
      this.#type(functionIndex).params,
    );
  }

  plan(functionIndex: number, activity: (body: Body) => Activity): Plan {
    const type = this.#type(functionIndex);
    const body = this.decode(functionIndex);
    this.#reserve(body.count);
    const chosen = activity(body);
    const { sites, tees, siteAt, temporaries, temporary } = this.#walk(body, type, chosen);
    this.#liveness.analyse(body, this.#siteAt, sites.length);
    const liveness = this.#liveness;
    const values = (site: Site) => frameValues(site, body, liveness, temporary);
    const union = (extra?: Site) => {
      const seen = new Map<number, FrameValue>();
      for (const site of sites) {
        if (!inLayout(site) && site !== extra) continue;
        for (const value of values(site)) seen.set(value.local, value);
      }
      return [...seen.values()].sort((x, y) => x.local - y.local);
    };
    const heights = this.#heights;
    const marks = this.#marks;
    return {
      function: functionIndex,
      type,
      body,
      sites,
      siteAt,
      marks,
      tees,
      heights,
      temporaries,
      temporary,
      values,
      union,
    };
  }

  #type(functionIndex: number): FunctionType {
    return this.module.types[this.spaces.functions[functionIndex]!] as FunctionType;
  }

  #reserve(count: number): void {
    if (this.#siteAt.length > count) {
      this.#siteAt.fill(0, 0, count + 1);
      this.#marks.fill(0, 0, count + 1);
      return;
    }
    this.#siteAt = new Int32Array(count * 2);
    this.#heights = new Int32Array(count * 2);
    this.#marks = new Uint8Array(count * 2);
  }

  #walk(body: Body, type: FunctionType, activity: Activity) {
    const typing = this.#typing;
    const sites: Site[] = [];
    const siteAt = new Map<number, Site>();
    const temporaries: ValueType[] = [];
    const numbers = new Map<number, number>();
    const temporary = (slot: number, valueType: ValueType) => {
      const stored = asNullable(valueType);
      const key = slot * 2 ** 30 + stored;
      let number = numbers.get(key);
      if (number === undefined) {
        number = body.locals.length + temporaries.length;
        numbers.set(key, number);
        temporaries.push(stored);
      }
      return number;
    };
    const tees = new Map<number, Tee[]>();
    const locals = new LocalHistory(body);
    const add = (kind: SiteKind, at: number, height: number, active: boolean) => {
      const slots: Slot[] = [];
      for (let slot = 0; slot < height; slot++) slots.push(this.#slot(body, kind, at, slot, height, locals));
      const site: Site = { number: sites.length, kind, at, position: at < 0 ? 0 : body.start[at]!, slots, active };
      sites.push(site);
      this.#siteAt[at < 0 ? body.count : at] = site.number + 1;
      if (active) siteAt.set(at < 0 ? body.count : at, site);
      if (active && at >= 0) this.#marks[at]! |= MARK.site;
      if (!inLayout(site)) return;
      slots.forEach((slot, index) => {
        if (slot.source !== "temporary") return;
        temporary(index, slot.type);
        if (kind === "operation" && index >= height - 3) return; // the operation puts its operands there itself
        this.#marks[slot.origin]! |= MARK.tee;
        addTee(tees, slot, index);
      });
    };

    typing.begin(body, type);
    add("entry", -1, 0, activity.entry);
    for (let at = 0; at < body.count; at++) {
      const code = body.op[at]!;
      const dead = typing.dead;
      if (dead) this.#marks[at]! |= MARK.dead;
      locals.step(at);
      if (dead) {
        typing.step(at);
      } else if (code === OP.loop) {
        typing.step(at);
        add("loop", at, typing.height, activity.active(body, at));
      } else if (code === OP.call || code === OP.callIndirect || code === OP.callRef) {
        const operands = typing.calleeType(at).params.length + (code === OP.call ? 0 : 1);
        add("call", at, typing.height - operands, activity.active(body, at));
        typing.step(at);
      } else {
        if (isPiecewise(body, at, this.module, typing.origins, typing.height)) {
          add("operation", at, typing.height, activity.active(body, at));
        }
        typing.step(at);
      }
      this.#heights[at] = typing.height;
    }
    return { sites, siteAt, tees, temporaries, temporary };
  }

  #slot(body: Body, kind: SiteKind, at: number, slot: number, height: number, locals: LocalHistory): Slot {
    const type = this.#typing.types[slot]!;
    const origin = this.#typing.origins[slot]!;
    const operand = kind === "operation" && slot >= height - 3;
    if (!operand && !(kind === "loop" && origin === at)) {
      const code = body.op[origin]!;
      if (isConstant(code)) return { type, origin, source: "constant", local: -1 };
      if ((code === OP.localGet || code === OP.localTee) && locals.unchanged(origin)) {
        return { type, origin, source: "local", local: body.a[origin]! };
      }
    }
    return { type, origin, source: "temporary", local: -1 };
  }
}

/**
 * Whether the values of a site are part of its function's records: active sites, and all loops, because a
 * continuation hands over to the one of the loop around it (continuation.ts).
 */
export function inLayout(site: Site): boolean {
  return site.active || site.kind === "loop";
}

/** Whether an instruction pushes the same value whenever it runs, and needs no operand. */
function isConstant(code: number): boolean {
  return (
    (code >= OP.i32Const && code <= OP.f64Const) || code === OP.v128Const || code === OP.refNull || code === OP.refFunc
  );
}

/** Knows, during a walk, whether a local still holds what an earlier instruction read from it. */
class LocalHistory {
  readonly #body: Body;
  readonly #lastSet: Int32Array;
  readonly #assigned: Uint8Array;
  readonly #loops: number[] = [];

  constructor(body: Body) {
    this.#body = body;
    this.#lastSet = new Int32Array(body.locals.length).fill(-1);
    this.#assigned = new Uint8Array(body.locals.length);
    for (let at = 0; at < body.count; at++) {
      if (body.op[at] === OP.localSet || body.op[at] === OP.localTee) this.#assigned[body.a[at]!] = 1;
    }
  }

  step(at: number): void {
    const { op, a, match } = this.#body;
    const code = op[at]!;
    if (code === OP.localSet || code === OP.localTee) this.#lastSet[a[at]!] = at;
    else if (code === OP.loop) this.#loops.push(at);
    else if (code === OP.end && match[at]! >= 0 && op[match[at]!] === OP.loop) this.#loops.pop();
  }

  /** Whether the local that `origin` read (or set) still has that value, on every way to the current point. */
  unchanged(origin: number): boolean {
    const { op, a } = this.#body;
    const local = a[origin]!;
    if (this.#assigned[local] === 0) return true;
    if (this.#lastSet[local]! > origin) return false;
    if (op[origin] === OP.localGet && this.#lastSet[local]! === origin) return false;
    const loop = this.#loops.at(-1);
    return loop === undefined || loop < origin;
  }
}

function addTee(tees: Map<number, Tee[]>, slot: Slot, index: number): void {
  const list = tees.get(slot.origin);
  if (!list) tees.set(slot.origin, [{ slot: index, type: slot.type }]);
  else if (!list.some((tee) => tee.slot === index)) list.push({ slot: index, type: slot.type });
}

function frameValues(
  site: Site,
  body: Body,
  liveness: Liveness,
  temporary: (slot: number, type: ValueType) => number,
): readonly FrameValue[] {
  const values: FrameValue[] = [];
  const kept = new Set<number>();
  for (const slot of site.slots) if (slot.source === "local") kept.add(slot.local);
  for (let local = 0; local < body.locals.length; local++) {
    if (!liveness.live(site.number, local) && !kept.has(local)) continue;
    values.push({ local, type: asNullable(body.locals[local]!) });
  }
  site.slots.forEach((slot, index) => {
    if (slot.source !== "temporary") return;
    values.push({ local: temporary(index, slot.type), type: asNullable(slot.type) });
  });
  return values;
}
