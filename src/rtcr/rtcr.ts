// RTCR as a component: keeps children by init's machinery, stands in front of all their sessions, checkpoints them while
// they run and recreates them (thesis chapter 4, spec 1 and 4).
//
//   init's machinery --hooks--> interposers     capture: TrackedChild -> information     restore: information -> children
//
// I1  A checkpoint is of all children that are asked for, at one moment; the children go on.
// I2  A restore begins when every child of it has a fresh environment and its program; until then none of them runs.
import type { ChildInfo, ExitedChild, ForeignSessionInfo, SystemCheckpoint } from "../checkpoint/index.ts";
import { type Child, Init, type InitHooks, NO_HOOKS, PHASES, type Session } from "../init/index.ts";
import { beginScope, endScope } from "../profile/index.ts";
import {
  addQuota,
  type Capability,
  type Dataspace,
  type Env,
  INVALID,
  type KernelObject,
  LOG_LIMIT,
  type LoadOptions,
  lastElement,
  type NativePd,
  objectOf,
  type PdSession,
  quotaArgs,
  readQuota,
  readSessionArgs,
  withoutName,
  writeSessionArgs,
} from "../session/index.ts";
import { required } from "../util/index.ts";
import { Bootstrap } from "./bootstrap.ts";
import { type Captured, type CopyEngine, capture } from "./capture.ts";
import { environment } from "./components.ts";
import { type DataProvider, OnDemandProvider } from "./data-provider.ts";
import { RtcrFault } from "./faults.ts";
import { log } from "./logging.ts";
import { RtcrPd } from "./pd.ts";
import { type RepairReport, type RestoredChild, restore, type Strategy } from "./restore.ts";
import { Timing } from "./timing.ts";
import { BASE_INTERPOSERS, type Interposers, TrackedChild } from "./tracked-child.ts";
import { Translation } from "./translation.ts";

export interface RtcrOptions {
  /** Default: storage as it is needed. */
  readonly provider?: DataProvider;
  /** Copies contents instead of the processor, where it can. */
  readonly engine?: CopyEngine;
  /** Interposers by kind of object; a module replaces those of the base (spec 1.5). */
  readonly interposers?: Interposers;
  /** Children that are not started but restored, as soon as the configuration has them. */
  readonly restore?: SystemCheckpoint;
  /** How they are restored. Default: direct. */
  readonly strategy?: Strategy;
  /** Whether programs are translated for windows. Default: no. */
  readonly windows?: (child: string) => boolean;
  /** What else is changed of init's ways, by the program around. */
  readonly hooks?: Pick<InitHooks, "configuration" | "services" | "serve">;
  /** Called after each checkpoint with the times that it took. */
  readonly timed?: (made: {
    readonly name: string;
    readonly children: readonly string[];
    readonly timing: Timing;
  }) => void;
  /** Called when a restore has ended, with what became of stacks, or with what refused it. */
  readonly restored?: (outcome: readonly RepairReport[] | RtcrFault) => void;
}

export class Rtcr {
  readonly #env: Env;
  readonly #options: RtcrOptions;
  readonly #children = new Map<string, TrackedChild>();
  readonly #init: Init;
  /** Children that wait until all of a restore are there. */
  readonly #arrived = new Map<string, () => RestoredChild>();
  #restoring: SystemCheckpoint | undefined;
  /** Children that were not started because they had exited before the checkpoint. */
  readonly #exitsRestored = new Set<string>();

  constructor(env: Env, options: RtcrOptions = {}) {
    this.#env = env;
    this.#options = options;
    this.#restoring = options.restore;
    this.#init = new Init(env, this.#hooks());
  }

