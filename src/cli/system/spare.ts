// What stands by for a primary that lives elsewhere (`rtcr restore --follow`), in the system's worker: takes up each checkpoint
// that comes, and goes on from the last when it is told to.
//
// I1  A checkpoint is taken up when all was ready for the one before; of several that come meanwhile only the last.
import type { SystemCheckpoint } from "../../checkpoint/index.ts";
import { type Rtcr, RtcrFault, type RtcrOptions } from "../../rtcr/index.ts";

export interface SpareEvents {
  /** All is ready for the first time. */
  readonly standing: () => void;
  /** A checkpoint is not taken up: it stands by for the one before. */
  readonly refused: (why: RtcrFault) => void;
}

export class Spare {
  readonly #events: SpareEvents;
  #rtcr: Pick<Rtcr, "restore" | "proceed"> | undefined;
  #next: SystemCheckpoint | undefined;
  #ready = false;
  #told = false;
  /** It was not ready yet. */
  #first = true;

  constructor(events: SpareEvents) {
    this.#events = events;
  }

  /** Of the supervisor that takes the children up. */
  readonly options: Pick<RtcrOptions, "standby" | "standingBy"> = {
    standby: () => !this.#told || this.#next !== undefined,
    standingBy: () => {
      this.#ready = true;
      setImmediate(() => this.#goOn());
    },
  };

  /** The supervisor is there, or is no more. */
  use(rtcr: Pick<Rtcr, "restore" | "proceed"> | undefined): void {
    this.#rtcr = rtcr;
    this.#goOn();
  }

  /** A newer checkpoint of the primary. */
  renew(system: SystemCheckpoint): void {
    this.#next = system;
    this.#goOn();
  }

  /** The primary is no more. */
  proceed(): void {
    this.#told = true;
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#rtcr) return;
    if (this.#ready && this.#first) {
      this.#first = false;
      this.#events.standing();
    }
    const next = this.#next;
    if (next) {
      if (!this.#ready) return;
      this.#next = undefined;
      this.#take(this.#rtcr, next);
    }
    if (this.#told) this.#rtcr.proceed();
  }

  #take(rtcr: Pick<Rtcr, "restore">, system: SystemCheckpoint): void {
    try {
      rtcr.restore(system);
      this.#ready = false;
    } catch (thrown) {
      if (!(thrown instanceof RtcrFault)) throw thrown;
      if (thrown.code !== "busy") return this.#events.refused(thrown);
      // A configuration has its children begin anew: they will stand by again.
      this.#ready = false;
      this.#next = system;
    }
  }
}
