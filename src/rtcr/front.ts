// How an interposer stands in front of an object of a service.
import { type Capability, type Identity, type KernelObject, objectOf } from "../session/index.ts";
import { required } from "../util/index.ts";
import type { ChildContext } from "./tracked.ts";

/** How an interposer stands in front of one object of a service: by a capability of its own, which it looks up there. */
export class Front<T extends KernelObject> {
  readonly capability: Capability<T>;
  readonly real: Capability<T>;
  readonly #context: ChildContext;
  readonly #identity: Identity<T>;
  readonly #kind: T["kind"];
  /** What `real` denotes, once it was seen to be of the right kind. */
  #known: T | undefined;

  constructor(context: ChildContext, self: T, real: Capability<T>) {
    this.#context = context;
    this.real = real;
    this.#kind = self.kind;
    this.#identity = context.identify(self, real);
    this.capability = this.#identity.capability;
    context.fronts.add(this.capability, real);
  }

  /** As `requireObject`, of `real`. */
  get object(): T {
    const { object } = this.real;
    if (object !== undefined && object === this.#known) return object;
    return (this.#known = requireObject<T>(this.real, this.#kind));
  }

  /** Ends the capability, as the death of the object behind does; that is the parent's to end. */
  dispose(): void {
    this.#context.fronts.remove(this.capability);
    this.#identity.dispose();
  }
}

/**
 * The object of the service that an interposer stands in front of: it is there as long as the interposer can be called,
 * because capabilities of interposers die with what is behind them.
 */
export function requireObject<T extends KernelObject>(capability: Capability, kind: T["kind"]): T {
  return objectOf<T>(capability, kind) ?? required<T>(undefined, `the ${kind} behind an interposer`);
}
