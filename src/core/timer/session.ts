// Timer session (spec 2.9): one timeout a session, one-shot or periodic, told by a signal.
//
// Periods are counted from the moment of the trigger, never from the moment a tick was noticed: ticks do not drift. Ticks
// that were missed because nobody let the alarms ring are submitted together, so that their number is right.
import {
  type Capability,
  INVALID,
  MIN_PERIOD_US,
  notify,
  type SignalContext,
  type TimerSession,
} from "../../session/index.ts";
import type { Alarm, Alarms } from "./alarms.ts";

/** Half of what 64 bits hold, in microseconds: longer timeouts are cut to it. */
export const MAX_TIMEOUT_US = 2 ** 63;

export class CoreTimer implements TimerSession {
  readonly kind = "timer";
  readonly #alarms: Alarms;
  readonly #startUs: number;
  #context: Capability<SignalContext> = INVALID;
  #alarm: Alarm | undefined;
  /** Microseconds; 0 unless the timeout is periodic. */
  #periodUs = 0;

  constructor(alarms: Alarms) {
    this.#alarms = alarms;
    this.#startUs = alarms.nowUs();
  }

  triggerOnce(us: number): void {
    this.#set(this.#alarms.nowUs() + clamped(us), 0);
  }

  /** A period of 0 cancels. */
  triggerPeriodic(us: number, firstUs?: number): void {
    const periodUs = Math.max(clamped(us), MIN_PERIOD_US);
    const untilFirstUs = firstUs === undefined ? periodUs : Math.min(clamped(firstUs), periodUs);
    if (clamped(us) === 0) this.#cancel();
    else this.#set(this.#alarms.nowUs() + untilFirstUs, periodUs);
  }

  sigh(context: Capability<SignalContext>): void {
    this.#context = context;
    if (!context.valid) this.#cancel();
  }

  elapsedMs(): number {
    return Math.floor(this.#passedUs() / 1000);
  }

  elapsedUs(): number {
    return Math.floor(this.#passedUs());
  }

  /** Microseconds until the next tick, 0 if it is overdue; undefined: no timeout is set. */
  remainingUs(): number | undefined {
    return this.#alarm && Math.max(0, this.#alarm.atUs - this.#alarms.nowUs());
  }

  /** Microseconds between ticks; undefined unless a periodic timeout is set. */
  periodUs(): number | undefined {
    return this.#periodUs === 0 ? undefined : this.#periodUs;
  }

  /** No signal any more. */
  dispose(): void {
    this.sigh(INVALID);
  }

  #passedUs(): number {
    return this.#alarms.nowUs() - this.#startUs;
  }

  #set(atUs: number, periodUs: number): void {
    this.#cancel();
    this.#periodUs = periodUs;
    this.#alarm = this.#alarms.at(atUs, () => this.#tick(atUs));
  }

  #cancel(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#periodUs = 0;
  }

  #tick(atUs: number): void {
    const periodUs = this.#periodUs;
    this.#cancel();
    const missed = periodUs === 0 ? 0 : Math.floor((this.#alarms.nowUs() - atUs) / periodUs);
    if (periodUs > 0) this.#set(atUs + (missed + 1) * periodUs, periodUs);
    notify(this.#context, 1 + missed);
  }
}

function clamped(us: number): number {
  return us > 0 ? Math.min(us, MAX_TIMEOUT_US) : 0;
}
