// How a CPU waits for a word to change: it looks at it for a while, or sleeps at once.
//
// Looking answers in less than a microsecond where sleeping costs some, or twenty if the processor sleeps too; but who
// looks has a processor, which the one that it waits for may need. So no more look than leave a processor free (seats), and
// one that has looked in vain sleeps the next times: as often as it takes to make looking cheap, if it goes on in vain.
import { DOOR } from "./protocol.ts";

/** About forty microseconds: longer than it takes to wake up somebody who answers. */
const LOOKS = 8_000;
/** Who has looked for longer, or in vain, had better slept: what it waited for had no processor, or it had none itself. */
const MOST_MS = 0.04;
const FIRST_SLEEPS = 64;
const MOST_SLEEPS = 4_096;

export class Patience {
  readonly #door: Int32Array<SharedArrayBuffer>;
  /** Waits that are to be slept through before it looks again. */
  #sleeps = 0;
  /** As many as that is when it looks in vain the next time. */
  #next = FIRST_SLEEPS;

  constructor(door: Int32Array<SharedArrayBuffer>) {
    this.#door = door;
  }

  /** @returns whether the word is another one; if not, the caller is to sleep */
  look(words: Int32Array<SharedArrayBuffer>, index: number, value: number): boolean {
    if (this.#sleeps > 0) {
      this.#sleeps--;
      return false;
    }
    const begin = performance.now();
    const seated = Atomics.sub(this.#door, DOOR.seats, 1) > 0;
    const seen = seated && looks(words, index, value);
    Atomics.add(this.#door, DOOR.seats, 1);
    if (seated) this.#judge(seen && performance.now() - begin < MOST_MS);
    return seen;
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
