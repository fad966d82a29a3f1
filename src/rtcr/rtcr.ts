// RTCR as a component: keeps children by init's machinery, stands in front of all their sessions, checkpoints them while
// they run and recreates them (thesis chapter 4, spec 1 and 4).
//
//   init's machinery --hooks--> interposers     capture: TrackedChild -> information     restore: information -> children
//
// I1  A checkpoint is of all children that are asked for, at one moment; the children go on.
// I2  A restore begins when every child of it has a fresh environment and its program; until then none of them runs.
import type { ChildInfo, SystemCheckpoint } from "../checkpoint/index.ts";
import { type Child, Init, type InitHooks, NO_HOOKS, type Session } from "../init/index.ts";
import {
  type Capability,
  type Dataspace,
  type Env,
  INVALID,
  type KernelObject,
  LOG_LIMIT,
  lastElement,
  type NativePd,
  objectOf,
  type PdSession,
  withoutName,
  writeSessionArgs,
} from "../session/index.ts";
import { required } from "../util/index.ts";
import { type Captured, capture, environment } from "./capture.ts";
import { type DataProvider, OnDemandProvider } from "./data-provider.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import { type RestoredChild, restoreDirect } from "./restore-direct.ts";
import { BASE_INTERPOSERS, type Interposers, TrackedChild } from "./tracked-child.ts";
import { Translation } from "./translation.ts";

export interface RtcrOptions {
  /** Default: storage as it is needed. */
  readonly provider?: DataProvider;
  /** Interposers by kind of object; a module replaces those of the base (spec 1.5). */
  readonly interposers?: Interposers;
  /** Children that are not started but restored, as soon as the configuration has them. */
  readonly restore?: SystemCheckpoint;
  /** Whether programs are translated for windows. Default: no. */
  readonly windows?: (child: string) => boolean;
  /** Called when a restore has ended: undefined if all is well. */
  readonly restored?: (fault: RtcrFault | undefined) => void;
}

export class Rtcr {
  readonly #env: Env;
  readonly #options: RtcrOptions;
  readonly #children = new Map<string, TrackedChild>();
  readonly #init: Init;
  /** Children that wait until all of a restore are there. */
  readonly #arrived = new Map<string, RestoredChild>();
  #restoring: SystemCheckpoint | undefined;

  constructor(env: Env, options: RtcrOptions = {}) {
    this.#env = env;
    this.#options = options;
    this.#restoring = options.restore;
    this.#init = new Init(env, this.#hooks());
  }

  /** Names of the children that have sessions. */
  get children(): readonly string[] {
    return [...this.#children.keys()];
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
    const provider = this.#options.provider ?? new OnDemandProvider();
    const tracked = children.map((child) => {
      const found = this.#children.get(child);
      if (found) return found;
      const there = this.children.join(", ") || "none";
      throw new RtcrFault("no-such-child", `no child "${child}" is under this supervisor; there are ${there}`, {
        child,
      });
    });
    return capture(tracked, { name, parent, provider });
  }

  /** Ends all children. */
  dispose(): void {
    this.#init.dispose();
  }

  #hooks(): InitHooks {
    return {
      ...NO_HOOKS,
      deliver: (session, capability) => this.#deliver(session, capability),
      real: (capability) => this.#real(capability),
      upgraded: (session, quota) => this.#children.get(nameOf(session))?.upgraded(session, quota),
      ended: (session) => this.#ended(session),
      load: (child, native, binary) => this.#load(child, native, binary),
      launch: (child) => this.#launch(child),
    };
  }

  #deliver(session: Session, capability: Capability): Capability {
    const name = nameOf(session);
    if (name === OWN) return capability;
    const child = this.#children.get(name) ?? new TrackedChild(name, this.#env.badges, this.#interposers());
    this.#children.set(name, child);
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

  #load(child: Child, native: NativePd, binary: Capability<Dataspace>): ReturnType<NativePd["load"]> {
    const [pd] = this.#children.get(child.name)?.of(RtcrPd) ?? [];
    const recorded = this.#recorded(child.name);
    const windows = recorded?.windows ?? this.#options.windows?.(child.name) ?? false;
    return native.load(binary, { windows, ...(pd ? { pd: pd.base.capability } : {}) });
  }

  #recorded(name: string): ChildInfo | undefined {
    return this.#restoring?.children.find((child) => child.name === name);
  }

  /** True if the child is restored instead of started. */
  #launch(child: Child): boolean {
    const info = this.#recorded(child.name);
    const tracked = this.#children.get(child.name);
    const system = this.#restoring;
    if (!info || !tracked || !system) return false;
    const { parent } = child;
    const setMainThread: RestoredChild["setMainThread"] = (thread) => {
      child.mainThread = thread;
    };
    this.#arrived.set(child.name, { info, tracked, parent, setMainThread });
    if (this.#arrived.size === system.children.length) this.#restore(system);
    return true;
  }

  #restore(system: SystemCheckpoint): void {
    const children = system.children.map(({ name }) => required(this.#arrived.get(name), `child ${name}`));
    this.#restoring = undefined;
    this.#arrived.clear();
    try {
      for (const { info, tracked } of children) requireProgram(info, tracked);
      restoreDirect(children, system.calls, new Translation(this.#env.badges), (content) => this.#keep(content));
      this.#options.restored?.(undefined);
    } catch (fault) {
      if (!(fault instanceof RtcrFault)) throw fault;
      this.#env.log.write(`error: ${fault.message}`.slice(0, LOG_LIMIT - 1)); // init may not be there yet
      this.#options.restored?.(fault);
    }
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
  const found = objectOf<NativePd>(pd.nativePd(), "native-pd")?.program()?.module;
  if (found === program) return;
  const message = `restore of "${name}": expected the program ${program}, found ${found ?? "none"}`;
  throw new RtcrFault("mismatch", message, { child: name, expected: program, found });
}
