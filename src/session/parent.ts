// Parent session: what a component sees of its creator (spec 2.12), and roots, through which servers create sessions.
import type { Attempt } from "../util/index.ts";
import type { Capability, KernelObject } from "./capability.ts";
import type { CpuThread, Location } from "./cpu.ts";
import type { OutOf, SessionRefusal } from "./quota.ts";
import type { SignalContext } from "./signal.ts";

/** Ids of the environment's sessions. */
export const ENV_SESSION = { pd: 1, cpu: 2, log: 3, binary: 4, linker: 5 } as const;
/** The first id that clients choose themselves. */
export const FIRST_FREE_SESSION = 6;
export const SERVICE_NAME_LIMIT = 64;

export const SESSION_RESPONSES = [
  "ok",
  "closed",
  "service-denied",
  "insufficient-ram-quota",
  "insufficient-cap-quota",
] as const;
export type SessionResponse = (typeof SESSION_RESPONSES)[number];

export interface ParentSession extends KernelObject {
  readonly kind: "parent";
  /** The child is done; it then sleeps until it is destroyed. */
  exit(value: number): void;
  announce(service: string): void;
  /** Told when a pending session has become available, and of other asynchronous session events. */
  sessionSigh(context: Capability<SignalContext>): void;
  /** An INVALID capability means that the session is pending: wait for the signal, then `sessionCap`. */
  session(id: number, service: string, args: string, affinity?: Location): Attempt<Capability, SessionRefusal>;
  /** Picks up a pending session. A refusal closes the session; INVALID: still pending, closed, or an unknown id. */
  sessionCap(id: number): Attempt<Capability, Exclude<SessionRefusal, OutOf>>;
  /**
   * "pending": the session signal comes when the server has answered; until then further upgrades have no effect, and to
   * ask for nothing says "pending" again. It says "done" afterwards.
   */
  upgrade(id: number, args: string): Attempt<"done" | "pending", OutOf>;
  /**
   * Environment sessions are never closed ("done", no effect), neither are unknown ids. "pending": the session signal
   * comes when it is closed; until then the id is in use, and asking again says "pending" again.
   */
  close(id: number): "done" | "pending";
  /** Server role: answers a request of the `session_requests` ROM. */
  sessionResponse(id: number, response: SessionResponse): void;
  /** Server role: hands out the session created for a request. */
  deliverSessionCap(id: number, session: Capability): void;
  mainThreadCap(): Capability<CpuThread>;
  resourceAvailSigh(context: Capability<SignalContext>): void;
  /** @param args `ram_quota`, `cap_quota`: how much more is wanted */
  resourceRequest(args: string): void;
  yieldSigh(context: Capability<SignalContext>): void;
  /** What the parent wants back: `ram_quota`, `cap_quota`. */
  yieldRequest(): string;
  yieldResponse(): void;
  heartbeatSigh(context: Capability<SignalContext>): void;
  heartbeatResponse(): void;
}

/** A server's end of a service in TypeScript: makes sessions out of arguments (spec 2.12). */
export interface ServiceRoot extends KernelObject {
  readonly kind: "root";
  /** @param args with `ram_quota` and `cap_quota` as donated, and the label as routed */
  session(args: string, affinity: Location): Attempt<Capability, Exclude<SessionRefusal, OutOf>>;
  /** @param args `ram_quota`, `cap_quota`: the added amounts */
  upgrade(session: Capability, args: string): void;
  close(session: Capability): void;
}
