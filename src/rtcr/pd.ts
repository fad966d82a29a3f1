// The PD session that a child sees: everything it allocates is tracked, then passed on to the real one (spec 1.3).
import { endScope } from "../profile/index.ts";
import {
  type Cached,
  type Capability,
  type CpuThread,
  type Dataspace,
  ENV_SESSION,
  INVALID,
  type KernelObject,
  type NativePd,
  type OutOf,
  type ParentSession,
  type PdSession,
  type RegionMap,
  type RpcObject,
  type SignalContext,
  type SignalSource,
  type SlotWriter,
  type TransferRefusal,
} from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { RtcrFault } from "./faults.ts";
import { Listing } from "./listing.ts";
import { RtcrNativePd, type SavedNativePd } from "./native-pd.ts";
import { RtcrParent, type SavedParent } from "./parent.ts";
import {
  type HeldReader,
  type PdOwner,
  type SavedPdObjects,
  TrackedContext,
  TrackedDataspace,
  TrackedRpcObject,
  TrackedSource,
  TrackedSources,
} from "./pd-objects.ts";
import type { RecordWriter } from "./record-writer.ts";
import { RtcrRegionMap, type SavedRegionMap } from "./region-map.ts";
import { beginAllocation } from "./scopes.ts";
import { type Made, type Opened, type Resumable, type Resuming, SessionBase } from "./session.ts";
import { type ChildContext, ofTracked, Tracked } from "./tracked.ts";

/** Slots for capabilities. */
interface SavedPd extends SavedPdObjects {
  /** In the order of `RtcrPd.areas`. */
  readonly maps: readonly SavedRegionMap[];
  readonly native: SavedNativePd;
  readonly parent?: SavedParent | undefined;
  readonly assigned: number;
  readonly account: number;
}

const DATASPACES = ofTracked<TrackedDataspace>((records, dataspace) => dataspace.checkpoint(records, false));
const PASSED_ON = ofTracked<TrackedDataspace>((records, dataspace) => dataspace.checkpoint(records, true));
const NONE = new Listing(() => false);
const NOTHING: readonly never[] = [];
const CONTEXTS = ofTracked<TrackedContext>((records, context) => context.checkpoint(records));
const RPC_OBJECTS = ofTracked<TrackedRpcObject>((records, object) => object.checkpoint(records));

export class RtcrPd implements PdSession, Resumable<SavedPd> {
  readonly kind = "pd";
  readonly base: SessionBase<PdSession>;
  readonly dataspaces = new Tracked<TrackedDataspace>();
  readonly sources = new TrackedSources();
  readonly contexts = new Tracked<TrackedContext>();
  readonly rpcObjects = new Tracked<TrackedRpcObject>();
  readonly maps: {
    readonly addressSpace: RtcrRegionMap;
    readonly stackArea: RtcrRegionMap;
    readonly linkerArea: RtcrRegionMap;
  };
  readonly native: RtcrNativePd;
  /** The parent as the child itself sees it, once it is assigned; components that it keeps see theirs as they are. */
  parent: RtcrParent | undefined;
  readonly #context: ChildContext;
  readonly #owner: PdOwner;
  readonly #sibling: boolean;
  /** What another child has of this session, which is passed on to it. */
  #passedOnTo: RtcrPd | undefined;
  #assigned: Capability<ParentSession> = INVALID;
  #account: Capability<PdSession> = INVALID;

  constructor(context: ChildContext, opened: Opened<PdSession>) {
    this.#context = context;
    this.#sibling = opened.sibling ?? false;
    this.base = new SessionBase<PdSession>(context, this, opened);
    const pd = this.#pd;
    this.#owner = { context, pd };
    this.maps = {
      addressSpace: new RtcrRegionMap(context, pd.addressSpace()),
      stackArea: new RtcrRegionMap(context, pd.stackArea()),
      linkerArea: new RtcrRegionMap(context, pd.linkerArea()),
    };
    this.native = new RtcrNativePd(context, pd.nativePd(), this.base.capability);
    if (this.#sibling && pd instanceof RtcrPd) pd.#passedOnTo = this;
  }

  /** Whether another child has the session: the program is that one's, what the session makes is recorded here. */
  get passesOn(): boolean {
    return this.#passedOnTo?.base.capability.valid ?? false;
  }

  /** By the checkpoint that is being taken: the child that has it is not in that, or has gone. What it has made ends with it. */
  get #left(): boolean {
    const to = this.passesOn ? this.#passedOnTo : undefined;
    return to !== undefined && (!to.base.passedOn || to.#left);
  }

  /** What a service that another child is knows is what we know: it records that. */
  #real<T extends KernelObject>(capability: Capability<T>): Capability<T> {
    return this.#sibling ? capability : this.#context.fronts.real(capability);
  }

