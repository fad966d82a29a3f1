// The deadline of what one restore waits for: a bootstrap (strategy A) may loop, or wait for what never comes; the server
// of an environment's session may not answer. Time is that of the supervisor's Timer session, which it has meanwhile.
import type { Init } from "../init/index.ts";
import {
  type Capability,
  DONATION,
  type Env,
  objectOf,
  type SignalHandler,
  type TimerSession,
} from "../session/index.ts";

/** Milliseconds in which no child gets further, unless the configuration says otherwise. */
export const BOOTSTRAP_MS = 30_000;

export interface DeadlineOptions {
  readonly env: Env;
  readonly init: Pick<Init, "open">;
  readonly ms: number;
  /** Called from the event loop, once. */
  readonly passed: () => void;
  /** There is no Timer session; called at once, or from the event loop. */
  readonly refused: (reason: string) => void;
}

export class Deadline {
  readonly #handler: SignalHandler;
  readonly #us: number;
  readonly #close: () => void;
  #timer: TimerSession | undefined;

  constructor({ env, init, ms, passed, refused }: DeadlineOptions) {
    this.#us = ms * 1000;
    this.#handler = env.signalHandler(passed);
    let answered = false;
    const ready = (capability: Capability) => {
      answered = true;
      this.#timer = objectOf<TimerSession>(capability, "timer");
      this.#timer?.sigh(this.#handler.context);
      this.putOff();
    };
    const denied = (reason: string) => {
      answered = true;
      refused(reason);
    };
    const request = { service: "Timer", label: "bootstrap", donation: DONATION.Timer };
    this.#close = init.open(request, { ready, refused: denied });
    if (!answered) refused("it is served by a component that takes its time"); // nobody would watch over that one
  }

  /** It begins anew. */
  putOff(): void {
    this.#timer?.triggerOnce(this.#us);
  }

  /** Harmless when repeated. */
  end(): void {
    this.#handler.dispose();
    this.#close();
  }
}