  /** Names of the children that live. */
  get children(): readonly string[] {
    return [...this.#children.values()].filter((child) => child.of(RtcrPd).length > 0).map(({ name }) => name);
  }

  /** What is known of a child; for inspection. */
  child(name: string): TrackedChild | undefined {
    return this.#children.get(name);
  }

  /**
   * A checkpoint of some children, or of all, which go on.
   *
   * @throws RtcrFault "no-such-child", "unsaveable", "no-room"
   */
  checkpoint(name: string, children: readonly string[] = this.children, parent?: string): Captured {
    log.debug?.(`checkpoint "${name}" of ${children.join(", ")}`);
    const provider = this.#options.provider ?? new OnDemandProvider();
    const tracked = children.map((child) => {
      const found = this.#children.get(child);
      if (found) return found;
      const there = this.children.join(", ") || "none";
      throw new RtcrFault("no-such-child", `no child "${child}" is under this supervisor; there are ${there}`, {
        child,
      });
    });
    const { timed } = this.#options;
    const timing = timed && new Timing();
    const captured = capture(tracked, {
      ...{ name, parent, provider, engine: this.#options.engine },
      ...{ exited: this.#exited(), timing },
      pending: (child) => this.#pending(child),
    });
    if (timing) timed({ name, children, timing });
    return captured;
  }

  #exited(): readonly ExitedChild[] {
    const exited = this.#init.children.filter(({ state }) => state === "exited");
    return exited.map(({ name, exitValue = 0 }) => ({ name, value: exitValue }));
  }

  #pending(child: TrackedChild): readonly ForeignSessionInfo[] {
    const sessions = this.#init.children.find(({ name }) => name === child.name)?.sessions ?? [];
    const without = sessions.filter(({ capability, phase }) => !capability.valid && phase !== "closed");
    return without.map((session) => child.pending(session, argsOf(session)));
  }

  /**
   * Ends children of a checkpoint, and recreates them from it; from the event loop. `RtcrOptions.restored` has the outcome.
   *
   * @throws RtcrFault "no-such-child" when the configuration does not have one of them; nothing has happened then
   */
  restore(system: SystemCheckpoint): void {
    const names = system.children.map(({ name }) => name);
    const configured = this.#init.config().starts.map(({ name }) => name);
    const missing = names.find((name) => !configured.includes(name));
    if (missing !== undefined) {
      const message = `restore: no child "${missing}" is configured; there are ${configured.join(", ") || "none"}`;
      throw new RtcrFault("no-such-child", message, { child: missing });
    }
    log.info?.(`restoring ${names.join(", ")} in place`);
    this.#restoring = system;
    this.#arrived.clear();
    this.#init.restart(names);
  }

  /** Opens a session at the parent, as the component's own. */
  open(...[request, events]: Parameters<Init["open"]>): void {
    this.#init.open(request, events);
  }

  /** Ends all children. */
  dispose(): void {
    this.#init.dispose();
  }

  #hooks(): InitHooks {
    return {
      ...NO_HOOKS,
      ...this.#options.hooks,
      deliver: (session, capability) => this.#deliver(session, capability),
      real: (capability) => this.#real(capability),
      upgraded: (session, quota) => this.#children.get(nameOf(session))?.upgraded(session, quota),
      ended: (session) => this.#ended(session),
      load: (child, native, binary, options) => this.#load(child, native, binary, options),
      launch: (child) => this.#launch(child),
      failed: (child, why) => this.#cannot(child.name, why),
      applied: (children) => this.#requireAll(children),
    };
  }

  #deliver(session: Session, capability: Capability): Capability {
    const name = nameOf(session);
    if (name === OWN) return capability;
    const child = this.#children.get(name) ?? new TrackedChild(name, this.#env.badges, this.#interposers());
    this.#children.set(name, child);
    if (this.#recorded(name)) child.context.restoring = true;
    return child.deliver(session, capability, argsOf(session));
  }

  #interposers(): Interposers {
    return { ...BASE_INTERPOSERS, ...this.#options.interposers };
  }

