// Functional objects of a PD (thesis 4.4): each owns exactly one capability, which its construction allocates at the
// service and its disposal releases (S68). They are made by `allocate`, because a service may refuse, and it gives its answer.
// Each is a part of a child's call, so there is one object of it and no class that all are of (docs/RATIONALE.md).
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
import { type Attempt, Row } from "../util/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type ChildContext, type Entry, ofTracked, type SavedRecord, savedRecord, type Tracked } from "./tracked.ts";

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

/** What a PD session has made. */
export interface SavedPdObjects {
  readonly dataspaces: readonly SavedDataspace[];
  readonly sources: readonly SavedSource[];
  readonly contexts: readonly SavedContext[];
  readonly rpcObjects: readonly SavedRpcObject[];
}

/** What a capability was, by its slot. */
export type HeldReader = Pick<SlotReader, "held">;

/** As a record says it: by the place in the list. */
export const CACHED: readonly Cached[] = ["uncached", "write-combined", "cached"];

/** Whose they are. */
export interface PdOwner {
  readonly context: ChildContext;
  /** The session that they are allocated at. */
  readonly pd: PdSession;
}

export class TrackedDataspace implements Entry {
  readonly capability: Capability<Dataspace>;
  readonly allocated: number;
  readonly bootstrapped: boolean;
  place = 0;
  readonly size: number;
  readonly cached: Cached;
  readonly #owner: PdOwner;

  private constructor(owner: PdOwner, capability: Capability<Dataspace>, size: number, cached: Cached) {
    const recorded = owner.context.recorded();
    this.#owner = owner;
    this.capability = capability;
    this.allocated = owner.context.number(recorded);
    this.bootstrapped = recorded ? recorded.bootstrapped : owner.context.bootstrapping;
    this.size = size;
    this.cached = cached;
    owner.context.dataspaces?.allocated(capability, size, cached);
  }

  static allocate(
    owner: PdOwner,
    into: Tracked<TrackedDataspace>,
    size: number,
    cached: Cached,
  ): Attempt<Capability<Dataspace>, OutOf | "undefined-ref-account"> {
    const allocated = owner.pd.alloc(size, cached);
    if (!allocated.ok || !allocated.value.valid) return allocated;
    const made = new TrackedDataspace(owner, allocated.value, size, cached);
    owner.context.match(made);
    into.add(made);
    return allocated;
  }

  static again(owner: PdOwner, saved: SavedDataspace, slots: HeldReader): TrackedDataspace {
    const { size, cached, record } = saved;
    const capability = slots.held<Dataspace>(saved.capability, "dataspace");
    return owner.context.as([record], () => new TrackedDataspace(owner, capability, size, cached));
  }

  get badge(): number {
    return this.capability.badge;
  }

  get record(): SavedRecord {
    return savedRecord(this);
  }

  capture(slots: SlotWriter): SavedDataspace {
    const { size, cached, record } = this;
    return { capability: slots.held(this.capability), size, cached, record };
  }

  dispose(): void {
    const { context, pd } = this.#owner;
    context.dataspaces?.freed(this.capability);
    pd.free(this.capability);
  }

  /** @param passedOn its content is recorded with another child */
  checkpoint(records: RecordWriter, passedOn: boolean): void {
    records.object(this);
    records.number(this.size);
    records.choice(CACHED.indexOf(this.cached));
    const own = this.#owner.context.dataspaces?.copyOf(this.capability);
    if (passedOn) records.content(undefined);
    else records.content(this.capability.object, this.cached, own);
  }
}

export class TrackedSource implements Entry {
  readonly capability: Capability<SignalSource>;
  readonly allocated: number;
  readonly bootstrapped: boolean;
  place = 0;
  readonly #owner: PdOwner;

  private constructor(owner: PdOwner, capability: Capability<SignalSource>) {
    const recorded = owner.context.recorded();
    this.#owner = owner;
    this.capability = capability;
    this.allocated = owner.context.number(recorded);
    this.bootstrapped = recorded ? recorded.bootstrapped : owner.context.bootstrapping;
  }

  static allocate(owner: PdOwner, into: TrackedSources): Attempt<Capability<SignalSource>, OutOf> {
    const allocated = owner.pd.allocSignalSource();
    if (allocated.ok) into.add(new TrackedSource(owner, allocated.value));
    return allocated;
  }

  static again(owner: PdOwner, saved: SavedSource, slots: HeldReader): TrackedSource {
    const capability = slots.held<SignalSource>(saved.capability, "signal-source");
    return owner.context.as([saved.record], () => new TrackedSource(owner, capability));
  }

  get badge(): number {
    return this.capability.badge;
  }

  get record(): SavedRecord {
    return savedRecord(this);
  }

  capture(slots: SlotWriter): SavedSource {
    return { capability: slots.held(this.capability), record: this.record };
  }

  dispose(): void {
    this.#owner.pd.freeSignalSource(this.capability);
  }

  checkpoint(records: RecordWriter): void {
    records.object(this);
  }
}

const SOURCES = ofTracked<TrackedSource>((records, source) => source.checkpoint(records));

/**
 * A PD has one source and gives it out any number of times; each time costs a capability, and is an entry of its own. So
 * all entries whose source is alive are of one capability. Adding, finding and removing take constant time, amortised.
 */
