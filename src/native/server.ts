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
  INVALID,
  type KernelObject,
  type Location,
  type OutOf,
  objectOf,
  type ParentSession,
  type Quota,
  quotaArgs,
  type RomSession,
  readSessionArgs,
  type SavedComponent,
  type SessionArgs,
  type SessionRefusal,
  type SessionState,
  type SignalContext,
  type SignalHandler,
  type SlotReader,
  type SlotWriter,
} from "../session/index.ts";
import { type Attempt, Bug, messageOf, refusal } from "../util/index.ts";
import type { ConnectionEvents, Connections } from "./connections.ts";

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
/** What is to be known of a session, made or in the making, to go on with it after a restore. */
export type CaptureSession = (slots: SlotWriter) => SessionState;

export interface Service {
  /** Makes a session; calls `answer` once, now or later. Nothing is returned of one that is refused at once. */
  serve(request: ServedRequest, answer: Answer): CaptureSession | undefined;
  /** Takes up a session from before a restore; calls `answer` at once if it was made already. Absent: it cannot. */
  again?(request: ServedRequest, saved: SavedComponent, answer: Answer): CaptureSession;
}

interface Served {
  readonly request: ServedRequest;
  /** Undefined: still being made. */
  session: ServedSession | undefined;
  identity: Identity | undefined;
  capture: CaptureSession;
}

/** A server as plain data: its connection of requests, slots, and its sessions. */
export interface SavedServer {
  readonly connection: number;
  readonly handler: number;
  readonly rom: number;
  readonly sessions: readonly SavedServed[];
}

interface SavedServed extends Omit<ServedRequest, "args"> {
  readonly id: number;
  readonly args: readonly (readonly [key: string, value: string])[];
  /** The slot of its object; 0: it is still being made, or passed on. */
  readonly object: number;
  readonly state: SessionState;
}
type Create = Extract<ServerRequest, { kind: "create" }>;

export class Server {
  readonly #env: Env;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #served = new Map<number, Served>();
  readonly #handler: SignalHandler;
  #connection = 0;
  #rom: Capability<RomSession> = INVALID;
  #ended = false;

  constructor(
    env: Env,
    connections: Connections,
    services: ReadonlyMap<string, Service>,
    again?: { readonly saved: SavedServer; readonly slots: SlotReader },
  ) {
    this.#env = env;
    this.#services = services;
    if (again) {
      const { saved, slots } = again;
      this.#handler = env.signalHandlerAgain(slots.held<SignalContext>(saved.handler, "signal-context"), () =>
        this.#poll(),
      );
      this.#connection = saved.connection;
      this.#rom = slots.held<RomSession>(saved.rom, "rom");
      if (saved.rom !== 0) connections.resume(saved.connection, this.#events());
      for (const session of saved.sessions) this.#resume(session, slots);
      return;
    }
    this.#handler = env.signalHandler(() => this.#poll());
    const request = { service: "ROM", label: "session_requests", donation: DONATION.ROM };
    this.#connection = connections.open(request, this.#events());
    for (const name of services.keys()) this.#parent()?.announce(name);
  }

  capture(slots: SlotWriter): SavedServer {
    const sessions = Array.from(this.#served, ([id, { request, identity, capture }]) => ({
      ...{ ...request, id, args: [...request.args], state: capture(slots) },
      object: identity ? slots.served(identity.capability) : 0,
    }));
    const handler = slots.held(this.#handler.context);
    return { connection: this.#connection, handler, rom: slots.held(this.#rom), sessions };
  }

  #events(): ConnectionEvents {
    return {
      ready: (capability) => {
        this.#rom = capability as Capability<RomSession>;
        objectOf<RomSession>(capability, "rom")?.sigh(this.#handler.context);
        this.#poll();
      },
      refused: (reason) => writeLine(this.#env.log, `error: no session requests: ${reason}`),
    };
  }

  /** The client has what it had: nothing is delivered again. */
  #resume({ id, object, state, args, ...rest }: SavedServed, slots: SlotReader): void {
    const request = { ...rest, args: new Map(args) };
    const service = this.#services.get(request.service);
    if (!service?.again) throw new TypeError(`a session of "${request.service}", which is not served again`);
    const served: Served = { request, session: undefined, identity: undefined, capture: () => state };
    this.#served.set(id, served);
    let made = false;
    served.capture = service.again(request, { state, slots }, (result) => {
      if (made || !result.ok) return this.#answer(id, served, result);
      served.session = result.value;
      if ("kind" in result.value.object) served.identity = slots.served(object, result.value.object);
    });
    made = true;
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
    const rom = objectOf<RomSession>(this.#rom, "rom");
    if (this.#ended || !rom) return;
    rom.update();
    const module = objectOf<Dataspace>(rom.dataspace(), "dataspace");
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
    const made = this.#services.get(service);
    const args = readSessionArgs(text);
    if (!made || !args.ok) return this.#refuse(id, "service-denied");
    const donation = quotaArgs(args.value);
    const request = { service, label, args: args.value, donation, affinity };
    const served: Served = { request, session: undefined, identity: undefined, capture: () => null };
    this.#served.set(id, served);
    const answer: Answer = (result) => this.#answer(id, served, result);
    try {
      served.capture = made.serve(request, answer) ?? served.capture;
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
