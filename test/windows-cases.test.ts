// Windows case by case: faults, what the host may change and when, isolation, memory.grow as a request.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostImports } from "../src/abi/index.ts";
import { loadProgram } from "../src/core/program.ts";
import { Group, Pool, type Thread, Windows } from "../src/engine/index.ts";
import type { RewriteOptions } from "../src/instrument/index.ts";
import { assemble } from "./assemble.ts";

const PAGE = 4096;
const FAVOURS = ["memory", "pool", "both"] as const;

interface Machine {
  readonly group: Group;
  readonly windows: Windows;
  readonly pool: Pool;
  /** A new thread that calls an export of the first instance. */
  readonly start: (name: string, ...args: unknown[]) => Thread;
}

function machine(text: string, options: RewriteOptions = {}, imports: HostImports = {}, pool = new Pool()): Machine {
  const program = loadProgram(assemble(text), "m", { windows: true, mostTurns: 1, ...options });
  const group = new Group();
  const windows = new Windows(pool);
  group.add("m", program, imports, {}, { windows });
  const start = (name: string, ...args: unknown[]) => {
    const { index } = program.info.exports.find((entry) => entry.name === name)!;
    return group.spawn({ instance: 0, function: index, name }, args);
  };
  return { group, windows, pool, start };
}

/** Maps fresh pages; their address in the pool. */
function attach({ windows, pool }: Machine, address: number, bytes: number, writable = true): number {
  const range = pool.allocate(bytes)!;
  windows.table.map(address, range.address, range.bytes, { writable });
  return range.address;
}

function returned(thread: Thread): unknown {
  assert.equal(thread.ending?.kind, "returned", `${thread.fault?.type} ${thread.ending?.kind}`);
  return thread.ending.results[0];
}

const LOAD_STORE = `(module (memory 1)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store offset=4 (local.get 0) (local.get 1)))
  (func (export "load16") (param i32) (result i32) (v128.any_true (v128.load (local.get 0))))
  (func (export "sum") (param i32) (result i32) (i32.add (i32.load (local.get 0)) (i32.load offset=4096 (local.get 0)))))`;

test("S20: a fault says type and address, and lasts until somebody attaches the page", () => {
  const one = machine(LOAD_STORE);
  one.windows.limit = PAGE;
  const thread = one.start("load", 0x7000_0010);
  for (let turn = 0; turn < 3; turn++) {
    one.group.run(thread);
    assert.equal(thread.state, "frozen");
    assert.deepEqual(thread.fault, { type: "read", address: 0x7000_0010, instance: 0 });
  }
  const [frame] = one.group.save(thread).frames;
  assert.deepEqual(frame?.values, [{ type: "i32", value: 0x7000_0010 }], "the operand is preserved");
  const at = attach(one, 0x7000_0000, PAGE);
  new DataView(one.pool.memory.buffer).setInt32(at + 0x10, 77, true);
  one.group.run(thread);
  assert.equal(returned(thread), 77);
  assert.equal(thread.fault, undefined);
});

test("S21: a write to a read-only page faults, at the address with its static offset; reads do not", () => {
  const one = machine(LOAD_STORE);
  attach(one, 0x1000, PAGE, false);
  const reader = one.start("load", 0x1ffc);
  one.group.run(reader);
  assert.equal(returned(reader), 0);
  const writer = one.start("store", 0x1ff8, 5);
  one.group.run(writer);
  assert.deepEqual(writer.fault, { type: "write", address: 0x1ffc, instance: 0 });
  const found = one.windows.table.lookup(0x1000)!;
  one.windows.table.map(0x1000, found.poolAddress, PAGE, { writable: true });
  one.group.run(writer);
  assert.equal(writer.ending?.kind, "returned");
  assert.equal(new DataView(one.pool.memory.buffer).getInt32(found.poolAddress + 0xffc, true), 5);
});

test("S20: an access over two pages faults at the second one, and writes nothing before both are there", () => {
  const one = machine(LOAD_STORE);
  const at = attach(one, 0x1000, PAGE);
  const writer = one.start("store", 0x1ff9, -1);
  one.group.run(writer);
  assert.deepEqual(writer.fault, { type: "write", address: 0x2000, instance: 0 });
  assert(one.pool.bytes(at, PAGE).every((byte) => byte === 0));
  attach(one, 0x2000, PAGE);
  one.group.run(writer);
  assert.deepEqual(one.windows.bytes.read(0x1ffc, 6), Uint8Array.of(0, 255, 255, 255, 255, 0));
});

