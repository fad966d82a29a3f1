// Continuations: functions that take up a frozen frame where it stood and finish its function's work.
//
// The shipped function has no code for re-entering. For each (function, site) on a frozen stack a function without
// parameters is generated: it reads its record, rebuilds locals and operand stack, lets the frame that it had called
// continue, and goes on behind the site.
//
//   read the record (CONTROL.resume), let CONTROL.resume name the inner one
//   block $handler                                 as around every instrumented body (frame-code.ts)
//     block $again_1 (result p1) ... one for each loop around the site, the outermost first
//       try_table (catch $freeze $handler)
//         operands; block or try (for every block around the site); operands; ...
//           at a call: call the inner frame's continuation, for its results
//           the rest of the block behind the site
//         end; the rest of the block around it; ...
//       end
//       return
//     end; the loop's parameters -> temporaries; write a record that stands at the loop's head; tail-call the
//       continuation of that head
//   end; save; throw $freeze
//
// The continuation of a loop's head holds the whole loop, so a site inside a loop only finishes the current turn, and
// all sites of a loop share the code that goes on with it: the form that costs least to compile (docs/RATIONALE.md).
// It polls like the shipped code and writes frames in the original's terms, so it can be frozen like it.
//
// I1  When guest code runs, no record is pending: all are read on the way down, before the innermost goes on.
// I2  A continuation and the shipped function write the same layout, unless the site is inactive under the present
//     options (an image made under others): then the layout is a variant with a number of its own.
// Rejected: copies of all enclosing loops in each continuation (compile time grows with sites times loops), guards in
// one copy (a test on every path into a block, and none of the code is shared between sites), a rewinding prologue in
// the shipped function (costs always, and irreducible entries into loops cost more).

import { CONTROL, RECORD } from "../abi/index.ts";
import { required } from "../util/index.ts";
import { asNullable, I32, isRef, OP } from "../wasm/index.ts";
import { reopenCaught } from "./caught.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import { BodyBuffer, closeTry, openTry } from "./frame-code.ts";
import type { Plan, Site } from "./plan.ts";
import type { Program } from "./program.ts";
import { crossing, writeNarrowing } from "./results.ts";
import { loadOf, recordLayout, writeSave } from "./saver.ts";
import { type ContinuationRequest, SideModule } from "./side-module.ts";

export interface ContinuationModule {
  readonly bytes: Uint8Array;
  /** The continuations in it, by export name. */
  readonly continuations: readonly { readonly layout: number; readonly site: number; readonly name: string }[];
}

/** Generates a side module with the continuations of `requests` and of the loops around them. */
export function continuations(program: Program, requests: readonly ContinuationRequest[]): ContinuationModule {
  const side = new SideModule(program, requests);
  for (const [functionIndex, wanted] of side.byFunction) {
    const plan = program.plan(functionIndex, wanted);
    for (const number of wanted) {
      const site = required(plan.sites[number], `site ${number} of function ${functionIndex}`);
      new ContinuationWriter(side, plan, site).write();
    }
  }
  return side.finish();
}

/** A block around a site. */
interface PathEntry {
  readonly opener: number;
  /** The else, catch or catch_all that the site lies behind; the opener itself before that. */
  readonly clause: number;
  /** Height of the operand stack below the block. */
  readonly base: number;
}

class ContinuationWriter {
  readonly #side: SideModule;
  readonly #plan: Plan;
  readonly #site: Site;
  readonly #emitter: Emitter;
  readonly #path: readonly PathEntry[];
  /** Physical index of the block that stands for another turn, by loop. */
  readonly #again = new Map<number, number>();

  constructor(side: SideModule, plan: Plan, site: Site) {
    this.#side = side;
    this.#plan = plan;
    this.#site = site;
    this.#emitter = side.emitter;
    this.#path = pathTo(side.program, plan, site);
  }

