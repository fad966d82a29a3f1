// How region maps lie within each other, as managed dataspaces: none within itself, and none too deep.
import type { CoreDataspace } from "./dataspace.ts";
import { NESTING_LIMIT } from "./limits.ts";
import { ManagedDataspace } from "./managed-dataspace.ts";
import type { CoreRegionMap } from "./region-map.ts";

/** Why a dataspace must not be attached in a map, one line; undefined: it may be. */
export function nestingProblem(map: CoreRegionMap, dataspace: CoreDataspace): string | undefined {
  if (!(dataspace instanceof ManagedDataspace)) return undefined;
  const inner = dataspace.map;
  if (ancestorsOf(map).has(inner)) return `${inner.label} contains this map, it cannot be attached in it`;
  if (depthOf(map) + heightOf(inner) <= NESTING_LIMIT) return undefined;
  return `${inner.label} is not attached, maps nest at most ${NESTING_LIMIT} deep`;
}

/** A map and all in which it lies, directly or not. */
export function ancestorsOf(map: CoreRegionMap): Set<CoreRegionMap> {
  const found = new Set<CoreRegionMap>([map]);
  for (const each of found) for (const { map: outer } of each.attachments) found.add(outer);
  return found;
}

/** Maps from this one to the outermost. */
function depthOf(map: CoreRegionMap, known = new Map<CoreRegionMap, number>()): number {
  let depth = known.get(map);
  if (depth !== undefined) return depth;
  depth = 1;
  for (const { map: outer } of map.attachments) depth = Math.max(depth, 1 + depthOf(outer, known));
  known.set(map, depth);
  return depth;
}

/** Maps from this one to the innermost. */
function heightOf(map: CoreRegionMap, known = new Map<CoreRegionMap, number>()): number {
  let height = known.get(map);
  if (height !== undefined) return height;
  height = 1;
  for (const { dataspace } of map.regions.overlapping(0, map.size())) {
    if (dataspace instanceof ManagedDataspace) height = Math.max(height, 1 + heightOf(dataspace.map, known));
  }
  known.set(map, height);
  return height;
}
