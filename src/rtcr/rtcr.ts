// RTCR as a component: keeps children by init's machinery, stands in front of all their sessions, checkpoints them while
// they run and recreates them (thesis chapter 4, spec 1 and 4).
//
//   init's machinery --hooks--> interposers     capture: TrackedChild -> information     restore: information -> children
//
// I1  A checkpoint is of all children that are asked for, at one moment; the children go on.
// I2  What a restore has of them is `Restoring`'s to say (restoring.ts); the rest of them runs on.
import type { ExitedChild, ForeignSessionInfo, SystemCheckpoint } from "../checkpoint/index.ts";
import {
  type Child,
  Init,
  type InitHooks,
  NO_HOOKS,
  type Session,
  type SessionReader,
  type SessionWriter,
} from "../init/index.ts";
import {
  type Capability,
  type Dataspace,
  ENV_SESSION,
  type Env,
  INVALID,
  type LoadOptions,
  type NativePd,
  NO_QUOTA,
  objectOf,
  type PdSession,
  type Quota,
  type SavedComponent,
  type SessionState,
  type SlotReader,
  type SlotWriter,
} from "../session/index.ts";
import { type Captured, capture, likelyBytes } from "./capture.ts";
import { Charges } from "./charges.ts";
import { argsOf } from "./creation-args.ts";
import { OnDemandProvider } from "./data-provider.ts";
import { RtcrFault } from "./faults.ts";
import { lives } from "./living.ts";
import { log } from "./logging.ts";
import { ModuleDataspaces } from "./module.ts";
import { untilDone } from "./passed-on.ts";
import { RtcrPd } from "./pd.ts";
import { PutOff } from "./put-off.ts";
import { Restoring } from "./restoring.ts";
import type { RtcrOptions } from "./rtcr-options.ts";
import { captureChildren, RTCR_STATE_VERSION, readRtcrState, type SavedRtcr } from "./saved-rtcr.ts";
import { Timing } from "./timing.ts";
import { asksForPd, requireStarted, requireTogether } from "./together.ts";
import { ChildContext, Fronts } from "./tracked.ts";
import { BASE_INTERPOSERS, TrackedChild } from "./tracked-child.ts";
import { warn } from "./warning.ts";

export class Rtcr {
  readonly #env: Env;
  readonly #options: RtcrOptions;
  readonly #children = new Map<string, TrackedChild>();
  readonly #fronts = new Fronts();
  readonly #init: Init;
  /** Whose each session is: a name may have another child by the time that a session of the one before ends. */
  readonly #owners = new Map<Session, TrackedChild>();
  readonly #restoring: Restoring;
  readonly #putOff: PutOff;
  readonly #charges: Charges;
  #spare: () => Quota = () => NO_QUOTA;
  /** Bytes of records of the last checkpoint. */
  #recordBytes: number | undefined;

  /** @param saved what `capture` gave: this one goes on from there, whatever `options.restore` says */
  constructor(env: Env, options: RtcrOptions = {}, saved?: SavedComponent) {
    this.#env = env;
    this.#options = options;
    this.#charges = new Charges(env, () => this.spare);
    this.#putOff = new PutOff(env, () => options.keeper?.()?.work?.() ?? false);
    const child = (name: string) => this.#children.get(name);
    this.#restoring = new Restoring(
      { env, options, init: () => this.#init, child },
      saved ? undefined : options.restore,
    );
    this.#init = new Init(env, this.#hooks(), saved);
  }

  /** All of its state. @throws RtcrFault "busy" while it restores children */
  capture(slots: SlotWriter): SessionState {
    this.#putOff.finish();
    return this.#init.capture(slots);
  }

