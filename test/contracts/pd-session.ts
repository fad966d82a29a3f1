// What every PD session must do, core's and any interposer's: only the contracts of session/ are used here, so that the
// same results through an interposer show that a component cannot tell it from core (S4-S5, S7-S14, S22, S31-S33).
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Capability,
  type CpuThread,
  contentOf,
  INVALID,
  PAGE_BYTES,
  type PdSession,
} from "../../src/session/index.ts";

/** PDs for one test; everything belongs to the test alone. */
export interface PdFixture {
  /** With `creator` as reference account, at least 1 MiB and 200 capabilities of it transferred, and room for more. */
  readonly pd: Capability<PdSession>;
  /** Has an account with at least 16 MiB and 2000 capabilities. */
  readonly creator: Capability<PdSession>;
  /** A further PD, without account. */
  another(): Capability<PdSession>;
  /** Ends a PD that `another` gave or the one under test, as closing its session does. */
  destroy(pd: Capability<PdSession>): void;
  /** What an RPC object names; INVALID if there are no threads. */
  readonly entrypoint?: Capability<CpuThread>;
}

function value<T>(
  attempt: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string },
): T {
  if (!attempt.ok) throw new Error(`refused: ${attempt.reason}`);
  return attempt.value;
}

const refused = (reason: string) => ({ ok: false, reason });

/** A PD's numbers, for comparing before and after. */
function numbers(pd: PdSession) {
  return { ram: pd.ramQuota(), usedRam: pd.usedRam(), caps: pd.capQuota(), usedCaps: pd.usedCaps() };
}

export function pdSessionSuite(name: string, make: () => PdFixture): void {
  describe(`PD session: ${name}`, () => {
    dataspaces(make);
    accounts(make);
    transfers(make);
    signals(make);
    maps(make);
  });
}

function open(make: () => PdFixture) {
  const fixture = make();
  return { ...fixture, pd: fixture.pd.object!, self: fixture.pd, creatorPd: fixture.creator.object! };
}

function dataspaces(make: () => PdFixture): void {
  test("S8: alloc rounds to pages, fills with zeros, charges RAM and one capability; free refunds", () => {
    const { pd } = open(make);
    const before = numbers(pd);
    const dataspace = value(pd.alloc(5000));
    equal(pd.dataspaceSize(dataspace), 2 * PAGE_BYTES);
    equal(dataspace.object!.size(), 2 * PAGE_BYTES);
    equal(dataspace.object!.writable(), true);
    equal(dataspace.object!.origin, "ram");
    ok(contentOf(dataspace.object!).every((byte) => byte === 0));
    deepEqual(numbers(pd), { ...before, usedRam: before.usedRam + 2 * PAGE_BYTES, usedCaps: before.usedCaps + 1 });
    pd.free(dataspace);
    deepEqual(numbers(pd), before);
  });

  test("S8: memory that comes back from another dataspace is zero", () => {
    const { pd } = open(make);
    const first = value(pd.alloc(PAGE_BYTES));
    first.object!.write(0, new Uint8Array(PAGE_BYTES).fill(0xaa));
    pd.free(first);
    const second = value(pd.alloc(PAGE_BYTES));
    ok(contentOf(second.object!).every((byte) => byte === 0));
  });

  test("S8: size 0 gives an invalid capability, no error and no charge", () => {
    const { pd } = open(make);
    const before = numbers(pd);
    equal(value(pd.alloc(0)).valid, false);
    deepEqual(numbers(pd), before);
  });

  test("S8: the rounded size and one page of data must be available; a refusal changes nothing", () => {
    const { pd } = open(make);
    const before = numbers(pd);
    const left = Math.floor((before.ram - before.usedRam) / PAGE_BYTES) * PAGE_BYTES;
    deepEqual(pd.alloc(left + 1), refused("out-of-ram"));
    deepEqual(pd.alloc(left - PAGE_BYTES + 1), refused("out-of-ram"));
    deepEqual(pd.alloc(2 ** 40), refused("out-of-ram"));
    deepEqual(numbers(pd), before);
    pd.free(value(pd.alloc(left - PAGE_BYTES)));
    deepEqual(numbers(pd), before);
  });

  test("S8: RAM is checked before capabilities; without capabilities alloc is refused and changes nothing", () => {
    const { pd, creator } = open(make);
    equal(pd.transferCapQuota(creator, pd.capQuota()).ok, false);
    const held = [];
    while (pd.capQuota() > pd.usedCaps()) held.push(value(pd.allocSignalSource()));
    const before = numbers(pd);
    deepEqual(pd.alloc(PAGE_BYTES), refused("out-of-caps"));
    deepEqual(pd.alloc(2 ** 40), refused("out-of-ram"));
    deepEqual(numbers(pd), before);
    for (const source of held) pd.freeSignalSource(source);
  });

  test("S4, S9: free ends the dataspace everywhere and detaches it from every map", () => {
    const { pd } = open(make);
    const dataspace = value(pd.alloc(PAGE_BYTES));
    const linker = pd.linkerArea().object!;
    const before = numbers(pd);
    const at = value(linker.attach(dataspace));
    dataspace.object!.write(0, Uint8Array.of(7));
    const seen = Uint8Array.of(0);
    linker.dataspace().object!.read(at, seen);
    equal(seen[0], 7);
    pd.free(dataspace);
    equal(dataspace.valid, false);
    equal(pd.dataspaceSize(dataspace), 0);
    linker.dataspace().object!.read(at, seen);
    equal(seen[0], 0);
    deepEqual(linker.attach(dataspace), refused("invalid-dataspace"));
    equal(pd.usedCaps(), before.usedCaps - 1);
    ok(pd.usedRam() < before.usedRam);
  });

  test("S9: freeing what is foreign, unknown, invalid or freed already has no effect", () => {
    const { pd, creatorPd } = open(make);
    const foreign = value(creatorPd.alloc(PAGE_BYTES));
    const own = value(pd.alloc(PAGE_BYTES));
    pd.free(own);
    const before = numbers(pd);
    for (const capability of [foreign, INVALID, own]) {
      pd.free(capability);
      equal(pd.dataspaceSize(capability), 0);
    }
    equal(foreign.valid, true);
    deepEqual(numbers(pd), before);
    creatorPd.free(foreign);
  });

  test("S5: a stale capability never reaches an object that has its number", () => {
    const { pd } = open(make);
    const stale = value(pd.alloc(PAGE_BYTES));
    pd.free(stale);
    const fresh = [];
    for (let i = 0; i < 50; i++) fresh.push(value(pd.alloc(PAGE_BYTES)));
    pd.free(stale);
    equal(stale.object, undefined);
    ok(fresh.every((one) => one.valid && pd.dataspaceSize(one) === PAGE_BYTES));
    for (const one of fresh) pd.free(one);
  });

  test("S7: what has no effect here says so, and the smaller functions give what they must", () => {
    const { pd } = open(make);
    equal(pd.assignPci(0x1000, 3), false);
    deepEqual(pd.map(0, 2 ** 20), { ok: true, value: undefined });
    equal(pd.nativePd(), pd.nativePd());
    const cached = value(pd.alloc(PAGE_BYTES, "uncached"));
    notEqual(cached.object!.physAddr(), value(pd.alloc(PAGE_BYTES)).object!.physAddr());
  });
}

