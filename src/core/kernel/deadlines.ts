// Waits that end with time: a heap of (time, rank of the thread). A thread that has been woken before is found out when its entry
// comes up, by its deadline.
import type { KernelThread } from "./thread.ts";

interface Entry {
  readonly at: number;
  readonly thread: KernelThread;
}

export class Deadlines {
  #heap: Entry[] = [];
  /** Entries that were valid when the heap was swept last. */
  #swept = 0;

  /** When the earliest deadline is of those that somebody still waits for; Infinity: none. */
  get next(): number {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (valid(first)) return first.at;
      this.#pop();
    }
    return Infinity;
  }

  add(thread: KernelThread, at: number): void {
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#swept) this.#sweep();
    const heap = this.#heap;
    heap.push({ at, thread });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i]!, heap[parent]!)) break;
      [heap[parent], heap[i]] = [heap[i]!, heap[parent]!];
      i = parent;
    }
  }

  /** Takes out a thread whose wait is over by `now`. */
  take(now: number): KernelThread | undefined {
    return this.next <= now ? this.#pop().thread : undefined;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (last === first) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && before(heap[child]!, heap[least]!)) least = child;
      }
      if (least === i) return first;
      [heap[least], heap[i]] = [heap[i]!, heap[least]!];
      i = least;
    }
  }

  /** Drops the entries of threads that wait no more: short waits with long limits would pile up. */
  #sweep(): void {
    const left = this.#heap.filter(valid);
    left.sort((x, y) => (before(x, y) ? -1 : 1)); // a sorted list is a heap
    this.#heap = left;
    this.#swept = left.length;
  }
}

function before(x: Entry, y: Entry): boolean {
  return x.at < y.at || (x.at === y.at && x.thread.rank < y.thread.rank);
}

/** Whether the thread still waits until then. */
function valid({ at, thread }: Entry): boolean {
  return thread.deadlineMs === at && thread.waiting !== undefined;
}