test("S20: retry does the access at once; retry without a page parks instead of asking for ever", () => {
  const one = machine(LOAD_STORE);
  let asked = 0;
  one.windows.onFault = ({ address }) => {
    asked++;
    if (asked > 2) return "retry";
    attach(one, address - (address % PAGE), PAGE);
    return "retry";
  };
  const thread = one.start("sum", 0x3000);
  one.group.run(thread);
  assert.deepEqual([returned(thread), asked], [0, 2]);
  const stuck = one.start("load", 0x9000);
  one.group.run(stuck);
  assert.deepEqual([stuck.state, asked], ["frozen", 3]);
});

test("hostile addresses: what ends beyond 4 GiB traps, the last page can be attached", () => {
  const one = machine(LOAD_STORE);
  for (const [name, address] of [
    ["load", -1],
    ["load", -3],
    ["load16", -15],
    ["store", -4],
    ["store", -1],
  ] as const) {
    const thread = one.start(name, address, 1);
    one.group.run(thread);
    assert.equal(thread.ending?.kind, "trapped", `${name} ${address}`);
  }
  attach(one, 0xffff_f000, PAGE);
  const last = one.start("load", -4);
  one.group.run(last);
  assert.equal(returned(last), 0);
});

test("S18: components share what both map, and reach nothing else of the pool", () => {
  const pool = new Pool();
  const first = machine(LOAD_STORE, {}, {}, pool);
  const second = machine(LOAD_STORE, { windows: { favour: "pool" } }, {}, pool);
  const shared = attach(first, 0x4000_0000, PAGE);
  attach(first, 0x5000_0000, PAGE);
  second.windows.table.map(0x1000, shared, PAGE, { writable: true });
  first.group.run(first.start("store", 0x4000_0000, 11));
  first.group.run(first.start("store", 0x5000_0000, 12));
  const reader = second.start("load", 0x1004);
  second.group.run(reader);
  assert.equal(returned(reader), 11);
  for (const address of [0, 0x800, 0x2000, 0x3000, 0x4000_0000, 0x5000_0000, 0xffff_f000]) {
    const stranger = second.start("load", address);
    second.group.run(stranger);
    assert.deepEqual(stranger.fault, { type: "read", address, instance: 0 });
  }
});

const COUNTS = `(module (import "h" "h" (func $h)) (memory 1) (tag $t)
  (func (export "polls") (param i32) (result i32) (local i32)
    (loop $l (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
      (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 20000)))) (i32.load (local.get 0)))
  (func (export "calls") (param i32) (result i32) (local i32)
    (loop $l (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1))) (call $h)
      (i32.store offset=4 (local.get 0) (i32.add (i32.load offset=4 (local.get 0)) (i32.const 2)))
      (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 50))))
    (i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 0))))
  (func $throws (call $h) (throw $t))
  (func (export "throws") (param i32) (result i32) (local i32)
    (loop $l (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
      (block $b (try_table (catch_all $b) (call $throws)))
      (i32.store offset=4 (local.get 0) (i32.add (i32.load offset=4 (local.get 0)) (i32.const 2)))
      (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 50))))
    (i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 0)))))`;

/** Moves the first 64 KiB to and fro between memory 0 and pages of the pool. */
function mover(one: () => Machine): () => void {
  let at = 0;
  return () => {
    const { group, windows, pool } = one();
    const memory = new Uint8Array(group.instances[0]!.memories[0]!.buffer, 0, 65536);
    if (windows.limit > 0) {
      at = pool.allocate(65536)!.address;
      pool.bytes(at, 65536).set(memory);
      memory.fill(0xdd);
      windows.table.map(0, at, 65536, { writable: true });
      windows.limit = 0;
    } else {
      memory.set(pool.bytes(at, 65536));
      windows.limit = 65536;
      windows.table.unmap(0, 65536);
      pool.bytes(at, 65536).fill(0xcc);
    }
  };
}

