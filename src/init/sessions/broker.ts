// The life of sessions (spec 2.12): creation with donation, upgrade, closing, and the death of either side.
//
// I1  Quota is never made nor lost: what a client paid is with the server (`donated`), with init (`kept`), or
//     back; every step moves all of an amount or none.
// I2  Only this file changes a phase. Answers that do not fit the phase are ignored with a warning.
// I3  A record is paid for as long as init has it: until the client has closed the session or taken note of its refusal.
// I4  When a server is gone, its account's rest has come to init (its reference account), so init pays back in full.
import {
  addQuota,
  type Capability,
  NO_QUOTA,
  type OutOf,
  type Quota,
  type SessionRefusal,
  type SessionResponse,
  subtractQuota,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { InitHooks } from "../hooks.ts";
import { isOver, isRefused, type Phase, Session, type SessionClient, type SessionRequest } from "./session.ts";
import type { Settlement } from "./settlement.ts";

/** What is known of a session from before a restore. */
export interface AdoptedSession {
  /** The child that served it. */
  readonly server: string;
  /** The server's number for it. */
  readonly serverId: number;
  readonly phase: Phase;
  /** INVALID while there is none; one that is promised denotes something later. */
  readonly capability: Capability;
  /** What an upgrade that is under way adds. */
  readonly added: Quota;
  /** The client has closed it. */
  readonly closing: boolean;
  /** The server has closed it, after the client has had its capability. */
  readonly handedOut: boolean;
  /** What has been paid for it already. */
  readonly settlement: Settlement;
}

export type OrphanedSession = Pick<AdoptedSession, "serverId" | "phase" | "settlement">;

export interface BrokerEvents {
  readonly hooks: Pick<InitHooks, "deliver" | "upgraded" | "ended">;
  /** One line for people. */
  warn(message: string): void;
  /** A session changed: the state report may be due. */
  changed(): void;
}

export class Broker {
  readonly #events: BrokerEvents;

  constructor(events: BrokerEvents) {
    this.#events = events;
  }

  /**
   * Creates a session: moves the donation client -> init -> server and asks the server. The session is available, or
   * still "create-requested". On a refusal everything has been moved back.
   */
  create(request: SessionRequest): Attempt<Session, SessionRefusal> {
    const { client, server, donation } = request;
    if (donation.ram < client.recordBytes) return refusal("insufficient-ram-quota");
    const paid = client.pay(donation);
    if (!paid.ok) return paid;
    const session = new Session(request);
    session.kept = client.recordBytes;
    const forwarded = { ram: donation.ram - session.kept, caps: donation.caps };
    const funded = server.fund(forwarded);
    if (!funded.ok) {
      client.refund(donation);
      return funded;
    }
    session.donated = forwarded;
    server.create(session);
    this.#events.changed();
    // `create` may have settled it, which the compiler cannot see.
    const phase = session.phase as Phase;
    if (!isRefused(phase)) return success(session);
    this.#release(session);
    return refusal(phase);
  }

  /**
   * Takes in a session of a restored client at a restored server, in the phase that it was in: quota moves as if it were
   * created, nobody is asked again but for what was under way.
   */
  adopt(
    request: SessionRequest,
    { serverId, phase, capability, added, closing, handedOut, settlement }: AdoptedSession,
  ): Attempt<Session, SessionRefusal> {
    const session = new Session(request);
    session.phase = phase;
    session.handedOut = handedOut || phase === "cap-handed-out" || phase === "upgrade-requested";
    const { client, server } = request;
    const over = isOver(phase);
    if (!over && (!server.adopt || server.has?.(serverId))) return refusal("service-denied");
    const donation = over ? { ram: client.recordBytes, caps: 0 } : request.donation; // the rest is back
    const paid = settlement.pay(client, donation);
    if (!paid.ok) return paid;
    session.kept = Math.min(client.recordBytes, donation.ram);
    if (over) return success(session);
    session.donated = { ram: donation.ram - session.kept, caps: donation.caps };
    session.added = added;
    const funded = settlement.fund(server, session.donated);
    if (!funded.ok) {
      client.refund(donation);
      return funded;
    }
    session.serverId = serverId;
    if (capability.badge !== 0) session.capability = this.#events.hooks.deliver(session, capability);
    session.unwanted = closing;
    server.adopt?.(session, serverId);
    return success(session);
  }

  /** Adds to an adopted session what another than its client has paid. */
  adoptUpgrades(
    session: Session,
    quota: Quota,
    { payer, settlement }: Pick<AdoptedSession, "settlement"> & { readonly payer: SessionClient },
  ): Attempt<void, OutOf> {
    if (quota.ram === 0 && quota.caps === 0) return success(undefined);
    const paid = settlement.pay(payer, quota);
    if (!paid.ok) return paid;
    const funded = settlement.fund(session.server, quota);
    if (!funded.ok) {
      payer.refund(quota);
      return funded;
    }
    session.donated = addQuota(session.donated, quota);
    this.#events.hooks.upgraded(session, quota);
    return success(undefined);
  }

  /** Takes in a session of a restored server whose client is not there: the server is asked to close it. */
  adoptOrphan(request: SessionRequest, { serverId, phase, settlement }: OrphanedSession): void {
    const session = new Session(request);
    session.payer = undefined;
    session.unwanted = true;
    session.phase = phase === "create-requested" ? phase : "close-requested";
    const { server, donation } = request;
    if (settlement.lend(server, donation).ok) session.donated = donation;
    server.adopt?.(session, serverId);
  }

  /** A server's answer to "create": the session exists. */
  deliver(session: Session, capability: Capability): void {
    if (session.phase !== "create-requested") return this.#ignored(session, "a capability");
    if (!capability.valid) return this.#ignored(session, "an invalid capability");
    session.capability = this.#events.hooks.deliver(session, capability);
    if (!session.capability.valid) return this.#requestClose(session); // closed before it was handed out: denied
    this.#enter(session, "available");
    if (session.unwanted) this.#requestClose(session);
  }

  /** Any other answer of a server. */
  respond(session: Session, response: SessionResponse): void {
    if (response === "ok" && session.phase === "upgrade-requested") {
      session.added = NO_QUOTA;
      this.#enter(session, "cap-handed-out");
    } else if (response === "closed" && session.phase === "create-requested") {
      this.#settle(session, "service-denied");
    } else if (response === "closed" && !isRefused(session.phase) && session.phase !== "closed") {
      this.#settle(session);
    } else if (response !== "ok" && response !== "closed" && session.phase === "create-requested") {
      this.#settle(session, response);
    } else {
      this.#ignored(session, `"${response}"`);
    }
  }

  /** Picks up a session that has become available; a refusal ends its record. `INVALID`: still pending, or closed. */
  pickUp(session: Session): Attempt<Capability | undefined, Exclude<SessionRefusal, OutOf>> {
    const lost = session.phase === "closed" && !session.handedOut;
    if (lost || isRefused(session.phase)) {
      this.#release(session);
      return refusal(isRefused(session.phase) ? session.phase : "service-denied");
    }
    if (session.phase === "available") {
      session.phase = "cap-handed-out";
      session.handedOut = true;
    }
    const there = session.phase === "cap-handed-out" || session.phase === "upgrade-requested";
    return success(there ? session.capability : undefined);
  }

  /**
   * Adds to a session's donation, legal only while the client holds its capability. To add nothing asks how an upgrade
   * stands.
   */
  upgrade(session: Session, quota: Quota, payer: SessionClient): Attempt<"done" | "pending", OutOf> {
    if (quota.ram === 0 && quota.caps === 0) return success(session.phase === "upgrade-requested" ? "pending" : "done");
    if (session.phase !== "cap-handed-out") {
      this.#events.warn(`upgrade of ${session.describe()} ignored, it is in phase ${session.phase}`);
      return success("done");
    }
    const paid = payer.pay(quota);
    if (!paid.ok) return paid;
    const funded = session.server.fund(quota);
    if (!funded.ok) {
      payer.refund(quota);
      return funded;
    }
    session.donated = addQuota(session.donated, quota);
    session.added = quota;
    session.phase = "upgrade-requested";
    const asked = session.server.upgrade(session);
    if (!asked.ok) {
      session.phase = "cap-handed-out";
      session.added = NO_QUOTA;
      session.donated = subtractQuota(session.donated, quota);
      payer.refund(session.server.reclaim(quota));
      return asked;
    }
    this.#events.hooks.upgraded(session, quota);
    this.#events.changed();
    return success((session.phase as Phase) === "upgrade-requested" ? "pending" : "done");
  }

  /** Closes a session; harmless when repeated. */
  close(session: Session): "done" | "pending" {
    session.unwanted = true;
    if (isOver(session.phase)) {
      this.#release(session);
      return "done";
    }
    if (session.phase === "create-requested") {
      session.server.close(session);
    } else if (session.phase !== "close-requested") {
      this.#requestClose(session);
    }
    return isOver(session.phase) ? "done" : "pending";
  }

  /** The client is gone: the session is closed, what comes back stays with init. */
  orphan(session: Session): void {
    session.payer = undefined;
    this.close(session);
  }

  /** The server is gone and its quota has come to init. */
  serverGone(session: Session): void {
    if (isOver(session.phase)) return;
    const owed = session.donated;
    session.donated = NO_QUOTA;
    this.#finish(session, session.phase === "create-requested" ? "service-denied" : "closed", owed);
  }

  #requestClose(session: Session): void {
    session.phase = "close-requested";
    session.server.close(session);
    this.#events.changed();
  }

  /** Takes the donation back from the server and gives it to whom it belongs. */
  #settle(session: Session, phase: Phase = "closed"): void {
    const back = session.server.reclaim(session.donated);
    const missing = subtractQuota(session.donated, back);
    if (missing.ram > 0 || missing.caps > 0) {
      const rest = `${missing.ram} bytes and ${missing.caps} caps`;
      this.#events.warn(`${session.server.name} has used up ${rest} that were donated for ${session.describe()}`);
    }
    session.donated = NO_QUOTA;
    this.#finish(session, phase, back);
  }

  #finish(session: Session, phase: Phase, back: Quota): void {
    session.payer?.refund(back);
    if (session.unwanted) this.#release(session);
    this.#enter(session, phase);
  }

  /** The client has no use for the record any more: what was kept for it goes back. */
  #release(session: Session): void {
    const { kept: ram, payer } = session;
    session.kept = 0;
    session.payer = undefined;
    if (ram > 0) payer?.refund({ ram, caps: 0 });
  }

  #enter(session: Session, phase: Phase): void {
    session.phase = phase;
    if (phase === "closed") this.#events.hooks.ended(session);
    session.request.client.notify(session);
    this.#events.changed();
  }

  #ignored(session: Session, what: string): void {
    this.#events.warn(
      `${session.server.name} sent ${what} for ${session.describe()} in phase ${session.phase}, ignored`,
    );
  }
}
