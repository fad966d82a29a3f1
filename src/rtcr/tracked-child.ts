// One child under RTCR: its interposers by session, from the first capability that it gets on.
import type { ForeignSessionInfo, SessionInfo } from "../checkpoint/index.ts";
import type { Session, SessionReader, SessionWriter } from "../init/index.ts";
import {
  addQuota,
  type Capability,
  type CpuSession,
  ENV_SESSION,
  FIRST_FREE_SESSION,
  type FileSystemObject,
  type KernelObject,
  type Location,
  type LogSession,
  NO_QUOTA,
  type ObjectKind,
  objectOf,
  type PdSession,
  type Quota,
  type ReportSession,
  type RmSession,
  type RomSession,
  readQuota,
  type SessionState,
  type SlotWriter,
  type TerminalObject,
  type TimerSession,
  writeQuota,
} from "../session/index.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrFileSystem } from "./file-system.ts";
import { type InterposerClass, InterposerLists } from "./interposer-lists.ts";
import { RtcrLog } from "./log.ts";
import { RtcrPd } from "./pd.ts";
import { RtcrReport } from "./report.ts";
import { RtcrRm } from "./rm.ts";
import { RtcrRom } from "./rom.ts";
import type { Opened, Resumable, Resuming } from "./session.ts";
import { RtcrTerminal } from "./terminal.ts";
import { RtcrTimer } from "./timer.ts";
import { type ChildContext, type SavedContext, type SavedFronts, savedRecord } from "./tracked.ts";

/** Every kind of session that RTCR stands in front of. */
export type Interposer =
  | RtcrPd
  | RtcrCpu
  | RtcrRm
  | RtcrRom
  | RtcrLog
  | RtcrTimer
  | RtcrReport
  | RtcrFileSystem
  | RtcrTerminal;

type Make = (context: ChildContext, opened: Opened<never>) => Interposer;

/** Adding a kind is a line here and a file of its own. A module may replace any of them (spec 1.5, S112). */
export type Interposers = Readonly<Partial<Record<ObjectKind, Make>>>;

export const BASE_INTERPOSERS: Interposers = {
  pd: (context, opened: Opened<PdSession>) => new RtcrPd(context, opened),
  cpu: (context, opened: Opened<CpuSession>) => new RtcrCpu(context, opened),
  rm: (context, opened: Opened<RmSession>) => new RtcrRm(context, opened),
  rom: (context, opened: Opened<RomSession>) => new RtcrRom(context, opened),
  log: (context, opened: Opened<LogSession>) => new RtcrLog(context, opened),
  timer: (context, opened: Opened<TimerSession>) => new RtcrTimer(context, opened),
  report: (context, opened: Opened<ReportSession>) => new RtcrReport(context, opened),
  "file-system": (context, opened: Opened<FileSystemObject>) => new RtcrFileSystem(context, opened),
  terminal: (context, opened: Opened<TerminalObject>) => new RtcrTerminal(context, opened),
};

/** Interposers of these ask the session behind them as they are made: no program that is restored after them can serve it. */
const ASKED_AT_ONCE: readonly ObjectKind[] = ["pd"];

/** Kinds of sessions whose objects are core's, whoever passes them on. */
const PASSED_ON: readonly ObjectKind[] = ["pd", "cpu", "rm"];

/** A session that another child of a restore serves. */
export interface TakenIn {
  readonly recorded: SessionInfo;
  /** As `Opened` has it. */
  readonly behind?: readonly Capability[] | undefined;
}

/** An interposer as plain data: how it was opened, and its own state. Sessions are places, capabilities slots. */
interface SavedInterposer extends SavedFronts {
  readonly session: number;
  readonly kind: ObjectKind;
  readonly args: string;
  readonly upgradeArgs: string;
  readonly real: number;
  /** As `Made` has it; absent: an older state, the session is asked. */
  readonly behind?: readonly number[] | undefined;
  /** Null: it has none. */
  readonly state: SessionState;
}

export interface SavedTrackedChild {
  readonly name: string;
  readonly context: SavedContext;
  readonly location?: Location | undefined;
  readonly interposers: readonly SavedInterposer[];
  /** Badges are others in another life. */
  readonly foreign: readonly { readonly session: number; readonly info: Omit<ForeignSessionInfo, "badge"> }[];
  readonly upgrades: readonly { readonly session: number; readonly quota: Quota }[];
}

export class TrackedChild {
  readonly name: string;
  readonly context: ChildContext;
  readonly #make: Interposers;
  #location: Location | undefined;
  readonly #interposers = new Map<Session, Interposer>();
  readonly #lists = new InterposerLists(this.#interposers);
  readonly #foreign = new Map<Session, ForeignSessionInfo>();
  /** Upgrades by session, summed up. */
  readonly #upgrades = new Map<Session, Quota>();
  /** The session that is being taken in. */
  #taken: TakenIn | undefined;

  constructor(name: string, context: ChildContext, make: Interposers = BASE_INTERPOSERS) {
    this.name = name;
    this.context = context;
    this.#make = make;
  }

