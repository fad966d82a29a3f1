// Init: a native component that reads a configuration and keeps a tree of children in line with it (spec section 3). It
// has nothing but its environment, so that it can run inside another init, or beneath an interposer.
//
// Everything happens in calls of children, which answer at once, or from the event loop: signals of the configuration,
// of the parent (sessions), of the timer, and work that a call has put off (`later`).
//
// Above 400 lines: broker, family, routing and reports have files of their own; what is here joins them, and is captured
// and restored as one.
import { writeLine } from "../core/index.ts";
import {
  type Capability,
  type CpuSession,
  DONATION,
  type Env,
  INVALID,
  type Location,
  objectOf,
  type ParentSession,
  type PdSession,
  type RomSession,
  type SavedComponent,
  type SessionState,
  type SignalContext,
  type SignalHandler,
  type SlotReader,
  type SlotWriter,
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
import { type OwnEvents, type OwnRequest, OwnSessions } from "./own-sessions.ts";
import { Reporter } from "./report/reporter.ts";
import { Accounts } from "./resources/accounts.ts";
import { CpuPool, childLocation } from "./resources/amounts.ts";
import { readRom } from "./rom-text.ts";
import { CONFIG_MODULE, type Route, type Routed, resolveRoute } from "./routing/route.ts";
import { Broker } from "./sessions/broker.ts";
import { type ClientRef, type ServerRef, SessionReader, SessionWriter } from "./sessions/saved-sessions.ts";
import { ParentServer } from "./sessions/servers.ts";
import type { SessionClient, SessionServer } from "./sessions/session.ts";
import { INIT_STATE_VERSION, type InitState, readInitState } from "./state.ts";
import { Timeouts } from "./timeouts.ts";
import { Upward } from "./upward.ts";
import type { Work } from "./work.ts";

/** Starts an init; its `config` module may change at any time. */
export function init(env: Env, saved?: SavedComponent): Init {
  return new Init(env, NO_HOOKS, saved);
}

const WARNINGS_KEPT = 100;

type Handler = "work" | "requests" | "sessions" | "resources" | "heartbeat" | "config" | "timer";

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
  readonly #handlers = new Map<Handler, SignalHandler>();
  readonly #work: Work[] = [];
  readonly #workSigh: Capability<SignalContext>;
  #config: InitConfig = checkConfig("<config/>").config;
  #configText: string | undefined;
  #configRom: Capability<RomSession> = INVALID;
  /** How often what was warned of, the last ones. */
  readonly #warnings = new Map<string, number>();
  #timerAsked = false;
  #ended = false;
  /** While it takes up a state. */
  readonly #again: { readonly state: InitState; readonly slots: SlotReader } | undefined;

  /**
   * @param hooks for programs that stand between their children and the services
   * @param saved what `capture` gave of an init with such hooks: this one goes on from there
   */
  constructor(env: Env, hooks: InitHooks = NO_HOOKS, saved?: SavedComponent) {
    this.#again = saved && { state: readInitState(saved.state), slots: saved.slots };
    this.env = env;
    this.hooks = hooks;
    this.accounts = new Accounts(env.pd, (capability) => hooks.real(capability));
    this.broker = new Broker({
      hooks,
      warn: (message) => this.warn(message),
      changed: () => this.changed(false),
    });
    this.#workSigh = this.#handler("work", () => this.#runWork());
    this.#parentServer = new ParentServer(env, this.accounts, this.broker);
    this.#own = new OwnSessions({
      broker: this.broker,
      parent: this.#parentServer,
      later: (work) => this.later(work),
    });
    this.#family = new Family(this);
    this.#reporter = new Reporter({
      sessions: this.#own,
      timeouts: this.#timeouts,
      later: (work) => this.later(work),
      source: () => this.#state(),
      warn: (message) => this.warn(message),
    });
    const requests = this.#handler("requests", () => this.#upward.poll());
    this.#upward = new Upward(this, this.#family, this.#own, requests);
    const sessions = this.#handler("sessions", () => this.#parentServer.poll());
    // What init could not give before it may be able to give now.
    const resources = this.#handler("resources", () => {
      if (this.#configText !== undefined) this.#family.apply();
    });
    const heartbeat = this.#handler("heartbeat", () => this.#parent()?.heartbeatResponse());
    if (this.#again) {
      this.#restore(this.#again.state, this.#again.slots);
      return;
    }
    this.#parent()?.sessionSigh(sessions);
    this.#parent()?.resourceAvailSigh(resources);
    this.#parent()?.heartbeatSigh(heartbeat);
    this.#openConfig();
  }

  /** All of it. @throws Fault of the hooks */
  capture(slots: SlotWriter): SessionState {
    const sessions = new SessionWriter(slots, this.#clients(), this.#servers());
    const state: Omit<InitState, "sessions"> = {
      version: INIT_STATE_VERSION,
      config: this.#configText,
      configRom: slots.held(this.#configRom),
      handlers: Array.from(this.#handlers, ([name, { context }]) => [name, slots.held(context)]),
      work: [...this.#work],
      warnings: [...this.#warnings],
      timerAsked: this.#timerAsked,
      cpuPool: this.cpuPool.capture(),
      own: this.#own.capture(sessions),
      parent: this.#parentServer.capture(sessions),
      family: this.#family.capture(slots, sessions),
      timeouts: this.#timeouts.capture(slots),
      reporter: this.#reporter.capture(slots),
      upward: this.#upward.capture(slots, sessions),
      program: this.hooks.capture(slots, sessions),
    };
    return { ...state, sessions: sessions.list() } as unknown as SessionState;
  }

  #clients(): ReadonlyMap<SessionClient, ClientRef> {
    return new Map<SessionClient, ClientRef>([
      [this.#upward.client, { of: "parent", id: 0 }],
      ...this.#own.clients.map(([id, client]) => [client, { of: "own", id }] as const),
      ...this.children.map(({ id, client }) => [client, { of: "child", id }] as const),
      ...this.children.map(({ id, environment }) => [environment, { of: "environment", id }] as const),
    ]);
  }

  #servers(): ReadonlyMap<SessionServer, ServerRef> {
    return new Map<SessionServer, ServerRef>([
      [this.#parentServer, { of: "parent", id: 0 }],
      ...this.children.map(({ id, server }) => [server, { of: "child", id }] as const),
      ...this.children.map(({ id, configServer }) => [configServer, { of: "config", id }] as const),
      ...this.children.map(({ id, requestsServer }) => [requestsServer, { of: "requests", id }] as const),
    ]);
  }

  /** Everything is as it was: nobody is told, nothing is asked of anybody. */
  #restore(state: InitState, slots: SlotReader): void {
    if (state.config !== undefined) this.#config = checkConfig(this.hooks.configuration(state.config)).config;
    this.#configText = state.config;
    this.#configRom = slots.held<RomSession>(state.configRom, "rom");
    for (const [name] of state.handlers) if (name === "config" || name === "timer") this.#ownHandler(name);
    this.#work.push(...state.work);
    for (const [message, times] of state.warnings) this.#warnings.set(message, times);
    this.#timerAsked = state.timerAsked;
    this.cpuPool.restore(state.cpuPool);
    this.#family.restore(state.family, slots);
    const sessions = new SessionReader(
      state.sessions,
      slots,
      (ref) => this.#clientOf(ref),
      (ref) => this.#serverOf(ref),
    );
    if (state.program) this.hooks.restore(state.program, slots, sessions);
    this.#own.restore(state.own, sessions, (service, label) => this.#ownEvents(service, label));
    this.#parentServer.restore(state.parent, sessions);
    this.#family.restoreSessions(state.family, slots, sessions);
    this.#timeouts.restore(state.timeouts, slots, (name) => this.#reporter.runOf(name) ?? (() => this.#heartbeat()));
    this.#reporter.restore(state.reporter, this.#config.report, slots);
    this.#upward.restore(state.upward, this.#config.services, slots, sessions);
  }

  #clientOf({ of, id }: ClientRef): SessionClient | undefined {
    switch (of) {
      case "own":
        return this.#own.clientAgain(id);
      case "child":
        return this.#family.childOf(id)?.client;
      case "environment":
        return this.#family.childOf(id)?.environment;
      case "parent":
        return this.#upward.client;
      default:
        return undefined;
    }
  }

  #serverOf({ of, id }: ServerRef): SessionServer | undefined {
    const child = this.#family.childOf(id);
    switch (of) {
      case "parent":
        return this.#parentServer;
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

  #ownEvents(service: string, label: string): OwnEvents {
    const events = this.hooks.ownEvents(service, label);
    if (events) return events;
    if (service === "Timer") return this.#timerEvents();
    if (service === "Report") return this.#reporter.events();
    return label === CONFIG_MODULE ? this.#configEvents() : this.#upward.events();
  }

  /** Ends all children. Harmless when repeated. */
  dispose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#family.end();
    this.#upward.dispose();
    for (const handler of this.#handlers.values()) handler.dispose();
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
    this.later({ do: "restart", names });
  }

  /** Opens a session at the parent, as init's own. @returns closes it */
  open(request: OwnRequest, events: OwnEvents): () => void {
    return this.#own.open(request, events);
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

  later(work: Work): void {
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
        if (!this.#ended) this.#do(this.#work[0]!);
      } finally {
        this.#work.shift();
      }
    }
    if (this.#work.length > 0) this.#workSigh.object?.submit(1);
  }

  #do(work: Work): void {
    const child = "child" in work ? this.#family.childOf(work.child) : undefined;
    switch (work.do) {
      case "advance":
        return child?.advance();
      case "exited":
        if (child?.lives) this.exited(child, work.value);
        return;
      case "yielded":
        if (child?.lives) this.yielded();
        return;
      case "answer":
        return this.#upward.answer(work.id);
      case "settle":
        return this.#own.settle(work.id);
      case "report":
        return this.#reporter.report();
      case "restart":
        this.hooks.restarting(work.names);
        for (const each of this.children.filter(({ name }) => work.names.includes(name))) each.abandoned = true;
        return this.#family.apply();
    }
  }

  #handler(name: Handler, handle: () => void): Capability<SignalContext> {
    const guarded = () => {
      if (!this.#ended) handle();
    };
    const { state, slots } = this.#again ?? {};
    const [, slot] = state?.handlers.find(([known]) => known === name) ?? [];
    const handler =
      slots && slot !== undefined
        ? this.env.signalHandlerAgain(slots.held<SignalContext>(slot, "signal-context"), guarded)
        : this.env.signalHandler(guarded);
    this.#handlers.set(name, handler);
    return handler.context;
  }

  /** Handlers that init has when it has the sessions that they are of. */
  #ownHandler(name: "config" | "timer"): Capability<SignalContext> {
    return this.#handler(name, name === "config" ? () => this.#readConfig() : () => this.#timeouts.fire());
  }

  #openConfig(): void {
    this.#ownHandler("config");
    this.#own.open({ service: "ROM", label: CONFIG_MODULE, donation: DONATION.ROM }, this.#configEvents());
  }

  #configEvents(): OwnEvents {
    return {
      ready: (capability) => {
        this.#configRom = capability as Capability<RomSession>;
        objectOf<RomSession>(capability, "rom")?.sigh(this.#contextOf("config"));
        this.#readConfig();
      },
      refused: (reason) => this.warn(`no configuration: ${reason}`),
    };
  }

  #contextOf(name: Handler): Capability<SignalContext> {
    return required(this.#handlers.get(name), `the handler "${name}"`).context;
  }

  /** Takes the module's present content. A configuration that cannot be read leaves the one before in force. */
  #readConfig(): void {
    const rom = objectOf<RomSession>(this.#configRom, "rom");
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
    this.#upward.configure(services);
  }

  #openTimer(): void {
    this.#timerAsked = true;
    this.#ownHandler("timer");
    this.#own.open({ service: "Timer", label: "", donation: DONATION.Timer }, this.#timerEvents());
  }

  #timerEvents(): OwnEvents {
    return {
      ready: (capability) => {
        this.#timeouts.connect(capability as Capability<TimerSession>, this.#contextOf("timer"));
      },
      refused: (reason) => this.warn(`no Timer session, no heartbeats and only urgent reports: ${reason}`),
    };
  }

  #scheduleHeartbeat(periodMs: number): void {
    this.#timeouts.set("heartbeat", periodMs, () => this.#heartbeat());
  }

  #heartbeat(): void {
    const { heartbeatMs } = this.#config;
    if (!heartbeatMs) return;
    this.#scheduleHeartbeat(heartbeatMs);
    this.#beat();
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
