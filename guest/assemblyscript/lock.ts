// Locks between the threads of a component, over futexes.
import { kernelFutexWait, kernelFutexWake } from "../../build/guest-abi/assemblyscript/abi";

/** The functions take the address of a word that is 0 at first: 1 is held, 2 is held and somebody waits. */
export function acquireWord(word: usize): void {
  if (atomic.cmpxchg<u32>(word, 0, 1) == 0) return;
  while (atomic.xchg<u32>(word, 2) != 0) kernelFutexWait(word, 2, -1);
}

export function releaseWord(word: usize): void {
  if (atomic.xchg<u32>(word, 0) == 2) kernelFutexWake(word, 1);
}

export class Mutex {
  private word: u32 = 0;

  acquire(): void {
    acquireWord(changetype<usize>(this) + offsetof<Mutex>("word"));
  }
  release(): void {
    releaseWord(changetype<usize>(this) + offsetof<Mutex>("word"));
  }
}

export class Semaphore {
  private word: u32 = 0;

  constructor(count: u32 = 0) {
    this.word = count;
  }
  private get at(): usize {
    return changetype<usize>(this) + offsetof<Semaphore>("word");
  }
  up(): void {
    atomic.add<u32>(this.at, 1);
    kernelFutexWake(this.at, 1);
  }
  down(): void {
    for (;;) {
      const count = atomic.load<u32>(this.at);
      if (count == 0) kernelFutexWait(this.at, 0, -1);
      else if (atomic.cmpxchg<u32>(this.at, count, count - 1) == count) return;
    }
  }
}

/** A number that only grows; threads wait until it is another one. */
export class Event {
  private word: u32 = 0;
  /** Somebody will raise it. Until then those who wait look again after a millisecond. */
  told: bool = false;

  private get at(): usize {
    return changetype<usize>(this) + offsetof<Event>("word");
  }
  get count(): u32 {
    return atomic.load<u32>(this.at);
  }
  raise(): void {
    atomic.add<u32>(this.at, 1);
    kernelFutexWake(this.at, u32.MAX_VALUE);
  }
  wait(seen: u32): void {
    if (!this.told) kernelFutexWait(this.at, seen, 1_000_000);
    else while (atomic.load<u32>(this.at) == seen) kernelFutexWait(this.at, seen, -1);
  }
}