  get #pd(): PdSession {
    return this.base.object;
  }

  assignParent(parent: Capability<ParentSession>): void {
    if (!this.#assigned.valid) this.#assigned = parent;
    // That of the child itself is assigned once, whatever the child tries.
    if (this.base.id !== ENV_SESSION.pd || this.parent) return this.#pd.assignParent(parent);
    this.parent = new RtcrParent(this.#context, parent);
    this.#pd.assignParent(this.parent.capability);
  }

  /** Whoever was assigned as parent. */
  get assigned(): Capability<ParentSession> {
    return this.#assigned;
  }

  /** The PD that its quota comes from. */
  get account(): Capability<PdSession> {
    return this.#account;
  }

  assignPci(address: number, bdf: number): boolean {
    return this.#pd.assignPci(address, bdf);
  }

  map(address: number, size: number): Attempt<void, OutOf> {
    return this.#pd.map(address, size);
  }

  allocSignalSource(): Attempt<Capability<SignalSource>, OutOf> {
    return TrackedSource.allocate(this.#owner, this.sources);
  }

  freeSignalSource(source: Capability<SignalSource>): void {
    const tracked = this.sources.get(source);
    if (tracked) this.endSource(tracked);
    else this.#pd.freeSignalSource(source);
  }

  /** One time that the source was given out is over. */
  endSource(source: TrackedSource): void {
    this.sources.remove(source);
    source.dispose();
  }

  allocContext(
    source: Capability<SignalSource>,
    imprint: number,
  ): Attempt<Capability<SignalContext>, OutOf | "invalid-signal-source"> {
    return TrackedContext.allocate(this.#owner, this.contexts, source, imprint);
  }

  freeContext(context: Capability<SignalContext>): void {
    const tracked = this.contexts.remove(context);
    if (tracked) tracked.dispose();
    else this.#pd.freeContext(context);
  }

  submit(context: Capability<SignalContext>, count?: number): void {
    this.#pd.submit(context, count);
  }

  allocRpcCap(entrypoint: Capability<CpuThread>): Attempt<Capability<RpcObject>, OutOf> {
    return TrackedRpcObject.allocate(this.#owner, this.rpcObjects, entrypoint, this.#real(entrypoint));
  }

  freeRpcCap(object: Capability<RpcObject>): void {
    const tracked = this.rpcObjects.remove(object);
    if (tracked) tracked.dispose();
    else this.#pd.freeRpcCap(object);
  }

  addressSpace(): Capability<RegionMap> {
    return this.maps.addressSpace.capability;
  }

  stackArea(): Capability<RegionMap> {
    return this.maps.stackArea.capability;
  }

  linkerArea(): Capability<RegionMap> {
    return this.maps.linkerArea.capability;
  }

  refAccount(pd: Capability<PdSession>): Attempt<void, "invalid-session"> {
    const done = this.#pd.refAccount(this.#real(pd));
    // Once it has one, and for itself, it says yes and nothing happens.
    if (done.ok && this.#account === INVALID && pd !== this.base.capability) this.#account = pd;
    return done;
  }

  transferCapQuota(to: Capability<PdSession>, caps: number): Attempt<void, TransferRefusal<"out-of-caps">> {
    return this.#pd.transferCapQuota(this.#real(to), caps);
  }

  transferRamQuota(to: Capability<PdSession>, bytes: number): Attempt<void, TransferRefusal<"out-of-ram">> {
    return this.#pd.transferRamQuota(this.#real(to), bytes);
  }

  capQuota(): number {
    return this.#pd.capQuota();
  }

  usedCaps(): number {
    return this.#pd.usedCaps();
  }

  ramQuota(): number {
    return this.#pd.ramQuota();
  }

  usedRam(): number {
    return this.#pd.usedRam();
  }

  alloc(size: number, cached: Cached = "cached"): Attempt<Capability<Dataspace>, OutOf | "undefined-ref-account"> {
    const scope = beginAllocation(this.#context.restoring);
    const made = TrackedDataspace.allocate(this.#owner, this.dataspaces, size, cached);
    endScope(scope);
    return made;
  }

  free(dataspace: Capability<Dataspace>): void {
    const tracked = this.dataspaces.remove(dataspace);
    if (tracked) tracked.dispose();
    else this.#pd.free(dataspace);
  }

  dataspaceSize(dataspace: Capability<Dataspace>): number {
    return this.#pd.dataspaceSize(dataspace);
  }

  nativePd(): Capability<NativePd> {
    return this.native.capability;
  }

  /**
   * State of its program outside dataspaces; null: no program is loaded.
   *
   * @param unattached what it has written where nothing was ever attached, too
   * @throws RtcrFault "unsaveable", "busy"
   */
  checkpointInstance(records: RecordWriter, unattached: boolean): void {
    const program = this.native.program();
    if (!program) return records.plain(null);
    const instance = this.native.captureInstance(records, unattached);
    if (instance.ok) return;
    const { reason } = instance;
    const { native } = program;
    const why = native === undefined && reason !== "unsaveable" ? "" : this.native.problem();
    if (why === "") throw new RtcrFault("unsaveable", unsaveable(native, reason), { reason });
    const what = native === undefined ? "the program" : `the program "${native}"`;
    throw new RtcrFault(native !== undefined && reason === "busy" ? "busy" : "unsaveable", `${what}: ${why}`, {
      reason,
    });
  }

  /** Everything recorded of the PD but its dataspaces and instance. */
  checkpoint(records: RecordWriter): void {
    const pd = this.#pd;
    const left = this.#left;
    this.base.checkpoint(records);
    if (left) for (let lists = 0; lists < 3; lists++) NONE.write(records, NOTHING);
    else this.#checkpointObjects(records);
    this.maps.addressSpace.checkpoint(records, this.base.passedOn, left);
    this.maps.stackArea.checkpoint(records, this.base.passedOn, left);
    this.maps.linkerArea.checkpoint(records, this.base.passedOn, left);
    records.number(pd.ramQuota());
    records.number(pd.capQuota());
    records.number(this.native.capability.badge);
    records.behind(this.base.passedOn, this.native.native);
  }

  #checkpointObjects(records: RecordWriter): void {
    this.sources.checkpoint(records);
    this.contexts.checkpoint(records, CONTEXTS);
    this.rpcObjects.checkpoint(records, RPC_OBJECTS);
  }

  /** Its dataspaces with their contents, and the memory that the program began with. */
  checkpointDataspaces(records: RecordWriter): void {
    if (this.#left) NONE.write(records, NOTHING);
    else this.dataspaces.checkpoint(records, this.base.passedOn ? PASSED_ON : DATASPACES);
    const data = this.passesOn ? INVALID : this.native.data();
    records.badge(data);
    records.content(data.object);
  }

  /** Everything whose content `checkpointDataspaces` writes. */
  *contents(): Iterable<Capability<Dataspace>> {
    if (!this.base.passedOn && !this.#left) for (const { capability } of this.dataspaces) yield capability;
    if (!this.passesOn) yield this.native.data();
  }

  get #areas(): readonly RtcrRegionMap[] {
    const { addressSpace, stackArea, linkerArea } = this.maps;
    return [addressSpace, stackArea, linkerArea];
  }

  get made(): Made {
    const { fronts, records } = this.base.made;
    const areas = this.#areas;
    return {
      behind: [...areas.map(({ real }) => real), this.native.native],
      fronts: [...fronts, ...areas.map(({ capability }) => capability), this.native.capability],
      records: [...records, ...areas.map(({ info }) => info)],
    };
  }

  capture(slots: SlotWriter): SavedPd {
    return {
      dataspaces: Array.from(this.dataspaces, (each) => each.capture(slots)),
      sources: Array.from(this.sources, (each) => each.capture(slots)),
      contexts: Array.from(this.contexts, (each) => each.capture(slots)),
      rpcObjects: Array.from(this.rpcObjects, (each) => each.capture(slots)),
      maps: this.#areas.map((map) => map.capture(slots)),
      native: this.native.capture(slots),
      parent: this.parent?.capture(slots),
      assigned: slots.held(this.#assigned),
      account: slots.held(this.#account),
    };
  }

  resume(saved: SavedPd, { slots }: Resuming): void {
    this.takeIn(saved, slots);
    for (const [i, map] of this.#areas.entries()) map.resume(saved.maps[i]!, slots);
    this.native.resume(saved.native, slots);
    // A child may assign anything to a component of its own.
    this.#assigned = slots.held<ParentSession>(saved.assigned, saved.parent ? "parent" : undefined);
    this.#account = slots.held<PdSession>(saved.account, "pd");
    if (saved.parent) this.parent = RtcrParent.again(this.#context, this.#assigned, saved.parent, slots);
  }

  /** Objects that the session behind has made already. */
  takeIn(saved: SavedPdObjects, slots: HeldReader): void {
    const owner = this.#owner;
    for (const each of saved.dataspaces) this.dataspaces.add(TrackedDataspace.again(owner, each, slots));
    for (const each of saved.sources) this.sources.add(TrackedSource.again(owner, each, slots));
    for (const each of saved.contexts) this.contexts.add(TrackedContext.again(owner, each, slots));
    for (const each of saved.rpcObjects) this.rpcObjects.add(TrackedRpcObject.again(owner, each, slots));
  }

  dispose(): void {
    this.#context.dataspaces?.sweep();
    for (const map of Object.values(this.maps)) map.dispose();
    this.parent?.dispose();
    this.native.dispose();
    this.base.dispose();
  }
}

function unsaveable(native: string | undefined, reason: string): string {
  if (native !== undefined) {
    return `the program "${native}" is one in TypeScript that cannot be checkpointed: put it beside the supervisor`;
  }
  if (reason === "too-much-detached") {
    return "the program goes on using memory that it has detached, more than is saved of that: load it with windows";
  }
  return `the program's globals or tables hold what has no saved form, or its memories beside memory 0 too much (${reason})`;
}
