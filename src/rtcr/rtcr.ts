// RTCR as a component: keeps children by init's machinery, stands in front of all their sessions, checkpoints them while
// they run and recreates them (thesis chapter 4, spec 1 and 4).
//
//   init's machinery --hooks--> interposers     capture: TrackedChild -> information     restore: information -> children
//
// Above 400 lines: init's hooks, checkpoint and restore decide about the same children and by the same state.
//
// I1  A checkpoint is of all children that are asked for, at one moment; the children go on.
// I2  A restore begins when every child of it has a fresh environment and its program; until then none of them runs.
import type { ChildInfo, ExitedChild, ForeignSessionInfo, SystemCheckpoint } from "../checkpoint/index.ts";
import {
  type Child,
  Init,
  type InitHooks,
  NO_HOOKS,
  type Session,
  type SessionReader,
  type SessionWriter,
} from "../init/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import {
  type Capability,
  type Dataspace,
  ENV_SESSION,
  type Env,
  FIRST_FREE_SESSION,
  INVALID,
  LOG_LIMIT,
  type LoadOptions,
  type NativePd,
  objectOf,
  type PdSession,
  type SavedComponent,
  type SessionState,
  type SlotReader,
  type SlotWriter,
} from "../session/index.ts";
import { messageOf } from "../util/index.ts";
import { Bootstrap } from "./bootstrap.ts";
import { type Captured, capture, likelyBytes } from "./capture.ts";
import { environment } from "./components.ts";
import type { CopyEngine } from "./copier.ts";
import { argsOf } from "./creation-args.ts";
import { type DataProvider, OnDemandProvider } from "./data-provider.ts";
import { BOOTSTRAP_MS, Deadline } from "./deadline.ts";
import { RtcrFault } from "./faults.ts";
import { lives, requireLiving } from "./living.ts";
import { log } from "./logging.ts";
import type { CopyPool } from "./parallel/copy-pool.ts";
import { beforeBarrier } from "./parent.ts";
import type { Phase, RestorePhase } from "./phases.ts";
import { Restoration } from "./restoration.ts";
import { type RepairReport, type RestoredChild, restore, type Strategy } from "./restore.ts";
import { restoredChild } from "./restored-child.ts";
import type { Kept } from "./rom.ts";
import { captureChildren, RTCR_STATE_VERSION, readRtcrState, type SavedRtcr } from "./saved-rtcr.ts";
import { Timing } from "./timing.ts";
import { requireTogether } from "./together.ts";
import { ChildContext, Fronts } from "./tracked.ts";
import { BASE_INTERPOSERS, type Interposers, TrackedChild } from "./tracked-child.ts";
import { Translation } from "./translation.ts";
import { incomplete, waitsFor } from "./waits-for.ts";

export interface RtcrOptions {
  /** Default: storage as it is needed. */
  readonly provider?: DataProvider;
  /** Copies contents instead of the processor, where it can. */
  readonly engine?: CopyEngine;
  /** Asked at each checkpoint: workers that copy contents while records are written; undefined: none do. */
  readonly pool?: () => CopyPool | undefined;
  /**
   * Asked for each session that a child opens: whether those are refused that a restore could only open anew (S67). Sessions
   * between children are not meant. Default: they pass through, and are recorded as such.
   */
  readonly refusesForeign?: () => boolean;
  /** Interposers by kind of object; a module replaces those of the base (spec 1.5). */
  readonly interposers?: Interposers;
  /** Children that are not started but restored, as soon as the configuration has them. */
  readonly restore?: SystemCheckpoint;
  /** How they are restored. Default: direct. */
  readonly strategy?: Strategy;
  /** Milliseconds that it waits for an environment, or for a bootstrap to begin or to end. Default: `BOOTSTRAP_MS`. */
  readonly bootstrapMs?: () => number;
  /** Whether programs are translated for windows. Default: no. */
  readonly windows?: (child: string) => boolean;
  /** What else is changed of init's ways, by the program around. */
  readonly hooks?: Pick<InitHooks, "configuration" | "services" | "serve"> & Partial<Pick<InitHooks, "ownEvents">>;
  /** Checkpoints that are kept: a restore that was asked of one is part of the supervisor's own state. */
  readonly kept?: {
    nameOf(system: SystemCheckpoint): string | undefined;
    kept(name: string): SystemCheckpoint | undefined;
  };
  /** Called after each checkpoint with the times that it took. */
  readonly timed?: (made: {
    readonly name: string;
    readonly children: readonly string[];
    readonly timing: Timing;
  }) => void;
  /** Called when a restore has ended, with what became of stacks, or with what refused it. */
  readonly restored?: (outcome: readonly RepairReport[] | RtcrFault) => void;
  /** Called at the beginning of each phase of a checkpoint or a restore; of a restore's first four, with the child. */
  readonly atPhase?: (phase: Phase, child?: string) => void;
}

