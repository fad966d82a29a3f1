// Sessions in an init's state: each is in a list once, whoever else refers to it does so by its place there. Clients and
// servers are named by what they are of; those that are gone have no part in a session any more but their name.
import type { Capability, Location, OutOf, Quota, SlotReader, SlotWriter } from "../../session/index.ts";
import { type Attempt, refusal } from "../../util/index.ts";
import type { Route } from "../routing/route.ts";
import { type Phase, Session, type SessionClient, type SessionServer } from "./session.ts";

export interface ClientRef {
  readonly of: "own" | "child" | "environment" | "parent" | "gone";
  /** Of the child, or of init's own session. */
  readonly id: number;
}

export interface ServerRef {
  readonly of: "parent" | "child" | "config" | "requests" | "gone";
  /** Of the child. */
  readonly id: number;
}

export interface SavedSession {
  readonly client: ClientRef;
  readonly clientName: string;
  readonly server: ServerRef;
  readonly serverName: string;
  readonly id: number;
  readonly service: string;
  readonly label: string;
  readonly route: Route;
  readonly args: readonly (readonly [key: string, value: string])[];
  readonly affinity: Location;
  readonly donation: Quota;
  readonly serverId: number;
  readonly phase: Phase;
  /** A slot. */
  readonly capability: number;
  readonly donated: Quota;
  readonly kept: number;
  readonly added: Quota;
  readonly handedOut: boolean;
  readonly unwanted: boolean;
  readonly paying: boolean;
}

const GONE = { of: "gone", id: 0 } as const;

export class SessionWriter {
  readonly #slots: SlotWriter;
  readonly #clients: ReadonlyMap<SessionClient, ClientRef>;
  readonly #servers: ReadonlyMap<SessionServer, ServerRef>;
  readonly #places = new Map<Session, number>();

  constructor(
    slots: SlotWriter,
    clients: ReadonlyMap<SessionClient, ClientRef>,
    servers: ReadonlyMap<SessionServer, ServerRef>,
  ) {
    this.#slots = slots;
    this.#clients = clients;
    this.#servers = servers;
  }

  /** Where the session is in the list. */
  place(session: Session): number {
    const place = this.#places.get(session) ?? this.#places.size;
    this.#places.set(session, place);
    return place;
  }

  places(sessions: Iterable<Session>): readonly number[] {
    return Array.from(sessions, (session) => this.place(session));
  }

  /** All that were asked for. */
  list(): readonly SavedSession[] {
    return Array.from(this.#places.keys(), (session) => this.#save(session));
  }

  #save(session: Session): SavedSession {
    const { client, server, id, service, label, route, args, affinity, donation } = session.request;
    const { serverId, phase, capability, donated, kept, added, handedOut, unwanted, payer } = session;
    return {
      client: this.#clients.get(client) ?? GONE,
      clientName: client.name,
      server: this.#servers.get(server) ?? GONE,
      serverName: server.name,
      ...{ id, service, label, route, args: [...args], affinity, donation, serverId, phase },
      capability: this.#slots.held(capability),
      ...{ donated, kept, added, handedOut, unwanted, paying: payer !== undefined },
    };
  }
}

export class SessionReader {
  readonly #sessions: readonly Session[];

  /** @param client, server what a reference is of; undefined: it is gone */
  constructor(
    saved: readonly SavedSession[],
    slots: SlotReader,
    client: (ref: ClientRef) => SessionClient | undefined,
    server: (ref: ServerRef) => SessionServer | undefined,
  ) {
    this.#sessions = saved.map((each) => {
      const { id, service, label, route, args, affinity, donation, serverId, phase, donated, kept, added } = each;
      const session = new Session({
        client: client(each.client) ?? goneClient(each.clientName),
        server: server(each.server) ?? goneServer(each.serverName),
        ...{ id, service, label, route, args: new Map(args), affinity, donation },
      });
      Object.assign(session, { serverId, phase, donated, kept, added });
      session.capability = slots.held<never>(each.capability) as Capability;
      session.handedOut = each.handedOut;
      session.unwanted = each.unwanted;
      if (!each.paying) session.payer = undefined;
      return session;
    });
  }

  at(place: number): Session {
    const session = this.#sessions[place];
    if (!session) throw new TypeError(`session ${place}: expected one of ${this.#sessions.length}`);
    return session;
  }

  all(places: readonly number[]): readonly Session[] {
    return places.map((place) => this.at(place));
  }
}

/** Nobody pays or is told any more. */
export function goneClient(name: string): SessionClient {
  const pay = (): Attempt<void, OutOf> => refusal("out-of-ram");
  return { name, child: false, recordBytes: 0, pay, refund: () => {}, notify: () => {} };
}

/** Its sessions have ended with it: nothing is asked of it. */
export function goneServer(name: string): SessionServer {
  const refuse = (): Attempt<void, OutOf> => refusal("out-of-ram");
  return { name, fund: refuse, reclaim: (quota) => quota, create: () => {}, upgrade: refuse, close: () => {} };
}
