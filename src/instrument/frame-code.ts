// What goes around an instrumented body: the block that a freeze leaves through, and the handler that saves the frame.
//
//   new exceptions                                   legacy exceptions
//   block $handler                                   try (result ...)
//     try_table (result ...) (catch $freeze $handler)    body
//       body                                         catch $freeze
//     end                                              save
//     return                                           throw $freeze
//   end                                              end
//   save                                             return
//   throw $freeze
//
// The try stands where the function's own label stood, so branches inside keep their depths. Trials (v8-figures.md
// section 2) favour exceptions over a test behind every call: 1.01 against 1.09, and the engine still inlines.

import { ByteWriter } from "../util/index.ts";
import { I32, OP, type ValueType, writeValueType } from "../wasm/index.ts";
import { type Emitter, OWN_SLOT } from "./emit.ts";
import type { FrameValue, Plan } from "./plan.ts";
import { writeSave } from "./saver.ts";

/**
 * Opens the try; the original's function label is its label.
 *
 * @param between opens blocks around the try that are closed by `closeTry`'s `between`
 */
export function openTry(emitter: Emitter, between: () => void = () => {}): void {
  const { code, space, plan } = emitter;
  const results = space.blockType(plan.type.results);
  if (space.legacy) {
    between();
    code.u8(OP.try);
    space.writeBlockType(code, results);
  } else {
    code.bytes([OP.block, 0x40]);
    emitter.handler = emitter.physical++;
    between();
    code.u8(OP.tryTable);
    space.writeBlockType(code, results);
    code.bytes([1, 0]);
    code.u32(space.freezeTag);
    code.u32(emitter.physical - 1 - emitter.handler);
  }
  emitter.labels.push(emitter.physical++);
  emitter.framed = true;
}

/** Closes the try, saves `values` under the number `layout` and lets the freeze go on. */
export function closeTry(
  emitter: Emitter,
  layout: number,
  values: readonly FrameValue[],
  between: () => void = () => {},
): void {
  const { code, space, plan } = emitter;
  const site = plan.temporary(OWN_SLOT.site, I32);
  const save = () => {
    writeSave(code, space, layout, site, values);
    emitter.throwFreeze();
  };
  emitter.labels.pop();
  emitter.physical--;
  if (space.legacy) {
    code.u8(OP.catch);
    code.u32(space.freezeTag);
    save();
    code.bytes([OP.end, OP.return]);
    between();
    code.u8(OP.unreachable);
  } else {
    code.bytes([OP.end, OP.return]);
    between();
    code.u8(OP.end);
    emitter.physical--;
    save();
  }
}

/**
 * Opens a body that holds no frame. No freeze can pass through it, but an exit of the program can, which unwinds in
 * the same way: its catch_all clauses must let that pass.
 */
export function openUnframed(emitter: Emitter): void {
  const { code, space, plan } = emitter;
  if (!space.legacy && catchesAll(plan)) {
    code.bytes([OP.block, 0x40]);
    emitter.handler = emitter.physical++;
    code.u8(OP.block);
    space.writeBlockType(code, space.blockType(plan.type.results));
    emitter.labels.push(emitter.physical++);
  } else {
    emitter.labels.push(0);
  }
}

/** Closes what `openUnframed` opened. */
export function closeUnframed(emitter: Emitter): void {
  if (emitter.handler < 0) return;
  emitter.code.bytes([OP.end, OP.return, OP.end]);
  emitter.throwFreeze();
}

function catchesAll(plan: Plan): boolean {
  for (const clauses of plan.body.catches.values()) if (clauses.some(({ tag }) => tag < 0)) return true;
  return false;
}

/** Where function bodies are put together: views of a few large buffers, since a module has them by the thousand. */
export class BodyBuffer {
  readonly #roomBytes: number;
  #room = new Uint8Array(0);
  #used = 0;
  readonly #head = new ByteWriter(256);

  /** @param roomBytes size of the buffers; a body that is larger gets one of its own */
  constructor(roomBytes = 1 << 20) {
    this.#roomBytes = roomBytes;
  }

  /**
   * A function body: the locals behind the parameters, as groups, and the code; and the length of the former.
   *
   * @param code is copied
   */
  body(locals: readonly ValueType[], code: Uint8Array): { readonly body: Uint8Array; readonly codeStart: number } {
    this.#writeLocals(locals);
    const codeStart = this.#head.length;
    const length = codeStart + code.length;
    if (this.#used + length > this.#room.length) {
      this.#room = new Uint8Array(Math.max(this.#roomBytes, length));
      this.#used = 0;
    }
    const body = this.#room.subarray(this.#used, this.#used + length);
    body.set(this.#head.view());
    body.set(code, codeStart);
    this.#used += length;
    return { body, codeStart };
  }

  #writeLocals(locals: readonly ValueType[]): void {
    const head = this.#head;
    let groups = 0;
    for (let i = 0; i < locals.length; i++) if (i === 0 || locals[i] !== locals[i - 1]) groups++;
    head.clear();
    head.u32(groups);
    for (let first = 0, next = 0; first < locals.length; first = next) {
      while (locals[next] === locals[first] && next < locals.length) next++;
      head.u32(next - first);
      writeValueType(head, locals[first]!);
    }
  }
}
