// Init: a native component that reads a configuration and keeps a tree of children in line with it (spec section 3). It
// has nothing but its environment, so that it can run inside another init, or beneath an interposer.
//
// Everything happens in calls of children, which answer at once, or from the event loop: signals of the configuration,
// of the parent (sessions), of the timer, and work that a call has put off (`later`).
import { writeLine } from "../core/index.ts";
import {
  type Capability,
  type CpuSession,
  DONATION,
  type Env,
  type Location,
  objectOf,
  type ParentSession,
  type PdSession,
  type RomSession,
  type SignalContext,
  type SignalHandler,
  type TimerSession,
} from "../session/index.ts";
import { required } from "../util/index.ts";
import type { Child } from "./child/child.ts";
import type { Household } from "./child/household.ts";
import { checkConfig, describeFinding } from "./config/check-config.ts";
import type { InitConfig, StartConfig } from "./config/types.ts";
import { XmlFault } from "./config/xml.ts";
import { Family } from "./family.ts";
import { type InitHooks, NO_HOOKS } from "./hooks.ts";
import { createOwnSessions, type OwnEvents, type OwnRequest, type OwnSessions } from "./own-sessions.ts";
import { Reporter } from "./report/reporter.ts";
import { Accounts } from "./resources/accounts.ts";
import { CpuPool, childLocation } from "./resources/amounts.ts";
import { readRom } from "./rom-text.ts";
import { CONFIG_MODULE, type Route, type Routed, resolveRoute } from "./routing/route.ts";
import { Broker } from "./sessions/broker.ts";
import { ParentServer } from "./sessions/servers.ts";
import type { SessionServer } from "./sessions/session.ts";
import { Timeouts } from "./timeouts.ts";
import { Upward } from "./upward.ts";

/** Starts an init; its `config` module may change at any time. */
export function init(env: Env): Init {
  return new Init(env);
}

const WARNINGS_KEPT = 100;

export class Init implements Household {
  readonly env: Env;
  readonly hooks: InitHooks;
  readonly accounts: Accounts;
  readonly broker: Broker;
  readonly cpuPool = new CpuPool();
  readonly #family: Family;
  readonly #parentServer: ParentServer;
  readonly #own: OwnSessions;
  readonly #timeouts = new Timeouts();
  readonly #reporter: Reporter;
  readonly #upward: Upward;
  readonly #handlers: SignalHandler[] = [];
  readonly #work: (() => void)[] = [];
  readonly #workSigh: Capability<SignalContext>;
  #config: InitConfig = checkConfig("<config/>").config;
  #configText: string | undefined;
  #configRom: RomSession | undefined;
  /** How often what was warned of, the last ones. */
  readonly #warnings = new Map<string, number>();
  #timerAsked = false;
  #ended = false;

