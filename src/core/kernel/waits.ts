// Waiting for a word of memory: `futex_wait` and `memory.atomic.wait` of the threads of one component.
//
// Futexes are the kernel's own lists. Atomic waits are waits of the engine (Atomics.waitAsync) on behalf of frozen
// threads: so `memory.atomic.notify`, which is an instruction, counts and wakes them in order, from any CPU.
//
// I1  Waiters of a word are woken in the order in which they came.
// I2  An atomic wait that was notified is over, even if the engine has not said so yet (`settle` finds out).
import { FUTEX, WAIT } from "../../abi/index.ts";
import type { AtomicWait } from "../../engine/index.ts";
import type { Component } from "./component.ts";
import { requireHostStack } from "./stack-room.ts";
import type { KernelThread } from "./thread.ts";

interface Waiter {
  readonly thread: KernelThread;
  readonly memory: number;
  readonly address: number;
  readonly width: number;
  readonly expected: bigint;
  readonly deadlineMs: number;
}

type Words = Int32Array<SharedArrayBuffer> | BigInt64Array<SharedArrayBuffer>;

const FOREVER = -1n;

export class Waits {
  readonly #component: Component;
  readonly #now: () => number;
  readonly #futexes = new Map<number, KernelThread[]>();
  /** Atomic waits, oldest first. */
  #waiters: Waiter[] = [];

  constructor(component: Component, now: () => number) {
    this.#component = component;
    this.#now = now;
  }

  /** @returns a FUTEX outcome; undefined: the thread waits */
  futexWait(thread: KernelThread, address: number, expected: number, timeoutNs: bigint): number | undefined {
    const at = address >>> 0;
    const value = this.#word(at);
    if (value === undefined) return FUTEX.badAddress;
    if (value !== expected) return FUTEX.notEqual;
    if (timeoutNs === 0n) return FUTEX.timedOut;
    const timeoutMs = timeoutNs < 0n ? Infinity : Number(timeoutNs) / 1e6;
    thread.block({ kind: "futex", address: at }, this.#now() + timeoutMs);
    this.enlist(thread, at);
    return undefined;
  }

  /** The word at an address; undefined if none can be read there. */
  #word(address: number): number | undefined {
    const component = this.#component;
    if ((address & 3) !== 0) return undefined;
    if (!component.windowed(address, 4)) {
      return address + 4 <= component.view.byteLength ? component.view.getInt32(address, true) : undefined;
    }
    const word = component.bytes.read(address, 4);
    return word instanceof Uint8Array ? new DataView(word.buffer).getInt32(0, true) : undefined;
  }

  /** The thread, which is blocked there, joins the waiters of an address. */
  enlist(thread: KernelThread, address: number): void {
    const waiting = this.#futexes.get(address);
    if (waiting) waiting.push(thread);
    else this.#futexes.set(address, [thread]);
  }

  /** Wakes the first `most` waiters; returns how many there were. */
  futexWake(address: number, most: number): number {
    const at = address >>> 0;
    const waiting = this.#futexes.get(at);
    if (!waiting) return 0;
    const woken = waiting.splice(0, most >>> 0);
    if (waiting.length === 0) this.#futexes.delete(at);
    for (const thread of woken) thread.wake(FUTEX.woken);
    return woken.length;
  }

  /** Ends a thread's futex wait, with an outcome. */
  endFutex(thread: KernelThread, address: number, outcome: number): void {
    this.#leaveFutex(thread, address);
    thread.wake(outcome);
  }

