// Core's timer under the common suite, its time lines, and what it says for checkpoints.
import assert from "node:assert/strict";
import { test } from "node:test";
import { recorder } from "../../../test/contracts/recorder.ts";
import { timerSessionSuite } from "../../../test/contracts/timer-session.ts";
import { MIN_PERIOD_US } from "../../session/index.ts";
import { Alarms, CoreTimer, createRealClock, MAX_TIMEOUT_US, VirtualClock } from "./index.ts";

timerSessionSuite("core timer", () => {
  const clock = new VirtualClock();
  clock.advance(123);
  const session = new CoreTimer(clock.alarms);
  return {
    session,
    letPass: (us) => {
      clock.advance(us);
    },
    close: () => session.dispose(),
  };
});

test("S58: elapsed time of a new session is 0", () => {
  const clock = new VirtualClock();
  clock.advance(5_000_000);
  const timer = new CoreTimer(clock.alarms);
  assert.deepEqual([timer.elapsedUs(), timer.elapsedMs()], [0, 0]);
});

test("S58: ticks missed while nobody let alarms ring are counted in one signal", () => {
  let now = 0;
  const alarms = new Alarms(() => now);
  const timer = new CoreTimer(alarms);
  const signals = recorder();
  timer.sigh(signals.context);
  timer.triggerPeriodic(100);
  now = 1050;
  assert.equal(alarms.ringDue(), 1);
  assert.equal(signals.taken(), 10);
  assert.equal(timer.remainingUs(), 50);
});

test("S58: remaining time and period are known while a timeout is set", () => {
  const clock = new VirtualClock();
  const timer = new CoreTimer(clock.alarms);
  const rest = () => [timer.remainingUs(), timer.periodUs()];
  assert.deepEqual(rest(), [undefined, undefined]);
  timer.triggerOnce(1000);
  clock.advance(300);
  assert.deepEqual(rest(), [700, undefined]);
  clock.advance(700);
  assert.deepEqual(rest(), [undefined, undefined]);
  timer.triggerPeriodic(1000);
  clock.advance(2300);
  assert.deepEqual(rest(), [700, 1000]);
  timer.triggerPeriodic(0);
  assert.deepEqual(rest(), [undefined, undefined]);
  timer.triggerOnce(2 ** 64 - 1);
  assert.equal(timer.remainingUs(), MAX_TIMEOUT_US);
});

test("alarms ring in the order of their times, then of their setting; cancelled ones do not", () => {
  const clock = new VirtualClock();
  const rang: string[] = [];
  const set = (us: number, name: string) => clock.alarms.at(us, () => rang.push(`${name}@${clock.alarms.nowUs()}`));
  set(30, "c");
  set(10, "a1");
  const gone = set(10, "gone");
  set(10, "a2");
  set(20, "b");
  gone.cancel();
  gone.cancel();
  clock.alarms.at(15, () => set(0, "past"));
  assert.equal(clock.advance(25), 5);
  assert.deepEqual(rang, ["a1@10", "a2@10", "past@15", "b@20"]);
  assert.equal(clock.alarms.nextUs(), 30);
  assert.equal(clock.advanceToNext(), true);
  assert.equal(clock.advanceToNext(), false);
});

test("alarms agree with a sorted list over random settings and cancellations", () => {
  const clock = new VirtualClock();
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) % below;
  const rang: number[] = [];
  const expected: { readonly us: number; readonly id: number }[] = [];
  for (let id = 0; id < 5000; id++) {
    const us = random(1000);
    const alarm = clock.alarms.at(us, () => rang.push(id));
    if (random(10) < 6) alarm.cancel();
    else expected.push({ us, id });
  }
  clock.advance(1000);
  expected.sort((a, b) => a.us - b.us || a.id - b.id);
  assert.deepEqual(
    rang,
    expected.map(({ id }) => id),
  );
});

test("S58: the host's clock rings alarms by itself, not before their time", async () => {
  const clock = createRealClock();
  const timer = new CoreTimer(clock.alarms);
  const badges: number[] = [];
  await new Promise<void>((resolve) => {
    clock.alarms.at(clock.alarms.nowUs() + 20_000, () => {
      badges.push(timer.elapsedUs());
      resolve();
    });
    clock.alarms.at(clock.alarms.nowUs() + 1_000_000_000, () => assert.fail("rang too early"));
  });
  clock.dispose();
  assert.ok(badges[0]! >= 19_000, `rang after ${badges[0]} us`);
});

test("S58: a period as short as the time that a tick takes does not keep others from their turn", () => {
  let now = 0;
  // Each look at the clock takes a while, as on a real machine.
  const alarms = new Alarms(() => {
    assert.ok(now < 1e6, "comes to an end");
    return (now += 40);
  });
  const timers = Array.from({ length: 20 }, () => new CoreTimer(alarms));
  const signals = recorder();
  for (const timer of timers) {
    timer.sigh(signals.context);
    timer.triggerPeriodic(1);
    assert.equal(timer.periodUs(), MIN_PERIOD_US);
  }
  now += 5000;
  assert.equal(alarms.ringDue(), 20, "each has its turn");
  assert.ok(signals.taken() > 20 * 40, "and what it has missed is counted");
});
