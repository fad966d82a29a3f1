import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { Group } from "../engine/index.ts";
import { type LoadedProgram, loadProgram } from "./program.ts";
import { RememberedAnswers } from "./program-answers.ts";
import { cachedPrograms, codeFiles } from "./program-cache-node.ts";

const HASH = "a".repeat(64);

/** Counts down; sums up 1 to n, with a function reference and an f64 global. */
const MODULE = assemble(`(module
  (memory 4)
  (global $half (mut f64) (f64.const 0.5))
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (elem declare func $add)
  (func (export "count") (param $n i32)
    (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "sum") (param $n i32) (result i32) (local $s i32) (local $f funcref)
    (local.set $f (ref.func $add))
    (loop $again
      (local.set $s (call $add (local.get $s) (local.get $n)))
      (global.set $half (f64.add (global.get $half) (f64.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (if (ref.is_null (local.get $f)) (then unreachable))
    (local.get $s)))`);

/** Two functions that never freeze by themselves. */
const LEAVES = `(module
  (func (export "extern") (param externref) (result i32) (ref.is_null (local.get 0)))
  (func (export "func") (param funcref) (result i32) (ref.is_null (local.get 0))))`;

test("a rewritten module is kept, and runs and freezes as the one that was made", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-cache-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const made = cachedPrograms(folder)(MODULE, HASH);
  const [file] = readdirSync(folder).map((name) => join(folder, name));
  const kept = cachedPrograms(folder)(MODULE, HASH);
  assert.deepEqual(kept.bytes, made.bytes);
  assert.deepEqual(JSON.parse(JSON.stringify(kept.info)), JSON.parse(JSON.stringify(made.info)));
  assert.deepEqual(kept.referenceTypes, made.referenceTypes);
  assert.deepEqual([tortured(made), tortured(kept)], [5050, 5050]);

  const content = readFileSync(file!);
  content[content.length - 9]! ^= 1;
  writeFileSync(file!, content);
  assert.deepEqual(cachedPrograms(folder)(MODULE, HASH).bytes, made.bytes);
  assert.notDeepEqual(readFileSync(file!), content); // and it was written anew
});

test("what was rewritten with other options is another module", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-cache-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const usual = cachedPrograms(folder)(MODULE, HASH);
  const options = { mostTurns: 1 };
  const made = cachedPrograms(folder, options)(MODULE, HASH);
  assert.deepEqual(made.bytes, loadProgram(MODULE, HASH, options).bytes);
  assert.notDeepEqual(made.bytes, usual.bytes);
  assert.deepEqual(cachedPrograms(folder, { ...options })(MODULE, HASH).bytes, made.bytes);
  assert.equal(readdirSync(folder).length, 2);
});

test("what a process has asked answers the next one, which does not look at the original", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-cache-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const first = cachedPrograms(folder)(MODULE, HASH);
  assert.equal(tortured(first), 5050);
  first.keep();
  const nothing = new Uint8Array();
  assert.equal(tortured(cachedPrograms(folder)(nothing, HASH)), 5050);
  assert.throws(() => cachedPrograms(folder)(nothing, HASH).signature(0), /truncated|WebAssembly|module/);
  const [asked] = readdirSync(folder).filter((name) => name.endsWith(".asked"));
  writeFileSync(join(folder, asked!), "no answers");
  assert.equal(tortured(cachedPrograms(folder)(MODULE, HASH)), 5050);
});

test("what is no answers is not taken for some, although its hash is right", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-cache-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const first = cachedPrograms(folder)(MODULE, HASH);
  tortured(first);
  first.keep();
  for (const name of readdirSync(folder)) {
    for (const body of ['{"version":2}', "no JSON", ""].map((text) => Buffer.from(text))) {
      writeFileSync(join(folder, name), Buffer.concat([createHash("sha256").update(body).digest(), body]));
      assert.equal(tortured(cachedPrograms(folder)(MODULE, HASH)), 5050);
    }
  }
});

test("S14: no more answers are remembered than can be written in a moment", () => {
  const bytes = new Uint8Array(100_000);
  const program = { ...cachedPrograms(undefined)(MODULE, HASH), references: () => bytes };
  const answers = new RememberedAnswers(new Map(), () => program);
  for (let number = 0; number < 100; number++) {
    assert.equal(answers.references(number), bytes);
    const held = [...answers.take().values()].reduce<number>((sum, each) => sum + (each as Uint8Array).length, 0);
    assert.ok(held > 0 && held <= 4 << 20, `${held} after ${number}`);
  }
});

test("what gets its number when it is met keeps the one that it had in answers that were kept", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-cache-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const module = assemble(LEAVES);
  const load = () => cachedPrograms(folder)(module, HASH);
  const numberOf = (program: LoadedProgram, leaf: number) => program.at(leaf, 0)!.layout.number - 2;
  assert.deepEqual([numberOf(load(), 0), numberOf(load(), 1)], [0, 0], "by themselves both get the first number");
  const first = load();
  numberOf(first, 0);
  first.keep();
  const second = load();
  assert.deepEqual([numberOf(second, 1), numberOf(second, 0)], [1, 0]);
  second.keep();
  const third = load();
  assert.deepEqual([numberOf(third, 1), numberOf(third, 0)], [1, 0]);
});

test("a cache that cannot be written is no failure", () => {
  const loaded = cachedPrograms(join(tmpdir(), "rtcr-no-such-folder"))(MODULE, HASH);
  assert.equal(tortured(loaded), 5050);
});

test("all code that decides what is kept is in the hash that what is kept is named by", () => {
  const files = new Set<string>();
  const follow = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    const code = readFileSync(file, "utf8");
    for (const [, path] of code.matchAll(/^(?:import|export) (?!type\b)[^;]*? from "(\.[^"]*)"/gm))
      follow(join(dirname(file), path!));
  };
  for (const name of ["program.ts", "program-cache-node.ts"]) follow(join(import.meta.dirname, name));
  assert.ok(files.size > 40);
  const hashed = new Set(codeFiles());
  assert.deepEqual(
    [...files].filter((file) => !hashed.has(file)),
    [],
  );
});

/** The sum of 1 to 100, frozen and restored at every safe point. */
function tortured(program: LoadedProgram): unknown {
  const group = new Group();
  group.add("sum", program);
  const { index } = program.info.exports.find(({ name }) => name === "sum")!;
  let thread = group.spawn({ instance: 0, function: index, name: "sum" }, [100]);
  for (group.request(); ; ) {
    group.run(thread);
    if (thread.ending) return thread.ending.kind === "returned" ? thread.ending.results[0] : thread.ending.kind;
    const saved = group.save(thread);
    group.threads.splice(0);
    thread = group.restore(saved);
  }
}
