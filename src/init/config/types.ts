// A configuration of init as data, defaults filled in.
import type { Location, Quota } from "../../session/index.ts";

export interface InitConfig {
  /** Echoed in the report. */
  readonly version: string;
  readonly verbose: boolean;
  /** 0: priorities are not used. A power of two otherwise. */
  readonly prioLevels: number;
  readonly parentProvides: ReadonlySet<string>;
  readonly defaultRoute: readonly RouteEntry[];
  /** Quota of start nodes that give none. */
  readonly defaults: Quota;
  readonly affinitySpace: { readonly width: number; readonly height: number };
  /** Alias to child. */
  readonly aliases: ReadonlyMap<string, string>;
  /** What init keeps for itself. */
  readonly preserve: Quota;
  readonly report: ReportConfig | undefined;
  readonly heartbeatMs: number | undefined;
  /** Services offered upwards. */
  readonly services: readonly UpwardService[];
  readonly starts: readonly StartConfig[];
}

export interface ReportConfig {
  readonly ids: boolean;
  readonly requested: boolean;
  readonly provided: boolean;
  readonly sessionArgs: boolean;
  readonly childRam: boolean;
  readonly childCaps: boolean;
  readonly initRam: boolean;
  readonly initCaps: boolean;
  readonly delayMs: number;
  readonly bufferBytes: number;
}

export interface StartConfig {
  readonly name: string;
  /** ROM module of the program. */
  readonly binary: string;
  /** Its accesses go through windows, which shared, managed and read-only regions need. Not Genode's: ours. */
  readonly windows: boolean;
  /** Its memory.grow beyond the quota is a resource request and waits. Not Genode's: ours. */
  readonly growthRequests: boolean;
  readonly version: string;
  readonly caps: number;
  /** Bytes. */
  readonly ram: number;
  readonly constrainPhys: boolean;
  /** Of 100. */
  readonly cpuPercent: number;
  /** 0 (highest) .. -(levels-1). */
  readonly priority: number;
  readonly ld: boolean;
  readonly managingSystem: boolean;
  readonly provides: readonly string[];
  /** Undefined: the default route. */
  readonly route: readonly RouteEntry[] | undefined;
  /** The inline configuration as it was written. */
  readonly config: string | undefined;
  /** ROM module that stands for "config" when there is no inline configuration. */
  readonly configFile: string | undefined;
  readonly affinity: Partial<Location> | undefined;
  readonly exitPropagates: boolean;
  readonly heartbeat: { readonly restartAfterSkipped: number | undefined } | undefined;
}

export interface LabelConditions {
  readonly label?: string;
  readonly labelPrefix?: string;
  readonly labelSuffix?: string;
  readonly labelLast?: string;
  readonly unscopedLabel?: string;
}

export interface RouteEntry {
  /** Undefined: `<any-service>`. */
  readonly service: string | undefined;
  readonly conditions: LabelConditions;
  readonly targets: readonly RouteTarget[];
}

export interface RouteTarget {
  readonly to: "parent" | "child" | "any-child";
  /** Of `child` only. */
  readonly name: string;
  /** Replaces the label that the server sees. */
  readonly label: string | undefined;
  readonly diag: boolean | undefined;
}

export interface UpwardService {
  readonly name: string;
  readonly policies: readonly UpwardPolicy[];
}

export interface UpwardPolicy {
  /** Undefined: the default policy. */
  readonly conditions: LabelConditions | undefined;
  readonly child: string;
  readonly label: string | undefined;
}
