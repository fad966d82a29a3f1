// What a supervisor's PD is charged for storage that it has the host make for its own purposes, beside dataspaces of its own: kept
// checkpoints, and marks of its children's programs. A child pays for none of it, and cannot see it.
//
// A charge is a dataspace of as many bytes, which nobody touches, so that it has no storage of its own. RAM that the supervisor
// preserves for itself is left.
import {
  type Capability,
  type Dataspace,
  type Env,
  INVALID,
  type OutOf,
  objectOf,
  PAGE_BYTES,
  type PdSession,
  type Quota,
} from "../session/index.ts";
import { type Attempt, refusal, success } from "../util/index.ts";

/** Held until it is released. */
export interface Charge {
  /** What it is charged by: to be named in a saved state. */
  readonly dataspace: Capability<Dataspace>;
  /** Harmless when repeated. */
  release(): void;
}

const FREE: Charge = { dataspace: INVALID, release: () => {} };
/** Of objects that stand under no supervisor: nobody pays. */
export const NO_CHARGES: Pick<Charges, "take" | "of"> = { take: () => success(FREE), of: () => FREE };

export class Charges {
  readonly #env: Env;
  readonly #spare: () => Quota;

  /** @param spare what the supervisor has, and neither uses nor preserves */
  constructor(env: Env, spare: () => Quota) {
    this.#env = env;
    this.#spare = spare;
  }

  /** Charges for so many bytes, or nothing. */
  take(bytes: number): Attempt<Charge, OutOf> {
    const { ram, caps } = this.#spare();
    if (ram < bytes + PAGE_BYTES) return refusal("out-of-ram");
    return caps < 1 ? refusal("out-of-caps") : this.takeAny(bytes);
  }

  /** As `take`, of what is preserved too. */
  takeAny(bytes: number): Attempt<Charge, OutOf> {
    const charged = this.#pd()?.alloc(bytes);
    if (charged?.ok) return success(this.of(charged.value));
    return refusal(charged?.reason === "out-of-caps" ? "out-of-caps" : "out-of-ram");
  }

  /** A charge of a saved supervisor, by the dataspace that it named. */
  of(dataspace: Capability<Dataspace>): Charge {
    return { dataspace, release: () => this.#pd()?.free(dataspace) };
  }

  #pd(): PdSession | undefined {
    return objectOf<PdSession>(this.#env.pd, "pd");
  }
}

/** As they are charged. */
export function bytesOf({ dataspace }: Charge): number {
  return objectOf<Dataspace>(dataspace, "dataspace")?.size() ?? 0;
}
