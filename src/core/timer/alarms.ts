// Alarms: things to do at points of one time line. The queue only; who lets time pass is clocks.ts's affair.
//
// A binary heap by (time, order of setting). Cancelled alarms stay in the heap until they come up, or until they are
// more than half of it: setting, cancelling and ringing cost O(log n), whatever the mix.

/** One thing to do at one time; belongs to the `Alarms` that made it. */
export interface Alarm {
  readonly atUs: number;
  /** Harmless when repeated, and after it has rung. */
  cancel(): void;
}

class Entry implements Alarm {
  readonly atUs: number;
  readonly order: number;
  readonly #cancelled: () => void;
  ring: (() => void) | undefined;

  constructor(atUs: number, order: number, ring: () => void, cancelled: () => void) {
    this.atUs = atUs;
    this.order = order;
    this.ring = ring;
    this.#cancelled = cancelled;
  }

  cancel(): void {
    if (!this.ring) return;
    this.ring = undefined;
    this.#cancelled();
  }
}

export class Alarms {
  readonly #nowUs: () => number;
  #heap: Entry[] = [];
  #order = 0;
  #cancelled = 0;
  #earlier: () => void = () => {};

  /** @param nowUs microseconds of the time line; never runs back */
  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  nowUs(): number {
    return this.#nowUs();
  }

  /** Calls `ring` once, in `ringDue`, when `atUs` has come; never before this returns. */
  at(atUs: number, ring: () => void): Alarm {
    const before = this.nextUs();
    const entry = new Entry(atUs, this.#order++, ring, () => this.#forget());
    this.#push(entry);
    if (before === undefined || atUs < before) this.#earlier();
    return entry;
  }

  /** When the next alarm is to ring; undefined: there is none. */
  nextUs(): number | undefined {
    while (this.#heap[0] && !this.#heap[0].ring) {
      this.#pop();
      this.#cancelled--;
    }
    return this.#heap[0]?.atUs;
  }

  /**
   * Rings what is due now, earliest first. What becomes due while that takes its time waits for the next call: whoever
   * rings always comes to an end.
   *
   * @returns how many rang
   */
  ringDue(): number {
    if (this.nextUs() === undefined) return 0;
    const untilUs = this.#nowUs();
    let rang = 0;
    for (let next = this.nextUs(); next !== undefined && next <= untilUs; next = this.nextUs()) {
      const entry = this.#pop();
      const ring = entry.ring!;
      entry.ring = undefined;
      rang++;
      ring();
    }
    return rang;
  }

  /** `earlier` is called whenever the next alarm is earlier than it was, until replaced; it must only make a note. */
  listen(earlier: () => void): void {
    this.#earlier = earlier;
  }

  #forget(): void {
    if (++this.#cancelled * 2 <= this.#heap.length || this.#heap.length < 64) return;
    const kept = this.#heap.filter(({ ring }) => ring);
    this.#heap = [];
    this.#cancelled = 0;
    for (const entry of kept) this.#push(entry);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function before(left: Entry, right: Entry): boolean {
  return left.atUs < right.atUs || (left.atUs === right.atUs && left.order < right.order);
}
