// Init: a native component that reads a configuration and keeps a tree of children in line with it (spec section 3). It
// has nothing but its environment, so that it can run inside another init, or beneath an interposer.
//
// Everything happens in calls of children, which answer at once, or from the event loop: signals of the configuration,
// of the parent (sessions), of the timer, and work that a call has put off (`later`).
// What an init consists of has files of its own; here it is joined, and captured and restored as one.
import {
  type Capability,
  type CpuSession,
  DONATION,
  type Env,
  type Location,
  objectOf,
  type ParentSession,
  type PdSession,
  type SavedComponent,
  type SessionState,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
  subtractQuota,
  type TimerSession,
} from "../session/index.ts";
import { required } from "../util/index.ts";
import type { Child } from "./child/child.ts";
import type { Household } from "./child/household.ts";
import type { InitConfig, StartConfig } from "./config/types.ts";
import { Configuration } from "./configuration.ts";
import { Family } from "./family.ts";
import { type HandlerName, Handlers } from "./handlers.ts";
import { Heartbeats } from "./heartbeats.ts";
import { type InitHooks, NO_HOOKS } from "./hooks.ts";
import { Messages } from "./messages.ts";
import { type OwnEvents, type OwnRequest, OwnSessions } from "./own-sessions.ts";
import { Reporter } from "./report/reporter.ts";
import { Accounts } from "./resources/accounts.ts";
import { CpuPool, childLocation, type Space, sharedPlaces } from "./resources/amounts.ts";
import { CONFIG_MODULE, type Route, type Routed, resolveRoute } from "./routing/route.ts";
import { Broker } from "./sessions/broker.ts";
import { Parties } from "./sessions/parties.ts";
import { SessionReader, SessionWriter } from "./sessions/saved-sessions.ts";
import { ParentServer } from "./sessions/servers.ts";
import type { SessionServer } from "./sessions/session.ts";
import { INIT_STATE_VERSION, type InitState, readInitState } from "./state.ts";
import { Timeouts } from "./timeouts.ts";
import { Upward } from "./upward.ts";
import { type Work, WorkQueue } from "./work.ts";

