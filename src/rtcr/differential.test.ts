// The same random calls on core's sessions and through RTCR's interposers: the same results, the same refusals, the same
// order of signals (S62). Capabilities are compared by when they were first seen.
import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../test/contracts/bytes-dataspace.ts";
import { type Random, seededRandom } from "../../test/random.ts";
import {
  CoreLog,
  CoreReport,
  CoreTimer,
  createCoreContext,
  createPd,
  createRm,
  createRootPd,
  RomModules,
  VirtualClock,
} from "../core/index.ts";
import {
  type Capability,
  type Dataspace,
  DONATION,
  INVALID,
  type KernelObject,
  type LogSession,
  type PdSession,
  type RegionMap,
  type ReportSession,
  type RmSession,
  type RomSession,
  type SignalContext,
  type SignalSource,
  type TimerSession,
} from "../session/index.ts";
import { required, success } from "../util/index.ts";
import { RtcrLog, RtcrPd, RtcrReport, RtcrRom, RtcrTimer } from "./index.ts";
import { RtcrRm } from "./rm.ts";
import { ChildContext } from "./tracked.ts";

const CALLS = 1500;
const PAGE = 4096;
const encode = (text: string) => new TextEncoder().encode(text);

interface Sessions {
  readonly pd: PdSession;
  readonly rm: RmSession;
  readonly log: LogSession;
  readonly timer: TimerSession;
  readonly rom: RomSession;
  readonly report: ReportSession;
  readonly written: string[];
  readonly reports: Uint8Array[];
  readonly letPass: (us: number) => void;
  readonly change: (text: string) => void;
}

function sessions(interposed: boolean): Sessions {
  const core = createCoreContext({ warn: () => {} });
  const context = new ChildContext(core.badges);
  const root = createRootPd(core, { label: "core", donation: { ram: 2 ** 28, caps: 5000 } });
  const pd = required(made(createPd(core, { label: "child", donation: DONATION.PD })), "a PD");
  ok(pd.refAccount(root.capability).ok);
  ok(root.transferRamQuota(pd.capability, 1 << 20).ok && root.transferCapQuota(pd.capability, 120).ok);
  const rm = required(made(createRm(core, { label: "rm", donation: { ram: 64 << 10, caps: 30 } })), "an RM session");
  const written: string[] = [];
  const reports: Uint8Array[] = [];
  const clock = new VirtualClock();
  const modules = new RomModules((size) => success(bytesDataspace(size, "rom")));
  const module = modules.dynamic("config", encode("first"));
  const rom = required(modules.open("config"), "the module");
  const log = new CoreLog("child", (line) => written.push(line));
  const timer = new CoreTimer(clock.alarms);
  const report = new CoreReport(bytesDataspace(5000), (bytes) => reports.push(bytes));
  const rest = {
    ...{ written, reports, letPass: (us: number) => void clock.advance(us) },
    change: (text: string) => void module.change(encode(text)),
  };
  if (!interposed) return { pd, rm, log, timer, rom, report, ...rest };
  const opened = <T extends KernelObject>(real: Capability<T>) => ({ id: 1, args: 'label="config"', real });
  const identified = <T extends KernelObject>(object: T) => opened(core.badges.identify(object).capability);
  return {
    pd: new RtcrPd(context, opened<PdSession>(pd.capability)),
    rm: new RtcrRm(context, opened<RmSession>(rm.capability)),
    log: new RtcrLog(context, identified<LogSession>(log)),
    timer: new RtcrTimer(context, identified<TimerSession>(timer)),
    rom: new RtcrRom(context, identified<RomSession>(rom)),
    report: new RtcrReport(context, identified<ReportSession>(report)),
    ...rest,
  };
}

function made<T>(attempt: { readonly ok: true; readonly value: T } | { readonly ok: false }): T | undefined {
  return attempt.ok ? attempt.value : undefined;
}

/** One side: its objects so far, and what its calls gave. */
class Side {
  readonly results: unknown[] = [];
  readonly #seen = new Map<Capability, number>();
  readonly #sessions: Sessions;
  readonly #random: Random;
  readonly #dataspaces: Capability<Dataspace>[] = [INVALID];
  readonly #sources: Capability<SignalSource>[] = [INVALID];
  readonly #contexts: Capability<SignalContext>[] = [INVALID];
  readonly #maps: Capability<RegionMap>[];

  constructor(interposed: boolean, seed: number) {
    this.#sessions = sessions(interposed);
    this.#random = seededRandom(seed);
    const { pd } = this.#sessions;
    this.#maps = [INVALID, pd.addressSpace(), pd.stackArea(), pd.linkerArea()];
  }