for (const favour of FAVOURS) {
  for (const mostTurns of [1, 400]) {
    test(`the host moves all bytes at polls, in calls and behind exceptions: favour ${favour}, ${mostTurns} turns`, () => {
      const move: () => void = mover(() => one);
      const host: HostImports = { h: { h: { freeze: "instant", call: () => move() as undefined } } };
      const one = machine(COUNTS, { windows: { favour }, mostTurns }, host);
      one.windows.limit = 65536;
      let polls = 0;
      one.group.policy = () => {
        move();
        return ++polls % 3 === 0; // some polls give way, some do not
      };
      for (const [name, expected] of [
        ["polls", 20000],
        ["calls", 150],
        ["throws", 150],
      ] as const) {
        const thread = one.start(name, name.charCodeAt(0) * 64);
        for (let runs = 0; !thread.ending; runs++) {
          one.group.request();
          one.group.run(thread);
          assert(runs < 30000);
        }
        assert.equal(returned(thread), expected, name);
      }
      assert(polls > 40);
    });
  }
}

test("a fault below a host function that has called back cannot wait: the call fails, nothing hangs", () => {
  let callBack: () => unknown = () => undefined;
  const host = { h: { h: { freeze: "instant", call: () => callBack() as number } } } as const;
  const text = `(module (import "h" "h" (func $h (result i32))) (memory 1)
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "f") (result i32) (call $h)))`;
  const one = machine(text, {}, host);
  callBack = () => one.group.instances[0]!.function(1)(0x5000);
  const thread = one.start("f");
  one.group.run(thread);
  assert.equal(thread.ending?.kind, "threw");
  assert.match(String(thread.ending.error), /a read at 20480 cannot wait: a host function has called the guest back/);
});

test("atomic waits and notifications reach the pool", () => {
  const text = `(module (memory 1 1 shared)
    (func (export "wait") (param i32 i32 i64) (result i32) (memory.atomic.wait32 offset=8 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "notify") (param i32) (result i32) (memory.atomic.notify offset=8 (local.get 0) (i32.const 9))))`;
  for (const favour of FAVOURS) {
    const one = machine(text, { windows: { favour } });
    const missing = one.start("wait", 0x6000, 0, 1000n);
    one.group.run(missing);
    assert.deepEqual(missing.fault, { type: "read", address: 0x6008, instance: 0 });
    const at = attach(one, 0x6000, PAGE);
    one.group.run(missing);
    assert.equal(returned(missing), 2, "timed out");
    new DataView(one.pool.memory.buffer).setInt32(at + 8, 3, true);
    const other = one.start("wait", 0x6000, 0, -1n);
    one.group.run(other);
    assert.equal(returned(other), 1, "not equal");
    const notify = one.start("notify", 0x6000);
    one.group.run(notify);
    assert.equal(returned(notify), 0);
    for (const name of ["wait", "notify"]) {
      const odd = one.start(name, 0x6002, 0, 0n);
      one.group.run(odd);
      assert.equal(odd.ending?.kind, "trapped", `${name} misaligned`);
    }
    one.windows.limit = 0x10000;
    const below = one.start("wait", 0, 0, 1000n);
    one.group.run(below);
    assert.equal(returned(below), 2);
  }
});

test("bulk operations between memory 0 behind windows and another memory", () => {
  const text = `(module (memory 1) (memory $m 1)
    (func (export "out") (param i32 i32 i32) (memory.copy $m 0 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "in") (param i32 i32 i32) (memory.copy 0 $m (local.get 0) (local.get 1) (local.get 2))))`;
  const one = machine(text);
  const other = new Uint8Array(one.group.instances[0]!.memories[1]!.buffer);
  for (let index = 0; index < other.length; index++) other[index] = index * 13 + (index >> 8);
  const before = other.slice();
  const copy = one.start("in", 0x7ffc0, 5, 9000);
  for (const address of [0x7ffc0, 0x80000, 0x81000, 0x82000]) {
    one.group.run(copy);
    assert.deepEqual(copy.fault, { type: "write", address, instance: 0 });
    attach(one, address - (address % PAGE), PAGE);
  }
  one.group.run(copy);
  assert.equal(copy.ending?.kind, "returned");
  assert.deepEqual(one.windows.bytes.read(0x7ffc0, 9000), before.slice(5, 9005));
  one.group.run(one.start("out", 20000, 0x7ffc0, 9000));
  assert.deepEqual(other.slice(20000, 29000), before.slice(5, 9005));
  const beyond = one.start("out", 60000, 0x7ffc0, 9000);
  one.group.run(beyond);
  assert.equal(beyond.ending?.kind, "trapped");
  assert.deepEqual(other.slice(60000), before.slice(60000), "nothing is written before the trap");
});

