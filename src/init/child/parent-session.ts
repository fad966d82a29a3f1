// The parent as one child sees it (spec 2.12). Calls come from a component: nothing it passes is trusted, and nothing here
// may block or throw because of it.
import {
  type Capability,
  type CpuThread,
  ENV_SESSION,
  FIRST_FREE_SESSION,
  INVALID,
  LABEL_LIMIT,
  type Location,
  NO_QUOTA,
  notify,
  type OutOf,
  type ParentSession,
  prefixLabel,
  type Quota,
  readQuota,
  readSessionArgs,
  type SessionRefusal,
  type SessionResponse,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
  writeQuota,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { innerLocation } from "../resources/amounts.ts";
import { filterArgs, readArgs } from "../sessions/arguments.ts";
import type { AdoptedSession } from "../sessions/broker.ts";
import { goneClient, goneServer } from "../sessions/saved-sessions.ts";
import { isOver, type SessionRequest } from "../sessions/session.ts";
import type { Settlement } from "../sessions/settlement.ts";
import type { ServedSession } from "../sessions/sibling.ts";
import type { Child } from "./child.ts";
import type { Household } from "./household.ts";

/** Slots of handlers; what the child is asked to give back. */
export interface SavedParent {
  readonly resourceHandler: number;
  readonly yieldHandler: number;
  readonly wanted: Quota | undefined;
  readonly exiting: boolean;
}

export class ChildParent implements ParentSession {
  readonly kind = "parent";
  readonly #child: Child;
  readonly #house: Household;
  #resourceSigh: Capability<SignalContext> = INVALID;
  #yieldSigh: Capability<SignalContext> = INVALID;
  #wanted: Quota = NO_QUOTA;
  #exiting = false;

  constructor(child: Child, house: Household) {
    this.#child = child;
    this.#house = house;
  }

  capture(slots: SlotWriter): SavedParent {
    return {
      resourceHandler: slots.held(this.#resourceSigh),
      yieldHandler: slots.held(this.#yieldSigh),
      wanted: this.#wanted === NO_QUOTA ? undefined : this.#wanted,
      exiting: this.#exiting,
    };
  }

  restore({ resourceHandler, yieldHandler, wanted, exiting }: SavedParent, slots: SlotReader): void {
    this.#resourceSigh = slots.held<SignalContext>(resourceHandler);
    this.#yieldSigh = slots.held<SignalContext>(yieldHandler);
    this.#wanted = wanted ?? NO_QUOTA;
    this.#exiting = exiting;
  }

  exit(value: number): void {
    if (this.#exiting || !this.#child.lives) return;
    this.#exiting = true;
    // The caller is one of the child's threads, whose session must not end below its feet.
    this.#house.later({ do: "exited", child: this.#child.id, value });
  }

  announce(service: string): void {
    if (this.#child.start.provides.includes(service)) return;
    this.#house.warn(`child "${this.#child.name}": illegal announcement of service "${service}"`);
  }

  sessionSigh(context: Capability<SignalContext>): void {
    this.#child.client.sigh = context;
    // Sessions that became available before are told too, so that none is missed.
    if (this.#child.sessions.some(({ phase, request }) => phase === "available" && request.id >= FIRST_FREE_SESSION)) {
      notify(context);
    }
  }

  session(id: number, service: string, args: string, affinity?: Location): Attempt<Capability, SessionRefusal> {
    const request = this.#request(id, service, args, affinity, this.#child.client.recordBytes);
    if (!request.ok) return request;
    const made = this.#house.broker.create(request.value);
    if (!made.ok) return made;
    this.#child.client.sessions.set(id, made.value);
    return this.sessionCap(id);
  }

  /**
   * A session that the child had before a restore, at a sibling that has been restored with it.
   *
   * @param args with all that was donated
   */
  adopt(id: number, service: string, args: string, adopted: AdoptedSession): Attempt<void, string> {
    if (id < FIRST_FREE_SESSION) return this.#child.adopt(id, service, args, adopted);
    const request = isOver(adopted.phase) ? this.#over(id, service, args) : this.#request(id, service, args);
    if (!request.ok) return request;
    const elsewhere = routedElsewhere(request.value, adopted);
    if (elsewhere !== undefined) return refusal(elsewhere);
    const made = this.#house.broker.adopt(request.value, adopted);
    if (!made.ok) return made;
    const { client } = this.#child;
    client.sessions.set(id, made.value);
    if (adopted.closing) client.expectEnd(made.value);
    return success(undefined);
  }

  /** A session that its server has closed, or that ended with it: nobody is asked where it would go now. */
  #over(id: number, service: string, args: string): Attempt<SessionRequest, "service-denied"> {
    const { name, client, location } = this.#child;
    const read = readArgs(service, args);
    if (!read.ok || client.sessions.has(id)) return refusal("service-denied");
    const label = prefixLabel(name, read.value.label);
    const route = { to: "parent", label, diag: false } as const;
    const { rest, donation } = read.value;
    const server = goneServer("a server that is gone");
    return success({ client, id, service, label, route, server, args: rest, affinity: location, donation });
  }

  /** As `adopt`, for sessions that the child served before a restore, and whose clients are not there: it is to close them. */
  adoptServed(sessions: readonly ServedSession[], settlement: Settlement): void {
    const { server, location } = this.#child;
    for (const { id, service, args, phase } of sessions) {
      const read = readArgs(service, args);
      if (!read.ok || server.has(id)) continue;
      const { label, donation, rest } = read.value;
      const route = { to: "child", child: server.name, label, diag: false } as const;
      const client = goneClient("nobody");
      const request = { client, id, service, label, route, server, args: rest, affinity: location, donation };
      this.#house.broker.adoptOrphan(request, { serverId: id, phase, settlement });
    }
  }

  /** What the child asks for, routed unless it donates less than `least` bytes. */
  #request(
    id: number,
    service: string,
    args: string,
    affinity?: Location,
    least = 0,
  ): Attempt<SessionRequest, "service-denied" | "insufficient-ram-quota"> {
    const child = this.#child;
    const { name, client, lives } = child;
    if (!lives) return refusal("service-denied");
    if (!Number.isInteger(id) || id < FIRST_FREE_SESSION || client.sessions.has(id)) {
      return this.#denied(`session id ${id} is in use`);
    }
    const read = readArgs(service, args);
    if (!read.ok) return this.#denied("malformed session arguments");
    const label = prefixLabel(name, read.value.label);
    if (label.length > LABEL_LIMIT) return this.#denied(`label longer than ${LABEL_LIMIT} characters`);
    if (read.value.donation.ram < least) return refusal("insufficient-ram-quota");
    const routed = this.#house.route(child, service, label);
    if (!routed.ok) return this.#denied(`no route to service "${service}" (label="${label}"): ${routed.why}`);
    const route = routed.value;
    const server = this.#house.serverOf(route, child);
    if (!server) return this.#denied(`the server of "${service}" (label="${label}") is gone`);
    const { rest, donation } = read.value;
    const filtered = filterArgs(service, rest, child.start, this.#house.config().prioLevels, route.diag);
    const place = innerLocation(child.location, affinity);
    return success({
      client,
      id,
      service,
      label,
      route,
      server,
      args: filtered,
      asked: rest,
      affinity: place,
      donation,
    });
  }

  #denied(why: string): Attempt<never, "service-denied"> {
    this.#house.warn(`child "${this.#child.name}": ${why}`);
    return refusal("service-denied");
  }

  sessionCap(id: number): Attempt<Capability, Exclude<SessionRefusal, OutOf>> {
    const session = this.#child.client.sessions.get(id);
    if (!session) return success(INVALID);
    const picked = this.#house.broker.pickUp(session);
    if (picked.ok) return success(picked.value ?? INVALID);
    if (id >= FIRST_FREE_SESSION) this.#child.client.sessions.delete(id);
    return picked;
  }

  upgrade(id: number, args: string): Attempt<"done" | "pending", OutOf> {
    const { client } = this.#child;
    if (id === ENV_SESSION.pd) {
      this.resourceRequest(args);
      return success("done");
    }
    const session = client.sessions.get(id);
    return session ? this.#house.broker.upgrade(session, readQuota(args), client) : success("done");
  }

  close(id: number): "done" | "pending" {
    const { client } = this.#child;
    const session = client.sessions.get(id);
    if (!session || id < FIRST_FREE_SESSION) return "done";
    const outcome = this.#house.broker.close(session);
    if (outcome === "done") client.sessions.delete(id);
    else client.expectEnd(session);
    return outcome;
  }

  sessionResponse(id: number, response: SessionResponse): void {
    this.#child.server.respond(id, response);
  }

  deliverSessionCap(id: number, session: Capability): void {
    this.#child.server.deliver(id, session);
  }

  mainThreadCap(): Capability<CpuThread> {
    return this.#child.mainThread;
  }

  resourceAvailSigh(context: Capability<SignalContext>): void {
    this.#resourceSigh = context;
  }

  /** Init never grants by itself: the request is recorded and reported; a later configuration may fulfil it. */
  resourceRequest(args: string): void {
    const child = this.#child;
    if (!child.lives || child.request?.args === args || !this.requested(args)) return;
    this.#house.log(`child "${child.name}" requests resources: ${args}`);
    this.#house.changed(true);
  }

  /** Records a request that nobody need hear of: it was made before a restore. @returns false if it asks for nothing */
  requested(args: string): boolean {
    const quota = readQuota(args);
    if (!readSessionArgs(args).ok || (quota.ram === 0 && quota.caps === 0)) return false;
    this.#child.request = { args, quota };
    return true;
  }

  /** More has been assigned: whoever waits for it goes on. */
  resourcesArrived(): void {
    this.#child.request = undefined;
    notify(this.#resourceSigh);
  }

  yieldSigh(context: Capability<SignalContext>): void {
    this.#yieldSigh = context;
    if (this.#wanted !== NO_QUOTA) notify(context);
  }

  yieldRequest(): string {
    return this.#wanted === NO_QUOTA ? "" : writeQuota(this.#wanted);
  }

  yieldResponse(): void {
    if (this.#wanted === NO_QUOTA) return;
    this.#wanted = NO_QUOTA;
    this.#house.later({ do: "yielded", child: this.#child.id });
  }

  /** Asks the child to give something back. */
  askBack(quota: Quota): void {
    this.#wanted = quota;
    notify(this.#yieldSigh);
  }

  heartbeatSigh(context: Capability<SignalContext>): void {
    this.#child.heart.listen(context);
  }

  heartbeatResponse(): void {
    this.#child.heart.response();
  }
}

/** Why a session cannot be taken in at who served it: it would be another one's. Undefined: it can. */
export function routedElsewhere({ route }: SessionRequest, { phase, server }: AdoptedSession): string | undefined {
  const leads = route.to === "child" ? `child "${route.child}"` : route.to;
  return isOver(phase) || leads === `child "${server}"` ? undefined : `its route leads to ${leads} now`;
}
