// A child as a server: its sessions, and the module `session_requests` through which it hears of them (spec 2.12).
//
// Until the child has a PD there is no account to fund: init holds what was donated, and passes it on with `connect`.
import {
  addQuota,
  type Capability,
  INVALID,
  NO_QUOTA,
  type OutOf,
  type PdSession,
  type Quota,
  type SessionResponse,
  subtractQuota,
} from "../../session/index.ts";
import { type Attempt, success } from "../../util/index.ts";
import type { Accounts } from "../resources/accounts.ts";
import { serverArgs } from "./arguments.ts";
import type { Broker } from "./broker.ts";
import type { ServerRequest } from "./requests.ts";
import { RequestsModule } from "./requests-module.ts";
import type { SessionReader, SessionWriter } from "./saved-sessions.ts";
import { isRefused, type Phase, type Session, type SessionClient, type SessionServer } from "./session.ts";

/** Most requests that the module shows at a time; others follow when these are answered. */
const SHOWN = 250;
const SHOWN_OF_CLIENT = 32;

/** Places of sessions, those that something is to be done for in the order in which that came up. */
export interface SavedSibling {
  readonly next: number;
  readonly held: Quota;
  readonly sessions: readonly number[];
  readonly pending: readonly number[];
}

/** A session as its server knows it. */
export interface ServedSession {
  /** The server's number. */
  readonly id: number;
  readonly service: string;
  /** What it was told: label, what has been donated, the rest. */
  readonly args: string;
  readonly phase: Phase;
}

export interface ServedSessions {
  /** The number that the next one gets. */
  readonly next: number;
  /** Those that the child has something to do for are the last, in the order in which that came up. */
  readonly sessions: readonly ServedSession[];
}

