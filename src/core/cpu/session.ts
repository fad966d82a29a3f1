// CPU sessions: threads with weights and places, quota of processor time and how it moves (spec 2.5).
//
// A thread's share within its priority is weight x quota of its session / sum of the session's weights (S28). Sessions
// that have no quota get what weights alone give them, which beside sessions with quota is little, but never nothing.
import {
  type Badges,
  type Capability,
  CPU_QUOTA_SCALE,
  type CpuSession,
  type CpuThread,
  type Dataspace,
  type Identity,
  INVALID,
  type Location,
  type NativeCpu,
  type OutOf,
  objectOf,
  type PdSession,
  PRIORITY_LIMIT,
  type SignalContext,
  THREAD_NAME_LIMIT,
  type ThreadOptions,
  WEIGHT,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { type Component, type Kernel, KernelThread, type ThreadOwner, type ThreadSetup } from "../kernel/index.ts";
import type { MakeDataspace } from "../service/dataspaces.ts";
import { CoreNativeCpu } from "./native-cpu.ts";
import { TraceBlocks } from "./trace-blocks.ts";

/** One thread costs its session this much of what was donated for it. */
export const THREAD_COST = { ram: 1024, caps: 1 } as const;

/** Where a session's threads are charged; the session's own account. */
export interface ThreadAccount {
  charge(cost: { readonly ram: number; readonly caps: number }): Attempt<void, OutOf>;
  refund(cost: { readonly ram: number; readonly caps: number }): void;
}

export interface CpuOptions {
  readonly badges: Badges;
  readonly label: string;
  /** 0 is the highest; clamped to the limit. */
  readonly priority?: number;
  /** Which CPUs of `space` the session may use. */
  readonly location?: Location;
  /** CPUs of the machine. Default: one. */
  readonly space?: { readonly width: number; readonly height: number };
  /** Share of the processor, scaled to CPU_QUOTA_SCALE: all of it for the first session of a system, else 0. */
  readonly quota?: number;
  readonly account?: ThreadAccount;
  /** For the control blocks of tracing; absent: there are none. */
  readonly make?: MakeDataspace;
  readonly warn?: (message: string) => void;
}

/** The period that `quota` speaks of, in microseconds. */
const SUPER_PERIOD_US = 1_000_000;

export class CoreCpuSession implements CpuSession, ThreadOwner {
  readonly kind = "cpu";
  readonly label: string;
  readonly priority: number;
  /** Threads that have not been killed. */
  readonly threads = new Set<KernelThread>();
  readonly #blocks: TraceBlocks;
  handler: Capability<SignalContext> = INVALID;
  readonly #kernel: Kernel;
  readonly #identity: Identity<CpuSession>;
  readonly #native: Identity<NativeCpu>;
  readonly #nativeCpu: CoreNativeCpu;
  readonly #options: CpuOptions;
  readonly #location: Location;
  readonly #members = new Set<CoreCpuSession>();
  #reference: CoreCpuSession | undefined;
  #quota: number;
  #weights = 0;
  #closed = false;

  constructor(kernel: Kernel, options: CpuOptions) {
    this.#kernel = kernel;
    this.#options = options;
    this.#blocks = new TraceBlocks(options.make);
    this.label = options.label;
    this.priority = Math.min(Math.max(0, Math.trunc(options.priority ?? 0)), PRIORITY_LIMIT - 1);
    const { width, height } = options.space ?? { width: 1, height: 1 };
    this.#location = clip(options.location ?? { x: 0, y: 0, width, height }, { x: 0, y: 0, width, height });
    this.#quota = options.quota ?? 0;
    this.#identity = options.badges.identify<CpuSession>(this);
    this.#nativeCpu = new CoreNativeCpu(kernel, this);
    this.#native = options.badges.identify<NativeCpu>(this.#nativeCpu);
  }

  get capability(): Capability<CpuSession> {
    return this.#identity.capability;
  }

  createThread(
    pd: Capability<PdSession>,
    options: ThreadOptions,
  ): Attempt<Capability<CpuThread>, "thread-creation-failed" | OutOf> {
    const component = this.#closed ? undefined : this.#kernel.componentOf(pd);
    if (!component) return refusal("thread-creation-failed");
    const made = this.#create(component, {
      name: options.name.slice(0, THREAD_NAME_LIMIT),
      weight: this.#weightOf(options),
      priority: this.priority,
      affinity: this.place(options.affinity),
      utcb: options.utcb ?? 0,
    });
    if (!made.ok) return made;
    if (options.affinity) this.#kernel.moves.together(made.value);
    return success(made.value.capability);
  }

  #create(component: Component, setup: ThreadSetup): Attempt<KernelThread, "thread-creation-failed" | OutOf> {
    const charged = this.#options.account?.charge(THREAD_COST);
    if (charged && !charged.ok) return charged;
    const thread = this.#kernel.lifetimes.createThread(component, this, setup);
    if (!thread) {
      this.#options.account?.refund(THREAD_COST);
      return refusal("thread-creation-failed");
    }
    this.threads.add(thread);
    this.#blocks.add(thread);
    this.#weights += thread.weight;
    return success(thread);
  }

  spawn(starter: KernelThread): Attempt<KernelThread, "thread-creation-failed" | OutOf> {
    if (this.#closed) return refusal("thread-creation-failed");
    const { component, name, weight, priority, wanted } = starter;
    const made = this.#create(component, { name, weight, priority, affinity: wanted, utcb: 0 });
    if (made.ok) this.#nativeCpu.spawned(made.value.capability, starter.capability, { name, weight, utcb: 0 });
    return made;
  }

  #weightOf({ name, weight = WEIGHT.default }: ThreadOptions): number {
    if (weight >= 1 && weight <= WEIGHT.limit) return Math.trunc(weight);
    const used = weight > WEIGHT.limit ? WEIGHT.limit : WEIGHT.default;
    this.#warn(`thread ${name} of weight ${weight}: expected 1 to ${WEIGHT.limit}, ${used} is used`);
    return used;
  }

  killThread(thread: Capability<CpuThread>): void {
    const { object } = thread;
    if (object instanceof KernelThread && this.threads.has(object)) this.#kernel.lifetimes.killThread(object);
  }

  /** Called by the kernel when a thread has ended, however it did. */
  ended(thread: KernelThread): void {
    if (!this.threads.delete(thread)) return;
    this.#blocks.remove(thread);
    this.#weights -= thread.weight;
    this.#options.account?.refund(THREAD_COST);
  }

  exceptionSigh(context: Capability<SignalContext>): void {
    this.handler = context;
  }

  affinitySpace(): { readonly width: number; readonly height: number } {
    return { width: this.#location.width, height: this.#location.height };
  }

  traceControl(): Capability<Dataspace> {
    return this.#blocks.dataspace();
  }

  /** A TRACE session has begun to trace one of the threads, or changed that. */
  traceChanged(): void {
    this.#blocks.changed();
    this.#kernel.cpus?.look();
  }

  refAccount(cpu: Capability<CpuSession>): number {
    const target = objectOf<CpuSession>(cpu, "cpu");
    if (target === this) return -3;
    if (!(target instanceof CoreCpuSession) || target.#closed) return -1;
    if (this.#reference) return -2;
    this.#reference = target;
    target.#members.add(this);
    return 0;
  }

  transferQuota(cpu: Capability<CpuSession>, amount: number): number {
    const target = objectOf<CpuSession>(cpu, "cpu");
    if (!(target instanceof CoreCpuSession) || target.#closed) return -1;
    if (target !== this.#reference && target.#reference !== this) return -2;
    const share = Math.floor((this.#quota * Math.max(0, amount)) / CPU_QUOTA_SCALE);
    if (amount > CPU_QUOTA_SCALE || share > this.#quota) return -3;
    this.#quota -= share;
    target.#quota += share;
    return 0;
  }

  quota(): { readonly superPeriodUs: number; readonly us: number } {
    return { superPeriodUs: SUPER_PERIOD_US, us: Math.floor((SUPER_PERIOD_US * this.#quota) / CPU_QUOTA_SCALE) };
  }

  nativeCpu(): Capability<NativeCpu> {
    return this.#native.capability;
  }

  shareOf(thread: KernelThread): number {
    return this.#quota === 0 ? thread.weight : (thread.weight * this.#quota) / Math.max(1, this.#weights);
  }

  place(location: Location | undefined): Location {
    const own = this.#location;
    if (!location || location.width < 1 || location.height < 1) return own;
    return clip({ ...location, x: location.x + own.x, y: location.y + own.y }, own);
  }

  traceIndex(thread: KernelThread): number {
    return this.#blocks.indexOf(thread);
  }

  /** Ends the session: kills its threads, gives its quota back, members get its reference account. */
  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const thread of [...this.threads]) this.#kernel.lifetimes.killThread(thread);
    this.#blocks.dispose();
    const reference = this.#reference;
    for (const member of this.#members) {
      member.#reference = reference;
      if (reference) reference.#members.add(member);
    }
    if (reference) {
      reference.#members.delete(this);
      reference.#quota += this.#quota;
    }
    this.#quota = 0;
    this.#native.dispose();
    this.#identity.dispose();
  }

  #warn(message: string): void {
    this.#options.warn?.(`${this.label}: ${message}`);
  }
}

/** The part of a location that lies within bounds; at least one CPU. */
function clip(location: Location, bounds: Location): Location {
  const x = Math.min(Math.max(location.x, bounds.x), bounds.x + bounds.width - 1);
  const y = Math.min(Math.max(location.y, bounds.y), bounds.y + bounds.height - 1);
  const width = Math.max(1, Math.min(location.x + location.width, bounds.x + bounds.width) - x);
  const height = Math.max(1, Math.min(location.y + location.height, bounds.y + bounds.height) - y);
  return { x, y, width, height };
}