export class Rtcr {
  readonly #env: Env;
  readonly #options: RtcrOptions;
  readonly #children = new Map<string, TrackedChild>();
  readonly #fronts = new Fronts();
  readonly #init: Init;
  /** Whose each session is: a name may have another child by the time that a session of the one before ends. */
  readonly #owners = new Map<Session, TrackedChild>();
  /** Asked for; it begins from the event loop. */
  #asked: Restoration | undefined;
  #restoring: Restoration | undefined;
  /** Children of a restore that was refused, until they have been taken down: none of them starts. */
  readonly #doomed = new Set<string>();
  /** Bytes of records of the last checkpoint. */
  #recordBytes: number | undefined;
  /** Children that were not started because they had exited before the checkpoint. */
  readonly #exitsRestored = new Set<string>();
  /** Work that waits for the event loop. */
  #putOff = 0;

  /** @param saved what `capture` gave: this one goes on from there, whatever `options.restore` says */
  constructor(env: Env, options: RtcrOptions = {}, saved?: SavedComponent) {
    this.#env = env;
    this.#options = options;
    if (options.restore && !saved) this.#restoring = new Restoration(options.restore);
    this.#init = new Init(env, this.#hooks(), saved);
  }

  /** All of its state. @throws RtcrFault "busy" while it restores children */
  capture(slots: SlotWriter): SessionState {
    return this.#init.capture(slots);
  }

