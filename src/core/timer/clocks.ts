// Two ways to let time pass for alarms: the host's clock, and a clock that moves only when it is told to.
import { assert } from "../../util/index.ts";
import { Alarms } from "./alarms.ts";

/** The longest delay that `setTimeout` takes; longer waits are made of several. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** A time line with its alarms. */
export interface AlarmClock {
  readonly alarms: Alarms;
  /** Alarms ring no more. */
  dispose(): void;
}

/**
 * The host's monotonic clock, beginning at 0. Alarms ring from the host's event loop; a loop that keeps the host's thread
 * busy calls `alarms.ringDue()` itself now and then.
 */
export function createRealClock(): AlarmClock {
  const startMs = performance.now();
  const alarms = new Alarms(() => (performance.now() - startMs) * 1000);
  let timeout: ReturnType<typeof setTimeout> | undefined;
  const arm = () => {
    clearTimeout(timeout);
    const next = alarms.nextUs();
    if (next === undefined) return;
    // Rounded up: a host timer that fires a little early would have to be set again at once.
    const delayMs = Math.ceil(Math.max(0, next - alarms.nowUs()) / 1000);
    timeout = setTimeout(ring, Math.min(delayMs, MAX_TIMEOUT_MS));
  };
  const ring = () => {
    alarms.ringDue();
    arm();
  };
  alarms.listen(arm);
  const dispose = () => {
    alarms.listen(() => {});
    clearTimeout(timeout);
  };
  return { alarms, dispose };
}

/** Time that passes only by `advance`: runs with it are the same each time. */
export class VirtualClock implements AlarmClock {
  #nowUs = 0;
  readonly alarms: Alarms = new Alarms(() => this.#nowUs);

  /** Lets `us` microseconds pass; each alarm on the way rings at its own time. @returns how many rang */
  advance(us: number): number {
    assert(us >= 0, "time does not run back");
    const untilUs = this.#nowUs + us;
    let rang = this.alarms.ringDue();
    for (let next = this.alarms.nextUs(); next !== undefined && next <= untilUs; next = this.alarms.nextUs()) {
      this.#nowUs = Math.max(this.#nowUs, next);
      rang += this.alarms.ringDue();
    }
    this.#nowUs = untilUs;
    return rang;
  }

  /** Lets time pass up to the next alarm. @returns false: there is none */
  advanceToNext(): boolean {
    const next = this.alarms.nextUs();
    if (next === undefined) return false;
    this.advance(Math.max(0, next - this.#nowUs));
    return true;
  }

  dispose(): void {
    this.alarms.listen(() => {});
  }
}
