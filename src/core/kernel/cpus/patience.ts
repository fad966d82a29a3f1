// How a CPU waits for a word to change: it looks at it for a while, or sleeps at once.
//
// Looking answers in less than a microsecond where sleeping costs some, or twenty if the processor sleeps too; but who
// looks has a processor, which the one that it waits for may need. So no more look than leave a processor free (seats); but two
// that talk to each other both look for a moment, until the one sees what the other has written. And one that has looked in
// vain, or for longer than sleeping takes it, sleeps the next times: as often as it takes to make looking cheap, if that goes
// on. (What it waited for had no processor then, or it had none itself.)
import { DOOR } from "./protocol.ts";

/** About forty microseconds: longer than it takes to wake up somebody who answers. */
const LOOKS = 8_000;
/** Of those, without a seat: as long as it takes somebody who looks to see a word that has changed. */
const STANDING = 400;
/** A wait that was longer says nothing about how one waits. */
const MOST_MS = 0.04;
/** What sleeping takes is a mean of about so many waits. */
const REMEMBERED = 16;
const FIRST_SLEEPS = 64;
const MOST_SLEEPS = 4_096;

export class Patience {
  readonly #door: Int32Array<SharedArrayBuffer>;
  /** Waits that are to be slept through before it looks again. */
  #sleeps = 0;
  /** As many as that is when it looks in vain the next time. */
  #next = FIRST_SLEEPS;
  #sleepMs = MOST_MS;

  constructor(door: Int32Array<SharedArrayBuffer>) {
    this.#door = door;
  }

  /** @returns whether the word is another one; if not, the caller is to `sleep` */
  look(words: Int32Array<SharedArrayBuffer>, index: number, value: number): boolean {
    if (this.#sleeps > 0) {
      this.#sleeps--;
      return false;
    }
    const begin = performance.now();
    if (!this.#sit()) return false;
    const seen = looks(words, index, value);
    Atomics.add(this.#door, DOOR.seats, 1);
    this.#judge(seen && performance.now() - begin < this.#sleepMs);
    return seen;
  }

  /** @param ms at most */
  sleep(words: Int32Array<SharedArrayBuffer>, index: number, value: number, ms?: number): void {
    const begin = performance.now();
    Atomics.wait(words, index, value, ms);
    this.#sleepMs += (Math.min(performance.now() - begin, MOST_MS) - this.#sleepMs) / REMEMBERED;
  }

  /** Takes a seat, if there is one soon. */
  #sit(): boolean {
    const door = this.#door;
    for (let left = STANDING; left > 0; left--) {
      if (Atomics.load(door, DOOR.seats) <= 0) continue;
      if (Atomics.sub(door, DOOR.seats, 1) > 0) return true;
      Atomics.add(door, DOOR.seats, 1);
    }
    return false;
  }

  #judge(paid: boolean): void {
    if (!paid) this.#sleeps = this.#next;
    this.#next = paid ? FIRST_SLEEPS : Math.min(this.#next * 2, MOST_SLEEPS);
  }
}

function looks(words: Int32Array<SharedArrayBuffer>, index: number, value: number): boolean {
  for (let left = LOOKS; left > 0; left--) if (Atomics.load(words, index) !== value) return true;
  return false;
}
