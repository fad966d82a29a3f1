// Scopes of the threads of components: a recorder for each, made when it begins its first scope, so that each has a row of
// its own. What threads say comes from components and is checked.
import { type ProfileClock, Recorder, type Scope, type ScopeColor } from "./scopes.ts";

/** A thread that measures; the kernel's threads are such, and its CPUs. */
export interface MeasuringThread {
  /** Of a thread 1 or more. */
  readonly id: number;
  readonly name: string;
  readonly component: { readonly label: string };
}

const CAPACITY = 16_384;
const NOT_RECORDED = 0;

export class ThreadRecorders {
  readonly #recorders = new Map<number, Recorder>();
  readonly #options: { readonly capacity: number; readonly now?: ProfileClock };

  /** @param options `capacity`: most scopes of one thread */
  constructor(options: { readonly capacity?: number; readonly now?: ProfileClock } = {}) {
    this.#options = { ...options, capacity: options.capacity ?? CAPACITY };
  }

  /** @returns what `end` is given; 0: there was no room */
  begin(thread: MeasuringThread, name: string, color: ScopeColor): number {
    let recorder = this.#recorders.get(thread.id);
    if (!recorder) {
      const number = thread.id > 0 ? ` (thread ${thread.id})` : "";
      const row = `${thread.component.label}: ${thread.name}${number}`;
      this.#recorders.set(thread.id, (recorder = new Recorder(row, this.#options)));
    }
    return recorder.begin(name, color) + 1;
  }

  /**
   * Ends a scope of the thread; what is none that it has begun here and not ended yet has no effect.
   *
   * @param times measured where it ran, on the clock of the recorders
   */
  end(thread: MeasuringThread, scope: number, times?: { readonly beginMs: number; readonly endMs: number }): void {
    const recorder = this.#recorders.get(thread.id);
    if (scope === NOT_RECORDED || !recorder?.open(scope - 1)) return;
    if (times) recorder.set(scope - 1, times.beginMs, times.endMs);
    else recorder.end(scope - 1);
  }

  /** Scopes that found no room. */
  get dropped(): number {
    return [...this.#recorders.values()].reduce((sum, { dropped }) => sum + dropped, 0);
  }

  /** What was recorded and has ended, thread by thread. */
  scopes(): Scope[] {
    return [...this.#recorders.values()].flatMap((recorder) => recorder.scopes());
  }
}
