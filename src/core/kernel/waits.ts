// Waiting for a word of memory: `futex_wait` and `memory.atomic.wait` of the threads of one component.
//
// Futexes are the kernel's own lists. Atomic waits are waits of the engine (Atomics.waitAsync) on behalf of frozen
// threads: so `memory.atomic.notify`, which is an instruction, counts and wakes them in order, from any CPU.
//
// I1  Waiters of a word are woken in the order in which they came.
// I2  An atomic wait that was notified is over, even if the engine has not said so yet (`settle` finds out).
// I3  Waits end with time by the kernel's clock only.
// I4  Words behind windows may be those of several components: whoever ends the engine's waits there ends and begins all.
import { FUTEX, WAIT } from "../../abi/index.ts";
import type { AtomicWait } from "../../engine/index.ts";
import type { Component } from "./component.ts";
import { requireHostStack } from "./stack-room.ts";
import type { KernelThread } from "./thread.ts";

/** What an atomic wait waits for. */
export interface AtomicWord {
  readonly memory: number;
  readonly address: number;
  /** 4 or 8 bytes. */
  readonly width: number;
}

interface Waiter extends AtomicWord {
  readonly thread: KernelThread;
  /** Among those that waited when the thread was saved; Infinity: it came later than they all. */
  readonly place: number;
}

type Words = Int32Array<SharedArrayBuffer> | BigInt64Array<SharedArrayBuffer>;

/** Atomic waits behind windows, of all components of a kernel, oldest first. */
export class PooledWaits {
  readonly waiters: Waiter[] = [];
}

export class Waits {
  readonly #component: Component;
  readonly #now: () => number;
  readonly #pooled: PooledWaits;
  readonly #futexes = new Map<number, { readonly thread: KernelThread; readonly place: number }[]>();
  /** Atomic waits at words of the component's own, oldest first. */
  readonly #waiters: Waiter[] = [];
  /** A thread of the component, which may have notified some, has run since somebody looked. */
  ran = false;

