// Services that init offers to its own parent (spec 3.1 `<service>`): requests come by the parent's `session_requests`
// module, like to any server, and are passed to the child that the policy names.
import {
  type Capability,
  DONATION,
  type Identity,
  INVALID,
  type OutOf,
  objectOf,
  type ParentSession,
  type RomSession,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
} from "../session/index.ts";
import { type Attempt, success } from "../util/index.ts";
import type { Household } from "./child/household.ts";
import type { UpwardService } from "./config/types.ts";
import type { Family } from "./family.ts";
import type { OwnEvents, OwnSessions } from "./own-sessions.ts";
import { readRom } from "./rom-text.ts";
import { REQUESTS_MODULE, resolveUpward } from "./routing/route.ts";
import { readArgs } from "./sessions/arguments.ts";
import { readRequests, type ServerRequest } from "./sessions/requests.ts";
import type { SessionReader, SessionWriter } from "./sessions/saved-sessions.ts";
import { isRefused, type Session, type SessionClient } from "./sessions/session.ts";

type Create = Extract<ServerRequest, { kind: "create" }>;

/** A slot, and places of sessions. */
export interface SavedUpward {
  readonly rom: number;
  readonly opened: boolean;
  readonly announced: readonly string[];
  readonly sessions: readonly number[];
  /** Sessions of the program around this init; absent: it has none. */
  readonly programs?: readonly SavedProgramSession[];
}

interface SavedProgramSession {
  /** The parent's. */
  readonly id: number;
  readonly service: string;
  readonly label: string;
  readonly served: number;
}

interface ProgramSession extends Pick<Create, "service" | "label"> {
  readonly identity: Identity;
}

export class Upward {
  readonly #house: Household;
  readonly #family: Family;
  readonly #own: OwnSessions;
  readonly #sigh: Capability<SignalContext>;
  /** By the parent's ids. */
  readonly #sessions = new Map<number, Session>();
  /** Sessions of the program around this init, by the parent's ids. */
  readonly #programs = new Map<number, ProgramSession>();
  readonly #announced = new Set<string>();
  /** Who pays for the sessions of the parent's clients. */
  readonly client: SessionClient;
  #services: readonly UpwardService[] = [];
  #rom: Capability<RomSession> = INVALID;
  #opened = false;

  /** @param sigh a context whose signals lead to `poll` */
  constructor(house: Household, family: Family, own: OwnSessions, sigh: Capability<SignalContext>) {
    this.#house = house;
    this.#family = family;
    this.#own = own;
    this.#sigh = sigh;
    this.client = new UpwardClient(({ request: { id } }) => house.later({ do: "answer", id }));
  }

