// From the badges of a checkpoint to the capabilities of what stands for those objects now (spec 1.8, phase 1).
import { type Badges, type Capability, INVALID, type KernelObject, type ObjectKind } from "../session/index.ts";

export class Translation {
  readonly #capabilities = new Map<number, Capability>();
  readonly #badges: Badges;

  constructor(badges: Badges) {
    this.#badges = badges;
  }

  /** The object of a recorded badge is this one now; badge 0 is none. */
  add(badge: number, capability: Capability): void {
    if (badge !== 0) this.#capabilities.set(badge, capability);
  }

  /** INVALID for 0 and for objects that nobody has recreated. */
  get<T extends KernelObject = KernelObject>(badge: number): Capability<T> {
    return (this.#capabilities.get(badge) as Capability<T> | undefined) ?? INVALID;
  }

  has(badge: number): boolean {
    return this.#capabilities.has(badge);
  }

  /** As `get`, but for lost objects a capability that is dead already: a slot that holds it stays taken. */
  orDead(badge: number, kind: ObjectKind = "rpc-object"): Capability {
    const found = this.#capabilities.get(badge);
    if (found) return found;
    const identity = this.#badges.identify({ kind });
    identity.dispose();
    this.add(badge, identity.capability);
    return identity.capability;
  }
}
