import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../core/index.ts";
import { WasiStateFault } from "./index.ts";
import { make } from "./test-sessions.test.ts";

for (const [what, strings] of [
  ["args", ["prog", "ä b"]],
  ["environ", ["HOME=/", "EMPTY="]],
] as const) {
  test(`${what}: sizes, then the strings with their pointers`, () => {
    const { program } = make();
    const [count, size] = [program.room(4), program.room(4)];
    assert.equal(program.call(`${what}_sizes_get`, count, size), "success");
    const bytes = new TextEncoder().encode(strings.map((text) => `${text}\0`).join(""));
    assert.deepEqual([program.u32(count), program.u32(size)], [strings.length, bytes.length]);
    const [pointers, buffer] = [program.room(4 * strings.length), program.room(bytes.length)];
    assert.equal(program.call(`${what}_get`, pointers, buffer), "success");
    assert.deepEqual(program.memory.slice(buffer, buffer + bytes.length), bytes);
    for (const [index, text] of strings.entries()) {
      const at = program.u32(pointers + 4 * index);
      assert.equal(program.text(at, new TextEncoder().encode(text).length), text);
    }
  });
}

test("arguments with a NUL character are refused before the program starts", () => {
  const program = { args: ["a\0b"], environment: [] };
  assert.throws(() => make({ program }), WasiStateFault);
});

test("clocks: real time, monotonic, processor time; others are inval", () => {
  const { program, clock } = make();
  const result = program.room(8);
  const expected = [clock.realtimeNs(), 1_000n, 500n, 500n];
  for (const [id, time] of expected.entries()) {
    assert.equal(program.call("clock_time_get", id, 0n, result), "success");
    assert.equal(program.u64(result), time);
  }
  for (const [id, step] of [1_000n, 1n, 1n, 1n].entries()) {
    assert.equal(program.call("clock_res_get", id, result), "success");
    assert.equal(program.u64(result), step);
  }
  assert.equal(program.call("clock_time_get", 4, 0n, result), "inval");
  assert.equal(program.call("clock_res_get", -1, result), "inval");
});

test("random_get: fills all of it, nothing for nothing, goes on after a freeze between pieces", () => {
  const { program } = make();
  program.memory = new Uint8Array(3 << 20);
  const length = (2 << 20) + 5;
  const expected = new Uint8Array(length);
  createSeededRandom(1n).fill(expected);
  assert.equal(program.call("random_get", 64, 0), "success");
  program.waits.push("freeze");
  const first = program.begin("random_get", undefined, 64, length);
  assert.deepEqual(first, { frozen: { moved: 1 << 20 } });
  assert.deepEqual(program.begin("random_get", { moved: 1 << 20 }, 64, length), { errno: "success" });
  assert.deepEqual(program.memory.subarray(64, 64 + length), expected);
});

test("proc_exit ends with the code, proc_raise is nosys, sched_yield gives way once", () => {
  const { program } = make();
  assert.deepEqual(program.begin("proc_exit", undefined, 3), { exit: 3 });
  assert.deepEqual(program.begin("proc_exit", undefined, -1), { exit: 0xffff_ffff });
  assert.equal(program.call("proc_raise", 9), "nosys");
  assert.equal(program.call("sched_yield"), "success");
  program.waits.push("freeze");
  const yielded = program.begin("sched_yield", undefined);
  assert.ok("frozen" in yielded && yielded.frozen !== undefined);
  assert.deepEqual(program.begin("sched_yield", yielded.frozen), { errno: "success" });
});