  configure(services: readonly UpwardService[]): void {
    this.#services = services;
    if (services.length > 0 && !this.#opened) this.#open();
    for (const { name } of services) {
      if (this.#announced.has(name)) continue;
      this.#announced.add(name);
      this.#parent()?.announce(name);
    }
  }

  /** The module may have changed. */
  poll(): void {
    const rom = objectOf<RomSession>(this.#rom, "rom");
    const text = rom && readRom(rom);
    for (const request of readRequests(text ?? "")) this.#serve(request);
  }

  #open(): void {
    this.#opened = true;
    this.#own.open({ service: "ROM", label: REQUESTS_MODULE, donation: DONATION.ROM }, this.events());
  }

  /** What becomes of the session of the parent's requests. */
  events(): OwnEvents {
    return {
      ready: (capability) => {
        this.#rom = capability as Capability<RomSession>;
        objectOf<RomSession>(capability, "rom")?.sigh(this.#sigh);
        this.poll();
      },
      refused: (reason) => this.#house.warn(`no session requests, services are not offered: ${reason}`),
    };
  }

  capture(slots: SlotWriter, sessions: SessionWriter): SavedUpward {
    return {
      rom: slots.held(this.#rom),
      opened: this.#opened,
      announced: [...this.#announced],
      sessions: sessions.places(this.#sessions.values()),
      programs: Array.from(this.#programs, ([id, { service, label, identity }]) => ({
        ...{ id, service, label, served: slots.served(identity.capability) },
      })),
    };
  }

  /** @param services as is in force */
  restore(
    { rom, opened, announced, sessions, programs = [] }: SavedUpward,
    services: readonly UpwardService[],
    slots: SlotReader,
    reader: SessionReader,
  ): void {
    this.#services = services;
    this.#rom = slots.held<RomSession>(rom, "rom");
    this.#opened = opened;
    for (const name of announced) this.#announced.add(name);
    for (const session of reader.all(sessions)) this.#sessions.set(session.request.id, session);
    for (const { id, service, label, served } of programs) {
      const object = this.#house.hooks.serve(service, label);
      if (!object) throw new TypeError(`session "${label}" of ${service}: expected one that the program serves`);
      this.#programs.set(id, { service, label, identity: slots.served(served, object) });
    }
  }

  /** Sessions of the program around this init end with it; those of children have ended with them. */
  dispose(): void {
    for (const { identity } of this.#programs.values()) identity.dispose();
    this.#programs.clear();
  }

  /** The work that was put off: the parent is told. */
  answer(id: number): void {
    const session = this.#sessions.get(id);
    if (session) this.#answer(session);
  }

  #serve(request: ServerRequest): void {
    if (this.#programs.has(request.id) || (request.kind === "create" && this.#isOwn(request.service))) {
      return this.#serveOwn(request);
    }
    const session = this.#sessions.get(request.id);
    if (request.kind === "create") {
      if (!session) this.#create(request);
    } else if (request.kind === "close") {
      if (!session) this.#parent()?.sessionResponse(request.id, "closed");
      else if (this.#house.broker.close(session) === "done") this.#answer(session);
    } else if (session && session.phase === "cap-handed-out") {
      const upgraded = this.#house.broker.upgrade(session, request.quota, this.client);
      if (!upgraded.ok || upgraded.value === "done") this.#parent()?.sessionResponse(request.id, "ok");
    }
  }

  #isOwn(service: string): boolean {
    return this.#house.hooks.services.includes(service);
  }

  /** A session of the program around this init. */
  #serveOwn(request: ServerRequest): void {
    const { id } = request;
    const there = this.#programs.get(id);
    const parent = this.#parent();
    if (request.kind === "create") {
      if (there) return;
      const { service, label } = request;
      const object = this.#house.hooks.serve(service, label);
      if (!object) return parent?.sessionResponse(id, "service-denied");
      const identity = this.#house.env.badges.identify(object);
      this.#programs.set(id, { service, label, identity });
      parent?.deliverSessionCap(id, identity.capability);
    } else if (request.kind === "upgrade") parent?.sessionResponse(id, "ok");
    else {
      this.#programs.delete(id);
      there?.identity.dispose();
      parent?.sessionResponse(id, "closed");
    }
  }

  #create({ id, service, label, args: text, affinity }: Create): void {
    const refuse = (why: string) => {
      this.#house.warn(`session "${label}" of ${service} refused to the parent: ${why}`);
      this.#parent()?.sessionResponse(id, "service-denied");
    };
    const target = resolveUpward(
      this.#services.find(({ name }) => name === service),
      label,
    );
    if (!target.ok) return refuse("no policy matches");
    const name = this.#family.childNamed(target.value.child);
    const server = name === undefined ? undefined : this.#family.find(name);
    if (!name || !server?.start.provides.includes(service)) return refuse(`no child ${target.value.child} provides it`);
    const read = readArgs(service, text);
    if (!read.ok) return refuse("malformed arguments");
    const { donation, rest: args } = read.value;
    const route = { to: "child", child: name, label: target.value.label, diag: false } as const;
    const { client } = this;
    const made = this.#house.broker.create({
      client,
      id,
      service,
      label,
      route,
      server: server.server,
      args,
      affinity,
      donation,
    });
    if (!made.ok) return this.#parent()?.sessionResponse(id, isOut(made.reason) ? "service-denied" : made.reason);
    this.#sessions.set(id, made.value);
    if (made.value.phase === "available") this.#answer(made.value);
  }

  /** Tells the parent what has become of a session. */
  #answer(session: Session): void {
    const { id } = session.request;
    if (this.#sessions.get(id) !== session) return;
    if (session.phase === "available") {
      this.#house.broker.pickUp(session);
      this.#parent()?.deliverSessionCap(id, session.capability);
    } else if (session.phase === "cap-handed-out") {
      this.#parent()?.sessionResponse(id, "ok");
    } else if (session.phase === "closed" || isRefused(session.phase)) {
      this.#sessions.delete(id);
      this.#parent()?.sessionResponse(id, session.phase);
    }
  }

  #parent(): ParentSession | undefined {
    return objectOf<ParentSession>(this.#house.env.parent, "parent");
  }
}

function isOut(reason: string): reason is OutOf {
  return reason === "out-of-ram" || reason === "out-of-caps";
}

/** The parent moves quota to and from init's account. */
class UpwardClient implements SessionClient {
  readonly name = "parent";
  readonly child = false;
  readonly recordBytes = 0;
  readonly #notify: (session: Session) => void;

  constructor(notify: (session: Session) => void) {
    this.#notify = notify;
  }

  pay(): Attempt<void, OutOf> {
    return success(undefined);
  }

  refund(): void {}

  notify(session: Session): void {
    this.#notify(session);
  }
}
