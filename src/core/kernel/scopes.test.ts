// What components say of scopes is theirs: nothing of it harms whoever records.
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../test/assemble.ts";
import { log, logged, main } from "../../../test/support/guest-code.ts";
import { PRELUDE, TestSystem } from "../../../test/support/kernel-system.ts";
import type { ScopeSink } from "./scopes.ts";

const WORD = 512;

/** Logs its profiling word, what a scope begins with, and the word again. */
const MODULE = assemble(`(module
  (import "rtcr_kernel_v1" "scope_begin" (func $begin (param i32 i32 i32) (result i32)))
  (import "rtcr_kernel_v1" "scope_end" (func $end (param i32)))
  ${PRELUDE}
  (global (export "rtcr_profiling") i32 (i32.const ${WORD}))
  (data (i32.const 1024) "parse")
  ${main(`
    ${log(`(i32.load (i32.const ${WORD}))`)}
    (call $end (call $begin (i32.const 1024) (i32.const 5) (i32.const 1)))
    (call $end (call $begin (i32.const 1024) (i32.const 2) (i32.const 99)))
    (call $end (call $begin (i32.const -4) (i32.const 100) (i32.const 0)))
    (call $end (i32.const 77))
    ${log(`(call $begin (i32.const 1024) (i32.const 5) (i32.const 0))`)}`)})`);

async function run(scopes: ScopeSink | undefined): Promise<readonly number[]> {
  const system = new TestSystem();
  system.kernel.scopes = scopes;
  system.component("a", MODULE).start("main");
  await system.kernel.scheduler.quiet();
  const words = logged(system, "a");
  system.close();
  return words as readonly number[];
}

test("S118: names are cut and read where they can be, colours are known ones, ends are handed on as they are", async () => {
  const seen: unknown[] = [];
  const words = await run({
    begin: ({ name, component }, scope, color) =>
      component.label === "core" ? 0 : seen.push([component.label, name, scope, color]),
    end: (_, scope) => seen.push(scope),
  });
  deepEqual(seen, [
    ["a", "main", "parse", "blue"],
    1,
    ["a", "main", "pa", "gray"],
    3,
    ["a", "main", "?", "red"],
    5,
    77,
    ["a", "main", "parse", "red"],
  ]);
  deepEqual(words, [1, 8]);
});

test("S118: the kernel measures what it loads and whom it lets run", async () => {
  const seen: unknown[] = [];
  const open = new Set<number>();
  await run({
    begin: ({ name, component }, scope, color) => {
      if (component.label !== "core") return 0;
      open.add(seen.push([name, scope, color]));
      return seen.length;
    },
    end: ({ component }, scope) => {
      if (component.label === "core") open.delete(scope);
    },
  });
  deepEqual(seen, [
    ["CPU 0", "Load of a program", "gray"],
    ["CPU 0", "Slice: a: main", "gray"],
  ]);
  deepEqual(open, new Set(), "each has ended");
});

test("S118: with nobody recording the word is 0, and so is a scope", async () => {
  deepEqual(await run(undefined), [0, 0]);
});