  /** Interposers of one class, oldest first; without those whose server has ended, or that the child has closed. */
  of<T extends Interposer>(kind: InterposerClass<T>): readonly T[] {
    return this.#lists.of(kind);
  }

  /** Sessions that are not interposed: other children serve them, or somebody outside. */
  get foreign(): readonly ForeignSessionInfo[] {
    return Array.from(this.#foreign, ([session, info]) => {
      const badge = session.capability.valid ? info.badge : 0;
      return { ...info, badge, ...progressOf(session) };
    });
  }

  /** Whether `of` or `foreign` has a session. */
  has(session: Session): boolean {
    return this.#foreign.has(session) || (this.#interposers.has(session) && !session.unwanted);
  }

  /** Interposed sessions that some children serve, as sessions of those: by the objects that they serve. */
  servedBy(children: readonly string[]): readonly ForeignSessionInfo[] {
    return Array.from(this.#interposers).flatMap(([session, { base }]) => {
      const { route } = session.request;
      if (route.to !== "child" || !children.includes(route.child) || !base.real.valid || session.unwanted) return [];
      return [{ ...foreignFields(session, base.creationArgs), ...base.info, badge: base.real.badge }];
    });
  }

  /** A checkpoint of these children begins: what they pass on to this one, if it is among them, is recorded with them. */
  passOn(children: readonly string[]): void {
    for (const [{ request, unwanted }, { kind, base }] of this.#interposers) {
      const { route } = request;
      const open = PASSED_ON.includes(kind) && !unwanted;
      base.passedOn = open && route.to === "child" && children.includes(route.child);
    }
  }

  /** What RTCR stands in front of the child's session of this number with. */
  at(id: number): Interposer | undefined {
    return [...this.#interposers.values()].find(({ base }) => base.id === id);
  }

  /** What RTCR stands in front of a session with; undefined: nothing. */
  interposer(session: Session): Interposer | undefined {
    return this.#interposers.get(session);
  }

  /** Whether RTCR would stand in front of a session. */
  knows({ object }: Capability): boolean {
    return object !== undefined && this.#make[object.kind] !== undefined;
  }

  /** What the child gets for a session of a service. @param args as the child would open it again */
  deliver(session: Session, real: Capability, args: string): Capability {
    const { id } = session.request;
    const { recorded, behind } = this.#taken?.recorded.id === id ? this.#taken : { recorded: undefined };
    const asked = id < FIRST_FREE_SESSION ? undefined : recorded; // init tells of environments
    const delivered = this.#front(session, real, asked?.creationArgs ?? args, behind);
    if (asked) this.upgraded(session, readQuota(asked.upgradeArgs));
    return delivered;
  }

  #front(session: Session, real: Capability, args: string, behind?: readonly Capability[]): Capability {
    const { id, route } = session.request;
    const kind = this.context.badges.kindOf(real);
    const make = kind && this.#make[kind];
    if (make) {
      const opened = { id, args, affinity: this.#relative(session), real: real as Capability<never> };
      const interposer = make(this.context, { ...opened, sibling: route.to === "child", behind });
      this.#interposers.set(session, interposer);
      this.#lists.changed();
      return interposer.base.capability as Capability<KernelObject>;
    }
    const record = this.context.record(real.badge);
    this.#foreign.set(session, { ...record, ...foreignFields(session, args) });
    return real;
  }

  /** Takes a session in that was opened, and upgraded since, as it was recorded: it is recorded so again. */
  takeIn<T>(taken: TakenIn, adopt: () => T): T {
    this.#taken = taken;
    try {
      return adopt();
    } finally {
      this.#taken = undefined;
    }
  }

  /** The CPUs of a session relative to the child's, which are those of its environment. */
  #relative({ request: { id, affinity } }: Session): Location {
    if (id === ENV_SESSION.cpu) this.#location = affinity;
    const { x, y } = this.#location ?? affinity;
    return { ...affinity, x: Math.max(0, affinity.x - x), y: Math.max(0, affinity.y - y) };
  }

  /** A session that has no capability (yet). @param args as the child would ask again */
  pending(session: Session, args: string): ForeignSessionInfo {
    return { badge: 0, allocated: 0, bootstrapped: false, ...foreignFields(session, args) };
  }

  /** A session's donation has grown (S66: the service has been told already). */
  upgraded(session: Session, more: Quota): void {
    const total = addQuota(this.#upgrades.get(session) ?? NO_QUOTA, more);
    if (total.ram === 0 && total.caps === 0) return;
    this.#upgrades.set(session, total);
    const args = writeQuota(total);
    this.#interposers.get(session)?.base.upgraded(args);
    const foreign = this.#foreign.get(session);
    if (foreign) this.#foreign.set(session, { ...foreign, upgradeArgs: args });
  }

  /** What the child's session of this number has been upgraded by. */
  upgradesOf(id: number): Quota {
    const found = [...this.#upgrades].find(([session]) => session.request.id === id);
    return found?.[1] ?? NO_QUOTA;
  }

  /** A session is closed: what stood in front of it ends with it. */
  ended(session: Session): void {
    this.#interposers.get(session)?.dispose();
    this.#interposers.delete(session);
    this.#lists.changed();
    this.#foreign.delete(session);
    this.#upgrades.delete(session);
  }

  /** What the supervisor knows of the child, when it is checkpointed itself. @throws RtcrFault "unsaveable" */
  capture(slots: SlotWriter, sessions: SessionWriter): SavedTrackedChild {
    const living = [...this.#interposers].filter(([, { base }]) => base.real.valid);
    for (const [{ service, request }, { kind, base }] of living) {
      if (request.route.to !== "child" || !ASKED_AT_ONCE.includes(kind) || base.real.object instanceof RtcrPd) continue;
      const message = `its child "${this.name}" has ${service} session ${request.id} of its child "${request.route.child}"`;
      throw new RtcrFault("unsaveable", message, { child: this.name, server: request.route.child });
    }
    return {
      name: this.name,
      context: this.context.capture(),
      location: this.#location,
      interposers: living.map(([session, each]) => savedInterposer(sessions.place(session), each, slots)),
      foreign: Array.from(this.#foreign, ([session, { badge: _, ...info }]) => ({
        ...{ session: sessions.place(session), info },
      })),
      upgrades: Array.from(this.#upgrades, ([session, quota]) => ({ session: sessions.place(session), quota })),
    };
  }

  /**
   * What is behind the interposers is there, or promised.
   *
   * @returns resumes those that can be, which stand before nothing that other interposers of the supervisor have yet to serve,
   *   and says how many; to be called until there is none. With `rest` none must be left @throws TypeError
   */
  resume(saved: SavedTrackedChild, sessions: SessionReader, resuming: Resuming): (rest?: boolean) => number {
    this.context.resume(saved.context);
    this.#location = saved.location;
    for (const { session: place, info } of saved.foreign) {
      const session = sessions.at(place);
      this.#foreign.set(session, { ...info, badge: session.capability.badge });
    }
    for (const { session, quota } of saved.upgrades) this.#upgrades.set(sessions.at(session), quota);
    const left = new Set(saved.interposers);
    const behind = ({ behind = [] }: SavedInterposer) => behind.map((slot) => resuming.slots.held(slot));
    return (rest = false) => {
      const [lacking] = left;
      if (rest && lacking) throw new TypeError(`a ${lacking.kind} session of "${this.name}": nothing is behind it`);
      const next = [...left].filter((each) => behind(each).every(({ valid }) => valid));
      for (const each of next) {
        left.delete(each);
        this.#resumeInterposer(each, sessions.at(each.session), resuming);
      }
      return next.length;
    };
  }

  #resumeInterposer(saved: SavedInterposer, session: Session, resuming: Resuming): void {
    const make = this.#make[saved.kind];
    if (!make) throw new TypeError(`a ${saved.kind} session of "${this.name}": expected one that is interposed`);
    const { slots } = resuming;
    const { id, route } = session.request;
    const real = slots.held<KernelObject>(saved.real, saved.kind) as Capability<never>;
    const behind = saved.behind?.map((slot) => slots.held(slot));
    const opened = {
      ...{ id, args: saved.args, affinity: this.#relative(session), real },
      ...{ sibling: route.to === "child", behind },
    };
    if (ASKED_AT_ONCE.includes(saved.kind) && objectOf(real, saved.kind) === undefined) {
      throw new TypeError(`session ${id} of "${this.name}": expected a ${saved.kind} session behind it`);
    }
    const interposer = this.context.again(slots, saved, () => make(this.context, opened));
    interposer.base.upgraded(saved.upgradeArgs);
    const { resume } = interposer as Partial<Resumable<SessionState>>;
    if (saved.state !== null) resume?.call(interposer, saved.state, resuming);
    this.#interposers.set(session, interposer);
    this.#lists.changed();
  }

  /** Whether nothing is left of the child. */
  get empty(): boolean {
    return this.#interposers.size === 0 && this.#foreign.size === 0;
  }
}

function savedInterposer(session: number, interposer: Interposer, slots: SlotWriter): SavedInterposer {
  const { kind, base } = interposer;
  const { made, capture } = interposer as Partial<Resumable<SessionState>>;
  const { fronts, records, behind } = made ?? base.made;
  return {
    ...{ session, kind, args: base.creationArgs, upgradeArgs: base.upgradeArgs, real: slots.held(base.real) },
    fronts: fronts.map((front) => slots.served(front)),
    records: records.map(savedRecord),
    behind: behind.map((capability) => slots.held(capability)),
    state: capture?.call(interposer, slots) ?? null,
  };
}

function foreignFields(session: Session, creationArgs: string) {
  const { request, service, serverId } = session;
  const server = request.route.to === "child" ? request.route.child : "";
  return { id: request.id, service, creationArgs, upgradeArgs: "", server, serverId, ...progressOf(session) };
}

function progressOf({ phase, added, unwanted, handedOut }: Session) {
  const addedArgs = added.ram === 0 && added.caps === 0 ? "" : writeQuota(added);
  const over = phase === "closed" && handedOut;
  return { phase, addedArgs, ...(unwanted ? { closing: true } : {}), ...(over ? { handedOut: true } : {}) };
}
