// Capture and restore of whole groups. Frames and threads under torture: test/torture.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble, assembleWithBinaryen } from "../../test/assemble.ts";
import type { SavedFrame, SavedGroup, SavedThread } from "../abi/index.ts";
import { loadProgram } from "../core/program.ts";
import {
  Arenas,
  captureGroup,
  EngineFault,
  Group,
  prepareWriting,
  restoreGroup,
  restoreUnfilled,
  SAVED_ELEMENTS,
} from "./index.ts";

type Run = (name: string, ...args: unknown[]) => unknown;

/** A group of one instance, and a function that calls its exports. */
function start(bytes: Uint8Array): { group: Group; run: Run } {
  const group = new Group();
  const program = loadProgram(bytes, "a module");
  group.add("m", program);
  const run: Run = (name, ...args) => {
    const { index } = program.info.exports.find((entry) => entry.name === name)!;
    const thread = group.spawn({ instance: 0, function: index, name }, args);
    group.run(thread);
    assert(thread.ending?.kind === "returned", `${name}: ${thread.ending?.kind}`);
    return thread.ending.results[0];
  };
  return { group, run };
}

/** Runs `before`, moves the state into a fresh group and runs `after` there. */
function moved(bytes: Uint8Array, before: (run: Run) => void, after: (run: Run) => void): void {
  const first = start(bytes);
  before(first.run);
  const saved = captureGroup(first.group);
  const second = start(bytes);
  restoreGroup(second.group, saved);
  assert.deepEqual(captureGroup(second.group), saved);
  after(second.run);
}

function refuses(bytes: Uint8Array, change: (saved: SavedGroup) => SavedGroup, message: RegExp): void {
  const saved = captureGroup(start(bytes).group);
  const { group } = start(bytes);
  const before = captureGroup(group);
  assert.throws(() => restoreGroup(group, change(saved)), { name: "EngineFault", code: "mismatch", message });
  assert.deepEqual(captureGroup(group), before);
}

test("memories: content and size, several and 64-bit ones", () => {
  const bytes = assemble(`(module (memory $a 1 5) (memory $b i64 1 9)
    (func (export "set") (drop (memory.grow $a (i32.const 2))) (drop (memory.grow $b (i64.const 3)))
      (i32.store $a (i32.const 150000) (i32.const 7)) (i32.store $b (i64.const 200000) (i32.const 8)))
    (func (export "sum") (result i32)
      (i32.add (i32.add (i32.load $a (i32.const 150000)) (i32.load $b (i64.const 200000)))
        (i32.add (memory.size $a) (i32.wrap_i64 (memory.size $b))))))`);
  moved(
    bytes,
    (run) => run("set"),
    (run) => assert.equal(run("sum"), 7 + 8 + 3 + 4),
  );
});

test("a table as long as a state can hold is saved, a longer one is refused by name", () => {
  const { group, run } = start(
    assemble(`(module (table 1 funcref)
      (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`),
  );
  run("grow", SAVED_ELEMENTS - 1);
  assert.equal(captureGroup(group).instances[0]!.tables[0]!.elements.length, SAVED_ELEMENTS);
  run("grow", 1);
  const message = `table 0 of m has ${SAVED_ELEMENTS + 1} elements; ${SAVED_ELEMENTS} can be saved`;
  assert.throws(() => captureGroup(group), { name: "EngineFault", code: "unsaveable", message });
});

test("threads are prepared for a capture beside a table, and a thread, that cannot be saved", () => {
  const { group } = start(assemble(`(module (table ${SAVED_ELEMENTS + 1} funcref) (func (export "f")))`));
  const threads = [0, 1, 2].map(() => group.spawn({ instance: 0, function: 0, name: "f" }, []));
  const written: number[] = [];
  const { write } = group;
  group.write = (thread, to) => {
    written.push(thread.id);
    if (thread === threads[1]) throw new EngineFault("unsaveable", "a thread that cannot be saved");
    write.call(group, thread, to);
  };
  prepareWriting(group);
  assert.deepEqual(
    written,
    threads.map(({ id }) => id),
  );
});

