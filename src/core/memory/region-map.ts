// Region maps: which part of which dataspace is attached at which address (spec 2.2), and what an access meets there.
//
// I1  A region is in its map's tree, in its dataspace's set and (if shown anywhere) in spaces, or in none of them.
// I2  Maps do not contain themselves, however deep (nesting.ts).
// I3  Each region is charged to the map's store, except those that core attaches itself.
// Where bytes are: placement.ts. Which threads wait: faults.ts.
import {
  type AttachOptions,
  type AttachRefusal,
  type Capability,
  type Dataspace,
  type Identity,
  PAGE_BYTES,
  type RegionMap,
  type RegionMapState,
  type SignalContext,
  toPages,
} from "../../session/index.ts";
import { type Attempt, type Chain, type Linked, type PlainWriter, refusal, success } from "../../util/index.ts";
import type { ComponentMemory } from "./component-memory.ts";
import type { CoreContext } from "./context.ts";
import { ByteDataspace, CoreDataspace, naturalAlignment } from "./dataspace.ts";
import { type Access, FAULT_OF, FaultQueue, type PageFault } from "./faults.ts";
import { MISFIT_LIMIT } from "./limits.ts";
import { ManagedDataspace } from "./managed-dataspace.ts";
import { ancestorsOf, nestingProblem } from "./nesting.ts";
import {
  clearSpace,
  type Dying,
  type PlacementProblem,
  placeRegion,
  placeSpace,
  type Space,
  Steps,
  type Use,
  unplaceRegion,
} from "./placement.ts";
import { type Range, Ranges } from "./ranges.ts";
import {
  captureRemains,
  Remains,
  restoreRemains,
  type SavedRemain,
  unattachedBytes,
  wroteUnattached,
} from "./remains.ts";
import { writeRemains } from "./remains-writer.ts";

/** A piece of a dataspace in a map. */
export interface Region extends Linked<Region> {
  readonly map: CoreRegionMap;
  readonly dataspace: CoreDataspace;
  readonly start: number;
  readonly end: number;
  /** Where in the dataspace it begins. */
  readonly offset: number;
  readonly executable: boolean;
  readonly writeable: boolean;
  readonly charged: boolean;
  /** Code that nothing but execution can reach: it is shown nowhere. */
  readonly hidden: boolean;
}

/** As core itself attaches: nobody pays, and the region may be one of code that is shown nowhere. */
export interface CoreAttachOptions extends AttachOptions {
  readonly hidden?: boolean;
}

const MANAGED: PlacementProblem = { reason: "needs-windows", why: "a managed dataspace" };

/** Who pays for regions. */
export interface RegionStore {
  take(): boolean;
  give(): void;
}

export interface RegionMapOptions {
  readonly size: number;
  /** For messages: `pd-3 stack area`. */
  readonly label: string;
  /** Where automatic placement begins; default 0. */
  readonly lowestAutomatic?: number;
}

/** What an access meets: a byte of a dataspace, or the fault. */
export type Resolution =
  | { readonly ok: true; readonly dataspace: ByteDataspace; readonly offset: number }
  | { readonly ok: false; readonly fault: PageFault };

export class CoreRegionMap implements RegionMap {
  readonly kind = "region-map";
  readonly label: string;
  /** @internal By address. */
  readonly regions: Ranges<Region>;
  readonly faults = new FaultQueue();
  readonly #core: CoreContext;
  readonly #store: RegionStore;
  readonly #identity: Identity<RegionMap>;
  readonly #managed: ManagedDataspace;
  /** Where automatic placement begins. */
  lowestAutomatic: number;
  /**
   * Addresses in which the component's linear memory shall not end: what memory.grow adds there would be in the way of
   * something else. Takes effect at `bind`.
   */
  gap: Range | undefined;
  #space: Space | undefined;
  #shown = false;

  constructor(core: CoreContext, store: RegionStore, options: RegionMapOptions) {
    this.#core = core;
    this.#store = store;
    this.label = options.label;
    this.lowestAutomatic = options.lowestAutomatic ?? 0;
    this.regions = new Ranges(0, toPages(options.size), MISFIT_LIMIT, PAGE_BYTES);
    this.#identity = core.badges.identify<RegionMap>(this);
    this.#managed = new ManagedDataspace(core, this);
  }

  get capability(): Capability<RegionMap> {
    return this.#identity.capability;
  }

