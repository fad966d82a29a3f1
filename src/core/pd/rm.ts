// RM sessions: region maps of one's own, paid for by the session's donation (spec 2.3).
import {
  type Capability,
  type Identity,
  type OutOf,
  type Quota,
  type RegionMap,
  type RmSession,
  type SessionRefusal,
  toPages,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { CoreContext } from "../memory/context.ts";
import { META_BLOCK_BYTES } from "../memory/limits.ts";
import { CoreRegionMap } from "../memory/region-map.ts";
import { Budget, clampAmount, MetaStore } from "./account.ts";

/** What an RM session itself takes of its donation. */
export const RM_COST: Quota = { ram: META_BLOCK_BYTES, caps: 1 };
/** What each map takes besides its regions. */
export const MAP_COST: Quota = { ram: META_BLOCK_BYTES, caps: 1 };

export interface RmOptions {
  readonly label: string;
  readonly donation: Quota;
}

/** A new session. Whoever asks destroys it. @returns "insufficient-*" if the donation does not cover RM_COST */
export function createRm(
  core: CoreContext,
  options: RmOptions,
): Attempt<CoreRm, Extract<SessionRefusal, `insufficient-${string}`>> {
  if (options.donation.ram < RM_COST.ram) return refusal("insufficient-ram-quota");
  if (options.donation.caps < RM_COST.caps) return refusal("insufficient-cap-quota");
  return success(new CoreRm(core, options));
}

export class CoreRm implements RmSession {
  readonly kind = "rm";
  readonly label: string;
  readonly #core: CoreContext;
  readonly #identity: Identity<RmSession>;
  readonly #budget: Budget;
  readonly #meta: MetaStore;
  readonly #maps = new Set<CoreRegionMap>();
  #created = 0;

  /** @internal Use `createRm`. */
  constructor(core: CoreContext, options: RmOptions) {
    this.#core = core;
    this.label = options.label;
    this.#budget = new Budget(options.donation);
    this.#budget.charge(RM_COST);
    this.#meta = new MetaStore(this.#budget);
    this.#identity = core.badges.identify<RmSession>(this);
  }

  get capability(): Capability<RmSession> {
    return this.#identity.capability;
  }

  create(size: number): Attempt<Capability<RegionMap>, OutOf> {
    const charged = this.#budget.charge(MAP_COST);
    if (!charged.ok) return charged;
    const label = `${this.label} map ${++this.#created}`;
    const map = new CoreRegionMap(this.#core, this.#meta, { size: toPages(clampAmount(size)), label });
    this.#maps.add(map);
    return success(map.capability);
  }

  destroy(map: Capability<RegionMap>): void {
    const own = map.object;
    if (!(own instanceof CoreRegionMap) || !this.#maps.delete(own)) {
      this.#core.warn(`${this.label}: destroy of something that is no region map of this session`);
      return;
    }
    own.dispose();
    this.#budget.refund(MAP_COST);
  }

  /** The session was upgraded. */
  upgrade(quota: Quota): void {
    this.#budget.raise(quota);
  }

  /** Ends the session and its maps. Harmless when repeated. */
  dispose(): void {
    for (const map of this.#maps) this.destroy(map.capability);
    this.#identity.dispose();
  }
}