  /** Names of the children that live. */
  get children(): readonly string[] {
    return [...this.#children.values()].filter(lives).map(({ name }) => name);
  }

  /** What it has, and neither uses, nor preserves (`<resource preserve>`), nor has promised to children. */
  get spare(): Quota {
    return this.#spare();
  }

  /** Whether checkpoints are increments now. */
  get incremental(): boolean {
    return this.#options.keeper?.() !== undefined;
  }

  /** What is known of a child; for inspection. */
  child(name: string): TrackedChild | undefined {
    return this.#children.get(name);
  }

  /**
   * A checkpoint of some children, or of all, which go on.
   *
   * @param how `full`: none of its contents are kept elsewhere, whatever the module does
   * @throws RtcrFault "no-such-child", "unsaveable", "no-room", "copy-failed", "gone", "busy" while one is being restored
   */
  checkpoint(
    name: string,
    children: readonly string[] = this.children,
    parent?: string,
    { full = false }: { readonly full?: boolean } = {},
  ): Captured {
    log.debug?.(`checkpoint "${name}" of ${children.join(", ")}`);
    const provider = this.#options.provider ?? new OnDemandProvider();
    const tracked = this.#wanted(name, children);
    requireTogether(tracked, new Set(this.#owners.values()), (child) => this.#childOf(child)?.sessions ?? []);
    for (const child of tracked) settleMarks(child);
    const { timed, atPhase, keepsUnattached } = this.#options;
    const timing = timed && new Timing();
    const keeper = full ? undefined : this.#options.keeper?.();
    const captured = capture(tracked, {
      ...{ name, parent, provider, keeper, engine: this.#options.engine },
      ...{ pool: this.#options.pool?.(), places: this.#options.copyPlaces?.() },
      ...{ exited: this.#exited(), timing, atPhase, recordBytes: this.#recordBytes },
      unattached: keepsUnattached?.() ?? false,
      pending: (child) => this.#pending(child),
      request: (child) => requestOf(this.#init.children, child.name),
      serves: (child) => this.#childOf(child)?.server.served ?? { next: 1, sessions: [] },
    });
    this.#recordBytes = captured.recordBytes;
    try {
      if (keeper?.work) this.#putOff.begin();
      if (timing) timed({ name, children, timing });
      return captured;
    } catch (thrown) {
      captured.lease.release();
      throw thrown;
    }
  }

  /**
   * Bytes that the data provider would probably be asked for now by `checkpoint`.
   *
   * @throws RtcrFault "no-such-child", "busy", as that would
   */
  checkpointBytes(name: string, children: readonly string[] = this.children): number {
    const options = { recordBytes: this.#recordBytes, keeper: this.#options.keeper?.() };
    return likelyBytes(this.#wanted(name, children), options);
  }

  /** Children that a checkpoint can be made of. */
  #wanted(name: string, children: readonly string[]): TrackedChild[] {
    for (const child of this.#init.children) if (asksForPd(child, children)) requireStarted(name, child);
    return children.map((child) => {
      const found = this.#children.get(child);
      const halfway = found && this.#restoring.halfway(found);
      if (halfway) throw new RtcrFault("busy", `checkpoint "${name}": child "${child}" is being restored`, { child });
      if (found) requireStarted(name, this.#childOf(found));
      if (found) return found;
      const there = this.children.join(", ") || "none";
      throw new RtcrFault("no-such-child", `no child "${child}" is under this supervisor; there are ${there}`, {
        child,
      });
    });
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
   * @param ended called once, however it ends: nothing of the checkpoint is read any more
   * @throws RtcrFault "no-such-child" when the configuration does not have one of them, "busy" when another restore is
   *   under way and does not stand by; nothing has happened then
   */
  restore(system: SystemCheckpoint, ended?: () => void): void {
    this.#restoring.ask(system, ended);
  }

  /**
   * A restore that stands by goes on, at once: call it from the event loop. One that has not come so far does not wait when it
   * has. Without a restore: nothing.
   */
  proceed(): void {
    this.#restoring.proceed();
  }

  /** Opens a session at the parent, as the component's own. @returns closes it */
  open(...[request, events]: Parameters<Init["open"]>): () => void {
    return this.#init.open(request, events);
  }

  /** Ends all children; nobody waits for a restore any more. */
  dispose(): void {
    this.#putOff.finish();
    this.#restoring.end();
    this.#init.dispose();
  }

  #hooks(): InitHooks {
    return {
      ...NO_HOOKS,
      begins: (spare) => (this.#spare = spare),
      ...this.#options.hooks,
      deliver: (session, capability) => this.#deliver(session, capability),
      real: (capability) => this.#fronts.real(capability),
      adopts: (child, id, server) => this.#restoring.adopts(child, id, server),
      upgraded: (session, quota) => this.#owners.get(session)?.upgraded(session, quota),
      ended: (session) => this.#ended(session),
      load: (child, native, binary, options) => this.#load(child, native, binary, options),
      launch: (child) => this.#restoring.launch(child),
      restarting: () => this.#restoring.begin(),
      failed: (child, why) => this.#restoring.cannot(child.name, why),
      applied: (children) => {
        for (const child of this.#children.values()) if (!this.#restoring.halfway(child)) settleMarks(child);
        this.#restoring.applied(children);
      },
      capture: (slots, sessions) => this.#capture(slots, sessions),
      restore: (state, slots, sessions) => this.#resume(state, slots, sessions),
    };
  }

  #capture(slots: SlotWriter, sessions: SessionWriter): SessionState {
    const saved: SavedRtcr = {
      version: RTCR_STATE_VERSION,
      children: captureChildren(this.#owners, this.#children, slots, sessions),
      ...this.#restoring.capture(),
    };
    return saved as unknown as SessionState;
  }

  #resume(state: SessionState, slots: SlotReader, sessions: SessionReader): void {
    const { children, ...restoring } = readRtcrState(state);
    const free = (dataspace: Capability<Dataspace>) => objectOf<PdSession>(this.#env.pd, "pd")?.free(dataspace);
    const resumes = children.map((saved) => {
      const child = this.#track(saved.name);
      const resume = child.resume(saved, sessions, { slots, free });
      if (saved.current) this.#children.set(saved.name, child);
      for (const session of sessions.all(saved.owns)) this.#owners.set(session, child);
      return resume;
    });
    untilDone(resumes, (resume) => resume());
    for (const resume of resumes) resume(true);
    this.#restoring.resume(restoring);
  }

  #deliver(session: Session, capability: Capability): Capability {
    const { client } = session.request;
    if (!client.child || session.unwanted) return capability; // no child will see it
    const { name } = client;
    const begins = session.request.id === ENV_SESSION.pd;
    const known = begins ? undefined : this.#children.get(name);
    const child = known ?? this.#track(name);
    if (this.#refusesForeign(session, capability, child)) return INVALID;
    this.#children.set(name, child);
    this.#owners.set(session, child);
    if (this.#restoring.recorded(name)) child.context.restoring = true;
    const delivered = child.deliver(session, capability, argsOf(session));
    if (begins) this.#restoring.created(child);
    return delivered;
  }

  #refusesForeign({ service, request: { id, route } }: Session, capability: Capability, child: TrackedChild): boolean {
    if (route.to === "child" || child.knows(capability) || !this.#options.refusesForeign?.()) return false;
    const why = "its service is none that can be restored";
    warn(this.#env, `child "${child.name}": ${service} session ${id} refused: ${why}`);
    return true;
  }

  #track(name: string): TrackedChild {
    const interposers = { ...BASE_INTERPOSERS, ...this.#options.interposers };
    const { dataspaces } = this.#options;
    const kept = dataspaces && new ModuleDataspaces(dataspaces);
    const context = new ChildContext(this.#env.badges, this.#fronts, kept);
    context.marks = this.#options.marks ?? context.marks;
    context.mirrorSlots = this.#options.mirrorSlots ?? context.mirrorSlots;
    context.charges = this.#charges;
    const said = new Set<string>();
    context.warn = (message) => {
      if (!said.has(message)) warn(this.#env, `child "${name}": ${message}`);
      said.add(message);
    };
    return new TrackedChild(name, context, interposers);
  }

  #ended(session: Session): void {
    const child = this.#owners.get(session);
    if (!child) return;
    this.#owners.delete(session);
    child.ended(session);
    if (child.empty && this.#children.get(child.name) === child) this.#children.delete(child.name);
    if (session.request.id === ENV_SESSION.pd) this.#restoring.lost(child);
  }

  /** @param options as the configuration says; the recorded child and RTCR's own options come first */
  #load(
    child: Child,
    native: NativePd,
    binary: Capability<Dataspace>,
    options: LoadOptions = {},
  ): ReturnType<NativePd["load"]> {
    const recorded = this.#restoring.recorded(child.name);
    const windows = recorded?.windows ?? this.#options.windows?.(child.name) ?? options.windows ?? false;
    const loaded = native.load(binary, { ...options, windows });
    const tracked = this.#children.get(child.name);
    if (tracked && native.program()?.bootstraps === false) tracked.context.bootstrapping = false; // it has no run-time library
    return loaded;
  }
}

/** Programs that were loaded when the module was another are as this one wants them, if they can be. */
function settleMarks(child: TrackedChild): void {
  for (const pd of child.of(RtcrPd)) pd.native.settleMarks();
}

/** A pause asks for it. */
function requestOf(children: readonly Child[], name: string): string {
  for (let i = 0; i < children.length; i++) if (children[i]!.name === name) return children[i]!.request?.args ?? "";
  return "";
}
