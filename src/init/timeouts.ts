// Several named timeouts on one Timer session.
import {
  type Capability,
  INVALID,
  objectOf,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
  type TimerSession,
} from "../session/index.ts";

interface Timeout {
  readonly delayUs: number;
  /** In the timer's time; undefined until there is a timer. */
  deadlineUs: number | undefined;
  readonly run: () => void;
}

export interface SavedTimeouts {
  /** A slot. */
  readonly timer: number;
  readonly timeouts: readonly (Omit<Timeout, "run"> & { readonly name: string })[];
}

export class Timeouts {
  readonly #timeouts = new Map<string, Timeout>();
  #session: Capability<TimerSession> = INVALID;

  get #timer(): TimerSession | undefined {
    return objectOf<TimerSession>(this.#session, "timer");
  }

  capture(slots: SlotWriter): SavedTimeouts {
    const timeouts = Array.from(this.#timeouts, ([name, { delayUs, deadlineUs }]) => ({ name, delayUs, deadlineUs }));
    return { timer: slots.held(this.#session), timeouts };
  }

  /** The timer goes on by itself. @param runOf what is to be done, by name */
  restore({ timer, timeouts }: SavedTimeouts, slots: SlotReader, runOf: (name: string) => () => void): void {
    this.#session = slots.held<TimerSession>(timer, "timer");
    for (const { name, delayUs, deadlineUs } of timeouts) {
      this.#timeouts.set(name, { delayUs, deadlineUs, run: runOf(name) });
    }
  }

  /** @param sigh a context whose signals lead to `fire` */
  connect(session: Capability<TimerSession>, sigh: Capability<SignalContext>): void {
    this.#session = session;
    const timer = this.#timer;
    if (!timer) return;
    timer.sigh(sigh);
    const now = timer.elapsedUs();
    for (const timeout of this.#timeouts.values()) timeout.deadlineUs = now + timeout.delayUs;
    this.#arm();
  }

  /** Runs `run` once after the delay; replaces the timeout of that name. Without a timer it waits for one. */
  set(name: string, delayMs: number, run: () => void): void {
    const delayUs = delayMs * 1000;
    const deadlineUs = this.#timer && this.#timer.elapsedUs() + delayUs;
    this.#timeouts.set(name, { delayUs, deadlineUs, run });
    this.#arm();
  }

  cancel(name: string): void {
    this.#timeouts.delete(name);
  }

  has(name: string): boolean {
    return this.#timeouts.has(name);
  }

  /** The timer has signalled: runs what is due. */
  fire(): void {
    const now = this.#timer?.elapsedUs() ?? 0;
    for (const [name, timeout] of [...this.#timeouts]) {
      if (timeout.deadlineUs === undefined || timeout.deadlineUs > now) continue;
      if (this.#timeouts.get(name) !== timeout) continue;
      this.#timeouts.delete(name);
      timeout.run();
    }
    this.#arm();
  }

  #arm(): void {
    const deadlines = [...this.#timeouts.values()].map(({ deadlineUs }) => deadlineUs ?? Infinity);
    const next = Math.min(...deadlines);
    if (this.#timer && next < Infinity) this.#timer.triggerOnce(Math.max(0, next - this.#timer.elapsedUs()));
  }
}
