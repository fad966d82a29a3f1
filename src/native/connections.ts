// Sessions that a native component opens at its parent: ids, donations, and waiting for those that are pending.
import {
  type Capability,
  type Env,
  FIRST_FREE_SESSION,
  INVALID,
  type Location,
  type OutOf,
  objectOf,
  type ParentSession,
  type Quota,
  type SessionRefusal,
  type SignalContext,
  type SignalHandler,
  type SlotReader,
  type SlotWriter,
  writeQuota,
  writeSessionArgs,
} from "../session/index.ts";
import { type Attempt, refusal } from "../util/index.ts";

export interface ConnectionRequest {
  readonly service: string;
  readonly label?: string;
  /** Beyond label and quotas. */
  readonly args?: ReadonlyMap<string, string>;
  readonly donation: Quota;
  readonly affinity?: Location;
}

/** What becomes of a request; one of both is called once, perhaps before `open` returns. */
export interface ConnectionEvents {
  ready(session: Capability): void;
  refused(reason: SessionRefusal): void;
}

const NOBODY: ConnectionEvents = { ready: () => {}, refused: () => {} };

interface Connection {
  readonly request: ConnectionRequest;
  readonly events: ConnectionEvents;
  donation: Quota;
  attempts: number;
  pending: boolean;
  /** INVALID while it is pending. */
  session: Capability;
}

/** Connections as plain data. Capabilities are slots. */
export interface SavedConnections {
  readonly next: number;
  /** 0: nobody has listened yet. */
  readonly handler: number;
  readonly connections: readonly SavedConnection[];
}

interface SavedConnection {
  readonly id: number;
  readonly service: string;
  readonly label: string;
  readonly args: readonly (readonly [key: string, value: string])[];
  readonly affinity: Location | undefined;
  readonly donation: Quota;
  readonly attempts: number;
  readonly pending: boolean;
  readonly session: number;
}

/** How often a donation that was too small is made larger (spec 2.12). */
const ATTEMPTS = 10;
const MORE_RAM = 4096;
const MORE_CAPS = 4;

export class Connections {
  readonly #env: Env;
  readonly #connections = new Map<number, Connection>();
  #handler: SignalHandler | undefined;
  #nextId = FIRST_FREE_SESSION;

  /** @param again what `state` gave; whoever opened a connection takes it over by `resume` */
  constructor(env: Env, again?: { readonly saved: SavedConnections; readonly slots: SlotReader }) {
    this.#env = env;
    if (!again) return;
    const { saved, slots } = again;
    this.#nextId = saved.next;
    for (const { id, service, label, args, affinity, session, ...progress } of saved.connections) {
      const { donation } = progress;
      const request = { service, label, args: new Map(args), donation, ...(affinity ? { affinity } : {}) };
      this.#connections.set(id, { request, events: NOBODY, ...progress, session: slots.held(session) });
    }
    if (saved.handler === 0) return;
    this.#handler = env.signalHandlerAgain(slots.held<SignalContext>(saved.handler, "signal-context"), () =>
      this.#poll(),
    );
  }

  /** All of them, for `again`. */
  state(slots: SlotWriter): SavedConnections {
    const connections = Array.from(this.#connections, ([id, { request, donation, attempts, pending, session }]) => {
      const { service, label = "", args = [], affinity } = request;
      return {
        id,
        service,
        label,
        args: [...args],
        affinity,
        donation,
        attempts,
        pending,
        session: slots.held(session),
      };
    });
    return { next: this.#nextId, handler: slots.held(this.#handler?.context ?? INVALID), connections };
  }

  /** Takes over a connection from before a restore. @returns its session; INVALID: pending, `events` say what becomes of it */
  resume(id: number, events: ConnectionEvents): Capability {
    const connection = this.#connections.get(id);
    if (!connection) throw new TypeError(`connection ${id}: expected one that was captured`);
    this.#connections.set(id, { ...connection, events });
    return connection.session;
  }

  /** @returns the session's id, for `upgrade` and `close` */
  open(request: ConnectionRequest, events: ConnectionEvents): number {
    const id = this.#nextId++;
    const progress = { donation: request.donation, attempts: 0, pending: false };
    const connection: Connection = { request, events, ...progress, session: INVALID };
    this.#connections.set(id, connection);
    this.#try(id, connection);
    return id;
  }

  upgrade(id: number, quota: Quota): Attempt<"done" | "pending", OutOf> {
    const parent = this.#parent();
    return parent ? parent.upgrade(id, writeQuota(quota)) : refusal("out-of-ram");
  }

  /** Harmless for ids that are closed or were refused. */
  close(id: number): void {
    if (this.#connections.delete(id)) this.#parent()?.close(id);
  }

  /** Closes all; nobody hears of pending ones any more. */
  dispose(): void {
    for (const id of [...this.#connections.keys()]) this.close(id);
    this.#handler?.dispose();
  }

  #try(id: number, connection: Connection): void {
    const { request, donation } = connection;
    const { service, label = "", args = [], affinity } = request;
    const quotas = [["ram_quota", donation.ram] as const, ["cap_quota", donation.caps] as const];
    const text = writeSessionArgs([...quotas, ["label", label] as const, ...args]);
    if (!text.ok) return this.#refused(id, "service-denied");
    const made = this.#env.session(id, service, text.value, affinity);
    if (!made.ok) return this.#insufficient(id, connection, made.reason);
    if (made.value.valid) return this.#ready(connection, made.value);
    connection.pending = true;
    this.#listen();
  }

  #ready(connection: Connection, session: Capability): void {
    connection.session = session;
    connection.events.ready(session);
  }

  #insufficient(id: number, connection: Connection, reason: SessionRefusal): void {
    const { donation } = connection;
    const more = {
      ram: reason === "insufficient-ram-quota" ? MORE_RAM : 0,
      caps: reason === "insufficient-cap-quota" ? MORE_CAPS : 0,
    };
    if (more.ram + more.caps === 0 || ++connection.attempts >= ATTEMPTS) return this.#refused(id, reason);
    connection.donation = { ram: donation.ram + more.ram, caps: donation.caps + more.caps };
    this.#try(id, connection);
  }

  #refused(id: number, reason: SessionRefusal): void {
    const connection = this.#connections.get(id);
    this.#connections.delete(id);
    connection?.events.refused(reason);
  }

  /** Hears of pending sessions from now on; what became available before is looked for at once. */
  #listen(): void {
    if (this.#handler) return;
    this.#handler = this.#env.signalHandler(() => this.#poll());
    this.#parent()?.sessionSigh(this.#handler.context);
    this.#poll();
  }

  #poll(): void {
    for (const [id, connection] of [...this.#connections]) {
      if (!connection.pending || this.#connections.get(id) !== connection) continue;
      const made = this.#parent()?.sessionCap(id) ?? refusal("service-denied");
      if (made.ok && !made.value.valid) continue;
      connection.pending = false;
      if (made.ok) this.#ready(connection, made.value);
      else this.#insufficient(id, connection, made.reason);
    }
  }

  #parent(): ParentSession | undefined {
    return objectOf<ParentSession>(this.#env.parent, "parent");
  }
}
