// Where marks stand: which stores share one, and what ends that. Every case is run, and the host takes what is marked in each
// host call and at each poll: nothing may have changed unmarked. What single instructions mark: test/marks.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { auditsOf } from "../../test/support/marks-audit.ts";
import type { HostImports } from "../abi/index.ts";
import { type LoadedProgram, loadProgram } from "../core/program.ts";
import { Group } from "../engine/index.ts";
import { BodyDecoder, decodeModule, WasmFault } from "../wasm/index.ts";

const I32_STORE8 = 0x3a;

/** @param wide memory and pointers have 64-bit addresses */
function moduleOf(body: string, wide = false): string {
  const [memory, pointer, size] = wide
    ? ["i64 4", "i64", "(i32.wrap_i64 (memory.size))"]
    : ["4", "i32", "(memory.size)"];
  return `(module (import "h" "h" (func $h (result i32))) (import "h" "i" (func $i)) (memory (export "memory") ${memory}) (type $t (func (result i32)))
    (table 1 funcref) (elem (i32.const 0) func $polls)
    (func $polls (result i32) (local i32) (loop $l (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) ${size}))) (i32.const 1))
    (func $f (export "f") (param $p ${pointer}) (param $q ${pointer}) (local $n i32) (local $v v128) ${body}))`;
}

/** Marks in the exported function's code. */
function marksOf({ bytes, info }: LoadedProgram): number {
  const module = decodeModule(bytes);
  const { index } = info.exports.find(({ name }) => name === "f")!;
  const decoder = new BodyDecoder();
  const body = decoder.decode(module.code[index - info.importedFunctions]!, []);
  const memory = module.imports.filter(({ kind }) => kind === "memory").length - 1;
  let count = 0;
  for (let at = 0; at < body.count; at++) if (body.op[at] === I32_STORE8 && body.a[at] === memory) count++;
  return count;
}

/** Runs `f` frozen at every poll, with a look at the marks there and in every host call. */
function run(program: LoadedProgram, args: readonly (number | bigint)[]): void {
  const group = new Group();
  const look = (where: string) => {
    for (const audit of audits) audit.look(where);
  };
  const call = () => {
    look("host call");
    return 3;
  };
  const imports: HostImports = { h: { h: { freeze: "restartable", call }, i: { freeze: "instant", call } } };
  group.add("m", program, imports);
  const audits = auditsOf(group.instances);
  assert.equal(audits.length, 1);
  const { index } = program.info.exports.find(({ name }) => name === "f")!;
  const thread = group.spawn({ instance: 0, function: index, name: "f" }, args);
  do {
    group.request();
    group.run(thread);
    look("poll");
  } while (!thread.ending);
}

const STORE = "(i32.store (local.get $p) (i32.const 1))";
const AGAIN = "(i32.store offset=8 (local.get $p) (i32.const 2))";

const CASES: readonly (readonly [what: string, body: string, marks: number])[] = [
  ["stores behind one pointer", `${STORE} ${AGAIN} (i64.store offset=1016 (local.get $p) (i64.const 3))`, 1],
  ["offsets in different units", `${STORE} (i32.store offset=1024 (local.get $p) (i32.const 2))`, 2],
  ["an offset that ends in the second unit", `${STORE} (i64.store offset=1020 (local.get $p) (i64.const -2))`, 2],
  ["different pointers", `${STORE} (i32.store (local.get $q) (i32.const 2)) ${AGAIN}`, 2],
  ["a pointer that has moved", `${STORE} (local.set $p (i32.add (local.get $p) (i32.const 8192))) ${AGAIN}`, 2],
  ["a pointer that moves between address and store", `(i32.store (local.get $p) (local.tee $p (i32.const 9000))) ${AGAIN}`, 2],
  ["a pointer that was teed", `(i32.store (local.tee $p (i32.const 9000)) (i32.const 1)) ${AGAIN}`, 1],
  ["an address that is no local", `(i32.store (i32.add (local.get $p) (i32.const 4)) (i32.const 1)) ${STORE}`, 2],
  ["memory.size below a value", `(i32.store (i32.mul (memory.size) (i32.const 20000)) (local.get $q)) (drop (memory.size))`, 1],
  ["a call that polls", `${STORE} (drop (call $polls)) ${AGAIN}`, 2],
  ["an indirect call", `${STORE} (drop (call_indirect (type $t) (i32.const 0))) ${AGAIN}`, 2],
  ["a host call that no freeze can leave", `${STORE} (call $i) ${AGAIN}`, 2],
  ["a host call as the value", `${STORE} (i32.store offset=8 (local.get $p) (call $h))`, 2],
  ["a block and a branch out of it", `(block $b ${STORE} (br_if $b (local.get $q)) ${AGAIN}) (i32.store offset=16 (local.get $p) (i32.const 4))`, 2],
  ["an if, and what comes behind it", `(if (local.get $q) (then ${STORE}) (else ${AGAIN})) (i32.store offset=16 (local.get $p) (i32.const 4))`, 3],
  ["an if that is not taken", `(if (i32.eqz (local.get $q)) (then ${STORE})) ${AGAIN}`, 2],
  ["a loop that does not poll", `${STORE} (local.set $n (i32.const 0)) (loop $l ${AGAIN} (local.set $p (i32.add (local.get $p) (i32.const 8192)))
    (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $l (i32.lt_u (local.get $n) (i32.const 5))))`, 2],
  ["memory.grow", `${STORE} (drop (memory.grow (i32.const 1))) ${AGAIN}`, 2],
  ["a short fill", `${STORE} (memory.fill (local.get $q) (i32.const 7) (i32.const 9)) ${AGAIN}`, 1],
  ["a copy in pieces", `${STORE} (memory.copy (local.get $q) (local.get $p) (local.get $p)) ${AGAIN}`, 2],
  ["lanes and atomic operations", `(v128.store16_lane offset=2 3 (local.get $p) (local.get $v)) (drop (i32.atomic.rmw.cmpxchg (i32.and (local.get $p) (i32.const -4)) (i32.const 0) (i32.const 9)))`, 2],
  ["code that is not reached", `${STORE} (return) (i32.store (i32.const 1) (i32.const 2))`, 1],
]; // biome-ignore format: one line a case

