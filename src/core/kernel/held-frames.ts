// What is charged for frames of a component's threads that stand still, by engine and thread.
//
//   a thread makes room for another one      its frames are charged as they are moved: `hold`
//   a thread takes up a saved state          its frames are charged before it does: `exchange`
//   it runs, or is dropped                   nothing is charged for it: `hold(key, 0)`
//
// I1  Whoever has the area of an engine's running thread is not charged. So of all threads that take up states in one engine the
//     deepest is not: when they were saved one of them had the area, and a restore needs no more than there was.

/** More than an engine has numbers for threads. */
const THREADS = 2 ** 32;

/** @param part that the engine is in (growth.ts) @param thread the engine's number */
export function frameKey(part: number, thread: number): number {
  return part * THREADS + thread;
}

function partOf(key: number): number {
  return Math.floor(key / THREADS);
}

/** Frames that are paid for, whose threads have no numbers yet. */
export interface PaidFrames {
  /** The thread that takes up the `index`th of them has a number. */
  taken(index: number, key: number): void;
  /** Those that nobody has taken are paid back. */
  end(): void;
}

export class HeldFrames {
  /** Bytes as far as they are charged. */
  readonly #charged = new Map<number, number>();
  /** By part: the deepest of those that have taken up a state there. */
  readonly #deepest = new Map<number, { readonly key: number; readonly bytes: number }>();
  readonly #pay: () => boolean;
  #sum = 0;

  /** @param pay for all that is held, `sum` of it for frames; false: it cannot, nothing has changed */
  constructor(pay: () => boolean) {
    this.#pay = pay;
  }

  /** Bytes of all. */
  get sum(): number {
    return this.#sum;
  }

  clear(): void {
    this.#charged.clear();
    this.#deepest.clear();
    this.#sum = 0;
  }

  /** Frames of a thread are about to have so many bytes. @returns false: those that they had are still charged */
  hold(key: number, bytes: number): boolean {
    const before = this.#charged.get(key) ?? 0;
    this.#forget(key);
    if (bytes === before) return true;
    this.#sum += bytes - before;
    if (!this.#pay() && bytes > before) {
      this.#sum += before - bytes;
      return false;
    }
    this.#note(key, bytes);
    return true;
  }

  /** A thread goes on under another number, and in another part perhaps. */
  rename(from: number, to: number): void {
    const bytes = this.#charged.get(from) ?? 0;
    this.#charged.delete(from);
    this.#note(to, bytes);
    const deepest = this.#deepest.get(partOf(from));
    if (deepest?.key !== from) return;
    this.#deepest.delete(partOf(from));
    this.#spare(to, deepest.bytes);
  }

  /** A thread has come that is not charged: of two in a part that is the deeper one. The other is, as soon as that can be. */
  #spare(key: number, bytes: number): void {
    const part = partOf(key);
    const other = this.#deepest.get(part);
    const [deepest, due] = other && other.bytes > bytes ? [other, { key, bytes }] : [{ key, bytes }, other];
    this.#deepest.set(part, deepest);
    if (!due) return;
    this.#sum += due.bytes;
    this.#note(due.key, due.bytes);
    this.#pay();
  }

  /**
   * Frames of so many bytes each are about to be taken up, instead of those of other threads.
   *
   * @returns undefined if they cannot be paid for: everything is as it was
   */
  exchange(gone: readonly number[], coming: readonly number[], part: number): PaidFrames | undefined {
    const before = this.#deepest.get(part);
    const other = before && !gone.includes(before.key) ? before : undefined;
    const most = Math.max(0, ...coming);
    const free = most > (other?.bytes ?? 0) ? coming.indexOf(most) : -1;
    const due = coming.map((bytes, index) => (index === free ? 0 : bytes));
    const displaced = free < 0 ? 0 : (other?.bytes ?? 0);
    const back = gone.reduce((sum, key) => sum + (this.#charged.get(key) ?? 0), 0);
    const change = due.reduce((sum, bytes) => sum + bytes, displaced) - back;
    this.#sum += change;
    if (!this.#pay() && change > 0) {
      this.#sum -= change;
      return undefined;
    }
    for (const key of gone) {
      this.#charged.delete(key);
      this.#forget(key);
    }
    if (other && free >= 0) {
      this.#note(other.key, displaced);
      this.#deepest.delete(part);
    }
    return {
      taken: (index, key) => {
        if (index === free) this.#spare(key, most);
        else this.#note(key, due[index] ?? 0);
        due[index] = 0;
      },
      end: () => {
        for (const bytes of due) this.#sum -= bytes;
        this.#pay();
      },
    };
  }

  #note(key: number, bytes: number): void {
    if (bytes === 0) this.#charged.delete(key);
    else this.#charged.set(key, bytes);
  }

  #forget(key: number): void {
    const part = partOf(key);
    if (this.#deepest.get(part)?.key === key) this.#deepest.delete(part);
  }
}
