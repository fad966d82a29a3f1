// The scheduler: lets threads run by priority, weight and slice, between which the event loop has its turn.
//
// I1  Guests run inside `#burst` only; between bursts no component is on the JavaScript stack.
// I2  Nothing runs, ticks or waits when no thread can run: there is one timer, for the earliest deadline.
// I3  Who runs when follows from what is saved with threads (`writePlace`) alone, as far as slices do not end by time.
// Cost: a slice costs one look at the clock before and after, an event-loop turn every burst.

import type { ThreadPlace } from "../../session/index.ts";
import type { PlainWriter } from "../../util/index.ts";
import type { CoreScopes } from "../scopes.ts";
import type { Cpus } from "./cpus/index.ts";
import { Deadlines } from "./deadlines.ts";
import type { Executor } from "./executor.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import { ReadyQueue } from "./ready-queue.ts";
import type { KernelThread } from "./thread.ts";
import type { KernelTicker } from "./ticker.ts";

export interface SchedulerOptions {
  readonly executor: Executor;
  readonly scopes: CoreScopes;
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
  /** Called after each slice: components that are to be on other CPUs can go there now. */
  readonly moves: () => void;
  /** CPUs beside this one. */
  readonly cpus?: (() => Cpus | undefined) | undefined;
  /** What to do when something that is not a guest's fault was thrown. */
  readonly failed: (thrown: unknown) => void;
  /** The thread that stands innermost in a thread's calls (`Rpc.chain`), and all on the way, itself included. */
  readonly chain: (thread: KernelThread) => readonly KernelThread[];
  /** The calls that a thread waits in were nested: when it runs now, they are nested again (`Rpc.nestAgain`). */
  readonly nestAgain: (thread: KernelThread) => void;
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
  #current: KernelThread | undefined;
  /** Its slice was stopped in the midst of it, and goes on before any other begins. */
  #cut: KernelThread | undefined;
  /** Slices that have been given on this CPU. */
  slices = 0;
  /** How much of a slice is used up, for whoever ends slices by counting (a deterministic core: safe points). */
  used = 0;
  /** Called after each slice, when no component is on the JavaScript stack. */
  between: () => void = () => {};

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** The thread can run; harmless if it cannot. */
  ready(thread: KernelThread): void {
    if (thread.cpu !== 0) return this.#cpus!.ready(thread);
    if (!thread.runnable || thread.onStack) return;
    if (!this.#inCut(thread)) this.#queue.add(thread);
    this.#kick();
  }

  /** While none of the threads runs, `body` gives them another CPU, where they are as far ahead of others as before; or fails. */
  move(threads: readonly KernelThread[], body: () => void): void {
    if (threads.some((thread) => this.#inCut(thread))) this.#endCut(); // slices are of CPU 0
    const before = threads.map((thread) => {
      const queue = this.#queueOf(thread);
      return { thread, queue, ready: thread.queued, ahead: queue.ahead(thread) };
    });
    for (const { thread, queue } of before) queue.remove(thread);
    try {
      body();
    } finally {
      for (const { thread, queue, ready, ahead } of before) {
        const now = this.#queueOf(thread);
        const woken = thread.queued; // by `body`: before it had moved the thread, or after
        for (const each of [queue, now]) if (each.has(thread)) each.remove(thread);
        now.setAhead(thread, ahead);
        if (ready || woken) this.ready(thread);
      }
    }
  }

  get #cpus(): Cpus | undefined {
    return this.#options.cpus?.();
  }

  /** Whether the thread that runs must give way to another, or to the event loop. */
  get contended(): boolean {
    return this.pending || this.#options.now() - this.#burstBegin >= KERNEL_LIMITS.burstMs;
  }

  /** Whether it has something to do here. */
  get pending(): boolean {
    if (this.#queue.size > 0 || this.#frozen || this.#closed) return true;
    return this.#deadlines.next <= this.#options.now();
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

  /**
   * From a safe point at which the guest gives way: what has its turn now has only a part of it, and goes on before others. What
   * comes to a safe point on another CPU changes nothing, nor does it take back what was cut.
   */
  cut(): void {
    this.#cut = this.#current ?? this.#cut;
  }

  /** Writes the place of a thread that does not run. */
  writePlace(thread: KernelThread, to: PlainWriter): void {
    to.fields();
    to.put("ahead", this.#queueOf(thread).ahead(thread));
    to.put("rank", thread.rank);
    if (thread === this.#cut) to.put("slice", this.used);
    to.end();
  }

  /** Gives a thread that does not run the place that one had before. */
  setPlace(thread: KernelThread, { ahead, rank, slice }: ThreadPlace): void {
    const queue = this.#queueOf(thread);
    queue.remove(thread);
    queue.setAhead(thread, Number.isFinite(ahead) ? ahead : 0); // an image may say anything
    thread.rank = rank;
    if (this.#cut === thread) this.#cut = undefined;
    if (slice === undefined || thread.cpu !== 0) return; // only CPU 0 has slices that are cut
    this.#cut = thread;
    this.used = slice;
  }

  #queueOf({ cpu }: KernelThread): ReadyQueue {
    return cpu === 0 ? this.#queue : this.#cpus!.at(cpu).queue;
  }

  /** Whether the thread runs within a slice that was cut: not by itself. */
  #inCut(thread: KernelThread): boolean {
    return this.#cut !== undefined && this.#options.chain(this.#cut).includes(thread);
  }

  /** The thread whose slice was cut, if it can go on; if not, those that can are ready like all others. */
  #takeCut(): KernelThread | undefined {
    const cut = this.#cut;
    if (!cut) return undefined;
    const chain = this.#options.chain(cut);
    if (chain.every((thread) => thread.free) && chain.at(-1)!.runnable) {
      this.#cut = undefined;
      this.#options.nestAgain(cut);
      return cut;
    }
    this.#endCut();
    return undefined;
  }

  /** Those that run within the slice that was cut, and can go on, are ready like all others. */
  #endCut(): void {
    const chain = this.#options.chain(this.#cut!);
    this.#cut = undefined;
    for (const thread of chain) this.ready(thread);
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
    return this.#queue.size === 0 && this.#deadlines.next === Infinity && !this.#cut && !this.#cpus?.busy;
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
    if ((this.#queue.size > 0 || this.#cut) && !this.#frozen) return this.#kick();
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
      const thread = this.#takeCut() ?? this.#queue.take();
      if (!thread) return false;
      if (!thread.runnable) continue;
      time = this.#slice(thread, time);
    }
    return true;
  }

  /** Lets a thread run until it waits, ends or its slice is over; the time then. */
  #slice(thread: KernelThread, begin: number): number {
    this.slices++;
    this.#current = thread;
    const { scopes } = this.#options;
    const scope = scopes.beginSlice(thread);
    try {
      this.#options.executor.run(thread);
    } finally {
      scopes.end(scope);
      this.#current = undefined;
      thread.used(this.#options.now() - begin);
    }
    this.ready(thread);
    this.#options.moves();
    this.between();
    return this.#options.now();
  }

  #expire(now: number): void {
    const until = now + KERNEL_LIMITS.deadlineErrorMs;
    for (let thread = this.#deadlines.take(until); thread; thread = this.#deadlines.take(until)) {
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
