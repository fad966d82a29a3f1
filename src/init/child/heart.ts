// Heartbeats of one child (spec 2.12): a signal each period; the child's library answers from its entrypoint.
import {
  type Capability,
  INVALID,
  notify,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
} from "../../session/index.ts";

export interface SavedHeart {
  /** A slot. */
  readonly handler: number;
  readonly outstanding: number;
}

export class Heart {
  #sigh: Capability<SignalContext> = INVALID;
  #outstanding = 0;

  /** Who answers. */
  listen(sigh: Capability<SignalContext>): void {
    this.#sigh = sigh;
    this.#outstanding = 0;
  }

  /** A period is over. Without somebody to answer nothing is counted. */
  beat(): void {
    if (!this.#sigh.valid) return;
    this.#outstanding++;
    notify(this.#sigh);
  }

  /** Any answer makes up for all that is outstanding. */
  response(): void {
    this.#outstanding = 0;
  }

  capture(slots: SlotWriter): SavedHeart {
    return { handler: slots.held(this.#sigh), outstanding: this.#outstanding };
  }

  restore({ handler, outstanding }: SavedHeart, slots: SlotReader): void {
    this.#sigh = slots.held<SignalContext>(handler);
    this.#outstanding = outstanding;
  }

  get skipped(): number {
    return Math.max(0, this.#outstanding - 1);
  }
}