  run(): readonly unknown[] {
    const calls = Object.entries(this.#calls());
    for (let i = 0; i < CALLS; i++) {
      const [name, call] = calls[this.#random.below(calls.length)]!;
      this.results.push([name, this.#plain(call()), this.#accounts()]);
    }
    return this.results;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)]!;
  }

  #below(limit: number): number {
    return this.#random.below(limit);
  }

  #calls(): Readonly<Record<string, () => unknown>> {
    return { ...this.#pdCalls(), ...this.#mapCalls(), ...this.#serviceCalls() };
  }

  #pdCalls(): Readonly<Record<string, () => unknown>> {
    const { pd } = this.#sessions;
    const kept = <T>(list: T[], made: { readonly ok: true; readonly value: T } | { readonly ok: false }) => {
      if (made.ok) list.push(made.value);
      return made;
    };
    return {
      alloc: () =>
        kept(this.#dataspaces, pd.alloc(this.#below(8) * PAGE + this.#below(2), this.#pick(["cached", "uncached"]))),
      free: () => pd.free(this.#pick(this.#dataspaces)),
      dataspaceSize: () => pd.dataspaceSize(this.#pick(this.#dataspaces)),
      allocSignalSource: () => kept(this.#sources, pd.allocSignalSource()),
      freeSignalSource: () => this.#below(4) === 0 && pd.freeSignalSource(this.#pick(this.#sources)),
      allocContext: () => kept(this.#contexts, pd.allocContext(this.#pick(this.#sources), this.#below(100))),
      freeContext: () => pd.freeContext(this.#pick(this.#contexts)),
      submit: () => pd.submit(this.#pick(this.#contexts), 1 + this.#below(3)),
      queued: () => {
        const source = this.#pick(this.#sources).object;
        return this.#contexts.map(({ object }) => object && source?.place(object));
      },
      allocRpcCap: () => pd.allocRpcCap(INVALID),
      transfer: () => pd.transferRamQuota(this.#pick([pd.addressSpace() as never, INVALID]), PAGE),
      map: () => pd.map(this.#below(1 << 20), PAGE),
    };
  }

  #mapCalls(): Readonly<Record<string, () => unknown>> {
    const { rm } = this.#sessions;
    const map = () => this.#pick(this.#maps).object;
    return {
      create: () => {
        const created = rm.create((1 + this.#below(16)) * PAGE);
        if (created.ok) this.#maps.push(created.value);
        return created;
      },
      destroy: () => this.#below(3) === 0 && rm.destroy(this.#pick(this.#maps.slice(4)) ?? INVALID),
      attach: () => {
        const address = this.#below(16) * PAGE;
        const options = {
          ...{ size: this.#below(3) * PAGE, offset: this.#below(3) * PAGE, writeable: this.#below(4) > 0 },
          ...(this.#below(2) === 0 ? { address } : {}),
        };
        return map()?.attach(this.#pick(this.#dataspaces), options);
      },
      nest: () => map()?.attach(this.#pick(this.#maps).object?.dataspace() ?? INVALID),
      detach: () => map()?.detach(this.#below(20) * PAGE),
      faultHandler: () => map()?.faultHandler(this.#pick(this.#contexts)),
      state: () => map()?.state(),
      size: () => map()?.size(),
      dataspace: () => map()?.dataspace(),
    };
  }

  #serviceCalls(): Readonly<Record<string, () => unknown>> {
    const { log, timer, rom, report, letPass, change } = this.#sessions;
    return {
      write: () => log.write("x".repeat(this.#below(260))),
      triggerOnce: () => timer.triggerOnce(this.#below(5000)),
      triggerPeriodic: () => timer.triggerPeriodic(this.#below(5000)),
      timerSigh: () => timer.sigh(this.#pick(this.#contexts)),
      elapsed: () => [timer.elapsedMs(), timer.elapsedUs()],
      pass: () => letPass(this.#below(3000)),
      romDataspace: () => rom.dataspace(),
      romUpdate: () => rom.update(),
      romSigh: () => rom.sigh(this.#pick(this.#contexts)),
      romChange: () => change("y".repeat(this.#below(6000))),
      reportSubmit: () => report.submit(this.#below(6000)),
      reportDataspace: () => report.dataspace(),
      obtainResponse: () => report.obtainResponse(),
    };
  }

  /** What the child can see at any time. */
  #accounts(): unknown {
    const { pd, written, reports } = this.#sessions;
    const pending = this.#contexts.map(({ object }) => object?.pending);
    const alive = [this.#dataspaces, this.#sources, this.#contexts, this.#maps].map((list) =>
      list.map(({ valid }) => valid),
    );
    const quotas = [pd.ramQuota(), pd.usedRam(), pd.capQuota(), pd.usedCaps()];
    return { pending, alive, quotas, written: written.length, reports: reports.length };
  }

  /** Results with capabilities by number. */
  #plain(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.#plain(each));
    if ("badge" in value && "valid" in value) return this.#number(value as Capability);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, this.#plain(part)]));
  }

  #number(capability: Capability): string {
    if (!capability.valid) return "invalid";
    const known = this.#seen.get(capability) ?? this.#seen.size;
    this.#seen.set(capability, known);
    return `capability ${known}, ${capability.object?.kind}`;
  }
}

for (let seed = 1; seed <= 12; seed++) {
  test(`S62: random calls give the same with and without RTCR (seed ${seed})`, () => {
    const plain = new Side(false, seed).run();
    const interposed = new Side(true, seed).run();
    for (const [i, result] of plain.entries()) deepEqual(interposed[i], result, `call ${i}`);
    const results = plain.map((each) => JSON.stringify(each));
    ok(
      results.some((each) => /out-of/.test(each)),
      "quotas are exhausted",
    );
  });
}
