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
//   3. the exceptions of the handlers around the site that a rethrow names, the outermost first (caught.ts)
//
// A value of the operand stack cannot be read where the frame is saved, so each one that is needed is also put into
// a temporary local by the instruction that produces it (`tees`); a slot and a type have one temporary for the whole
// function, because no two values lie in one slot at the same time.
//
// Accesses of memory 0 and memory.grow are sites, too, for programs that need them (windows.ts): they are numbered
// behind all others, so that a plan with them and one without agree on everything else.
//
// Not here: which sites are active (call-graph.ts), code (emit.ts).

import {
  type Body,
  BodyDecoder,
  type FunctionType,
  type IndexSpaces,
  type Module,
  OP,
  Typing,
  type ValueType,
} from "../wasm/index.ts";
import { type Caught, caughtIn } from "./caught.ts";
import { FrameValues, inLayout } from "./frame-values.ts";
import { PLAN_LIMITS, requireBelow } from "./limits.ts";
import { Liveness } from "./liveness.ts";
import { LocalHistory } from "./local-history.ts";
import { isPiecewise } from "./pieces.ts";
import { Temporaries } from "./temporaries.ts";
import { accessOf, isExtended, operandCount } from "./windows-accesses.ts";

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
  /** Of an operation: how many of the uppermost slots are its operands. */
  readonly operands: number;
  /** Handlers around the site whose exceptions may be thrown again, the outermost first. */
  readonly caught: readonly Caught[];
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

/** The active sites of a plan. */
export interface ActiveSites {
  readonly size: number;
  /** The active site at an instruction; undefined if there is none. */
  get(at: number): Site | undefined;
  values(): Iterable<Site>;
}

export interface Plan {
  readonly function: number;
  readonly type: FunctionType;
  readonly body: Body;
  readonly sites: readonly Site[];
  /** Active site by instruction index; `body.count` stands for the entry. */
  readonly siteAt: ActiveSites;
  /** MARK bits by instruction index. */
  readonly marks: Uint8Array;
  readonly tees: ReadonlyMap<number, readonly Tee[]>;
  /** Height of the operand stack behind each instruction. */
  readonly heights: Int32Array;
  /** Handlers whose exceptions may be thrown again. */
  readonly caught: readonly Caught[];
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
  /** For accesses of memory 0 and memory.grow. */
  readonly extended?: (body: Body, at: number) => boolean;
}

interface WalkOptions {
  /** Whether accesses of memory 0 and memory.grow are sites. */
  readonly extended: boolean;
  readonly temporaries: Temporaries;
  readonly caught: readonly Caught[];
}

