// Sessions that init uses itself: its configuration, time, its report. They go through the same broker as children's, so
// that a server which takes its time is waited for in the same way.
import type { Capability, OutOf, Quota } from "../session/index.ts";
import { type Attempt, success } from "../util/index.ts";
import { WHOLE } from "./sessions/arguments.ts";
import type { Broker } from "./sessions/broker.ts";
import type { SessionReader, SessionWriter } from "./sessions/saved-sessions.ts";
import { isRefused, type Session, type SessionClient, type SessionServer } from "./sessions/session.ts";
import type { Work } from "./work.ts";

export interface OwnRequest {
  readonly service: string;
  readonly label: string;
  readonly donation: Quota;
  readonly args?: ReadonlyMap<string, string>;
}

export interface OwnEvents {
  /** The session is there, now or later; called once. */
  ready(capability: Capability): void;
  /** There will be none. */
  refused(reason: string): void;
}

/** Places of sessions with init's numbers, and which of them are not settled yet. */
export type SavedOwn = readonly { readonly id: number; readonly session: number; readonly pending: boolean }[];

export interface OwnParts {
  readonly broker: Broker;
  readonly parent: SessionServer;
  /** Puts work off to the event loop. */
  readonly later: (work: Work) => void;
}

interface Own {
  readonly session: Session;
  readonly events: OwnEvents;
  readonly client: OwnClient;
}

export class OwnSessions {
  readonly #parts: OwnParts;
  /** By init's number. */
  readonly #sessions = new Map<number, Own>();
  #nextId = 1;

  constructor(parts: OwnParts) {
    this.#parts = parts;
  }

  /** Opens a session at the parent. @returns closes it; harmless when repeated, and when there is none */
  open({ service, label, donation, args = new Map() }: OwnRequest, events: OwnEvents): () => void {
    const { broker, parent: server } = this.#parts;
    const id = this.#nextId++;
    const client = this.#client(id);
    const route = { to: "parent", label, diag: false } as const;
    const made = broker.create({ client, id, service, label, route, server, args, affinity: WHOLE, donation });
    if (!made.ok) {
      events.refused(made.reason);
      return () => {};
    }
    this.#sessions.set(id, { session: made.value, events, client });
    client.pending = made.value.phase === "create-requested";
    if (!client.pending) this.settle(id);
    return () => {
      if (this.#sessions.delete(id)) broker.close(made.value);
    };
  }

  /** A session is there, or refused. */
  settle(id: number): void {
    const own = this.#sessions.get(id);
    if (!own) return;
    const { session, events } = own;
    if (isRefused(session.phase)) {
      this.#sessions.delete(id);
      return events.refused(session.phase);
    }
    const picked = this.#parts.broker.pickUp(session);
    if (picked.ok && picked.value) events.ready(picked.value);
  }

  /** Who pays for each session. */
  get clients(): readonly (readonly [id: number, client: SessionClient])[] {
    return Array.from(this.#sessions, ([id, { client }]) => [id, client]);
  }

  capture(sessions: SessionWriter): SavedOwn {
    return Array.from(this.#sessions, ([id, { session, client }]) => ({
      ...{ id, session: sessions.place(session), pending: client.pending },
    }));
  }

  /** The client of a recorded session, before the session itself is there. */
  clientAgain(id: number): SessionClient {
    this.#nextId = Math.max(this.#nextId, id + 1);
    return this.#client(id);
  }

  /** @param eventsOf what becomes of a session, by its service */
  restore(saved: SavedOwn, reader: SessionReader, eventsOf: (service: string, label: string) => OwnEvents): void {
    for (const { id, session: place, pending } of saved) {
      const session = reader.at(place);
      const { client, service, label } = session.request;
      if (!(client instanceof OwnClient)) throw new TypeError(`session ${place}: expected one of init's own`);
      client.pending = pending;
      this.#sessions.set(id, { session, client, events: eventsOf(service, label) });
    }
  }

  #client(id: number): OwnClient {
    return new OwnClient(() => this.#parts.later({ do: "settle", id }));
  }
}

/** Init pays with what it has. */
class OwnClient implements SessionClient {
  readonly name = "init";
  readonly child = false;
  readonly recordBytes = 0;
  pending = false;
  readonly #settle: () => void;

  constructor(settle: () => void) {
    this.#settle = settle;
  }

  pay(): Attempt<void, OutOf> {
    return success(undefined);
  }

  refund(): void {}

  notify(): void {
    if (!this.pending) return;
    this.pending = false;
    this.#settle();
  }
}