  #leaveFutex(thread: KernelThread, address: number): void {
    const waiting = this.#futexes.get(address);
    if (!waiting) return;
    const index = waiting.indexOf(thread);
    if (index >= 0) waiting.splice(index, 1);
    if (waiting.length === 0) this.#futexes.delete(address);
  }

  /** What the group does at `memory.atomic.wait`. */
  readonly atomicWait: AtomicWait = (_, memory, address, expected, timeout, width) => {
    requireHostStack();
    const thread = this.#component.running!;
    if (thread.waiting) return [WAIT.interrupted, timeout]; // a poll that had to be passed
    const outcome = thread.takeOutcome();
    if (outcome !== undefined) return [outcome, 0n];
    if (width < 0) return [WAIT.notEqual, 0n];
    const deadlineMs = timeout < 0n ? Infinity : this.#now() + Number(timeout) / 1e6;
    const waiter = { thread, memory, address: Number(address), width, expected, deadlineMs };
    const over = this.#begin(waiter, timeout);
    if (over !== undefined) return [over, 0n];
    thread.block({ kind: "atomic", memory, address: waiter.address });
    this.#component.engine.request();
    return [WAIT.interrupted, timeout];
  };

  /** @returns an outcome if there is nothing to wait for */
  #begin(waiter: Waiter, timeout: bigint): number | undefined {
    const words = wordsOf(this.#memories(waiter.thread)[waiter.memory]!, waiter.width);
    const limitMs = timeout === FOREVER || timeout < 0n ? Infinity : Number(timeout) / 1e6;
    const expected =
      waiter.width === 8 ? BigInt.asIntN(64, waiter.expected) : Number(BigInt.asIntN(32, waiter.expected));
    const index = waiter.address / waiter.width;
    const { async, value } = Atomics.waitAsync(
      words as Int32Array<SharedArrayBuffer>,
      index,
      expected as number,
      limitMs,
    );
    if (!async) return value === "not-equal" ? WAIT.notEqual : WAIT.timedOut;
    this.#waiters.push(waiter);
    void value.then((how) => this.#end(waiter, how === "ok" ? WAIT.ok : WAIT.timedOut));
    return undefined;
  }

  #end(waiter: Waiter, outcome: number): void {
    const index = this.#waiters.indexOf(waiter);
    if (index < 0) return; // it was ended before, or has begun anew
    this.#waiters.splice(index, 1);
    const { thread } = waiter;
    if (thread.waiting?.kind === "atomic") thread.wake(outcome);
  }

  /**
   * Ends the engine's waits: threads that have been notified can go on, the others are without a wait until `resume`.
   * Nothing else may wait for these words.
   */
  settle(): readonly Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    const places = Map.groupBy(
      waiters,
      ({ thread, memory, address }) => `${this.#memoryKey(thread, memory)} ${address}`,
    );
    const left: Waiter[] = [];
    for (const [first, ...others] of places.values()) {
      const all = [first!, ...others];
      const words = wordsOf(this.#memories(first!.thread)[first!.memory]!, 4) as Int32Array<SharedArrayBuffer>;
      const waiting = Atomics.notify(words, first!.address / 4);
      const over = all.splice(0, all.length - waiting);
      for (const { thread, deadlineMs } of over) thread.wake(deadlineMs <= this.#now() ? WAIT.timedOut : WAIT.ok);
      left.push(...all);
    }
    return left.sort((x, y) => waiters.indexOf(x) - waiters.indexOf(y));
  }

  /** Begins waits anew, in their order, with the time that is left; perhaps in another memory with the same content. */
  resume(waiters: readonly Waiter[]): void {
    for (const waiter of waiters) {
      if (waiter.thread.waiting?.kind !== "atomic") continue;
      const left =
        waiter.deadlineMs === Infinity
          ? FOREVER
          : BigInt(Math.ceil(Math.max(0, waiter.deadlineMs - this.#now()) * 1e6));
      const over = this.#begin(waiter, left);
      if (over !== undefined) waiter.thread.wake(over === WAIT.notEqual ? WAIT.ok : over);
    }
  }

  /** A thread that has ended or is being changed waits for nothing any more. */
  leave(thread: KernelThread): void {
    const { waiting } = thread;
    if (waiting?.kind === "futex") this.#leaveFutex(thread, waiting.address);
    if (waiting?.kind !== "atomic") return;
    const others = this.settle().filter((waiter) => waiter.thread !== thread); // its place in the engine's queue is free
    this.resume(others);
  }

  #memories(thread: KernelThread): readonly WebAssembly.Memory[] {
    return this.#component.engine.memories(thread.instance)!;
  }

  /** One number for one memory, whichever instance's it is: the first instance that holds it. */
  #memoryKey(thread: KernelThread, memory: number): number {
    const wanted = this.#memories(thread)[memory]!;
    const { engine } = this.#component;
    let owner = 0;
    while (!engine.memories(owner)!.includes(wanted)) owner++;
    return owner * 2 ** 16 + engine.memories(owner)!.indexOf(wanted);
  }
}

function wordsOf({ buffer }: WebAssembly.Memory, width: number): Words {
  const shared = buffer as unknown as SharedArrayBuffer;
  return width === 8 ? new BigInt64Array(shared) : new Int32Array(shared);
}
