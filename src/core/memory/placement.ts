// Placement: what a component sees at which address. It follows region maps and moves bytes accordingly.
//
// A *space* is a component's memory under its address-space map. A *use* is one piece of one dataspace at one address of
// one space: every path from a space's map through nested maps to a region makes one. Attaching a dataspace (or a map
// with dataspaces in it) adds the uses that the new region makes, detaching takes exactly those away.
//
//   mode     linear   the bytes are here                      at most one use of a dataspace, below the windows' limit
//            window   the page table leads to the pool        needs windows
//            copy     read-only bytes are copied here         ROM in components without windows
//
// I1  The applied uses are those that walking the maps finds.
// I2  Uses of one space do not overlap.
// I3  Below the limit of a space with windows every use is linear; the limit only goes down.
// What cannot be done without windows is refused, with the reason in words, before anything has changed.
import { assert, type Linked } from "../../util/index.ts";
import { type ComponentMemory, reach } from "./component-memory.ts";
import { ByteDataspace, type CoreDataspace } from "./dataspace.ts";
import { PLACEMENT_STEPS_LIMIT } from "./limits.ts";
import type { Range, Ranges } from "./ranges.ts";
import type { CoreRegionMap, Region } from "./region-map.ts";
import { leave, type Remains } from "./remains.ts";

/** A component's memory and all that is seen in it, by address. */
export interface Space {
  readonly memory: ComponentMemory;
  readonly uses: Ranges<Use>;
  /** Those of `uses` that are copies. */
  readonly copies: Set<Use>;
  /** What was seen once, and is still reached. */
  readonly remains: Remains;
  /** Where linear memory shall not end if it can be helped: see `CoreRegionMap.gap`. */
  readonly gap: Range | undefined;
}

/** At addresses of its space, and in the chain of its dataspace. */
export interface Use extends Range, Linked<Use> {
  readonly space: Space;
  readonly dataspace: ByteDataspace;
  /** Where in the dataspace it begins. */
  readonly offset: number;
  readonly writable: boolean;
  mode: "linear" | "window" | "copy";
}

/** Why something was not placed: no memory, too many pieces, or (in words) something that needs windows. */
export type PlacementProblem =
  | { readonly reason: "memory-full" | "too-many-pieces" }
  | { readonly reason: "needs-windows"; readonly why: string };

/** Counts the steps of one attachment. */
export class Steps {
  #left: number;

  constructor(most: number = PLACEMENT_STEPS_LIMIT) {
    this.#left = most;
  }

  /** @returns false when too many were made */
  make(): boolean {
    return this.#left-- > 0;
  }

  get exhausted(): boolean {
    return this.#left < 0;
  }
}

/** A piece of a region map as it is seen somewhere. */
interface Sight {
  readonly space: Space;
  /** Address in the space of `from`. */
  readonly address: number;
  readonly from: number;
  readonly to: number;
  readonly writable: boolean;
}

/** All places where [from, to) of a map is seen. */
function sightsOf(map: CoreRegionMap, from: number, to: number, steps: Steps, found: Sight[] = []): Sight[] {
  if (!steps.make()) return found;
  if (map.space) found.push({ space: map.space, address: from, from, to, writable: true });
  for (let region = map.attachments.oldest; region; region = region.newer) {
    const start = Math.max(from, region.offset);
    const end = Math.min(to, region.offset + region.end - region.start);
    if (start >= end) continue;
    const base = region.start - region.offset;
    for (const sight of sightsOf(region.map, base + start, base + end, steps)) {
      const writable = sight.writable && region.writeable;
      found.push({ ...sight, from: sight.from - base, to: sight.to - base, writable });
    }
  }
  return found;
}

/** The uses that a piece of a region makes at one sight of its map. */
function usesAt(region: Region, sight: Sight, steps: Steps, found: Use[]): void {
  if (!steps.make()) return;
  const start = Math.max(region.start, sight.from);
  const end = Math.min(region.end, sight.to);
  if (start >= end || region.hidden) return;
  const address = sight.address + start - sight.from;
  const length = end - start;
  const offset = region.offset + start - region.start;
  const writable = sight.writable && region.writeable;
  const { space } = sight;
  const { dataspace } = region;
  if (dataspace instanceof ByteDataspace) {
    const allowed = writable && dataspace.writable();
    found.push({
      space,
      dataspace,
      start: address,
      end: address + length,
      offset,
      writable: allowed,
      mode: "window",
      chain: undefined,
      older: undefined,
      newer: undefined,
    });
    return;
  }
  const inner: Sight = { space, address, from: offset, to: offset + length, writable };
  for (const nested of mapOf(dataspace).regions.overlapping(inner.from, inner.to)) {
    usesAt(nested, inner, steps, found);
  }
}

