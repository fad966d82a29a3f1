// Managed dataspaces: a region map seen as a dataspace. They have no bytes; readers go through the map's regions.
import type { CoreContext } from "./context.ts";
import { CoreDataspace } from "./dataspace.ts";
import type { CoreRegionMap } from "./region-map.ts";

export class ManagedDataspace extends CoreDataspace {
  readonly origin = "managed";
  readonly map: CoreRegionMap;

  /** @internal Made and disposed of by its map. */
  constructor(core: CoreContext, map: CoreRegionMap) {
    super(core);
    this.map = map;
  }

  size(): number {
    return this.map.size();
  }

  /** No memory of its own: always 0. */
  physAddr(): number {
    return 0;
  }

  writable(): boolean {
    return true;
  }

  read(offset: number, target: Uint8Array): number {
    const length = this.#clip(offset, target.length);
    if (length <= 0) return 0;
    target.fill(0, 0, length);
    for (const { part, dataspace, at } of this.#parts(offset, length)) {
      dataspace.read(at, target.subarray(part.from - offset, part.to - offset));
    }
    return length;
  }

  write(offset: number, source: Uint8Array): number {
    const length = this.#clip(offset, source.length);
    if (length <= 0) return 0;
    for (const { part, dataspace, at, writeable } of this.#parts(offset, length)) {
      if (writeable) dataspace.write(at, source.subarray(part.from - offset, part.to - offset));
    }
    return length;
  }

  *#parts(offset: number, length: number) {
    for (const region of this.map.regions.overlapping(offset, offset + length)) {
      const from = Math.max(offset, region.start);
      const to = Math.min(offset + length, region.end);
      const { dataspace, writeable } = region;
      yield { part: { from, to }, dataspace, at: region.offset + from - region.start, writeable };
    }
  }

  #clip(offset: number, length: number): number {
    return offset >= 0 && Number.isInteger(offset) ? Math.min(length, this.size() - offset) : 0;
  }
}
