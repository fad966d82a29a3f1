// Functional objects of a PD (thesis 4.4): each owns exactly one capability, which its construction allocates at the
// service and its disposal releases (S68). They are made by `allocate`, because a service may refuse.
import type { ObjectInfo } from "../checkpoint/index.ts";
import type {
  Cached,
  Capability,
  CpuThread,
  Dataspace,
  OutOf,
  PdSession,
  RpcObject,
  SignalContext,
  SignalSource,
  SlotReader,
  SlotWriter,
} from "../session/index.ts";
import { type Attempt, success } from "../util/index.ts";
import { Listing } from "./listing.ts";
import type { ModuleDataspaces } from "./module.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type ChildContext, type SavedRecord, savedRecord } from "./tracked.ts";

/** Objects as a supervisor that is restored itself has them again. Capabilities are slots. */
export interface SavedDataspace {
  readonly capability: number;
  readonly size: number;
  readonly cached: Cached;
  readonly record: SavedRecord;
}

export interface SavedSource {
  readonly capability: number;
  readonly record: SavedRecord;
}

export interface SavedContext {
  readonly capability: number;
  readonly source: number;
  readonly imprint: number;
  readonly record: SavedRecord;
}

export interface SavedRpcObject {
  readonly capability: number;
  readonly entrypoint: number;
  readonly record: SavedRecord;
}

/** As a record says it: by the place in the list. */
export const CACHED: readonly Cached[] = ["uncached", "write-combined", "cached"];

export class TrackedDataspace {
  get allocated(): number {
    return this.#info.allocated;
  }

