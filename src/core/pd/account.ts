// Accounts: what a PD may use of RAM and capabilities, and how quota moves between PDs (spec 2.0, 2.1).
//
// I1  0 <= used <= limit for each resource.
// I2  The sum of all limits changes by donation and upgrade of sessions only: a transfer moves, closing an account gives
//     everything above its initial limit to its reference account.
// I3  Quota moves along the reference relation only, either way.
import type { OutOf, Quota } from "../../session/index.ts";
import { type Attempt, assert, refusal, success } from "../../util/index.ts";
import { META_BLOCK_BYTES, META_PER_BLOCK } from "../memory/limits.ts";

export type Resource = keyof Quota;
const OUT_OF = { ram: "out-of-ram", caps: "out-of-caps" } as const;

/** An amount as quota arithmetic takes it: whole, not negative, at most 2^53 - 1. */
export function clampAmount(amount: number): number {
  if (!(amount > 0)) return 0;
  return Math.min(Math.floor(amount), Number.MAX_SAFE_INTEGER);
}

/** One resource: how much of a limit is used. Amounts are clamped. */
export class Guard {
  #limit = 0;
  #used = 0;

  constructor(limit = 0) {
    this.#limit = clampAmount(limit);
  }

  get limit(): number {
    return this.#limit;
  }

  get used(): number {
    return this.#used;
  }

  get avail(): number {
    return this.#limit - this.#used;
  }

  /** @returns false, and nothing is used, if less is available */
  withdraw(amount: number): boolean {
    const wanted = clampAmount(amount);
    if (wanted > this.avail) return false;
    this.#used += wanted;
    return true;
  }

  /** Gives back what was withdrawn. */
  replenish(amount: number): void {
    assert(amount >= 0 && amount <= this.#used, `${amount} given back are at most the ${this.#used} in use`);
    this.#used -= amount;
  }

  raise(amount: number): void {
    this.#limit = clampAmount(this.#limit + clampAmount(amount));
  }

  /** @returns false, and the limit stays, if less is available */
  lower(amount: number): boolean {
    if (amount > this.avail) return false;
    this.#limit -= amount;
    return true;
  }
}

/** RAM and capabilities of one owner. */
export class Budget {
  readonly ram: Guard;
  readonly caps: Guard;

  constructor(quota: Quota) {
    this.ram = new Guard(quota.ram);
    this.caps = new Guard(quota.caps);
  }

  /** Withdraws RAM, then capabilities; all or nothing. */
  charge(quota: Quota): Attempt<void, OutOf> {
    if (!this.ram.withdraw(quota.ram)) return refusal("out-of-ram");
    if (this.caps.withdraw(quota.caps)) return success(undefined);
    this.ram.replenish(quota.ram);
    return refusal("out-of-caps");
  }

  refund(quota: Quota): void {
    this.ram.replenish(quota.ram);
    this.caps.replenish(quota.caps);
  }

  raise(quota: Quota): void {
    this.ram.raise(quota.ram);
    this.caps.raise(quota.caps);
  }
}

/** Charges for the data of small objects, a block of RAM at a time; which object is in which block does not matter. */
export class MetaStore {
  readonly #budget: Budget;
  #objects = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** @returns false if another block is needed and there is no RAM for it */
  take(): boolean {
    if (this.#objects % META_PER_BLOCK === 0 && !this.#budget.ram.withdraw(META_BLOCK_BYTES)) return false;
    this.#objects++;
    return true;
  }

  give(): void {
    assert(this.#objects > 0, "an object is given back that was charged for");
    this.#objects--;
    if (this.#objects % META_PER_BLOCK === 0) this.#budget.ram.replenish(META_BLOCK_BYTES);
  }
}

/** A PD's account, once it has a reference account or is the root of all. */
export class Account {
  readonly budget: Budget;
  readonly #initial: { ram: number; caps: number };
  readonly #members = new Set<Account>();
  #reference: Account | undefined;

  /** @param initial the part of `budget` that was donated for the session; it can never be transferred away */
  constructor(budget: Budget, initial: Quota, reference?: Account) {
    this.budget = budget;
    this.#initial = { ...initial };
    this.#reference = reference;
    if (reference) reference.#members.add(this);
  }

  get reference(): Account | undefined {
    return this.#reference;
  }

  /** What could be transferred now. */
  transferable(resource: Resource): number {
    const guard = this.budget[resource];
    return Math.max(0, Math.min(guard.avail, guard.limit - this.#initial[resource]));
  }

  /** Moves quota. @returns what was wrong; nothing has moved then */
  transfer<R extends Resource>(
    resource: R,
    to: Account,
    amount: number,
  ): Attempt<void, "invalid-session" | (typeof OUT_OF)[R]> {
    if (to !== this.#reference && to.#reference !== this) return refusal("invalid-session");
    const moved = clampAmount(amount);
    if (moved > this.transferable(resource)) return refusal(OUT_OF[resource]);
    assert(this.budget[resource].lower(moved), "what is transferable is available");
    to.budget[resource].raise(moved);
    return success(undefined);
  }

  /** A further donation for the session: not transferable either. */
  donate(quota: Quota): void {
    this.budget.raise(quota);
    this.#initial.ram = clampAmount(this.#initial.ram + clampAmount(quota.ram));
    this.#initial.caps = clampAmount(this.#initial.caps + clampAmount(quota.caps));
  }

  /**
   * Ends the account: what could be transferred goes to the reference account, members get that one as theirs. The owner
   * must have given back all that it used beyond the initial quota; what the root of all has stays with it.
   */
  close(): void {
    const reference = this.#reference;
    for (const member of this.#members) {
      member.#reference = reference;
      if (reference) reference.#members.add(member);
    }
    this.#members.clear();
    if (!reference) return;
    reference.#members.delete(this);
    for (const resource of ["ram", "caps"] as const) {
      const rest = this.transferable(resource);
      assert(this.budget[resource].lower(rest), "what is transferable is available");
      reference.budget[resource].raise(rest);
    }
    this.#reference = undefined;
  }
}