  #ended(session: Session): void {
    const child = this.#children.get(nameOf(session));
    child?.ended(session);
    if (child?.empty) this.#children.delete(child.name);
  }

  #real<T extends KernelObject>(capability: Capability<T>): Capability<T> {
    for (const child of this.#children.values()) {
      const real = child.context.real(capability);
      if (real !== capability) return real;
    }
    return capability;
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
    if (tracked && native.program()?.native !== undefined) tracked.context.bootstrapping = false; // it has no run-time library
    return loaded;
  }

  #recorded(name: string): ChildInfo | undefined {
    return this.#restoring?.children.find((child) => child.name === name);
  }

  /** True if the child is restored instead of started; with a bootstrap it is started, and restored at the barrier. */
  #launch(child: Child): boolean {
    const exited = this.#options.restore?.exited.find(({ name }) => name === child.name);
    if (exited && !this.#exitsRestored.has(child.name)) {
      this.#exitsRestored.add(child.name);
      this.#later(() => child.end(exited.value));
      return true;
    }
    const info = this.#recorded(child.name);
    const tracked = this.#children.get(child.name);
    if (!info || !tracked) return false;
    const { parent } = child;
    const setMainThread: RestoredChild["setMainThread"] = (thread) => {
      child.mainThread = thread;
    };
    const adopt: RestoredChild["adopt"] = (info, capability) => {
      const { id, service, creationArgs, upgradeArgs, serverId, addedArgs } = info;
      const phase = PHASES.find((known) => known === info.phase) ?? "cap-handed-out";
      const added = readQuota(addedArgs);
      return parent.adopt(id, service, addQuotas(creationArgs, upgradeArgs), { serverId, phase, capability, added });
    };
    const restored = { info, tracked, parent, setMainThread, adopt };
    if (this.#options.strategy !== "bootstrap" || info.native !== undefined) {
      this.#arrive(() => restored, child.name);
      return true;
    }
    const bootstrap = new Bootstrap(info, tracked, () =>
      this.#later(() => this.#arrive(() => ({ ...restored, filled: bootstrap.filled() }), child.name)),
    );
    return false;
  }

  /** A child is ready to be restored; when all are, they are. */
  #arrive(child: () => RestoredChild, name: string): void {
    const system = this.#restoring;
    if (!system) return;
    this.#arrived.set(name, child);
    if (this.#arrived.size < system.children.length) return;
    const arrived = system.children.map((info) => required(this.#arrived.get(info.name), `child ${info.name}`));
    this.#restoring = undefined;
    this.#arrived.clear();
    const scope = beginScope("Thread Restore", "blue");
    try {
      const children = arrived.map((make) => make());
      for (const { info, tracked } of children) requireProgram(info, tracked);
      const keep = (content: Uint8Array) => this.#keep(content);
      const repairs = restore(children, system.calls, new Translation(this.#env.badges), keep);
      endScope(scope);
      log.info?.(`restored ${children.map(({ info }) => info.name).join(", ")}`);
      this.#options.restored?.(repairs);
    } catch (fault) {
      if (!(fault instanceof RtcrFault)) throw fault;
      this.#refuse(fault, system);
    }
  }

  /** A child that is to be restored cannot even be started. */
  #cannot(child: string, why: string): void {
    const system = this.#restoring;
    if (!system || !this.#recorded(child)) return;
    const message = `restore of "${child}": it cannot be started: ${why}`;
    this.#refuse(new RtcrFault("refused", message, { child, why }), system);
  }

  /** Every child of the checkpoint must have come out of the configuration. */
  #requireAll(children: readonly Child[]): void {
    const missing = this.#restoring?.children.find(({ name }) => !children.some((child) => child.name === name));
    if (missing) this.#cannot(missing.name, "it is not configured, or with less than its start costs");
  }

  /** The restore has failed: nothing of it is tried any more, and what was made of its children is taken down. */
  #refuse(fault: RtcrFault, system: SystemCheckpoint): void {
    const names = new Set(system.children.map(({ name }) => name));
    this.#later(() => {
      for (const child of this.#init.children) if (names.has(child.name)) child.end();
    });
    this.#restoring = undefined;
    this.#arrived.clear();
    log.error?.(fault.message);
    this.#env.log.write(`error: ${fault.message}`.slice(0, LOG_LIMIT - 1)); // init may not be there yet
    this.#options.restored?.(fault);
  }

  /** Runs `work` from the event loop, when no child is in a call. */
  #later(work: () => void): void {
    const handler = this.#env.signalHandler(() => {
      handler.dispose();
      work();
    });
    handler.context.object?.submit(1);
  }

  #keep(content: Uint8Array): Capability<Dataspace> {
    const pd = objectOf<PdSession>(this.#env.pd, "pd");
    const made = pd?.alloc(content.length);
    if (!made?.ok) return INVALID;
    made.value.object?.write(0, content);
    return made.value;
  }
}

/** What init calls its own sessions. */
const OWN = "init";

function nameOf(session: Session): string {
  return session.request.client.name;
}

/** The arguments with which the child would open the session again. */
function argsOf({ request }: Session): string {
  const { label, args, donation } = request;
  const rest = [...args].filter(([key]) => key !== "priority");
  const written = writeSessionArgs([
    ["ram_quota", donation.ram],
    ["cap_quota", donation.caps],
    ["label", withoutName(label)],
    ...rest,
  ]);
  return written.ok ? written.value : `label="${lastElement(label)}"`;
}

function requireProgram({ name, program }: ChildInfo, tracked: TrackedChild): void {
  const { pd } = environment(tracked);
  const found = pd.native.program()?.module;
  if (found === program) return;
  const message = `restore of "${name}": expected the program ${program}, found ${found ?? "none"}`;
  throw new RtcrFault("mismatch", message, { child: name, expected: program, found });
}

/** Arguments with the quotas of upgrades added to what was donated at first. */
function addQuotas(args: string, upgrades: string): string {
  const read = readSessionArgs(args);
  if (!read.ok) return args;
  const { ram, caps } = addQuota(quotaArgs(read.value), readQuota(upgrades));
  const all = new Map<string, string | number>([...read.value, ["ram_quota", ram], ["cap_quota", caps]]);
  const written = writeSessionArgs(all);
  return written.ok ? written.value : args;
}
