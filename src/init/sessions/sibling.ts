// A child as a server: its sessions, and the module `session_requests` through which it hears of them (spec 2.12).
//
// Until the child has a PD there is no account to fund: init holds what was donated, and passes it on with `connect`.
import { RomModule } from "../../core/index.ts";
import {
  type Capability,
  INVALID,
  type OutOf,
  type PdSession,
  type Quota,
  type SessionResponse,
} from "../../session/index.ts";
import { type Attempt, success } from "../../util/index.ts";
import type { Accounts } from "../resources/accounts.ts";
import { addQuota, NO_QUOTA, subtractQuota } from "../resources/amounts.ts";
import { serverArgs } from "./arguments.ts";
import type { Broker } from "./broker.ts";
import { type ServerRequest, writeRequests } from "./requests.ts";
import type { Session, SessionServer } from "./session.ts";

export class SiblingServer implements SessionServer {
  readonly name: string;
  /** What the child's `session_requests` sessions show. */
  readonly requests = new RomModule(encode([]));
  readonly #accounts: Accounts;
  readonly #broker: Broker;
  readonly #reads: () => boolean;
  readonly #sessions = new Map<number, Session>();
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
    this.#publish();
  }

  upgrade(): Attempt<void, OutOf> {
    this.#publish();
    return success(undefined);
  }

  close(session: Session): void {
    const unseen = session.phase === "create-requested" && !this.#reads();
    if (unseen) this.#end(session, "closed");
    else this.#publish();
  }

  /** The child hands out a session. */
  deliver(id: number, capability: Capability): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#broker.deliver(session, capability);
    this.#publish();
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
    this.#pd = INVALID;
    this.#held = NO_QUOTA;
    for (const session of sessions) this.#broker.serverGone(session);
  }

  #end(session: Session, response: SessionResponse): void {
    this.#broker.respond(session, response);
    const { phase } = session;
    const lives = phase === "create-requested" || phase === "upgrade-requested" || phase === "close-requested";
    if (!lives && phase !== "available" && phase !== "cap-handed-out") this.#sessions.delete(session.serverId);
    this.#publish();
  }

  #publish(): void {
    this.requests.change(encode(this.sessions.map(requestOf).filter((request) => request !== undefined)));
  }
}

function requestOf(session: Session): ServerRequest | undefined {
  const id = session.serverId;
  switch (session.phase) {
    case "create-requested": {
      const { args, affinity } = session.request;
      const text = serverArgs(session.shownLabel, session.donated, args);
      const { service, shownLabel: label } = session;
      return text.ok ? { kind: "create", id, service, label, args: text.value, affinity } : undefined;
    }
    case "upgrade-requested":
      return { kind: "upgrade", id, quota: session.added };
    case "close-requested":
      return { kind: "close", id };
    default:
      return undefined;
  }
}

function encode(requests: readonly ServerRequest[]): Uint8Array {
  return new TextEncoder().encode(writeRequests(requests));
}
