// The threads that can run, in the order in which they shall: by priority, then by the processor time that each has had
// in proportion to its share (S28). A heap for each priority in use.
import type { KernelThread } from "./thread.ts";

interface Level {
  readonly priority: number;
  readonly heap: KernelThread[];
  /** No thread of this priority has had less: whoever comes (back) begins here and owes nobody anything. */
  floor: number;
}

export class ReadyQueue {
  /** Highest priority (lowest number) first. */
  readonly #levels: Level[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Harmless if it is in the queue. */
  add(thread: KernelThread): void {
    if (thread.queued) return;
    const level = this.#level(thread.priority);
    thread.queued = true;
    if (thread.virtual < level.floor) thread.virtual = level.floor;
    level.heap.push(thread);
    up(level.heap, level.heap.length - 1);
    this.#size++;
  }

  /** Whether the thread is in this queue: each CPU has one. */
  has(thread: KernelThread): boolean {
    return thread.queued && this.#level(thread.priority).heap.includes(thread);
  }

  /** Takes a thread out, wherever it is; harmless if it is not in the queue. */
  remove(thread: KernelThread): void {
    if (!thread.queued) return;
    thread.queued = false;
    this.#size--;
    const { heap } = this.#level(thread.priority);
    heap.splice(heap.indexOf(thread), 1);
    for (let i = (heap.length >> 1) - 1; i >= 0; i--) down(heap, i);
  }

  /** How far a thread is behind the one of its priority that has had least: what it has had more. */
  ahead(thread: KernelThread): number {
    return Math.max(0, thread.virtual - this.#level(thread.priority).floor);
  }

  /** The other way round: the thread, which is not in the queue, has had so much more. */
  setAhead(thread: KernelThread, ahead: number): void {
    thread.virtual = this.#level(thread.priority).floor + ahead;
  }

  /** Takes out the thread whose turn it is. */
  take(): KernelThread | undefined {
    for (const level of this.#levels) {
      const { heap } = level;
      const first = heap[0];
      if (!first) continue;
      const last = heap.pop()!;
      if (last !== first) {
        heap[0] = last;
        down(heap, 0);
      }
      first.queued = false;
      this.#size--;
      level.floor = Math.max(level.floor, first.virtual);
      return first;
    }
    return undefined;
  }

  #level(priority: number): Level {
    let index = 0;
    while (index < this.#levels.length && this.#levels[index]!.priority < priority) index++;
    const found = this.#levels[index];
    if (found?.priority === priority) return found;
    const level = { priority, heap: [], floor: 0 };
    this.#levels.splice(index, 0, level);
    return level;
  }
}

/** Equal ones run in the order of their ranks: runs are repeatable, also across a restore. */
function before(x: KernelThread, y: KernelThread): boolean {
  if (x.virtual !== y.virtual) return x.virtual < y.virtual;
  return x.rank < y.rank || (x.rank === y.rank && x.id < y.id);
}

function up(heap: KernelThread[], from: number): void {
  for (let at = from; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (!before(heap[at]!, heap[parent]!)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function down(heap: KernelThread[], from: number): void {
  for (let at = from; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && before(heap[child]!, heap[least]!)) least = child;
    }
    if (least === at) return;
    swap(heap, at, least);
    at = least;
  }
}

function swap(heap: KernelThread[], x: number, y: number): void {
  [heap[x], heap[y]] = [heap[y]!, heap[x]!];
}
