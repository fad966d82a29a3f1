// Caught exceptions as part of a frame: legacy handlers whose exception a `rethrow` names.
//
// Such an exception is nothing that can be read: it exists only inside its handler. So the body of the handler is
// wrapped in a try of its own, which costs nothing while no freeze comes by:
//
//   catch $e                                catch $e
//     body, with rethrow         ->           try (param payload of $e)
//                                               body
//                                             catch $freeze
//                                               try  rethrow $e's  catch $e  payload -> temporaries  end
//                                               throw $freeze
//                                             end
//
// The temporaries are values of the frame. A continuation inside the handler throws the exception anew and catches it
// at once, so that the rest of the body stands where it stood. At a catch_all, every tag of the module is tried; the
// number of the one that fits is a value of the frame too. What JavaScript has thrown counts as a tag behind the
// module's last one: its payload is the thrown value, which goes on in place and is refused by name when it is to be
// saved. An exception of another tag that the module does not know cannot be kept: the freeze notes that in
// CONTROL.refused.

import { CONTROL } from "../abi/index.ts";
import {
  type Body,
  EXTERNREF,
  type FunctionType,
  I32,
  type IndexSpaces,
  type Module,
  OP,
  type ValueType,
} from "../wasm/index.ts";
import type { Emitter } from "./emit.ts";
import type { Temporaries } from "./temporaries.ts";

/** First slot of the temporaries for caught exceptions; each level of nesting has LEVEL_SLOTS of them. */
const CAUGHT_SLOT = 1 << 21;
const LEVEL_SLOTS = 1024;

/** A handler whose exception may be thrown again. */
export interface Caught {
  /** The catch or catch_all, the instruction behind its body and the try. */
  readonly clause: number;
  readonly end: number;
  readonly opener: number;
  /** The tags that the exception may have, with the locals for their payloads. */
  readonly tags: readonly {
    readonly tag: number;
    readonly payload: readonly ValueType[];
    readonly locals: readonly number[];
  }[];
  /** The local for the tag's index, at a catch_all. */
  readonly which: number | undefined;
  /** All these locals, each once, in the order of their values in a frame. */
  readonly locals: readonly { readonly local: number; readonly type: ValueType; readonly tag: boolean }[];
}

/** The handlers of one function that are rethrown from, the outermost first, each with its locals. */
export function caughtIn(module: Module, spaces: IndexSpaces, body: Body, temporaries: Temporaries): readonly Caught[] {
  return rethrown(body).map(({ clause, level }) => {
    const slot = CAUGHT_SLOT + level * LEVEL_SLOTS;
    const all = body.op[clause] === OP.catchAll;
    const known = spaces.tags.map((_, tag) => tag);
    const candidates = all ? [...known, ...(calledJavaScript(module) ? [known.length] : [])] : [body.a[clause]!];
    const tags = candidates.map((tag) => {
      const thrown = tag === known.length;
      const payload = thrown ? [EXTERNREF] : (module.types[spaces.tags[tag]!] as FunctionType).params;
      return { tag, payload, locals: payload.map((type, place) => temporaries.number(slot + 1 + place, type)) };
    });
    const which = all ? temporaries.number(slot, I32) : undefined;
    const locals = new Map(which === undefined ? [] : [[which, { local: which, type: I32, tag: true }]]);
    for (const { payload, locals: own } of tags) {
      own.forEach((local, place) => {
        locals.set(local, { local, type: payload[place]!, tag: false });
      });
    }
    return { clause, end: body.next[clause]!, opener: body.match[clause]!, tags, which, locals: [...locals.values()] };
  });
}

/** Whether a module imports functions that may throw JavaScript values; those of WASI never do. */
export function calledJavaScript({ imports }: Module): boolean {
  return imports.some(({ kind, module }) => kind === "func" && module !== "wasi_snapshot_preview1");
}

/** Clauses that a rethrow in their own body names, ascending, with the number of blocks around them. */
function rethrown(body: Body): { readonly clause: number; readonly level: number }[] {
  const { op, a, count } = body;
  const open: number[] = [];
  const found = new Map<number, number>();
  for (let at = 0; at < count; at++) {
    switch (op[at]) {
      case OP.block:
      case OP.loop:
      case OP.if:
      case OP.try:
      case OP.tryTable:
        open.push(at);
        break;
      case OP.catch:
      case OP.catchAll:
        open[open.length - 1] = at;
        break;
      case OP.end:
      case OP.delegate:
        open.pop();
        break;
      case OP.rethrow: {
        const clause = open.at(-1 - a[at]!) ?? -1; // what is no handler is for the engine to refuse
        if (op[clause] === OP.catch || op[clause] === OP.catchAll) found.set(clause, open.length - 1 - a[at]!);
      }
    }
  }
  return [...found].map(([clause, level]) => ({ clause, level })).sort((x, y) => x.clause - y.clause);
}

/** Opens the try around a handler's body; its `params` lie on the stack. */
export function openCaught(emitter: Emitter, caught: Caught, params: readonly ValueType[]): void {
  const { code, space, plan } = emitter;
  const { results } = space.signature(plan.body, caught.opener);
  code.u8(OP.try);
  space.writeBlockType(code, params.length ? space.typeIndex(params, results) : space.blockType(results));
  emitter.physical++;
}

/** Closes the try around a handler's body: a freeze takes the exception along. */
export function closeCaught(emitter: Emitter, caught: Caught): void {
  const { code, space } = emitter;
  code.u8(OP.catch);
  code.u32(space.freezeTag);
  code.bytes([OP.try, 0x40, OP.rethrow]);
  code.u32(emitter.physical - emitter.labels.at(-1)!);
  for (const { tag, locals } of caught.tags) {
    code.u8(OP.catch);
    code.u32(space.tagIndex(tag));
    for (let i = locals.length - 1; i >= 0; i--) emitter.local(OP.localSet, locals[i]!);
    if (caught.which === undefined) continue;
    emitter.constant(tag);
    emitter.local(OP.localSet, caught.which);
  }
  if (caught.which !== undefined) {
    code.u8(OP.catchAll);
    emitter.constant(0);
    emitter.constant(1);
    emitter.control(OP.i32Store, CONTROL.refused);
  }
  code.u8(OP.end);
  emitter.throwFreeze();
  code.u8(OP.end);
  emitter.physical--;
}

/** Opens a handler in the middle of its body, the exception being in the locals: throws and catches it again. */
export function reopenCaught(emitter: Emitter, caught: Caught): void {
  const { code, space, plan } = emitter;
  code.u8(OP.try);
  space.writeBlockType(code, space.blockType(space.signature(plan.body, caught.opener).results));
  emitter.labels.push(emitter.physical++);
  for (const { tag, payload, locals } of caught.tags) {
    if (caught.which !== undefined) {
      emitter.local(OP.localGet, caught.which);
      emitter.constant(tag);
      code.bytes([OP.i32Eq, OP.if, 0x40]);
    }
    payload.forEach((type, place) => {
      emitter.push(locals[place]!, type);
    });
    code.u8(OP.throw);
    code.u32(space.tagIndex(tag));
    if (caught.which !== undefined) code.u8(OP.end);
  }
  if (caught.which === undefined) {
    const { tag, payload } = caught.tags[0]!;
    code.u8(OP.catch);
    code.u32(space.tagIndex(tag));
    for (const _ of payload) code.u8(OP.drop);
  } else {
    code.bytes([OP.unreachable, OP.catchAll]);
  }
  openCaught(emitter, caught, []);
}
