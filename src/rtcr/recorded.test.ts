// What RTCR records of a child is what core has of it, whatever the child has called (S68, S69, S72, S73): random calls on
// interposers, and every few calls the records beside core's own view of each object.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../test/contracts/bytes-dataspace.ts";
import { type Random, seededRandom } from "../../test/random.ts";
import { main } from "../../test/support/guest-code.ts";
import { TestSystem } from "../../test/support/kernel-system.ts";
import type { AttachedRegionInfo, RegionMapInfo } from "../checkpoint/index.ts";
import {
  type CorePd,
  type CoreRegionMap,
  CoreTimer,
  createCoreContext,
  createPd,
  createRm,
  createRootPd,
  VirtualClock,
} from "../core/index.ts";
import {
  type Capability,
  type CpuThread,
  type Dataspace,
  DONATION,
  INVALID,
  MIN_PERIOD_US,
  type RegionMap,
  type SignalContext,
  type SignalSource,
  type TimerSession,
} from "../session/index.ts";
import { Attachment, Attachments } from "./attachments.ts";
import { DirectCopier } from "./copier.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrPd } from "./pd.ts";
import type { TrackedDataspace } from "./pd-objects.ts";
import type { Read } from "./record-reader.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordWriter } from "./record-writer.ts";
import { READ } from "./records.ts";
import { RtcrRm } from "./rm.ts";
import { RtcrTimer, ringOrder } from "./timer.ts";
import { ChildContext, ofTracked } from "./tracked.ts";

const PAGE = 4096;
const SEQUENCES = 120;
const CALLS = 60;

const ARENA = new Uint8Array(1 << 20);

/** What `write` records. */
function recorded<T>(read: Read<T>, write: (records: RecordWriter) => void): T {
  const records = new RecordWriter(ARENA, new DirectCopier(ARENA));
  write(records);
  return read(new RecordReader(ARENA.subarray(0, records.neededBytes)));
}

const pages = (count: number) => count * PAGE;

