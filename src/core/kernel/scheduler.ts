// The scheduler: lets threads run by priority, weight and slice, between which the event loop has its turn.
//
// I1  Guests run inside `#burst` only; between bursts no component is on the JavaScript stack.
// I2  Nothing runs, ticks or waits when no thread can run: there is one timer, for the earliest deadline.
// Cost: a slice costs one look at the clock before and after, an event-loop turn every burst.

import type { Cpus } from "./cpus/index.ts";
import { Deadlines } from "./deadlines.ts";
import type { Executor } from "./executor.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { ReadyQueue } from "./ready-queue.ts";
import type { KernelThread } from "./thread.ts";
import type { KernelTicker } from "./ticker.ts";

export interface SchedulerOptions {
  readonly executor: Executor;
  readonly ticker: KernelTicker;
  /** Milliseconds that never run back. */
  readonly now: () => number;
  /** Called when a thread's wait has lasted until its deadline. */
  readonly expired: (thread: KernelThread) => void;
  /**
   * Asked when no thread can run: a clock of one's own lets time pass, up to the deadline (milliseconds) at most.
   *
   * @returns whether it did, so that threads may be able to run now. Default: time passes by itself
   */
  readonly idle?: ((deadlineMs: number) => boolean) | undefined;
  /** CPUs beside this one. */
  readonly cpus?: (() => Cpus | undefined) | undefined;
  /** What to do when something that is not a guest's fault was thrown. */
  readonly failed: (thrown: unknown) => void;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #queue = new ReadyQueue();
  readonly #deadlines = new Deadlines();
  #looping = false;
  #frozen = false;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #burstBegin = 0;
  #rest: (() => void)[] = [];
  /** Slices that have been given on this CPU. */
  slices = 0;
  /** Called after each slice, when no component is on the JavaScript stack. */
  between: () => void = () => {};

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** The thread can run; harmless if it cannot. */
  ready(thread: KernelThread): void {
    if (thread.component.cpu !== 0) return this.#cpus!.ready(thread);
    if (!thread.runnable || thread.onStack) return;
    this.#queue.add(thread);
    this.#kick();
  }

  get #cpus(): Cpus | undefined {
    return this.#options.cpus?.();
  }

  /** Whether the thread that runs must give way to another, or to the event loop. */
  get contended(): boolean {
    if (this.#queue.size > 0 || this.#frozen || this.#closed) return true;
    const now = this.#options.now();
    return now - this.#burstBegin >= KERNEL_LIMITS.burstMs || this.#deadlines.next <= now;
  }

  /** The thread waits until a time at most. */
  expect(thread: KernelThread, deadlineMs: number): void {
    this.#deadlines.add(thread, deadlineMs);
    if (!this.#looping) this.#sleep();
  }

  /** Lets nothing run until `resume`; call it from the event loop. */
  freeze(): void {
    this.#frozen = true;
    this.#cpus?.freeze();
  }

  resume(): void {
    this.#frozen = false;
    this.#cpus?.resume();
    this.#kick();
  }

  /** Resolves when no thread can run and none waits for time: all wait for something else, or have ended. */
  quiet(): Promise<void> {
    if (!this.#looping && this.#atRest) return Promise.resolve();
    return new Promise((resolve) => this.#rest.push(resolve));
  }

  get #atRest(): boolean {
    return this.#queue.size === 0 && this.#deadlines.next === Infinity && !this.#cpus?.busy;
  }

  /** A slice has ended on another CPU. @param onStack whether a component is on the JavaScript stack */
  sliced(onStack: boolean): void {
    if (!onStack) this.between();
  }

  /** Another CPU is at rest: the system may be. */
  rested(): void {
    if (this.#rest.length > 0 || this.#options.idle) this.#kick();
  }

  /** Nothing runs any more. */
  close(): void {
    this.#closed = true;
    this.#cpus?.close();
    clearTimeout(this.#timer);
    this.#options.ticker.close();
  }

  #kick(): void {
    if (this.#looping || this.#frozen || this.#closed) return;
    this.#looping = true;
    void this.#loop();
  }

  async #loop(): Promise<void> {
    const { ticker, failed } = this.#options;
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
    ticker.run();
    try {
      do await macrotask();
      while (this.#burst() || this.#passTime());
    } catch (thrown) {
      failed(thrown);
    }
    this.#looping = false;
    ticker.rest();
    if (this.#closed) return;
    if (this.#queue.size > 0 && !this.#frozen) return this.#kick();
    this.#sleep();
    if (this.#atRest) for (const resolve of this.#rest.splice(0)) resolve();
  }

  /** Looks whether something can run, or time can pass, though no thread has become ready. */
  look(): void {
    this.#kick();
  }

  #passTime(): boolean {
    return !this.#frozen && !this.#closed && !this.#cpus?.busy && (this.#options.idle?.(this.#deadlines.next) ?? false);
  }

  /** Lets threads run for a while; false when none can. */
  #burst(): boolean {
    const { now } = this.#options;
    const begin = now();
    this.#burstBegin = begin;
    // The slices are counted because a clock of one's own may stand still.
    let slices = 0;
    for (let time = begin; time - begin < KERNEL_LIMITS.burstMs && slices < KERNEL_LIMITS.burstSlices; slices++) {
      if (this.#frozen || this.#closed) return false;
      this.#cpus?.serve();
      this.#expire(time);
      const thread = this.#queue.take();
      if (!thread) return false;
      if (!thread.runnable) continue;
      time = this.#slice(thread, time);
    }
    return true;
  }

  /** Lets a thread run until it waits, ends or its slice is over; the time then. */
  #slice(thread: KernelThread, begin: number): number {
    this.slices++;
    try {
      this.#options.executor.run(thread);
    } finally {
      const usedMs = this.#options.now() - begin;
      thread.usedMs += usedMs;
      thread.virtual += usedMs / thread.owner.shareOf(thread);
    }
    this.ready(thread);
    this.between();
    return this.#options.now();
  }

  #expire(now: number): void {
    for (let thread = this.#deadlines.take(now); thread; thread = this.#deadlines.take(now)) {
      this.#options.expired(thread);
    }
  }

  /** Sees to it that the loop begins again at the earliest deadline. */
  #sleep(): void {
    const { next } = this.#deadlines;
    if (next >= this.#timerAt || this.#frozen || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    const delay = Math.min(Math.max(0, next - this.#options.now()), KERNEL_LIMITS.timerMs);
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.#kick();
    }, Math.ceil(delay));
  }
}

/** Lets the event loop run. */
const macrotask: () => Promise<void> =
  typeof setImmediate === "function"
    ? () => new Promise((resolve) => setImmediate(resolve))
    : (() => {
        // A timer would wait for 4 ms.
        const { port1, port2 } = new MessageChannel();
        const waiting: (() => void)[] = [];
        port1.onmessage = () => waiting.shift()?.();
        return () =>
          new Promise((resolve) => {
            waiting.push(resolve);
            port2.postMessage(0);
          });
      })();
