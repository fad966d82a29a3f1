// Lets the threads of a group run in turn, in slices between which the event loop runs.
//
//   running <-> frozen -> closed
//
// A slice ends when its thread ends, blocks in a host call or finds the flag set: by the ticker, or by a request to
// stand still that came out of a host function.
//
// I1  Guests run inside `#slice` only; between slices every thread stands still, so whatever is asked for from the
//     event loop (a freeze, a capture) is done at once.
// I2  What is asked for inside a slice, by a host function, is done when the slice has ended, or refused by name if a
//     host function that has called the guest back has not returned by the deadline.

import type { Group, Thread } from "../engine/index.ts";
import { EngineFault } from "../engine/index.ts";
import { messageOf } from "../util/index.ts";
import { GuestThread, type ThreadOutcome, toOutcome } from "./guest-thread.ts";
import type { Ticker } from "./ticker.ts";

/** What became of a request to stand still: done, or held off beyond its deadline by a callback into the guest. */
export type RestOutcome<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "host-callback" };

interface Scheduled {
  readonly thread: Thread;
  readonly handle: GuestThread;
  /** Milliseconds of performance.now; 0: it can run. */
  wakeAt: number;
}

interface PendingRest {
  readonly deadline: number;
  readonly action: () => void;
  readonly refuse: () => void;
}

export interface SchedulerOptions {
  readonly ticker: Ticker;
  /** The original module of an instance, for reports. */
  readonly module: (instance: number) => Uint8Array | undefined;
}

export class Scheduler {
  readonly #group: Group;
  readonly #options: SchedulerOptions;
  /** In the order of their turns. */
  #threads: Scheduled[] = [];
  #state: "running" | "frozen" | "closed" = "running";
  #looping = false;
  #pending: PendingRest[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(group: Group, options: SchedulerOptions) {
    this.#group = group;
    this.#options = options;
    group.held = () => this.#held();
  }

  get state(): "running" | "frozen" | "closed" {
    return this.#state;
  }

  /** Threads that have not ended, by id. */
  get threads(): readonly GuestThread[] {
    return this.#threads.map(({ handle }) => handle).sort((x, y) => x.id - y.id);
  }

  add(thread: Thread): GuestThread {
    const handle = new GuestThread(thread, this.#group.instances[thread.entry.instance]!.name);
    this.#threads.push({ thread, handle, wakeAt: 0 });
    this.#kick();
    return handle;
  }

  /** Does `action` when no thread runs: at once, or at the end of the slice that the caller is part of. */
  atRest<T>(deadlineMs: number, action: () => T): Promise<RestOutcome<T>> {
    return new Promise((resolve, reject) => {
      const act = () => {
        try {
          resolve({ kind: "done", value: action() });
        } catch (thrown) {
          reject(thrown);
        }
      };
      if (!this.#group.running) return act();
      const refuse = () => resolve({ kind: "host-callback" });
      this.#pending.push({ deadline: performance.now() + deadlineMs, action: act, refuse });
      this.#group.request();
    });
  }

  /** Lets no thread run until `resume`. Call it at rest. */
  freeze(): void {
    if (this.#state === "running") this.#state = "frozen";
  }

  resume(): void {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    this.#kick();
  }

  /** Blocked threads look again whether they can go on. */
  wake(): void {
    for (const scheduled of this.#threads) scheduled.wakeAt = 0;
    this.#kick();
  }

  /** Lets no thread run any more. A host function may call it: the slice that it is part of ends at a safe point. */
  close(): void {
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#options.ticker.close();
    if (this.#group.running) this.#group.request();
    for (const { handle } of this.#threads.splice(0)) handle.end({ kind: "closed" });
  }

  /** Begins the loop unless it runs. */
  #kick(): void {
    if (this.#looping || this.#state !== "running") return;
    this.#looping = true;
    void this.#loop();
  }

  async #loop(): Promise<void> {
    const { ticker } = this.#options;
    clearTimeout(this.#timer);
    ticker.run();
    for (;;) {
      await macrotask();
      const next = this.#state === "running" ? this.#next() : undefined;
      if (!next) break;
      this.#slice(next);
    }
    this.#looping = false;
    if (this.#state === "closed") return;
    ticker.rest();
    if (this.#state === "running") this.#sleep();
  }

  /** The thread whose turn it is; its next turn comes after those of all others. */
  #next(): Scheduled | undefined {
    const now = performance.now();
    const index = this.#threads.findIndex(({ wakeAt }) => wakeAt <= now);
    if (index < 0) return undefined;
    const [next] = this.#threads.splice(index, 1);
    this.#threads.push(next!);
    return next;
  }

  /** Begins the loop again when the first blocked thread has waited long enough. */
  #sleep(): void {
    const first = Math.min(...this.#threads.map(({ wakeAt }) => wakeAt));
    if (first === Infinity) return;
    this.#timer = setTimeout(() => this.#kick(), Math.min(Math.max(0, first - performance.now()), LONGEST_TIMER_MS));
  }

  #slice(scheduled: Scheduled): void {
    this.#group.release();
    try {
      this.#group.run(scheduled.thread);
    } catch (thrown) {
      this.#notRun(scheduled, thrown);
    }
    if (this.#state !== "closed") this.#settle(scheduled);
    for (const { action } of this.#pending.splice(0)) action();
  }

  /** Notes how the slice of a thread has ended. */
  #settle(scheduled: Scheduled): void {
    const { thread } = scheduled;
    if (thread.ending) {
      const { instance } = thread.entry;
      this.#end(scheduled, toOutcome(thread.ending, this.#options.module(instance)));
    } else if (thread.parked) {
      const { timeoutNs } = thread.parked;
      scheduled.wakeAt = timeoutNs === undefined ? Infinity : performance.now() + Number(timeoutNs) / 1e6;
    }
  }

  /** A thread that the engine cannot let run. It stays in the group, so that a checkpoint has it. */
  #notRun(scheduled: Scheduled, thrown: unknown): void {
    if (!(thrown instanceof EngineFault)) throw thrown;
    this.#end(scheduled, { kind: "refused", report: [messageOf(thrown)], error: thrown });
  }

  #end(scheduled: Scheduled, outcome: ThreadOutcome): void {
    this.#threads.splice(this.#threads.indexOf(scheduled), 1);
    scheduled.handle.end(outcome);
  }

  /** A poll inside a callback: nothing can be done there but to see whether a deadline is over. */
  #held(): void {
    const now = performance.now();
    const late = this.#pending.filter(({ deadline }) => deadline <= now);
    if (late.length > 0) this.#pending = this.#pending.filter(({ deadline }) => deadline > now);
    for (const { refuse } of late) refuse();
    if (this.#pending.length === 0) this.#group.release(); // the ticker's: polls are cheap again
  }
}

/** Timers cannot wait longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Lets the event loop run. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel(); // a timer would wait for 4 ms
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}
