// RTCR as a component of a system (spec 1.6): its configuration is init's and more, its host has the checkpoints, and it
// serves `Rtcr` sessions to components beside it.
//
// The host is whoever runs the system: it knows where checkpoints are kept, and asks for them.
import type { SystemCheckpoint } from "../checkpoint/index.ts";
import { tryXml, type XmlNode } from "../init/index.ts";
import {
  type CpuSession,
  type Env,
  objectOf,
  type SavedComponent,
  type SessionState,
  type SlotWriter,
} from "../session/index.ts";
import { messageOf } from "../util/index.ts";
import {
  type Checkpointable,
  MODULES,
  type RtcrConfig,
  readRtcrConfig,
  requireOwnElements,
  toInitConfig,
} from "./config.ts";
import { INCREMENTAL, IncrementalModule } from "./incremental/module.ts";
import { log } from "./logging.ts";
import type { RtcrModule } from "./module.ts";
import type { CopyPool } from "./parallel/copy-pool.ts";
import type { CopyPlaces } from "./parallel/parallel-copier.ts";
import type { Part } from "./records.ts";
import { REDUNDANT, RedundantModule } from "./redundant/module.ts";
import { Rtcr } from "./rtcr.ts";
import type { RtcrOptions } from "./rtcr-options.ts";
import { RTCR_SERVICE, RtcrControl, type SavedControl } from "./service.ts";
import { type SavedReporting, TimingReporter, timingReport } from "./timing.ts";

/** What a supervisor has of the program that runs the system. */
export interface RtcrHost {
  /** A supervisor begins: how it is to be, with what it restores instead of starting. */
  begin(env: Env): Omit<RtcrOptions, "hooks">;
  /** Workers for checkpoints that copy in parallel; asked once, when a configuration wants that. Absent: there are none. */
  startCopyPool?(): CopyPool;
  /** It is there. */
  began(component: RtcrComponent): void;
  /**
   * A component has asked for a checkpoint by a session; its bytes belong to the supervisor until the next of that name.
   *
   * @param hold keeps them beyond that, until what it returns is called
   */
  made?(component: RtcrComponent, system: SystemCheckpoint, hold: () => () => void): void;
  /** It is no more. */
  ended(component: RtcrComponent): void;
}

/** The state of a supervisor: its own and its children's, the checkpoints that it keeps, its reports. */
interface SavedRtcrComponent extends SavedControl {
  readonly rtcr: SessionState;
  readonly reporter: SavedReporting;
}

export class RtcrComponent {
  readonly env: Env;
  readonly rtcr: Rtcr;
  readonly #host: RtcrHost;
  readonly #module: RtcrModule | undefined;
  /** It was made for this one, and ends with it. */
  readonly #ownModule: boolean;
  readonly #control: RtcrControl;
  readonly #reporter: TimingReporter;
  #config: RtcrConfig = readRtcrConfig("<config/>");
  #pool: CopyPool | undefined;
  /** The module that the configuration names, if that is none of the program's own. */
  #named: RtcrModule | undefined;

