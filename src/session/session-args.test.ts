import assert from "node:assert/strict";
import test from "node:test";
import {
  boolArg,
  numberArg,
  readNumber,
  readSessionArgs,
  SESSION_ARGS_LIMIT,
  writeSessionArgs,
} from "./session-args.ts";

const read = (text: string) => {
  const args = readSessionArgs(text);
  return args.ok ? Object.fromEntries(args.value) : args.reason;
};

test("S39: arguments are pairs; strings may be quoted, later settings replace earlier ones", () => {
  const cases: [text: string, expected: unknown][] = [
    ["", {}],
    ["  ", {}],
    ["ram_quota=8K", { ram_quota: "8K" }],
    ['ram_quota=8K, cap_quota=0x10,label="a, b"', { ram_quota: "8K", cap_quota: "0x10", label: "a, b" }],
    ['label="say \\"x\\" \\\\"', { label: 'say "x" \\' }],
    ["x=1, x=2", { x: "2" }],
    ["x=", { x: "" }],
    ["x", "malformed"],
    ["=1", "malformed"],
    ['x="open', "malformed"],
    [`x="${"y".repeat(SESSION_ARGS_LIMIT)}"`, "malformed"],
    [`x=${"y".repeat(SESSION_ARGS_LIMIT - 2)}`, { x: "y".repeat(SESSION_ARGS_LIMIT - 2) }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(read(text), expected, text);
});

test("S39: what is written reads back", () => {
  const written = writeSessionArgs([
    ["label", 'init -> "x", \\'],
    ["ram_quota", 8192],
    ["diag", true],
  ]);
  assert.ok(written.ok);
  assert.deepEqual(read(written.value), { label: 'init -> "x", \\', ram_quota: "8192", diag: "true" });
  assert.deepEqual(writeSessionArgs([["label", "x".repeat(160)]]), { ok: false, reason: "malformed" });
});

test("S39: numbers carry units or are hexadecimal", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0], ["42", 42], ["0x1F", 31], ["2K", 2048], ["3M", 3 << 20], ["1G", 2 ** 30], ["0x2K", 2048],
    ["", undefined], ["-1", undefined], ["1.5", undefined], ["K", undefined], ["9007199254740993", undefined],
    ["8000000G", 8000000 * 2 ** 30], ["9000000G", undefined],
  ]; // biome-ignore format: a table
  for (const [text, value] of cases) assert.equal(readNumber(text), value, text);
  const args = readSessionArgs("a=7, b=x, c=yes, d=no");
  assert.ok(args.ok);
  assert.equal(numberArg(args.value, "a"), 7);
  assert.equal(numberArg(args.value, "b", 3), 3);
  assert.equal(boolArg(args.value, "c"), true);
  assert.equal(boolArg(args.value, "d", true), false);
  assert.equal(boolArg(args.value, "b", true), true);
});
