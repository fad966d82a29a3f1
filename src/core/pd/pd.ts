// PD sessions: accounts, dataspaces, signals, RPC objects and the three region maps of a protection domain (spec 2.1).
//
// I1  What is in use of an account is the cost of the session, and of every object that lives because of it: a PD that has
//     nothing uses PD_COST.
// I2  Objects of a PD die with it, wherever they are attached or referred to.
// Program, threads and capability table of the component are the kernel's: it gives `native` and `deliver`, and is told
// by `onDestroy`.
import {
  type Cached,
  type Capability,
  type CpuThread,
  type Dataspace,
  type Identity,
  INVALID,
  type NativePd,
  type OutOf,
  type ParentSession,
  type PdSession,
  type Quota,
  type RegionMap,
  type RpcObject,
  type SessionRefusal,
  type SignalContext,
  type SignalSource,
  type TransferRefusal,
  toPages,
} from "../../session/index.ts";
import { type Attempt, Chain, refusal, success } from "../../util/index.ts";
import type { CoreContext } from "../memory/context.ts";
import { ByteDataspace, createDataspace } from "../memory/dataspace.ts";
import { ADDRESS_SPACE_BYTES, META_BLOCK_BYTES } from "../memory/limits.ts";
import { CoreRegionMap } from "../memory/region-map.ts";
import { Account, Budget, clampAmount, MetaStore, type Resource } from "./account.ts";
import { LAYOUTS, LINKER_AREA_BYTES, STACK_AREA_BYTES } from "./areas.ts";
import { CoreRpcObject, type DeliverCall } from "./rpc-object.ts";
import { CoreSignalContext, CoreSignalSource } from "./signals.ts";

/** What a PD session itself takes of its donation: its own data, and six capabilities (spec 2.0). */
export const PD_COST: Quota = { ram: 16 << 10, caps: 6 };

export interface PdOptions {
  /** For messages and lists. */
  readonly label: string;
  /** What came with the session; PD_COST is taken from it. */
  readonly donation: Quota;
  /** The kernel's part; asked once. Absent: the PD has no native PD, INVALID is given. */
  readonly native?: (pd: CorePd) => Capability<NativePd>;
  /** How calls reach entrypoints. Absent: there are none, calls fail. */
  readonly deliver?: DeliverCall;
}

/** The PD of a new session. Whoever asks destroys it. @returns "insufficient-*" if the donation does not cover PD_COST */
export function createPd(
  core: CoreContext,
  options: PdOptions,
): Attempt<CorePd, Extract<SessionRefusal, `insufficient-${string}`>> {
  if (options.donation.ram < PD_COST.ram) return refusal("insufficient-ram-quota");
  if (options.donation.caps < PD_COST.caps) return refusal("insufficient-cap-quota");
  return success(new CorePd(core, options, false));
}

/** The PD at the root of all accounts: `options.donation` is all that the system has, and may be transferred. */
export function createRootPd(core: CoreContext, options: PdOptions): CorePd {
  return new CorePd(core, options, true);
}

export class CorePd implements PdSession {
  readonly kind = "pd";
  readonly label: string;
  /** RAM and capabilities; other services of the component charge here, and give back before it ends. */
  readonly budget: Budget;
  readonly addressSpaceMap: CoreRegionMap;
  readonly stackAreaMap: CoreRegionMap;
  readonly linkerAreaMap: CoreRegionMap;
  readonly #core: CoreContext;
  readonly #donation: { ram: number; caps: number };
  readonly #identity: Identity<PdSession>;
  readonly #meta: MetaStore;
  readonly #dataspaces = new Chain<ByteDataspace>();
  readonly #contexts = new Map<CoreSignalContext, CoreSignalSource>();
  readonly #rpcObjects = new Set<CoreRpcObject>();
  readonly #deliver: DeliverCall;
  readonly #native: Capability<NativePd>;
  readonly #endings: (() => void)[] = [];
  readonly #grants: (() => void)[] = [];
  #account: Account | undefined;
  #source: { readonly object: CoreSignalSource; charged: number } | undefined;
  #parent: Capability<ParentSession> = INVALID;

