// What records of one restore say of each other where a child passes on what it has of core: looked at before anything is made,
// so that a forged one cannot have a child work with what is another's.
//
// I1  What stands before something stands before what the server of its session has made, for nobody else.
// I2  A thread is in a PD of the restore.
import {
  type ChildInfo,
  type CpuInfo,
  cpusOf,
  type FurtherCpuInfo,
  type ObjectInfo,
  type PassedOnInfo,
  type PdInfo,
  type SessionInfo,
  type SystemCheckpoint,
  type ThreadInfo,
} from "../checkpoint/index.ts";
import { mapsOf } from "./passed-on.ts";
import { RestoreFaults } from "./restore-faults.ts";

/** @throws RtcrFault "mismatch" */
export function requireSound({ children }: SystemCheckpoint): void {
  const pds = new Set(children.flatMap(pdsOf).map(({ badge }) => badge));
  const taken = new Set<ObjectInfo>();
  for (const child of children) {
    new Records(child, children, taken).require();
    const lost = threadsOf(child).find(({ pdBadge }) => !pds.has(pdBadge));
    if (lost) throw new RestoreFaults(child.name).mismatch(`the PD of thread "${lost.name}"`);
  }
}

function pdsOf({ pd, components = [] }: ChildInfo): readonly PdInfo[] {
  return [pd, ...components.map((each) => each.pd)];
}

function threadsOf(child: ChildInfo): readonly ThreadInfo[] {
  return cpusOf(child).flatMap(({ threads }) => threads);
}

/** One child's, and those of who passes something on to it. */
class Records {
  readonly #child: ChildInfo;
  readonly #children: readonly ChildInfo[];
  /** What something stands before already. */
  readonly #taken: Set<ObjectInfo>;
  readonly #faults: RestoreFaults;

  constructor(child: ChildInfo, children: readonly ChildInfo[], taken: Set<ObjectInfo>) {
    this.#child = child;
    this.#children = children;
    this.#taken = taken;
    this.#faults = new RestoreFaults(child.name);
  }

  require(): void {
    for (const cpu of cpusOf(this.#child)) this.#requireThreads(cpu);
    for (const rm of this.#child.rms) {
      const server = this.#serverOf(rm, ({ rms }) => rms);
      const made = server?.rms.flatMap(({ regionMaps }) => regionMaps) ?? [];
      for (const map of rm.regionMaps) {
        this.#stands(server, map, "region-map", (badge) =>
          made.find((each) => each.badge === badge && each.size === map.size),
        );
      }
    }
    for (const pd of pdsOf(this.#child)) this.#requirePd(pd);
  }

  #requireThreads(cpu: CpuInfo & Partial<FurtherCpuInfo>): void {
    const server = this.#serverOf(cpu, cpusOf);
    const behind = server && cpusOf(server).find(({ nativeBadge }) => nativeBadge === cpu.nativeBehindBadge);
    for (const thread of cpu.threads) {
      const { nativeBadge, pdBadge } = thread;
      this.#stands(server, thread, "cpu-thread", (badge) =>
        behind?.threads.find(
          (each) => each.badge === badge && each.nativeBadge === nativeBadge && each.pdBadge === pdBadge,
        ),
      );
    }
  }

  #requirePd(pd: PdInfo): void {
    const server = this.#serverOf(pd, pdsOf);
    const component = server?.components?.find((each) => each.pd.nativeBadge === pd.nativeBehindBadge);
    const behind = component?.program === "" ? component.pd : undefined;
    if ((server || pd.nativeBehindBadge !== undefined) && !behind)
      throw this.#faults.mismatch(`what PD session ${pd.id} stands before`);
    const areas = behind ? mapsOf(behind) : [];
    for (const [i, map] of mapsOf(pd).entries()) {
      this.#stands(server, map, "region-map", (badge) => (areas[i]?.badge === badge ? areas[i] : undefined));
    }
    if (!behind) return;
    for (const kind of ["signalSources", "signalContexts", "rpcObjects", "dataspaces"] as const) {
      const badges = new Set(behind[kind].map(({ badge }) => badge));
      const lacking = pd[kind].find(({ badge }) => !badges.has(badge));
      if (lacking)
        throw this.#faults.mismatch(`object ${lacking.allocated}, of a PD session that another child passes on,`);
    }
  }

  /** Who of the restore passes a session on, of those that it has; undefined: it is core's, or opened anew. */
  #serverOf({ id }: SessionInfo, has: (server: ChildInfo) => readonly SessionInfo[]): ChildInfo | undefined {
    const session = this.#child.foreign.find((each) => each.id === id);
    const server = this.#children.find(({ name }) => name === session?.server);
    if (!session || !server) return undefined;
    const own = [server, ...(server.components ?? [])].flatMap(({ servedBadges = [] }) => servedBadges);
    if ([...own, ...has(server).map(({ badge }) => badge)].includes(session.badge)) return server;
    throw this.#faults.mismatch(`what ${session.service} session ${id} at "${server.name}" stands before`);
  }

  /** @param behind what a badge may be */
  #stands(
    server: ChildInfo | undefined,
    { allocated, behindBadge }: PassedOnInfo,
    kind: string,
    behind: (badge: number) => ObjectInfo | undefined,
  ): void {
    if (!server && behindBadge === undefined) return;
    if (behindBadge === undefined)
      throw this.#faults.mismatch(`object ${allocated}, a ${kind} that no other child has made,`);
    const found = behind(behindBadge);
    if (!found || this.#taken.has(found))
      throw this.#faults.mismatch(`what object ${allocated}, a ${kind}, stands before`);
    this.#taken.add(found);
  }
}
