// A module's start function is part of the program: it runs before `_start`, and freezes and thaws like it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../test/assemble.ts";
import { createFileSystem } from "../core/files/index.ts";
import { createClock, createMemoryInput, createMemoryOutput, createSeededRandom } from "../core/index.ts";
import { loadProgram } from "../core/program.ts";
import { WasiProgram } from "./wasi-program.ts";

const program = loadProgram(
  assemble(`(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (global $turns (mut i32) (i32.const 0))
    (func $count (loop $next
      (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
      (br_if $next (i32.rem_u (global.get $turns) (i32.const 20)))))
    (func (export "_start") (call $count) (call $exit (global.get $turns)))
    (start $count))`),
  "a module with a start function",
  { mostTurns: 1 },
);

function sessions() {
  const output = createMemoryOutput(() => {});
  return {
    program: { args: ["program"], environment: [] },
    clock: createClock(),
    random: createSeededRandom(1n),
    files: createFileSystem([]),
    stdin: createMemoryInput(),
    stdout: output,
    stderr: output,
  };
}

test("the start function has returned when _start begins", () => {
  assert.deepEqual(WasiProgram.begin(program, sessions()).run(), { kind: "exited", code: 40 });
});

test("frozen in either function, the program goes on in a fresh instance", () => {
  let run = WasiProgram.begin(program, sessions());
  const entries: string[] = [];
  for (;;) {
    run.group.request();
    const ending = run.run();
    if (ending) {
      assert.deepEqual(ending, { kind: "exited", code: 40 });
      break;
    }
    entries.push(run.thread.entry.name);
    run = WasiProgram.restore(program, sessions(), run.capture());
  }
  assert.ok(entries.filter((name) => name === "(start)").length >= 19);
  assert.ok(entries.filter((name) => name === "_start").length >= 19);
});
