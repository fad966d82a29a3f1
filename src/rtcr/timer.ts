// Timer sessions of a child: with what is left of the timeout, so that a restore continues it (spec 1.10, defect 15).
import type { TimerInfo } from "../checkpoint/index.ts";
import {
  type Capability,
  INVALID,
  MIN_PERIOD_US,
  type SignalContext,
  type SlotWriter,
  type TimerSession,
} from "../session/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { ABSENT } from "./records.ts";
import { type Made, type Opened, type Resumable, type Resuming, SessionBase } from "./session.ts";
import type { ChildContext } from "./tracked.ts";

/** What a record can say, 285 years: longer timeouts are recorded as this. */
const MAX_RECORDED_US = Number.MAX_SAFE_INTEGER;

/** Times are of the session behind, whose clock goes on without a jump. */
interface SavedTimer {
  /** A slot. */
  readonly handler: number;
  /** Absent in states of before: it is if the timeout is not 0. */
  readonly armed?: boolean;
  readonly timeoutUs: number;
  readonly periodic: boolean;
  readonly armedUs: number;
  readonly order: number;
  readonly offsetUs: number;
}

export class RtcrTimer implements TimerSession, Resumable<SavedTimer> {
  readonly kind = "timer";
  readonly base: SessionBase<TimerSession>;
  readonly #context: ChildContext;
  #handler: Capability<SignalContext> = INVALID;
  /** A timeout was set, and not cancelled; it may have rung. */
  #armed = false;
  /** As it was asked for. */
  #timeoutUs = 0;
  #periodic = false;
  /** When it was triggered, on the session's own clock. */
  #armedUs = 0;
  /** Counts what the child's timers are triggered for. */
  #order = 0;
  /** Added to the session's clock: what had passed before a restore. */
  #offsetUs = 0;
  /** As of `noteRinging`. */
  #beganUs = 0;
  #ticked = false;
  #place = ABSENT;

  constructor(context: ChildContext, opened: Opened<TimerSession>) {
    this.#context = context;
    this.base = new SessionBase<TimerSession>(context, this, opened);
  }

