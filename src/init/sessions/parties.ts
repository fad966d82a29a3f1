// Who is at the ends of an init's sessions: finds them for their names in saved state, and the names for them.
import type { Family } from "../family.ts";
import type { OwnSessions } from "../own-sessions.ts";
import type { ClientRef, ServerRef } from "./saved-sessions.ts";
import type { SessionClient, SessionServer } from "./session.ts";

export class Parties {
  readonly #family: Family;
  readonly #own: OwnSessions;
  readonly #parent: { readonly client: SessionClient; readonly server: SessionServer };

  /** @param parent init's parent as a client of its children's services, and as a server */
  constructor(
    family: Family,
    own: OwnSessions,
    parent: { readonly client: SessionClient; readonly server: SessionServer },
  ) {
    this.#family = family;
    this.#own = own;
    this.#parent = parent;
  }

  clients(): ReadonlyMap<SessionClient, ClientRef> {
    const { children } = this.#family;
    return new Map<SessionClient, ClientRef>([
      [this.#parent.client, { of: "parent", id: 0 }],
      ...this.#own.clients.map(([id, client]) => [client, { of: "own", id }] as const),
      ...children.map(({ id, client }) => [client, { of: "child", id }] as const),
      ...children.map(({ id, environment }) => [environment, { of: "environment", id }] as const),
    ]);
  }

  servers(): ReadonlyMap<SessionServer, ServerRef> {
    const { children } = this.#family;
    return new Map<SessionServer, ServerRef>([
      [this.#parent.server, { of: "parent", id: 0 }],
      ...children.map(({ id, server }) => [server, { of: "child", id }] as const),
      ...children.map(({ id, configServer }) => [configServer, { of: "config", id }] as const),
      ...children.map(({ id, requestsServer }) => [requestsServer, { of: "requests", id }] as const),
    ]);
  }

  /** Undefined: it is gone. */
  client({ of, id }: ClientRef): SessionClient | undefined {
    switch (of) {
      case "own":
        return this.#own.clientAgain(id);
      case "child":
        return this.#family.childOf(id)?.client;
      case "environment":
        return this.#family.childOf(id)?.environment;
      case "parent":
        return this.#parent.client;
      default:
        return undefined;
    }
  }

  /** Undefined: it is gone. */
  server({ of, id }: ServerRef): SessionServer | undefined {
    const child = this.#family.childOf(id);
    switch (of) {
      case "parent":
        return this.#parent.server;
      case "child":
        return child?.server;
      case "config":
        return child?.configServer;
      case "requests":
        return child?.requestsServer;
      default:
        return undefined;
    }
  }
}
