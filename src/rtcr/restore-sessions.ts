// A child's sessions: those to the outside are opened again in its name, and their state is brought back.
import type { ForeignSessionInfo, FurtherCpuInfo, PdInfo, RomInfo, SessionInfo } from "../checkpoint/index.ts";
import { isOver } from "../init/index.ts";
import {
  type Capability,
  FIRST_FREE_SESSION,
  readQuota,
  readSessionArgs,
  type SignalContext,
  subtractQuota,
  writeQuota,
  writeSessionArgs,
} from "../session/index.ts";
import type { Adoptions } from "./adoptions.ts";
import type { RtcrFault } from "./faults.ts";
import { mapsOf } from "./passed-on.ts";
import { RtcrReport } from "./report.ts";
import type { RestoredChild } from "./restore.ts";
import type { Streams } from "./restore-streams.ts";
import { type Keep, RtcrRom } from "./rom.ts";
import { RtcrTimer } from "./timer.ts";
import type { Translation } from "./translation.ts";

interface Context {
  readonly translation: Translation;
  readonly keep: Keep;
  readonly adoptions: Adoptions;
  readonly streams: Streams;
  readonly refused: (what: string, why: string) => RtcrFault;
}

export class Sessions {
  /** The child is to be told that a session is not as it was. */
  changed = false;
  /** Whose modules have another content here. */
  readonly changedRoms: (readonly [RtcrRom, RomInfo])[] = [];
  readonly #child: RestoredChild;
  readonly #context: Context;

  constructor(child: RestoredChild, context: Context) {
    this.#child = child;
    this.#context = context;
  }