test("globals keep the payloads of NaNs and vectors", () => {
  const bytes = assemble(`(module
    (global $i (mut i32) (i32.const 0)) (global $l (mut i64) (i64.const 0)) (global $f (mut f32) (f32.const 0))
    (global $d (mut f64) (f64.const 0)) (global $v (mut v128) (v128.const i64x2 0 0)) (global $c i32 (i32.const 3))
    (func (export "set") (global.set $i (i32.const -5)) (global.set $l (i64.const -6)) (global.set $f (f32.const nan:0x200001))
      (global.set $d (f64.const -nan:0x4000000000001)) (global.set $v (v128.const i32x4 1 2 3 4)))
    (func (export "f") (result i32) (i32.reinterpret_f32 (global.get $f)))
    (func (export "d") (result i64) (i64.reinterpret_f64 (global.get $d)))
    (func (export "v") (result i32) (i32x4.extract_lane 2 (global.get $v)))
    (func (export "i") (result i64) (i64.add (global.get $l) (i64.extend_i32_s (global.get $i)))))`);
  moved(
    bytes,
    (run) => run("set"),
    (run) => {
      assert.equal(run("f"), 0x7fa00001);
      assert.equal(run("d"), -0xbffffffffffffn);
      assert.equal(run("v"), 3);
      assert.equal(run("i"), -11n);
    },
  );
});

test("tables, references in globals, dropped segments", () => {
  const bytes = assemble(`(module (memory 1) (type $t (func (result i32)))
    (table $a 2 10 funcref) (elem (table $a) (i32.const 0) func $one) (elem $passive func $two)
    (global $g (mut funcref) (ref.null func)) (data $d "abc")
    (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
    (func (export "set")
      (drop (table.grow $a (ref.func $two) (i32.const 3))) (table.set $a (i32.const 0) (ref.null func))
      (global.set $g (ref.func $one)) (table.set $a (i32.const 1) (ref.func $one))
      (data.drop $d) (elem.drop $passive))
    (func (export "size") (result i32) (table.size $a))
    (func (export "call") (param i32) (result i32) (call_indirect $a (type $t) (local.get 0)))
    (func (export "null") (param i32) (result i32) (ref.is_null (table.get $a (local.get 0))))
    (func (export "global") (result i32) (ref.is_null (global.get $g)))
    (func (export "init") (result i32) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0))
    (func (export "data") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "elements") (table.init $a $passive (i32.const 0) (i32.const 0) (i32.const 1))))`);
  moved(
    bytes,
    (run) => run("set"),
    (run) => {
      assert.equal(run("size"), 5);
      assert.deepEqual(
        [1, 2, 4].map((slot) => run("call", slot)),
        [1, 2, 2],
      );
      assert.equal(run("null", 0), 1);
      assert.equal(run("global"), 0);
      assert.throws(() => run("data"), /trapped/);
      assert.throws(() => run("elements"), /trapped/);
    },
  );
});

test("64-bit tables", () => {
  const bytes = assembleWithBinaryen(`(module (table $t i64 1 9 funcref) (func $f)
    (func (export "set") (drop (table.grow $t (ref.func $f) (i64.const 2))))
    (func (export "null") (param i64) (result i32) (ref.is_null (table.get $t (local.get 0)))) (elem declare func $f))`);
  moved(
    bytes,
    (run) => run("set"),
    (run) =>
      assert.deepEqual(
        [0n, 1n, 2n].map((slot) => run("null", slot)),
        [1, 0, 0],
      ),
  );
});

test("what linked instances share is saved once, with its owner", () => {
  const owner = assemble(`(module (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 1))
    (table (export "t") 2 funcref) (func $f (export "f")) (elem (i32.const 0) func $f))`);
  const user =
    assemble(`(module (import "a" "m" (memory 1)) (import "a" "g" (global (mut i32))) (import "a" "t" (table 2 funcref))
    (import "a" "f" (func $f)) (global $own (mut i32) (i32.const 9)) (func $mine)
    (func (export "set") (i32.store (i32.const 4) (i32.const 5)) (global.set 0 (i32.const 6))
      (table.set (i32.const 1) (ref.func $mine)) (table.set (i32.const 0) (ref.func $f))) (elem declare func $f $mine))`);
  const make = () => {
    const group = new Group();
    const first = group.add("owner", loadProgram(owner, "owner", { shareMemories: false }));
    const program = loadProgram(user, "user");
    group.add("user", program, {}, { a: first.exports });
    return { group, program };
  };
  const { group, program } = make();
  const { index } = program.info.exports.find((entry) => entry.name === "set")!;
  group.run(group.spawn({ instance: 1, function: index, name: "set" }, []));
  const saved = captureGroup(group);
  const [a, b] = saved.instances;
  assert.deepEqual([a!.memories.length, b!.memories.length], [1, 0]);
  assert.deepEqual(a!.globals, [{ index: 0, value: { type: "i32", value: 6 } }]);
  assert.deepEqual(b!.globals, [{ index: 1, value: { type: "i32", value: 9 } }]);
  const elements = [
    { type: "func", instance: 0, index: 0 },
    { type: "func", instance: 1, index: 1 },
  ];
  assert.deepEqual(a!.tables, [{ index: 0, elements }]);
  const fresh = make().group;
  restoreGroup(fresh, saved);
  assert.deepEqual(captureGroup(fresh), saved);
});

