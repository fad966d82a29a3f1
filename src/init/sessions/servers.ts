// Servers that are not children: init's parent, and init itself for ROM modules that it makes.
import { CoreRom, pdDataspace, pdDataspaces, type RomSource, type SavedRom } from "../../core/index.ts";
import {
  type Env,
  FIRST_FREE_SESSION,
  type Identity,
  type OutOf,
  objectOf,
  PAGE_BYTES,
  type ParentSession,
  type PdSession,
  type Quota,
  type RomSession,
  type SessionRefusal,
  type SlotReader,
  type SlotWriter,
  writeQuota,
} from "../../session/index.ts";
import { type Attempt, refusal, required, success } from "../../util/index.ts";
import type { Accounts } from "../resources/accounts.ts";
import { serverArgs } from "./arguments.ts";
import type { Broker } from "./broker.ts";
import type { SessionReader, SessionWriter } from "./saved-sessions.ts";
import type { Session, SessionServer } from "./session.ts";

/** Places of sessions. */
export interface SavedParentServer {
  readonly next: number;
  readonly sessions: readonly number[];
}

/** The parent moves quota from and to init's account itself, when it creates and closes sessions. */
export class ParentServer implements SessionServer {
  readonly name = "parent";
  readonly #env: Env;
  readonly #accounts: Accounts;
  readonly #broker: Broker;
  readonly #sessions = new Map<number, Session>();
  #nextId = FIRST_FREE_SESSION;

  /** @param env its parent's signals about sessions must lead to `poll` */
  constructor(env: Env, accounts: Accounts, broker: Broker) {
    this.#env = env;
    this.#accounts = accounts;
    this.#broker = broker;
  }

  capture(sessions: SessionWriter): SavedParentServer {
    return { next: this.#nextId, sessions: sessions.places(this.#sessions.values()) };
  }

  restore({ next, sessions }: SavedParentServer, reader: SessionReader): void {
    this.#nextId = next;
    for (const session of reader.all(sessions)) this.#sessions.set(session.serverId, session);
  }

  /** Nothing moves yet, the parent takes it; but what init lacks is the client's to know before anything is asked. */
  fund(quota: Quota): Attempt<void, OutOf> {
    const available = this.#accounts.available();
    if (available.ram < quota.ram) return refusal("out-of-ram");
    return available.caps < quota.caps ? refusal("out-of-caps") : success(undefined);
  }

  reclaim(quota: Quota): Quota {
    return quota;
  }

  create(session: Session): void {
    const { service, affinity, args } = session.request;
    const text = serverArgs(session.shownLabel, session.donated, args);
    if (!text.ok) return this.#broker.respond(session, "service-denied");
    session.serverId = this.#nextId++;
    this.#sessions.set(session.serverId, session);
    const made = this.#env.session(session.serverId, service, text.value, affinity);
    if (!made.ok) this.#refused(session, made.reason);
    else if (made.value.valid) this.#broker.deliver(session, made.value);
  }

  upgrade(session: Session): Attempt<void, OutOf> {
    const upgraded = this.#parent()?.upgrade(session.serverId, writeQuota(session.added));
    if (upgraded && !upgraded.ok) return upgraded;
    // Whether the parent's server has heard of it yet does not matter: the quota has moved.
    this.#broker.respond(session, "ok");
    return success(undefined);
  }

  close(session: Session): void {
    if (session.phase === "create-requested") return; // closed as soon as it exists
    if (this.#parent()?.close(session.serverId) !== "pending") this.#closed(session);
  }

  /** The parent has signalled that sessions have changed: asks for each that something is awaited of. */
  poll(): void {
    for (const session of [...this.#sessions.values()]) {
      if (session.phase === "close-requested") this.close(session);
      if (session.phase !== "create-requested") continue;
      const made = this.#parent()?.sessionCap(session.serverId) ?? refusal("service-denied");
      if (!made.ok) this.#refused(session, made.reason);
      else if (made.value.valid) this.#broker.deliver(session, made.value);
    }
  }

  #refused(session: Session, reason: SessionRefusal): void {
    this.#sessions.delete(session.serverId);
    // `fund` has seen that init has enough, so that the parent's "out of" means that the donation did not arrive.
    const response =
      reason === "out-of-ram" ? "insufficient-ram-quota" : reason === "out-of-caps" ? "insufficient-cap-quota" : reason;
    this.#broker.respond(session, response);
  }

  #closed(session: Session): void {
    this.#sessions.delete(session.serverId);
    this.#broker.respond(session, "closed");
  }

  /** Undefined once init itself has been ended: then nothing of it is left at the parent. */
  #parent(): ParentSession | undefined {
    return objectOf<ParentSession>(this.#env.parent, "parent");
  }
}

/** Most sessions of a child for one module of init's own: it pays for a page of each, init for what is longer. */
export const SESSIONS_OF_MODULE = 8;

/** A session's place, the slot of its object, and what its client sees. */
export interface SavedServed {
  readonly session: number;
  readonly object: number;
  readonly rom: SavedRom;
}

/** Sessions of one ROM module of init's own. Their dataspaces are init's, so is the donation. */
export class RomServer implements SessionServer {
  readonly name = "init";
  readonly #env: Env;
  readonly #module: RomSource;
  readonly #broker: Broker;
  readonly #sessions = new Map<Session, { readonly rom: CoreRom; readonly identity: Identity<RomSession> }>();

  constructor(env: Env, module: RomSource, broker: Broker) {
    this.#env = env;
    this.#module = module;
    this.#broker = broker;
  }

  /** Whether anybody reads the module. */
  get inUse(): boolean {
    return this.#sessions.size > 0;
  }

  get #pd(): PdSession {
    return required(objectOf<PdSession>(this.#env.pd, "pd"), "init's PD");
  }

  capture(slots: SlotWriter, sessions: SessionWriter): readonly SavedServed[] {
    return Array.from(this.#sessions, ([session, { rom, identity }]) => ({
      session: sessions.place(session),
      object: slots.served(identity.capability),
      rom: rom.capture(slots),
    }));
  }

  /** After the module has its content. */
  restore(saved: readonly SavedServed[], slots: SlotReader, reader: SessionReader): void {
    const pd = this.#pd;
    for (const { session, object, rom: state } of saved) {
      const rom = new CoreRom(this.#module, pdDataspaces(pd));
      rom.restore(state, slots, (dataspace) => pdDataspace(pd, dataspace));
      this.#sessions.set(reader.at(session), { rom, identity: slots.served<RomSession>(object, rom) });
    }
  }

  fund(): Attempt<void, OutOf> {
    return success(undefined);
  }

  reclaim(quota: Quota): Quota {
    return quota;
  }

  create(session: Session): void {
    if (this.#sessions.size >= SESSIONS_OF_MODULE) return this.#broker.respond(session, "service-denied");
    if (session.donated.ram < PAGE_BYTES) return this.#broker.respond(session, "insufficient-ram-quota");
    if (session.donated.caps < 1) return this.#broker.respond(session, "insufficient-cap-quota");
    const rom = new CoreRom(this.#module, pdDataspaces(this.#pd));
    const identity = this.#env.badges.identify<RomSession>(rom);
    this.#sessions.set(session, { rom, identity });
    this.#broker.deliver(session, identity.capability);
  }

  upgrade(session: Session): Attempt<void, OutOf> {
    this.#broker.respond(session, "ok");
    return success(undefined);
  }

  close(session: Session): void {
    const made = this.#sessions.get(session);
    this.#sessions.delete(session);
    made?.identity.dispose();
    made?.rom.dispose();
    this.#broker.respond(session, "closed");
  }
}
