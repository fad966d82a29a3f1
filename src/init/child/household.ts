// What a child needs of the init that it belongs to.
import type { Env, Location, Quota } from "../../session/index.ts";
import type { InitConfig, StartConfig } from "../config/types.ts";
import type { InitHooks } from "../hooks.ts";
import type { Accounts } from "../resources/accounts.ts";
import type { CpuPool } from "../resources/amounts.ts";
import type { Route, Routed } from "../routing/route.ts";
import type { Broker } from "../sessions/broker.ts";
import type { SessionServer } from "../sessions/session.ts";
import type { Work } from "../work.ts";
import type { Child } from "./child.ts";

export interface Household {
  readonly env: Env;
  readonly hooks: InitHooks;
  readonly accounts: Accounts;
  readonly broker: Broker;
  readonly cpuPool: CpuPool;
  config(): InitConfig;
  /** The CPUs of a child, relative to init's. */
  locationOf(start: StartConfig): Location;
  route(child: Child, service: string, label: string): Routed;
  /** Who serves a route; undefined when that child is gone. */
  serverOf(route: Route, child: Child): SessionServer | undefined;
  /** One line for people. */
  warn(message: string): void;
  log(message: string): void;
  /** The state report is due; urgent: at once. */
  changed(urgent: boolean): void;
  /** Runs `work` from the event loop, when no component is being served. */
  later(work: Work): void;
  /** A child has exited; called from the event loop. */
  exited(child: Child, value: number): void;
  /** A child has answered a yield request. */
  yielded(child: Child): void;
}

/** `ram_quota`, `cap_quota` that a child has asked for and not got. */
export interface ResourceRequest {
  readonly args: string;
  readonly quota: Quota;
}
