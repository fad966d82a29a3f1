// A native component as a server (spec 2.12): announces services, reads the parent's requests from the module
// `session_requests` and answers them, at once or later.
//
// I1  Each request for a session is answered once: by its capability or by a refusal.
// I2  A session's capability lives from its delivery until its close request has been answered.

import { writeLine } from "../core/index.ts";
import { readRequests, type ServerRequest, textOfModule } from "../init/index.ts";
import {
  type Capability,
  contentOf,
  type Dataspace,
  DONATION,
  type Env,
  type Identity,
  type KernelObject,
  type Location,
  type OutOf,
  objectOf,
  type ParentSession,
  type Quota,
  quotaArgs,
  type RomSession,
  readSessionArgs,
  type SessionArgs,
  type SessionRefusal,
  type SignalHandler,
} from "../session/index.ts";
import { type Attempt, Bug, messageOf, refusal } from "../util/index.ts";
import type { Connections } from "./connections.ts";

export type ServerRefusal = Exclude<SessionRefusal, OutOf>;

export interface ServedRequest {
  readonly service: string;
  readonly label: string;
  readonly args: SessionArgs;
  /** Has come to the component's own account. */
  readonly donation: Quota;
  readonly affinity: Location;
}

/** A session in the hands of its server. */
export interface ServedSession {
  /** Gets a capability of its own; or the capability of another's object that is passed on as it is. */
  readonly object: KernelObject | Capability;
  upgrade?(quota: Quota): void;
  close(): void;
}

export type Answer = (result: Attempt<ServedSession, ServerRefusal>) => void;
/** Makes sessions of one service; calls `answer` once, now or later. */
export type Serve = (request: ServedRequest, answer: Answer) => void;

interface Served {
  /** Undefined: still being made. */
  session: ServedSession | undefined;
  identity: Identity | undefined;
}

type Create = Extract<ServerRequest, { kind: "create" }>;

export class Server {
  readonly #env: Env;
  readonly #services: ReadonlyMap<string, Serve>;
  readonly #served = new Map<number, Served>();
  readonly #handler: SignalHandler;
  #rom: RomSession | undefined;
  #ended = false;

  constructor(env: Env, connections: Connections, services: ReadonlyMap<string, Serve>) {
    this.#env = env;
    this.#services = services;
    this.#handler = env.signalHandler(() => this.#poll());
    connections.open(
      { service: "ROM", label: "session_requests", donation: DONATION.ROM },
      {
        ready: (capability) => {
          this.#rom = objectOf<RomSession>(capability, "rom");
          this.#rom?.sigh(this.#handler.context);
          this.#poll();
        },
        refused: (reason) => writeLine(env.log, `error: no session requests: ${reason}`),
      },
    );
    for (const name of services.keys()) this.#parent()?.announce(name);
  }

  /** Sessions that exist. */
  get size(): number {
    return this.#served.size;
  }

  /** Ends all sessions. */
  dispose(): void {
    this.#ended = true;
    this.#handler.dispose();
    for (const id of [...this.#served.keys()]) this.#end(id);
  }

  #poll(): void {
    if (this.#ended || !this.#rom) return;
    this.#rom.update();
    const module = objectOf<Dataspace>(this.#rom.dataspace(), "dataspace");
    if (!module) return;
    for (const request of readRequests(textOfModule(contentOf(module)))) this.#handle(request);
  }

  #handle(request: ServerRequest): void {
    const { id } = request;
    const served = this.#served.get(id);
    if (request.kind === "create") {
      if (!served) this.#create(request);
    } else if (request.kind === "upgrade") {
      served?.session?.upgrade?.(request.quota);
      this.#parent()?.sessionResponse(id, "ok");
    } else {
      this.#end(id);
      this.#parent()?.sessionResponse(id, "closed");
    }
  }

  #create({ id, service, label, args: text, affinity }: Create): void {
    const serve = this.#services.get(service);
    const args = readSessionArgs(text);
    if (!serve || !args.ok) return this.#refuse(id, "service-denied");
    const donation = quotaArgs(args.value);
    const served: Served = { session: undefined, identity: undefined };
    this.#served.set(id, served);
    const answer: Answer = (result) => this.#answer(id, served, result);
    try {
      serve({ service, label, args: args.value, donation, affinity }, answer);
    } catch (thrown) {
      if (thrown instanceof Bug) throw thrown;
      writeLine(this.#env.log, `warning: ${service} session "${label}" denied: ${messageOf(thrown)}`);
      answer(refusal("service-denied"));
    }
  }

  #answer(id: number, served: Served, result: Attempt<ServedSession, ServerRefusal>): void {
    if (this.#served.get(id) !== served || served.session) {
      if (result.ok) result.value.close(); // closed meanwhile, or answered already
      return;
    }
    if (!result.ok) {
      this.#served.delete(id);
      return this.#refuse(id, result.reason);
    }
    served.session = result.value;
    const { object } = result.value;
    let capability = object as Capability;
    if ("kind" in object) {
      served.identity = this.#env.badges.identify(object);
      capability = served.identity.capability;
    }
    this.#parent()?.deliverSessionCap(id, capability);
  }

  #refuse(id: number, reason: ServerRefusal): void {
    this.#parent()?.sessionResponse(id, reason);
  }

  #end(id: number): void {
    const served = this.#served.get(id);
    this.#served.delete(id);
    served?.identity?.dispose();
    served?.session?.close();
  }

  #parent(): ParentSession | undefined {
    return objectOf<ParentSession>(this.#env.parent, "parent");
  }
}