  write(): void {
    const emitter = this.#emitter;
    const plan = this.#plan;
    const layout = this.#side.program.layoutNumber(plan, this.#site);
    emitter.begin(plan, 0, Math.max(0, this.#site.at));
    emitter.physical = 1;
    this.#readRecord();
    openTry(emitter, () => this.#openAgain());
    emitter.refresh();
    this.#openPath();
    this.#enter();
    this.#rest();
    closeTry(emitter, layout, plan.union(this.#site), () => this.#closeAgain());
    emitter.code.u8(OP.end);
    const locals = [...plan.body.locals.map(asNullable), ...plan.temporaries];
    const { body, codeStart } = new BodyBuffer(0).body(locals, emitter.code.view());
    this.#side.add(plan, this.#site, layout, body, emitter, codeStart);
  }

  #readRecord(): void {
    const emitter = this.#emitter;
    const { plan } = emitter;
    const record = plan.temporary(OWN_SLOT.record, I32);
    const union = plan.union(this.#site);
    const { offsets } = recordLayout(union);
    const needed = new Set(plan.values(this.#site).map((value) => value.local));
    emitter.constant(0);
    emitter.control(OP.i32Load, CONTROL.resume);
    emitter.local(OP.localTee, record);
    emitter.code.bytes([OP.i32Eqz, OP.if, 0x40, OP.unreachable, OP.end]); // called to be compiled, not to continue
    union.forEach((value, index) => {
      if (!needed.has(value.local)) return;
      emitter.local(OP.localGet, record);
      emitter.control(loadOf(value.type), offsets[index]!);
      if (isRef(value.type)) {
        emitter.opcode(OP.tableGet);
        emitter.code.u32(emitter.space.referenceTable(value.type));
      }
      emitter.local(OP.localSet, value.local);
    });
    emitter.constant(0);
    emitter.local(OP.localGet, record);
    emitter.control(OP.i32Load, RECORD.inner);
    emitter.control(OP.i32Store, CONTROL.resume);
  }

  #openAgain(): void {
    const emitter = this.#emitter;
    for (const { opener } of this.#loops()) {
      emitter.code.u8(OP.block);
      emitter.space.writeBlockType(
        emitter.code,
        emitter.space.blockType(this.#side.signature(this.#plan, opener).params),
      );
      this.#again.set(opener, emitter.physical++);
    }
  }

  #loops(): readonly PathEntry[] {
    return this.#path.filter(({ opener }) => this.#plan.body.op[opener] === OP.loop);
  }

  #openPath(): void {
    const emitter = this.#emitter;
    const { op } = this.#plan.body;
    let height = 0;
    for (const { opener, clause, base } of this.#path) {
      this.#push(height, base);
      height = base;
      const results = emitter.space.blockType(this.#side.signature(this.#plan, opener).results);
      if (op[opener] === OP.tryTable) {
        emitter.tryTable(opener, results);
        continue;
      }
      const caught = this.#plan.caught.find((entry) => entry.clause === clause);
      if (caught) {
        reopenCaught(emitter, caught);
        emitter.caught[emitter.labels.length - 1] = caught;
        continue;
      }
      emitter.code.u8(op[opener] === OP.try && clause === opener ? OP.try : OP.block);
      emitter.space.writeBlockType(emitter.code, results);
      emitter.labels.push(this.#again.get(opener) ?? emitter.physical);
      emitter.physical++;
    }
    const { at, kind, slots } = this.#site;
    const operands = kind === "loop" ? this.#side.signature(this.#plan, at).params.length : 0;
    this.#push(height, slots.length - operands);
    // Parameters of a loop are operands of the loop instruction, which is about to be written.
    this.#push(slots.length - operands, slots.length);
  }

  /** Pushes the operands in the slots from `first` up to `last`. */
  #push(first: number, last: number): void {
    const emitter = this.#emitter;
    for (let index = first; index < last; index++) {
      const { type, origin, source, local } = this.#site.slots[index]!;
      if (source === "constant") {
        emitter.instructions(origin, origin + 1);
      } else if (source === "temporary") {
        emitter.push(this.#plan.temporary(index, type), type);
      } else {
        emitter.push(local, type);
        if (!this.#plan.tees.get(origin)?.some((tee) => tee.slot === index)) continue;
        emitter.local(OP.localTee, this.#plan.temporary(index, type));
        if (type !== asNullable(type)) emitter.code.u8(OP.refAsNonNull);
      }
    }
  }

  /** What happens at the site itself; `#rest` goes on behind it. */
  #enter(): void {
    const emitter = this.#emitter;
    const { kind, at } = this.#site;
    if (kind === "entry") {
      if (this.#site.active) emitter.poll(this.#site);
      return;
    }
    // A strip-mined loop polls when its turns are spent: too late for a thread that has been let pass this poll.
    if (kind === "loop" && emitter.loops.mined(at)) emitter.poll(this.#site);
    if (kind !== "call") return;
    emitter.setSite(this.#site);
    emitter.constant(0);
    emitter.control(OP.i32Load, CONTROL.resume);
    emitter.control(OP.i32Load, RECORD.slot);
    emitter.code.u8(OP.callIndirect);
    const { results } = this.#side.callee(this.#plan, at);
    emitter.code.u32(emitter.space.typeIndex([], crossing(results)));
    emitter.code.u32(this.#side.continuationTable);
    writeNarrowing(emitter.code, emitter.space, results);
    emitter.refresh();
    if (this.#plan.tees.has(at)) emitter.tee(at);
  }

  #rest(): void {
    const emitter = this.#emitter;
    const { op, match, next, count } = this.#plan.body;
    const { kind, at: siteAt } = this.#site;
    let at = kind === "entry" ? 0 : kind === "call" ? siteAt + 1 : siteAt;
    for (let index = this.#path.length - 1; index >= 0; index--) {
      const { opener, clause } = this.#path[index]!;
      const end = match[opener]!;
      // Handlers of a legacy try belong to the rest of its body; every other clause behind the site's is skipped.
      emitter.instructions(at, op[opener] === OP.try && clause === opener ? end : next[clause]!);
      emitter.instructions(end, end + 1);
      at = end + 1;
    }
    emitter.instructions(at, count - 1);
  }

  /** Closes the blocks that stand for another turn: each goes on with the continuation of its loop's head. */
  #closeAgain(): void {
    const emitter = this.#emitter;
    const { code, space } = emitter;
    for (const { opener } of [...this.#loops()].reverse()) {
      code.u8(OP.end);
      emitter.physical--;
      const head = this.#side.loopSite(this.#plan, opener);
      const params = this.#side.signature(this.#plan, opener).params;
      for (let i = params.length - 1; i >= 0; i--) {
        const slot = head.slots.length - params.length + i;
        emitter.local(OP.localSet, this.#plan.temporary(slot, params[i]!));
      }
      emitter.setSite(head);
      const siteLocal = this.#plan.temporary(OWN_SLOT.site, I32);
      const headLayout = this.#side.program.layoutNumber(this.#plan, head);
      writeSave(code, space, headLayout, siteLocal, this.#plan.union(head));
      emitter.constant(0);
      emitter.constant(0);
      emitter.control(OP.i32Load, CONTROL.last);
      emitter.control(OP.i32Store, CONTROL.resume);
      this.#reset();
      code.u8(OP.returnCall);
      code.u32(this.#side.continuationIndex(this.#plan.function, head.number));
    }
  }

  /** The record is named by CONTROL.resume alone: the next freeze begins anew (I1). */
  #reset(): void {
    const words: [number, number][] = [
      [CONTROL.top, CONTROL.frames],
      [CONTROL.last, 0],
      [CONTROL.refs, 0],
    ];
    for (const [word, value] of words) {
      this.#emitter.constant(0);
      this.#emitter.constant(value);
      this.#emitter.control(OP.i32Store, word);
    }
  }
}

/** The blocks around a site, the outermost first. */
function pathTo(program: Program, plan: Plan, site: Site): PathEntry[] {
  const { op } = plan.body;
  const path: { opener: number; clause: number; base: number }[] = [];
  for (let at = 0; at < site.at; at++) {
    switch (op[at]) {
      case OP.block:
      case OP.loop:
      case OP.if:
      case OP.try:
      case OP.tryTable: {
        const params = program.signature(plan.body, at).params.length;
        path.push({ opener: at, clause: at, base: plan.heights[at]! - params });
        break;
      }
      case OP.else:
      case OP.catch:
      case OP.catchAll:
        path.at(-1)!.clause = at;
        break;
      case OP.end:
      case OP.delegate:
        path.pop();
    }
  }
  return path;
}
