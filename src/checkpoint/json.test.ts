// Canonical JSON: one text for equal values, whatever the order that their properties came in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson, type Json } from "./json.ts";

const CASES: readonly [name: string, value: Json, text: string][] = [
  ["in order already", { a: 1, b: [true, null, "x"] }, '{"a":1,"b":[true,null,"x"]}'],
  ["out of order", { b: 1, a: 2 }, '{"a":2,"b":1}'],
  ["out of order inside of lists", [0, [{ z: 1, y: 2 }], 3], '[0,[{"y":2,"z":1}],3]'],
  ["out of order below what is in order", { a: { c: 1, b: 2 }, d: 3 }, '{"a":{"b":2,"c":1},"d":3}'],
  ["indices by number, before all others", { b: 0, 10: 1, 9: 2, "01": 3 }, '{"9":2,"10":1,"01":3,"b":0}'],
  ["left out where undefined", { b: undefined, a: { d: undefined, c: 1 } }, '{"a":{"c":1}}'],
  ["a name as any other", JSON.parse('{"__proto__": {"b": 1, "a": 2}}'), '{"__proto__":{"a":2,"b":1}}'],
];
for (const [name, value, text] of CASES) {
  test(`canonical JSON: ${name}`, () => {
    const before = JSON.stringify(value);
    assert.equal(canonicalJson(value), text);
    assert.equal(canonicalJson(value, 1), JSON.stringify(JSON.parse(text), undefined, 1));
    assert.equal(JSON.stringify(value), before);
  });
}
