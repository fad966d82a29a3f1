// WASI through windows: pointers that lead to scattered, missing or read-only pages, in calls that wait for them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createFileSystem } from "../src/core/files/index.ts";
import { createClock, createMemoryInput, createMemoryOutput, createSeededRandom } from "../src/core/index.ts";
import { nodeClocks } from "../src/core/index-node.ts";
import { loadProgram } from "../src/core/program.ts";
import { Group, Pool, type Thread, Windows } from "../src/engine/index.ts";
import { createWasi } from "../src/wasi/index.ts";
import { assemble } from "./assemble.ts";

const PAGE = 4096;
const TEXT = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory 1)
  (func (export "write") (param i32 i32) (result i32) (call $write (i32.const 1) (local.get 0) (i32.const 2) (local.get 1)))
  (func (export "read") (param i32 i32) (result i32) (call $read (i32.const 0) (local.get 0) (i32.const 1) (local.get 1)))
  (func (export "random") (param i32 i32) (result i32) (call $random (local.get 0) (local.get 1))))`;
const SUCCESS = 0;
const FAULT = 21;

function machine(input: Uint8Array) {
  const output: number[] = [];
  const sink = createMemoryOutput((bytes) => output.push(...bytes));
  const files = createFileSystem([]);
  const wasi = createWasi({
    program: { args: ["test"], environment: [] },
    clock: createClock(nodeClocks()),
    random: createSeededRandom(1n),
    files,
    stdin: createMemoryInput({ bytes: input }),
    stdout: sink,
    stderr: sink,
  });
  const program = loadProgram(assemble(TEXT), "m", { windows: true });
  const group = new Group({ parks: true });
  const pool = new Pool();
  const windows = new Windows(pool);
  group.add("m", program, wasi.imports, {}, { windows });
  const content = new Map<number, Uint8Array>();
  /** Pages that faults asked for. */
  const asked: number[] = [];
  const attach = (page: number, writable = true) => {
    pool.allocate(PAGE); // neighbours in the address space are none in the pool
    const range = pool.allocate(PAGE)!;
    const bytes = content.get(page);
    if (bytes) pool.bytes(range.address, PAGE).set(bytes);
    windows.table.map(page * PAGE, range.address, PAGE, { writable });
  };
  const call = (name: string, ...args: number[]): unknown => {
    const { index } = program.info.exports.find((entry) => entry.name === name)!;
    const thread: Thread = group.spawn({ instance: 0, function: index, name }, args);
    for (group.run(thread); !thread.ending; group.run(thread)) {
      const { fault } = thread;
      assert(fault && fault.type !== "grow", `${name} waits for a page`);
      asked.push(Math.floor(fault.address / PAGE));
      attach(asked.at(-1)!);
    }
    assert.equal(thread.ending.kind, "returned");
    return thread.ending.results[0];
  };
  return { call, content, attach, asked, windows, output };
}

/** Puts little-endian words into the pages that will be attached. */
function put(content: Map<number, Uint8Array>, address: number, words: readonly number[]): void {
  new Uint8Array(Uint32Array.from(words).buffer).forEach((byte, index) => {
    const page = Math.floor((address + index) / PAGE);
    const bytes = content.get(page) ?? new Uint8Array(PAGE);
    bytes[(address + index) % PAGE] = byte;
    content.set(page, bytes);
  });
}

test("S20: output from scattered pages that are missing when it is asked for: whole, in order, once", () => {
  const { call, content, asked, windows, output } = machine(new Uint8Array(0));
  const data = Uint8Array.from({ length: 9000 }, (_, index) => index * 11 + 3);
  data.forEach((byte, index) => {
    const page = Math.floor((0x5100 + index) / PAGE);
    const bytes = content.get(page) ?? new Uint8Array(PAGE);
    bytes[(0x5100 + index) % PAGE] = byte;
    content.set(page, bytes);
  });
  put(content, 0x1ffc, [0x5100, 5000, 0x5100 + 5000, 4000]);
  assert.equal(call("write", 0x1ffc, 0x8ffe), SUCCESS);
  assert.deepEqual(Uint8Array.from(output), data);
  assert.deepEqual(windows.bytes.read(0x8ffe, 4), Uint8Array.of(9000 & 255, 9000 >> 8, 0, 0));
  assert.deepEqual([...asked].sort(), [1, 2, 5, 6, 7, 8, 9]);
});

test("S20, S21: input into scattered pages; a read-only one is errno fault, and nothing is taken", () => {
  const input = Uint8Array.from({ length: 6000 }, (_, index) => index * 7 + 1);
  const { call, content, attach, windows } = machine(input);
  put(content, 0x1000, [0x3f00, 6000]);
  put(content, 0x1100, [0x7000, 100]);
  attach(7, false);
  assert.equal(call("read", 0x1100, 0x1200), FAULT);
  const parts: number[] = [];
  while (parts.length < 6000) {
    assert.equal(call("read", 0x1000, 0x1200), SUCCESS);
    const moved = new DataView((windows.bytes.read(0x1200, 4) as Uint8Array<ArrayBuffer>).buffer).getUint32(0, true);
    assert(moved > 0);
    parts.push(...(windows.bytes.read(0x3f00, moved) as Uint8Array));
  }
  assert.deepEqual(Uint8Array.from(parts), input);
});

test("S20: a buffer over many missing pages is filled; beyond the address space is errno fault", () => {
  const { call, windows, asked } = machine(new Uint8Array(0));
  assert.equal(call("random", 0x7ff0, 3 * PAGE), SUCCESS);
  assert.deepEqual(asked, [7, 8, 9, 10]);
  const filled = windows.bytes.read(0x7ff0, 3 * PAGE) as Uint8Array;
  for (let page = 0; page < 3; page++)
    assert(filled.subarray(page * PAGE, (page + 1) * PAGE).some((byte) => byte !== 0));
  assert.equal(call("random", -8, 16), FAULT);
});
