// How a CPU waits for a word to change: it looks at it for a while, or sleeps at once.
//
// Two threads that talk to each other do it in one of two ways. Where they share a processor a wake-up takes some
// microseconds, and looking only keeps the other one from running. Where each has its own, a wake-up takes twenty to eighty
// if that processor sleeps meanwhile, and looking less than one. The host decides, and changes its mind. So who has looked
// in vain, or for longer than sleeping takes it, sleeps until it has slept for a while: where sleeping is slow that is over
// after some waits, where it is quick after many. That while doubles, up to MOST_DEBT_MS, as long as looking does not pay.
//
// Who looks has a processor, which the one that it waits for may need. So no more look than leave a processor free (seats);
// but two that talk to each other both look for a moment, until the one sees what the other has written.
import { DOOR, SEAT } from "./protocol.ts";

/** Looks between two looks at the clock: about a microsecond. */
const LOOKS = 200;
/** Looks without a seat: as long as it takes somebody who looks to see a word that has changed. */
const STANDING = 400;
/** One looks for so many times what sleeping takes, and so long at least. */
const LONGER = 2;
const LEAST_MS = 0.01;
/** A wait that was longer says nothing about how one waits. */
const MOST_MS = 0.05;
/** What sleeping takes is a mean of about so many waits. */
const REMEMBERED = 16;
/** How long one sleeps, in all, before one looks again. */
const FIRST_DEBT_MS = 0.1;
const MOST_DEBT_MS = 2;

/** Who may look: a word of SEAT says whether it has a seat. */
export interface Seat {
  readonly words: Int32Array;
  readonly index: number;
}

/** Who had the seat has ended, perhaps while it looked. */
export function endSeat(door: Int32Array<SharedArrayBuffer>, { words, index }: Seat): void {
  if (Atomics.exchange(words, index, SEAT.lost) === SEAT.taken) Atomics.add(door, DOOR.seats, 1);
}

export class Patience {
  readonly #door: Int32Array<SharedArrayBuffer>;
  readonly #seat: Seat;
  /** For so long it sleeps before it looks again, milliseconds. */
  #debtMs = 0;
  /** That, when it looks in vain the next time. */
  #nextMs = FIRST_DEBT_MS;
  #sleepMs = MOST_MS;

  /** @param seat default: one that ends with this thread's process */
  constructor(door: Int32Array<SharedArrayBuffer>, seat: Seat = { words: new Int32Array(1), index: 0 }) {
    this.#door = door;
    this.#seat = seat;
  }

  /** @returns whether the word is another one; if not, the caller is to `sleep` */
  look(words: Int32Array<SharedArrayBuffer>, index: number, value: number): boolean {
    if (this.#debtMs > 0 || !this.#sit()) return false;
    const begin = performance.now();
    const most = Math.max(this.#sleepMs * LONGER, LEAST_MS);
    let seen = false;
    let ms = 0;
    do {
      seen = looks(words, index, value);
      ms = performance.now() - begin;
    } while (!seen && ms < most);
    this.#stand();
    this.#judge(seen && ms < this.#sleepMs);
    return seen;
  }

  /** @param ms at most */
  sleep(words: Int32Array<SharedArrayBuffer>, index: number, value: number, ms?: number): void {
    const begin = performance.now();
    Atomics.wait(words, index, value, ms);
    const slept = Math.min(performance.now() - begin, MOST_MS);
    this.#sleepMs += (slept - this.#sleepMs) / REMEMBERED;
    this.#debtMs -= slept;
  }

  /** Takes a seat, if there is one soon. */
  #sit(): boolean {
    const door = this.#door;
    for (let left = STANDING; left > 0; left--) {
      if (Atomics.load(door, DOOR.seats) <= 0) continue;
      const taken = Atomics.sub(door, DOOR.seats, 1) > 0;
      if (taken && this.#change(SEAT.none, SEAT.taken)) return true;
      Atomics.add(door, DOOR.seats, 1);
    }
    return false;
  }

  #stand(): void {
    if (this.#change(SEAT.taken, SEAT.none)) Atomics.add(this.#door, DOOR.seats, 1);
  }

  /** @returns false if it is lost */
  #change(from: number, to: number): boolean {
    const { words, index } = this.#seat;
    return Atomics.compareExchange(words, index, from, to) === from;
  }

  #judge(paid: boolean): void {
    if (!paid) this.#debtMs = this.#nextMs;
    this.#nextMs = paid ? FIRST_DEBT_MS : Math.min(this.#nextMs * 2, MOST_DEBT_MS);
  }
}

function looks(words: Int32Array<SharedArrayBuffer>, index: number, value: number): boolean {
  for (let left = LOOKS; left > 0; left--) if (Atomics.load(words, index) !== value) return true;
  return false;
}

/** The longest time between two looks that counts: who was not let run for longer has not waited meanwhile, nor has the other one run. */
const MOST_LOOK_MS = 100;

/** How long something may take, in a process that may be stopped, or get no processor, for any time. */
export class Allowance {
  #leftMs: number;
  #seenMs: number;

  constructor(ms: number, nowMs: number) {
    this.#leftMs = ms;
    this.#seenMs = nowMs;
  }

  /** Whether it is used up; to be asked again and again. */
  used(nowMs: number): boolean {
    this.#leftMs -= Math.min(nowMs - this.#seenMs, MOST_LOOK_MS);
    this.#seenMs = nowMs;
    return this.#leftMs < 0;
  }
}