  /** @internal Use `createPd` or `createRootPd`. */
  constructor(core: CoreContext, options: PdOptions, root: boolean) {
    this.#core = core;
    this.label = options.label;
    this.#donation = root ? { ram: 0, caps: 0 } : { ...options.donation };
    this.budget = new Budget(options.donation);
    this.#meta = new MetaStore(this.budget);
    this.#deliver = options.deliver ?? (async () => "invalid-object");
    this.#identity = core.badges.identify<PdSession>(this);
    if (root) this.#account = new Account(this.budget, this.#donation);
    else this.budget.charge(PD_COST);
    const map = (name: string, size: number) =>
      new CoreRegionMap(core, this.#meta, { size, label: `${options.label} ${name}` });
    this.addressSpaceMap = map("address space", ADDRESS_SPACE_BYTES);
    this.addressSpaceMap.lowestAutomatic = LAYOUTS.component.lowestAutomatic;
    this.stackAreaMap = map("stack area", STACK_AREA_BYTES);
    this.linkerAreaMap = map("linker area", LINKER_AREA_BYTES);
    this.#native = options.native?.(this) ?? INVALID;
  }

  get capability(): Capability<PdSession> {
    return this.#identity.capability;
  }

  /** As assigned by the creator; INVALID before. */
  get parent(): Capability<ParentSession> {
    return this.#parent;
  }

  /** All dataspaces that were allocated here, oldest first. */
  get dataspaces(): Iterable<ByteDataspace> & { readonly size: number } {
    return this.#dataspaces;
  }

  assignParent(parent: Capability<ParentSession>): void {
    if (!this.#parent.valid) this.#parent = parent;
    else this.#core.warn(`${this.label}: the parent is assigned already`);
  }

  assignPci(_address: number, _bdf: number): boolean {
    return false;
  }

  map(_address: number, _size: number): Attempt<void, OutOf> {
    return success(undefined);
  }

  allocSignalSource(): Attempt<Capability<SignalSource>, OutOf> {
    if (!this.budget.caps.withdraw(1)) return refusal("out-of-caps");
    this.#source ??= { object: new CoreSignalSource(this.#core), charged: 0 };
    this.#source.charged++;
    return success(this.#source.object.capability);
  }

  freeSignalSource(source: Capability<SignalSource>): void {
    const own = this.#source;
    if (!own || source.object !== own.object) return;
    this.budget.caps.replenish(1);
    if (--own.charged > 0) return;
    own.object.dispose();
    this.#source = undefined;
  }

  allocContext(
    source: Capability<SignalSource>,
    imprint: number,
  ): Attempt<Capability<SignalContext>, OutOf | "invalid-signal-source"> {
    const refused = this.#chargeObject();
    if (refused) return refusal(refused);
    const own = this.#source?.object;
    if (!own || source.object !== own) {
      this.#refundObject();
      return refusal("invalid-signal-source");
    }
    const context = own.createContext(imprint);
    this.#contexts.set(context, own);
    return success(context.capability);
  }

  freeContext(context: Capability<SignalContext>): void {
    const { object } = context;
    const source = object instanceof CoreSignalContext ? this.#contexts.get(object) : undefined;
    if (!source || !(object instanceof CoreSignalContext)) {
      this.#core.warn(`${this.label}: free_context of something that is no signal context of this PD`);
      return;
    }
    if (object.pending > 0)
      this.#core.warn(`${this.label}: a signal context is freed, ${object.pending} pending dropped`);
    source.removeContext(object);
    this.#contexts.delete(object);
    this.#refundObject();
  }

  submit(context: Capability<SignalContext>, count = 1): void {
    const { object } = context;
    if (object?.kind === "signal-context") object.submit(count);
  }

  allocRpcCap(entrypoint: Capability<CpuThread>): Attempt<Capability<RpcObject>, OutOf> {
    const refused = this.#chargeObject();
    if (refused) return refusal(refused);
    const object = new CoreRpcObject(this.#core, entrypoint, this.#deliver);
    this.#rpcObjects.add(object);
    return success(object.capability);
  }

  freeRpcCap(object: Capability<RpcObject>): void {
    const own = object.object;
    if (!(own instanceof CoreRpcObject) || !this.#rpcObjects.delete(own)) return;
    own.dispose();
    this.#refundObject();
  }

  addressSpace(): Capability<RegionMap> {
    return this.addressSpaceMap.capability;
  }

  stackArea(): Capability<RegionMap> {
    return this.stackAreaMap.capability;
  }

  linkerArea(): Capability<RegionMap> {
    return this.linkerAreaMap.capability;
  }

  refAccount(pd: Capability<PdSession>): Attempt<void, "invalid-session"> {
    const reference = pd.object;
    if (this.#account || reference === this) return success(undefined);
    if (!(reference instanceof CorePd) || !reference.#account) return refusal("invalid-session");
    this.#account = new Account(this.budget, this.#donation, reference.#account);
    return success(undefined);
  }

  transferCapQuota(to: Capability<PdSession>, caps: number): Attempt<void, TransferRefusal<"out-of-caps">> {
    return this.#transfer("caps", to, caps);
  }

  transferRamQuota(to: Capability<PdSession>, bytes: number): Attempt<void, TransferRefusal<"out-of-ram">> {
    return this.#transfer("ram", to, bytes);
  }

  capQuota(): number {
    return this.#account ? this.budget.caps.limit : 0;
  }

  usedCaps(): number {
    return this.#account ? this.budget.caps.used : 0;
  }

  ramQuota(): number {
    return this.#account ? this.budget.ram.limit : 0;
  }

  usedRam(): number {
    return this.#account ? this.budget.ram.used : 0;
  }

  alloc(size: number, cached: Cached = "cached"): Attempt<Capability<Dataspace>, OutOf | "undefined-ref-account"> {
    const scope = this.#core.scopes.begin("Allocation in core", "violet");
    const made = this.#alloc(size, cached);
    this.#core.scopes.end(scope);
    return made;
  }

  #alloc(size: number, cached: Cached): Attempt<Capability<Dataspace>, OutOf | "undefined-ref-account"> {
    const requested = clampAmount(size);
    if (requested === 0) return success(INVALID);
    if (!this.#account) return refusal("undefined-ref-account");
    const ram = toPages(requested);
    // Room for one block of data must be left, though it is not taken (spec 2.1, `alloc`).
    if (ram + META_BLOCK_BYTES > this.budget.ram.avail) return refusal("out-of-ram");
    const charged = this.budget.charge({ ram, caps: 1 });
    if (!charged.ok) return charged;
    const dataspace = createDataspace(this.#core, { origin: "ram", size: requested, cached });
    if (!dataspace) {
      this.budget.refund({ ram, caps: 1 });
      return refusal("out-of-ram");
    }
    this.#dataspaces.add(dataspace);
    return success(dataspace.capability);
  }

  free(dataspace: Capability<Dataspace>): void {
    const own = dataspace.object;
    if (!(own instanceof ByteDataspace) || !this.#dataspaces.delete(own)) return;
    own.dispose();
    this.budget.refund({ ram: own.size(), caps: 1 });
  }

  dataspaceSize(dataspace: Capability<Dataspace>): number {
    const own = dataspace.object;
    return own instanceof ByteDataspace && this.#dataspaces.has(own) ? own.size() : 0;
  }

  nativePd(): Capability<NativePd> {
    return this.#native;
  }

  /** The session was upgraded: a further donation, which cannot be transferred away either. */
  upgrade(quota: Quota): void {
    if (this.#account) this.#account.donate(quota);
    else this.budget.raise(quota);
    this.#donation.ram += quota.ram;
    this.#donation.caps += quota.caps;
    this.#granted();
  }

  /** Called whenever the PD has got more quota, by transfer or upgrade; must only make a note. */
  onGrant(granted: () => void): void {
    this.#grants.push(granted);
  }

  /** Called when the PD is destroyed, while its objects still exist: stop threads, drop references, give back charges. */
  onDestroy(ending: () => void): void {
    this.#endings.push(ending);
  }

  /**
   * Ends the session and all its objects; what was transferred to it goes to its reference account. Harmless when
   * repeated.
   *
   * @returns what was donated for the session, which the caller gives back to whoever donated it
   */
  destroy(): Quota {
    if (this.capability.valid) this.#end();
    const donation = { ...this.#donation };
    this.#donation.ram = this.#donation.caps = 0;
    return donation;
  }

  #end(): void {
    for (const ending of this.#endings.reverse()) ending();
    this.#identity.dispose();
    for (const object of this.#rpcObjects) this.freeRpcCap(object.capability);
    for (const [context, source] of this.#contexts) {
      source.removeContext(context);
      this.#refundObject();
    }
    this.#contexts.clear();
    while (this.#source) this.freeSignalSource(this.#source.object.capability);
    this.addressSpaceMap.unbind(this.#dataspaces);
    for (const dataspace of this.#dataspaces) this.free(dataspace.capability);
    for (const map of [this.addressSpaceMap, this.stackAreaMap, this.linkerAreaMap]) map.dispose();
    this.#account?.close();
    this.#account = undefined;
  }

  #transfer<R extends Resource>(resource: R, to: Capability<PdSession>, amount: number) {
    if (!this.#account) return refusal("undefined-ref-account");
    if (to.object === this) return success(undefined);
    const target = to.object;
    if (!(target instanceof CorePd) || !target.#account) return refusal("invalid-session");
    const transferred = this.#account.transfer(resource, target.#account, amount);
    if (transferred.ok) target.#granted();
    return transferred;
  }

  #granted(): void {
    for (const granted of this.#grants) granted();
  }

  /** A capability and room for the data of one object. */
  #chargeObject(): OutOf | undefined {
    if (!this.budget.caps.withdraw(1)) return "out-of-caps";
    if (this.#meta.take()) return undefined;
    this.budget.caps.replenish(1);
    return "out-of-ram";
  }

  #refundObject(): void {
    this.#meta.give();
    this.budget.caps.replenish(1);
  }
}
