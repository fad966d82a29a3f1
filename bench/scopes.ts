// What does a scope cost, off and on, beside the work that RTCR does in one?
//
//   npm run bench -- scopes [--json FILE] [--rounds N]
//
// bare: the loop alone; off: with a scope around each turn and nobody recording; on: recorded (two looks at the clock).
// Nanoseconds a turn. A turn adds up a small array, so that it cannot be left out.
//
// The same in a component (guest): its turn adds up sixteen words, and tests the profiling word as the SDKs do.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { beginScope, endScope, Recorder, startProfile, stopProfile, ThreadRecorders } from "../src/profile/index.ts";
import { assemble } from "../test/assemble.ts";
import { main } from "../test/support/guest-code.ts";
import { PRELUDE, TestSystem } from "../test/support/kernel-system.ts";
import { interleave, median, minimum, rounded, timed } from "./measure.ts";

const TURNS = 50_000;
const numbers = Array.from({ length: 16 }, (_, i) => i);
let sink = 0;

function work(): void {
  for (const number of numbers) sink = (sink + number) | 0;
}

function bare(): void {
  for (let i = 0; i < TURNS; i++) work();
}

function scoped(): void {
  for (let i = 0; i < TURNS; i++) {
    const scope = beginScope("Memcpy", "blue");
    work();
    endScope(scope);
  }
}

function recorded(): void {
  startProfile(recorder);
  scoped();
  stopProfile();
}

const CHUNK = 1_000;
const NAME = { address: 1024, bytes: 6 };
const WORD = 512;

/** A component that does `TURNS` turns each time it is started, in functions of `CHUNK` turns, which become optimised. */
function guest(scoped: boolean): Uint8Array {
  const begin = `(local.set $scope (if (result i32) (i32.load (i32.const ${WORD}))
    (then (call $begin (i32.const ${NAME.address}) (i32.const ${NAME.bytes}) (i32.const 1))) (else (i32.const 0))))`;
  const end = "(if (local.get $scope) (then (call $end (local.get $scope))))";
  return assemble(`(module
    (import "rtcr_kernel_v1" "scope_begin" (func $begin (param i32 i32 i32) (result i32)))
    (import "rtcr_kernel_v1" "scope_end" (func $end (param i32)))
    ${PRELUDE}
    (global (export "rtcr_profiling") i32 (i32.const ${WORD}))
    (data (i32.const ${NAME.address}) "Memcpy")
    (func $chunk (local $turn i32) (local $at i32) (local $sum i32) (local $scope i32)
      (loop $next
        ${scoped ? begin : ""}
        (local.set $at (i32.const 0))
        (loop $add
          (local.set $sum (i32.add (local.get $sum) (i32.load offset=2048 (local.get $at))))
          (br_if $add (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 64))))
        ${scoped ? end : ""}
        (br_if $next (i32.lt_u (local.tee $turn (i32.add (local.get $turn) (i32.const 1))) (i32.const ${CHUNK}))))
      (i32.store (i32.const 4096) (local.get $sum)))
    ${main(`(loop $again (call $chunk)
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${TURNS / CHUNK}))))`)})`);
}

/** What a guest's turns cost, by variant, in nanoseconds. */
async function guestRows(rounds: number): Promise<object[]> {
  const variants = [
    { name: "guest, bare", module: guest(false), on: false },
    { name: "guest, off", module: guest(true), on: false },
    { name: "guest, on", module: guest(true), on: true },
    { name: "guest, bare again", module: guest(false), on: false },
  ].map((variant) => {
    const system = new TestSystem();
    return { ...variant, system, component: system.component(variant.name, variant.module), times: [] as number[] };
  });
  for (let round = -WARM_ROUNDS; round < rounds; round++) {
    for (const { on, system, component, times } of variants) {
      if (on) system.kernel.scopes = new ThreadRecorders({ capacity: TURNS });
      const begin = performance.now();
      component.start("main");
      await system.kernel.scheduler.quiet();
      if (round >= 0) times.push(performance.now() - begin);
    }
  }
  for (const { system } of variants) system.close();
  return variants.map(({ name, times }) => ({ name, least: perTurn(minimum(times)), median: perTurn(median(times)) }));
}

const WARM_ROUNDS = 20;

function perTurn(ms: number): number {
  return rounded((ms * 1e6) / TURNS, 2);
}

let recorder = new Recorder("bench", { capacity: TURNS });

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "string" }, rounds: { type: "string", default: "200" } },
  });
  const rounds = Number(values.rounds);
  const on = () => {
    recorder = new Recorder("bench", { capacity: TURNS });
    return timed(recorded);
  };
  const variants = [
    { name: "bare", run: () => timed(bare) },
    { name: "off", run: () => timed(scoped) },
    { name: "on", run: on },
    { name: "bare again", run: () => timed(bare) },
  ];
  interleave(variants, 20); // compiled before it is measured
  const samples = interleave(variants, rounds);
  const rows: object[] = [...samples].map(([name, times]) => ({
    name,
    least: perTurn(minimum(times)),
    median: perTurn(median(times)),
  }));
  rows.push(...(await guestRows(rounds)));
  console.log("nanoseconds a turn");
  console.table(rows);
  const result = { bench: "scopes", rounds, node: process.version, rows, sink };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}