  get record(): SavedRecord {
    return savedRecord(this.#info);
  }

  readonly capability: Capability<Dataspace>;
  readonly size: number;
  readonly cached: Cached;
  readonly #pd: PdSession;
  readonly #info: ObjectInfo;
  readonly #module: ModuleDataspaces | undefined;

  private constructor(
    context: ChildContext,
    pd: PdSession,
    capability: Capability<Dataspace>,
    size: number,
    cached: Cached,
  ) {
    this.#pd = pd;
    this.#module = context.dataspaces;
    this.capability = capability;
    this.size = size;
    this.cached = cached;
    this.#info = context.record(capability.badge);
    this.#module?.allocated(capability, size, cached);
  }

  static allocate(
    context: ChildContext,
    pd: PdSession,
    size: number,
    cached: Cached,
  ): Attempt<TrackedDataspace | undefined, OutOf | "undefined-ref-account"> {
    const allocated = pd.alloc(size, cached);
    if (!allocated.ok) return allocated;
    const capability = allocated.value;
    return success(capability.valid ? new TrackedDataspace(context, pd, capability, size, cached) : undefined);
  }

  static again(context: ChildContext, pd: PdSession, saved: SavedDataspace, slots: SlotReader): TrackedDataspace {
    const { size, cached, record } = saved;
    const capability = slots.held<Dataspace>(saved.capability, "dataspace");
    return context.as([record], () => new TrackedDataspace(context, pd, capability, size, cached));
  }

  capture(slots: SlotWriter): SavedDataspace {
    const { size, cached, record } = this;
    return { capability: slots.held(this.capability), size, cached, record };
  }

  dispose(): void {
    this.#module?.freed(this.capability);
    this.#pd.free(this.capability);
  }

  checkpoint(records: RecordWriter): void {
    records.object(this.#info);
    records.number(this.size);
    records.choice(CACHED.indexOf(this.cached));
    records.content(this.capability.object, this.cached, this.#module?.copyOf(this.capability));
  }
}

export class TrackedSource {
  get allocated(): number {
    return this.#info.allocated;
  }

  get record(): SavedRecord {
    return savedRecord(this.#info);
  }

  readonly capability: Capability<SignalSource>;
  readonly #pd: PdSession;
  readonly #info: ObjectInfo;

  private constructor(context: ChildContext, pd: PdSession, capability: Capability<SignalSource>) {
    this.#pd = pd;
    this.capability = capability;
    this.#info = context.record(capability.badge);
  }

  static allocate(context: ChildContext, pd: PdSession): Attempt<TrackedSource, OutOf> {
    const allocated = pd.allocSignalSource();
    return allocated.ok ? success(new TrackedSource(context, pd, allocated.value)) : allocated;
  }

  static again(context: ChildContext, pd: PdSession, saved: SavedSource, slots: SlotReader): TrackedSource {
    const capability = slots.held<SignalSource>(saved.capability, "signal-source");
    return context.as([saved.record], () => new TrackedSource(context, pd, capability));
  }

  capture(slots: SlotWriter): SavedSource {
    return { capability: slots.held(this.capability), record: this.record };
  }

  dispose(): void {
    this.#pd.freeSignalSource(this.capability);
  }

  checkpoint(records: RecordWriter): void {
    records.object(this.#info);
  }
}

const SOURCES = new Listing<TrackedSource>((records, source) => {
  if (source.capability.valid) source.checkpoint(records);
  return source.capability.valid;
});

/**
 * A PD has one source and gives it out any number of times; each time costs a capability, and is an entry of its own. So
 * all entries whose source is alive are of one capability. Adding, finding and removing take constant time, amortised.
 */
export class TrackedSources {
  /** By allocation number, oldest first. */
  readonly #entries = new Map<number, TrackedSource>();
  /** Allocation numbers, oldest first; some have left already. */
  readonly #numbers: number[] = [];

  add(entry: TrackedSource): void {
    this.#entries.set(entry.allocated, entry);
    this.#numbers.push(entry.allocated);
  }

  /** The newest. */
  get(capability: Capability): TrackedSource | undefined {
    for (let number = this.#numbers.at(-1); number !== undefined; number = this.#numbers.at(-1)) {
      const newest = this.#entries.get(number);
      if (newest?.capability.valid) return newest.capability === capability ? newest : undefined;
      this.#entries.delete(number);
      this.#numbers.pop();
    }
    return undefined;
  }

  remove({ allocated }: TrackedSource): void {
    this.#entries.delete(allocated);
    if (this.#numbers.at(-1) === allocated) this.#numbers.pop();
  }

  *[Symbol.iterator](): IterableIterator<TrackedSource> {
    for (const entry of this.#entries.values()) if (entry.capability.valid) yield entry;
  }

  checkpoint(records: RecordWriter): void {
    SOURCES.write(records, this.#entries);
  }
}

export class TrackedContext {
  get allocated(): number {
    return this.#info.allocated;
  }

  get record(): SavedRecord {
    return savedRecord(this.#info);
  }

  readonly capability: Capability<SignalContext>;
  readonly #source: Capability<SignalSource>;
  readonly #imprint: number;
  readonly #pd: PdSession;
  readonly #info: ObjectInfo;

  private constructor(
    context: ChildContext,
    pd: PdSession,
    capability: Capability<SignalContext>,
    source: Capability<SignalSource>,
    imprint: number,
  ) {
    this.#pd = pd;
    this.capability = capability;
    this.#source = source;
    this.#imprint = imprint;
    this.#info = context.record(capability.badge);
  }

  static allocate(
    context: ChildContext,
    pd: PdSession,
    source: Capability<SignalSource>,
    imprint: number,
  ): Attempt<TrackedContext, OutOf | "invalid-signal-source"> {
    const allocated = pd.allocContext(source, imprint);
    return allocated.ok ? success(new TrackedContext(context, pd, allocated.value, source, imprint)) : allocated;
  }

  static again(context: ChildContext, pd: PdSession, saved: SavedContext, slots: SlotReader): TrackedContext {
    const capability = slots.held<SignalContext>(saved.capability, "signal-context");
    const source = slots.held<SignalSource>(saved.source, "signal-source");
    return context.as([saved.record], () => new TrackedContext(context, pd, capability, source, saved.imprint));
  }

  capture(slots: SlotWriter): SavedContext {
    const [capability, source] = [slots.held(this.capability), slots.held(this.#source)];
    return { capability, source, imprint: this.#imprint, record: this.record };
  }

  dispose(): void {
    this.#pd.freeContext(this.capability);
  }

  checkpoint(records: RecordWriter): void {
    const context = this.capability.object;
    const pending = context?.pending ?? 0;
    records.object(this.#info);
    records.badge(this.#source);
    records.number(this.#imprint);
    records.number(pending);
    records.number(context && pending > 0 ? (this.#source.object?.place(context) ?? 0) : 0);
  }
}

export class TrackedRpcObject {
  get allocated(): number {
    return this.#info.allocated;
  }

  get record(): SavedRecord {
    return savedRecord(this.#info);
  }

  readonly capability: Capability<RpcObject>;
  /** As the child named it. */
  readonly #entrypoint: Capability<CpuThread>;
  readonly #pd: PdSession;
  readonly #info: ObjectInfo;

  private constructor(
    context: ChildContext,
    pd: PdSession,
    capability: Capability<RpcObject>,
    entrypoint: Capability<CpuThread>,
  ) {
    this.#pd = pd;
    this.capability = capability;
    this.#entrypoint = entrypoint;
    this.#info = context.record(capability.badge);
  }

  static allocate(
    context: ChildContext,
    pd: PdSession,
    entrypoint: Capability<CpuThread>,
  ): Attempt<TrackedRpcObject, OutOf> {
    const allocated = pd.allocRpcCap(context.fronts.real(entrypoint));
    return allocated.ok ? success(new TrackedRpcObject(context, pd, allocated.value, entrypoint)) : allocated;
  }

  static again(context: ChildContext, pd: PdSession, saved: SavedRpcObject, slots: SlotReader): TrackedRpcObject {
    const capability = slots.held<RpcObject>(saved.capability, "rpc-object");
    const entrypoint = slots.held<CpuThread>(saved.entrypoint);
    return context.as([saved.record], () => new TrackedRpcObject(context, pd, capability, entrypoint));
  }

  capture(slots: SlotWriter): SavedRpcObject {
    const [capability, entrypoint] = [slots.held(this.capability), slots.held(this.#entrypoint)];
    return { capability, entrypoint, record: this.record };
  }

  dispose(): void {
    this.#pd.freeRpcCap(this.capability);
  }

  checkpoint(records: RecordWriter): void {
    records.object(this.#info);
    records.badge(this.#entrypoint);
  }
}
