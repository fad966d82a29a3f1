import assert from "node:assert/strict";
import { test } from "node:test";
import { SYSTEM } from "../../checkpoint/system-sample.test.ts";
import { describeCheckpoint } from "./describe-checkpoint.ts";
import { printCheckpoint } from "./print-checkpoint.ts";

test("S77: children that had exited, and whom a session goes on at, are printed", () => {
  const [first] = SYSTEM.children;
  const description = describeCheckpoint("id", SYSTEM);
  assert.deepEqual(description.exited, [{ name: "once", value: -1 }]);
  const lines = printCheckpoint(description).split("\n");
  assert.ok(lines.includes("exited once with -1"));
  const nic = (text: readonly string[]) => text.find((line) => / Nic /.test(line))?.match(/: (.*?);/)?.[1];
  assert.equal(nic(lines), 'served by child "other"');
  const alone = printCheckpoint(describeCheckpoint("id", { ...SYSTEM, children: [first!] }));
  assert.equal(nic(alone.split("\n")), 'served by child "other", which is not in the checkpoint');
});
