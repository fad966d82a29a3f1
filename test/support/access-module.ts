// A module with one function for each instruction that accesses memory, and the values to call them with.

import { accessOf, memoryAccessCodes } from "../../src/instrument/windows-accesses.ts";
import { F32, F64, I32, I64, opcodeName, V128, type ValueType } from "../../src/wasm/index.ts";

/** Function `name` takes (address i32 or i64, a i64, b i64) and returns an i64. */
export interface AccessFunction {
  readonly name: string;
  readonly bytes: number;
  readonly offset: number;
}

/** Static offsets that functions have. */
const OFFSETS = [0, 1, 7, 4090, 40_000];

/** The bytes of the data segments that memory.init reads. */
export const SEGMENT_BYTES = 9000;

const OPERAND: ReadonlyMap<ValueType, (value: string) => string> = new Map([
  [I32, (value) => `(i32.wrap_i64 ${value})`],
  [I64, (value) => value],
  [F32, (value) => `(f32.reinterpret_i32 (i32.wrap_i64 ${value}))`],
  [F64, (value) => `(f64.reinterpret_i64 ${value})`],
  [V128, (value) => `(i64x2.replace_lane 1 (i64x2.splat ${value}) (i64.rotl ${value} (i64.const 21)))`],
]);

const RESULT: ReadonlyMap<ValueType, (value: string) => string> = new Map([
  [I32, (value) => `(i64.extend_i32_u ${value})`],
  [I64, (value) => value],
  [F32, (value) => `(i64.extend_i32_u (i32.reinterpret_f32 ${value}))`],
  [F64, (value) => `(i64.reinterpret_f64 ${value})`],
  [V128, (value) => `(call $fold ${value})`],
]);

/**
 * The text of the module, and its functions.
 *
 * @param wide memory 0 has 64-bit addresses, and is not shared
 */
export function accessModule(
  pages: number,
  wide = false,
): { readonly text: string; readonly functions: readonly AccessFunction[] } {
  const functions: AccessFunction[] = [];
  const texts = memoryAccessCodes().map((code, index) => {
    const access = accessOf(code)!;
    const offset = OFFSETS[index % OFFSETS.length]!;
    const name = `${opcodeName(code)} ${offset}`;
    functions.push({ name, bytes: access.bytes, offset });
    const operands = access.operands.map((type, place) => OPERAND.get(type)!(`(local.get ${1 + place})`)).join(" ");
    const lane = access.lane ? ` ${16 / access.bytes - 1}` : "";
    const instruction = `(${opcodeName(code)} offset=${offset}${lane} (local.get 0) ${operands})`;
    const value =
      access.result === 0 ? `(block ${instruction}) (i64.const 1)` : RESULT.get(access.result)!(instruction);
    // A value below the access on the operand stack must survive a freeze.
    const body = `(i64.add (i64.mul (local.get 1) (i64.const 3)) ${access.result === 0 ? `(block (result i64) ${value})` : value})`;
    return `(func (export "${name}") (param ${wide ? "i64" : "i32"} i64 i64) (result i64) ${body})`;
  });
  const bulk = ["memory.copy", "memory.fill", "memory.init $d", "memory.init $e"].map((name) => {
    const three = "(local.get 0) (local.get 1) (local.get 2)";
    const params = wide ? (WIDE_OPERANDS.get(name) ?? "i64 i32 i32") : "i32 i32 i32";
    const length = params.endsWith("i64") ? "(local.get 2)" : "(i64.extend_i32_u (local.get 2))";
    return `(func (export "${name}") (param ${params}) (result i64) (i64.add ${length} (block (result i64) (${name} ${three}) (i64.const 5))))`;
  });
  const data = Array.from(
    { length: SEGMENT_BYTES },
    (_, at) => `\\${((at * 31 + 7) & 255).toString(16).padStart(2, "0")}`,
  );
  const text = `(module (memory (export "memory") ${wide ? `i64 ${pages} ${pages}` : `${pages} ${pages} shared`})
    (func $fold (param v128) (result i64)
      (i64.xor (i64x2.extract_lane 0 (local.get 0)) (i64.rotl (i64x2.extract_lane 1 (local.get 0)) (i64.const 9))))
    (data $d "${data.join("")}") (data $e "${data.slice(0, 100).join("")}")
    ${texts.join("\n")} ${bulk.join("\n")})`;
  return { text, functions };
}

/** Where not only the first one has 64 bits. */
const WIDE_OPERANDS: ReadonlyMap<string, string> = new Map([
  ["memory.copy", "i64 i64 i64"],
  ["memory.fill", "i64 i32 i64"],
]);

/** The functions of the module that take (destination, source or value, length). */
export const BULK_FUNCTIONS = ["memory.copy", "memory.fill", "memory.init $d", "memory.init $e"] as const;
