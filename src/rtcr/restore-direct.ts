// Restore strategy B (thesis 4.2, spec 4.4): the supervisor recreates everything itself; no bootstrap, no barrier, no
// repair of stacks.
//
//   objects    of every child: sessions, threads, sources, contexts, dataspaces, region maps, RPC objects
//   relations  that cross children: attachments, handlers, capability tables, contents, calls under way
//   threads    take up their states, and go on together
//
// I1  Objects exist before anything names them: the translation is complete when relations are made.
// I2  Nothing of a child runs before everything of all children is there.
// I3  Whatever is refused ends the restore by name; the caller takes the children down.
import type {
  CallInfo,
  ChildInfo,
  DataspaceInfo,
  RegionMapInfo,
  SessionInfo,
  SystemCheckpoint,
} from "../checkpoint/index.ts";
import {
  type Capability,
  type CpuThread,
  type Dataspace,
  type NativePd,
  objectOf,
  type ParentSession,
  type RegionMap,
  type SignalContext,
  type SignalSource,
} from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { environment } from "./capture.ts";
import type { RtcrCpu } from "./cpu.ts";
import type { RtcrCpuThread } from "./cpu-thread.ts";
import { RtcrFault } from "./faults.ts";
import type { RtcrPd } from "./pd.ts";
import { RtcrReport } from "./report.ts";
import { RtcrRm } from "./rm.ts";
import { RtcrRom } from "./rom.ts";
import { RtcrTimer } from "./timer.ts";
import type { TrackedChild } from "./tracked-child.ts";
import type { Translation } from "./translation.ts";

/** A fresh child whose environment is there and whose program is loaded, and what it shall become. */
export interface RestoredChild {
  readonly info: ChildInfo;
  readonly tracked: TrackedChild;
  /** The parent behind the interposer: sessions are opened there in the child's name. */
  readonly parent: ParentSession;
  /** Tells the parent which thread is the main one. */
  readonly setMainThread: (thread: Capability<CpuThread>) => void;
}

/** Makes a dataspace with this content that belongs to the supervisor. */
export type Keep = (content: Uint8Array) => Capability<Dataspace>;

/** @throws RtcrFault "refused", "mismatch" */
export function restoreDirect(
  children: readonly RestoredChild[],
  calls: SystemCheckpoint["calls"],
  translation: Translation,
  keep: Keep,
): void {
  const restorers = children.map((child) => new DirectRestorer(child, translation, keep));
  for (const restorer of restorers) restorer.objects();
  for (const restorer of restorers) restorer.relations();
  const numbers = adoptCalls(calls, restorers, translation);
  for (const restorer of restorers) restorer.threads(numbers);
  for (const restorer of restorers) restorer.release();
}

/** Calls whose caller or entrypoint is among the children go on; the rest is issued again, or nobody waits for it. */
function adoptCalls(
  calls: readonly CallInfo[],
  restorers: readonly DirectRestorer[],
  translation: Translation,
): ReadonlyMap<number, number> {
  const numbers = new Map<number, number>();
  for (const { number, targetBadge, opcode, state, status, callerBadge, entrypointBadge, ...rest } of calls) {
    const entrypoint = translation.get<CpuThread>(entrypointBadge);
    if (entrypointBadge !== 0 && !entrypoint.valid) continue; // served outside: the caller asks again
    if (entrypointBadge === 0 && state !== "done") continue;
    const message = {
      bytes: rest.bytes,
      capabilities: rest.capabilityBadges.map((badge) => translation.orDead(badge)),
    };
    const caller = translation.get<CpuThread>(callerBadge);
    const call = {
      number,
      target: translation.orDead(targetBadge),
      opcode,
      state,
      status,
      caller,
      entrypoint,
      message,
    };
    numbers.set(number, restorers[0]!.cpu.adoptCall(call));
  }
  return numbers;
}

class DirectRestorer {
  readonly cpu: RtcrCpu;
  readonly #child: RestoredChild;
  readonly #info: ChildInfo;
  readonly #translation: Translation;
  readonly #keep: Keep;
  readonly #pd: RtcrPd;
  readonly #threads: RtcrCpuThread[] = [];

  constructor(child: RestoredChild, translation: Translation, keep: Keep) {
    this.#child = child;
    this.#info = child.info;
    this.#translation = translation;
    this.#keep = keep;
    const { pd, cpu } = environment(child.tracked);
    this.#pd = pd;
    this.cpu = cpu;
  }

