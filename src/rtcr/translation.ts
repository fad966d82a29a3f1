// From the badges of a checkpoint to the capabilities of what stands for those objects now (spec 1.8, phase 1).
import { type Badges, type Capability, INVALID, type KernelObject, type ObjectKind } from "../session/index.ts";

export class Translation {
  readonly #capabilities = new Map<number, Capability>();
  readonly #badges: Badges;
  readonly #promised = new Set<Capability>();

  constructor(badges: Badges) {
    this.#badges = badges;
  }

  /** The object of a recorded badge is this one now; badge 0 is none. */
  add(badge: number, capability: Capability): void {
    if (badge !== 0) this.#capabilities.set(badge, capability);
  }

  /** The object of a recorded badge will be made by the program that serves it. */
  promise(badge: number): void {
    const capability = this.#badges.promise();
    this.#promised.add(capability);
    this.add(badge, capability);
  }

  /** Whether the object is one that is promised and not there yet. */
  promised(badge: number): boolean {
    const capability = this.#capabilities.get(badge);
    return capability !== undefined && this.#promised.has(capability) && !capability.valid;
  }

  /** The restore has ended: what was promised and not made denotes nothing for ever. */
  settle(): void {
    for (const capability of this.#promised) this.#badges.withdraw(capability);
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
