// Values of frames, globals and tables <-> their text: "i32 -5", "f64 0x7ff8000000000000", "func 0/12", "null * 40".
import type { SavedValue } from "../abi/index.ts";
import { CheckpointFault, damagedField, pathTo, show } from "./faults.ts";
import type { Json } from "./json.ts";
import { DEPTH, INDEX, VALUES } from "./limits.ts";

const I32 = { min: -(2 ** 31), max: 2 ** 32 - 1 };
const I64 = { min: -(2n ** 63n), max: 2n ** 64n - 1n };

/** A list of values as text, equal neighbours folded. Throws "unsavable" with the path of a value out of range. */
export function valuesToJson(values: readonly SavedValue[], path: string, depth = 0): Json[] {
  const list: Json[] = [];
  let last: string | undefined;
  let count = 0;
  const close = (): void => {
    if (last !== undefined) list.push(count === 1 ? last : `${last} * ${count}`);
    last = undefined;
    count = 0;
  };
  for (let i = 0; i < values.length; i++) {
    const text = valueToJson(values[i]!, pathTo(path, i), depth);
    if (typeof text === "string" && text === last) {
      count++;
      continue;
    }
    close();
    if (typeof text === "string") {
      last = text;
      count = 1;
    } else list.push(text);
  }
  close();
  return list;
}

/** One value as text, exceptions as an object. */
export function valueToJson(value: SavedValue, path: string, depth = 0): Json {
  const text = toText(value, path, depth);
  if (text === undefined) {
    throw new CheckpointFault(
      "unsavable",
      `image: ${path} is ${Object.values(value).map(show).join(" ")}, expected a saved value in range`,
      {
        path,
      },
    );
  }
  return text;
}

function toText(value: SavedValue, path: string, depth: number): Json | undefined {
  switch (value.type) {
    case "i32":
      return inI32(value.value) ? `i32 ${value.value}` : undefined;
    case "i64":
      return inI64(value.value) ? `i64 ${value.value}` : undefined;
    case "f32":
      return inI32(value.bits) && value.bits >= 0 ? `f32 0x${value.bits.toString(16)}` : undefined;
    case "f64":
      return inI64(value.bits) && value.bits >= 0n ? `f64 0x${value.bits.toString(16)}` : undefined;
    case "v128":
      return /^[0-9a-f]{32}$/.test(value.hex) ? `v128 ${value.hex}` : undefined;
    case "null":
      return "null";
    case "func":
      return inIndex(value.instance) && inIndex(value.index) ? `func ${value.instance}/${value.index}` : undefined;
    case "exn":
      if (!inIndex(value.instance) || !inIndex(value.tag) || depth > DEPTH) return undefined;
      return {
        exn: [value.instance, value.tag],
        payload: valuesToJson(value.payload, `${path}.payload`, depth + 1),
      };
    default:
      return undefined;
  }
}

/** The values of a list as found in an image. `instances`: how many there are, references stay below. */
export function readValues(list: unknown, path: string, instances: number, depth = 0): SavedValue[] {
  if (!Array.isArray(list)) throw damagedField(path, list, "a list of values");
  const values: SavedValue[] = [];
  for (const [i, item] of list.entries()) {
    const fold = typeof item === "string" ? /^(.+) \* ([1-9]\d*)$/.exec(item) : null;
    const count = fold ? Number(fold[2]) : 1;
    if (values.length + count > VALUES)
      throw damagedField(path, `${values.length + count} values`, `at most ${VALUES}`);
    const value = readValue(fold ? fold[1] : item, pathTo(path, i), instances, depth);
    for (let k = 0; k < count; k++) values.push(value);
  }
  return values;
}

/** One value as found in an image. */
export function readValue(item: unknown, path: string, instances: number, depth = 0): SavedValue {
  const value = typeof item === "string" ? fromText(item) : fromException(item, path, instances, depth);
  if (value === undefined) throw damagedField(path, item, "a value such as i32 -5, f64 0x0, func 0/12 or null");
  if ("instance" in value && value.instance >= instances) {
    throw damagedField(path, `instance ${value.instance}`, `an instance below ${instances}`);
  }
  return value;
}

function fromText(text: string): SavedValue | undefined {
  if (text === "null") return { type: "null" };
  const space = text.indexOf(" ");
  const digits = text.slice(space + 1);
  switch (text.slice(0, space)) {
    case "i32": {
      const value = decimal(digits) ? Number(digits) : Number.NaN;
      return inI32(value) ? { type: "i32", value } : undefined;
    }
    case "i64": {
      const value = decimal(digits) ? BigInt(digits) : undefined;
      return value !== undefined && inI64(value) ? { type: "i64", value } : undefined;
    }
    case "f32":
      return /^0x(0|[1-9a-f][0-9a-f]{0,7})$/.test(digits) ? { type: "f32", bits: Number(digits) } : undefined;
    case "f64":
      return /^0x(0|[1-9a-f][0-9a-f]{0,15})$/.test(digits) ? { type: "f64", bits: BigInt(digits) } : undefined;
    case "v128":
      return /^[0-9a-f]{32}$/.test(digits) ? { type: "v128", hex: digits } : undefined;
    case "func": {
      const [, instance, index] = /^(\d{1,10})\/(\d{1,10})$/.exec(digits) ?? [];
      const value = { type: "func", instance: Number(instance), index: Number(index) } as const;
      return inIndex(value.instance) && inIndex(value.index) ? value : undefined;
    }
    default:
      return undefined;
  }
}

function fromException(item: unknown, path: string, instances: number, depth: number): SavedValue | undefined {
  if (item === null || typeof item !== "object" || Object.keys(item).sort().join() !== "exn,payload") return undefined;
  const { exn, payload } = item as { exn: unknown; payload: unknown };
  if (depth > DEPTH || !Array.isArray(exn) || exn.length !== 2 || !exn.every(inIndex)) return undefined;
  const [instance, tag] = exn as [number, number];
  return { type: "exn", instance, tag, payload: readValues(payload, `${path}.payload`, instances, depth + 1) };
}

/** At most 20 digits: no hostile length reaches BigInt. */
function decimal(text: string): boolean {
  return /^(0|-?[1-9]\d{0,19})$/.test(text);
}

function inI32(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= I32.min && (value as number) <= I32.max;
}

function inI64(value: unknown): boolean {
  return typeof value === "bigint" && value >= I64.min && value <= I64.max;
}

function inIndex(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < INDEX;
}
