// What a child has of another one of the restore, which passes on what it has of core itself: threads and region maps are made
// by the session of that other one, and recorded there; this child's stand before them.
//
// I1  Nobody is asked for anything: a program in TypeScript that passes a session on is not there yet.
// I2  Whatever stands before something comes after it, through however many children it goes.
import type {
  ChildInfo,
  CpuInfo,
  ObjectInfo,
  PassedOnInfo,
  PdInfo,
  RegionMapInfo,
  SessionInfo,
} from "../checkpoint/index.ts";
import { type Capability, type KernelObject, type ObjectKind, objectOf } from "../session/index.ts";
import type { RestoredChild } from "./restore.ts";
import type { RestoreFaults } from "./restore-faults.ts";
import type { RestoredPart } from "./restore-part.ts";
import type { Translation } from "./translation.ts";

/** A session of core's that another child passes on, as it is recorded. */
export interface PassedOnSession {
  readonly kind: ObjectKind;
  /** Kinds and badges of what `Opened.behind` has. */
  readonly behind: readonly (readonly [kind: ObjectKind, badge: number])[];
  /** What its making makes besides. */
  readonly makes: readonly ObjectInfo[];
}

/** By the child's numbers: those that would be passed on if another child served them. */
export function passedOnSessions({
  cpu,
  cpus = [],
  rms,
  components = [],
}: ChildInfo): ReadonlyMap<number, PassedOnSession> {
  const behind = <K extends ObjectKind>(kind: K, { nativeBehindBadge = 0 }: CpuInfo | PdInfo) =>
    [[kind, nativeBehindBadge]] as const;
  const all: readonly (readonly [SessionInfo, PassedOnSession])[] = [
    ...components.map(({ pd }) => [pd, { kind: "pd", behind: behind("native-pd", pd), makes: mapsOf(pd) }] as const),
    ...[cpu, ...cpus].map((info) => [info, { kind: "cpu", behind: behind("native-cpu", info), makes: [] }] as const),
    ...rms.map((info) => [info, { kind: "rm", behind: [], makes: [] }] as const),
  ];
  return new Map(all.map(([{ id }, session]) => [id, session]));
}

/** The areas that come with a PD session. */
export function mapsOf({ addressSpace, stackArea, linkerArea }: PdInfo): readonly RegionMapInfo[] {
  return [addressSpace, stackArea, linkerArea];
}

/** Does `step` with all, again and again, until nobody gets any further. @param step how much it has done */
export function untilDone<T>(all: readonly T[], step: (each: T) => number): void {
  while (all.reduce((done, each) => done + step(each), 0) > 0);
}

export class PassedOn {
  readonly #child: RestoredChild;
  readonly #translation: Translation;
  readonly #faults: RestoreFaults;
  readonly #done = new Set<PassedOnInfo>();

  constructor(child: RestoredChild, translation: Translation, faults: RestoreFaults) {
    this.#child = child;
    this.#translation = translation;
    this.#faults = faults;
  }

  /** Whether an object is there, or was made by the session of the child itself. */
  done(info: PassedOnInfo): boolean {
    return info.behindBadge === undefined || this.#done.has(info);
  }

  /**
   * Takes in what stands before something that is there.
   *
   * @param kind of that
   * @returns how many
   */
  take<Info extends PassedOnInfo, T extends KernelObject>(
    infos: readonly Info[],
    kind: T["kind"],
    take: (info: Info, behind: Capability<T>) => void,
  ): number {
    const next = infos.filter((info) => !this.done(info) && this.#translation.has(info.behindBadge!));
    for (const info of next) {
      const behind = this.#translation.get<T>(info.behindBadge!);
      if (!objectOf<T>(behind, kind))
        throw this.#faults.mismatch(`what object ${info.allocated}, a ${kind}, stands before`);
      this.#child.tracked.context.as([info], () => take(info, behind));
      this.#done.add(info);
    }
    return next.length;
  }

  /** What a PD session has made that another child passes on: the capabilities are the same. */
  takeObjects({ pd, info }: RestoredPart): void {
    const { dataspaces, signalSources, signalContexts, rpcObjects } = info;
    for (const { badge, allocated } of [...dataspaces, ...signalSources, ...signalContexts, ...rpcObjects]) {
      if (this.#translation.get(badge).valid) continue;
      throw this.#faults.mismatch(`object ${allocated}, of a PD session that another child passes on,`);
    }
    const of = (record: ObjectInfo) => ({ capability: record.badge, record });
    const objects = {
      dataspaces: dataspaces.map((each) => ({ ...of(each), size: each.size, cached: each.cached })),
      sources: signalSources.map(of),
      contexts: signalContexts.map((each) => ({ ...of(each), source: each.sourceBadge, imprint: each.imprint })),
      rpcObjects: rpcObjects.map((each) => ({ ...of(each), entrypoint: each.entrypointBadge })),
    };
    pd.takeIn(objects, { held: (badge, kind) => this.#held(badge, kind) });
  }

  #held<T extends KernelObject>(badge: number, kind?: T["kind"]): Capability<T> {
    const capability = this.#translation.get<T>(badge);
    if (!kind || !capability.valid || objectOf<T>(capability, kind)) return capability;
    throw this.#faults.mismatch(`what was recorded as a ${kind} that another child passes on`);
  }

  /** @throws RtcrFault "mismatch" if one is still not there */
  require(infos: readonly PassedOnInfo[], kind: ObjectKind): void {
    const lacking = infos.find((info) => !this.done(info));
    if (lacking) throw this.#faults.mismatch(`object ${lacking.allocated}, a ${kind} that another child passes on,`);
  }
}
