// The restore of one child, step by step; the order of steps over all children is restore.ts's. Above 400 lines: every
// step finds what the ones before it have made by the badges that this class keeps.
import type {
  ChildInfo,
  ComponentInfo,
  CpuInfo,
  DataspaceInfo,
  ObjectInfo,
  PdInfo,
  RegionMapInfo,
  ThreadInfo,
} from "../checkpoint/index.ts";
import type { Settlement } from "../init/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import {
  type Capability,
  type Dataspace,
  notify,
  type ParentSession,
  type PdSession,
  type SignalContext,
  toPages,
} from "../session/index.ts";
import { type Attempt, required } from "../util/index.ts";
import { Adoptions } from "./adoptions.ts";
import { environment } from "./components.ts";
import { RtcrCpu } from "./cpu.ts";
import type { RtcrCpuThread } from "./cpu-thread.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import type { RtcrRegionMap } from "./region-map.ts";
import type { RepairReport, RestoredChild } from "./restore.ts";
import { fundComponents, loadComponent } from "./restore-components.ts";
import { restoreObjects, restoreSignals } from "./restore-objects.ts";
import { bySession, Sessions } from "./restore-sessions.ts";
import { Streams } from "./restore-streams.ts";
import { RtcrRm } from "./rm.ts";
import type { Keep } from "./rom.ts";
import { restoreBytes } from "./scopes.ts";
import { repairStack } from "./stack-repair.ts";
import type { Translation } from "./translation.ts";

/** A component of the child: its PD now, and what was recorded of it. */
interface Part {
  readonly pd: RtcrPd;
  readonly info: PdInfo;
  readonly record: ChildInfo | ComponentInfo;
}

export interface RestorerParts {
  readonly translation: Translation;
  readonly keep: Keep;
  readonly settlement: Settlement;
}

export class Restorer {
  readonly cpu: RtcrCpu;
  /** Sessions that other children serve. */
  readonly adoptions: Adoptions;
  readonly #child: RestoredChild;
  readonly #info: ChildInfo;
  readonly #translation: Translation;
  readonly #pd: RtcrPd;
  /** The child's own component first. */
  readonly #parts: Part[];
  readonly #cpus: { readonly cpu: RtcrCpu; readonly info: CpuInfo }[];
  /** As recorded, in order. */
  readonly #threads: { readonly thread: RtcrCpuThread; readonly info: ThreadInfo; readonly cpu: RtcrCpu }[] = [];
  readonly #streams: Streams;
  readonly #sessions: Sessions;

  constructor(child: RestoredChild, { translation, keep, settlement }: RestorerParts) {
    this.#child = child;
    this.#info = child.info;
    this.#translation = translation;
    const { pd, cpu } = environment(child.tracked);
    const refused = (what: string, why: string) => this.#refused(what, why);
    this.#streams = new Streams(child.info, { tracked: child.tracked, refused });
    this.#pd = pd;
    this.cpu = cpu;
    this.#parts = [{ pd, info: child.info.pd, record: child.info }];
    this.#cpus = [{ cpu, info: child.info.cpu }];
    this.adoptions = new Adoptions(child, { translation, settlement, refused });
    const { adoptions } = this;
    this.#sessions = new Sessions(child, { translation, keep, adoptions, streams: this.#streams, refused });
  }

  /** Sessions that the child did not have, or that were others. */
  closeOthers(): void {
    this.#sessions.closeOthers();
  }

  /** The program as it was, with the files that it has open: what is not there is found before anything is made. */
  program(): void {
    for (const thread of this.cpu.threads) thread.clear();
    this.#streams.first(new Set(this.adoptions.open.map(({ id }) => id)));
    this.#restoreModule(this.#parts[0]!);
  }

  /** Sessions, and the components in them. */
  sessions(): void {
    this.#sessions.upgrade("CPU", this.#info.cpu);
    this.#nameEnvironment();
    this.#sessions.open();
    this.#makeComponents();
  }

