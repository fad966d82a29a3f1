// One child of init: its start and its end (spec 3.3). Its environment is environment.ts, what it calls parent-session.ts.
//
// A child advances from state to state as its environment sessions become available, which siblings may take their time
// for: `advance` does whatever can be done now and may be called at any time.
import { RomModule } from "../../core/index.ts";
import {
  type Capability,
  type CpuSession,
  type CpuThread,
  ENV_SESSION,
  type Identity,
  INVALID,
  type Location,
  type NativePd,
  NO_QUOTA,
  objectOf,
  type ParentSession,
  type PdSession,
  type Quota,
  type RomSession,
  type SlotReader,
  type SlotWriter,
} from "../../session/index.ts";
import { type Attempt, required } from "../../util/index.ts";
import type { StartConfig } from "../config/types.ts";
import { effectiveQuota } from "../resources/amounts.ts";
import type { AdoptedSession } from "../sessions/broker.ts";
import type { SessionReader, SessionWriter } from "../sessions/saved-sessions.ts";
import { RomServer, type SavedServed } from "../sessions/servers.ts";
import type { Session } from "../sessions/session.ts";
import { type SavedSibling, SiblingServer } from "../sessions/sibling.ts";
import { ChildClient, EnvironmentClient, type SavedClient } from "./client.ts";
import { Environment } from "./environment.ts";
import { Heart, type SavedHeart } from "./heart.ts";
import type { Household, ResourceRequest } from "./household.ts";
import { ChildParent, type SavedParent } from "./parent-session.ts";

/** "incomplete": some environment session is missing or the program could not be loaded. */
export const CHILD_STATES = ["incomplete", "running", "exited", "gone"] as const;
export type ChildState = (typeof CHILD_STATES)[number];

/**
 * Order of closing: by service, then all others (spec 2.12). Sessions that the child provides end behind its PD instead of
 * behind its threads: the PD's end gives init the donations that are owed to their clients. Nobody runs in between.
 */
const CLOSING_ORDER = ["CPU", "LOG", "ROM", "PD"];

export interface NewChild {
  /** Its number in the report. */
  readonly id: number;
  readonly start: StartConfig;
  readonly assigned: Quota;
  readonly cpuPercent: number;
}

/** A child as plain data. Capabilities are slots, sessions their places. */
export interface SavedChild extends Omit<NewChild, "start"> {
  readonly name: string;
  readonly location: Location;
  readonly request: ResourceRequest | undefined;
  readonly exitValue: number | undefined;
  readonly state: ChildState;
  readonly opened: boolean;
  readonly failed: boolean;
  readonly cpuTransferred: boolean;
  readonly pd: number;
  readonly mainThread: number;
  /** 0: it has exited. */
  readonly parent: number;
  readonly calls: SavedParent;
  readonly heart: SavedHeart;
  readonly client: SavedClient;
  readonly server: SavedSibling;
  readonly config: readonly SavedServed[];
  readonly requests: readonly SavedServed[];
}

export class Child {
  readonly name: string;
  /** Its number in the report. */
  readonly id: number;
  readonly location: Location;
  readonly server: SiblingServer;
  readonly client: ChildClient;
  readonly environment: EnvironmentClient;
  readonly heart = new Heart();
  readonly configModule = new RomModule();
  readonly configServer: RomServer;
  readonly requestsServer: RomServer;
  /** Quota as assigned by init, start costs included. */
  assigned: Quota;
  /** What it has asked for and not got. */
  request: ResourceRequest | undefined;
  exitValue: number | undefined;
  /** Its start node: as of the last configuration. */
  start: StartConfig;
  /** Being taken down by a reconfiguration. */
  abandoned = false;
  readonly #house: Household;
  readonly #parent: Identity<ParentSession>;
  readonly #calls: ChildParent;
  readonly #environment: Environment;
  readonly #cpuPercent: number;
  #state: ChildState = "incomplete";
  #pd: Capability<PdSession> = INVALID;
  #mainThread: Capability<CpuThread> = INVALID;
  #failed = false;
  #cpuTransferred = false;