/** A PD and an RM session of a child, the sessions of core behind them, and what the child holds. */
class Objects {
  readonly core = createCoreContext({ warn: () => {} });
  readonly real: CorePd;
  readonly pd: RtcrPd;
  readonly rm: RtcrRm;
  readonly dataspaces: Capability<Dataspace>[] = [INVALID];
  readonly sources: Capability<SignalSource>[] = [INVALID];
  readonly contexts: Capability<SignalContext>[] = [INVALID];
  readonly maps: Capability<RegionMap>[];
  /** In the order of attachment, by the map. */
  readonly attached = new Map<
    Capability<RegionMap>,
    { readonly dataspace: Capability<Dataspace>; readonly at: number }[]
  >();
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const context = new ChildContext(this.core.badges);
    const root = createRootPd(this.core, { label: "core", donation: { ram: 2 ** 30, caps: 10_000 } });
    const made = createPd(this.core, { label: "child", donation: DONATION.PD });
    const rm = createRm(this.core, { label: "rm", donation: { ram: 1 << 20, caps: 100 } });
    ok(made.ok && rm.ok);
    this.real = made.value;
    ok(this.real.refAccount(root.capability).ok);
    ok(root.transferRamQuota(this.real.capability, 1 << 20).ok && root.transferCapQuota(this.real.capability, 200).ok);
    this.pd = new RtcrPd(context, { id: 1, args: "", real: this.real.capability });
    this.rm = new RtcrRm(context, { id: 2, args: "", real: rm.value.capability });
    this.maps = [this.pd.addressSpace(), this.pd.stackArea(), this.pd.linkerArea()];
  }

  call(): void {
    const calls = [this.#alloc, this.#free, this.#attach, this.#attach, this.#detach, this.#signals, this.#ownMaps];
    this.#random.pick(calls).call(this);
  }

  #alloc(): void {
    const made = this.pd.alloc(pages(1 + this.#random.below(5)));
    if (made.ok) this.dataspaces.push(made.value);
  }

  #free(): void {
    this.pd.free(this.#random.pick(this.dataspaces));
  }

  /** In few pages, so that attachments meet what was there before. */
  #attach(): void {
    const map = this.#random.pick(this.maps);
    const dataspace = this.#random.pick([
      ...this.dataspaces.slice(-6),
      ...this.maps.slice(3).map((each) => each.object?.dataspace() ?? INVALID),
    ]);
    const placed = this.#random.below(4) > 0 ? { address: pages(256 + this.#random.below(12)) } : {};
    const part = this.#random.below(3) === 0 ? { offset: PAGE, size: PAGE + this.#random.below(2) } : {};
    const made = map.object?.attach(dataspace, { ...placed, ...part });
    if (!made?.ok) return;
    const list = this.attached.get(map) ?? [];
    this.attached.set(map, [...list.filter(({ at }) => at !== made.value), { dataspace, at: made.value }]);
  }

  #detach(): void {
    this.#random.pick(this.maps).object?.detach(pages(254 + this.#random.below(20)) + this.#random.below(2));
  }

  #ownMaps(): void {
    if (this.#random.below(3) === 0) return this.rm.destroy(this.#random.pick([...this.maps.slice(3), INVALID]));
    const created = this.rm.create(pages(512));
    if (created.ok) this.maps.push(created.value);
  }

  #signals(): void {
    const { pd } = this;
    const source = this.#random.pick(this.sources);
    switch (this.#random.below(6)) {
      case 0: {
        const made = pd.allocSignalSource();
        if (made.ok) this.sources.push(made.value);
        return;
      }
      case 1:
        if (this.#random.below(4) === 0) pd.freeSignalSource(source);
        return;
      case 2:
        return pd.freeContext(this.#random.pick(this.contexts));
      case 3:
        return pd.submit(this.#random.pick(this.contexts), 1 + this.#random.below(3));
      case 4:
        source.object?.take();
        return;
      default: {
        const made = pd.allocContext(source, this.#random.below(100));
        if (made.ok) this.contexts.push(made.value);
      }
    }
  }

  /** @returns how many attachments there are */
  compare(): number {
    const info = recorded(READ.pd, (records) => this.pd.checkpoint(records));
    const ram = recorded(READ.ram, (records) => {
      this.pd.dataspaces.checkpoint(
        records,
        ofTracked<TrackedDataspace>((to, each) => each.checkpoint(to, false)),
      );
      records.badge(INVALID);
      records.content(undefined);
    });
    const core = [...this.real.dataspaces].map((each) => ({ badge: each.capability.badge, size: each.requestedBytes }));
    deepEqual(
      ram.dataspaces.map(({ badge, size }) => ({ badge, size })),
      core,
    );
    equal(info.signalSources.length, this.sources.find(({ valid }) => valid) ? this.#charged() : 0);
    const living = this.contexts.filter(({ valid }) => valid);
    deepEqual(
      info.signalContexts.map(({ badge, pending }) => ({ badge, pending })),
      living.map(({ badge, object }) => ({ badge, pending: object!.pending })),
    );
    const { addressSpaceMap, stackAreaMap, linkerAreaMap } = this.real;
    let regions = this.#compareMap(info.addressSpace, addressSpaceMap, this.maps[0]!);
    regions += this.#compareMap(info.stackArea, stackAreaMap, this.maps[1]!);
    regions += this.#compareMap(info.linkerArea, linkerAreaMap, this.maps[2]!);
    const own = recorded(READ.rm, (records) => {
      const begin = records.beginList();
      this.rm.checkpoint(records);
      records.endList(begin, 1);
    });
    const maps = this.maps.slice(3).filter(({ valid }) => valid);
    equal(own[0]!.regionMaps.length, maps.length);
    for (const [i, map] of maps.entries()) {
      regions += this.#compareMap(own[0]!.regionMaps[i]!, this.rm.map(map)!.real.object as CoreRegionMap, map);
    }
    return regions;
  }

  /** Capabilities that the account has for sources: what is in use, but for everything else. */
  #charged(): number {
    const contexts = this.contexts.filter(({ valid }) => valid).length;
    return this.real.usedCaps() - this.real.dataspaces.size - contexts - 6;
  }

  #compareMap({ regions }: RegionMapInfo, core: CoreRegionMap, map: Capability<RegionMap>): number {
    const real = [...core.regions.overlapping(0, core.size())].map(
      ({ dataspace, start, end, offset, executable, writeable }): AttachedRegionInfo => ({
        ...{ dataspaceBadge: dataspace.capability.badge, address: start, size: end - start },
        ...{ offset, executable, writeable },
      }),
    );
    const order = (this.attached.get(map) ?? []).map(({ at }) => at);
    deepEqual(
      regions,
      real.toSorted((a, b) => order.indexOf(a.address) - order.indexOf(b.address)),
    );
    return regions.length;
  }
}

test("S69, S72, S73: what a freed dataspace leaves behind hides no later attachment from a detach", () => {
  const objects = new Objects(1);
  const { pd } = objects;
  const map = pd.addressSpace().object!;
  const alloc = (count: number) => {
    const made = pd.alloc(pages(count));
    ok(made.ok);
    return made.value;
  };
  const at = 0x2000_0000;
  const x = alloc(1);
  ok(map.attach(x, { address: at }).ok);
  pd.free(x);
  ok(map.attach(alloc(2), { address: at - PAGE }).ok);
  map.detach(at);
  deepEqual(pd.maps.addressSpace.regions(), []);
  const z = alloc(1);
  ok(map.attach(z, { address: at }).ok);
  deepEqual(
    pd.maps.addressSpace.regions().map(({ dataspace, address }) => ({ dataspace, address })),
    [{ dataspace: z, address: at }],
  );
});

test(`S68, S69, S72, S73: objects of PD and RM sessions are recorded as core has them, after ${SEQUENCES} times ${CALLS} calls`, () => {
  let regions = 0;
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    const objects = new Objects(seed);
    for (let i = 0; i < CALLS; i++) {
      objects.call();
      if (i % 7 === 6) regions += objects.compare();
    }
  }
  ok(regions > 10 * SEQUENCES, "something is attached");
});