  get #timer(): TimerSession {
    return this.base.object;
  }

  /** As the server keeps it: core, which says what remains, lengthens it, others do not. */
  get #periodUs(): number {
    return this.#timer.remainingUs ? Math.max(this.#timeoutUs, MIN_PERIOD_US) : this.#timeoutUs;
  }

  triggerOnce(us: number): void {
    this.#arm(us, false);
    this.#timer.triggerOnce(us);
  }

  triggerPeriodic(us: number, firstUs?: number): void {
    this.#arm(us, true);
    if (firstUs !== undefined) this.#armedUs -= Math.max(0, this.#periodUs - toRecorded(firstUs));
    this.#timer.triggerPeriodic(us, firstUs);
  }

  sigh(context: Capability<SignalContext>): void {
    this.#handler = context;
    if (!context.valid) this.#armed = false;
    this.#timer.sigh(context);
  }

  elapsedMs(): number {
    return Math.floor(this.elapsedUs() / 1000);
  }

  elapsedUs(): number {
    return this.#timer.elapsedUs() + this.#offsetUs;
  }

  /** With its place among the child's timers, as of `ringOrder`. */
  checkpoint(records: RecordWriter): void {
    this.base.checkpoint(records);
    records.badge(this.#handler);
    records.number(this.#armed ? this.#timeoutUs : 0);
    records.flag(this.#periodic);
    records.number(this.remainingUs() ?? 0);
    records.number(this.elapsedUs());
    records.number(this.#place);
  }

  /**
   * Takes up a recorded session: the clock goes on without a jump, the timeout with what was left of it.
   *
   * @param armed its server has been restored, and has handler and timeout already
   */
  restore(
    { elapsedUs, timeoutUs, periodic, remainingUs }: TimerInfo,
    handler: Capability<SignalContext>,
    armed = false,
  ): void {
    this.#offsetUs = elapsedUs - this.#timer.elapsedUs();
    if (armed) {
      this.#handler = handler;
      if (remainingUs === 0) return;
      this.#arm(timeoutUs, periodic);
      this.#armedUs -= (periodic ? this.#periodUs : timeoutUs) - remainingUs;
      return;
    }
    this.sigh(handler);
    if (remainingUs === 0) return;
    if (periodic) return this.triggerPeriodic(timeoutUs, remainingUs);
    this.triggerOnce(remainingUs);
    this.#timeoutUs = timeoutUs;
    this.#armedUs -= timeoutUs - remainingUs;
  }

  /** Undefined: none is set, or it has rung. At least 1 of a tick that nobody has been told yet: it still comes. */
  remainingUs(): number | undefined {
    if (!this.#armed) return undefined;
    const timer = this.#timer;
    if (timer.remainingUs) {
      const left = timer.remainingUs();
      return left === undefined ? undefined : Math.max(1, toRecorded(left));
    }
    const passed = timer.elapsedUs() - this.#armedUs;
    if (this.#periodic) return this.#periodUs - (passed % this.#periodUs);
    return passed >= this.#timeoutUs ? undefined : this.#timeoutUs - passed;
  }

  /** Notes what `ringsBefore` compares. @returns whether a timeout is set */
  noteRinging(): boolean {
    this.#place = ABSENT;
    if (this.remainingUs() === undefined) return false;
    const passed = this.#timer.elapsedUs() - this.#armedUs;
    this.#ticked = this.#periodic && passed >= this.#periodUs;
    this.#beganUs = this.#ticked ? -(passed % this.#periodUs) : -passed;
    return true;
  }

  /**
   * Negative if it comes before another whose timeout ends at the same time: those that began earlier come first, periodic ones
   * begin anew with every tick, before what a child triggers then.
   */
  compareRinging(other: RtcrTimer): number {
    const ticks = Number(other.#ticked) - Number(this.#ticked);
    return this.#beganUs - other.#beganUs || ticks || this.#order - other.#order;
  }

  /** Among the child's timers that are armed, from 0, as of `ringOrder`; undefined: it is not. */
  get place(): number | undefined {
    return this.#place === ABSENT ? undefined : this.#place;
  }

  set place(place: number) {
    this.#place = place;
  }

  get made(): Made {
    return this.base.made;
  }

  capture(slots: SlotWriter): SavedTimer {
    return {
      ...{ handler: slots.held(this.#handler), armed: this.#armed },
      ...{ timeoutUs: this.#timeoutUs, periodic: this.#periodic },
      ...{ armedUs: this.#armedUs, order: this.#order, offsetUs: this.#offsetUs },
    };
  }

  /** The session behind is armed by itself. */
  resume({ handler, timeoutUs, armed, periodic, armedUs, order, offsetUs }: SavedTimer, { slots }: Resuming): void {
    this.#handler = slots.held<SignalContext>(handler);
    this.#armed = armed ?? timeoutUs !== 0;
    this.#timeoutUs = timeoutUs;
    this.#periodic = periodic;
    this.#armedUs = armedUs;
    this.#order = order;
    this.#offsetUs = offsetUs;
  }

  dispose(): void {
    this.base.dispose();
  }

  #arm(us: number, periodic: boolean): void {
    const timeoutUs = toRecorded(us);
    this.#armed = !periodic || timeoutUs > 0;
    this.#timeoutUs = timeoutUs;
    this.#periodic = periodic;
    this.#armedUs = this.#timer.elapsedUs();
    this.#order = this.#context.nextTrigger();
  }
}

/** Whole microseconds, none lost. */
function toRecorded(us: number): number {
  return us > 0 ? Math.min(Math.ceil(us), MAX_RECORDED_US) : 0;
}

/** Gives a child's armed timers their places, in the order in which those ring whose timeouts end at the same time. */
export function ringOrder(timers: readonly RtcrTimer[]): void {
  if (timers.length === 0) return;
  const armed = ARMED;
  for (let i = 0; i < timers.length; i++) if (timers[i]!.noteRinging()) armed.push(timers[i]!);
  if (armed.length > 1) armed.sort(byRinging);
  for (let place = 0; place < armed.length; place++) armed[place]!.place = place;
  armed.length = 0;
}

/** Empty but within `ringOrder`, which a pause asks for. */
const ARMED: RtcrTimer[] = [];

function byRinging(one: RtcrTimer, other: RtcrTimer): number {
  return one.compareRinging(other);
}