test("a state that does not fit is refused, nothing changes", () => {
  const bytes = assemble(
    `(module (memory 1 2) (global $g (mut i32) (i32.const 1)) (table (export "t") 1 2 funcref) (func (export "f")))`,
  );
  const first = (change: object) => (saved: SavedGroup) => ({
    ...saved,
    instances: [{ ...saved.instances[0]!, ...change }],
  });
  const value = { type: "i64", value: 1n } as const;
  const memory = (pages: number, size: number) => ({ memories: [{ index: 0, pages, content: new Uint8Array(size) }] });
  refuses(bytes, (saved) => ({ ...saved, abi: 99 }), /expected state of layout version 1, found 99/);
  refuses(bytes, (saved) => ({ ...saved, instances: [] }), /expected the state of 1 instances, found 0/);
  refuses(bytes, first({ module: "another" }), /expected the state of module a module, found another/);
  refuses(bytes, first({ memories: [] }), /memories: expected 0, found none/);
  refuses(bytes, first(memory(3, 3 * 65536)), /memory 0: expected 1 to 2 pages, found 3/);
  refuses(bytes, first(memory(2, 65536)), /memory 0: expected 131072 bytes for 2 pages, found 65536/);
  refuses(bytes, first({ globals: [{ index: 0, value }] }), /global 0: expected a value of type i32, found i64/);
  refuses(bytes, first({ tables: [{ index: 0, elements: [] }] }), /table 0: expected 1 to 2 elements, found 0/);
  const elements = [{ type: "func", instance: 0, index: 7 }];
  refuses(bytes, first({ tables: [{ index: 0, elements }] }), /function 7 of instance 0 does not exist/);
  refuses(bytes, first({ droppedData: [0] }), /data segment 0 is dropped, but no instruction drops it/);
  const entry = { instance: 0, function: 0, name: "f" };
  const frame = { kind: "wasm", instance: 0, function: 0, position: 77, values: [] } as const;
  refuses(
    bytes,
    (saved) => ({ ...saved, threads: [{ id: 1, entry, frames: [frame], args: [] }] }),
    /no safe point there/,
  );
  refuses(
    bytes,
    (saved) => ({ ...saved, threads: [{ id: 1, entry, frames: [], args: [value] }] }),
    /expected 0 arguments, found 1/,
  );
  const hostCall = { kind: "host", module: "x", name: "y", args: [] } as const;
  refuses(
    bytes,
    (saved) => ({ ...saved, threads: [{ id: 1, entry, frames: [], args: [], hostCall }] }),
    /it waits in x.y/,
  );
});

test("frames that cannot stand like this are refused", () => {
  const text = `(module (func $g (loop $l)) (func (export "f") (call $g) (call $g)))`;
  const program = loadProgram(assemble(text), "m", { mostTurns: 1 });
  const make = () => {
    const group = new Group();
    group.add("m", program);
    return group;
  };
  const group = make();
  group.request();
  group.run(group.spawn({ instance: 0, function: 1, name: "f" }, []));
  const saved = captureGroup(group);
  const thread = saved.threads[0]!;
  const [outer, inner] = thread.frames as [SavedFrame, SavedFrame];
  const refused = (change: Partial<SavedThread>, message: RegExp) => {
    const state = { ...saved, threads: [{ ...thread, ...change }] };
    assert.throws(() => restoreGroup(make(), state), { code: "mismatch", message });
  };
  refused({ frames: [outer] }, /^frame 0: expected a position of a safe point that is no call, found a call$/);
  refused({ frames: [inner, outer] }, /^frame 0: expected a position of a call, found a loop$/);
  restoreGroup(make(), saved);
});