test("S69: attachments of freed dataspaces do not pile up", () => {
  const attachments = new Attachments();
  const kept = bytesDataspace(PAGE, "ram").capability;
  const region = { size: PAGE, offset: 0, executable: false, writeable: true };
  attachments.add(new Attachment({ ...region, dataspace: kept, address: 0 }));
  for (let i = 1; i < 10_000; i++) {
    const pd = createCoreContext().badges.identify<Dataspace>(kept.object!);
    attachments.add(new Attachment({ ...region, dataspace: pd.capability, address: pages(i) }));
    pd.dispose();
    ok(attachments.size <= 65);
  }
  const left: number[] = [];
  attachments.each(({ address }) => void left.push(address));
  deepEqual(left, [0]);
});

test("S69: attachments of freed dataspaces do not outlive a checkpoint after a peak of them", () => {
  const attachments = new Attachments();
  const object = bytesDataspace(PAGE, "ram").capability.object!;
  const { badges } = createCoreContext();
  const region = { size: PAGE, offset: 0, executable: false, writeable: true };
  const made = Array.from({ length: 20_000 }, (_, i) => {
    const dataspace = badges.identify<Dataspace>(object);
    attachments.add(new Attachment({ ...region, dataspace: dataspace.capability, address: pages(i) }));
    return dataspace;
  });
  for (const dataspace of made.slice(1)) dataspace.dispose();
  for (const _ of [1, 2]) {
    let visited = 0;
    attachments.each(() => visited++);
    equal(visited, 1);
  }
  equal(attachments.size, 1);
});

test("S69: a region larger than 2^32 pages is found by any address in it, and no other", () => {
  const attachments = new Attachments();
  const { capability } = bytesDataspace(PAGE, "ram");
  const size = pages(2 ** 33 + 5);
  const region = { size, offset: 0, executable: false, writeable: true };
  attachments.add(new Attachment({ ...region, dataspace: capability, address: pages(3) }));
  attachments.remove(pages(3) + size);
  equal(attachments.size, 1);
  attachments.remove(pages(3) + size - 1);
  equal(attachments.size, 0);
});

