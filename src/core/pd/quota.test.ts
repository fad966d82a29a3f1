// Quota is conserved: over any sequence of creations, allocations, transfers and destructions the sum of what PDs have
// and what was donated for their sessions stays what it was (S10-S14, S40).
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { type Random, seededRandom } from "../../../test/random.ts";
import { type Capability, type KernelObject, PAGE_BYTES, type Quota } from "../../session/index.ts";
import { type CoreContext, createCoreContext } from "../memory/index.ts";
import { type CorePd, createPd, createRootPd, PD_COST } from "./index.ts";

const TOTAL: Quota = { ram: 64 << 20, caps: 5000 };

interface Child {
  readonly pd: CorePd;
  /** Its reference account, once it has one. */
  reference: CorePd | undefined;
  /** What the model says of its objects, by capability. */
  readonly held: Map<Capability<KernelObject>, Quota>;
}

class Tree {
  readonly core: CoreContext = createCoreContext();
  readonly root = createRootPd(this.core, { label: "root", donation: TOTAL });
  readonly random: Random;
  children: Child[] = [];
  refusals = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** The donation goes from the creator along the reference accounts to the root, which is core, and into the session. */
  create(): void {
    const donation = { ram: 16384 + this.random.below(65536), caps: 5 + this.random.below(20) };
    if (!this.pay(this.anyPd(), donation)) return this.refuse();
    const made = createPd(this.core, { label: `pd ${this.children.length}`, donation });
    if (!made.ok) {
      equal(made.reason, "insufficient-cap-quota");
      this.root.budget.raise(donation);
      return this.refuse();
    }
    const reference = this.random.below(8) > 0 ? this.anyPd() : undefined;
    this.children.push({ pd: made.value, reference, held: new Map() });
    if (reference) ok(made.value.refAccount(reference.capability).ok);
  }

  /** Brings quota to the root and takes it out of there. */
  pay(from: CorePd, quota: Quota): boolean {
    let at = from;
    for (let child = this.childOf(at); child; child = this.childOf(at)) {
      const to = child.reference!.capability;
      if (!at.transferRamQuota(to, quota.ram).ok) return false;
      if (!at.transferCapQuota(to, quota.caps).ok) return false;
      at = child.reference!;
    }
    if (!this.root.budget.ram.lower(quota.ram)) return false;
    if (this.root.budget.caps.lower(quota.caps)) return true;
    this.root.budget.ram.raise(quota.ram);
    return false;
  }

  childOf(pd: CorePd): Child | undefined {
    return this.children.find((child) => child.pd === pd);
  }

  anyPd(): CorePd {
    const withAccounts = this.children.filter(({ pd }) => pd.capQuota() > 0);
    return this.random.below(4) === 0 || withAccounts.length === 0 ? this.root : this.random.pick(withAccounts).pd;
  }

  step(): void {
    const kind = this.random.below(12);
    if (kind < 2 || this.children.length === 0) return this.create();
    const child = this.random.pick(this.children);
    if (kind < 5) this.transfer(child.pd);
    else if (kind < 8) this.allocate(child);
    else if (kind < 10) this.free(child);
    else if (kind === 10) this.transfer(this.root);
    else if (this.random.below(3) === 0) this.destroy(child);
  }

  transfer(from: CorePd): void {
    const to = this.random.below(6) === 0 ? from : this.anyPd();
    const before = [from, to].map((pd) => ({ ram: pd.ramQuota(), caps: pd.capQuota() }));
    const ram = this.random.below(2) === 0;
    const amount = this.random.below(ram ? 1 << 20 : 50) - 5;
    const result = ram ? from.transferRamQuota(to.capability, amount) : from.transferCapQuota(to.capability, amount);
    const moved = result.ok && to !== from ? Math.max(0, amount) : 0;
    if (!result.ok) this.refuse();
    equal(from.ramQuota(), before[0]!.ram - (ram ? moved : 0));
    equal(to.capQuota(), before[1]!.caps + (ram ? 0 : moved));
  }

  allocate({ pd, held }: Child): void {
    const size = 1 + this.random.below(1 << 18);
    const kind = this.random.below(3);
    const made = kind === 0 ? pd.allocRpcCap(this.root.nativePd() as never) : pd.alloc(size);
    if (!made.ok) return this.refuse();
    const ram = kind === 0 ? 0 : Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
    held.set(made.value, { ram, caps: 1 });
  }

  free({ pd, held }: Child): void {
    const [one] = held.keys();
    if (!one) return;
    held.delete(one);
    pd.free(one as never);
    pd.freeRpcCap(one as never);
  }

  destroy(child: Child): void {
    this.children = this.children.filter((one) => one !== child);
    for (const member of this.children) if (member.reference === child.pd) member.reference = child.reference;
    this.root.budget.raise(child.pd.destroy());
  }

  refuse(): void {
    this.refusals++;
  }

  check(): void {
    const sum = { ram: this.root.budget.ram.limit, caps: this.root.budget.caps.limit };
    for (const { pd, held } of this.children) {
      sum.ram += pd.budget.ram.limit;
      sum.caps += pd.budget.caps.limit;
      let caps = PD_COST.caps;
      let ram = PD_COST.ram;
      let objects = 0;
      for (const one of held.values()) {
        caps += one.caps;
        ram += one.ram;
        if (one.ram === 0) objects++;
      }
      equal(pd.budget.caps.used, caps);
      equal(pd.budget.ram.used, ram + Math.ceil(objects / 64) * 4096);
      ok(pd.budget.ram.avail >= 0 && pd.budget.caps.avail >= 0);
    }
    equal(sum.ram, TOTAL.ram);
    equal(sum.caps, TOTAL.caps);
  }
}

test("S10, S11, S13, S40: the sum of all quotas is constant over random sequences", () => {
  let refusals = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const tree = new Tree(seed);
    for (let step = 0; step < 300; step++) {
      tree.step();
      tree.check();
    }
    for (const child of [...tree.children]) tree.destroy(child);
    tree.check();
    equal(tree.root.budget.ram.used + tree.root.budget.caps.used, 0);
    equal(tree.root.budget.ram.limit, TOTAL.ram);
    refusals += tree.refusals;
  }
  ok(refusals > 1000, `${refusals} refusals were met`);
});
