// Sessions that init uses itself: its configuration, time, its report. They go through the same broker as children's, so
// that a server which takes its time is waited for in the same way.
import type { Capability, OutOf, Quota } from "../session/index.ts";
import { type Attempt, success } from "../util/index.ts";
import { WHOLE } from "./sessions/arguments.ts";
import type { Broker } from "./sessions/broker.ts";
import { isRefused, type Session, type SessionClient, type SessionServer } from "./sessions/session.ts";

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

export interface OwnSessions {
  /** Opens a session at the parent. */
  open(request: OwnRequest, events: OwnEvents): void;
}

/** @param later runs work from the event loop */
export function createOwnSessions(
  broker: Broker,
  parent: SessionServer,
  later: (work: () => void) => void,
): OwnSessions {
  let nextId = 1;
  return {
    open({ service, label, donation, args = new Map() }, events) {
      const client = new OwnClient((session) => later(() => settle(broker, session, events)));
      const route = { to: "parent", label, diag: false } as const;
      const id = nextId++;
      const made = broker.create({
        client,
        id,
        service,
        label,
        route,
        server: parent,
        args,
        affinity: WHOLE,
        donation,
      });
      if (!made.ok) return events.refused(made.reason);
      client.pending = made.value.phase === "create-requested";
      if (!client.pending) settle(broker, made.value, events);
    },
  };
}

function settle(broker: Broker, session: Session, events: OwnEvents): void {
  if (isRefused(session.phase)) return events.refused(session.phase);
  const picked = broker.pickUp(session);
  if (picked.ok && picked.value) events.ready(picked.value);
}

/** Init pays with what it has. */
class OwnClient implements SessionClient {
  readonly name = "init";
  readonly recordBytes = 0;
  pending = false;
  readonly #settle: (session: Session) => void;

  constructor(settle: (session: Session) => void) {
    this.#settle = settle;
  }

  pay(): Attempt<void, OutOf> {
    return success(undefined);
  }

  refund(): void {}

  notify(session: Session): void {
    if (!this.pending) return;
    this.pending = false;
    this.#settle(session);
  }
}
