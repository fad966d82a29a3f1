// RM sessions of a child: its own region maps (spec 2.3).
import {
  type Capability,
  type OutOf,
  objectOf,
  type RegionMap,
  type RmSession,
  type SlotWriter,
} from "../session/index.ts";
import { type Attempt, success } from "../util/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { RtcrRegionMap, type SavedRegionMap } from "./region-map.ts";
import { type Made, type Opened, type Resumable, type Resuming, SessionBase } from "./session.ts";
import { type ChildContext, ofTracked, type SavedRecord, savedRecord, Tracked } from "./tracked.ts";

interface SavedOwnMap extends SavedRegionMap {
  readonly front: number;
  readonly real: number;
  readonly record: SavedRecord;
}

const MAPS = ofTracked<RtcrRegionMap>((records, map) => map.checkpoint(records, false));
const PASSED_ON = ofTracked<RtcrRegionMap>((records, map) => map.checkpoint(records, true));

export class RtcrRm implements RmSession, Resumable<readonly SavedOwnMap[]> {
  readonly kind = "rm";
  readonly base: SessionBase<RmSession>;
  readonly #context: ChildContext;
  readonly #maps = new Tracked<RtcrRegionMap>();

  constructor(context: ChildContext, opened: Opened<RmSession>) {
    this.#context = context;
    this.base = new SessionBase<RmSession>(context, this, opened);
  }

  create(size: number): Attempt<Capability<RegionMap>, OutOf> {
    const created = this.base.object.create(size);
    return created.ok ? success(this.takeIn(created.value).capability) : created;
  }

  /** A map that the service has made for the child. */
  takeIn(real: Capability<RegionMap>): RtcrRegionMap {
    const map = new RtcrRegionMap(this.#context, real);
    this.#maps.add(map);
    return map;
  }

  destroy(map: Capability<RegionMap>): void {
    const ours = this.#maps.remove(map);
    objectOf<RmSession>(this.base.real, "rm")?.destroy(ours?.real ?? map);
    ours?.dispose();
  }

  /** The child's map of a capability. */
  map(capability: Capability<RegionMap>): RtcrRegionMap | undefined {
    return this.#maps.get(capability);
  }

  get maps(): Iterable<RtcrRegionMap> {
    return this.#maps;
  }

  checkpoint(records: RecordWriter): void {
    this.base.checkpoint(records);
    this.#maps.checkpoint(records, this.base.passedOn ? PASSED_ON : MAPS);
  }

  get made(): Made {
    return this.base.made;
  }

  capture(slots: SlotWriter): readonly SavedOwnMap[] {
    return Array.from(this.#maps, (map) => ({
      front: slots.served(map.capability),
      real: slots.held(map.real),
      record: savedRecord(map.info),
      ...map.capture(slots),
    }));
  }

  resume(maps: readonly SavedOwnMap[], { slots }: Resuming): void {
    for (const { front, real, record, ...state } of maps) {
      const fronts = { fronts: [front], records: [record] };
      const again = () => new RtcrRegionMap(this.#context, slots.held<RegionMap>(real, "region-map"));
      const map = this.#context.again(slots, fronts, again);
      map.resume(state, slots);
      this.#maps.add(map);
    }
  }

  dispose(): void {
    for (const map of this.#maps) map.dispose();
    this.base.dispose();
  }
}