  /** In whatever component they are. */
  makeThreads(): void {
    for (const each of this.#cpus) this.#makeThreads(each);
  }

  /** Whatever else can be named: RPC objects may have any child's threads as their entrypoints. */
  objects(): void {
    const { rms } = this.#info;
    for (const part of this.#parts) {
      this.#makeSignals(part);
      this.#makeDataspaces(part);
      for (const badge of part.record.servedBadges ?? []) this.#translation.promise(badge);
    }
    for (const info of rms) this.#makeRegionMaps(info);
  }

  get name(): string {
    return this.#info.name;
  }

  /** Everything that names something. */
  relations(): void {
    const { parent, rms } = this.#info;
    this.#sessions.restore(); // their dataspaces may be attached
    for (const { pd, info } of this.#parts) {
      const { addressSpace, stackArea, linkerArea } = pd.maps;
      this.#attachAll(stackArea, info.stackArea);
      this.#attachAll(linkerArea, info.linkerArea);
      this.#attachAll(addressSpace, info.addressSpace);
    }
    for (const info of rms.flatMap(({ regionMaps }) => regionMaps)) this.#attachAll(this.#ownMap(info), info);
    for (const { cpu, info } of this.#cpus) {
      this.#contextThen(info.faultHandlerBadge, (context) => cpu.exceptionSigh(context));
    }
    required(this.#pd.parent, "a parent").restore(parent, (badge) => this.#translation.get<SignalContext>(badge));
    for (const part of this.#parts) {
      const { parentBadge = 0 } = part.record as Partial<ComponentInfo>; // RTCR has assigned that of the child itself
      if (parentBadge !== 0) part.pd.assignParent(this.#translation.get<ParentSession>(parentBadge));
      this.#installCapabilities(part);
      this.#restoreNative(part);
    }
    // What a WASI program works with it has of its parent, which is there now.
    for (const part of this.#parts.slice(1)) if (isWasi(part)) this.#restoreModule(part);
  }

  /**
   * Signals that were waiting, in their order, and those of what is different here. What the restore has set off is none
   * of a program's business; native components look at everything anew.
   */
  signals(): void {
    const { parent } = this.#info;
    const context = (badge: number) => this.#translation.get<SignalContext>(badge);
    const told = new Set<number>();
    for (const { pd, info, record } of this.#parts) {
      if (record.native === undefined) for (const { capability } of pd.sources) while (capability.object?.take());
      const pending = info.signalContexts.filter(({ queued }) => queued > 0).sort((a, b) => a.queued - b.queued);
      for (const { badge, pending: count } of pending) {
        notify(context(badge), count);
        told.add(badge);
      }
    }
    for (const [rom, { handlerBadge }] of this.#sessions.changedRoms) if (!told.has(handlerBadge)) rom.tell();
    const changed = this.#sessions.changed || this.adoptions.changed;
    if (changed && !told.has(parent.sessionHandlerBadge)) notify(context(parent.sessionHandlerBadge));
    const { request, resourceHandlerBadge } = parent;
    if (request === "") return;
    if (!this.#hasMore()) this.#child.setRequest(request);
    else if (!told.has(resourceHandlerBadge)) notify(context(resourceHandlerBadge)); // it looks, and may ask again
  }

  /** Whether this place gives the child more than it had. */
  #hasMore(): boolean {
    const pd = required(this.#pd.base.capability.object, "a PD");
    return pd.ramQuota() > this.#info.pd.ramQuota || pd.capQuota() > this.#info.pd.capQuota;
  }

  /** Bytes, each once. Stacks that a bootstrap stands on are repaired. */
  contents(): readonly RepairReport[] {
    return this.#parts.flatMap((part) => this.#partContents(part));
  }

  #partContents({ pd, info: recorded }: Part): readonly RepairReport[] {
    const { name, cpu } = this.#info;
    const standing = pd === this.#pd ? this.#child.standing : undefined;
    const reports: RepairReport[] = [];
    const base = pd.native.program()?.stackArea ?? 0;
    const stacks = new Map(recorded.stackArea.regions.map((region) => [region.dataspaceBadge, region]));
    for (const info of recorded.dataspaces) {
      const dataspace = this.#translation.get<Dataspace>(info.badge).object;
      if (!dataspace) continue;
      if (!standing || !info.bootstrapped || !stacks.has(info.badge)) {
        restoreBytes(dataspace, 0, info.content);
        continue;
      }
      const repair = beginScope("Stack Repair", "blue");
      const lookUp = beginScope("Dataspace Region-Map Look-Up", "blue");
      const region = required(stacks.get(info.badge), "the stack's region");
      endScope(lookUp);
      reports.push(...repairStack({ child: name, threads: cpu.threads, standing, region, base, dataspace, info }));
      endScope(repair);
    }
    if (recorded.dataBadge !== 0) this.#fillData(pd, recorded.data);
    const detached = pd.native.restoreRest(recorded.instance);
    if (!detached.ok) throw this.#mismatch("memory that the program has detached");
    return reports;
  }

  threads(calls: ReadonlyMap<number, number>): void {
    for (const { thread, info, cpu } of this.#threads) {
      thread.hold();
      const handler = this.#translation.get<SignalContext>(info.faultHandlerBadge);
      if (!thread.restore(info, handler, calls)) throw this.#mismatch(`thread "${info.name}"`);
      cpu.setPlace(thread, info.place);
    }
  }

  release(): void {
    this.#child.tracked.context.restoring = false;
    const scope = beginScope("Resume", "green");
    for (const { thread } of this.#threads) thread.release();
    endScope(scope);
  }

  /** State of a module outside dataspaces, before anything runs in it. */
  #restoreModule({ pd, info, record }: Part): void {
    if (record.native !== undefined || record.program === "") return;
    const instance = pd.native.restoreInstance(info.instance);
    if (instance.ok) return;
    const why = pd.native.problem();
    const whose = record === this.#info ? "its program" : `the program of component "${record.name}"`;
    if (why !== "") throw this.#refused(`what ${whose} works with`, why);
    throw this.#mismatch(`the program's globals and tables (${instance.reason})`);
  }

  /** A program in TypeScript goes on when everything that it holds is there. */
  #restoreNative({ pd, info, record }: Part): void {
    if (record.native === undefined) return;
    const instance = pd.native.restoreInstance(info.instance);
    if (!instance.ok) throw this.#mismatch(`the state of "${record.native}" (${pd.native.problem()})`);
  }

  #nameEnvironment(): void {
    const { pd, cpu, parent } = this.#info;
    this.#translation.add(parent.badge, required(this.#pd.parent, "a parent").capability);
    this.#namePd(pd, this.#pd);
    this.#translation.add(cpu.badge, this.cpu.base.capability);
    this.#translation.add(cpu.nativeBadge, this.cpu.nativeCpu());
  }

  #namePd(info: PdInfo, pd: RtcrPd): void {
    const { addressSpace, stackArea, linkerArea } = pd.maps;
    this.#translation.add(info.badge, pd.base.capability);
    this.#translation.add(info.nativeBadge, pd.nativePd());
    this.#translation.add(info.dataBadge, pd.native.data());
    this.#nameMap(info.addressSpace, addressSpace);
    this.#nameMap(info.stackArea, stackArea);
    this.#nameMap(info.linkerArea, linkerArea);
  }

  #nameMap(info: RegionMapInfo, map: RtcrRegionMap): void {
    this.#translation.add(info.badge, map.capability);
    this.#translation.add(info.dataspaceBadge, map.dataspace());
  }

  #objects<Info extends ObjectInfo, T extends { readonly allocated: number }>(
    infos: readonly Info[],
    there: Iterable<T>,
    make: (info: Info) => T,
    name: (info: Info, object: T) => void,
    end: (object: T) => void,
  ): void {
    restoreObjects(this.#child.tracked.context, { infos, there, make, name, end });
  }

  /** What the child's sessions are the PDs and CPU sessions of: components that it keeps itself. */
  #makeComponents(): void {
    const { components = [], cpus = [] } = this.#info;
    const { tracked } = this.#child;
    const pdOf = bySession(tracked.of(RtcrPd));
    const cpuOf = bySession(tracked.of(RtcrCpu));
    for (const record of components) {
      const pd = pdOf.get(record.pd.id);
      if (!pd || pd === this.#pd) throw this.#mismatch(`session ${record.pd.id}, a PD session,`);
      this.#parts.push({ pd, info: record.pd, record });
    }
    for (const info of cpus) {
      const cpu = cpuOf.get(info.id);
      if (!cpu || cpu === this.cpu) throw this.#mismatch(`session ${info.id}, a CPU session,`);
      this.#translation.add(info.nativeBadge, cpu.nativeCpu());
      this.#cpus.push({ cpu, info });
    }
    const refused = (what: string, why: string) => this.#refused(what, why);
    fundComponents(this.#info, { tracked, translation: this.#translation, refused });
    for (const part of this.#parts.slice(1)) {
      loadComponent(part.pd, part.record as ComponentInfo, { tracked, translation: this.#translation, refused });
      this.#namePd(part.info, part.pd);
      if (!isWasi(part)) this.#restoreModule(part);
    }
  }

  #makeThreads({ cpu, info: { threads: infos } }: { readonly cpu: RtcrCpu; readonly info: CpuInfo }): void {
    const main = cpu === this.cpu ? Math.min(...infos.map(({ allocated }) => allocated)) : 0;
    this.#objects(
      infos,
      cpu.threads,
      ({ name, affinity, weight, utcb, pdBadge }) => {
        const options = { name, affinity, weight, utcb };
        const pd = this.#translation.get<PdSession>(pdBadge);
        const made = this.#require(cpu.createThread(pd, options), `thread "${name}"`);
        return required(cpu.threads.get(made), "the new thread");
      },
      (info, thread) => {
        if (thread.name !== info.name) throw this.#mismatch(`thread "${info.name}", which is "${thread.name}" now,`);
        this.#threads.push({ thread, info, cpu });
        this.#translation.add(info.badge, thread.capability);
        this.#translation.add(info.nativeBadge, cpu.nativeOf(thread));
        if (info.allocated === main && info.name === this.#info.name) this.#child.setMainThread(thread.capability);
      },
      (thread) => cpu.killThread(thread.capability),
    );
  }

  #makeSignals({ pd, info }: Part): void {
    const require = <T>(attempt: Attempt<T, string>, what: string) => this.#require(attempt, what);
    restoreSignals({ pd, info, context: this.#child.tracked.context, translation: this.#translation, require });
  }

  #makeDataspaces({ pd, info: { dataspaces } }: Part): void {
    this.#objects<DataspaceInfo, NonNullable<ReturnType<typeof pd.dataspaces.get>>>(
      dataspaces,
      pd.dataspaces,
      ({ size, cached, role }) => {
        const made = this.#require(pd.alloc(size, cached), `dataspace ${role} of ${size} bytes`);
        return required(pd.dataspaces.get(made), "the dataspace");
      },
      (info, dataspace) => {
        if (dataspace.size !== info.size || dataspace.cached !== info.cached) {
          const found = `${dataspace.size} bytes, ${dataspace.cached}`;
          throw this.#mismatch(`${info.role}, of ${info.size} bytes, ${info.cached}, which is ${found} now,`);
        }
        if (info.content.length !== toPages(info.size)) {
          throw this.#mismatch(`${info.role}, of ${info.size} bytes, with a content of ${info.content.length} bytes,`);
        }
        this.#translation.add(info.badge, dataspace.capability);
      },
      ({ capability }) => pd.free(capability),
    );
  }

  #makeRegionMaps({ id, regionMaps }: ChildInfo["rms"][number]): void {
    const rm = this.#child.tracked.of(RtcrRm).find(({ base }) => base.id === id);
    if (!rm) throw this.#mismatch(`session ${id}, an RM session,`);
    this.#objects(
      regionMaps,
      rm.maps,
      ({ size }) => {
        const made = this.#require(rm.create(size), `a region map of ${size} bytes`);
        return required(rm.map(made), "the map");
      },
      (info, map) => this.#nameMap(info, map),
      ({ capability }) => rm.destroy(capability),
    );
  }