function mapOf(dataspace: CoreDataspace): CoreRegionMap {
  return (dataspace as CoreDataspace & { readonly map: CoreRegionMap }).map;
}

/** Shows a new region of a map wherever that map is seen. */
export function placeRegion(region: Region): PlacementProblem | undefined {
  const steps = new Steps();
  const sights = sightsOf(region.map, region.start, region.end, steps);
  const uses: Use[] = [];
  for (const sight of sights) usesAt(region, sight, steps, uses);
  if (steps.exhausted) return { reason: "too-many-pieces" };
  return still(uses, () => placeAll(uses));
}

/** Takes a region away wherever it is seen. */
export function unplaceRegion(region: Region): void {
  const steps = new Steps(Number.POSITIVE_INFINITY);
  const uses: Use[] = [];
  for (const sight of sightsOf(region.map, region.start, region.end, steps)) usesAt(region, sight, steps, uses);
  still(uses, () => {
    for (const { space, start } of uses) {
      const use = useAt(space, start);
      if (use) unplace(use);
    }
  });
}

/** The use that begins at an address. */
export function useAt({ uses }: Space, address: number): Use | undefined {
  const use = uses.at(address);
  return use?.start === address ? use : undefined;
}

/** Bytes move, page tables change, marks are cleared: components that could see that stand at safe points. */
function still<T>(uses: readonly Use[], body: () => T): T {
  const memory = uses.find(({ space }) => space.memory.windows || space.memory.marks)?.space.memory;
  return memory?.still ? memory.still(body) : body();
}

/** Gives an address space its component's memory: everything attached is shown there. */
export function placeSpace(map: CoreRegionMap, space: Space, steps: Steps): PlacementProblem | undefined {
  const uses: Use[] = [];
  const whole: Sight = { space, address: 0, from: 0, to: map.size(), writable: true };
  for (const region of map.regions.overlapping(0, map.size())) usesAt(region, whole, steps, uses);
  return steps.exhausted ? { reason: "too-many-pieces" } : still(uses, () => placeAll(uses));
}

/** Says which dataspaces are about to end. */
export interface Dying {
  has(dataspace: ByteDataspace): boolean;
}

/** Takes everything out of a space whose component ends; what lay in its linear memory is kept, but of `dying`. */
export function clearSpace(space: Space, dying: Dying): void {
  for (const use of space.uses.overlapping(0, space.uses.end)) {
    use.dataspace.useEnds(use);
    space.uses.remove(use.start);
    use.dataspace.uses.delete(use);
    if (use.mode === "linear" && dying.has(use.dataspace)) use.dataspace.forgetLinear();
    else if (use.mode === "linear") keepOrForget(use);
    if (use.mode === "window") space.memory.windows!.table.unmap(use.start, use.end - use.start);
  }
}

function placeAll(uses: readonly Use[]): PlacementProblem | undefined {
  for (const [index, use] of uses.entries()) {
    const problem = place(use);
    if (!problem) continue;
    for (const done of uses.slice(0, index).reverse()) unplace(done);
    return problem;
  }
  return undefined;
}

function place(use: Use): PlacementProblem | undefined {
  const { dataspace, space } = use;
  const { windows } = space.memory;
  const problem = windows ? placeWithWindows(use) : placeLinear(use);
  if (problem) return problem;
  const added = space.uses.insert(use);
  assert(added, "uses of one space do not overlap");
  if (use.mode === "copy") space.copies.add(use);
  space.remains.cut(use.start, use.end);
  dataspace.uses.add(use);
  dataspace.useBegins(use);
  return undefined;
}

/** In a component without windows: here, or nowhere. */
function placeLinear(use: Use): PlacementProblem | undefined {
  const { dataspace } = use;
  if (dataspace.origin === "rom") return placeCopy(use);
  if (!use.writable) return needsWindows("a read-only region");
  if (homeElsewhere(dataspace)) return needsWindows("a dataspace that is attached already");
  return moveToLinear(use) ? undefined : { reason: "memory-full" };
}