export class SiblingServer implements SessionServer {
  readonly name: string;
  /** What the child's `session_requests` sessions show. */
  readonly requests = new RequestsModule(() => shown(this.#asked).map(requestOf));
  readonly #accounts: Accounts;
  readonly #broker: Broker;
  readonly #reads: () => boolean;
  readonly #sessions = new Map<number, Session>();
  /** Those that were taken in. */
  readonly #known = new WeakSet<Session>();
  /** Those that the child has something to do for, in the order in which that came up (`#asked`). */
  readonly #pending = new Set<Session>();
  /** Places that sessions had before a restore, by number. */
  #places: ReadonlyMap<number, number> = new Map();
  /** Sessions have been adopted, and their requests are not in order yet. */
  #adopted = false;
  #nextId = 1;
  #pd: Capability<PdSession> = INVALID;
  #held: Quota = NO_QUOTA;

  /** @param reads whether the child has opened the module, so that it may have seen a request */
  constructor(name: string, accounts: Accounts, broker: Broker, reads: () => boolean) {
    this.name = name;
    this.#accounts = accounts;
    this.#broker = broker;
    this.#reads = reads;
  }

  /** All sessions, also those that are only asked for. */
  get sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  capture(sessions: SessionWriter): SavedSibling {
    return {
      next: this.#nextId,
      held: this.#held,
      sessions: sessions.places(this.#sessions.values()),
      pending: sessions.places(this.#asked),
    };
  }

  /** @param pd INVALID: the child has none yet */
  restore({ next, held, sessions, pending }: SavedSibling, pd: Capability<PdSession>, reader: SessionReader): void {
    this.#pd = pd;
    this.#held = held;
    this.#nextId = next;
    for (const session of reader.all(sessions)) this.#sessions.set(session.serverId, session);
    for (const session of reader.all(pending)) this.#pending.add(session);
  }

  /** The child has its PD: what was held goes there. */
  connect(pd: Capability<PdSession>): Attempt<void, OutOf> {
    const given = this.#accounts.give(pd, this.#held);
    if (!given.ok) return given;
    this.#pd = pd;
    this.#held = NO_QUOTA;
    return success(undefined);
  }

  fund(quota: Quota): Attempt<void, OutOf> {
    if (this.#pd.valid) return this.#accounts.give(this.#pd, quota);
    this.#held = addQuota(this.#held, quota);
    return success(undefined);
  }

  reclaim(quota: Quota): Quota {
    if (this.#pd.valid) return this.#accounts.takeAvailable(this.#pd, quota);
    this.#held = subtractQuota(this.#held, quota);
    return quota;
  }

  create(session: Session): void {
    const args = serverArgs(session.shownLabel, session.donated, session.request.args);
    if (!args.ok) return this.#broker.respond(session, "service-denied");
    session.serverId = this.#nextId++;
    this.#sessions.set(session.serverId, session);
    this.#publish(session);
  }

  upgrade(session: Session): Attempt<void, OutOf> {
    this.#publish(session);
    return success(undefined);
  }

  close(session: Session): void {
    const unseen = session.phase === "create-requested" && !this.#reads();
    if (unseen) this.#end(session, "closed");
    else this.#publish(session);
  }

  /** One that is still asked for is asked for again under its number, which the child may have begun to answer. */
  adopt(session: Session, serverId: number): void {
    this.#known.add(session);
    session.serverId = serverId;
    this.#nextId = Math.max(this.#nextId, serverId + 1);
    this.#sessions.set(serverId, session);
    this.#publish(session);
    this.#adopted = true;
  }

  /** What a restore needs of the child's sessions. */
  get served(): ServedSessions {
    const asked = this.#asked;
    const settled = this.sessions.filter((session) => !asked.has(session));
    const sessions = [...settled, ...asked].map((session) => {
      const { serverId, service, phase } = session;
      return { id: serverId, service, args: argsOf(session), phase };
    });
    return { next: this.#nextId, sessions };
  }

  /**
   * Numbers below `next` are those from before a restore, and are not given again. What clients have asked for since gets
   * others: the child, as it will be, knows nothing of it. What was taken in keeps its number.
   *
   * @param order of the sessions from before; their requests have it, too, whichever is adopted first
   */
  continueAt(next: number, order: readonly number[]): void {
    const { sessions } = this;
    this.#places = new Map(order.map((id, place) => [id, place]));
    this.#nextId = Math.max(this.#nextId, next);
    this.#sessions.clear();
    for (const session of sessions) {
      if (!this.#known.has(session)) session.serverId = this.#nextId++;
      this.#sessions.set(session.serverId, session);
    }
    this.requests.changed();
  }

  has(serverId: number): boolean {
    return this.#sessions.has(serverId);
  }

  /** The child hands out a session. */
  deliver(id: number, capability: Capability): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#broker.deliver(session, capability);
    this.#publish(session);
  }

  /** Any other answer of the child. Ids that are not in use, also those of closed sessions, are ignored. */
  respond(id: number, response: SessionResponse): void {
    const session = this.#sessions.get(id);
    if (session) this.#end(session, response);
  }

  /** The child is gone, and its quota has come to init: all sessions end. */
  gone(): void {
    const sessions = this.sessions;
    this.#sessions.clear();
    this.#pending.clear();
    this.#pd = INVALID;
    this.#held = NO_QUOTA;
    for (const session of sessions) this.#broker.serverGone(session);
  }

  /** Those that the child has something to do for, in their order. */
  get #asked(): ReadonlySet<Session> {
    if (this.#adopted) {
      const place = ({ serverId }: Session) => this.#places.get(serverId) ?? this.#places.size;
      const pending = [...this.#pending].sort((x, y) => place(x) - place(y));
      this.#pending.clear();
      for (const session of pending) this.#pending.add(session);
      this.#adopted = false;
    }
    return this.#pending;
  }

  #end(session: Session, response: SessionResponse): void {
    this.#broker.respond(session, response);
    const { phase } = session;
    if (phase === "closed" || isRefused(phase)) this.#sessions.delete(session.serverId);
    this.#publish(session);
  }

  #publish(session: Session): void {
    if (isPending(session.phase) && this.#sessions.has(session.serverId)) this.#pending.add(session);
    else this.#pending.delete(session);
    this.requests.changed();
  }
}

/** The first of each client, so that none can make the module too long to read or hide others in it. */
function shown(pending: Iterable<Session>): readonly Session[] {
  const counts = new Map<SessionClient, number>();
  const sessions: Session[] = [];
  for (const session of pending) {
    const { client } = session.request;
    const count = counts.get(client) ?? 0;
    counts.set(client, count + 1);
    if (count < SHOWN_OF_CLIENT && sessions.length < SHOWN) sessions.push(session);
  }
  return sessions;
}

function isPending(phase: Phase): boolean {
  return phase === "create-requested" || phase === "upgrade-requested" || phase === "close-requested";
}

/** What the child is told of a session. */
function argsOf(session: Session): string {
  const args = serverArgs(session.shownLabel, session.donated, session.request.args);
  return args.ok ? args.value : "";
}

/** What the child is to do for a pending session. */
function requestOf(session: Session): ServerRequest {
  const id = session.serverId;
  if (session.phase === "close-requested") return { kind: "close", id };
  if (session.phase === "upgrade-requested") return { kind: "upgrade", id, quota: session.added };
  const { affinity } = session.request;
  const { service, shownLabel: label } = session;
  return { kind: "create", id, service, label, args: argsOf(session), affinity };
}
