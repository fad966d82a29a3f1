// The parent that a child sees: passes everything on, remembers what the child has registered, and knows the moment just
// before `construct`: the registration of the heartbeat handler, the last parent call of every bootstrap (spec 4.7). That is
// the restore barrier; no application takes part in it (thesis 7.3).
import type { ParentInfo } from "../checkpoint/index.ts";
import {
  type Capability,
  type CpuThread,
  INVALID,
  type Location,
  type OutOf,
  type ParentSession,
  type SessionRefusal,
  type SessionResponse,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
} from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { Front } from "./front.ts";
import { Listing } from "./listing.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { ChildContext } from "./tracked.ts";

/** The child's handlers at its parent. */
const HANDLERS = ["session", "resourceAvail", "yield", "heartbeat"] as const;
type Handler = (typeof HANDLERS)[number];

/** Names of services that are remembered of a child; it may announce what it likes. */
export const ANNOUNCED_LIMIT = 64;

/** Slots for capabilities. */
export interface SavedParent {
  readonly front: number;
  readonly handlers: readonly (readonly [Handler, number])[];
  readonly announced: readonly string[];
  readonly exit?: number | undefined;
}

const ANNOUNCED = new Listing<string>((records, service) => {
  records.text(service);
  return true;
});

export class RtcrParent implements ParentSession {
  readonly kind = "parent";
  readonly capability: Capability<ParentSession>;
  /** Called once, at the barrier. */
  barrier: () => void = () => {};
  readonly #context: ChildContext;
  readonly #front: Front<ParentSession>;
  readonly #handlers = new Map<Handler, Capability<SignalContext>>();
  readonly #announced = new Set<string>();
  #exit: number | undefined;

  constructor(context: ChildContext, real: Capability<ParentSession>) {
    this.#context = context;
    this.#front = new Front<ParentSession>(context, this, real);
    this.capability = this.#front.capability;
  }

  get #parent(): ParentSession {
    return this.#front.object;
  }

  exit(value: number): void {
    this.#exit ??= value;
    this.#parent.exit(value);
  }

  announce(service: string): void {
    if (this.#announced.size < ANNOUNCED_LIMIT) this.#announced.add(service);
    this.#parent.announce(service);
  }

  sessionSigh(context: Capability<SignalContext>): void {
    this.#handlers.set("session", context);
    this.#parent.sessionSigh(context);
  }

  session(id: number, service: string, args: string, affinity?: Location): Attempt<Capability, SessionRefusal> {
    return this.#parent.session(id, service, args, affinity);
  }

  sessionCap(id: number): Attempt<Capability, Exclude<SessionRefusal, OutOf>> {
    return this.#parent.sessionCap(id);
  }

  upgrade(id: number, args: string): Attempt<"done" | "pending", OutOf> {
    return this.#parent.upgrade(id, args);
  }

  close(id: number): "done" | "pending" {
    return this.#parent.close(id);
  }

  sessionResponse(id: number, response: SessionResponse): void {
    this.#parent.sessionResponse(id, response);
  }

  deliverSessionCap(id: number, session: Capability): void {
    this.#parent.deliverSessionCap(id, session);
  }

  mainThreadCap(): Capability<CpuThread> {
    return this.#parent.mainThreadCap();
  }

  resourceAvailSigh(context: Capability<SignalContext>): void {
    this.#handlers.set("resourceAvail", context);
    this.#parent.resourceAvailSigh(context);
  }

  resourceRequest(args: string): void {
    this.#parent.resourceRequest(args);
  }

  yieldSigh(context: Capability<SignalContext>): void {
    this.#handlers.set("yield", context);
    this.#parent.yieldSigh(context);
  }

  yieldRequest(): string {
    return this.#parent.yieldRequest();
  }

  yieldResponse(): void {
    this.#parent.yieldResponse();
  }

  /** At the barrier of a restore nobody would answer: the parent hears of the handler that is restored. */
  heartbeatSigh(context: Capability<SignalContext>): void {
    const { bootstrapping, restoring } = this.#context;
    this.#handlers.set("heartbeat", context);
    if (!bootstrapping || !restoring) this.#parent.heartbeatSigh(context);
    if (!bootstrapping) return;
    this.#context.bootstrapping = false;
    this.barrier();
  }

  heartbeatResponse(): void {
    this.#parent.heartbeatResponse();
  }

  /** @param request what the parent has not granted; empty: nothing */
  checkpoint(records: RecordWriter, request: string): void {
    records.badge(this.capability);
    ANNOUNCED.write(records, this.#announced);
    records.text(request);
    const exit = records.beginList();
    if (this.#exit !== undefined) records.number(this.#exit);
    records.endList(exit, this.#exit === undefined ? 0 : 1);
    for (let i = 0; i < HANDLERS.length; i++) records.badge(this.#handlers.get(HANDLERS[i]!) ?? INVALID);
  }

  /** Registers again what a recorded child had registered. @param context the context that a badge stands for now */
  restore(info: ParentInfo, context: (badge: number) => Capability<SignalContext>): void {
    const bootstrapping = this.#context.bootstrapping && beforeBarrier(info);
    this.#context.bootstrapping = false;
    for (const service of info.announced) this.#announced.add(service); // the parent knows by the configuration
    this.sessionSigh(context(info.sessionHandlerBadge));
    this.resourceAvailSigh(context(info.resourceHandlerBadge));
    this.yieldSigh(context(info.yieldHandlerBadge));
    this.heartbeatSigh(context(info.heartbeatHandlerBadge));
    for (const value of info.exit) this.exit(value);
    this.#context.bootstrapping = bootstrapping;
  }

  capture(slots: SlotWriter): SavedParent {
    return {
      front: slots.served(this.capability),
      handlers: Array.from(this.#handlers, ([handler, context]) => [handler, slots.held(context)]),
      announced: [...this.#announced],
      exit: this.#exit,
    };
  }

  /** One of a supervisor that is restored itself. @param real who has its handlers by himself */
  static again(
    context: ChildContext,
    real: Capability<ParentSession>,
    { front, handlers, announced, exit }: SavedParent,
    slots: SlotReader,
  ): RtcrParent {
    const parent = context.again(slots, { fronts: [front], records: [] }, () => new RtcrParent(context, real));
    for (const [handler, slot] of handlers) parent.#handlers.set(handler, slots.held<SignalContext>(slot));
    for (const service of announced) parent.#announced.add(service);
    parent.#exit = exit;
    return parent;
  }

  dispose(): void {
    this.#front.dispose();
  }
}

/** Whether a child with a run-time library had its bootstrap before it: it had no handler of heartbeats yet. */
export function beforeBarrier({ heartbeatHandlerBadge }: ParentInfo): boolean {
  return heartbeatHandlerBadge === 0;
}
