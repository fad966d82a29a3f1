// Who waits for a signal source: threads in `wait_for_signal`, and entrypoints that serve the source.
import type { SignalSource } from "../../session/index.ts";
import { KERNEL_LIMITS } from "./limits.ts";
import type { KernelThread } from "./thread.ts";

interface Audience {
  readonly waiting: Set<KernelThread>;
  readonly serving: Set<KernelThread>;
}

export class Signals {
  readonly #audiences = new WeakMap<SignalSource, Audience>();

  /** The thread waits until the source, which it names by a slot, has a signal. */
  wait(thread: KernelThread, source: SignalSource, slot: number): void {
    thread.block({ kind: "signal", slot });
    this.#audience(source).waiting.add(thread);
  }

  /** The thread's entrypoint takes the source's signals from now on. @returns false if it serves too many sources */
  serve(thread: KernelThread, source: SignalSource): boolean {
    const { ep } = thread;
    if (ep.sources.includes(source)) return true;
    if (ep.sources.length >= KERNEL_LIMITS.sourcesPerEntrypoint) return false;
    ep.sources.push(source);
    this.#audience(source).serving.add(thread);
    ep.signals = 1; // it may have some already: whoever looks finds out
    thread.notify();
    return true;
  }

  /** The thread's entrypoint serves the source no longer. */
  leave(thread: KernelThread, source: SignalSource): void {
    this.#audiences.get(source)?.serving.delete(thread);
  }

  #audience(source: SignalSource): Audience {
    let audience = this.#audiences.get(source);
    if (!audience) {
      audience = { waiting: new Set(), serving: new Set() };
      this.#audiences.set(source, audience);
      const { waiting, serving } = audience;
      source.listen(() => {
        for (const thread of waiting) {
          waiting.delete(thread);
          if (thread.waiting?.kind === "signal") thread.wake(undefined); // it looks again
        }
        for (const thread of serving) {
          thread.ep.signals = 1;
          thread.notify();
        }
      });
    }
    return audience;
  }
}
