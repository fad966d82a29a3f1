// Dataspaces, region maps and what a component sees of them.
export {
  type ComponentMemory,
  type LinearMirror,
  type MemoryMarks,
  type MemoryPool,
  type MemoryWindows,
  PlainMemory,
  type PoolRange,
} from "./component-memory.ts";
export { type CoreContext, type CoreContextOptions, createCoreContext } from "./context.ts";
export { ByteDataspace, CoreDataspace, createDataspace, type DataspaceOptions } from "./dataspace.ts";
export type { Access, FaultWaiter, PageFault } from "./faults.ts";
export { ADDRESS_SPACE_BYTES, META_BLOCK_BYTES, META_PER_BLOCK, NESTING_LIMIT } from "./limits.ts";
export { ManagedDataspace } from "./managed-dataspace.ts";
export type { PlacementProblem } from "./placement.ts";
export { Ranges } from "./ranges.ts";
export { CoreRegionMap, type Region, type RegionStore, type Resolution } from "./region-map.ts";
export type { SavedRemain } from "./remains.ts";