  /** The component whose address space this is, once its program is loaded. */
  get space(): Space | undefined {
    return this.#space;
  }

  /** @internal The regions, in any maps, in which this map lies. */
  get attachments(): Chain<Region> {
    return this.#managed.regions;
  }

  size(): number {
    return this.regions.end;
  }

  dataspace(): Capability<Dataspace> {
    return this.#managed.capability;
  }

  attach(dataspace: Capability<Dataspace>, options: AttachOptions = {}): Attempt<number, AttachRefusal> {
    const scope = this.#core.scopes.begin("Attachment", "gray");
    const attached = this.#attach(dataspace, options, true);
    this.#core.scopes.end(scope);
    return attached;
  }

  /** As `attach`, for regions that core makes itself and nobody pays for. */
  attachFree(dataspace: Capability<Dataspace>, options: CoreAttachOptions = {}): Attempt<number, AttachRefusal> {
    return this.#attach(dataspace, options, false);
  }

  detach(address: number): void {
    const region = this.regions.at(address);
    if (region) this.removeRegion(region);
  }

  faultHandler(context: Capability<SignalContext>): void {
    this.faults.handler = context;
    if (context.valid && this.#space && !this.#space.memory.windows) {
      this.#core.warn(`${this.label}: its program never faults, because it was loaded without windows`);
    }
  }

  state(): RegionMapState {
    return this.faults.state();
  }

  /** What an access at `address` meets, through nested maps. */
  resolve(address: number, access: Access): Resolution {
    let map: CoreRegionMap = this;
    let at = address;
    for (let nested = false; ; nested = true) {
      const region = map.regions.at(at);
      if (!region || !allows(region, access)) {
        return { ok: false, fault: { map, address: at, type: FAULT_OF[access], nested } };
      }
      const offset = region.offset + at - region.start;
      const { dataspace } = region;
      if (dataspace instanceof ByteDataspace) return { ok: true, dataspace, offset };
      map = (dataspace as ManagedDataspace).map;
      at = offset;
    }
  }

  /** The fault of executing code that lies at `address`; undefined if it may be executed. */
  checkExecutable(address: number): PageFault | undefined {
    const met = this.resolve(address, "exec");
    return met.ok ? undefined : met.fault;
  }

