// The parent of the first component (spec 2.12): asks core's own roots for sessions, and moves the quota for them.
//
//   session:  client's PD --donation--> core's PD, out of its account into the session (512 bytes stay for the record)
//   close:    the session's total --> core's PD --> client's PD
//
// I1  The sum of the limits of all PDs and of what is donated to other sessions never changes.
// I2  A refusal moves nothing: whatever had moved is moved back.
// I3  Sessions are made at once or refused: nothing is ever pending here.
import {
  type Capability,
  type CpuThread,
  ENV_SESSION,
  INVALID,
  type Location,
  NO_QUOTA,
  notify,
  type OutOf,
  objectOf,
  type ParentSession,
  type PdSession,
  prefixLabel,
  type Quota,
  quotaArgs,
  readSessionArgs,
  SERVICE_NAME_LIMIT,
  type ServiceRoot,
  type SessionArgs,
  type SessionRefusal,
  type SessionResponse,
  type SignalContext,
  writeSessionArgs,
} from "../../session/index.ts";
import { type Attempt, assert, refusal, success } from "../../util/index.ts";
import type { CorePd } from "../pd/index.ts";
import type { CoreScopes } from "../scopes.ts";

/** RAM that core keeps of each donation for its record of the session, in bytes. */
export const SESSION_RECORD_BYTES = 512;
const EVERYWHERE: Location = { x: 0, y: 0, width: 0, height: 0 };
/** Who is closed first when the client ends; what is not named comes last. */
const CLOSING_ORDER: readonly string[] = ["CPU", "LOG", "ROM", "PD"];

export interface CoreParentOptions {
  /** Of the client; stands in front of all its labels. */
  readonly name: string;
  /** Core's account, the reference of the client's. */
  readonly own: CorePd;
  /** By the service's name. */
  readonly roots: ReadonlyMap<string, ServiceRoot>;
  readonly warn: (message: string) => void;
  readonly scopes: CoreScopes;
  /** The client says that it is done. */
  readonly exited: (value: number) => void;
}

interface ParentRecord {
  readonly service: string;
  readonly root: ServiceRoot;
  readonly capability: Capability;
  /** Whose PD the quota came from; undefined: core's own. */
  readonly payer: Capability<PdSession> | undefined;
  /** All that was given, the record's part included. */
  total: Quota;
}

export class CoreParent implements ParentSession {
  readonly kind = "parent";
  readonly #options: CoreParentOptions;
  readonly #sessions = new Map<number, ParentRecord>();
  #client: Capability<PdSession> = INVALID;
  #mainThread: Capability<CpuThread> = INVALID;
  #resourceAvail: Capability<SignalContext> = INVALID;

  constructor(options: CoreParentOptions) {
    this.#options = options;
  }

  /**
   * Opens an environment session, which core pays for itself; the first must be the PD.
   *
   * @param label behind the client's name
   */
  environment(
    id: number,
    service: string,
    label: string,
    args: SessionArgs,
    quota: Quota,
  ): Attempt<Capability, SessionRefusal> {
    const made = this.#make(id, service, prefixLabel(this.#options.name, label), args, quota, EVERYWHERE, undefined);
    if (made.ok && id === ENV_SESSION.pd) this.#client = made.value as Capability<PdSession>;
    return made;
  }

  /** What `mainThreadCap` gives from now on. */
  setMainThread(thread: Capability<CpuThread>): void {
    this.#mainThread = thread;
  }

  exit(value: number): void {
    this.#options.exited(value);
  }

  announce(service: string): void {
    this.#warn(`announces "${service}", but core asks nobody for services`);
  }

  /** Nothing happens asynchronously here. */
  sessionSigh(): void {}

