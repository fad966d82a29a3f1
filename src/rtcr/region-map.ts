// The region map that a child sees: attachments as the real map has them, with everything that a restore needs.
import type { ObjectInfo, RegionMapInfo } from "../checkpoint/index.ts";
import {
  type AttachOptions,
  type AttachRefusal,
  type Capability,
  type Dataspace,
  INVALID,
  objectOf,
  type RegionMap,
  type RegionMapState,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
  toPages,
} from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { type AttachedRegion, Attachment, Attachments } from "./attachments.ts";
import { Front } from "./front.ts";
import { Listing } from "./listing.ts";
import type { ModuleDataspaces } from "./module.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { ChildContext, Entry } from "./tracked.ts";

const REGIONS = new Listing<Attachment>((records, region) => {
  if (!region.dataspace.valid) return false;
  records.number(region.dataspace.badge);
  records.number(region.address);
  records.number(region.size);
  records.number(region.offset);
  records.flag(region.executable);
  records.flag(region.writeable);
  return true;
});

/** Made once: nothing is made for a call that says nothing. */
const NO_OPTIONS: AttachOptions = {};
const NOTHING: readonly Attachment[] = [];

/** Slots for capabilities. */
export interface SavedRegionMap {
  readonly handler: number;
  readonly regions: readonly (Omit<AttachedRegion, "dataspace"> & { readonly dataspace: number })[];
}

export class RtcrRegionMap implements RegionMap, Entry {
  readonly kind = "region-map";
  /** Of `Tracked`. */
  place = 0;
  readonly capability: Capability<RegionMap>;
  readonly real: Capability<RegionMap>;
  readonly #front: Front<RegionMap>;
  readonly #info: ObjectInfo;
  readonly #attachments = new Attachments();
  readonly #module: ModuleDataspaces | undefined;
  #handler: Capability<SignalContext> = INVALID;

  constructor(context: ChildContext, real: Capability<RegionMap>) {
    this.real = real;
    this.#module = context.dataspaces;
    this.#front = new Front<RegionMap>(context, this, real);
    this.capability = this.#front.capability;
    this.#info = context.record(this.capability.badge);
  }

  get allocated(): number {
    return this.#info.allocated;
  }

  get info(): ObjectInfo {
    return this.#info;
  }

  get #map(): RegionMap {
    return this.#front.object;
  }

  size(): number {
    return this.#map.size();
  }

  attach(dataspace: Capability<Dataspace>, options: AttachOptions = NO_OPTIONS): Attempt<number, AttachRefusal> {
    const attached = this.#map.attach(dataspace, options);
    if (!attached.ok) return attached;
    const { size = 0, offset = 0, executable = false, writeable = true } = options;
    const length = size === 0 ? sizeOf(dataspace) - offset : toPages(size);
    const address = attached.value;
    this.#note(new Attachment({ dataspace, address, size: length, offset, executable, writeable }));
    return attached;
  }

  detach(address: number): void {
    this.#map.detach(address);
    const removed = this.#attachments.remove(address);
    if (removed) this.#module?.detached(removed.dataspace, removed);
  }

  faultHandler(context: Capability<SignalContext>): void {
    this.#handler = context;
    this.#map.faultHandler(context);
  }

  state(): RegionMapState {
    return this.#map.state();
  }

  dataspace(): Capability<Dataspace> {
    return this.#map.dataspace();
  }

  /** What is attached, in the order of attachment; freed dataspaces have left every map by themselves. */
  regions(): readonly AttachedRegion[] {
    const regions: AttachedRegion[] = [];
    this.#attachments.each((attachment) => void regions.push(attachment));
    return regions;
  }

  /**
   * @param passedOn what it stands before is recorded with another child
   * @param left nobody of the checkpoint has it
   */
  checkpoint(records: RecordWriter, passedOn: boolean, left = false): void {
    records.object(this.#info);
    records.behind(passedOn, this.real);
    records.number(this.size());
    records.number(this.dataspace().badge);
    records.badge(left ? INVALID : this.#handler);
    REGIONS.write(records, left ? NOTHING : this.#attachments);
  }

  capture(slots: SlotWriter): SavedRegionMap {
    const regions = this.regions().map(({ dataspace, address, size, offset, executable, writeable }) => ({
      ...{ dataspace: slots.held(dataspace), address, size, offset, executable, writeable },
    }));
    return { handler: slots.held(this.#handler), regions };
  }

  /** What was recorded of one that is passed on: the map behind it has its attachments and its handler by itself. */
  takeUp({ regions }: RegionMapInfo, handler: Capability<SignalContext>, of: (badge: number) => Capability<Dataspace>) {
    this.#handler = handler;
    for (const { dataspaceBadge, ...region } of regions) {
      this.#note(new Attachment({ ...region, dataspace: of(dataspaceBadge) }));
    }
  }

  /** The real map has its attachments and its handler by itself. */
  resume({ handler, regions }: SavedRegionMap, slots: SlotReader): void {
    this.#handler = slots.held<SignalContext>(handler);
    for (const { dataspace: slot, ...region } of regions) {
      this.#note(new Attachment({ ...region, dataspace: slots.held<Dataspace>(slot, "dataspace") }));
    }
  }

  #note(attachment: Attachment): void {
    this.#attachments.add(attachment);
    this.#module?.attached(attachment.dataspace, attachment);
  }

  dispose(): void {
    if (this.#module) for (const region of this.regions()) this.#module.detached(region.dataspace, region);
    this.#front.dispose();
  }
}

function sizeOf(dataspace: Capability<Dataspace>): number {
  return objectOf<Dataspace>(dataspace, "dataspace")?.size() ?? 0;
}

/** A component's areas by their names in roles; what is attached in several has its role by the first. */
export const AREAS = [
  ["stackArea", "stack-area"],
  ["linkerArea", "linker-area"],
  ["addressSpace", "address-space"],
] as const;

/** What a dataspace is for, by where it is attached: the same in every life of a program. */
export function roleAt(area: string, address: number): string {
  return `${area} 0x${address.toString(16)}`;
}