function accounts(make: () => PdFixture): void {
  test("S10: sources, contexts, RPC objects and dataspaces cost one capability each, and give it back", () => {
    const { pd, entrypoint } = open(make);
    const before = numbers(pd);
    const source = value(pd.allocSignalSource());
    const context = value(pd.allocContext(source, 1));
    const object = value(pd.allocRpcCap(entrypoint ?? INVALID));
    const dataspace = value(pd.alloc(1));
    equal(pd.usedCaps(), before.usedCaps + 4);
    pd.freeContext(context);
    pd.freeRpcCap(object);
    pd.free(dataspace);
    pd.freeSignalSource(source);
    deepEqual(numbers(pd), before);
    ok([context, object, dataspace].every((capability) => !capability.valid));
  });

  test("S10: freeing twice, or something else, refunds nothing", () => {
    const { pd } = open(make);
    const source = value(pd.allocSignalSource());
    const context = value(pd.allocContext(source, 1));
    const object = value(pd.allocRpcCap(INVALID));
    const before = numbers(pd);
    pd.freeContext(INVALID);
    pd.freeRpcCap(INVALID);
    pd.freeSignalSource(INVALID);
    deepEqual(numbers(pd), before);
    pd.freeContext(context);
    pd.freeRpcCap(object);
    pd.freeSignalSource(source);
    const after = numbers(pd);
    pd.freeContext(context);
    pd.freeRpcCap(object);
    pd.freeSignalSource(source);
    deepEqual(numbers(pd), after);
  });

  test("S10: when capabilities are used up, everything that costs one is refused", () => {
    const { pd } = open(make);
    const source = value(pd.allocSignalSource());
    while (pd.usedCaps() < pd.capQuota()) value(pd.allocContext(source, 0));
    deepEqual(pd.allocContext(source, 1), refused("out-of-caps"));
    deepEqual(pd.allocContext(INVALID, 1), refused("out-of-caps"));
    deepEqual(pd.allocSignalSource(), refused("out-of-caps"));
    deepEqual(pd.allocRpcCap(INVALID), refused("out-of-caps"));
    equal(pd.usedCaps(), pd.capQuota());
  });

  test("S14: a PD that leaks everything it has leaves its creator as it was", () => {
    const { pd, creatorPd, destroy, self } = open(make);
    const before = numbers(creatorPd);
    while (pd.alloc(4 * PAGE_BYTES).ok);
    while (pd.alloc(1).ok);
    while (pd.allocRpcCap(INVALID).ok);
    deepEqual(numbers(creatorPd), before);
    const transferred = pd.ramQuota();
    destroy(self);
    ok(creatorPd.ramQuota() > before.ram && creatorPd.ramQuota() < before.ram + transferred);
  });
}

