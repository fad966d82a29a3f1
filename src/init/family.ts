// The children of an init, and how a new configuration changes them (spec 3.3, 3.4): who is abandoned, who goes on, who is
// new, and how quota is adjusted: downgrades first.
import {
  addQuota,
  lastElement,
  NO_QUOTA,
  type Quota,
  type SlotReader,
  type SlotWriter,
  subtractQuota,
} from "../session/index.ts";
import { accountOf, Child, type SavedChild } from "./child/child.ts";
import type { Household } from "./child/household.ts";
import type { InitConfig, StartConfig } from "./config/types.ts";
import { clampQuota, START_COSTS } from "./resources/amounts.ts";
import { CONFIG_MODULE, type Directory, type Route, resolveRoute } from "./routing/route.ts";
import type { SessionReader, SessionWriter } from "./sessions/saved-sessions.ts";
import { isRefused, type Session } from "./sessions/session.ts";

/** What a downgrade leaves with a child (spec 3.4). */
const LEFT_AT_DOWNGRADE: Quota = { ram: 16 << 10, caps: 5 };
const DOWNGRADE_ATTEMPTS = 4;

export interface SavedFamily {
  readonly next: number;
  readonly children: readonly SavedChild[];
}

export class Family implements Directory {
  readonly #house: Household;
  #children: Child[] = [];
  #nextId = 1;

  constructor(house: Household) {
    this.#house = house;
  }

  /** In order of start. */
  get children(): readonly Child[] {
    return this.#children;
  }

  /** By its number. */
  childOf(id: number): Child | undefined {
    return this.#children.find((child) => child.id === id);
  }

  capture(slots: SlotWriter, sessions: SessionWriter): SavedFamily {
    return { next: this.#nextId, children: this.#children.map((child) => child.capture(slots, sessions)) };
  }

  /** Children by the configuration in force; what they hold follows by `restoreSessions`. */
  restore({ next, children }: SavedFamily, slots: SlotReader): void {
    this.#nextId = next;
    const { starts } = this.#house.config();
    this.#children = children.map((saved) => {
      const start = starts.find(({ name }) => name === saved.name);
      if (!start) throw new TypeError(`child "${saved.name}": expected a start node of that name`);
      return new Child(this.#house, { ...saved, start }, { saved, slots });
    });
  }