  /** Closes what is there and was not recorded, or was another session: of a bootstrap, or of a program that was loaded. */
  closeOthers(): void {
    const { info, parent, sessions } = this.#child;
    const recorded = new Map(this.#recorded().map((each) => [each.info.id, each]));
    const adopted = new Set(this.#context.adoptions.open.map(({ id }) => id));
    const foreign = new Set(info.foreign.map(({ id }) => id));
    for (const { id, service, args } of sessions()) {
      if (id < FIRST_FREE_SESSION) continue;
      const known = recorded.get(id);
      const same = known?.service === service && withoutQuotas(known.info.creationArgs) === withoutQuotas(args);
      if (adopted.has(id) || !(same || foreign.has(id))) parent.close(id);
    }
  }

  /** Opens what the child had opened, in its order; the environment is there already. */
  open(): void {
    const { adoptions, streams, translation } = this.#context;
    const adopted = new Set(adoptions.open.map(({ id }) => id));
    const sessions = this.#recorded().filter(({ info: { id } }) => !adopted.has(id));
    for (const { service, info } of sessions.sort((a, b) => a.info.allocated - b.info.allocated)) {
      translation.add(info.badge, this.#session(service, info));
    }
    streams.rest(adopted);
    this.#showDataspaces();
  }

  /** State, when all that it names is there. */
  restore(): void {
    const { timers, roms, reports } = this.#child.info;
    const { tracked } = this.#child;
    const { adoptions, translation } = this.#context;
    const context = (badge: number) => translation.get<SignalContext>(badge);
    const timerOf = bySession(tracked.of(RtcrTimer));
    const inOrder = timers.toSorted((x, y) => (x.place ?? 0) - (y.place ?? 0));
    for (const info of inOrder) {
      timerOf.get(info.id)?.restore(info, context(info.handlerBadge), adoptions.has(info.id));
    }
    const reportOf = bySession(tracked.of(RtcrReport));
    for (const info of reports) {
      reportOf.get(info.id)?.restore(info, context(info.handlerBadge ?? 0), adoptions.has(info.id));
    }
    const romOf = bySession(tracked.of(RtcrRom));
    for (const info of roms) {
      const rom = romOf.get(info.id);
      if (rom?.listen(info, context(info.handlerBadge))) this.changedRoms.push([rom, info]);
    }
  }

  #recorded(): { readonly service: string; readonly info: SessionInfo }[] {
    const { logs, timers, roms, rms, reports, foreign, components = [], cpus = [] } = this.#child.info;
    const { fileSystems = [], terminals = [] } = this.#child.info;
    const outside = foreign.filter((info) => info.server === "" && !isOver(info.phase));
    if (outside.some(({ closing }) => closing)) this.changed = true;
    const all: readonly (readonly [service: string, infos: readonly SessionInfo[]])[] = [
      ["PD", components.map(({ pd }) => pd)],
      ["CPU", cpus],
      ["LOG", logs],
      ["Timer", timers],
      ["ROM", roms],
      ["RM", rms],
      ["Report", reports],
      ["File_system", fileSystems],
      ["Terminal", terminals],
      ...outside.filter(({ closing }) => !closing).map((info) => [info.service, [info]] as const),
    ];
    return all.flatMap(([service, infos]) => infos.map((info) => ({ service, info })));
  }

  #session(service: string, info: SessionInfo): Capability {
    const { tracked, parent } = this.#child;
    const { refused } = this.#context;
    const { id, creationArgs } = info;
    const there = parent.sessionCap(id);
    const exists = there.ok && there.value.valid;
    const { affinity } = info as Partial<FurtherCpuInfo>;
    const open = () => parent.session(id, service, creationArgs, affinity);
    const makes = "stackArea" in info ? mapsOf(info as PdInfo) : [];
    const was = info.badge === 0 ? [] : [info, ...makes]; // of no number, while it was only asked for
    const made = exists ? there : tracked.context.as(was, open);
    if (!made.ok) throw refused(`${service} session ${id} (${creationArgs})`, made.reason);
    const { phase } = info as Partial<ForeignSessionInfo>;
    if (phase === "create-requested" && made.value.valid) this.changed = true;
    if (phase !== "create-requested" && !made.value.valid) {
      throw refused(`${service} session ${id}`, "it is served by a component that takes its time");
    }
    this.upgrade(service, info);
    return made.value;
  }

  /** What the session was upgraded by, as far as a bootstrap has not done that. */
  upgrade(service: string, { id, upgradeArgs }: SessionInfo): void {
    const { tracked, parent } = this.#child;
    const more = subtractQuota(readQuota(upgradeArgs), tracked.upgradesOf(id));
    if (more.ram === 0 && more.caps === 0) return;
    const upgraded = parent.upgrade(id, writeQuota(more));
    if (upgraded.ok) return;
    throw this.#context.refused(`the upgrade of ${service} session ${id} by ${writeQuota(more)}`, upgraded.reason);
  }

  #showDataspaces(): void {
    const { tracked, info: recorded } = this.#child;
    const { translation, keep } = this.#context;
    const romOf = bySession(tracked.of(RtcrRom));
    for (const info of recorded.roms) {
      const rom = romOf.get(info.id);
      rom?.show(info, keep);
      if (rom) translation.add(info.dataspaceBadge, rom.current);
    }
    const reportOf = bySession(tracked.of(RtcrReport));
    for (const info of recorded.reports) {
      const report = reportOf.get(info.id);
      if (report) translation.add(info.dataspaceBadge, report.current);
    }
  }
}

/** What is asked for; how much is donated for it is another matter. */
function withoutQuotas(args: string): string {
  const read = readSessionArgs(args);
  const rest = [...(read.ok ? read.value : [])].filter(([key]) => key !== "ram_quota" && key !== "cap_quota");
  const written = writeSessionArgs(rest);
  return written.ok ? written.value : args;
}

/** Interposers by the number of their session. */
export function bySession<T extends { readonly base: { readonly id: number } }>(
  list: readonly T[],
): ReadonlyMap<number, T> {
  return new Map(list.map((interposer) => [interposer.base.id, interposer]));
}