function transfers(make: () => PdFixture): void {
  test("S11: a transfer to the reference account and back moves exactly the amount", () => {
    const { pd, self, creator, creatorPd } = open(make);
    const [before, creatorBefore] = [numbers(pd), numbers(creatorPd)];
    value(pd.transferRamQuota(creator, 12_345));
    value(pd.transferCapQuota(creator, 3));
    equal(pd.ramQuota(), before.ram - 12_345);
    equal(creatorPd.ramQuota(), creatorBefore.ram + 12_345);
    equal(creatorPd.capQuota(), creatorBefore.caps + 3);
    value(creatorPd.transferRamQuota(self, 12_345));
    value(creatorPd.transferCapQuota(self, 3));
    deepEqual([numbers(pd), numbers(creatorPd)], [before, creatorBefore]);
  });

  test("S11: to itself nothing happens; to dead, invalid and unrelated sessions nothing moves", () => {
    const { pd, self, creator, another, destroy } = open(make);
    const sibling = another();
    value(sibling.object!.refAccount(creator));
    const orphan = another();
    const dead = another();
    value(dead.object!.refAccount(creator));
    destroy(dead);
    const before = numbers(pd);
    value(pd.transferRamQuota(self, 2 ** 50));
    value(pd.transferCapQuota(self, 2 ** 50));
    for (const target of [sibling, orphan, dead, INVALID]) {
      deepEqual(pd.transferRamQuota(target, 1), refused("invalid-session"));
      deepEqual(pd.transferCapQuota(target, 1), refused("invalid-session"));
    }
    deepEqual(numbers(pd), before);
  });

  test("S11: the donation of the session, and what is in use, cannot be transferred", () => {
    const { pd, self, creator, creatorPd, another } = open(make);
    const fresh = another().object!;
    value(fresh.refAccount(creator));
    ok(fresh.ramQuota() > 0 && fresh.capQuota() > 0);
    deepEqual(fresh.transferRamQuota(creator, 1), refused("out-of-ram"));
    deepEqual(fresh.transferCapQuota(creator, 1), refused("out-of-caps"));
    deepEqual(pd.transferRamQuota(creator, 2 ** 50), refused("out-of-ram"));
    const total = pd.ramQuota() + creatorPd.ramQuota();
    const own = value(pd.alloc(pd.ramQuota() - pd.usedRam() - 2 * PAGE_BYTES));
    deepEqual(pd.transferRamQuota(creator, 3 * PAGE_BYTES), refused("out-of-ram"));
    deepEqual(creatorPd.transferRamQuota(self, 2 ** 50), refused("out-of-ram"));
    equal(pd.ramQuota() + creatorPd.ramQuota(), total);
    pd.free(own);
  });

  test("S12: before there is an account numbers are 0 and alloc and transfers are refused", () => {
    const { creator, another } = open(make);
    const pd = another().object!;
    deepEqual(numbers(pd), { ram: 0, usedRam: 0, caps: 0, usedCaps: 0 });
    deepEqual(pd.alloc(1), refused("undefined-ref-account"));
    deepEqual(pd.transferRamQuota(creator, 1), refused("undefined-ref-account"));
    deepEqual(pd.transferCapQuota(creator, 1), refused("undefined-ref-account"));
  });

  test("S12: the reference account is set once; itself is ignored, one without account is refused", () => {
    const { creator, self, another } = open(make);
    const capability = another();
    const pd = capability.object!;
    value(pd.refAccount(capability));
    deepEqual(pd.refAccount(another()), refused("invalid-session"));
    deepEqual(pd.refAccount(INVALID), refused("invalid-session"));
    equal(pd.ramQuota(), 0);
    value(pd.refAccount(creator));
    value(pd.refAccount(self));
    value(pd.refAccount(INVALID));
    deepEqual(self.object!.transferRamQuota(capability, 1), refused("invalid-session"));
    value(creator.object!.transferRamQuota(capability, 4096));
  });

  test("S13: destroying a PD returns its quota to the reference account and gives that its members", () => {
    const { pd, self, creator, creatorPd, another, destroy } = open(make);
    const member = another();
    value(member.object!.refAccount(self));
    value(pd.transferRamQuota(member, 8192));
    const rest = numbers(pd);
    const before = creatorPd.ramQuota();
    value(pd.alloc(PAGE_BYTES));
    destroy(self);
    equal(self.valid, false);
    ok(creatorPd.ramQuota() > before && creatorPd.ramQuota() < before + rest.ram);
    const taken = creatorPd.ramQuota();
    value(member.object!.transferRamQuota(creator, 8192));
    equal(creatorPd.ramQuota(), taken + 8192);
  });

  test("S13: all objects of a PD die with it", () => {
    const { pd, self, destroy } = open(make);
    const source = value(pd.allocSignalSource());
    const objects = [source, value(pd.allocContext(source, 1)), value(pd.allocRpcCap(INVALID)), value(pd.alloc(1))];
    const maps = [pd.addressSpace(), pd.stackArea(), pd.linkerArea()];
    destroy(self);
    ok([...objects, ...maps, self].every((capability) => !capability.valid));
  });
}