export class TrackedSources {
  /** Oldest first. */
  readonly #entries = new Row<TrackedSource>();

  add(entry: TrackedSource): void {
    this.#entries.add(entry);
  }

  /** The newest. */
  get(capability: Capability): TrackedSource | undefined {
    let { newest } = this.#entries;
    while (newest && !newest.capability.valid) {
      this.#entries.delete(newest);
      ({ newest } = this.#entries);
    }
    return newest?.capability === capability ? newest : undefined;
  }

  remove(entry: TrackedSource): void {
    this.#entries.delete(entry);
  }

  *[Symbol.iterator](): IterableIterator<TrackedSource> {
    for (const entry of this.#entries) if (entry.capability.valid) yield entry;
  }

  checkpoint(records: RecordWriter): void {
    SOURCES.write(records, this.#entries);
  }
}

export class TrackedContext implements Entry {
  readonly capability: Capability<SignalContext>;
  readonly allocated: number;
  readonly bootstrapped: boolean;
  place = 0;
  readonly #source: Capability<SignalSource>;
  readonly #imprint: number;
  readonly #owner: PdOwner;

  private constructor(
    owner: PdOwner,
    capability: Capability<SignalContext>,
    source: Capability<SignalSource>,
    imprint: number,
  ) {
    const recorded = owner.context.recorded();
    this.#owner = owner;
    this.capability = capability;
    this.allocated = owner.context.number(recorded);
    this.bootstrapped = recorded ? recorded.bootstrapped : owner.context.bootstrapping;
    this.#source = source;
    this.#imprint = imprint;
  }

  static allocate(
    owner: PdOwner,
    into: Tracked<TrackedContext>,
    source: Capability<SignalSource>,
    imprint: number,
  ): Attempt<Capability<SignalContext>, OutOf | "invalid-signal-source"> {
    const allocated = owner.pd.allocContext(source, imprint);
    if (allocated.ok) into.add(new TrackedContext(owner, allocated.value, source, imprint));
    return allocated;
  }

  static again(owner: PdOwner, saved: SavedContext, slots: HeldReader): TrackedContext {
    const capability = slots.held<SignalContext>(saved.capability, "signal-context");
    const source = slots.held<SignalSource>(saved.source, "signal-source"); // INVALID: it was freed
    return owner.context.as([saved.record], () => new TrackedContext(owner, capability, source, saved.imprint));
  }

  get badge(): number {
    return this.capability.badge;
  }

  get record(): SavedRecord {
    return savedRecord(this);
  }

  capture(slots: SlotWriter): SavedContext {
    const [capability, source] = [slots.held(this.capability), slots.held(this.#source)];
    return { capability, source, imprint: this.#imprint, record: this.record };
  }

  dispose(): void {
    this.#owner.pd.freeContext(this.capability);
  }

  checkpoint(records: RecordWriter): void {
    const context = this.capability.object;
    const pending = context?.pending ?? 0;
    records.object(this);
    records.badge(this.#source);
    records.number(this.#imprint);
    records.number(pending);
    records.number(context && pending > 0 ? (this.#source.object?.place(context) ?? 0) : 0);
  }
}

export class TrackedRpcObject implements Entry {
  readonly capability: Capability<RpcObject>;
  readonly allocated: number;
  readonly bootstrapped: boolean;
  place = 0;
  /** As the child named it. */
  readonly #entrypoint: Capability<CpuThread>;
  readonly #owner: PdOwner;

  private constructor(owner: PdOwner, capability: Capability<RpcObject>, entrypoint: Capability<CpuThread>) {
    const recorded = owner.context.recorded();
    this.#owner = owner;
    this.capability = capability;
    this.allocated = owner.context.number(recorded);
    this.bootstrapped = recorded ? recorded.bootstrapped : owner.context.bootstrapping;
    this.#entrypoint = entrypoint;
  }

  /** @param real as the service knows the entrypoint */
  static allocate(
    owner: PdOwner,
    into: Tracked<TrackedRpcObject>,
    entrypoint: Capability<CpuThread>,
    real: Capability<CpuThread>,
  ): Attempt<Capability<RpcObject>, OutOf> {
    const allocated = owner.pd.allocRpcCap(real);
    if (allocated.ok) into.add(new TrackedRpcObject(owner, allocated.value, entrypoint));
    return allocated;
  }

  static again(owner: PdOwner, saved: SavedRpcObject, slots: HeldReader): TrackedRpcObject {
    const capability = slots.held<RpcObject>(saved.capability, "rpc-object");
    const entrypoint = slots.held<CpuThread>(saved.entrypoint);
    return owner.context.as([saved.record], () => new TrackedRpcObject(owner, capability, entrypoint));
  }

  get badge(): number {
    return this.capability.badge;
  }

  get record(): SavedRecord {
    return savedRecord(this);
  }

  capture(slots: SlotWriter): SavedRpcObject {
    const [capability, entrypoint] = [slots.held(this.capability), slots.held(this.#entrypoint)];
    return { capability, entrypoint, record: this.record };
  }

  dispose(): void {
    this.#owner.pd.freeRpcCap(this.capability);
  }

  checkpoint(records: RecordWriter): void {
    records.object(this);
    records.badge(this.#entrypoint);
  }
}