test("S69: whatever address is detached, and whatever size a record has, ends", () => {
  const attachments = new Attachments();
  const { capability } = bytesDataspace(PAGE, "ram");
  const sizes = [0, 1, -1, PAGE, 3 * PAGE, NaN, Infinity];
  for (const [i, size] of sizes.entries()) {
    const region = { size, offset: 0, executable: false, writeable: true };
    attachments.add(new Attachment({ ...region, dataspace: capability, address: pages(10 * i) }));
  }
  equal(attachments.size, sizes.length);
  const strange = [-1, -PAGE, 0.5, 1e300, -1e300, Infinity, -Infinity, NaN, pages(25)];
  for (const address of strange) equal(attachments.remove(address), undefined, `at ${address}`);
  equal(attachments.remove(pages(41) + 1)?.size, 3 * PAGE);
  equal(attachments.size, sizes.length - 1);
});

test("S58, S72: timers are recorded as core has them: whether they are set, period and what is left", () => {
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    const random = seededRandom(seed);
    const clock = new VirtualClock();
    const { badges } = createCoreContext();
    const core = new CoreTimer(clock.alarms);
    const timer = new RtcrTimer(new ChildContext(badges), {
      id: 1,
      args: "",
      real: badges.identify<TimerSession>(core).capability,
    });
    const heard: SignalContext = { kind: "signal-context", pending: 0, submit: () => {} };
    const { capability } = badges.identify<SignalContext>(heard);
    const calls = [
      () => timer.triggerOnce(random.pick([0, 0.5, 1, 99, 100, 5000, -1, 2 ** 60, 2 ** 64])),
      () => timer.triggerPeriodic(random.pick([0, 1, 40, 99, 100, 101, 777])),
      () => timer.triggerPeriodic(random.pick([40, 99, 500]), random.pick([0, 1, 40, 700])),
      () => timer.sigh(random.pick([capability, INVALID])),
      () => clock.advance(random.pick([0, 1, 33, 250, 3000])),
    ];
    for (let i = 0; i < CALLS; i++) {
      random.pick(calls)();
      const left = core.remainingUs();
      const info = recorded(READ.timer, (records) => {
        const begin = records.beginList();
        ringOrder([timer]);
        timer.checkpoint(records);
        records.endList(begin, 1);
      })[0]!;
      const whole = left === undefined ? 0 : Math.min(Math.max(1, Math.ceil(left)), Number.MAX_SAFE_INTEGER);
      equal(info.remainingUs, whole, `seed ${seed}, call ${i}`);
      ok(Number.isSafeInteger(info.timeoutUs), "an image can say it");
      equal(info.place, left === undefined ? undefined : 0);
      if (left === undefined) continue;
      equal(info.periodic, core.periodUs() !== undefined);
      if (info.periodic) equal(Math.max(info.timeoutUs, MIN_PERIOD_US), core.periodUs());
    }
  }
});

test("S24, S68, S72: threads are recorded as core has them, after random calls", () => {
  const random = seededRandom(7);
  const system = new TestSystem();
  const { pd, cpu } = system.component("child", main(""));
  const session = new RtcrCpu(new ChildContext(system.core.badges), { id: 3, args: "", real: system.capability(cpu) });
  const threads: Capability<CpuThread>[] = [INVALID];
  for (let i = 0; i < 300; i++) {
    if (random.below(5) > 1) {
      const made = session.createThread(pd.capability, { name: `t${i}`, weight: 1 + random.below(20) });
      if (made.ok) threads.push(made.value);
    } else session.killThread(random.pick(threads));
    const info = recorded(READ.cpu, (records) => session.checkpoint(records));
    deepEqual(
      info.threads.map(({ name, badge }) => ({ name, badge })),
      [...cpu.threads].map(({ name }) => ({
        name,
        badge: threads.find((each) => each.valid && nameOf(session, each) === name)?.badge,
      })),
    );
  }
  ok(cpu.threads.size > 20);
  session.dispose();
  system.close();
});

function nameOf(session: RtcrCpu, thread: Capability<CpuThread>): string | undefined {
  return session.threads.get(thread)?.name;
}
