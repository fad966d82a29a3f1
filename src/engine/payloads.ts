// Payloads of exceptions as saved state, and exceptions made of them: through JavaScript where it can hold them exactly,
// else through the program's payload accessor (instrument/payloads.ts).

import type { SavedValue, ValueTypeName } from "../abi/index.ts";
import { EngineFault } from "./faults.ts";
import { type Instance, thrownBy } from "./instance.ts";
import type { References } from "./references.ts";
import { fromSaved, readNumber, toSaved, writeNumber } from "./values.ts";

/** Bytes that one value takes in the accessor's memory. */
const VALUE_BYTES = 16;

/** The payload of an exception of tag `tag`. */
export function payloadOf(
  instance: Instance,
  tag: number,
  exception: WebAssembly.Exception,
  references: References,
): readonly SavedValue[] {
  const types = instance.program.info.tags[tag]!;
  const accessor = instance.side.payloads();
  const read = accessor?.[`read${tag}`] as (() => unknown) | undefined;
  if (!read) {
    const object = instance.tag(tag);
    return types.map((type, place) => toSaved(exception.getArg(object, place), type, references));
  }
  instance.raise(exception);
  const returned = read();
  // One after the other: the next exception within would use the same memory.
  const view = new DataView((accessor!["values"] as WebAssembly.Memory).buffer.slice(0, VALUE_BYTES * types.length));
  const held = types.filter(plainReference).length === 1 ? [returned] : ((returned ?? []) as readonly unknown[]);
  let next = 0;
  return types.map((type, place) => {
    if (plainReference(type)) return toSaved(held[next++], type, references);
    if (type !== "exnref") return readNumber(view, VALUE_BYTES * place, type);
    instance.raise(exception);
    return references.save(thrownBy(accessor![`read${tag}-${place}`] as () => void), type);
  });
}

/** An exception of tag `tag` with a payload that fits it. */
export function makeException(
  instance: Instance,
  tag: number,
  payload: readonly SavedValue[],
  references: References,
): unknown {
  const accessor = instance.side.payloads();
  const make = accessor?.[`make${tag}`] as ((...references: readonly unknown[]) => void) | undefined;
  const values = payload.map((value) => (isNumber(value) && make ? undefined : fromSaved(value, references)));
  if (!make) return typed(instance, tag, () => new WebAssembly.Exception(instance.tag(tag), values as never[]));
  const types = instance.program.info.tags[tag]!;
  const view = new DataView((accessor!["values"] as WebAssembly.Memory).buffer);
  payload.forEach((value, place) => {
    if (isNumber(value)) writeNumber(view, VALUE_BYTES * place, value);
  });
  instance.raise(...values.filter((_, place) => types[place] === "exnref"));
  const made = thrownBy(() => make(...values.filter((_, place) => plainReference(types[place]!))));
  return typed(instance, tag, () => {
    if (made instanceof WebAssembly.Exception) return made;
    throw made;
  });
}

/** @throws EngineFault "mismatch" if making the exception finds that a reference has not the type that it needs */
function typed(instance: Instance, tag: number, make: () => WebAssembly.Exception): WebAssembly.Exception {
  try {
    return make();
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    const message = `an exception of tag ${tag} of ${instance.name} does not have the types of its tag: ${thrown.message}`;
    throw new EngineFault("mismatch", message, { cause: thrown });
  }
}

function plainReference(type: ValueTypeName): boolean {
  return type === "funcref" || type === "externref";
}

function isNumber({ type }: SavedValue): boolean {
  return type !== "null" && type !== "func" && type !== "exn";
}
