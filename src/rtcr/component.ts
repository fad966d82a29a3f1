// RTCR as a component of a system (spec 1.6): its configuration is init's and more, its host has the checkpoints, and it
// serves `Rtcr` sessions to components beside it.
//
// The host is whoever runs the system: it knows where checkpoints are kept, and asks for them.
import type { SystemCheckpoint } from "../checkpoint/index.ts";
import { type CpuSession, type Env, objectOf } from "../session/index.ts";
import { type RtcrConfig, readRtcrConfig, toInitConfig } from "./config.ts";
import { log } from "./logging.ts";
import type { CopyPool } from "./parallel/copy-pool.ts";
import { Rtcr, type RtcrOptions } from "./rtcr.ts";
import { RTCR_SERVICE, RtcrControl } from "./service.ts";
import { TimingReporter, timingReport } from "./timing.ts";

/** What a supervisor has of the program that runs the system. */
export interface RtcrHost {
  /** A supervisor begins: how it is to be, with what it restores instead of starting. */
  begin(env: Env): Omit<RtcrOptions, "hooks">;
  /** Workers for checkpoints that copy in parallel; asked once, when a configuration wants that. Absent: there are none. */
  startCopyPool?(): CopyPool;
  /** It is there. */
  began(component: RtcrComponent): void;
  /** A component has asked for a checkpoint by a session; its bytes belong to the supervisor until the next of that name. */
  made?(component: RtcrComponent, system: SystemCheckpoint): void;
  /** It is no more. */
  ended(component: RtcrComponent): void;
}

export class RtcrComponent {
  readonly env: Env;
  readonly rtcr: Rtcr;
  readonly #host: RtcrHost;
  readonly #control: RtcrControl;
  readonly #reporter: TimingReporter;
  #config: RtcrConfig = readRtcrConfig("<config/>");
  #pool: CopyPool | undefined;

  constructor(env: Env, host: RtcrHost) {
    this.env = env;
    this.#host = host;
    const hooks = {
      configuration: (text: string) => this.#configured(text),
      services: [RTCR_SERVICE],
      serve: () => this.#control.session(),
    };
    const timed: RtcrOptions["timed"] = ({ timing, ...made }) => {
      const config = { ...this.#config, parallel: pool() !== undefined };
      if (config.report) this.#reporter.report(timingReport(timing, made, config));
    };
    const pool = () => (this.#config.parallel ? this.#pool : undefined);
    const bootstrapMs = () => this.#config.bootstrapMs;
    const refusesForeign = () => this.#config.refusesForeign;
    this.rtcr = new Rtcr(env, { timed, pool, bootstrapMs, refusesForeign, ...host.begin(env), hooks });
    this.#reporter = new TimingReporter(this.rtcr);
    this.#control = new RtcrControl({ env, rtcr: this.rtcr, made: (_, system) => host.made?.(this, system) });
    host.began(this);
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
  }

  #configured(text: string): string {
    this.#config = readRtcrConfig(text);
    if (this.#config.parallel) this.#pool ??= this.#startPool();
    const cpus = objectOf<CpuSession>(this.env.cpu, "cpu")?.affinitySpace() ?? { width: 1, height: 1 };
    return toInitConfig(text, cpus);
  }

  #startPool(): CopyPool | undefined {
    const pool = this.#host.startCopyPool?.();
    if (!pool)
      log.warning?.("<checkpoint parallel>: this host has no copy workers, contents are copied one after the other");
    return pool;
  }
}

/** The native program `rtcr`. */
export function rtcrProgram(host: RtcrHost): (env: Env) => RtcrComponent {
  return (env) => new RtcrComponent(env, host);
}