const WIDE_CASES: readonly (readonly [what: string, body: string, marks: number])[] = [
  ["stores behind one pointer", `${STORE} ${AGAIN} (i64.store offset=1016 (local.get $p) (i64.const 3))`, 1],
  ["offsets in different units", `${STORE} (i32.store offset=1024 (local.get $p) (i32.const 2)) (i32.store offset=2040 (local.get $p) (i32.const 2))`, 2],
  ["an offset that ends in the second unit", `${STORE} (i64.store offset=1020 (local.get $p) (i64.const -2))`, 2],
  ["an offset that leads back where it began", `${STORE} (i32.store offset=4000 (local.get $p) (i32.const 2)) (i32.store offset=4094 (local.get $p) (i32.const 2))`, 3],
  ["an address that is no local", `(i32.store (i64.add (local.get $p) (i64.const 4)) (i32.const 1)) ${STORE}`, 2],
  ["a pointer that has moved", `${STORE} (local.set $p (i64.add (local.get $p) (i64.const 8192))) ${AGAIN}`, 2],
  ["a call that polls", `${STORE} (drop (call $polls)) ${AGAIN}`, 2],
  ["a fill, which is not known to be short", `${STORE} (memory.fill (local.get $q) (i32.const 7) (i64.const 9)) ${AGAIN}`, 2],
  ["a copy in pieces", `${STORE} (memory.copy (local.get $q) (local.get $p) (local.get $p)) ${AGAIN}`, 2],
  ["memory.grow", `${STORE} (drop (memory.grow (i64.const 1))) ${AGAIN}`, 2],
]; // biome-ignore format: one line a case

for (const [what, body, marks, wide] of [
  ...CASES.map((each) => [...each, false] as const),
  ...WIDE_CASES.map((each) => [...each, true] as const),
]) {
  test(`S108: where marks stand${wide ? ", by 64-bit addresses" : ""}: ${what}`, () => {
    const bytes = assemble(moduleOf(body, wide));
    const importKind = (_: string, name: string) => (name === "i" ? "instant" : "restartable");
    const program = loadProgram(bytes, "m", { marks: true, importKind });
    assert.equal(marksOf(program), marks);
    for (const options of [{}, { mostTurns: 1, growth: true }, { pieceBytes: 100 }]) {
      const other = loadProgram(bytes, "m", { marks: true, importKind, ...options });
      for (const p of [0, 16, 3000, 4090, 4095, 5119, 6143, 7167, 8191]) {
        run(other, wide ? [BigInt(p), 20_000n] : [p, 20_000]);
      }
    }
  });
}

test("S108: a function in which nothing can be frozen marks, too", () => {
  const program = loadProgram(assemble(moduleOf(STORE)), "m", { marks: true });
  assert.equal(program.statistics.instrumented, 1, "that of the module that polls");
  assert.equal(marksOf(program), 1);
});

test("S108: a memory beyond all marks is refused by name; without memory there is nothing to mark", () => {
  const large = (pages: number) => assemble(`(module (memory i64 ${pages}) (func (export "f")))`);
  const refused = (thrown: unknown) =>
    thrown instanceof WasmFault && thrown.code === "unsupported" && /begins with 65537 pages/.test(thrown.message);
  assert.throws(() => loadProgram(large(65_537), "m", { marks: true }), refused);
  assert.equal(loadProgram(large(65_536), "m", { marks: true }).info.marks, true);
  const none = loadProgram(assemble(`(module (func (export "f")))`), "m", { marks: true });
  assert.equal(none.info.marks, undefined);
});

test("S108: further memories are not marked", () => {
  const text = `(module (memory $a 1) (memory $b 1) (func (export "f") (param i32 i32)
    (i32.store $b (local.get 0) (i32.const 1)) (memory.copy $b $a (local.get 0) (local.get 1) (i32.const 9))))`;
  assert.equal(marksOf(loadProgram(assemble(text), "m", { marks: true })), 0);
});