test("functions of another type than stands there are refused", () => {
  const program = loadProgram(
    assembleWithBinaryen(`(module (type $i (func (param i32) (result i32))) (tag $e (param (ref null $i))) (tag $x (param (ref null $i) v128)) (table $t 2 (ref null $i)) (global $g (mut (ref null $i)) (ref.null $i)) (export "t" (table $t))
      (func $id (type $i) (loop (nop)) (local.get 0)) (func $other) (elem declare func $id $other)
      (func (export "f") (result i32) (local $r (ref null $i)) (local $a exnref) (local $b exnref) (local.set $r (ref.func $id)) (global.set $g (ref.func $id)) (table.set $t (i32.const 1) (ref.func $id))
        (local.set $a (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e (ref.func $id))) (unreachable))) (local.set $b (block $h (result exnref) (try_table (catch_all_ref $h) (throw $x (ref.func $id) (v128.const i64x2 1 2))) (unreachable)))
        (drop (call $id (i32.const 1))) (block $h (result (ref null $i)) (try_table (catch $e $h) (throw_ref (local.get $a))) (unreachable)) (drop) (block $h (result (ref null $i) v128) (try_table (catch $x $h) (throw_ref (local.get $b))) (unreachable)) (drop) (drop) (call_ref $i (i32.const 7) (local.get $r))))`),
    "m",
    { mostTurns: 1 },
  );
  const make = () => {
    const group = new Group();
    group.add("m", program);
    return group;
  };
  const group = make();
  group.request();
  const entry = program.info.exports.find(({ name }) => name === "f")!.index;
  const thread = group.spawn({ instance: 0, function: entry, name: "f" }, []);
  do group.run(thread);
  while (group.stacks.frames(thread).length < 2);
  const saved = serialised(captureGroup(group));
  restoreGroup(make(), JSON.parse(saved, revived));
  // Each reference in turn becomes one to the other function.
  const places = [...saved.matchAll(/"type":"func","instance":0,"index":0/g)].map(({ index }) => index);
  assert.equal(places.length, 5, saved);
  for (const at of places) {
    const state = JSON.parse(`${saved.slice(0, at)}${saved.slice(at).replace('"index":0', '"index":1')}`, revived);
    assert.throws(() => restoreGroup(make(), state), { code: "mismatch", message: /does not have the types?/ });
  }
});

function serialised(saved: SavedGroup): string {
  return JSON.stringify(saved, (_, value) => {
    if (typeof value === "bigint") return { big: String(value) };
    return value instanceof Uint8Array ? { bytes: [...value] } : value;
  });
}

function revived(_: string, value: { big?: string; bytes?: number[] } | null): unknown {
  if (typeof value?.big === "string") return BigInt(value.big);
  return Array.isArray(value?.bytes) ? new Uint8Array(value.bytes) : value;
}

test("arenas keep their buffers", () => {
  const { group } = start(assemble(`(module (memory 2))`));
  const arenas = new Arenas();
  const first = captureGroup(group, arenas).instances[0]!.memories[0]!.content;
  const second = captureGroup(group, arenas).instances[0]!.memories[0]!.content;
  assert.equal(first.buffer, second.buffer);
});

test("exception references in globals and tables", () => {
  const bytes =
    assemble(`(module (tag $e (param i32)) (global $g (mut exnref) (ref.null exn)) (global $n (mut exnref) (ref.null exn)) (table $t 2 9 exnref)
    (func $make (param i32) (result exnref) (block $h (result exnref) (try_table (catch_all_ref $h) (throw $e (local.get 0))) (unreachable)))
    (func $value (param exnref) (result i32) (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get 0))) (unreachable)))
    (func (export "set") (global.set $g (call $make (i32.const 5))) (drop (table.grow $t (ref.null exn) (i32.const 2))) (table.set $t (i32.const 3) (call $make (i32.const 7))))
    (func (export "sum") (result i32) (i32.add (call $value (global.get $g)) (call $value (table.get $t (i32.const 3)))))
    (func (export "nulls") (result i32) (i32.add (ref.is_null (global.get $n)) (i32.add (ref.is_null (table.get $t (i32.const 0))) (ref.is_null (table.get $t (i32.const 2)))))))`);
  moved(
    bytes,
    (run) => run("set"),
    (run) => {
      assert.equal(run("sum"), 12);
      assert.equal(run("nulls"), 3);
    },
  );
});

test("a memory that this host does not give is refused by name", () => {
  const bytes = assemble('(module (memory i64 1) (func (export "f")))');
  const saved = captureGroup(start(bytes).group);
  for (const pages of [2 ** 20, 2 ** 36]) {
    const memories = [{ index: 0, pages, content: new Uint8Array(0) }];
    const forged = { ...saved, instances: saved.instances.map((instance) => ({ ...instance, memories })) };
    const message = `m: memory 0 needs ${pages} pages of 64 KiB, this host does not give them`;
    assert.throws(() => restoreUnfilled(start(bytes).group, forged), { code: "no-memory", message });
  }
});
