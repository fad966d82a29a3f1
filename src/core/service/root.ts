// Roots of core's services (spec 2.0, 2.12): arguments to sessions, with the quota that was donated for them.
//
// I1  A refused session leaves nothing behind.
// I2  "out-of-*" inside a session's construction means that the donation was too small: the client is told
//     "insufficient-*". Everything else that goes wrong is "service-denied", and one line for people.
import {
  type Capability,
  type Location,
  type OutOf,
  type Quota,
  quotaArgs,
  readSessionArgs,
  type ServiceRoot,
  type SessionArgs,
  type SessionRefusal,
} from "../../session/index.ts";
import { type Attempt, Bug, messageOf, type Refusal, refusal, success } from "../../util/index.ts";
import { Budget } from "../pd/index.ts";

export type RootRefusal = Exclude<SessionRefusal, OutOf>;

/** What a session's constructor works with. */
export interface SessionRequest {
  readonly label: string;
  readonly args: SessionArgs;
  readonly affinity: Location;
  /** As it came. */
  readonly donation: Quota;
  /** Holds the donation; the service's cost is charged already. Dies with the session. */
  readonly budget: Budget;
}

/** A session in the hands of its root. */
export interface OpenSession {
  readonly capability: Capability;
  /** Beyond the raised budget. */
  upgrade?(quota: Quota): void;
  /** Ends the session and its capability. */
  close(): void;
}

/** `problem` says in a line why the service is denied. */
export type SessionProblem = Refusal<"service-denied"> & { readonly problem: string };
export type OpenAttempt = { readonly ok: true; readonly value: OpenSession } | Refusal<RootRefusal | OutOf>;

export interface RootOptions {
  readonly service: string;
  /** What a session takes of its donation from the start. */
  readonly cost: Quota;
  readonly open: (request: SessionRequest) => OpenAttempt | SessionProblem;
  readonly warn: (message: string) => void;
}

/** A denial that says why. */
export function denied(problem: string): SessionProblem {
  return { ...refusal("service-denied"), problem };
}

export class CoreRoot implements ServiceRoot {
  readonly kind = "root";
  readonly #options: RootOptions;
  readonly #sessions = new Map<Capability, { readonly open: OpenSession; readonly budget: Budget }>();

  constructor(options: RootOptions) {
    this.#options = options;
  }

  /** Sessions that are open. */
  get size(): number {
    return this.#sessions.size;
  }

  session(text: string, affinity: Location): Attempt<Capability, RootRefusal> {
    const args = readSessionArgs(text);
    if (!args.ok) return this.#deny("", `malformed arguments "${text}"`);
    const label = args.value.get("label") ?? "";
    const donation = quotaArgs(args.value);
    const budget = new Budget(donation);
    const charged = budget.charge(this.#options.cost);
    if (!charged.ok) return insufficient(charged.reason);
    const open = this.#open({ label, args: args.value, affinity, donation, budget });
    if (!open.ok) return "problem" in open ? this.#deny(label, open.problem) : insufficient(open.reason);
    this.#sessions.set(open.value.capability, { open: open.value, budget });
    return success(open.value.capability);
  }

  upgrade(session: Capability, text: string): void {
    const found = this.#sessions.get(session);
    const args = readSessionArgs(text);
    if (!found || !args.ok) return;
    const quota = quotaArgs(args.value);
    found.budget.raise(quota);
    found.open.upgrade?.(quota);
  }

  close(session: Capability): void {
    const found = this.#sessions.get(session);
    this.#sessions.delete(session);
    found?.open.close();
  }

  /** Ends all sessions. */
  dispose(): void {
    for (const session of [...this.#sessions.keys()]) this.close(session);
  }

  #open(request: SessionRequest): OpenAttempt | SessionProblem {
    try {
      return this.#options.open(request);
    } catch (thrown) {
      if (thrown instanceof Bug) throw thrown;
      return denied(messageOf(thrown));
    }
  }

  #deny(label: string, problem: string): Refusal<"service-denied"> {
    const { service, warn } = this.#options;
    warn(`${service} session "${label}" denied: ${problem}`);
    return refusal("service-denied");
  }
}

function insufficient(reason: RootRefusal | OutOf): Refusal<RootRefusal> {
  if (reason === "out-of-ram") return refusal("insufficient-ram-quota");
  return refusal(reason === "out-of-caps" ? "insufficient-cap-quota" : reason);
}
