// The capability table of a component: which slot denotes what (S1-S6).
//
// I1  Slot 0 is the invalid capability and is never given out.
// I2  One capability has one slot, however often it arrives: its references are counted.
// I3  A slot is free again only when the component has released its last reference; the slot of a dead object denotes
//     nothing until then, so no number that the component holds ever comes to mean something else.
import { type Capability, INVALID, type KernelObject, type VisitSlot } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { CapabilityAccess } from "../rpc/index.ts";
import { KERNEL_LIMITS } from "./limits.ts";

/** Who passes capabilities into a table without asking it each time. */
export interface SlotUser {
  /** A slot loses references, or all are looked at (undefined): they are to be what they say. */
  settle(slot: number | undefined): void;
}

export class CapabilityTable implements CapabilityAccess {
  readonly #users = new Set<SlotUser>();
  readonly #capabilities: Capability[] = [INVALID];
  readonly #counts: number[] = [0];
  readonly #slots = new Map<Capability, number>();
  readonly #free: number[] = [];
  readonly #limit: number;
  /** What `slotOf` was asked last, which it is often asked again. */
  #asked: Capability | undefined;
  #answer = 0;

  /** @param limit slots, slot 0 included */
  constructor(limit: number = KERNEL_LIMITS.slots) {
    this.#limit = limit;
  }

  use(user: SlotUser): void {
    this.#users.add(user);
  }

  useEnds(user: SlotUser): void {
    this.#users.delete(user);
  }

  #settle(slot?: number): void {
    for (const user of this.#users) user.settle(slot);
  }

  /** Slots in use. */
  get size(): number {
    return this.#slots.size;
  }

  /** What a slot denotes; INVALID for slots that are not in use. The capability may be dead. */
  lookup(slot: number): Capability {
    return slot > 0 && slot < this.#capabilities.length ? (this.#capabilities[slot] ?? INVALID) : INVALID;
  }

  /** The slot of a capability that the component receives, with one reference more; 0 if it is invalid or no slot is left. */
  insert(capability: Capability): number {
    if (!capability.valid) return 0;
    let slot = this.#slots.get(capability);
    if (slot === undefined) {
      slot = this.#take();
      if (slot === 0) return 0;
      this.#put(slot, capability, 1);
    } else this.#counts[slot]! += 1;
    return slot;
  }

  /** The slot of a capability that the component has; 0 if it has not. */
  slotOf(capability: Capability): number {
    if (capability !== this.#asked) {
      this.#asked = capability;
      this.#answer = this.#slots.get(capability) ?? 0;
    }
    return this.#answer;
  }

  /** The slot of a capability that denotes an object; 0 if there is none. Looks at all slots. */
  slotOfObject(object: KernelObject): number {
    const { length } = this.#capabilities;
    for (let slot = 1; slot < length; slot++) if (this.#capabilities[slot]!.object === object) return slot;
    return 0;
  }

  /** Puts a capability at a slot; if it is there already its count is replaced. */
  install(slot: number, capability: Capability, count: number): Attempt<void, "slot-taken" | "out-of-caps"> {
    if (!Number.isInteger(slot) || slot <= 0 || slot >= this.#limit) return refusal("out-of-caps");
    this.#settle();
    const there = this.lookup(slot);
    const elsewhere = this.#slots.get(capability);
    if (there === INVALID ? elsewhere !== undefined : there !== capability) return refusal("slot-taken");
    if (capability === INVALID || count < 1) return refusal("out-of-caps");
    for (let hole = this.#capabilities.length; hole < slot; hole++) {
      this.#put(hole, INVALID, 0);
      this.#free.push(hole);
    }
    this.#put(slot, capability, count);
    return success(undefined);
  }

  /** One reference more, or so many; unused slots are ignored. */
  retain(slot: number, references = 1): void {
    if (this.lookup(slot) !== INVALID) this.#counts[slot]! += references;
  }

  /** One reference less; at none the slot is free. Unused slots are ignored. */
  release(slot: number): void {
    if (this.#users.size > 0) this.#settle(slot);
    const capability = this.lookup(slot);
    if (capability === INVALID) return;
    const count = (this.#counts[slot]! -= 1);
    if (count > 0) return;
    this.#slots.delete(capability);
    this.#asked = undefined;
    this.#capabilities[slot] = INVALID;
    this.#free.push(slot);
  }

  /** Frees all slots: the table is as a new one. */
  clear(): void {
    this.#settle();
    this.#asked = undefined;
    this.#slots.clear();
    this.#capabilities.length = this.#counts.length = 1;
    this.#free.length = 0;
  }

  /** Slots that are free again, the next one last. Some may be in use. */
  get free(): readonly number[] {
    return this.#free;
  }

  /** The slots that are in use are those that another table had; now free ones come in the order that it said (`free`). */
  freeAs(order: readonly number[]): void {
    const last = order.reduce((most, slot) => (slot > most && slot < this.#limit ? slot : most), 0);
    for (let hole = this.#capabilities.length; hole <= last; hole++) this.#put(hole, INVALID, 0);
    const holes = new Set(this.#capabilities.keys().filter((slot) => slot > 0 && this.#capabilities[slot] === INVALID));
    const known = new Set(order.filter((slot) => holes.has(slot)).reverse()); // the last one counts
    this.#free.length = 0;
    for (const slot of holes) if (!known.has(slot)) this.#free.push(slot);
    for (const slot of [...known].reverse()) this.#free.push(slot);
  }

  /** Visits slots in use, ascending; those of dead objects included. */
  eachSlot(visit: VisitSlot): void {
    this.#settle();
    for (let slot = 1; slot < this.#capabilities.length; slot++) {
      const capability = this.#capabilities[slot]!;
      if (capability !== INVALID) visit(slot, capability, this.#counts[slot]!);
    }
  }

  #put(slot: number, capability: Capability, count: number): void {
    this.#asked = undefined;
    this.#capabilities[slot] = capability;
    this.#counts[slot] = count;
    if (capability !== INVALID) this.#slots.set(capability, slot);
  }

  /** The slot released last, or a new one; 0 if there is none. Slots that `install` has taken since are passed over. */
  #take(): number {
    for (let slot = this.#free.pop(); slot !== undefined; slot = this.#free.pop()) {
      if (this.#capabilities[slot] === INVALID) return slot;
    }
    return this.#capabilities.length < this.#limit ? this.#capabilities.length : 0;
  }
}