  restoreSessions({ children }: SavedFamily, slots: SlotReader, sessions: SessionReader): void {
    for (const [i, child] of this.#children.entries()) child.restore(children[i]!, slots, sessions);
  }

  providers(service: string): readonly string[] {
    return this.#present()
      .filter(({ start }) => start.provides.includes(service))
      .map(({ name }) => name);
  }

  childNamed(name: string): string | undefined {
    return this.find(this.#house.config().aliases.get(name) ?? name)?.name;
  }

  /** The child of that name that can serve. */
  find(name: string): Child | undefined {
    return this.#present().find((child) => child.name === name);
  }

  /** Brings the children in line with the configuration in force. */
  apply(): void {
    const config = this.#house.config();
    this.#compare(config);
    while (this.#abandonBroken(config)) {
      // Abandoning may break routes of others.
    }
    const abandoned = this.#children.filter((child) => child.abandoned);
    for (const child of abandoned) this.#end(child);
    this.#children = this.#children.filter((child) => !child.abandoned);
    const created = this.#create(config);
    this.adjust(true);
    if (abandoned.length + created > 0) this.#house.changed(true);
    this.#house.hooks.applied(this.#children);
  }

  /** Ends a child, and starts it again if it is still configured. */
  restart(child: Child): void {
    child.abandoned = true;
    this.apply();
  }

  /** Ends all, the last started first. */
  end(): void {
    for (const child of [...this.#children].reverse()) child.end();
    this.#children = [];
  }

  #present(): Child[] {
    return this.#children.filter((child) => child.lives && !child.abandoned);
  }

  /** Abandons what its own start node changes, and takes over the rest of the start nodes. */
  #compare(config: InitConfig): void {
    for (const child of this.#children) {
      const start = config.starts.find(({ name, version }) => name === child.name && version === child.start.version);
      if (!start || child.failed || mustRestart(child, start)) {
        child.abandoned = true;
        continue;
      }
      const { config: before } = child.start;
      child.start = start;
      if (start.config !== before) child.setConfig(start.config);
    }
  }

  /** @returns whether a child has been abandoned because of its sessions */
  #abandonBroken(config: InitConfig): boolean {
    const broken = this.#present().filter((child) => child.sessions.some((each) => !this.#holds(child, each, config)));
    for (const child of broken) child.abandoned = true;
    return broken.length > 0;
  }

  /** Whether a session of a child would be routed the same way again, and is there. */
  #holds(child: Child, session: Session, config: InitConfig): boolean {
    const { service, label, route, server, client } = session.request;
    const own = client === child.client;
    if (session.phase === "closed" || isRefused(session.phase)) return own;
    if (route.to === "child" && this.#house.serverOf(route, child) !== server) return false;
    const routed = resolveRoute({ service, label }, child.start, config, this);
    return routed.ok && sameRoute(routed.value, route);
  }

  /** What is available, but for what children will get that have no PD yet. */
  unassigned(): Quota {
    const waiting = this.#present().filter(({ pd }) => !pd.valid);
    return waiting.reduce((left, { assigned }) => subtractQuota(left, assigned), this.#house.accounts.available());
  }

  /** @returns how many children are new */
  #create(config: InitConfig): number {
    let left = this.unassigned();
    const created: Child[] = [];
    for (const start of config.starts) {
      if (this.#children.some(({ name }) => name === start.name)) continue;
      const assigned = this.#assign(start, left, config.preserve);
      if (!assigned) continue;
      left = subtractQuota(left, assigned);
      const percent = this.#house.cpuPool.take(start.cpuPercent);
      if (percent < start.cpuPercent) this.#warn(start, `${start.cpuPercent} % CPU time wanted, ${percent} % are left`);
      const child = new Child(this.#house, { id: this.#nextId++, start, assigned, cpuPercent: percent });
      this.#children.push(child);
      if (config.verbose) this.#house.log(`child "${child.name}" created`);
      created.push(child);
    }
    for (const child of created) child.openPd();
    for (const child of created) child.advance();
    return created.length;
  }

  #end(child: Child): void {
    child.end();
    if (this.#house.config().verbose) this.#house.log(`child "${child.name}" ended`);
  }

  #assign(start: StartConfig, left: Quota, preserve: Quota): Quota | undefined {
    const wanted = { ram: start.ram, caps: start.caps };
    const assigned = clampQuota(wanted, left, preserve);
    if (assigned.ram < wanted.ram) this.#warn(start, `${wanted.ram} bytes of RAM wanted, ${assigned.ram} are left`);
    if (assigned.caps < wanted.caps) this.#warn(start, `${wanted.caps} caps wanted, ${assigned.caps} are left`);
    if (assigned.ram >= START_COSTS.ram && assigned.caps >= START_COSTS.caps) return assigned;
    this.#warn(start, `not started, its start costs ${START_COSTS.ram} bytes and ${START_COSTS.caps} caps`);
    return undefined;
  }

  /**
   * Brings the children's quotas in line with their start nodes.
   *
   * @param ask whether children that have too much in use are asked to give it back
   */
  adjust(ask: boolean): void {
    const children = this.#present().filter((child) => child.pd.valid);
    for (const child of children) this.#downgrade(child, ask);
    for (const child of children) this.#upgrade(child);
  }

  #downgrade(child: Child, ask: boolean): void {
    let rest = subtractQuota(child.assigned, wantedOf(child));
    for (let attempt = 0; attempt < DOWNGRADE_ATTEMPTS && !isNone(rest); attempt++) {
      const { quota, used } = accountOf(child);
      const amount = clampQuota(rest, subtractQuota(quota, used), LEFT_AT_DOWNGRADE);
      if (isNone(amount)) break;
      const taken = this.#house.accounts.takeAvailable(child.pd, amount);
      child.assigned = subtractQuota(child.assigned, taken);
      rest = subtractQuota(rest, taken);
      this.#house.changed(false);
    }
    if (ask && !isNone(rest)) child.parent.askBack(rest);
  }

  #upgrade(child: Child): void {
    const wanted = subtractQuota(wantedOf(child), child.assigned);
    if (isNone(wanted)) return;
    const amount = clampQuota(wanted, this.#house.accounts.available(), this.#house.config().preserve);
    const short = subtractQuota(wanted, amount);
    if (!isNone(short)) {
      this.#warn(child.start, `${short.ram} bytes and ${short.caps} caps more are wanted than are left`);
    }
    if (isNone(amount)) return;
    const given = this.#house.accounts.give(child.pd, amount);
    if (!given.ok) return this.#warn(child.start, `upgrade failed: ${given.reason}`);
    child.assigned = addQuota(child.assigned, amount);
    this.#house.changed(false);
    child.parent.resourcesArrived();
  }

  #warn({ name }: StartConfig, message: string): void {
    this.#house.warn(`child "${name}": ${message}`);
  }
}

/** A living child's quota is adjusted; 0 or less than the start costs cannot be wanted of one that runs. */
function wantedOf({ start }: Child): Quota {
  return { ram: Math.max(start.ram, START_COSTS.ram), caps: Math.max(start.caps, START_COSTS.caps) };
}

function isNone(quota: Quota): boolean {
  return quota.ram <= NO_QUOTA.ram && quota.caps <= NO_QUOTA.caps;
}

function mustRestart(child: Child, start: StartConfig): boolean {
  const { start: before } = child;
  if (before.binary !== start.binary || before.windows !== start.windows) return true;
  if (before.growthRequests !== start.growthRequests) return true;
  if (!child.lives) return false;
  const appearedOrVanished = (before.config === undefined) !== (start.config === undefined);
  return appearedOrVanished && child.sessions.some(isConfigSession);
}

function isConfigSession({ service, request }: Session): boolean {
  return service === "ROM" && lastElement(request.label) === CONFIG_MODULE;
}

function sameRoute(a: Route, b: Route): boolean {
  const child = (route: Route) => (route.to === "child" ? route.child : "");
  return a.to === b.to && child(a) === child(b) && a.label === b.label && a.diag === b.diag;
}
