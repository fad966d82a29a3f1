// A CPU that waits for something to run rehearses: it rewrites, starts, freezes, captures and restores a tiny program, so
// that the engine has compiled what a restore needs. Without that most of a restore's time is compilation of our own code.

import { createFileSystem } from "../core/files/index.ts";
import { createCountingClock, createMemoryInput, createMemoryOutput, createSeededRandom } from "../core/index.ts";
import { loadProgram } from "../core/program.ts";
import type { ProgramSessions } from "../session/index.ts";
import { WasiProgram } from "./wasi-program.ts";

/** How often; each takes a millisecond or two. */
const ROUNDS = 8;
const FREEZES = 4;

/**
 * (module
 *   (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
 *   (memory (export "memory") 1)
 *   (global $turns (mut i32) (i32.const 0))
 *   (func $turn (param $left i32) (result i32) (local $sum i32)
 *     (loop $next
 *       (local.set $sum (i32.add (local.get $sum) (call $yield)))
 *       (i32.store8 (local.get $left) (local.get $sum))
 *       (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
 *       (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
 *     (local.get $sum))
 *   (func (export "_start") (drop (i32.add (call $turn (i32.const 1000)) (call $turn (i32.const 1000))))))
 */
const MODULE =
  "AGFzbQEAAAABDQNgAAF/YAF/AX9gAAACJgEWd2FzaV9zbmFwc2hvdF9wcmV2aWV3MQtzY2hlZF95aWVsZAAAAwMCAQIFAwEAAQYGAX8BQQALBxMCBm1l" +
  "bW9yeQIABl9zdGFydAACCjgCJwEBfwNAIAEQAGohASAAIAE6AAAjAEEBaiQAIABBAWsiAA0ACyABCw4AQegHEAFB6AcQAWoaCw==";

/** @returns how many freezes the program went through */
export function rehearse(): number {
  const module = Uint8Array.fromBase64(MODULE);
  let freezes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const program = loadProgram(module, "rehearsal");
    let run = WasiProgram.begin(program, sessions());
    for (let freeze = 0; freeze < FREEZES; freeze++) {
      run.group.request();
      if (run.run()) break;
      freezes++;
      run = WasiProgram.restore(program, sessions(), run.capture());
    }
    run.run();
  }
  return freezes;
}

/** Sessions that reach nothing outside. */
function sessions(): ProgramSessions {
  return {
    program: { args: ["rehearsal"], environment: [] },
    clock: createCountingClock(),
    random: createSeededRandom(0n),
    files: createFileSystem([]),
    stdin: createMemoryInput(),
    stdout: createMemoryOutput(() => {}),
    stderr: createMemoryOutput(() => {}),
  };
}
