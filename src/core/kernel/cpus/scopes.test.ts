// Scopes of components on several CPUs, and those of the CPUs themselves.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../../test/assemble.ts";
import { main } from "../../../../test/support/guest-code.ts";
import { PRELUDE, TestSystem } from "../../../../test/support/kernel-system.ts";
import { ThreadRecorders } from "../../../profile/index.ts";
import { startKernelTicker } from "../ticker.ts";
import { startNodeCpu } from "./start-node.ts";

const TURNS = 3;

/** Ends what nobody has begun, then measures an outer scope with a computing inner one, several times. */
const MODULE = assemble(`(module
  (import "rtcr_kernel_v1" "scope_begin" (func $begin (param i32 i32 i32) (result i32)))
  (import "rtcr_kernel_v1" "scope_end" (func $end (param i32)))
  ${PRELUDE}
  (global (export "rtcr_profiling") i32 (i32.const 512))
  (data (i32.const 1024) "outerinner")
  (func $scope (param i32 i32) (result i32)
    (if (result i32) (i32.load (i32.const 512))
      (then (call $begin (local.get 0) (local.get 1) (i32.const 1))) (else (i32.const 0))))
  (func $turn (local $outer i32) (local $inner i32) (local $i i32)
    (local.set $outer (call $scope (i32.const 1024) (i32.const 5)))
    (local.set $inner (call $scope (i32.const 1029) (i32.const 5)))
    (loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200000))))
    (call $end (local.get $inner))
    (call $end (local.get $outer)))
  ${main(`(call $end (i32.const 77)) ${"(call $turn)".repeat(TURNS)}`)})`);

/** What is recorded of a component on each of the CPUs, by row. */
async function rowsOf(cpus: readonly number[]) {
  const system = new TestSystem({
    cpus: { width: Math.max(...cpus) + 1, height: 1, start: startNodeCpu },
    ticker: startKernelTicker,
  });
  await system.kernel.ready;
  const recorders = new ThreadRecorders();
  system.kernel.scopes = recorders;
  const components = cpus.map((cpu) => system.component(`on${cpu}`, MODULE, { cpu }));
  for (const component of components) component.start("main");
  await system.kernel.scheduler.quiet();
  system.kernel.scopes = undefined;
  system.close();
  const scopes = recorders.scopes();
  return (row: RegExp, name = /./) => scopes.filter((scope) => row.test(scope.thread) && name.test(scope.name));
}

test("S118: components on three CPUs measure at once, each within the slices that core measures there", async () => {
  const cpus = [0, 1, 2];
  const rows = await rowsOf(cpus);
  for (const cpu of cpus) {
    const slices = rows(new RegExp(`^core: CPU ${cpu}$`), /^Slice: on/);
    ok(slices.length > 0);
    for (const { name, color } of slices) deepEqual([name, color], [`Slice: on${cpu}: main`, "gray"]);
    const [outers, inners] = [/^outer$/, /^inner$/].map((name) => rows(new RegExp(`^on${cpu}: main`), name));
    equal(outers!.length, TURNS);
    equal(inners!.length, TURNS);
    const [first, last] = [slices[0]!, slices.at(-1)!];
    for (const [i, outer] of outers!.entries()) {
      const inner = inners![i]!;
      ok(outer.startNs <= inner.startNs && inner.startNs < inner.stopNs && inner.stopNs <= outer.stopNs);
      ok(first.startNs - CLOCKS_NS <= outer.startNs && outer.stopNs <= last.stopNs + CLOCKS_NS, `on CPU ${cpu}`);
    }
  }
});

/** How well the clocks of two threads agree: `performance.timeOrigin` has this resolution, twice. */
const CLOCKS_NS = 2_000;