  /** @param restored what `capture` gave; sessions follow by `restore` */
  constructor(
    house: Household,
    { id, start, assigned, cpuPercent }: NewChild,
    restored?: { readonly saved: SavedChild; readonly slots: SlotReader },
  ) {
    this.#house = house;
    this.id = id;
    this.name = start.name;
    this.start = start;
    this.assigned = assigned;
    this.#cpuPercent = cpuPercent;
    this.location = restored?.saved.location ?? house.locationOf(start);
    const { env, accounts, broker } = house;
    this.server = new SiblingServer(start.name, accounts, broker, () => this.requestsServer.inUse);
    this.requestsServer = new RomServer(env, this.server.requests, broker);
    this.configServer = new RomServer(env, this.configModule, broker);
    this.client = new ChildClient(start.name, accounts, () => this.#pd);
    this.environment = new EnvironmentClient(start.name, (session) => {
      house.later({ do: "advance", child: id });
      this.client.notify(session); // it may wait for an upgrade
    });
    this.#environment = new Environment(this, house, (why) => this.#fail(why));
    this.#calls = new ChildParent(this, house);
    const served = restored?.saved.parent ?? 0;
    this.#parent =
      restored && served !== 0
        ? restored.slots.served<ParentSession>(served, this.#calls)
        : env.badges.identify<ParentSession>(this.#calls);
    if (restored && served === 0) this.#parent.dispose(); // it has exited
    this.setConfig(start.config);
  }

  /** All of it but its start node, which is the configuration's. */
  capture(slots: SlotWriter, sessions: SessionWriter): SavedChild {
    const { name, id, location, assigned, request, exitValue } = this;
    return {
      ...{ name, id, location, assigned, request, exitValue, cpuPercent: this.#cpuPercent },
      ...{
        state: this.#state,
        opened: this.#environment.opened,
        failed: this.#failed,
        cpuTransferred: this.#cpuTransferred,
      },
      pd: slots.held(this.#pd),
      mainThread: slots.held(this.#mainThread),
      parent: slots.served(this.#parent.capability),
      calls: this.#calls.capture(slots),
      heart: this.heart.capture(slots),
      client: this.client.capture(slots, sessions),
      server: this.server.capture(sessions),
      config: this.configServer.capture(slots, sessions),
      requests: this.requestsServer.capture(slots, sessions),
    };
  }

  /** The second half: when the sessions of all children are there. */
  restore(saved: SavedChild, slots: SlotReader, sessions: SessionReader): void {
    this.#state = saved.state;
    this.#environment.opened = saved.opened;
    this.#failed = saved.failed;
    this.#cpuTransferred = saved.cpuTransferred;
    this.request = saved.request;
    this.exitValue = saved.exitValue;
    this.#pd = slots.held<PdSession>(saved.pd, "pd");
    this.#mainThread = slots.held<CpuThread>(saved.mainThread, "cpu-thread");
    this.#calls.restore(saved.calls, slots);
    this.heart.restore(saved.heart, slots);
    this.client.restore(saved.client, slots, sessions);
    this.server.restore(saved.server, this.#pd, sessions);
    this.configServer.restore(saved.config, slots, sessions);
    this.requestsServer.restore(saved.requests, slots, sessions);
  }

  get state(): ChildState {
    return this.#state;
  }

  get pd(): Capability<PdSession> {
    return this.#pd;
  }

  /** It could not be started, for a reason that has been said. */
  get failed(): boolean {
    return this.#failed;
  }

  get mainThread(): Capability<CpuThread> {
    return this.#mainThread;
  }

  /** For a child that was not started regularly. */
  set mainThread(thread: Capability<CpuThread>) {
    this.#mainThread = thread;
  }

  get parent(): ChildParent {
    return this.#calls;
  }

  /** Whether it still has sessions and an account. */
  get lives(): boolean {
    return this.#state === "incomplete" || this.#state === "running";
  }

  /** All sessions that it asked for, environment included. */
  get sessions(): readonly Session[] {
    return [...this.client.sessions.values()];
  }

  /** Gives it a new inline configuration. */
  setConfig(config: string | undefined): void {
    this.configModule.change(config === undefined ? undefined : new TextEncoder().encode(config));
  }

  /** Opens the PD session: done for all new children before anything else, so that siblings are found. */
  openPd(): void {
    this.#environment.openPd();
  }

  /** Does what can be done now towards running. */
  advance(): void {
    if (this.#state !== "incomplete" || this.#failed) return;
    if (!this.#pd.valid && !this.#takePd()) return;
    if (this.#environment.complete() && !this.#failed) this.#launch();
  }

  /** As `Environment.adopt`. */
  adopt(id: number, service: string, args: string, adopted: AdoptedSession): Attempt<void, string> {
    const made = this.#environment.adopt(id, service, args, adopted);
    if (id === ENV_SESSION.pd && made.ok) this.#house.later({ do: "advance", child: this.id });
    const cpu = id === ENV_SESSION.cpu && made.ok ? this.client.sessions.get(id)?.capability : undefined;
    const session = cpu && objectOf<CpuSession>(cpu as Capability<CpuSession>, "cpu");
    if (session) this.#giveCpuQuota(session);
    return made;
  }

  /** Ends it and all its sessions; harmless when repeated. @param value of its exit; absent: it is destroyed */
  end(value?: number): void {
    if (this.#state === "gone") return;
    const lived = this.lives;
    this.#state = value === undefined ? "gone" : "exited";
    this.exitValue = value;
    if (!lived) return;
    const order = (session: Session) => {
      const at = CLOSING_ORDER.indexOf(session.service);
      return at < 0 ? CLOSING_ORDER.length : at;
    };
    const sessions = this.sessions.toSorted((a, b) => order(a) - order(b));
    this.client.sessions.clear();
    const beforeOthers = sessions.filter((session) => order(session) < CLOSING_ORDER.length);
    for (const session of beforeOthers) this.#house.broker.orphan(session);
    this.#pd = INVALID;
    this.#mainThread = INVALID;
    this.server.gone();
    for (const session of sessions) this.#house.broker.orphan(session);
    this.#parent.dispose();
    this.#house.cpuPool.giveBack(this.#cpuPercent, this.#cpuTransferred);
    this.request = undefined;
  }

  /** Sets the account up. @returns whether there is a PD */
  #takePd(): boolean {
    const pd = this.#environment.capability(ENV_SESSION.pd) as Capability<PdSession>;
    const session = objectOf<PdSession>(pd, "pd");
    if (!session) return false;
    const { accounts, env } = this.#house;
    const quota = effectiveQuota(this.assigned);
    if (!session.refAccount(env.pd).ok) this.#fail("its PD cannot have init's as reference account");
    else if (!this.server.connect(pd).ok || !accounts.give(pd, quota).ok) {
      this.#fail(`cannot transfer ${quota.ram} bytes and ${quota.caps} caps`);
    }
    session.assignParent(this.#parent.capability);
    this.#pd = pd;
    return !this.#failed;
  }

  #launch(): void {
    const cpu = objectOf<CpuSession>(this.#environment.capability(ENV_SESSION.cpu), "cpu");
    const rom = objectOf<RomSession>(this.#environment.capability(ENV_SESSION.binary), "rom");
    const pd = objectOf<PdSession>(this.#pd, "pd");
    const native = pd && objectOf<NativePd>(pd.nativePd(), "native-pd");
    if (!rom || !native) return this.#fail("an environment session is gone");
    if (cpu) this.#giveCpuQuota(cpu);
    const { windows, growthRequests } = this.start;
    const loaded = this.#house.hooks.load(this, native, rom.dataspace(), { windows, growthRequests });
    if (!loaded.ok) return this.#fail(`program "${this.start.binary}": ${native.problem() || loaded.reason}`);
    if (this.#house.hooks.launch(this)) {
      this.#state = "running";
      return this.#house.changed(true);
    }
    if (!cpu) return this.#fail("its CPU session is gone");
    const thread = cpu.createThread(this.#pd, { name: this.name });
    if (!thread.ok) return this.#fail(`initial thread: ${thread.reason}`);
    this.#mainThread = thread.value;
    this.#state = "running";
    this.#house.changed(true);
    required(objectOf<CpuThread>(thread.value, "cpu-thread"), "a thread that was just created").start(0, 0);
  }

  #giveCpuQuota(cpu: CpuSession): void {
    const { env, cpuPool } = this.#house;
    const own = env.cpu;
    if (this.#cpuPercent === 0 || cpu.refAccount(own) !== 0) return;
    this.#cpuTransferred = true;
    const session = this.client.sessions.get(ENV_SESSION.cpu);
    const to = session?.capability as Capability<CpuSession>;
    const result = objectOf<CpuSession>(own, "cpu")?.transferQuota(
      this.#house.hooks.real(to),
      cpuPool.transfer(this.#cpuPercent),
    );
    if (result !== 0)
      this.#house.warn(`child "${this.name}": ${this.#cpuPercent} % CPU time not transferred (${result})`);
  }

  #fail(why: string): void {
    this.#failed = true;
    this.#house.warn(`child "${this.name}" cannot be started: ${why}`);
    this.#house.hooks.failed(this, why);
    this.#house.changed(false);
  }
}

/** The quota that a child has beyond its start costs, and what it uses. */
export function accountOf(child: Child): { readonly quota: Quota; readonly used: Quota } {
  const pd = objectOf<PdSession>(child.pd, "pd");
  if (!pd) return { quota: NO_QUOTA, used: NO_QUOTA };
  return { quota: { ram: pd.ramQuota(), caps: pd.capQuota() }, used: { ram: pd.usedRam(), caps: pd.usedCaps() } };
}
