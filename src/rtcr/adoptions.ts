// Sessions of a restored child that other children serve, which are restored with it and know them: they are not opened but
// taken in (init's broker), by the server's object. Objects of guests are there before all relations; those of programs in
// TypeScript, which are promised, when the relations of their server are made: of those that serve each other before that.
// Those that the child had only asked for, at servers that are not restored with it, are opened anew.
import {
  type ChildInfo,
  type FileSystemInfo,
  type ForeignSessionInfo,
  interposedSessions,
  type ObjectInfo,
  type RomInfo,
} from "../checkpoint/index.ts";
import { isOver, type Settlement } from "../init/index.ts";
import { type Capability, type Dataspace, type ObjectKind, objectOf } from "../session/index.ts";
import { addQuotas } from "./creation-args.ts";
import type { RtcrFault } from "./faults.ts";
import { RtcrFileSystem } from "./file-system.ts";
import { type PassedOnSession, passedOnSessions } from "./passed-on.ts";
import type { RestoredChild } from "./restore.ts";
import { RtcrRom } from "./rom.ts";
import type { Translation } from "./translation.ts";

export interface AdoptionParts {
  readonly translation: Translation;
  readonly settlement: Settlement;
  readonly refused: (what: string, why: string) => RtcrFault;
}

/** What a session stands before, as far as that is known. */
interface SessionBehind extends Partial<Omit<PassedOnSession, "kind">> {
  readonly kind: ObjectKind | undefined;
}

/** What stands behind a session, and the records of what its making makes besides. */
interface Given {
  readonly behind: readonly Capability[] | undefined;
  readonly makes: readonly ObjectInfo[] | undefined;
}

export class Adoptions {
  readonly #child: RestoredChild;
  readonly #translation: Translation;
  readonly #settlement: Settlement;
  readonly #refused: AdoptionParts["refused"];
  /** Ids. */
  readonly #done = new Set<number>();
  /** Those whose object was promised when they were taken in. */
  readonly #promised: ForeignSessionInfo[] = [];
  readonly #passedOn: ReadonlyMap<number, PassedOnSession>;
  #changed = false;

  constructor(child: RestoredChild, { translation, settlement, refused }: AdoptionParts) {
    this.#child = child;
    this.#translation = translation;
    this.#settlement = settlement;
    this.#refused = refused;
    this.#passedOn = passedOnSessions(child.info);
  }

