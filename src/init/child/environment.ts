// The sessions that a child has before its program runs: opened for it by init, which waits for them.
import { type Capability, DONATION, ENV_SESSION, INVALID, prefixLabel, subtractQuota } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { filterArgs, readArgs } from "../sessions/arguments.ts";
import type { AdoptedSession } from "../sessions/broker.ts";
import { isOver, isRefused, type SessionRequest } from "../sessions/session.ts";
import type { Child } from "./child.ts";
import type { Household } from "./household.ts";
import { routedElsewhere } from "./parent-session.ts";

const PD = { id: ENV_SESSION.pd, service: "PD" } as const;
/** In the order of their creation, behind that of the PD. Where there is no dynamic linker, its ROM is that of the program. */
const ENVIRONMENT = [
  { id: ENV_SESSION.cpu, service: "CPU" },
  { id: ENV_SESSION.log, service: "LOG" },
  { id: ENV_SESSION.binary, service: "ROM" },
  { id: ENV_SESSION.linker, service: "ROM" },
] as const;

export class Environment {
  /** Whether all but the PD session have been asked for. */
  opened = false;
  readonly #child: Child;
  readonly #house: Household;
  readonly #fail: (why: string) => void;

  /** @param fail a session cannot be had: the child cannot be started */
  constructor(child: Child, house: Household, fail: (why: string) => void) {
    this.#child = child;
    this.#house = house;
    this.#fail = fail;
  }

  openPd(): void {
    if (!this.#takenInLater(ENV_SESSION.pd, "PD")) this.#open(ENV_SESSION.pd, "PD");
  }

  /** Asks for all others, once. @returns whether all are there */
  complete(): boolean {
    if (!this.opened) {
      this.opened = true;
      for (const { id, service } of this.#wanted) this.#open(id, service);
    }
    return this.#wanted.map(({ id }) => this.capability(id)).every(({ valid }) => valid);
  }

  /** INVALID: it is not there yet, or refused, which the child has been told. */
  capability(id: number): Capability {
    const session = this.#child.client.sessions.get(id);
    if (!session) return INVALID;
    if (isRefused(session.phase)) this.#fail(`${session.describe()} refused: ${session.phase}`);
    const capability = this.#house.broker.pickUp(session);
    return (capability.ok && capability.value) || INVALID;
  }

  /** As `ChildParent.adopt`, for a session of these: init pays for it, the child for its upgrades. */
  adopt(id: number, service: string, args: string, adopted: AdoptedSession): Attempt<void, string> {
    const { client } = this.#child;
    const known = [PD, ...ENVIRONMENT].find((each) => each.id === id && each.service === service);
    const request = known && this.#request(id, known.service);
    if (!request?.ok) return refusal("service-denied");
    const elsewhere = routedElsewhere(request.value, adopted);
    if (elsewhere !== undefined) return refusal(elsewhere);
    const made = this.#house.broker.adopt(request.value, adopted);
    if (!made.ok) return made;
    client.sessions.set(id, made.value);
    const read = readArgs(service, args);
    if (!read.ok || isOver(adopted.phase)) return success(undefined);
    const upgrades = subtractQuota(read.value.donation, request.value.donation);
    return this.#house.broker.adoptUpgrades(made.value, upgrades, { payer: client, ...adopted });
  }

  /** Sessions that it must have before it is launched. */
  get #wanted() {
    return ENVIRONMENT.filter(({ id, service }) => !this.#takenInLater(id, service));
  }

  #takenInLater(id: number, service: string): boolean {
    const routed = this.#house.route(this.#child, service, this.#label(service));
    const server = routed.ok && routed.value.to === "child" ? routed.value.child : undefined;
    return server !== undefined && this.#house.hooks.adopts(this.#child, id, server);
  }

  #label(service: string): string {
    const { name, start } = this.#child;
    return service === "ROM" ? prefixLabel(name, start.binary) : name;
  }

  #open(id: number, service: keyof typeof DONATION): void {
    const request = this.#request(id, service);
    if (!request.ok) return this.#fail(`no route to ${service}: ${request.reason}`);
    const made = this.#house.broker.create(request.value);
    if (made.ok) this.#child.client.sessions.set(id, made.value);
    else this.#fail(`${service} session "${request.value.label}" refused: ${made.reason}`);
  }

  #request(id: number, service: keyof typeof DONATION): Attempt<SessionRequest, string> {
    const house = this.#house;
    const child = this.#child;
    const label = this.#label(service);
    const routed = house.route(child, service, label);
    if (!routed.ok) return refusal(routed.why);
    const route = routed.value;
    const server = house.serverOf(route, child);
    if (!server) return refusal("server is gone");
    const args = filterArgs(service, new Map(), child.start, house.config().prioLevels, route.diag);
    const donation = DONATION[service];
    const { location: affinity } = child;
    const client = child.environment;
    return success({ client, id, service, label, route, server, args, affinity, donation });
  }
}
