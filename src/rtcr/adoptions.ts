// Sessions of a restored child that other children serve, which are restored with it and know them: they are not opened but
// taken in (init's broker), by the server's object. Objects of guests are there before all relations; those of programs in
// TypeScript, which are promised, when the relations of their server are made. Those that the child had only asked for, at
// servers that are not restored with it, are opened anew.
import { type FileSystemInfo, type ForeignSessionInfo, interposedSessions, type RomInfo } from "../checkpoint/index.ts";
import { isOver, type Settlement } from "../init/index.ts";
import type { Dataspace } from "../session/index.ts";
import { addQuotas } from "./creation-args.ts";
import type { RtcrFault } from "./faults.ts";
import { RtcrFileSystem } from "./file-system.ts";
import type { RestoredChild } from "./restore.ts";
import { RtcrRom } from "./rom.ts";
import type { Translation } from "./translation.ts";

export interface AdoptionParts {
  readonly translation: Translation;
  readonly settlement: Settlement;
  readonly refused: (what: string, why: string) => RtcrFault;
}

export class Adoptions {
  readonly #child: RestoredChild;
  readonly #translation: Translation;
  readonly #settlement: Settlement;
  readonly #refused: AdoptionParts["refused"];
  /** Ids. */
  readonly #done = new Set<number>();
  #changed = false;

  constructor(child: RestoredChild, { translation, settlement, refused }: AdoptionParts) {
    this.#child = child;
    this.#translation = translation;
    this.#settlement = settlement;
    this.#refused = refused;
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
    return this.open.flatMap((info) => (this.#awaits(info) ? [info.server] : []));
  }

  /** Its object is promised, or one that its server is itself a client of, and passes on: a file system, a terminal. */
  #awaits({ badge, server }: ForeignSessionInfo): boolean {
    if (badge === 0) return false;
    const passedOn = !this.#translation.has(badge) && this.#child.together.includes(server);
    return passedOn || this.#translation.promised(badge);
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
    const capability = this.#translation.get(badge);
    const what = `${service} session ${id}`;
    if (badge !== 0 && !capability.valid) throw this.#refused(what, `its server "${server}" is not restored with it`);
    const adopt = () => this.#child.adopt(info, capability, this.#settlement);
    const made = badge === 0 ? adopt() : this.#child.tracked.context.as([info], adopt);
    if (!made.ok) throw this.#refused(`${what} at "${server}"`, made.reason);
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
    const info = interposedSessions(this.#child.info).find((each) => each.id === id);
    const interposer = this.#child.tracked.at(id);
    if (!info || !interposer) return;
    this.#translation.add(info.badge, interposer.base.capability);
    const { dataspaceBadge = 0 } = info as Partial<RomInfo>;
    if (interposer instanceof RtcrRom) interposer.shows(this.#translation.get<Dataspace>(dataspaceBadge));
    if (interposer instanceof RtcrFileSystem) interposer.shows((info as FileSystemInfo).nodes);
  }
}
