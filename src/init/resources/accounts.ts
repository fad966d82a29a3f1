// Quota moving between init's PD and the PDs of its children.
import {
  type Capability,
  NO_QUOTA,
  type OutOf,
  objectOf,
  type PdSession,
  type Quota,
  subtractQuota,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { type InitHooks, NO_HOOKS } from "../hooks.ts";

export class Accounts {
  readonly #own: Capability<PdSession>;
  readonly #real: InitHooks["real"];

  /**
   * @param own init's PD: the reference account of all its children
   * @param real the PD behind the one that a child sees
   */
  constructor(own: Capability<PdSession>, real: InitHooks["real"] = NO_HOOKS.real) {
    this.#own = own;
    this.#real = real;
  }

  /** What init has and does not use. */
  available(): Quota {
    return availableOf(this.#own);
  }

  /** From init to a child; all or nothing. */
  give(to: Capability<PdSession>, quota: Quota): Attempt<void, OutOf> {
    return move(this.#own, this.#real(to), quota);
  }

  /** From a child to init; all or nothing. */
  take(from: Capability<PdSession>, quota: Quota): Attempt<void, OutOf> {
    return move(this.#real(from), this.#own, quota);
  }

  /** From a child to init, as much as it can give of `quota`. @returns what was moved */
  takeAvailable(from: Capability<PdSession>, quota: Quota): Quota {
    const all = this.take(from, quota);
    if (all.ok) return quota;
    const available = availableOf(from);
    const part = { ram: Math.min(quota.ram, available.ram), caps: Math.min(quota.caps, available.caps) };
    const ram = this.take(from, { ram: part.ram, caps: 0 }).ok ? part.ram : 0;
    const caps = this.take(from, { ram: 0, caps: part.caps }).ok ? part.caps : 0;
    return { ram, caps };
  }
}

/** What a PD has and does not use; nothing when it is gone. */
function availableOf(pd: Capability<PdSession>): Quota {
  const session = objectOf<PdSession>(pd, "pd");
  if (!session) return NO_QUOTA;
  return subtractQuota(
    { ram: session.ramQuota(), caps: session.capQuota() },
    { ram: session.usedRam(), caps: session.usedCaps() },
  );
}

function move(from: Capability<PdSession>, to: Capability<PdSession>, quota: Quota): Attempt<void, OutOf> {
  const source = objectOf<PdSession>(from, "pd");
  if (!source || !to.valid) return refusal("out-of-ram");
  if (quota.ram > 0 && !source.transferRamQuota(to, quota.ram).ok) return refusal("out-of-ram");
  if (quota.caps === 0 || source.transferCapQuota(to, quota.caps).ok) return success(undefined);
  if (quota.ram > 0) objectOf<PdSession>(to, "pd")?.transferRamQuota(from, quota.ram);
  return refusal("out-of-caps");
}
