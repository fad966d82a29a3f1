// Shapes: readers of plain data that say exactly what they expect; combined, they read whole records. Each throws
// CheckpointFault "damaged" with the path of what is wrong.
import type { PlainData } from "../abi/index.ts";
import { damagedField, pathTo } from "./faults.ts";
import { Fields } from "./fields.ts";
import { hashLike } from "./sha256.ts";

export type Shape<T> = (value: unknown, path: string) => T;

/** A whole number from 0 up to 2^53. */
export const count: Shape<number> = (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw damagedField(path, value, "a whole number");
  return value as number;
};

/** A whole number, which may be negative. */
export const integer: Shape<number> = (value, path) => {
  if (!Number.isSafeInteger(value)) throw damagedField(path, value, "a whole number");
  return value as number;
};

export const flag: Shape<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw damagedField(path, value, "true or false");
  return value;
};

export const text: Shape<string> = (value, path) => {
  if (typeof value !== "string") throw damagedField(path, value, "a string");
  return value;
};

export const hash: Shape<string> = (value, path) => {
  if (!hashLike(value)) throw damagedField(path, value, "64 hexadecimal digits");
  return value;
};

export const bytes: Shape<Uint8Array> = (value, path) => {
  if (!(value instanceof Uint8Array)) throw damagedField(path, value, "bytes");
  return value;
};

/** Data whose meaning is another layer's to check. */
export const plain: Shape<PlainData> = (value, path) => {
  if (value === undefined) throw damagedField(path, value, "plain data");
  return value as PlainData;
};

export function oneOf<const T extends string>(...allowed: readonly T[]): Shape<T> {
  return (value, path) => {
    const found = allowed.find((item) => item === value);
    if (found === undefined) throw damagedField(path, value, `one of ${allowed.join(", ")}`);
    return found;
  };
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw damagedField(path, value, "a list");
    return value.map((entry, i) => item(entry, pathTo(path, i)));
  };
}

type Shapes<T, Keys extends keyof T> = { readonly [K in Keys]-?: Shape<Exclude<T[K], undefined>> };
type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

/** Exactly these fields, and of the optional ones those that are there. */
export function record<T extends object>(
  shapes: Shapes<T, Exclude<keyof T, OptionalKeys<T>>>,
  ...[optional = {} as never]: OptionalKeys<T> extends never ? [] : [Shapes<T, OptionalKeys<T>>]
): Shape<T> {
  return (value, path) => {
    if (value instanceof Uint8Array) throw damagedField(path, "bytes", "an object");
    const fields = new Fields(value, path);
    const read = (from: object, key: string) =>
      (from as Readonly<Record<string, Shape<unknown>>>)[key]!(fields.take(key), pathTo(path, key));
    const entries = Object.keys(shapes).map((key) => [key, read(shapes, key)]);
    const present = Object.keys(optional).filter((key) => fields.has(key));
    entries.push(...present.map((key) => [key, read(optional, key)]));
    fields.done();
    return Object.fromEntries(entries) as T;
  };
}