  #ownMap(info: RegionMapInfo): RtcrRegionMap {
    const maps = this.#child.tracked.of(RtcrRm).flatMap((rm) => [...rm.maps]);
    return required(
      maps.find(({ allocated }) => allocated === info.allocated),
      "a region map of the child's own",
    );
  }

  #attachAll(map: RtcrRegionMap, { regions, faultHandlerBadge }: RegionMapInfo): void {
    this.#contextThen(faultHandlerBadge, (context) => map.faultHandler(context));
    const wanted = new Map(regions.map((region) => [region.address, region]));
    for (const { address, dataspace, size } of map.regions()) {
      const region = wanted.get(address);
      const same = region?.size === size && this.#translation.get(region.dataspaceBadge) === dataspace;
      if (same) wanted.delete(address);
      else map.detach(address);
    }
    for (const { dataspaceBadge, ...options } of wanted.values()) {
      const attached = map.attach(this.#translation.get<Dataspace>(dataspaceBadge), options);
      if (attached.ok && attached.value === options.address) continue;
      const why = attached.ok ? `came to 0x${attached.value.toString(16)}` : attached.reason;
      throw this.#refused(`the attachment of ${options.size} bytes at 0x${options.address.toString(16)}`, why);
    }
  }

  #fillData({ native }: RtcrPd, content: Uint8Array): void {
    const scope = beginScope("Program Data", "blue");
    const written = restoreBytes(native.data().object, 0, content);
    endScope(scope);
    if (written !== content.length) {
      throw this.#mismatch(`the program's memory: ${content.length} bytes recorded, ${written} are there`);
    }
  }

  #installCapabilities({ pd: { native }, record }: Part): void {
    native.clearSlots();
    for (const { slot, badge, references } of record.capabilities) {
      const installed = native.install(slot, this.#translation.orDead(badge), references);
      if (!installed.ok) throw this.#refused(`capability slot ${slot}`, installed.reason);
    }
  }

  #contextThen(badge: number, then: (context: Capability<SignalContext>) => void): void {
    const context = this.#translation.get<SignalContext>(badge);
    if (context.valid) then(context);
  }

  #require<T>(attempt: Attempt<T, string>, what: string): T {
    if (attempt.ok) return attempt.value;
    throw this.#refused(what, attempt.reason);
  }

  #refused(what: string, why: string): RtcrFault {
    const { name } = this.#info;
    return new RtcrFault("refused", `restore of "${name}": ${what}: ${why}`, { child: name, what, why });
  }

  #mismatch(what: string): RtcrFault {
    const { name } = this.#info;
    const message = `restore of "${name}": ${what} does not fit what is there`;
    return new RtcrFault("mismatch", message, { child: name, what });
  }
}

function isWasi({ pd }: Part): boolean {
  return pd.native.program()?.wasi === true;
}
