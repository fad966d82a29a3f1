// Reading the state of a thread: plain data that may come from a component.
import type { PlainData } from "../../abi/index.ts";

export type Fields = { readonly [name: string]: PlainData | undefined };

/** Each throws TypeError for data of another shape. */
export function record(value: PlainData | undefined): Fields {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || Array.isArray(value)) {
    throw new TypeError("expected fields");
  }
  return value as Fields;
}

export function list(value: PlainData | undefined): readonly PlainData[] {
  if (!Array.isArray(value)) throw new TypeError("expected a list");
  return value;
}

export function number(value: PlainData | undefined): number {
  if (typeof value !== "number" || Number.isNaN(value)) throw new TypeError("expected a number");
  return value;
}
