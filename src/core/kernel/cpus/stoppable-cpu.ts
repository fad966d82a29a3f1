// How what runs on another CPU is stopped: at its next safe point, for a while or for as long as somebody wants.
import { Steps } from "../executor.ts";
import { KERNEL_LIMITS } from "../limits.ts";
import type { KernelThread } from "../thread.ts";
import { LOOK_MS } from "./commands.ts";
import type { CpuLink } from "./cpu-link.ts";
import type { LineEnds } from "./lines.ts";
import type { Nests } from "./nests.ts";
import { Allowance } from "./patience.ts";
import { BLOCK } from "./protocol.ts";
import type { RemoteRequests } from "./remote-requests.ts";

export abstract class StoppableCpu extends Steps {
  abstract readonly number: number;
  abstract readonly link: CpuLink;
  abstract readonly lines: LineEnds;
  abstract readonly nests: Nests;
  protected abstract readonly requests: RemoteRequests;
  protected abstract readonly running: KernelThread | undefined;
  protected frozen = false;
  /** How many want nothing to run there. */
  #holders = 0;

  /** Lets the next thread run, if one may. */
  protected abstract pump(): void;
  protected abstract awaitRing(ms: number): void;

  /** Somebody wants nothing to run there. */
  get held(): boolean {
    return this.#holders > 0;
  }

  freeze(): void {
    this.frozen = true;
    if (this.running) this.request();
  }

  resume(): void {
    this.frozen = false;
    this.pump();
  }

  /** The thread that runs gives way at its next safe point. */
  request(): void {
    this.lines.end();
    Atomics.store(this.link.block.words, BLOCK.giveWay, 1);
    this.nests.reclaim();
    this.nests.flag();
    if (this.requests.lingering) this.requests.unwind();
  }

  /**
   * Waits until the thread that runs has given way: some microseconds, unless the host has no time for the CPU.
   *
   * @returns false if it has not, in time, or because it waits for an answer of the caller
   */
  stop(ms: number = KERNEL_LIMITS.stopMs): boolean {
    this.lines.end();
    if (!this.running || this.link.lost !== undefined) return true;
    if (this.requests.serving) return false;
    this.request();
    const allowance = new Allowance(ms, performance.now());
    const { bottom } = this.nests;
    for (let look = performance.now() + LOOK_MS; this.nests.bottom === bottom; ) {
      const now = performance.now();
      if (this.requests.pending) this.requests.serveStopping();
      else if (allowance.used(now)) return false;
      else if (now < look) this.awaitRing(1);
      else if (this.link.ended) break;
      else look = now + LOOK_MS;
    }
    return true;
  }

  /** Nothing runs there while `body` does, if the thread that runs can be stopped. */
  still<T>(body: () => T): T {
    this.hold();
    try {
      this.stop();
      return body();
    } finally {
      this.release();
    }
  }

  /** Nothing begins to run there. */
  hold(): void {
    this.#holders++;
    this.lines.end();
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.requests.released();
    this.pump();
  }

  /** What runs there comes to a safe point, and stays there until `release`; behind `hold`. */
  reachSafePoint(): void {
    const { lingering, serving } = this.requests;
    if (lingering || serving || this.stop(KERNEL_LIMITS.replyMs)) return;
    this.link.lose(`CPU ${this.number} has not come to a safe point for ${KERNEL_LIMITS.replyMs} ms`);
  }
}
