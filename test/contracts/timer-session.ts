// What every Timer session must do, by its contract alone (spec 2.9). Implementations call timerSessionSuite from their
// own tests; this file runs nothing by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { INVALID, type TimerSession } from "../../src/session/index.ts";
import { type Recorder, recorder } from "./recorder.ts";

export interface TimerUnderTest {
  readonly session: TimerSession;
  /** Lets exactly so much time pass for the session, and signals reach their contexts. */
  letPass(us: number): void | Promise<void>;
  close(): void;
}

const SECOND = 1_000_000;

export function timerSessionSuite(label: string, make: () => TimerUnderTest): void {
  const on = (title: string, body: (timer: TimerUnderTest, signals: Recorder) => Promise<void>): void => {
    test(`${label}: ${title}`, async () => {
      const timer = make();
      const signals = recorder();
      try {
        await body(timer, signals);
      } finally {
        timer.close();
      }
    });
  };
  const ticks = async ({ letPass }: TimerUnderTest, signals: Recorder, steps: readonly number[]): Promise<number[]> => {
    const seen: number[] = [];
    for (const us of steps) {
      await letPass(us);
      seen.push(signals.taken());
    }
    return seen;
  };

  on("S58: a one-shot timeout signals once, when its time has come", async (timer, signals) => {
    timer.session.sigh(signals.context);
    timer.session.triggerOnce(1000);
    assert.deepEqual(await ticks(timer, signals, [999, 1, SECOND]), [0, 1, 0]);
  });

  on("S58: a timeout of 0 signals at once", async (timer, signals) => {
    timer.session.sigh(signals.context);
    timer.session.triggerOnce(0);
    assert.deepEqual(await ticks(timer, signals, [0, SECOND]), [1, 0]);
  });

  on("S58: a periodic timeout signals each period, without drift", async (timer, signals) => {
    timer.session.sigh(signals.context);
    timer.session.triggerPeriodic(1000);
    assert.deepEqual(await ticks(timer, signals, [1000, 1000, 999, 1]), [1, 1, 0, 1]);
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum += (await ticks(timer, signals, [1537]))[0]!;
    assert.equal(sum, 1537);
  });

  on("S58: a new trigger replaces the timeout before", async (timer, signals) => {
    timer.session.sigh(signals.context);
    timer.session.triggerOnce(100);
    timer.session.triggerOnce(500);
    assert.deepEqual(await ticks(timer, signals, [499, 1, SECOND]), [0, 1, 0]);
    timer.session.triggerPeriodic(100);
    timer.session.triggerOnce(1000);
    assert.deepEqual(await ticks(timer, signals, [999, 1, SECOND]), [0, 1, 0]);
    timer.session.triggerOnce(50);
    timer.session.triggerPeriodic(100);
    assert.deepEqual(await ticks(timer, signals, [99, 1, 100]), [0, 1, 1]);
  });

  on("S58: an invalid signal handler cancels the timeout too", async (timer, signals) => {
    timer.session.sigh(signals.context);
    timer.session.triggerPeriodic(100);
    assert.deepEqual(await ticks(timer, signals, [100]), [1]);
    timer.session.sigh(INVALID);
    timer.session.sigh(signals.context);
    assert.deepEqual(await ticks(timer, signals, [SECOND]), [0]);
    timer.session.triggerOnce(10);
    assert.deepEqual(await ticks(timer, signals, [10]), [1]);
  });

  on("S58: another handler takes over a running timeout", async (timer, signals) => {
    const other = recorder();
    timer.session.sigh(other.context);
    timer.session.triggerOnce(100);
    timer.session.sigh(signals.context);
    assert.deepEqual(await ticks(timer, signals, [100]), [1]);
    assert.equal(other.taken(), 0);
  });

  on("S58: a handler that died is not told, and does no harm", async (timer, signals) => {
    timer.session.sigh(signals.context);
    timer.session.triggerPeriodic(100);
    signals.dispose();
    assert.deepEqual(await ticks(timer, signals, [1000]), [0]);
  });

  on("S58: huge timeouts are cut, and never run out by overflow", async (timer, signals) => {
    timer.session.sigh(signals.context);
    for (const us of [2 ** 63, 2 ** 64 - 1, Number.MAX_VALUE]) {
      timer.session.triggerOnce(us);
      assert.deepEqual(await ticks(timer, signals, [SECOND]), [0]);
      timer.session.triggerPeriodic(us);
      assert.deepEqual(await ticks(timer, signals, [SECOND]), [0]);
    }
  });

  on("S58: elapsed time counts from the session's creation", async (timer) => {
    const before = timer.session.elapsedUs();
    await timer.letPass(2_345_678);
    assert.equal(timer.session.elapsedUs() - before, 2_345_678);
    assert.equal(timer.session.elapsedMs(), Math.floor(timer.session.elapsedUs() / 1000));
  });
}