  /** Names of the children that live. */
  get children(): readonly string[] {
    return [...this.#children.values()].filter(lives).map(({ name }) => name);
  }

  /** What is known of a child; for inspection. */
  child(name: string): TrackedChild | undefined {
    return this.#children.get(name);
  }

  /**
   * A checkpoint of some children, or of all, which go on.
   *
   * @throws RtcrFault "no-such-child", "unsaveable", "no-room", "copy-failed", "gone", "busy" while one is being restored
   */
  checkpoint(name: string, children: readonly string[] = this.children, parent?: string): Captured {
    log.debug?.(`checkpoint "${name}" of ${children.join(", ")}`);
    const provider = this.#options.provider ?? new OnDemandProvider();
    const tracked = this.#wanted(name, children);
    requireTogether(tracked, (child) => this.#childOf(child)?.sessions ?? []);
    const { timed, atPhase } = this.#options;
    const timing = timed && new Timing();
    const captured = capture(tracked, {
      ...{ name, parent, provider, engine: this.#options.engine, pool: this.#options.pool?.() },
      ...{ exited: this.#exited(), timing, atPhase, recordBytes: this.#recordBytes },
      pending: (child) => this.#pending(child),
      request: (child) => this.#childOf(child)?.request?.args ?? "",
      serves: (child) => this.#childOf(child)?.server.served ?? { next: 1, sessions: [] },
    });
    this.#recordBytes = captured.recordBytes;
    if (timing) timed({ name, children, timing });
    return captured;
  }

  /**
   * Bytes that the data provider would probably be asked for now by `checkpoint`.
   *
   * @throws RtcrFault "no-such-child", "busy", as that would
   */
  checkpointBytes(name: string, children: readonly string[] = this.children): number {
    return likelyBytes(this.#wanted(name, children), this.#recordBytes);
  }

  /** Children that a checkpoint can be made of. */
  #wanted(name: string, children: readonly string[]): TrackedChild[] {
    return children.map((child) => {
      const found = this.#children.get(child);
      const halfway = found && (this.#restoring?.has(found) || this.#doomed.has(child));
      if (halfway) throw new RtcrFault("busy", `checkpoint "${name}": child "${child}" is being restored`, { child });
      if (found) return found;
      const there = this.children.join(", ") || "none";
      throw new RtcrFault("no-such-child", `no child "${child}" is under this supervisor; there are ${there}`, {
        child,
      });
    });
  }

  /** A LOG session of a restored child's environment at a child that is restored with it, as the configuration still has it. */
  #adopts(child: Child, id: number, server: string): boolean {
    if (id !== ENV_SESSION.log || !this.#recorded(server)) return false;
    return this.#recorded(child.name)?.foreign.find((info) => info.id === id)?.server === server;
  }

  #exited(): readonly ExitedChild[] {
    const exited = this.#init.children.filter(({ state }) => state === "exited");
    return exited.map(({ name, exitValue = 0 }) => ({ name, value: exitValue }));
  }

  #pending(child: TrackedChild): readonly ForeignSessionInfo[] {
    const sessions = this.#childOf(child)?.sessions ?? [];
    const without = sessions.filter((session) => !child.has(session));
    return without.map((session) => child.pending(session, argsOf(session)));
  }

  #childOf({ name }: TrackedChild): Child | undefined {
    return this.#init.children.find((child) => child.name === name);
  }

  /**
   * Ends children of a checkpoint, and recreates them from it; from the event loop. `RtcrOptions.restored` has the outcome.
   *
   * @throws RtcrFault "no-such-child" when the configuration does not have one of them, "busy" when another restore is
   *   under way; nothing has happened then
   */
  restore(system: SystemCheckpoint): void {
    const names = system.children.map(({ name }) => name);
    const configured = this.#init.config().starts.map(({ name }) => name);
    const missing = names.find((name) => !configured.includes(name));
    if (missing !== undefined) {
      const message = `restore: no child "${missing}" is configured; there are ${configured.join(", ") || "none"}`;
      throw new RtcrFault("no-such-child", message, { child: missing });
    }
    const other = this.#restoring ?? this.#asked;
    if (other)
      throw new RtcrFault("busy", `restore of ${names.join(", ")}: that of ${other.names} is under way`, { names });
    log.info?.(`restoring ${names.join(", ")} in place`);
    this.#asked = new Restoration(system);
    this.#init.restart(names);
  }

  /** Nothing of the children that live until now has a part in it. */
  #beginRestore(): void {
    this.#restoring = this.#asked;
    this.#asked = undefined;
  }

  /** Opens a session at the parent, as the component's own. @returns closes it */
  open(...[request, events]: Parameters<Init["open"]>): () => void {
    return this.#init.open(request, events);
  }

  /** Ends all children; nobody waits for a restore any more. */
  dispose(): void {
    this.#restoring?.end();
    this.#restoring = undefined;
    this.#init.dispose();
  }

  #hooks(): InitHooks {
    return {
      ...NO_HOOKS,
      ...this.#options.hooks,
      deliver: (session, capability) => this.#deliver(session, capability),
      real: (capability) => this.#fronts.real(capability),
      adopts: (child, id, server) => this.#adopts(child, id, server),
      upgraded: (session, quota) => this.#owners.get(session)?.upgraded(session, quota),
      ended: (session) => this.#ended(session),
      load: (child, native, binary, options) => this.#load(child, native, binary, options),
      launch: (child) => this.#launch(child),
      restarting: () => this.#beginRestore(),
      failed: (child, why) => this.#cannot(child.name, why),
      applied: (children) => {
        this.#requireConfigured(children);
        if (this.#restoring) this.#awaitEnvironments();
      },
      capture: (slots, sessions) => this.#capture(slots, sessions),
      restore: (state, slots, sessions) => this.#resume(state, slots, sessions),
    };
  }

  #capture(slots: SlotWriter, sessions: SessionWriter): SessionState {
    const asked = this.#asked && this.#options.kept?.nameOf(this.#asked.system);
    const restoring = this.#restoring ?? (asked === undefined ? this.#asked : undefined);
    if (restoring || this.#putOff > 0) {
      const of = restoring?.names ?? "children";
      throw new RtcrFault("busy", `it is restoring ${of}: take the checkpoint when that has ended`);
    }
    const saved: SavedRtcr = {
      version: RTCR_STATE_VERSION,
      children: captureChildren(this.#owners, this.#children, slots, sessions),
      exitsRestored: [...this.#exitsRestored],
      asked,
    };
    return saved as unknown as SessionState;
  }

  #resume(state: SessionState, slots: SlotReader, sessions: SessionReader): void {
    const { children, exitsRestored, asked } = readRtcrState(state);
    const free = (dataspace: Capability<Dataspace>) => objectOf<PdSession>(this.#env.pd, "pd")?.free(dataspace);
    for (const saved of children) {
      const child = this.#track(saved.name);
      child.resume(saved, sessions, { slots, free });
      if (saved.current) this.#children.set(saved.name, child);
      for (const session of sessions.all(saved.owns)) this.#owners.set(session, child);
    }
    for (const name of exitsRestored) this.#exitsRestored.add(name);
    const system = asked === undefined ? undefined : this.#options.kept?.kept(asked);
    if (system) this.#asked = new Restoration(system);
  }

  #deliver(session: Session, capability: Capability): Capability {
    const name = nameOf(session);
    if (name === OWN || session.unwanted) return capability; // nobody will see it
    const begins = session.request.id === ENV_SESSION.pd;
    const known = begins ? undefined : this.#children.get(name);
    const child = known ?? this.#track(name);
    if (this.#refusesForeign(session, capability, child)) return INVALID;
    this.#children.set(name, child);
    this.#owners.set(session, child);
    if (this.#recorded(name)) child.context.restoring = true;
    const delivered = child.deliver(session, capability, argsOf(session));
    if (begins) this.#begin(child);
    return delivered;
  }

  #refusesForeign({ service, request: { id, route } }: Session, capability: Capability, child: TrackedChild): boolean {
    if (route.to === "child" || child.knows(capability) || !this.#options.refusesForeign?.()) return false;
    const message = `child "${child.name}": ${service} session ${id} refused: its service is none that can be restored`;
    log.warning?.(message);
    this.#env.log.write(`warning: ${message}`.slice(0, LOG_LIMIT - 2).concat("\n"));
    return true;
  }

  #begin(child: TrackedChild): void {
    this.#restoring?.begin(child);
    if (this.#restoring?.has(child)) this.#options.atPhase?.("create", child.name);
  }

  #track(name: string): TrackedChild {
    const interposers = { ...BASE_INTERPOSERS, ...this.#options.interposers };
    return new TrackedChild(name, new ChildContext(this.#env.badges, this.#fronts), interposers);
  }

  #ended(session: Session): void {
    const child = this.#owners.get(session);
    if (!child) return;
    this.#owners.delete(session);
    child.ended(session);
    if (child.empty && this.#children.get(child.name) === child) this.#children.delete(child.name);
    if (session.request.id === ENV_SESSION.pd) this.#lost(child);
  }

  /** A child has ended. If it was to be restored, a configuration that starts it anew is judged when it is in force. */
  #lost(tracked: TrackedChild): void {
    const restoration = this.#restoring;
    if (!restoration?.has(tracked)) return;
    restoration.leave(tracked);
    const child = this.#init.children.find(({ name }) => name === tracked.name);
    if (child?.abandoned) return;
    const how = child?.exitValue === undefined ? "it has ended" : `it has exited with ${child.exitValue}`;
    this.#gone(tracked.name, `${how} before it was restored`, restoration);
  }

  #gone(child: string, why: string, restoration: Restoration): void {
    this.#refuse(new RtcrFault("gone", `restore of "${child}": ${why}`, { child, why }), restoration);
  }

  /** @param options as the configuration says; the recorded child and RTCR's own options come first */
  #load(
    child: Child,
    native: NativePd,
    binary: Capability<Dataspace>,
    options: LoadOptions = {},
  ): ReturnType<NativePd["load"]> {
    const recorded = this.#recorded(child.name);
    const windows = recorded?.windows ?? this.#options.windows?.(child.name) ?? options.windows ?? false;
    const loaded = native.load(binary, { ...options, windows });
    const tracked = this.#children.get(child.name);
    if (tracked && native.program()?.bootstraps === false) tracked.context.bootstrapping = false; // it has no run-time library
    return loaded;
  }

  #recorded(name: string): ChildInfo | undefined {
    return this.#restoring?.recorded(name);
  }

  /** True if the child is restored instead of started; with a bootstrap it is started, and restored at the barrier. */
  #launch(child: Child): boolean {
    if (this.#doomed.has(child.name)) return true;
    const exited = this.#options.restore?.exited.find(({ name }) => name === child.name);
    if (exited && !this.#exitsRestored.has(child.name)) {
      this.#exitsRestored.add(child.name);
      this.#later(() => child.end(exited.value));
      return true;
    }
    const info = this.#recorded(child.name);
    const tracked = this.#children.get(child.name);
    if (!info || !tracked) return false;
    const together = this.#restoring?.system.children.map(({ name }) => name) ?? [];
    const restored = restoredChild({ child, info, tracked, together });
    // To where it stood, not beyond, and with all that it had then.
    const ready = !beforeBarrier(info.parent) && child.sessions.some(({ request }) => request.id === ENV_SESSION.log);
    const bootstraps = tracked.context.bootstrapping && ready;
    if (this.#options.strategy !== "bootstrap" || !bootstraps) {
      this.#arrive(tracked, () => restored);
      return true;
    }
    this.#options.atPhase?.("bootstrap", child.name);
    this.#bootstrap(restored);
    return false;
  }

  /** The child is started, and restored when it has come to the barrier; if it stops before, or takes too long, nobody waits. */
  #bootstrap(restored: RestoredChild): void {
    const { info, tracked } = restored;
    const { cpu } = environment(tracked);
    const restoration = this.#restoring;
    if (restoration) this.#later(() => this.#giveTime(restoration, `begun ${tracked.name}`)); // this is in the middle of a start
    const stopped = this.#env.signalHandler(() => {
      if (!this.#restoring?.has(tracked)) return;
      this.#gone(tracked.name, `${cpu.stopped() || "a thread"} was stopped in its bootstrap`, this.#restoring);
    });
    cpu.watch(stopped.context);
    this.#restoring?.atEnd(() => {
      stopped.dispose();
      if (cpu.base.capability.valid) cpu.watch(INVALID);
    });
    const arrived = () =>
      this.#later(() => this.#arrive(tracked, () => ({ ...restored, standing: bootstrap.standing() })));
    const { atPhase } = this.#options;
    const inBootstrap = atPhase && ((phase: RestorePhase) => atPhase(phase, tracked.name));
    const bootstrap = new Bootstrap(info, tracked, arrived, inBootstrap);
  }

  /** Environments are waited for as bootstraps are: a server may never answer. */
  #awaitEnvironments(): void {
    this.#later(() => {
      const restoration = this.#restoring;
      const child = restoration && incomplete(restoration, this.#init.children);
      if (restoration && child) this.#giveTime(restoration, `created ${child.name}`);
    });
  }

  /** What the restore waits for has all of its time from now on. @param step once for each */
  #giveTime(restoration: Restoration, step: string): void {
    if (this.#restoring !== restoration) return;
    restoration.putOff(step);
    if (restoration.deadline) return;
    const ms = this.#options.bootstrapMs?.() ?? BOOTSTRAP_MS;
    const failed = (code: "late" | "refused", why: string) => {
      const { name, what, doing } = waitsFor(restoration, this.#init.children);
      const message = `restore of "${name}": its ${what} ${why}${code === "late" && doing !== "" ? `: ${doing}` : ""}`;
      this.#refuse(new RtcrFault(code, message, { child: name }), restoration);
    };
    restoration.deadline = new Deadline({
      ...{ env: this.#env, rtcr: this, ms },
      passed: () => failed("late", `has not come to its end in ${ms} ms`),
      refused: (reason) => failed("refused", `can have no deadline: Timer session: ${reason}`),
    });
    if (this.#restoring !== restoration) restoration.deadline.end(); // refused already
  }

  /** A child is ready to be restored; when all are, they are. */
  #arrive(tracked: TrackedChild, ready: () => RestoredChild): void {
    const restoration = this.#restoring;
    if (!restoration?.has(tracked) || !restoration.arrive(tracked, ready)) return;
    const scope = beginScope("Thread Restore", "blue");
    try {
      requireLiving(restoration.tracked, "restore");
      const children = restoration.children();
      for (const { info, tracked } of children) requireProgram(info, tracked);
      const repairs = restore(children, {
        calls: restoration.system.calls,
        translation: new Translation(this.#env.badges),
        keep: (content) => this.#keep(content),
        atPhase: (phase) => this.#options.atPhase?.(phase),
      });
      endScope(scope);
      if (this.#restoring !== restoration) return; // refused in the middle of it
      this.#restoring = undefined;
      restoration.end();
      log.info?.(`restored ${restoration.names}`);
      this.#options.restored?.(repairs);
    } catch (thrown) {
      const known = thrown instanceof RtcrFault;
      const message = `restore of ${restoration.names}: ${messageOf(thrown)}`;
      this.#refuse(known ? thrown : new RtcrFault("mismatch", message, {}), restoration);
      if (!known) throw thrown; // a bug, which leaves nothing half made
    }
  }

  /** A child that is to be restored cannot even be started. */
  #cannot(child: string, why: string): void {
    const restoration = this.#restoring;
    if (!restoration?.recorded(child)) return;
    const message = `restore of "${child}": it cannot be started: ${why}`;
    this.#refuse(new RtcrFault("refused", message, { child, why }), restoration);
  }

  /** Every child of the checkpoint must have come out of the configuration, and none may wait for another in its start. */
  #requireConfigured(children: readonly Child[]): void {
    const lives = (name: string) => children.some((child) => child.name === name && child.lives);
    const missing = this.#restoring?.system.children.find(({ name }) => !lives(name));
    if (missing) this.#cannot(missing.name, "it is not configured, or with less than its start costs");
    for (const { name, sessions } of children) {
      const waiting = sessions.find(({ phase, request: { id, route } }) => {
        const server = route.to === "child" && phase === "create-requested" ? route.child : undefined;
        return id < FIRST_FREE_SESSION && server !== undefined && this.#restoring?.recorded(server);
      });
      const { service, server } = waiting ?? {};
      if (waiting)
        this.#cannot(
          name,
          `the ${service} session of its environment is served by "${server?.name}", which is restored with it`,
        );
    }
  }

  /** The restore has failed: nothing of it is tried any more, and what was made of its children is taken down. */
  #refuse(fault: RtcrFault, restoration: Restoration): void {
    if (this.#restoring !== restoration) return;
    this.#restoring = undefined;
    restoration.end();
    for (const { name } of restoration.system.children) this.#doomed.add(name);
    this.#later(() => {
      for (const child of this.#init.children) if (this.#doomed.has(child.name)) child.end();
      this.#doomed.clear();
    });
    log.error?.(fault.message);
    this.#env.log.write(`error: ${fault.message}`.slice(0, LOG_LIMIT - 1)); // init may not be there yet
    this.#options.restored?.(fault);
  }

  /** Runs `work` from the event loop, when no child is in a call. */
  #later(work: () => void): void {
    this.#putOff++;
    const handler = this.#env.signalHandler(() => {
      this.#putOff--;
      handler.dispose();
      work();
    });
    handler.context.object?.submit(1);
  }

  #keep(content: Uint8Array): Kept {
    const pd = objectOf<PdSession>(this.#env.pd, "pd");
    const made = pd?.alloc(content.length);
    if (!made?.ok) return { capability: INVALID, dispose: () => {} };
    const capability = made.value;
    capability.object?.write(0, content);
    return { capability, dispose: () => pd?.free(capability) };
  }
}

/** What init calls its own sessions. */
const OWN = "init";

function nameOf(session: Session): string {
  return session.request.client.name;
}

function requireProgram({ name, program }: ChildInfo, tracked: TrackedChild): void {
  const { pd } = environment(tracked);
  const found = pd.native.program()?.module;
  if (found === program) return;
  const message = `restore of "${name}": expected the program ${program}, found ${found ?? "none"}`;
  throw new RtcrFault("mismatch", message, { child: name, expected: program, found });
}