  /**
   * Makes this the address space over a component's memory: what is attached already is put there.
   *
   * @returns why something could not be put there; then nothing was
   */
  bind(memory: ComponentMemory): PlacementProblem | undefined {
    // What was shown before, piece by piece, can be shown again, however much it is.
    const steps = new Steps(this.#shown ? Number.POSITIVE_INFINITY : undefined);
    const uses = new Ranges<Use>(0, this.size(), 0, PAGE_BYTES);
    const space: Space = { memory, uses, copies: new Set(), remains: new Remains(), gap: this.gap };
    const problem = (memory.windows ? undefined : this.#managedInside()) ?? placeSpace(this, space, steps);
    if (!problem) this.#space = space;
    else this.#core.warn(`${this.label}: what is attached already cannot be shown: ${wordsFor(problem)}`);
    return problem;
  }

  /** What the component reaches beside what is attached (remains.ts). The bytes are no copies. */
  remains(): readonly SavedRemain[] {
    return this.#space ? captureRemains(this.#space) : [];
  }

  /**
   * Writes the same as a plain list.
   *
   * @param unattached what was written where nothing was ever attached, too: all of linear memory is looked at
   * @returns how many bytes are in it; undefined: there is nothing, and nothing was written
   */
  writeRemains(to: PlainWriter, unattached: boolean): number | undefined {
    return this.#space && writeRemains(this.#space, to, unattached);
  }

  /** As of remains.ts. */
  wroteUnattached(): boolean {
    return this.#space !== undefined && wroteUnattached(this.#space);
  }

  /** What the component has written where nothing was ever attached (remains.ts). The bytes are no copies. */
  unattached(): readonly SavedRemain["pieces"][number][] {
    return this.#space ? unattachedBytes(this.#space) : [];
  }

  /** Gives the component what `remains` gave where the same was attached. @returns false if memory does not reach so far */
  restoreRemains(remains: readonly SavedRemain[], unattached = false): boolean {
    return this.#space ? restoreRemains(this.#space, remains, unattached) : remains.length === 0;
  }

  /** The component's memory is about to end: dataspaces take their bytes home, but for `dying` they are given up. */
  unbind(dying: Dying = new Set<ByteDataspace>()): void {
    if (this.#space) {
      clearSpace(this.#space, dying);
      this.#shown = true;
    }
    this.#space = undefined;
  }

  /** @internal Takes away one region of this map. */
  removeRegion(region: Region): void {
    unplaceRegion(region);
    this.#unlink(region);
  }

  /** Ends the map: all attachments in it and of it vanish. */
  dispose(): void {
    if (!this.capability.valid) return;
    this.#identity.dispose();
    this.#managed.dispose();
    this.unbind();
    for (const region of this.regions.overlapping(0, this.size())) this.removeRegion(region);
  }

  #attach(
    capability: Capability<Dataspace>,
    options: CoreAttachOptions,
    charged: boolean,
  ): Attempt<number, AttachRefusal> {
    const offset = options.offset ?? 0;
    if (!(offset >= 0) || offset % PAGE_BYTES !== 0) return refusal("region-conflict");
    const dataspace = capability.object;
    if (!(dataspace instanceof CoreDataspace)) return refusal("invalid-dataspace");
    if (offset >= dataspace.size()) return refusal("region-conflict");
    const size = options.size ? toPages(options.size) : dataspace.size() - offset;
    if (!(size > 0) || size + offset > dataspace.size()) return refusal("region-conflict");
    const nested = nestingProblem(this, dataspace);
    if (nested !== undefined) {
      this.#core.warn(`${this.label}: ${nested}`);
      return refusal("region-conflict");
    }
    const start = options.address ?? this.#findPlace(size, dataspace.physAddr() + offset);
    if (start === undefined || start % PAGE_BYTES !== 0 || !this.regions.free(start, start + size)) {
      return refusal("region-conflict");
    }
    if (charged && !this.#store.take()) return refusal("out-of-ram");
    const { executable = false, writeable = true, hidden = false } = options;
    return this.#add({
      map: this,
      dataspace,
      start,
      end: start + size,
      offset,
      executable,
      writeable,
      charged,
      hidden,
      chain: undefined,
      older: undefined,
      newer: undefined,
    });
  }

  #add(region: Region): Attempt<number, AttachRefusal> {
    this.regions.insert(region);
    region.dataspace.regions.add(region);
    const problem = this.#refused(region) ?? placeRegion(region);
    if (!problem) {
      this.faults.attached(region.start, region.end);
      return success(region.start);
    }
    this.#unlink(region);
    if (problem.reason === "memory-full") return refusal("out-of-ram");
    this.#core.warn(`${this.label}: attachment at ${hex(region.start)} refused: ${wordsFor(problem)}`);
    return refusal("region-conflict");
  }

  /** Managed dataspaces in components that cannot fault: only core's own areas. */
  #refused({ dataspace, charged }: Region): PlacementProblem | undefined {
    if (dataspace instanceof ByteDataspace || !charged) return undefined;
    if (![...ancestorsOf(this)].some(({ space }) => space && !space.memory.windows)) return undefined;
    return MANAGED;
  }

  /** As `#refused`, for what was attached before there was a program. */
  #managedInside(): PlacementProblem | undefined {
    for (const { dataspace, charged } of this.regions.overlapping(0, this.size())) {
      if (!(dataspace instanceof ManagedDataspace)) continue;
      const problem = charged ? MANAGED : dataspace.map.#managedInside();
      if (problem) return problem;
    }
    return undefined;
  }

  #unlink(region: Region): void {
    this.regions.remove(region.start);
    region.dataspace.regions.delete(region);
    if (region.charged) this.#store.give();
  }

  /** The largest natural alignment that size and physical address allow decides; then the lowest address. */
  #findPlace(size: number, physical: number): number | undefined {
    let align = Math.min(naturalAlignment(size), 2 ** 31);
    while (align > PAGE_BYTES && physical % align !== 0) align /= 2;
    for (; align >= PAGE_BYTES; align /= 2) {
      const found = this.regions.find(size, align, this.lowestAutomatic);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function allows(region: Region, access: Access): boolean {
  if (access === "exec") return region.executable;
  return !region.hidden && (access === "read" || (region.writeable && region.dataspace.writable()));
}

function wordsFor(problem: PlacementProblem): string {
  if (problem.reason === "needs-windows") return `${problem.why} needs windows, and the program was loaded without`;
  return problem.reason === "memory-full" ? "there is not enough memory" : "it would be seen in too many pieces";
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