/** Starts an init; its `config` module may change at any time. */
export function init(env: Env, saved?: SavedComponent): Init {
  return new Init(env, NO_HOOKS, saved);
}

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
  readonly #heartbeats: Heartbeats;
  readonly #reporter: Reporter;
  readonly #upward: Upward;
  readonly #parties: Parties;
  readonly #handlers: Handlers;
  readonly #work: WorkQueue;
  readonly #configuration: Configuration;
  readonly #messages: Messages;
  #timerAsked = false;
  #ended = false;

  /**
   * @param hooks for programs that stand between their children and the services
   * @param saved what `capture` gave of an init with such hooks: this one goes on from there
   */
  constructor(env: Env, hooks: InitHooks = NO_HOOKS, saved?: SavedComponent) {
    const state = saved && readInitState(saved.state);
    this.env = env;
    this.hooks = hooks;
    this.#messages = new Messages(env.log);
    this.accounts = new Accounts(env.pd, (capability) => hooks.real(capability));
    this.broker = new Broker({
      hooks,
      warn: (message) => this.warn(message),
      changed: () => this.changed(false),
    });
    this.#handlers = new Handlers(env, saved && state && { saved: state.handlers, slots: saved.slots });
    const work = this.#handler("work", () => this.#work.run((each) => this.#do(each)));
    this.#work = new WorkQueue(() => work.object?.submit(1));
    this.#configuration = new Configuration({
      textOf: (text) => hooks.configuration(text),
      sigh: () => this.#handlers.contextOf("config"),
      warn: (message) => this.warn(message),
      changed: () => this.#apply(),
    });
    this.#parentServer = new ParentServer(env, this.accounts, this.broker);
    this.#own = new OwnSessions({
      broker: this.broker,
      parent: this.#parentServer,
      later: (work) => this.later(work),
    });
    this.#family = new Family(this);
    hooks.begins(() => subtractQuota(this.#family.unassigned(), this.config().preserve));
    this.#heartbeats = new Heartbeats(this, this.#family, this.#timeouts);
    this.#reporter = new Reporter({
      sessions: this.#own,
      timeouts: this.#timeouts,
      later: (work) => this.later(work),
      source: () => this.#state(),
      warn: (message) => this.warn(message),
    });
    const requests = this.#handler("requests", () => this.#upward.poll());
    this.#upward = new Upward(this, this.#family, this.#own, requests);
    this.#parties = new Parties(this.#family, this.#own, { client: this.#upward.client, server: this.#parentServer });
    const sessions = this.#handler("sessions", () => this.#parentServer.poll());
    // What init could not give before it may be able to give now.
    const resources = this.#handler("resources", () => {
      if (this.#configuration.known) this.#family.apply();
    });
    const heartbeat = this.#handler("heartbeat", () => this.#parent()?.heartbeatResponse());
    if (saved && state) {
      this.#restore(state, saved.slots);
      return;
    }
    this.#parent()?.sessionSigh(sessions);
    this.#parent()?.resourceAvailSigh(resources);
    this.#parent()?.heartbeatSigh(heartbeat);
    this.#openConfig();
  }

  /** All of it. @throws Fault of the hooks */
  capture(slots: SlotWriter): SessionState {
    const sessions = new SessionWriter(slots, this.#parties.clients(), this.#parties.servers());
    const state: Omit<InitState, "sessions"> = {
      version: INIT_STATE_VERSION,
      ...this.#configuration.capture(slots),
      handlers: this.#handlers.capture(slots),
      work: this.#work.capture(),
      warnings: this.#messages.capture(),
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

  /** Everything is as it was: nobody is told, nothing is asked of anybody. */
  #restore(state: InitState, slots: SlotReader): void {
    this.#configuration.restore(state, slots);
    for (const [name] of state.handlers) if (name === "config" || name === "timer") this.#ownHandler(name);
    this.#work.restore(state.work);
    this.#messages.restore(state.warnings);
    this.#timerAsked = state.timerAsked;
    this.cpuPool.restore(state.cpuPool);
    this.#family.restore(state.family, slots);
    const sessions = new SessionReader(
      state.sessions,
      slots,
      (ref) => this.#parties.client(ref),
      (ref) => this.#parties.server(ref),
    );
    if (state.program) this.hooks.restore(state.program, slots, sessions);
    this.#own.restore(state.own, sessions, (service, label) => this.#ownEvents(service, label));
    this.#parentServer.restore(state.parent, sessions);
    this.#family.restoreSessions(state.family, slots, sessions);
    this.#timeouts.restore(
      state.timeouts,
      slots,
      (name) => this.#reporter.runOf(name) ?? (() => this.#heartbeats.run()),
    );
    this.#reporter.restore(state.reporter, this.config().report, slots);
    this.#upward.restore(state.upward, this.config().services, slots, sessions);
  }

  #ownEvents(service: string, label: string): OwnEvents {
    const events = this.hooks.ownEvents(service, label);
    if (events) return events;
    if (service === "Timer") return this.#timerEvents();
    if (service === "Report") return this.#reporter.events();
    return label === CONFIG_MODULE ? this.#configuration.events() : this.#upward.events();
  }

  /** Ends all children. Harmless when repeated. */
  dispose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#family.end();
    this.#upward.dispose();
    this.#handlers.dispose();
  }

  config(): InitConfig {
    return this.#configuration.inForce;
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
    return childLocation(start.affinity, this.config().affinitySpace, this.#cpus);
  }

  get #cpus(): Space {
    return objectOf<CpuSession>(this.env.cpu, "cpu")?.affinitySpace() ?? { width: 1, height: 1 };
  }

  /** Places of a configuration that has more of them than there are CPUs are none of their own. */
  #checkSpace(): void {
    const shared = sharedPlaces(this.config().affinitySpace, this.#cpus);
    if (shared !== undefined) this.warn(shared);
  }

  route(child: Child, service: string, label: string): Routed {
    return resolveRoute({ service, label }, child.start, this.config(), this.#family);
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

  warn(message: string): void {
    this.#messages.warn(message);
  }

  log(message: string): void {
    this.#messages.log(message);
  }

  changed(urgent: boolean): void {
    this.#reporter?.changed(urgent);
  }

  later(work: Work): void {
    if (!this.#ended) this.#work.add(work);
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

  #do(work: Work): void {
    if (this.#ended) return;
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

  #handler(name: HandlerName, handle: () => void): Capability<SignalContext> {
    return this.#handlers.add(name, () => {
      if (!this.#ended) handle();
    });
  }

  /** Handlers that init has when it has the sessions that they are of. */
  #ownHandler(name: "config" | "timer"): Capability<SignalContext> {
    return this.#handler(name, name === "config" ? () => this.#configuration.read() : () => this.#timeouts.fire());
  }

  #openConfig(): void {
    this.#ownHandler("config");
    this.#own.open({ service: "ROM", label: CONFIG_MODULE, donation: DONATION.ROM }, this.#configuration.events());
  }

  /** Another configuration is in force. */
  #apply(): void {
    const { report, heartbeatMs, services, verbose, version } = this.config();
    if (verbose) this.log(`configuration version "${version}"`);
    if ((report || heartbeatMs) && !this.#timerAsked) this.#openTimer();
    this.#checkSpace();
    this.#reporter.configure(report);
    this.#heartbeats.schedule();
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
        this.#timeouts.connect(capability as Capability<TimerSession>, this.#handlers.contextOf("timer"));
      },
      refused: (reason) => this.warn(`no Timer session, no heartbeats and only urgent reports: ${reason}`),
    };
  }

  #state() {
    const pd = required(objectOf<PdSession>(this.env.pd, "pd"), "init's PD");
    return {
      version: this.config().version,
      children: this.#family.children,
      quota: { ram: pd.ramQuota(), caps: pd.capQuota() },
      used: { ram: pd.usedRam(), caps: pd.usedCaps() },
    };
  }

  #parent(): ParentSession | undefined {
    return objectOf<ParentSession>(this.env.parent, "parent");
  }
}