const NO_SLOTS: readonly Slot[] = [];
const NONE_CAUGHT: readonly Caught[] = [];

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
  readonly #locals = new LocalHistory();
  /** By slot, the value that the last site found there, which the next site mostly finds again; and whether it is teed. */
  readonly #known: Slot[] = [];
  readonly #teed: boolean[] = [];
  /** Slots of all sites so far. */
  #slotCount = 0;

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

  /** @param extended whether accesses of memory 0 and memory.grow are sites */
  plan(functionIndex: number, activity: (body: Body) => Activity, extended = false): Plan {
    const type = this.#type(functionIndex);
    const body = this.decode(functionIndex);
    this.#reserve(body.count);
    const chosen = activity(body);
    const temporaries = new Temporaries(body.locals.length);
    const caught = this.#rethrows(body) ? caughtIn(this.module, this.spaces, body, temporaries) : NONE_CAUGHT;
    const { sites, active, tees } = this.#walk(body, type, chosen, { extended, temporaries, caught });
    this.#liveness.analyse(body, this.#siteAt, sites.length);
    const frames = new FrameValues(body, sites, this.#liveness, temporaries);
    const numbers = this.#siteAt;
    const siteAt: ActiveSites = {
      size: active.length,
      get: (at) => {
        const site = sites[numbers[at]! - 1];
        return site?.active ? site : undefined;
      },
      values: () => active,
    };
    return {
      function: functionIndex,
      type,
      body,
      sites,
      siteAt,
      caught,
      marks: this.#marks,
      tees,
      heights: this.#heights,
      temporaries: temporaries.types,
      temporary: (slot, valueType) => temporaries.number(slot, valueType),
      values: (site) => frames.values(site),
      union: (extra) => frames.union(extra),
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

  #rethrows(body: Body): boolean {
    return body.op.subarray(0, body.count).includes(OP.rethrow);
  }

  #walk(
    body: Body,
    type: FunctionType,
    activity: Activity,
    { extended: withExtended, temporaries, caught }: WalkOptions,
  ) {
    const typing = this.#typing;
    const sites: Site[] = [];
    const later: { -readonly [Key in keyof Site]: Site[Key] }[] = [];
    const active: Site[] = [];
    const tees = new Map<number, Tee[]>();
    const locals = this.#locals;
    const add = (kind: SiteKind, at: number, height: number, isActive: boolean, extended = false) => {
      const operands = kind === "operation" ? operandCount(body.op[at]!) : 0;
      const slots = this.#slotsAt(body, kind, at, height);
      const site = {
        number: sites.length,
        kind,
        at,
        position: at < 0 ? 0 : body.start[at]!,
        slots,
        operands,
        caught: caught.length ? caught.filter(({ clause, end }) => clause < at && at < end) : caught,
        active: isActive,
      };
      if (extended) later.push(site);
      else sites.push(site);
      this.#siteAt[at < 0 ? body.count : at] = site.number + 1;
      if (isActive) active.push(site);
      if (isActive && at >= 0) this.#marks[at]! |= MARK.site;
      if (inLayout(site)) this.#teeSlots(site, temporaries, tees);
    };

    locals.begin(body);
    this.#known.length = 0;
    this.#slotCount = 0;
    typing.begin(body, type);
    add("entry", -1, 0, activity.entry);
    for (let at = 0; at < body.count; at++) {
      const code = body.op[at]!;
      const dead = typing.dead;
      if (dead) this.#marks[at]! |= MARK.dead;
      if (code <= OP.localTee) locals.step(at);
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
        } else if (withExtended && isExtended(body, at)) {
          add("operation", at, typing.height, activity.extended?.(body, at) ?? false, true);
        }
        typing.step(at);
      }
      this.#heights[at] = typing.height;
    }
    for (const site of later) {
      site.number = sites.length;
      this.#siteAt[site.at] = sites.push(site);
    }
    return { sites, active, tees };
  }

  /** Gives the values that a frame at `site` needs their temporaries. */
  #teeSlots(site: Site, temporaries: Temporaries, tees: Map<number, Tee[]>): void {
    const { slots } = site;
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index]!;
      if (slot.source !== "temporary") continue;
      const operand = index >= slots.length - site.operands;
      if (slot === this.#known[index] && !operand && this.#teed[index]) continue;
      temporaries.number(index, slot.type);
      if (operand) continue; // the operation puts its operands there itself
      this.#marks[slot.origin]! |= MARK.tee;
      addTee(tees, slot, index);
      this.#teed[index] = slot === this.#known[index];
    }
  }

  /** The lowest `height` values of the operand stack, as a frame at `at` finds them. */
  #slotsAt(body: Body, kind: SiteKind, at: number, height: number): readonly Slot[] {
    if (height === 0) return NO_SLOTS;
    this.#slotCount += height;
    requireBelow(this.#slotCount, PLAN_LIMITS.slots, "values on the stack at safe points", body);
    const { types, origins } = this.#typing;
    const slots: Slot[] = [];
    const pieces = kind === "operation" && !accessOf(body.op[at]!) && body.op[at] !== OP.memoryGrow;
    for (let index = 0; index < height; index++) {
      const type = types[index]!;
      const origin = origins[index]!;
      const own = pieces ? index >= height - 3 : kind === "loop" && origin === at;
      const source = own ? "temporary" : this.#source(body, origin);
      let slot = this.#known[index];
      if (slot?.origin !== origin || slot.type !== type || slot.source !== source) {
        slot = { type, origin, source, local: source === "local" ? body.a[origin]! : -1 };
        this.#known[index] = slot;
        this.#teed[index] = false;
      }
      slots.push(slot);
    }
    return slots;
  }

  /** Where the value that `origin` left on the stack is found at the current point. */
  #source(body: Body, origin: number): Slot["source"] {
    const code = body.op[origin]!;
    if (isConstant(code)) return "constant";
    const read = code === OP.localGet || code === OP.localTee;
    return read && this.#locals.unchanged(origin) ? "local" : "temporary";
  }
}

/** Whether an instruction pushes the same value whenever it runs, and needs no operand. */
function isConstant(code: number): boolean {
  return (
    (code >= OP.i32Const && code <= OP.f64Const) || code === OP.v128Const || code === OP.refNull || code === OP.refFunc
  );
}

function addTee(tees: Map<number, Tee[]>, slot: Slot, index: number): void {
  const list = tees.get(slot.origin);
  if (!list) tees.set(slot.origin, [{ slot: index, type: slot.type }]);
  else if (!list.some((tee) => tee.slot === index)) list.push({ slot: index, type: slot.type });
}