  /** Everything that can be named. */
  objects(): void {
    const { pd, cpu } = this.#info;
    const { addressSpace, stackArea, linkerArea } = this.#pd.maps;
    const native = this.#native();
    if (cpu.upgradeArgs !== "") this.#child.parent.upgrade(cpu.id, cpu.upgradeArgs);
    this.#translation.add(this.#info.parent.badge, this.#pd.parent!.capability);
    this.#translation.add(pd.badge, this.#pd.base.capability);
    this.#translation.add(pd.nativeBadge, this.#pd.nativePd());
    this.#translation.add(pd.dataBadge, native.data());
    this.#translation.add(cpu.badge, this.cpu.base.capability);
    this.#translation.add(cpu.nativeBadge, this.cpu.nativeCpu());
    this.#map(pd.addressSpace, addressSpace.capability, addressSpace.dataspace());
    this.#map(pd.stackArea, stackArea.capability, stackArea.dataspace());
    this.#map(pd.linkerArea, linkerArea.capability, linkerArea.dataspace());
    const instance = native.restoreInstance(pd.instance);
    if (!instance.ok) throw this.#mismatch(`the program's globals and tables (${instance.reason})`);
    this.#makeThreads();
    this.#makeSignals();
    for (const info of pd.dataspaces) this.#makeDataspace(info);
    this.#makeSessions();
  }

  /** Everything that names something. */
  relations(): void {
    const { pd, cpu, parent, rms } = this.#info;
    const { addressSpace, stackArea, linkerArea } = this.#pd.maps;
    this.#restoreSessions(); // their dataspaces may be attached
    for (const [map, info] of [
      [stackArea, pd.stackArea],
      [linkerArea, pd.linkerArea],
      [addressSpace, pd.addressSpace],
    ] as const) {
      this.#attachAll(map, info);
    }
    for (const info of rms.flatMap(({ regionMaps }) => regionMaps)) {
      const map = this.#translation.get<RegionMap>(info.badge).object;
      if (map) this.#attachAll(map, info);
    }
    for (const { badge, content } of pd.dataspaces) this.#translation.get<Dataspace>(badge).object?.write(0, content);
    if (pd.dataBadge !== 0) this.#fillData(pd.data);
    this.#contextThen(cpu.faultHandlerBadge, (context) => this.cpu.exceptionSigh(context));
    this.#pd.parent!.restore(parent, (badge) => this.#translation.get<SignalContext>(badge));
    this.#installCapabilities();
    const pending = pd.signalContexts.filter(({ queued }) => queued > 0).sort((a, b) => a.queued - b.queued);
    for (const { badge, pending: count } of pending) this.#translation.get<SignalContext>(badge).object?.submit(count);
  }

  threads(calls: ReadonlyMap<number, number>): void {
    for (const [i, info] of this.#info.cpu.threads.entries()) {
      const thread = this.#threads[i]!;
      thread.hold();
      const handler = this.#translation.get<SignalContext>(info.faultHandlerBadge);
      if (!thread.restore(info, handler, calls)) throw this.#mismatch(`thread "${info.name}"`);
    }
  }

  release(): void {
    for (const thread of this.#threads) thread.release();
  }

  #native(): NativePd {
    const native = objectOf<NativePd>(this.#pd.nativePd(), "native-pd");
    if (!native) throw this.#refused("its component", "gone");
    return native;
  }

  #map(info: RegionMapInfo, capability: Capability<RegionMap>, dataspace: Capability<Dataspace>): void {
    this.#translation.add(info.badge, capability);
    this.#translation.add(info.dataspaceBadge, dataspace);
  }