  session(id: number, service: string, text: string, affinity = EVERYWHERE): Attempt<Capability, SessionRefusal> {
    if (this.#sessions.has(id)) return this.#deny(service, `id ${id} is in use`);
    if (service.length > SERVICE_NAME_LIMIT) return this.#deny(service.slice(0, SERVICE_NAME_LIMIT), "name too long");
    const args = readSessionArgs(text);
    if (!args.ok) return this.#deny(service, `malformed arguments "${text}"`);
    if (!this.#client.valid) return this.#deny(service, "the client's PD is closed");
    const donation = quotaArgs(args.value);
    if (donation.ram < SESSION_RECORD_BYTES) return refusal("insufficient-ram-quota");
    const label = prefixLabel(this.#options.name, args.value.get("label") ?? "");
    return this.#make(id, service, label, args.value, donation, affinity, this.#client);
  }

  sessionCap(id: number): Attempt<Capability, Exclude<SessionRefusal, OutOf>> {
    const session = this.#sessions.get(id);
    return success(session?.capability ?? INVALID);
  }

  /** More for the client's own PD is a resource request. */
  upgrade(id: number, text: string): Attempt<"done" | "pending", OutOf> {
    const session = this.#sessions.get(id);
    const args = readSessionArgs(text);
    if (!session || !args.ok) return success("done");
    if (id === ENV_SESSION.pd) {
      this.resourceRequest(text);
      return success("done");
    }
    const quota = quotaArgs(args.value);
    const moved = this.#take(session.payer, quota);
    if (!moved.ok) return moved;
    session.total = { ram: session.total.ram + quota.ram, caps: session.total.caps + quota.caps };
    session.root.upgrade(session.capability, text);
    return success("done");
  }

  close(id: number): "done" | "pending" {
    if (id >= ENV_SESSION.pd && id <= ENV_SESSION.linker) return "done";
    this.#close(id);
    return "done";
  }

  /** Core never asks the first component for a session. */
  sessionResponse(_id: number, _response: SessionResponse): void {}

  deliverSessionCap(_id: number, _session: Capability): void {}

  mainThreadCap(): Capability<CpuThread> {
    return this.#mainThread;
  }

  resourceAvailSigh(context: Capability<SignalContext>): void {
    this.#resourceAvail = context;
  }

  /** Granted from what core has left, all or nothing. */
  resourceRequest(text: string): void {
    const args = readSessionArgs(text);
    const quota = args.ok ? quotaArgs(args.value) : NO_QUOTA;
    if (moveQuota(this.#options.own.capability, this.#client, quota).ok) notify(this.#resourceAvail);
    else this.#warn(`asks for ${quota.ram} bytes and ${quota.caps} capabilities, core has less left`);
  }

  yieldSigh(): void {}

  yieldRequest(): string {
    return "";
  }

  yieldResponse(): void {}

  heartbeatSigh(): void {}

  heartbeatResponse(): void {}

  /** The client is gone: ends all its sessions, those of its environment too. */
  dispose(): void {
    const place = ({ service }: ParentRecord) => {
      const at = CLOSING_ORDER.indexOf(service);
      return at < 0 ? CLOSING_ORDER.length : at;
    };
    const sessions = [...this.#sessions].sort(([, left], [, right]) => place(left) - place(right));
    for (const [id] of sessions) this.#close(id);
    this.#client = INVALID;
  }

  /** @param payer whose PD the donation comes from; undefined: core's own */
  #make(
    id: number,
    service: string,
    label: string,
    args: SessionArgs,
    donation: Quota,
    affinity: Location,
    payer: Capability<PdSession> | undefined,
  ): Attempt<Capability, SessionRefusal> {
    const root = this.#options.roots.get(service);
    if (!root) return this.#deny(service, "there is no such service");
    const forwarded = payer ? { ...donation, ram: donation.ram - SESSION_RECORD_BYTES } : donation;
    const text = writeSessionArgs(
      new Map<string, string | number>([
        ...args,
        ["ram_quota", forwarded.ram],
        ["cap_quota", forwarded.caps],
        ["label", label],
      ]),
    );
    if (!text.ok) return this.#deny(service, "the arguments are too long with the whole label");
    const moved = this.#take(payer, donation);
    if (!moved.ok) return moved;
    const { scopes } = this.#options;
    const scope = scopes.sink ? scopes.begin(`Session of ${service}`, "gray") : 0;
    const made = root.session(text.value, affinity);
    scopes.end(scope);
    if (made.ok) this.#sessions.set(id, { service, root, capability: made.value, payer, total: donation });
    else this.#giveBack(payer, donation);
    return made;
  }

  #close(id: number): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#sessions.delete(id);
    session.root.close(session.capability);
    this.#giveBack(session.payer, session.total);
  }

  /** Out of the payer's account, into a session. */
  #take(payer: Capability<PdSession> | undefined, quota: Quota): Attempt<void, OutOf> {
    const { own } = this.#options;
    const moved = payer ? moveQuota(payer, own.capability, quota) : success(undefined);
    if (!moved.ok) return moved;
    if (!own.budget.ram.lower(quota.ram)) return refusal("out-of-ram");
    if (own.budget.caps.lower(quota.caps)) return moved;
    own.budget.ram.raise(quota.ram);
    return refusal("out-of-caps");
  }

  /** Out of a session; what belongs to a client that is gone stays with core. */
  #giveBack(payer: Capability<PdSession> | undefined, quota: Quota): void {
    const { own } = this.#options;
    own.budget.raise(quota);
    if (payer?.valid) assert(moveQuota(own.capability, payer, quota).ok, "what was donated can be given back");
  }

  #deny(service: string, problem: string): Attempt<never, "service-denied"> {
    this.#warn(`${service} session denied: ${problem}`);
    return refusal("service-denied");
  }

  #warn(message: string): void {
    this.#options.warn(`${this.#options.name}: ${message}`);
  }
}

/** Both resources or none, between a PD and its reference account. */
function moveQuota(from: Capability<PdSession>, to: Capability<PdSession>, quota: Quota): Attempt<void, OutOf> {
  const source = objectOf<PdSession>(from, "pd");
  const target = objectOf<PdSession>(to, "pd");
  if (!source?.transferRamQuota(to, quota.ram).ok || !target) return refusal("out-of-ram");
  if (source.transferCapQuota(to, quota.caps).ok) return success(undefined);
  assert(target.transferRamQuota(from, quota.ram).ok, "what has just been moved can be moved back");
  return refusal("out-of-caps");
}
