// A child as a client of sessions: who pays, and who is told.
import {
  type Capability,
  INVALID,
  notify,
  type OutOf,
  type PdSession,
  type Quota,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { Accounts } from "../resources/accounts.ts";
import { SESSION_RECORD_BYTES } from "../resources/amounts.ts";
import type { SessionReader, SessionWriter } from "../sessions/saved-sessions.ts";
import { isRefused, type Session, type SessionClient } from "../sessions/session.ts";

/** A slot, and places of sessions. */
export interface SavedClient {
  readonly handler: number;
  readonly sessions: readonly number[];
  readonly closing: readonly number[];
}

/** The environment's sessions are paid by init, out of what starting a child costs. */
export class EnvironmentClient implements SessionClient {
  readonly name: string;
  readonly child = true;
  readonly recordBytes = 0;
  readonly #notify: (session: Session) => void;

  constructor(name: string, notify: (session: Session) => void) {
    this.name = name;
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

/** Sessions that the child asks for itself. */
export class ChildClient implements SessionClient {
  readonly name: string;
  readonly child = true;
  readonly recordBytes = SESSION_RECORD_BYTES;
  /** By the child's ids. */
  readonly sessions = new Map<number, Session>();
  /** Sessions that the child has closed and that are not closed yet. */
  readonly #closing = new Set<Session>();
  readonly #accounts: Accounts;
  readonly #pd: () => Capability<PdSession>;
  sigh: Capability<SignalContext> = INVALID;

  constructor(name: string, accounts: Accounts, pd: () => Capability<PdSession>) {
    this.name = name;
    this.#accounts = accounts;
    this.#pd = pd;
  }

  capture(slots: SlotWriter, sessions: SessionWriter): SavedClient {
    return {
      handler: slots.held(this.sigh),
      sessions: sessions.places(this.sessions.values()),
      closing: sessions.places(this.#closing),
    };
  }

  restore({ handler, sessions, closing }: SavedClient, slots: SlotReader, reader: SessionReader): void {
    this.sigh = slots.held<SignalContext>(handler);
    for (const session of reader.all(sessions)) this.sessions.set(session.request.id, session);
    for (const session of reader.all(closing)) this.#closing.add(session);
  }

  pay(quota: Quota): Attempt<void, OutOf> {
    const pd = this.#pd();
    return pd.valid ? this.#accounts.take(pd, quota) : refusal("out-of-ram");
  }

  refund(quota: Quota): void {
    const pd = this.#pd();
    if (pd.valid) this.#accounts.give(pd, quota);
  }

  notify(session: Session): void {
    const { id } = session.request;
    // While a session is being created it is not in the table, and the child has the answer anyway.
    if (this.sessions.get(id) !== session) return;
    const over = session.phase === "closed" || isRefused(session.phase);
    if (over && this.#closing.delete(session)) this.sessions.delete(id);
    notify(this.sigh);
  }

  /** The child has closed the session and will not hear of it again, except that it is closed. */
  expectEnd(session: Session): void {
    this.#closing.add(session);
  }
}