function signals(make: () => PdFixture): void {
  test("S33: there is one source, handed out with every call; it lives until it was freed as often", () => {
    const { pd } = open(make);
    const first = value(pd.allocSignalSource());
    const second = value(pd.allocSignalSource());
    equal(first, second);
    pd.freeSignalSource(first);
    equal(first.valid, true);
    pd.freeSignalSource(first);
    equal(first.valid, false);
    equal(value(pd.allocSignalSource()).valid, true);
  });

  test("S7: a context needs a source of this PD", () => {
    const { pd, creatorPd } = open(make);
    const foreign = value(creatorPd.allocSignalSource());
    const before = numbers(pd);
    deepEqual(pd.allocContext(foreign, 1), refused("invalid-signal-source"));
    deepEqual(pd.allocContext(INVALID, 1), refused("invalid-signal-source"));
    deepEqual(numbers(pd), before);
    creatorPd.freeSignalSource(foreign);
  });

  test("S31: submissions merge and are counted, in the order in which contexts became pending", () => {
    const { pd, creatorPd } = open(make);
    const source = value(pd.allocSignalSource());
    const [a, b] = [value(pd.allocContext(source, 0xffff_fffe)), value(pd.allocContext(source, 7))];
    pd.submit(b);
    creatorPd.submit(a, 3);
    pd.submit(b, 2);
    a.object!.submit(1);
    deepEqual(source.object!.take(), { imprint: 7, count: 3 });
    deepEqual(source.object!.take(), { imprint: 0xffff_fffe, count: 4 });
    equal(source.object!.take(), undefined);
  });

  test("S31: the listener is told once until the queue was emptied", () => {
    const { pd } = open(make);
    const source = value(pd.allocSignalSource());
    const context = value(pd.allocContext(source, 1));
    let told = 0;
    source.object!.listen(() => told++);
    for (let i = 0; i < 5; i++) pd.submit(context);
    equal(told, 1);
    source.object!.take();
    pd.submit(context);
    equal(told, 2);
  });

  test("S32: freeing a context drops what is pending; submitting to it, or to nothing, has no effect", () => {
    const { pd } = open(make);
    const source = value(pd.allocSignalSource());
    const [a, b] = [value(pd.allocContext(source, 1)), value(pd.allocContext(source, 2))];
    pd.submit(a);
    pd.submit(b);
    pd.freeContext(a);
    pd.submit(a);
    pd.submit(INVALID);
    deepEqual(source.object!.take(), { imprint: 2, count: 1 });
    equal(source.object!.take(), undefined);
  });

  test("S10: an RPC object names its entrypoint; without threads calls fail as those of dead objects do", async () => {
    const { pd, entrypoint } = open(make);
    const object = value(pd.allocRpcCap(entrypoint ?? INVALID));
    equal(object.object!.entrypoint, entrypoint ?? INVALID);
    const kept = object.object!;
    pd.freeRpcCap(object);
    equal(await kept.call(0, { bytes: new Uint8Array(), capabilities: [] }), "invalid-object");
  });
}

function maps(make: () => PdFixture): void {
  test("S22: three region maps, the same for the PD's life, of the sizes of the platform", () => {
    const { pd } = open(make);
    equal(pd.addressSpace(), pd.addressSpace());
    equal(pd.stackArea(), pd.stackArea());
    equal(pd.linkerArea(), pd.linkerArea());
    equal(new Set([pd.addressSpace(), pd.stackArea(), pd.linkerArea()]).size, 3);
    equal(pd.addressSpace().object!.size(), 2 ** 32);
    equal(pd.stackArea().object!.size(), 256 << 20);
    equal(pd.linkerArea().object!.size(), 160 << 20);
  });
}
