// Timer sessions of a child: with what is left of the timeout, so that a restore continues it (spec 1.10, defect 15).
import type { TimerInfo } from "../checkpoint/index.ts";
import { type Capability, INVALID, type SignalContext, type TimerSession } from "../session/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type Opened, SessionBase } from "./session.ts";
import { type ChildContext, requireObject } from "./tracked.ts";

export class RtcrTimer implements TimerSession {
  readonly kind = "timer";
  readonly base: SessionBase<TimerSession>;
  #handler: Capability<SignalContext> = INVALID;
  #timeoutUs = 0;
  #periodic = false;
  /** When it was triggered, on the session's own clock. */
  #armedUs = 0;
  /** Added to the session's clock: what had passed before a restore. */
  #offsetUs = 0;

  constructor(context: ChildContext, opened: Opened<TimerSession>) {
    this.base = new SessionBase<TimerSession>(context, this, opened);
  }

  get #timer(): TimerSession {
    return requireObject<TimerSession>(this.base.real, "timer");
  }

  triggerOnce(us: number): void {
    this.#arm(us, false);
    this.#timer.triggerOnce(us);
  }

  triggerPeriodic(us: number): void {
    this.#arm(us, true);
    this.#timer.triggerPeriodic(us);
  }

  sigh(context: Capability<SignalContext>): void {
    this.#handler = context;
    if (!context.valid) this.#timeoutUs = 0;
    this.#timer.sigh(context);
  }

  elapsedMs(): number {
    return Math.floor(this.elapsedUs() / 1000);
  }

  elapsedUs(): number {
    return this.#timer.elapsedUs() + this.#offsetUs;
  }

  checkpoint(records: RecordWriter): void {
    this.base.checkpoint(records);
    records.badge(this.#handler);
    records.number(this.#timeoutUs);
    records.flag(this.#periodic);
    records.number(this.#remainingUs());
    records.number(this.elapsedUs());
  }

  /** Takes up a recorded session: the clock goes on without a jump, the timeout with what was left of it. */
  restore({ elapsedUs, timeoutUs, periodic, remainingUs }: TimerInfo, handler: Capability<SignalContext>): void {
    this.#offsetUs = elapsedUs - this.#timer.elapsedUs();
    this.sigh(handler);
    if (timeoutUs === 0 || remainingUs === 0) return;
    if (!periodic) return this.triggerOnce(remainingUs);
    this.triggerPeriodic(timeoutUs);
  }

  dispose(): void {
    this.base.dispose();
  }

  #arm(us: number, periodic: boolean): void {
    this.#timeoutUs = us;
    this.#periodic = periodic;
    this.#armedUs = this.#timer.elapsedUs();
  }

  #remainingUs(): number {
    if (this.#timeoutUs === 0) return 0;
    const passed = this.#timer.elapsedUs() - this.#armedUs;
    if (this.#periodic) return this.#timeoutUs - (passed % this.#timeoutUs);
    return Math.max(0, this.#timeoutUs - passed);
  }
}
