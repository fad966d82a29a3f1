// Values as text: one line each, in both directions.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SavedValue } from "../abi/index.ts";
import { canonicalJson, type Json } from "./json.ts";
import { readValues, valuesToJson } from "./values.ts";

const nil: SavedValue = { type: "null" };
const func = (index: number): SavedValue => ({ type: "func", instance: 1, index });

const CASES: readonly [values: SavedValue[], text: Json][] = [
  [[], []],
  [[{ type: "i32", value: -5 }], ["i32 -5"]],
  [[{ type: "i32", value: -(2 ** 31) }], ["i32 -2147483648"]],
  [[{ type: "i32", value: 2 ** 32 - 1 }], ["i32 4294967295"]],
  [[{ type: "i64", value: -(2n ** 63n) }], ["i64 -9223372036854775808"]],
  [[{ type: "i64", value: 2n ** 64n - 1n }], ["i64 18446744073709551615"]],
  [[{ type: "f32", bits: 0x7fa00001 }], ["f32 0x7fa00001"]],
  [[{ type: "f32", bits: 0x80000000 }], ["f32 0x80000000"]],
  [[{ type: "f64", bits: 0xfff4000000000001n }], ["f64 0xfff4000000000001"]],
  [[{ type: "f64", bits: 0n }], ["f64 0x0"]],
  [[{ type: "v128", hex: "000102030405060708090a0b0c0d0e0f" }], ["v128 000102030405060708090a0b0c0d0e0f"]],
  [[nil, nil, nil], ["null * 3"]],
  [
    [func(0), func(0), nil, func(1)],
    ["func 1/0 * 2", "null", "func 1/1"],
  ],
  [
    [nil, { type: "exn", instance: 0, tag: 2, payload: [nil, nil] }, nil],
    ["null", { exn: [0, 2], payload: ["null * 2"] }, "null"],
  ],
];

for (const [values, text] of CASES) {
  test(`values: ${canonicalJson(text)}`, () => {
    assert.deepEqual(valuesToJson(values, "at"), text);
    assert.deepEqual(readValues(text, "at", 2), values);
  });
}

test("only one text for a value: other spellings are refused", () => {
  const others = [
    "i32 05",
    "i32 +5",
    "i32 -0",
    "i32  5",
    "i32",
    "I32 5",
    "i64 5n",
    "f32 0x07",
    "f32 7",
    "f64 0X1",
    "v128 00",
  ];
  for (const text of [
    ...others,
    "func 1",
    "func 1/",
    "func 2/0",
    "func -1/0",
    "NULL",
    "",
    "null *3",
    " null",
    "exn 0",
  ]) {
    assert.throws(() => readValues([text], "at", 2), { name: "CheckpointFault", code: "damaged" }, text);
  }
});

test("what is out of range is not written", () => {
  const wrong: unknown[] = [
    { type: "i32", value: 2 ** 32 },
    { type: "i32", value: 1.5 },
    { type: "i32", value: 5n },
    { type: "i64", value: 5 },
    { type: "i64", value: 2n ** 64n },
    { type: "f32", bits: -1 },
    { type: "f64", bits: 2n ** 64n },
    { type: "v128", hex: "00" },
    { type: "func", instance: -1, index: 0 },
    { type: "extern" },
  ];
  for (const value of wrong) {
    assert.throws(() => valuesToJson([value as SavedValue], "at"), { code: "unsavable" }, JSON.stringify(value, big));
  }
});

function big(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