test("windows over a 64-bit memory are refused by name; a module without memory has none", () => {
  const wide = assemble(`(module (memory i64 1) (func (export "f") (result i32) (i32.load (i64.const 0))))`);
  const message = /memory 0 has 64-bit addresses, which windows do not translate; rewrite the module without windows/;
  assert.throws(() => loadProgram(wide, "m", { windows: true }), { name: "WasmFault", code: "unsupported", message });
  const none = assemble(`(module (func (export "f")))`);
  assert.deepEqual(loadProgram(none, "m", { windows: true }).bytes, loadProgram(none, "m").bytes);
});

test("a program with windows must be given some", () => {
  const program = loadProgram(assemble(LOAD_STORE), "m", { windows: true });
  const message = /m: the program was rewritten with windows, expected a pool and a page table for it/;
  assert.throws(() => new Group().add("m", program), { name: "EngineFault", code: "link", message });
});

test("same module, same options, same bytes; without windows those of a rewriter that knows none", () => {
  const bytes = assemble(COUNTS);
  const rewritten = (options: RewriteOptions) => loadProgram(bytes, "m", options).bytes;
  for (const favour of FAVOURS) {
    assert.deepEqual(rewritten({ windows: { favour } }), rewritten({ windows: { favour } }));
  }
  assert.deepEqual(rewritten({ windows: false, growth: false }), rewritten({}));
});

const GROWS = (type: "i32" | "i64") => `(module (memory ${type === "i64" ? "i64 " : ""}1 5)
  (func (export "f") (param ${type}) (result ${type}) (${type}.add (${type}.mul (memory.grow (local.get 0)) (${type}.const 100)) (memory.size))))`;

for (const type of ["i32", "i64"] as const) {
  test(`memory.grow as a request: granted, refused, and waited for: ${type}`, () => {
    const program = loadProgram(assemble(GROWS(type)), "m", { growth: true });
    const group = new Group();
    group.add("m", program);
    const number = (value: number) => (type === "i64" ? BigInt(value) : value);
    const start = (delta: number) => group.spawn({ instance: 0, function: 0, name: "f" }, [number(delta)]);
    const grown = start(2);
    group.run(grown);
    assert.equal(returned(grown), number(103));
    group.onGrow = () => "refuse";
    const refused = start(1);
    group.run(refused);
    assert.equal(returned(refused), number(-97));
    const asked: number[] = [];
    group.onGrow = (_, memory, delta) => {
      asked.push(memory, delta);
      return asked.length > 4 ? "grow" : "park";
    };
    const waits = start(1);
    for (let turn = 0; turn < 2; turn++) {
      group.run(waits);
      assert.deepEqual(waits.fault, { type: "grow", instance: 0, memory: 0, delta: 1 });
    }
    const saved = group.save(waits);
    assert.deepEqual(saved.frames[0]!.values.length, 1, "the operand is preserved");
    group.run(waits);
    assert.equal(returned(waits), number(304));
    const beyond = start(9);
    group.run(beyond);
    assert.equal(returned(beyond), number(-96));
  });
}

for (const favour of FAVOURS) {
  test(`a branch that carries a value which a call has pushed in front of accesses is no part of a region: ${favour}`, () => {
    const m = machine(
      `(module (memory 1) (func $seven (result i32) (i32.const 7)) (func (export "f") (param i32) (result i32)
        (i32.store offset=4 (local.get 0) (i32.const 1))
        (block $l (result i32) (drop (br_if $l (call $seven)
          (i32.lt_u (i32.load (local.get 0)) (i32.load offset=4 (local.get 0))))) (i32.const 9))))`,
      { windows: { favour } },
    );
    m.windows.limit = 0;
    attach(m, 0, PAGE);
    const thread = m.start("f", 0x100);
    m.group.run(thread);
    assert.deepEqual(thread.ending, { kind: "returned", results: [7] });
  });
}