  #makeThreads(): void {
    const { context } = this.#child.tracked;
    const main = Math.min(...this.#info.cpu.threads.map(({ allocated }) => allocated));
    for (const info of this.#info.cpu.threads) {
      const { name, affinity, weight, utcb } = info;
      const made = context.as(info, () =>
        this.cpu.createThread(this.#pd.base.capability, { name, affinity, weight, utcb }),
      );
      const capability = this.#require(made, `thread "${name}"`);
      const thread = this.cpu.threads.get(capability)!;
      this.#threads.push(thread);
      this.#translation.add(info.badge, capability);
      this.#translation.add(info.nativeBadge, thread.real);
      if (info.allocated === main) this.#child.setMainThread(capability);
    }
  }

  #makeSignals(): void {
    const { signalSources, signalContexts, rpcObjects } = this.#info.pd;
    const { context } = this.#child.tracked;
    for (const info of signalSources) {
      const made = context.as(info, () => this.#pd.allocSignalSource());
      this.#translation.add(info.badge, this.#require(made, "a signal source"));
    }
    for (const info of signalContexts) {
      const source = this.#translation.get<SignalSource>(info.sourceBadge);
      const made = context.as(info, () => this.#pd.allocContext(source, info.imprint));
      this.#translation.add(info.badge, this.#require(made, "a signal context"));
    }
    for (const info of rpcObjects) {
      const entrypoint = this.#translation.get<CpuThread>(info.entrypointBadge);
      const made = context.as(info, () => this.#pd.allocRpcCap(entrypoint));
      this.#translation.add(info.badge, this.#require(made, "an RPC object"));
    }
  }

  #makeDataspace(info: DataspaceInfo): void {
    const { size, cached, badge, role } = info;
    const made = this.#child.tracked.context.as(info, () => this.#pd.alloc(size, cached));
    this.#translation.add(badge, this.#require(made, `dataspace ${role} of ${size} bytes`));
  }

  /** Opens what the child had opened, in its name; the environment is there already. */
  #makeSessions(): void {
    const { logs, timers, roms, rms, reports, foreign } = this.#info;
    const all: readonly (readonly [service: string, infos: readonly SessionInfo[]])[] = [
      ["LOG", logs],
      ["Timer", timers],
      ["ROM", roms],
      ["RM", rms],
      ["Report", reports],
      ...foreign.map((info) => [info.service, [info]] as const),
    ];
    const sessions = all.flatMap(([service, infos]) => infos.map((info) => ({ service, info })));
    for (const { service, info } of sessions.sort((a, b) => a.info.allocated - b.info.allocated)) {
      this.#translation.add(info.badge, this.#session(service, info));
    }
    for (const info of rms) this.#makeRegionMaps(info);
  }

  #session(service: string, info: SessionInfo): Capability {
    const { tracked, parent } = this.#child;
    const { id, creationArgs, upgradeArgs } = info;
    const there = parent.sessionCap(id);
    const made =
      there.ok && there.value.valid ? there : tracked.context.as(info, () => parent.session(id, service, creationArgs));
    const capability = this.#require(made, `${service} session ${id} (${creationArgs})`);
    if (!capability.valid)
      throw this.#refused(`${service} session ${id}`, "it is served by a component that takes its time");
    if (upgradeArgs !== "") parent.upgrade(id, upgradeArgs);
    return capability;
  }

  #makeRegionMaps({ id, regionMaps }: ChildInfo["rms"][number]): void {
    const rm = this.#child.tracked.of(RtcrRm).find(({ base }) => base.id === id)!;
    for (const info of regionMaps) {
      const made = this.#child.tracked.context.as(info, () => rm.create(info.size));
      const capability = this.#require(made, `a region map of ${info.size} bytes`);
      const map = objectOf<RegionMap>(capability, "region-map")!;
      this.#map(info, capability, map.dataspace());
    }
  }

  #attachAll(map: RegionMap, { regions, faultHandlerBadge }: RegionMapInfo): void {
    this.#contextThen(faultHandlerBadge, (context) => map.faultHandler(context));
    for (const { dataspaceBadge, ...options } of regions) {
      const dataspace = this.#translation.get<Dataspace>(dataspaceBadge);
      const attached = map.attach(dataspace, options);
      if (attached.ok && attached.value === options.address) continue;
      const why = attached.ok ? `came to 0x${attached.value.toString(16)}` : attached.reason;
      throw this.#refused(`the attachment of ${options.size} bytes at 0x${options.address.toString(16)}`, why);
    }
  }

  #fillData(content: Uint8Array): void {
    const written = this.#native().data().object?.write(0, content) ?? 0;
    if (written !== content.length) {
      throw this.#mismatch(`the program's memory: ${content.length} bytes recorded, ${written} are there`);
    }
  }

  #restoreSessions(): void {
    const { timers, roms, reports } = this.#info;
    const { tracked } = this.#child;
    const context = (badge: number) => this.#translation.get<SignalContext>(badge);
    for (const info of timers) {
      tracked
        .of(RtcrTimer)
        .find(({ base }) => base.id === info.id)
        ?.restore(info, context(info.handlerBadge));
    }
    for (const info of reports) {
      const dataspace = tracked
        .of(RtcrReport)
        .find(({ base }) => base.id === info.id)
        ?.dataspace();
      dataspace?.object?.write(0, info.content);
      if (dataspace) this.#translation.add(info.dataspaceBadge, dataspace);
    }
    for (const info of roms) {
      const rom = tracked.of(RtcrRom).find(({ base }) => base.id === info.id);
      rom?.restore(info, context(info.handlerBadge), this.#keep);
      if (rom) this.#translation.add(info.dataspaceBadge, rom.current);
    }
  }

  #installCapabilities(): void {
    const native = this.#native();
    for (const { slot, badge, references } of this.#info.capabilities) {
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
    return new RtcrFault("mismatch", `restore of "${name}": ${what} does not fit the program that is there`, {
      child: name,
      what,
    });
  }
}
