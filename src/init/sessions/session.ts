// What init remembers of one session between a client and a server (spec 2.12), and what it needs of both. Sessions are
// moved from phase to phase by the broker alone.
import {
  type Capability,
  INVALID,
  type Location,
  NO_QUOTA,
  type OutOf,
  type Quota,
  type SessionRefusal,
} from "../../session/index.ts";
import type { Attempt } from "../../util/index.ts";
import type { Route } from "../routing/route.ts";

/**
 * create-requested -> available -> cap-handed-out <-> upgrade-requested
 *        |                \____________|______________/
 *        v                             v
 *   a refusal                  close-requested -> closed
 */
export const PHASES = [
  "create-requested",
  "service-denied",
  "insufficient-ram-quota",
  "insufficient-cap-quota",
  "available",
  "cap-handed-out",
  "upgrade-requested",
  "close-requested",
  "closed",
] as const;
export type Phase = (typeof PHASES)[number];

/** Phases in which there will never be a capability. */
export function isRefused(phase: Phase): phase is Exclude<SessionRefusal, OutOf> {
  return phase === "service-denied" || phase === "insufficient-ram-quota" || phase === "insufficient-cap-quota";
}

/** Phases in which nothing is left of a session but init's record. @param phase may come from an image */
export function isOver(phase: string): boolean {
  return phase === "closed" || isRefused(phase as Phase);
}

/** Who asked for a session and pays for it. */
export interface SessionClient {
  /** For messages: others than children may have the name of one. */
  readonly name: string;
  /** Whether it is a child that lives. */
  readonly child: boolean;
  /** What init keeps of each donation for the record, in bytes. */
  readonly recordBytes: number;
  /** Moves quota to init; all or nothing. */
  pay(quota: Quota): Attempt<void, OutOf>;
  /** Moves quota from init back; what belongs to a client that is gone stays with init. */
  refund(quota: Quota): void;
  /** The session's phase changed while nobody was asking. Must not call the broker. */
  notify(session: Session): void;
}

/** Who makes a session. */
export interface SessionServer {
  /** For messages. */
  readonly name: string;
  /** Moves quota from init to the server; all or nothing. */
  fund(quota: Quota): Attempt<void, OutOf>;
  /** Moves quota back to init, as much as the server has of it. @returns what came back */
  reclaim(quota: Quota): Quota;
  /** Takes a session in that existed before a restore, under the number that it had; absent: servers without numbers. */
  adopt?(session: Session, serverId: number): void;
  /** Whether a number is a session's already; absent: servers without numbers. */
  has?(serverId: number): boolean;
  /** Asks for the session: settles it at once through the broker's answers, or later. */
  create(session: Session): void;
  /** The server has been funded with `session.added`; on a refusal it is taken back. */
  upgrade(session: Session): Attempt<void, OutOf>;
  close(session: Session): void;
}

export interface SessionRequest {
  readonly client: SessionClient;
  /** The client's number for it. */
  readonly id: number;
  readonly service: string;
  /** As the client asked, its name in front: what routing looks at. */
  readonly label: string;
  readonly route: Route;
  readonly server: SessionServer;
  /** Arguments for the server without quotas and label. */
  readonly args: ReadonlyMap<string, string>;
  /** The same as the client gave them, before policy. Absent: it gave none. */
  readonly asked?: ReadonlyMap<string, string>;
  readonly affinity: Location;
  readonly donation: Quota;
}

export class Session {
  readonly request: SessionRequest;
  /** The server's number for it: its id at a sibling, init's own id at the parent; 0 until asked for. */
  serverId = 0;
  phase: Phase = "create-requested";
  capability: Capability = INVALID;
  /** What the server has. */
  donated: Quota = NO_QUOTA;
  /** What init keeps for the record, in bytes. */
  kept = 0;
  /** What the upgrade that is under way adds. */
  added: Quota = NO_QUOTA;
  /** The client has had its capability. */
  handedOut = false;
  /** The client has closed it or is gone. */
  unwanted = false;
  /** Whom what comes back belongs to; undefined: the client is gone. */
  payer: SessionClient | undefined;

  constructor(request: SessionRequest) {
    this.request = request;
    this.payer = request.client;
  }

  get service(): string {
    return this.request.service;
  }

  get server(): SessionServer {
    return this.request.server;
  }

  /** The label that the server sees. */
  get shownLabel(): string {
    return this.request.route.label;
  }

  /** For messages. */
  describe(): string {
    return `${this.service} session "${this.request.label}"`;
  }
}
