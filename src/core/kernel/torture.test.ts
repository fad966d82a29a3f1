// A whole system, all of whose components are captured, thrown away and made anew at every n-th safe point: its output
// is that of an undisturbed run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOT, type TestComponent, TestSystem } from "../../../test/support/kernel-system.ts";
import { recreatesEvery } from "../../../test/support/recreates.ts";
import type { TimerSession } from "../../session/index.ts";
import { CoreTimer, VirtualClock } from "../timer/index.ts";

/** Serves its timer's signals, five of them, and answers calls: opcode 1 at once, 2 when its worker has done its part. */
const TIMED = `
  (table 3 funcref) (elem (i32.const 1) $dispatch $work)
  (func $dispatch (param $m i32) (param $kind i32) (param $object i32) (param $value i32) (result i32)
    (if (i32.eq (local.get $kind) (i32.const 1)) (then
      (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (local.get $value)))
      (call $log (i32.const 8192) (i32.load (i32.const 64)))
      (if (i32.ge_u (i32.load (i32.const 64)) (i32.const 5)) (then
        (i32.store (i32.const 8192) (i32.const 8)) (i64.store align=4 (i32.const 8232) (i64.const 0))
        (drop (call $call (i32.const 4) (i32.const 1) (i32.const 8192)))))
      (return (i32.const 0))))
    (if (i32.eq (local.get $value) (i32.const 2)) (then (call $ask_worker)))
    (i32.store offset=40 (local.get $m) (i32.add (i32.load offset=40 (local.get $m)) (i32.const 1)))
    (i32.const 0))
  (func $ask_worker (local $turn i32)
    (local.set $turn (i32.add (i32.load (i32.const 72)) (i32.const 1)))
    (i32.store (i32.const 68) (local.get $turn))
    (drop (call $futex_wake (i32.const 68) (i32.const 1)))
    (loop $again
      (drop (call $futex_wait (i32.const 72) (i32.sub (local.get $turn) (i32.const 1)) (i64.const -1)))
      (br_if $again (i32.ne (i32.load (i32.const 72)) (local.get $turn)))))
  (func $work (param $sp i32)
    (loop $again
      (drop (call $futex_wait (i32.const 68) (i32.load (i32.const 72)) (i64.const -1)))
      (if (i32.ne (i32.load (i32.const 68)) (i32.load (i32.const 72))) (then
        (i32.store (i32.const 72) (i32.load (i32.const 68)))
        (drop (call $futex_wake (i32.const 72) (i32.const 1)))))
      (br $again)))
  (func (export "rtcr_component_start") (local $source i32)
    (i32.store (i32.const 8192) (i32.const 0)) (i32.store (i32.const 8196) (i32.const 0))
    (drop (call $call (i32.const 2) (i32.const 3) (i32.const 8192)))
    (local.set $source (i32.load (i32.const 8200)))
    (i32.store (i32.const 8192) (i32.const 4)) (i32.store (i32.const 8196) (i32.const 1)) (i32.store (i32.const 8232) (i32.const 7))
    (drop (call $call (i32.const 2) (i32.const 5) (i32.const 8192)))
    (i32.store (i32.const 8192) (i32.const 0)) (i32.store (i32.const 8196) (i32.const 1))
    (drop (call $call (i32.const 4) (i32.const 2) (i32.const 8192)))
    (i32.store (i32.const 8192) (i32.const 8)) (i32.store (i32.const 8196) (i32.const 0))
    (i64.store align=4 (i32.const 8232) (i64.const 1000))
    (drop (call $call (i32.const 4) (i32.const 1) (i32.const 8192)))
    (call $serve (i32.const 1) (i32.const 4096) (i32.const 4096))
    (call $serve_signals (local.get $source)))`;

/** Calls from 50 frames deep, three times each way. */
const DEEP = `
  (func $down (param $depth i32) (param $opcode i32) (result i32)
    (if (local.get $depth) (then
      (return (i32.add (call $down (i32.sub (local.get $depth) (i32.const 1)) (local.get $opcode)) (local.get $depth)))))
    (call $ask (i32.const 2048) (i32.const 4) (local.get $opcode) (i32.load (i32.const 64))))
  (func (export "rtcr_component_start") (local $i i32)
    (loop $again
      (i32.store (i32.const 64) (call $down (i32.const 50) (i32.add (i32.const 1) (i32.and (local.get $i) (i32.const 1)))))
      (call $log (i32.const 2048) (i32.load (i32.const 64)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6)))))`;

interface Run {
  readonly lines: readonly string[];
  readonly points: number;
  readonly recreations: number;
}

/** @param every at how many safe points a thread gives way; 0: at none. All components are then made anew. */
async function run(every: number): Promise<Run> {
  const system = new TestSystem();
  const counts = every > 0 ? recreatesEvery(system, every) : { points: 0, recreations: 0, busy: 0 };
  const clock = new VirtualClock();
  build(system, clock);
  do await system.rest();
  while (clock.advanceToNext());
  assert.equal(system.kernel.calls.size, 0);
  system.close();
  assert.equal(counts.busy, 0);
  return { lines: byComponent(system.lines), ...counts };
}

function build(system: TestSystem, clock: VirtualClock): void {
  const timed = system.component("timed", TIMED);
  const timer = system.capability<TimerSession>(new CoreTimer(clock.alarms));
  assert.equal(timed.component.table.insert(timer), SLOT.free);
  const entrypoint = timed.start("ep");
  timed.start("worker", 2, 61_440);
  const object = system.object(timed, entrypoint.capability);
  for (const label of ["caller-x", "caller-y"]) caller(system, label).component.table.insert(object);
}

function caller(system: TestSystem, label: string): TestComponent {
  const component = system.component(label, DEEP);
  component.start("main");
  return component;
}

/** What runs beside each other may be written in any order. */
function byComponent(lines: readonly string[]): string[] {
  return lines.toSorted((x, y) => {
    const [first, second] = [x.split(" ")[0]!, y.split(" ")[0]!];
    return first < second ? -1 : first > second ? 1 : 0;
  });
}

test("S25, S31, S34: torture: every n-th safe point, inside calls between components too", async () => {
  const expected = await run(0);
  assert.equal(expected.lines.length, 5 + 2 * 6);
  assert.deepEqual(expected.lines.at(11), `[caller-y] ${(6 * (1275 + 1)).toString(16).padStart(8, "0")}`);
  for (const every of [1, 2, 3, 7, 50]) {
    const { lines, points, recreations } = await run(every);
    assert.deepEqual(lines, expected.lines, `every ${every}`);
    assert(recreations > 0 && recreations >= points / every / 2, `every ${every}: ${recreations} of ${points}`);
  }
});
