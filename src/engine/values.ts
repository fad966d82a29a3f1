// Values between frame records, JavaScript and saved state. Floats keep their bits.

import type { SavedValue, ValueTypeName } from "../abi/index.ts";
import { type NumberType, type PlainWriter, plainOf, toHex } from "../util/index.ts";
import { EngineFault } from "./faults.ts";
import type { References } from "./references.ts";

const scratch = new DataView(new ArrayBuffer(8));

/** Reads a number at `address` of a memory. */
export function readNumber(view: DataView, address: number, type: ValueTypeName): SavedValue {
  switch (type) {
    case "i32":
      return { type, value: view.getInt32(address, true) };
    case "i64":
      return { type, value: view.getBigInt64(address, true) };
    case "f32":
      return { type, bits: view.getUint32(address, true) };
    case "f64":
      return { type, bits: view.getBigUint64(address, true) };
    case "v128":
      return { type, hex: toHex(new Uint8Array(view.buffer, view.byteOffset + address, 16)) };
    default:
      throw new EngineFault("unsaveable", `a value of type ${type} is not a number`);
  }
}

/** Writes a number at `address` of a memory. */
export function writeNumber(view: DataView, address: number, value: SavedValue): void {
  switch (value.type) {
    case "i32":
      return view.setInt32(address, value.value, true);
    case "i64":
      return view.setBigInt64(address, value.value, true);
    case "f32":
      return view.setUint32(address, value.bits, true);
    case "f64":
      return view.setBigUint64(address, value.bits, true);
    case "v128":
      for (let i = 0; i < 16; i++) view.setUint8(address + i, parseInt(value.hex.slice(2 * i, 2 * i + 2), 16));
      return;
    default:
      throw new EngineFault("mismatch", `expected a number, found a saved value of type ${value.type}`);
  }
}

/** Writes a JavaScript value as saved state. */
export function saveValue(value: unknown, type: ValueTypeName, references: References, to: PlainWriter): void {
  if (type === "i32" || type === "i64" || type === "f32" || type === "f64") return saveNumber(value, type, to);
  references.write(value, type, to);
}

/** Writes a number of JavaScript as saved state. */
export function saveNumber(value: unknown, type: Exclude<NumberType, "v128">, to: PlainWriter): void {
  switch (type) {
    case "i32":
      return to.i32(Number(value) | 0);
    case "i64":
      scratch.setBigInt64(0, value as bigint, true); // its lowest 64 bits
      return to.value(type, scratch, 0);
    case "f32":
      scratch.setFloat32(0, value as number, true);
      return to.value(type, scratch, 0);
    case "f64":
      scratch.setFloat64(0, value as number, true);
      return to.value(type, scratch, 0);
  }
}

/** Writes a list of values of these types. */
export function saveValues(
  values: readonly unknown[],
  types: readonly ValueTypeName[],
  references: References,
  to: PlainWriter,
): void {
  const begin = to.list();
  for (let i = 0; i < types.length; i++) saveValue(values[i], types[i]!, references, to);
  to.endList(begin, types.length);
}

/** A JavaScript value as saved state. */
export function toSaved(value: unknown, type: ValueTypeName, references: References): SavedValue {
  return plainOf((to) => saveValue(value, type, references, to)) as unknown as SavedValue;
}

/** Saved state as a JavaScript value. */
export function fromSaved(value: SavedValue, references: References): unknown {
  switch (value.type) {
    case "i32":
    case "i64":
      return value.value;
    case "f32":
      scratch.setUint32(0, value.bits, true);
      return scratch.getFloat32(0, true);
    case "f64":
      scratch.setBigUint64(0, value.bits, true);
      return scratch.getFloat64(0, true);
    case "v128":
      throw new EngineFault("unsaveable", "a v128 value cannot be a JavaScript value");
    default:
      return references.load(value);
  }
}

/** Whether a saved value can stand where `type` is expected. It may be plain data that claims to be one. */
export function fits(value: SavedValue, type: ValueTypeName): boolean {
  switch (value.type) {
    case "null":
      return type === "funcref" || type === "externref" || type === "exnref";
    case "func":
      return type === "funcref";
    case "exn":
      return type === "exnref" && Array.isArray(value.payload);
    case "i32":
      return type === "i32" && (value.value | 0) === value.value;
    case "i64":
      return type === "i64" && typeof value.value === "bigint" && BigInt.asIntN(64, value.value) === value.value;
    case "f32":
      return type === "f32" && value.bits >>> 0 === value.bits;
    case "f64":
      return type === "f64" && typeof value.bits === "bigint" && BigInt.asUintN(64, value.bits) === value.bits;
    case "v128":
      return type === "v128" && /^[0-9a-f]{32}$/.test(value.hex);
    default:
      return false;
  }
}
