// Values of scripts and values of runs: numbers are bytes, exact to the last bit of a NaN; references are JavaScript's.

import type { Constant } from "./script.ts";

/** A result of a run. Of an exception reference only is known whether it is null: JavaScript cannot hold it. */
export type Actual =
  | { readonly kind: "number"; readonly type: NumberType; readonly bytes: Uint8Array }
  | { readonly kind: "reference"; readonly value: unknown }
  | { readonly kind: "exception"; readonly isNull: boolean };

export type NumberType = "i32" | "i64" | "f32" | "f64" | "v128";

/** Bytes that one value takes in a caller's memory. */
export const VALUE_BYTES = 16;

const NUMBERS: ReadonlySet<string> = new Set(["i32", "i64", "f32", "f64", "v128"]);
const LANE_BITS: Readonly<Record<string, number>> = { i8: 8, i16: 16, i32: 32, i64: 64, f32: 32, f64: 64 };
const NULLS = new Set(["refnull", "nullref", "nullfuncref", "nullexternref", "nullexnref"]);

/** References that rtcr refuses because they are of garbage-collected objects. */
const COLLECTED = new Set(["anyref", "eqref", "structref", "arrayref", "i31ref", "i31refshared", "contref"]);

export function isNumber(type: string): type is NumberType {
  return NUMBERS.has(type);
}

/** Whether a script's constant is a garbage-collected object. */
export function isCollected({ type }: Constant): boolean {
  return COLLECTED.has(type);
}

const hostObjects = new Map<string, object>();

/** The object of the host that `(ref.extern n)` stands for; the same for the same number. */
export function hostObject(number: string): object {
  let object = hostObjects.get(number);
  if (!object) hostObjects.set(number, (object = Object.freeze({ extern: number })));
  return object;
}

/** The bytes of a number, in memory order. */
export function numberBytes(constant: Constant): Uint8Array {
  const lanes = constant.type === "v128" ? (constant.value as readonly string[]) : [String(constant.value)];
  const bits = LANE_BITS[constant.lane_type ?? constant.type]!;
  const bytes = new Uint8Array((lanes.length * bits) / 8);
  lanes.forEach((lane, index) => {
    putBits(bytes, (index * bits) / 8, BigInt(lane), bits);
  });
  return bytes;
}

function putBits(bytes: Uint8Array, at: number, value: bigint, bits: number): void {
  for (let i = 0; i < bits / 8; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

/** A reference argument as JavaScript passes it. */
export function referenceOf(constant: Constant): unknown {
  if (constant.value === undefined || constant.value === "null") return null;
  return hostObject(String(constant.value));
}

/** Whether a result is what the script expects. */
export function matches(expected: Constant, actual: Actual): boolean {
  if (expected.type === "either") return expected.values!.some((choice) => matches(choice, actual));
  if (actual.kind === "number") return expected.type === actual.type && matchesNumber(expected, actual.bytes);
  const isNull = actual.kind === "exception" ? actual.isNull : actual.value === null;
  if (NULLS.has(expected.type) || expected.value === "null") return isNull;
  if (isNull) return false;
  if (actual.kind === "exception") return expected.type === "exnref";
  if (expected.type === "funcref") return typeof actual.value === "function";
  return expected.value === undefined || actual.value === hostObject(String(expected.value));
}

function matchesNumber(expected: Constant, bytes: Uint8Array): boolean {
  if (expected.value === undefined) return true;
  const lanes = expected.type === "v128" ? (expected.value as readonly string[]) : [String(expected.value)];
  const size = LANE_BITS[expected.lane_type ?? expected.type]! / 8;
  return lanes.every((lane, index) => matchesLane(lane, bytes.subarray(index * size, (index + 1) * size)));
}

function matchesLane(lane: string, bytes: Uint8Array): boolean {
  const bits = 8 * bytes.length;
  const found = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  if (!lane.startsWith("nan:")) return found === BigInt.asUintN(bits, BigInt(lane));
  const quiet = bits === 32 ? 0x7fc0_0000n : 0x7ff8_0000_0000_0000n;
  const sign = 1n << BigInt(bits - 1);
  const magnitude = found & ~sign;
  return lane === "nan:canonical" ? magnitude === quiet : (magnitude & quiet) === quiet;
}

/** For messages. */
export function show(value: Constant | Actual): string {
  if (!("kind" in value)) {
    if (value.type === "either") return `either ${value.values!.map(show).join(" or ")}`;
    return [value.type, value.lane_type, value.value].filter((part) => part !== undefined).join(" ");
  }
  if (value.kind === "number") return `${value.type} 0x${Buffer.from(value.bytes).reverse().toString("hex")}`;
  if (value.kind === "exception") return value.isNull ? "exnref null" : "exnref";
  return value.value === null ? "null" : `reference to a ${typeof value.value}`;
}