  /** @param hooks for programs that stand between their children and the services */
  constructor(env: Env, hooks: InitHooks = NO_HOOKS) {
    this.env = env;
    this.hooks = hooks;
    this.accounts = new Accounts(env.pd, (capability) => hooks.real(capability));
    this.broker = new Broker({
      hooks,
      warn: (message) => this.warn(message),
      changed: () => this.changed(false),
    });
    this.#workSigh = this.#handler(() => this.#runWork());
    this.#parentServer = new ParentServer(env, this.accounts, this.broker);
    this.#own = createOwnSessions(this.broker, this.#parentServer, (work) => this.later(work));
    this.#family = new Family(this);
    this.#reporter = new Reporter({
      sessions: this.#own,
      timeouts: this.#timeouts,
      later: (work) => this.later(work),
      source: () => this.#state(),
      warn: (message) => this.warn(message),
    });
    const requests = this.#handler(() => this.#upward.poll());
    this.#upward = new Upward(this, this.#family, this.#own, requests);
    this.#parent()?.sessionSigh(this.#handler(() => this.#parentServer.poll()));
    // What init could not give before it may be able to give now.
    this.#parent()?.resourceAvailSigh(this.#handler(() => this.#family.apply()));
    this.#parent()?.heartbeatSigh(this.#handler(() => this.#parent()?.heartbeatResponse()));
    this.#openConfig();
  }

  /** Ends all children. Harmless when repeated. */
  dispose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#family.end();
    for (const handler of this.#handlers) handler.dispose();
  }

  config(): InitConfig {
    return this.#config;
  }

  /** The children, in order of start. */
  get children(): readonly Child[] {
    return this.#family.children;
  }

  /** Starts children anew, from the event loop. */
  restart(names: readonly string[]): void {
    this.later(() => {
      for (const child of this.children.filter(({ name }) => names.includes(name))) child.abandoned = true;
      this.#family.apply();
    });
  }

  /** Opens a session at the parent, as init's own. */
  open(request: OwnRequest, events: OwnEvents): void {
    this.#own.open(request, events);
  }

  locationOf(start: StartConfig): Location {
    const cpus = objectOf<CpuSession>(this.env.cpu, "cpu")?.affinitySpace() ?? { width: 1, height: 1 };
    return childLocation(start.affinity, this.#config.affinitySpace, cpus);
  }

  route(child: Child, service: string, label: string): Routed {
    return resolveRoute({ service, label }, child.start, this.#config, this.#family);
  }

  serverOf(route: Route, child: Child): SessionServer | undefined {
    switch (route.to) {
      case "parent":
        return this.#parentServer;
      case "config":
        return child.configServer;
      case "session-requests":
        return child.requestsServer;
      case "child":
        return this.#family.find(route.child)?.server;
    }
  }

  /** The same warning again and again is written for the 1st, 10th, 100th ... time only. */
  warn(message: string): void {
    const times = (this.#warnings.get(message) ?? 0) + 1;
    this.#warnings.delete(message);
    this.#warnings.set(message, times);
    if (this.#warnings.size > WARNINGS_KEPT) this.#warnings.delete(this.#warnings.keys().next().value!);
    if (!Number.isInteger(Math.log10(times))) return;
    this.log(`warning: ${message}${times > 1 ? ` (${times} times)` : ""}`);
  }

  /** Always one line: messages hold names and labels that children chose. */
  log(message: string): void {
    writeLine(this.env.log, message.replace(/\p{Cc}/gu, "?"));
  }

  changed(urgent: boolean): void {
    this.#reporter?.changed(urgent);
  }

  later(work: () => void): void {
    if (this.#ended) return;
    this.#work.push(work);
    if (this.#work.length === 1) this.#workSigh.object?.submit(1);
  }

  exited(child: Child, value: number): void {
    this.log(`child "${child.name}" exited with exit value ${value}`);
    const propagates = child.start.exitPropagates;
    child.end(value);
    this.changed(true);
    if (propagates) this.#parent()?.exit(value);
  }

  yielded(): void {
    this.#family.adjust(false);
  }

  #runWork(): void {
    for (let left = this.#work.length; left > 0; left--) {
      try {
        if (!this.#ended) this.#work[0]!();
      } finally {
        this.#work.shift();
      }
    }
    if (this.#work.length > 0) this.#workSigh.object?.submit(1);
  }

  #handler(handle: () => void): Capability<SignalContext> {
    const handler = this.env.signalHandler(() => {
      if (!this.#ended) handle();
    });
    this.#handlers.push(handler);
    return handler.context;
  }

  #openConfig(): void {
    const sigh = this.#handler(() => this.#readConfig());
    this.#own.open(
      { service: "ROM", label: CONFIG_MODULE, donation: DONATION.ROM },
      {
        ready: (capability) => {
          this.#configRom = objectOf<RomSession>(capability, "rom");
          this.#configRom?.sigh(sigh);
          this.#readConfig();
        },
        refused: (reason) => this.warn(`no configuration: ${reason}`),
      },
    );
  }

  /** Takes the module's present content. A configuration that cannot be read leaves the one before in force. */
  #readConfig(): void {
    const rom = this.#configRom;
    if (!rom) return;
    const text = readRom(rom);
    if (text === undefined || text === this.#configText) return;
    try {
      const { config, findings } = checkConfig(this.hooks.configuration(text));
      this.#configText = text;
      for (const finding of findings) this.warn(describeFinding(CONFIG_MODULE, finding));
      this.#config = config;
    } catch (error) {
      if (!(error instanceof XmlFault)) throw error;
      return this.warn(`${describeFinding(CONFIG_MODULE, error)}; the configuration before stays in force`);
    }
    this.#apply();
  }

  #apply(): void {
    const { report, heartbeatMs, services, verbose } = this.#config;
    if (verbose) this.log(`configuration version "${this.#config.version}"`);
    if ((report || heartbeatMs) && !this.#timerAsked) this.#openTimer();
    this.#reporter.configure(report);
    this.#timeouts.cancel("heartbeat");
    if (heartbeatMs) this.#scheduleHeartbeat(heartbeatMs);
    this.#family.apply();
    this.hooks.applied(this.#family.children);
    this.#upward.configure(services);
  }

  #openTimer(): void {
    this.#timerAsked = true;
    const sigh = this.#handler(() => this.#timeouts.fire());
    this.#own.open(
      { service: "Timer", label: "", donation: DONATION.Timer },
      {
        ready: (capability) => {
          const timer = objectOf<TimerSession>(capability, "timer");
          if (timer) this.#timeouts.connect(timer, sigh);
        },
        refused: (reason) => this.warn(`no Timer session, no heartbeats and only urgent reports: ${reason}`),
      },
    );
  }

  #scheduleHeartbeat(periodMs: number): void {
    this.#timeouts.set("heartbeat", periodMs, () => {
      this.#scheduleHeartbeat(periodMs);
      this.#beat();
    });
  }

  #beat(): void {
    for (const child of this.#family.children) {
      const { heartbeat } = child.start;
      if (!heartbeat || !child.lives) continue;
      const before = child.heart.skipped;
      child.heart.beat();
      const { skipped } = child.heart;
      if (skipped !== before) this.changed(false);
      const limit = heartbeat.restartAfterSkipped;
      if (limit === undefined || skipped < limit) continue;
      this.log(`child "${child.name}" skipped ${skipped} heartbeats and is restarted`);
      this.#family.restart(child);
    }
  }

  #state() {
    const pd = required(objectOf<PdSession>(this.env.pd, "pd"), "init's PD");
    return {
      version: this.#config.version,
      children: this.#family.children,
      quota: { ram: pd.ramQuota(), caps: pd.capQuota() },
      used: { ram: pd.usedRam(), caps: pd.usedCaps() },
    };
  }

  #parent(): ParentSession | undefined {
    return objectOf<ParentSession>(this.env.parent, "parent");
  }
}
