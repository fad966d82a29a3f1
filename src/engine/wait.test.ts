// memory.atomic.wait: what rewritten code tells the host of the instruction that went first. A notification that this
// instruction took cannot be had at will (about one in forty first waits of a thread whose notifier spins, see
// test/suites/wast/threads.wast); the host's side of it is tested here.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { WAIT } from "../abi/index.ts";
import { loadProgram } from "../core/program.ts";
import { Control } from "./control.ts";
import { Group } from "./index.ts";
import { waitOn } from "./wait.ts";

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

test("a notification that the instruction itself took ends the wait at once", () => {
  assert.deepEqual(waitOn(new Control(), false, memory, 0n, 0n, -1n, 0), [WAIT.ok, 0n]);
  assert.deepEqual(waitOn(new Control(), false, memory, 0n, 0n, -1n, -4), [WAIT.notEqual, 0n]);
  assert.deepEqual(waitOn(new Control(), false, memory, 0n, 0n, 1000n, 4), [WAIT.timedOut, 0n]);
});

for (const [operation, bytes, expected] of [
  ["i32 memory.atomic.wait32", 4, "i32"],
  ["i64 memory.atomic.wait64", 8, "i64"],
] as const) {
  test(`the host learns whether there is anything to wait for: ${operation}`, () => {
    const text = `(module (memory 1 1 shared) (func (export "f") (param ${expected}) (result i32)
      (${operation.split(" ")[1]} (i32.const 8) (local.get 0) (i64.const 5))))`;
    const widths: number[] = [];
    const group = new Group({
      atomicWait: (_instance, _memory, address, _expected, timeout, width) => {
        assert.deepEqual([address, timeout], [8n, 5n]);
        widths.push(width);
        return [WAIT.timedOut, 0n];
      },
    });
    const program = loadProgram(assemble(text), "m", {});
    group.add("m", program, {});
    const { index } = program.info.exports.find((entry) => entry.name === "f")!;
    for (const value of [0, 1]) {
      const thread = group.spawn({ instance: 0, function: index, name: "f" }, [
        expected === "i64" ? BigInt(value) : value,
      ]);
      group.run(thread);
      assert.deepEqual(thread.ending, { kind: "returned", results: [WAIT.timedOut] });
    }
    assert.deepEqual(widths, [bytes, -bytes]);
  });
}
