// Asks the children of an init from time to time whether they live, and starts those again that have skipped too much.
import type { Household } from "./child/household.ts";
import type { Family } from "./family.ts";
import type { Timeouts } from "./timeouts.ts";

const TIMEOUT = "heartbeat";

export class Heartbeats {
  readonly #house: Household;
  readonly #family: Family;
  readonly #timeouts: Timeouts;

  constructor(house: Household, family: Family, timeouts: Timeouts) {
    this.#house = house;
    this.#family = family;
    this.#timeouts = timeouts;
  }

  /** Begins a period of the configuration in force, if that asks for heartbeats. */
  schedule(): void {
    const { heartbeatMs } = this.#house.config();
    this.#timeouts.cancel(TIMEOUT);
    if (heartbeatMs) this.#timeouts.set(TIMEOUT, heartbeatMs, () => this.run());
  }

  /** A period is over. */
  run(): void {
    if (!this.#house.config().heartbeatMs) return;
    this.schedule();
    for (const child of this.#family.children) {
      const { heartbeat } = child.start;
      if (!heartbeat || !child.lives) continue;
      const before = child.heart.skipped;
      child.heart.beat();
      const { skipped } = child.heart;
      if (skipped !== before) this.#house.changed(false);
      const limit = heartbeat.restartAfterSkipped;
      if (limit === undefined || skipped < limit) continue;
      this.#house.log(`child "${child.name}" skipped ${skipped} heartbeats and is restarted`);
      this.#family.restart(child);
    }
  }
}
