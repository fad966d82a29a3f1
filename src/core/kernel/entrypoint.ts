// An entrypoint: the thread that serves RPCs, signals and wake-ups of a component, one at a time (spec 2.11).
//
// I1  What is waiting is taken in turn: an RPC, a wake-up, a signal, whichever of them there are (S34).
// I2  RPCs are served in the order in which they arrived, signals in the order of their source.
// I3  Whose turn is next is part of a thread's state (`turns`): a restore goes on with it.
import type { DirectCall } from "../../engine/index.ts";
import type { Capability, SignalSource } from "../../session/index.ts";
import type { PlainWriter } from "../../util/index.ts";
import type { PendingCall } from "./calls.ts";
import type { ComponentEngine } from "./engine.ts";
import { KERNEL_LIMITS } from "./limits.ts";

/** How the kernel calls an entrypoint's component. */
export interface Serving {
  readonly call: DirectCall;
  readonly argument: number;
  /** Address of its message buffer, which lies in the component's memory. */
  readonly message: number;
}

/** Whose turn it is, as plain data. */
export interface Turns {
  /** The kind of work that was done last, as an index of TURNS. */
  readonly last: number;
  /** The source that is asked next, as an index of `sources`. */
  readonly source: number;
  /** Whether sources may have something to take. */
  readonly signals: boolean;
}

export type Work = "rpc" | "wakeup" | "signal";
const TURNS: readonly Work[] = ["rpc", "wakeup", "signal"];

export class Entrypoint {
  /** Undefined until the thread has called `serve`. */
  serving: Serving | undefined;
  /** Somebody has called `ep_wakeup` since the last wake-up dispatch. */
  wakeup = false;
  readonly sources: SignalSource[] = [];
  /** Sources that may have something to take. */
  signals = 0;
  /** Capabilities that have come with calls of others or gone with replies to them, lately; the last one first. */
  passed: readonly Capability[] = [];
  #queue: PendingCall[] = [];
  #head = 0;
  #last = 2;
  /** Before the last turn was given. */
  #before = 2;
  #source = 0;

  /** Its thread goes on in another engine. */
  serveIn(engine: ComponentEngine): void {
    if (this.serving) this.serving = { ...this.serving, call: engine.directCall(this.serving.call.entry) };
  }

  /** Writes the field of a thread's state that `turns` is set to again. */
  writeTurns(to: PlainWriter): void {
    to.field("turns");
    to.fields();
    to.put("last", this.#last);
    to.put("source", this.#source);
    to.put("signals", this.signals > 0);
    to.end();
  }

  /** Goes on with turns that were saved; sources are those that it had. */
  set turns({ last, source, signals }: Turns) {
    this.#last = last % TURNS.length;
    this.#source = source;
    this.signals = signals || this.sources.some((each) => !each.empty) ? 1 : 0;
  }

  /** Calls that wait for their turn, oldest first. */
  get queue(): readonly PendingCall[] {
    return this.#queue.slice(this.#head);
  }

  get queued(): number {
    return this.#queue.length - this.#head;
  }

  get hasWork(): boolean {
    return this.wakeup || this.signals > 0 || this.queued > 0;
  }

  /** @returns false if too many calls wait already */
  enqueue(call: PendingCall): boolean {
    if (this.queued >= KERNEL_LIMITS.callsPerEntrypoint) return false;
    this.#queue.push(call);
    return true;
  }

  /** Capabilities come or go with a call. */
  passes(capabilities: readonly Capability[]): void {
    if (capabilities.length === 0) return;
    const all = new Set([...capabilities, ...this.passed].filter(({ valid }) => valid));
    this.passed = [...all].slice(0, KERNEL_LIMITS.passed);
  }

  dequeue(): PendingCall | undefined {
    if (this.#head === this.#queue.length) return undefined;
    const call = this.#queue[this.#head++]!;
    if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return call;
  }

  remove(call: PendingCall): void {
    const index = this.#queue.indexOf(call, this.#head);
    if (index >= 0) this.#queue.splice(index, 1);
  }

  /** The kind of work whose turn it is; undefined if there is none. */
  next(): Work | undefined {
    for (let step = 1; step <= TURNS.length; step++) {
      const turn = (this.#last + step) % TURNS.length;
      const work = TURNS[turn]!;
      const waiting = work === "rpc" ? this.queued > 0 : work === "wakeup" ? this.wakeup : this.signals > 0;
      if (!waiting) continue;
      this.#before = this.#last;
      this.#last = turn;
      return work;
    }
    return undefined;
  }

  /** The oldest signal of the sources in turn; undefined, and none are pending and this was no turn, if there is none. */
  takeSignal(): ReturnType<SignalSource["take"]> {
    for (let step = 0; step < this.sources.length; step++) {
      const source = this.sources[(this.#source + step) % this.sources.length]!;
      const signal = source.take();
      if (!signal) continue;
      this.#source = (this.#source + step + 1) % this.sources.length;
      return signal;
    }
    this.signals = 0;
    this.#last = this.#before;
    return undefined;
  }
}
