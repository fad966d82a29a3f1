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
import type { FrameValue } from "./plan.ts";
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

/** A function body: the locals behind the parameters, as groups, and the code; and the length of the former. */
export function functionBody(locals: readonly ValueType[], code: Uint8Array): { body: Uint8Array; codeStart: number } {
  const writer = new ByteWriter(code.length + 16);
  const groups: { type: ValueType; count: number }[] = [];
  for (const type of locals) {
    const last = groups.at(-1);
    if (last?.type === type) last.count++;
    else groups.push({ type, count: 1 });
  }
  writer.u32(groups.length);
  for (const { type, count } of groups) {
    writer.u32(count);
    writeValueType(writer, type);
  }
  const codeStart = writer.length;
  writer.bytes(code);
  return { body: writer.toBytes(), codeStart };
}
