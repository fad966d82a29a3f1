// What a child's sessions allocate: threads, signals, dataspaces, region maps. Each that is recorded and not there is made, each
// that is there and not recorded goes, and badges stand for what is there then.
import type {
  ChildInfo,
  CpuInfo,
  DataspaceInfo,
  ObjectInfo,
  PdInfo,
  RegionMapInfo,
  RmInfo,
  ThreadInfo,
} from "../checkpoint/index.ts";
import { type CpuThread, ENV_SESSION, type PdSession, type RegionMap, toPages } from "../session/index.ts";
import { required } from "../util/index.ts";
import type { RtcrCpu } from "./cpu.ts";
import type { RtcrCpuThread } from "./cpu-thread.ts";
import { PassedOn } from "./passed-on.ts";
import type { RtcrPd } from "./pd.ts";
import type { RtcrRegionMap } from "./region-map.ts";
import type { RestoredChild } from "./restore.ts";
import type { RestoreFaults } from "./restore-faults.ts";
import { restoreObjects, restoreSignals } from "./restore-objects.ts";
import type { RestoredPart } from "./restore-part.ts";
import { RtcrRm } from "./rm.ts";
import type { Translation } from "./translation.ts";

/** A thread that is there again, and what was recorded of it. */
export interface MadeAgain {
  readonly thread: RtcrCpuThread;
  readonly info: ThreadInfo;
  readonly cpu: RtcrCpu;
}

export interface CpuPart {
  readonly cpu: RtcrCpu;
  readonly info: CpuInfo;
}

export class Allocations {
  /** As recorded, in order. */
  readonly threads: MadeAgain[] = [];
  /** Dataspaces that were not there: they are zero until somebody runs. */
  readonly made: Set<DataspaceInfo>;
  readonly passedOn: PassedOn;
  readonly #child: RestoredChild;
  readonly #info: ChildInfo;
  readonly #translation: Translation;
  readonly #faults: RestoreFaults;

  constructor(child: RestoredChild, translation: Translation, faults: RestoreFaults) {
    this.#child = child;
    this.made = new Set(child.ahead);
    this.#info = child.info;
    this.#translation = translation;
    this.#faults = faults;
    this.passedOn = new PassedOn(child, translation, faults);
  }

  /** What is there from the beginning. */
  nameEnvironment(own: RtcrPd): void {
    const { pd, parent } = this.#info;
    this.#translation.add(parent.badge, required(own.parent, "a parent").capability);
    this.namePd(pd, own);
  }

  nameCpu(info: CpuInfo, cpu: RtcrCpu): void {
    this.#translation.add(info.badge, cpu.base.capability);
    this.#translation.add(info.nativeBadge, cpu.nativeCpu());
  }

  namePd(info: PdInfo, pd: RtcrPd): void {
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

  makeThreads({ cpu, info }: CpuPart): void {
    this.#objects(
      info.threads.filter(({ behindBadge }) => behindBadge === undefined),
      cpu.threads,
      (thread) => {
        const { pd, options } = this.#madeBy(thread);
        const made = this.#faults.require(cpu.createThread(pd, options), `thread "${thread.name}"`);
        return required(cpu.threads.get(made), "the new thread");
      },
      (recorded, thread) => this.#nameThread(recorded, thread, cpu, info),
      (thread) => cpu.killThread(thread.capability),
    );
  }

  /** Threads that another child passes on, as far as it has them again. @returns how many */
  takeThreads({ cpu, info }: CpuPart): number {
    return this.passedOn.take<ThreadInfo, CpuThread>(info.threads, "cpu-thread", (recorded, behind) => {
      const { pd, options } = this.#madeBy(recorded);
      this.#nameThread(recorded, cpu.takeIn(behind, pd, options), cpu, info);
    });
  }

  #madeBy({ name, affinity, weight, utcb, pdBadge }: ThreadInfo) {
    return { pd: this.#translation.get<PdSession>(pdBadge), options: { name, affinity, weight, utcb } };
  }

  #nameThread(info: ThreadInfo, thread: RtcrCpuThread, cpu: RtcrCpu, { id, threads }: CpuInfo): void {
    if (thread.name !== info.name) {
      throw this.#faults.mismatch(`thread "${info.name}", which is "${thread.name}" now,`);
    }
    this.threads.push({ thread, info, cpu });
    this.#translation.add(info.badge, thread.capability);
    this.#translation.add(info.nativeBadge, cpu.nativeOf(thread));
    const main = id === ENV_SESSION.cpu && threads.every(({ allocated }) => allocated >= info.allocated);
    if (main && info.name === this.#info.name) this.#child.setMainThread(thread.capability);
  }

  makeSignals({ pd, info }: RestoredPart): void {
    const { require } = this.#faults;
    restoreSignals({ pd, info, context: this.#child.tracked.context, translation: this.#translation, require });
  }

  makeDataspaces({ pd, info: { dataspaces } }: RestoredPart): void {
    this.#objects<DataspaceInfo, NonNullable<ReturnType<typeof pd.dataspaces.get>>>(
      dataspaces,
      pd.dataspaces,
      (info) => {
        const { size, cached, role } = info;
        const made = this.#faults.require(pd.alloc(size, cached), `dataspace ${role} of ${size} bytes`);
        this.made.add(info);
        return required(pd.dataspaces.get(made), "the dataspace");
      },
      (info, dataspace) => {
        if (dataspace.size !== info.size || dataspace.cached !== info.cached) {
          const found = `${dataspace.size} bytes, ${dataspace.cached}`;
          throw this.#faults.mismatch(`${info.role}, of ${info.size} bytes, ${info.cached}, which is ${found} now,`);
        }
        if (info.content.length !== toPages(info.size)) {
          throw this.#faults.mismatch(
            `${info.role}, of ${info.size} bytes, with a content of ${info.content.length} bytes,`,
          );
        }
        this.#translation.add(info.badge, dataspace.capability);
      },
      ({ capability }) => pd.free(capability),
    );
  }

  makeRegionMaps(info: RmInfo): void {
    const rm = this.#rm(info);
    this.#objects(
      info.regionMaps.filter(({ behindBadge }) => behindBadge === undefined),
      rm.maps,
      ({ size }) => {
        const made = this.#faults.require(rm.create(size), `a region map of ${size} bytes`);
        return required(rm.map(made), "the map");
      },
      (info, map) => this.#nameMap(info, map),
      ({ capability }) => rm.destroy(capability),
    );
  }

  /** Region maps that another child passes on, as far as it has them again. @returns how many */
  takeRegionMaps(info: RmInfo): number {
    const rm = this.#rm(info);
    return this.passedOn.take<RegionMapInfo, RegionMap>(info.regionMaps, "region-map", (recorded, behind) =>
      this.#nameMap(recorded, rm.takeIn(behind)),
    );
  }

  #rm({ id }: RmInfo): RtcrRm {
    const rm = this.#child.tracked.at(id);
    if (rm instanceof RtcrRm) return rm;
    throw this.#faults.mismatch(`session ${id}, an RM session,`);
  }

  /** Region maps that the child has made itself, and what was recorded of each. */
  ownMaps(info: RmInfo): readonly (readonly [RtcrRegionMap, RegionMapInfo])[] {
    const maps = [...this.#rm(info).maps];
    return info.regionMaps.map((recorded) => {
      const map = maps.find(({ allocated }) => allocated === recorded.allocated);
      return [required(map, "a region map of the child's own"), recorded];
    });
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
}