  constructor(component: Component, now: () => number, pooled: PooledWaits) {
    this.#component = component;
    this.#now = now;
    this.#pooled = pooled;
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

  /**
   * The thread, which is blocked there, joins the waiters of an address.
   *
   * @param place that it had when it was saved (`placeOf`); by default it is the last
   */
  enlist(thread: KernelThread, address: number, place = Infinity): void {
    const waiting = this.#futexes.get(address) ?? [];
    waiting.splice(placeFor(waiting, place), 0, { thread, place });
    this.#futexes.set(address, waiting);
  }

  /** Which of the waiters of its word a thread is, from 0; undefined if it waits for none. */
  placeOf(thread: KernelThread): number | undefined {
    const { waiting } = thread;
    if (waiting?.kind === "futex") return placeIn(this.#futexes.get(waiting.address), thread);
    return waiting?.kind === "atomic" ? placeIn(this.#waitersOf(waiting), thread) : undefined;
  }

  /** Those that wait with others for their order. */
  #waitersOf({ memory }: AtomicWord): Waiter[] {
    return memory < 0 ? this.#pooled.waiters : this.#waiters;
  }

  /** Wakes the first `most` waiters; returns how many there were. */
  futexWake(address: number, most: number): number {
    const at = address >>> 0;
    const waiting = this.#futexes.get(at);
    if (!waiting) return 0;
    const woken = waiting.splice(0, most >>> 0);
    if (waiting.length === 0) this.#futexes.delete(at);
    for (const { thread } of woken) thread.wake(FUTEX.woken);
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
    const index = waiting.findIndex((waiter) => waiter.thread === thread);
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
    if (width <= 0) return [width < 0 ? WAIT.notEqual : WAIT.ok, 0n];
    const word = { memory, address: Number(address), width };
    const words = wordsOf(this.#memory(thread, memory)!, width);
    if (timeout === 0n) return [holds(words, word, expected) ? WAIT.timedOut : WAIT.notEqual, 0n];
    if (!this.#begin(words, expected, { ...word, thread, place: Infinity })) return [WAIT.notEqual, 0n];
    thread.block({ kind: "atomic", ...word }, timeout < 0n ? Infinity : this.#now() + Number(timeout) / 1e6);
    thread.engine.request();
    return [WAIT.interrupted, timeout];
  };

  /** @returns false if the word has another value */
  #begin(words: Words, expected: bigint, waiter: Waiter): boolean {
    const index = waiter.address / waiter.width;
    const wait = Atomics.waitAsync(words as Int32Array<SharedArrayBuffer>, index, valueIn(words, expected) as number);
    if (!wait.async) return false;
    this.#waitersOf(waiter).push(waiter);
    void wait.value.then(() => this.#notified(waiter));
    return true;
  }

  #notified(waiter: Waiter): void {
    const waiters = this.#waitersOf(waiter);
    const index = waiters.indexOf(waiter);
    if (index < 0) return; // it was ended before, or has begun anew
    waiters.splice(index, 1);
    const { thread } = waiter;
    if (thread.waiting?.kind === "atomic") thread.wake(WAIT.ok);
  }

  /** The thread, which waited when it was saved, does so again, in its place among others; not for what is no word. */
  atomicAgain(thread: KernelThread, { memory, address, width }: AtomicWord, deadlineMs: number, place: number): void {
    const buffer = this.#memory(thread, memory)?.buffer as unknown as SharedArrayBuffer | undefined;
    const wide = width === 4 || width === 8;
    if (!(buffer instanceof SharedArrayBuffer) || !wide || address % width !== 0) return;
    if (address < 0 || address + width > buffer.byteLength) return;
    const word = { memory, address, width };
    this.#alone(() => {
      const waiters: Waiter[] = [...this.settle()];
      const later = waiters.findIndex((waiter) => waiter.memory < 0 === memory < 0 && waiter.place > place);
      waiters.splice(later < 0 ? waiters.length : later, 0, { ...word, thread, place });
      thread.block({ kind: "atomic", ...word }, deadlineMs);
      this.resume(waiters);
    });
  }

  /** An atomic wait has lasted until its deadline; if it was notified before, that counts. */
  expire(thread: KernelThread): void {
    this.#alone(() => this.resume(this.settle().filter((waiter) => waiter.thread !== thread)));
    if (thread.waiting?.kind === "atomic") thread.wake(WAIT.timedOut);
  }

  /** Threads that have been notified can go on now, not only when the engine says so. */
  look(): void {
    const pooled = this.#pooled.waiters.some(({ thread }) => thread.component === this.#component);
    if (!this.ran && !pooled) return; // others may have notified the pooled ones
    this.ran = this.#component.onStack;
    if (pooled || this.#waiters.length > 0) this.#alone(() => this.resume(this.settle()));
  }

  /** Between the end of the engine's waits and their beginning anew nobody may notify or look who can. */
  #alone(body: () => void): void {
    const component = this.#component;
    if (component.windows && this.#pooled.waiters.length > 0) component.still(() => component.alone(body));
    else component.alone(body);
  }

  /**
   * Ends the engine's waits: threads that have been notified can go on, the others are without a wait until `resume`; of a
   * component with windows also those of others behind windows. Nothing that can notify these words may run.
   */
  settle(): readonly Waiter[] {
    const pooled = this.#component.windows ? this.#pooled.waiters.splice(0) : [];
    const waiters = [...this.#waiters.splice(0), ...pooled];
    const places = Map.groupBy(
      waiters,
      ({ thread, memory, address }) => `${this.#memoryKey(thread, memory)} ${address}`,
    );
    const left: Waiter[] = [];
    for (const [first, ...others] of places.values()) {
      const all = [first!, ...others];
      const words = wordsOf(this.#memory(first!.thread, first!.memory)!, 4) as Int32Array<SharedArrayBuffer>;
      const waiting = Atomics.notify(words, first!.address / 4);
      const over = all.splice(0, all.length - waiting);
      for (const { thread } of over) thread.wake(WAIT.ok);
      left.push(...all);
    }
    return left.sort((x, y) => waiters.indexOf(x) - waiters.indexOf(y));
  }

  /** Begins waits anew, in their order; perhaps in another memory with the same content. */
  resume(waiters: readonly Waiter[]): void {
    for (const waiter of waiters) {
      if (waiter.thread.waiting?.kind !== "atomic") continue;
      const words = wordsOf(this.#memory(waiter.thread, waiter.memory)!, waiter.width);
      const index = waiter.address / waiter.width;
      // Whatever is there now: a wait that has begun does not look again. It is another one for the engine.
      while (!this.#begin(words, BigInt(words[index]!), { ...waiter }));
    }
  }

  /** A thread that has ended or is being changed waits for nothing any more. */
  leave(thread: KernelThread): void {
    const { waiting } = thread;
    if (waiting?.kind === "futex") this.#leaveFutex(thread, waiting.address);
    if (waiting?.kind !== "atomic") return;
    // its place in the engine's queue is free
    this.#alone(() => this.resume(this.settle().filter((waiter) => waiter.thread !== thread)));
  }

  /** @param memory negative: what the windows lead to */
  #memory(thread: KernelThread, memory: number): WebAssembly.Memory | undefined {
    const { engine, windows } = this.#component; // of one memory others may have other objects
    return memory < 0 ? windows?.pool.memory : engine.memories(thread.instance)![memory];
  }

  /** One number for one memory, whichever instance's it is: the first instance that holds it. */
  #memoryKey(thread: KernelThread, memory: number): number {
    if (memory < 0) return memory; // the pool
    const wanted = this.#memory(thread, memory)!;
    const { engine } = this.#component;
    let owner = 0;
    while (!engine.memories(owner)!.includes(wanted)) owner++;
    return owner * 2 ** 16 + engine.memories(owner)!.indexOf(wanted);
  }
}

/** Where a waiter belongs among others that are in their order. */
function placeFor(waiters: readonly { readonly place: number }[], place: number): number {
  const later = waiters.findIndex((waiter) => waiter.place > place);
  return later < 0 ? waiters.length : later;
}

/** A value as the elements of some words are. */
function valueIn(words: Words, value: bigint): number | bigint {
  return words instanceof BigInt64Array ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value));
}

/** Whether a word has a value now. */
function holds(words: Words, { address, width }: AtomicWord, value: bigint): boolean {
  return Atomics.load(words as Int32Array<SharedArrayBuffer>, address / width) === valueIn(words, value);
}

function wordsOf({ buffer }: WebAssembly.Memory, width: number): Words {
  const shared = buffer as unknown as SharedArrayBuffer;
  return width === 8 ? new BigInt64Array(shared) : new Int32Array(shared);
}

/** -1: it is not among them. */
function placeIn(waiters: readonly { readonly thread: KernelThread }[] | undefined, thread: KernelThread): number {
  const count = waiters?.length ?? 0;
  for (let i = 0; i < count; i++) if (waiters![i]!.thread === thread) return i;
  return -1;
}