  /** @param again what `capture` gave */
  constructor(env: Env, host: RtcrHost, again?: SavedComponent, given?: RtcrModule | (() => RtcrModule)) {
    this.env = env;
    this.#host = host;
    this.#ownModule = typeof given === "function";
    const module = typeof given === "function" ? given() : given;
    if (module) requireOwnElements(module);
    this.#module = module;
    const saved = again && savedOf(again);
    const made = (system: SystemCheckpoint, hold: () => () => void) => host.made?.(this, system, hold);
    const control = { env, rtcr: () => this.rtcr, spare: () => this.rtcr.spare, made };
    this.#control = new RtcrControl(control, saved && again && { saved, slots: again.slots });
    this.#reporter = new TimingReporter(
      () => this.rtcr,
      saved && again && { saved: saved.reporter, slots: again.slots },
    );
    const hooks: RtcrOptions["hooks"] = {
      configuration: (text: string) => this.#configured(text),
      services: [RTCR_SERVICE],
      serve: (_, label) => this.#control.session(label),
      ownEvents: (service, label) => (TimingReporter.opened(service, label) ? this.#reporter.events() : undefined),
    };
    const timed: RtcrOptions["timed"] = ({ timing, ...made }) => {
      const config = { ...this.#config, parallel: pool() !== undefined };
      if (config.report) this.#reporter.report(timingReport(timing, made, config));
    };
    const pool = () => (this.#config.parallel ? this.#pool : undefined);
    const bootstrapMs = () => this.#config.bootstrapMs;
    const standby = () => this.#config.standby;
    const refusesForeign = () => this.#config.refusesForeign;
    const keepsUnattached = () => this.#config.keepsUnattached;
    const copyPlaces = () => copyPlacesOf(this.#config, this.#cpus());
    const used = () => this.#named ?? module;
    const keeper = () => used()?.keeper?.();
    const marks = () => used()?.marks?.() ?? false;
    const mirrorSlots = () => used()?.mirrorSlots?.();
    const restores = { bootstrapMs, standby };
    const asked = { timed, pool, copyPlaces, refusesForeign, keepsUnattached, keeper, marks, mirrorSlots, ...restores };
    const options = { ...asked, kept: this.#control, ...brought(module), ...host.begin(env), hooks };
    try {
      this.rtcr = new Rtcr(env, options, saved && again && { state: saved.rtcr, slots: again.slots });
    } catch (thrown) {
      this.#control.dispose();
      this.#pool?.close(); // its configuration may have begun one
      throw thrown;
    }
    host.began(this);
  }

  /** All of its state. @throws RtcrFault "busy" while it restores children */
  capture(slots: SlotWriter): SessionState {
    const saved: SavedRtcrComponent = {
      rtcr: this.rtcr.capture(slots),
      ...this.#control.capture(slots),
      reporter: this.#reporter.capture(slots),
    };
    return saved as unknown as SessionState;
  }

  /** As it is in force. */
  get config(): RtcrConfig {
    return this.#config;
  }

  dispose(): void {
    this.#host.ended(this);
    this.rtcr.dispose();
    this.#control.dispose();
    this.#pool?.close();
    this.#named?.dispose?.();
    if (this.#ownModule) this.#module?.dispose?.();
  }

  #configured(text: string): string {
    this.#config = readRtcrConfig(text);
    if (this.#config.parallel) this.#pool ??= this.#startPool();
    const { module: named } = this.#config;
    if (![...MODULES, this.#module?.name].includes(named))
      log.warning?.(
        `<module name="${named}">: this program has module ${this.#module?.name ?? MODULES[0]}, which is used`,
      );
    const read = tryXml(text);
    if (read.ok) this.#configureModules(named, read.value);
    return toInitConfig(text, this.#cpus(), this.#module);
  }

  #configureModules(named: string, config: XmlNode): void {
    if (this.#module) configured(this.#module, config);
    if (this.#named?.name !== named) {
      this.#named?.dispose?.();
      this.#named = this.#module?.name === named ? undefined : NAMED.get(named)?.();
    }
    this.#named?.configure?.(config);
  }

  #cpus(): { readonly width: number; readonly height: number } {
    return objectOf<CpuSession>(this.env.cpu, "cpu")?.affinitySpace() ?? { width: 1, height: 1 };
  }

  #startPool(): CopyPool | undefined {
    const pool = this.#host.startCopyPool?.();
    if (!pool)
      log.warning?.("<checkpoint parallel>: this host has no copy workers, contents are copied one after the other");
    return pool;
  }
}

/** Modules beside the base that any configuration may name. */
const NAMED: ReadonlyMap<string, () => RtcrModule> = new Map<string, () => RtcrModule>([
  [INCREMENTAL, () => new IncrementalModule()],
  [REDUNDANT, () => new RedundantModule()],
]);

/** Parts that have contents, by the names that the configuration has for them. */
const COPIED_BY: Readonly<Partial<Record<Checkpointable, readonly Part[]>>> = {
  ram_dataspaces: ["ram", "components"],
  rom_session: ["rom"],
};

/** Places are counted along the rows of the affinity space, which positions of children are meant in, too. */
function copyPlacesOf({ workers, spaceWidth }: RtcrConfig, { width }: { readonly width: number }): CopyPlaces {
  const placed = workers.flatMap(({ name, x, y }) =>
    (COPIED_BY[name] ?? []).map((part) => [part, y * (spaceWidth ?? width) + x] as const),
  );
  return new Map(placed);
}

/** @throws Error that names the module, if its own code throws anything */
function configured(module: RtcrModule, config: XmlNode): void {
  try {
    module.configure?.(config);
  } catch (thrown) {
    throw new Error(`module "${module.name}" throws when it is configured: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** What of a module the supervisor itself works with. */
function brought({ interposers, engine, dataspaces }: Partial<RtcrModule> = {}) {
  return { ...(interposers && { interposers }), ...(engine && { engine }), ...(dataspaces && { dataspaces }) };
}

/**
 * The native program `rtcr`.
 *
 * @param module beside the base (module.ts): one for all supervisors of the program, or a new one for each
 * @throws TypeError if elements of the module are called as those of init, or of RTCR; of a new one when it is made
 */
export function rtcrProgram(
  host: RtcrHost,
  module?: RtcrModule | (() => RtcrModule),
): (env: Env, saved?: SavedComponent) => RtcrComponent {
  if (module && typeof module !== "function") requireOwnElements(module);
  return (env, saved) => new RtcrComponent(env, host, saved, module);
}

/** @throws TypeError if it is no such state */
function savedOf({ state }: SavedComponent): SavedRtcrComponent {
  const saved = state as unknown as Partial<SavedRtcrComponent>;
  if (saved.rtcr !== undefined && Array.isArray(saved.kept) && saved.reporter) return saved as SavedRtcrComponent;
  throw new TypeError("expected the state of a supervisor");
}