  /** Those that are still to be taken in. */
  get open(): readonly ForeignSessionInfo[] {
    return this.#child.info.foreign.filter(({ id, server, phase }) => {
      if ((server === "" && !isOver(phase)) || this.#done.has(id)) return false;
      const there = this.#child.parent.sessionCap(id);
      return there.ok && !there.value.valid; // a bootstrap, or another configuration, may have opened it
    });
  }

  /** Names of the children whose objects are still to come. */
  get awaited(): readonly string[] {
    const promised = this.#promised.filter(({ badge }) => this.#translation.promised(badge));
    return [...this.open.filter((info) => this.#awaits(info)), ...promised].map(({ server }) => server);
  }

  /** Its object is promised, or one that its server is itself a client of, and passes on: a file system, a terminal. */
  #awaits({ badge, server }: ForeignSessionInfo): boolean {
    if (badge === 0) return false;
    const passedOn = !this.#translation.has(badge) && this.#child.together.includes(server);
    return passedOn || this.#translation.promised(badge);
  }

  /** Whether some have been taken in whose objects are still to come. */
  get promised(): boolean {
    return this.#promised.some(({ badge }) => this.#translation.promised(badge));
  }

  /** Whether the child is to be told that a session is not as it was. */
  get changed(): boolean {
    return this.#changed;
  }

  /** Whether a session was taken in. */
  has(id: number): boolean {
    return this.#done.has(id);
  }

  /**
   * Takes in sessions of core's that other children pass on, as far as what they stand before is there or promised.
   *
   * @returns how many
   * @throws RtcrFault "refused"
   */
  adoptPassedOn(): number {
    const next = this.open.filter(({ id, badge }) => this.#passedOn.has(id) && this.#translation.has(badge));
    for (const info of next) this.#adoptBefore(info, this.#passedOn.get(info.id)!);
    return next.length;
  }

  /**
   * Takes in sessions whose objects are promised, before anybody serves them; what servers pass on of those, when it is known.
   *
   * @returns how many
   * @throws RtcrFault "refused"
   */
  adoptPromised(): number {
    const kinds = interposedKinds(this.#child.info);
    const next = this.open.filter(({ badge }) => this.#translation.has(badge));
    for (const info of next) this.#adoptBefore(info, { kind: kinds.get(info.id) });
    return next.length;
  }

  #adoptBefore(info: ForeignSessionInfo, { kind, behind, makes }: SessionBehind): void {
    const { badges } = this.#child.tracked.context;
    const what = `${info.service} session ${info.id} at "${info.server}"`;
    if (kind && !badges.expect(this.#translation.get(info.badge), kind))
      throw this.#refused(what, `it is none of ${kind}`);
    const given = behind?.map(([of, badge]) => {
      const capability = this.#translation.get(badge);
      if (objectOf(capability, of)) return capability;
      throw this.#refused(what, `it has no ${of} of core's`);
    });
    if (this.#translation.promised(info.badge)) this.#promised.push(info);
    this.#take(info, what, { behind: given, makes });
  }

  /** @throws RtcrFault "refused" if an object that was promised has not come */
  requireMade(): void {
    const lacking = this.#promised.find(({ badge }) => !this.#translation.get(badge).valid);
    if (!lacking) return;
    throw this.#refused(`${lacking.service} session ${lacking.id}`, `"${lacking.server}" does not serve it any more`);
  }

  /**
   * @param awaited those of objects that were still to come, too
   * @throws RtcrFault "refused"
   */
  adopt(awaited: boolean): void {
    for (const info of this.open) {
      if (awaited || !this.#awaits(info)) this.#adopt(info);
    }
  }

  #adopt(info: ForeignSessionInfo): void {
    const { id, badge, service, server, phase, closing = false } = info;
    if (!isOver(phase) && !this.#child.together.includes(server) && (closing || badge === 0)) {
      this.#done.add(id);
      if (closing) this.#changed = true;
      else this.#askAnew(info);
      return;
    }
    const what = `${service} session ${id}`;
    if (badge !== 0 && !this.#translation.get(badge).valid) {
      throw this.#refused(what, `its server "${server}" is not restored with it`);
    }
    this.#take(info, `${what} at "${server}"`);
  }

  #take(info: ForeignSessionInfo, what: string, { behind, makes = [] }: Partial<Given> = {}): void {
    const { id, badge } = info;
    const adopt = () => this.#child.adopt(info, this.#translation.get(badge), this.#settlement, behind);
    const made = badge === 0 ? adopt() : this.#child.tracked.context.as([info, ...makes], adopt);
    if (!made.ok) throw this.#refused(what, made.reason);
    this.#done.add(id);
    this.#name(id);
  }

  /** The child has only asked for it, and the server that has heard of that is not restored with it, if it is there. */
  #askAnew({ id, service, server, creationArgs, upgradeArgs }: ForeignSessionInfo): void {
    const made = this.#child.parent.session(id, service, addQuotas(creationArgs, upgradeArgs));
    if (!made.ok) throw this.#refused(`${service} session ${id} at "${server}"`, made.reason);
    if (made.value.valid) this.#changed = true;
  }

  /** What RTCR stands in front of the session with, if it does, is what the child knows. */
  #name(id: number): void {
    const { info: child } = this.#child;
    const info = [...interposedSessions(child), ...child.rms].find((each) => each.id === id);
    const interposer = this.#child.tracked.at(id);
    if (!info || !interposer) return;
    this.#translation.add(info.badge, interposer.base.capability);
    const { dataspaceBadge = 0 } = info as Partial<RomInfo>;
    if (interposer instanceof RtcrRom) interposer.shows(this.#translation.get<Dataspace>(dataspaceBadge));
    if (interposer instanceof RtcrFileSystem) interposer.shows((info as FileSystemInfo).nodes);
  }
}

/** What RTCR stands in front of, by the numbers of sessions. */
function interposedKinds(child: ChildInfo): ReadonlyMap<number, ObjectKind> {
  const { logs, timers, roms, reports, fileSystems = [], terminals = [] } = child;
  const all = { log: logs, timer: timers, rom: roms, report: reports, "file-system": fileSystems, terminal: terminals };
  return new Map(
    Object.entries(all).flatMap(([kind, infos]) => infos.map(({ id }) => [id, kind as keyof typeof all] as const)),
  );
}