/** @returns false if the linear memory does not reach so far */
function moveToLinear(use: Use): boolean {
  const usedUpTo = use.space.memory.size();
  if (!reach(use.space, use.end)) return false;
  use.mode = "linear";
  use.dataspace.moveToLinear(use, usedUpTo);
  return true;
}

function placeCopy(use: Use): PlacementProblem | undefined {
  const { memory } = use.space;
  if (!reach(use.space, use.end)) return { reason: "memory-full" };
  use.mode = "copy";
  use.dataspace.read(use.offset, memory.view(use.start, use.end - use.start));
  return undefined;
}

function placeWithWindows(use: Use): PlacementProblem | undefined {
  const { dataspace, space } = use;
  const windows = space.memory.windows!;
  const below = use.end <= windows.limit;
  if (below && use.writable && !homeElsewhere(dataspace) && moveToLinear(use)) return undefined;
  const problem = moveToPool(dataspace, use) ?? lowerLimit(space, use.start);
  if (problem) return problem;
  mapWindow(use);
  return undefined;
}

/** Whether the bytes must stay where something else sees them. */
function homeElsewhere(dataspace: ByteDataspace): boolean {
  for (let use = dataspace.uses.oldest; use; use = use.newer) if (use.mode !== "copy") return true;
  return false;
}

/** Brings a dataspace into the pool of a use's space; its use in linear memory, if it has one, becomes a window. */
function moveToPool(dataspace: ByteDataspace, use: Use): PlacementProblem | undefined {
  const { pool } = use.space.memory.windows!;
  const { home } = dataspace;
  const seen = home.kind === "pool" && homeElsewhere(dataspace) ? home.pool : pool;
  const theirs = home.kind === "linear" ? home.use.space.memory.windows?.pool : seen;
  if (!theirs) return needsWindows("a dataspace that a component without windows has attached");
  if (theirs !== pool) return needsWindows("a dataspace that a component with another pool has attached");
  if (home.kind === "linear") return lowerLimit(home.use.space, home.use.start);
  return dataspace.moveToPool(pool) ? undefined : { reason: "memory-full" };
}

/** Lets addresses from `address` on be translated; dataspaces that lie there move to the pool, all of them or none. */
function lowerLimit(space: Space, address: number): PlacementProblem | undefined {
  const windows = space.memory.windows!;
  if (address >= windows.limit) return undefined;
  const first = space.uses.from(address);
  const limit = first?.mode === "linear" ? Math.min(address, first.start) : address;
  const moving: Use[] = [];
  for (const use of space.uses.overlapping(limit, space.uses.end)) if (use.mode === "linear") moving.push(use);
  for (const use of moving) {
    if (use.dataspace.moveToPool(windows.pool)) continue;
    for (const done of moving) if (done.dataspace.home.kind === "pool") done.dataspace.moveToLinear(done);
    return { reason: "memory-full" };
  }
  windows.limit = limit;
  for (const use of moving) mapWindow(use);
  return undefined;
}

function mapWindow(use: Use): void {
  const { home } = use.dataspace;
  if (home.kind !== "pool") return;
  const { windows } = use.space.memory;
  use.mode = "window";
  windows!.table.map(use.start, home.range.address + use.offset, use.end - use.start, { writable: use.writable });
}

function unplace(use: Use): void {
  const { space, dataspace } = use;
  dataspace.useEnds(use);
  space.uses.remove(use.start);
  dataspace.uses.delete(use);
  if (use.mode === "copy") space.copies.delete(use);
  const { windows } = space.memory;
  if (use.mode === "window") return windows!.table.unmap(use.start, use.end - use.start);
  if (use.mode === "linear") keepOrForget(use);
  // From now on accesses must fault; if the pool has no room for what lies above, they keep reaching what is here.
  if (windows) lowerLimit(space, use.start);
  leave(use);
}

function keepOrForget({ dataspace }: Use): void {
  if (dataspace.capability.valid) dataspace.moveToBuffer();
  else dataspace.forgetLinear();
}

function needsWindows(why: string): PlacementProblem {
  return { reason: "needs-windows", why };
}
