// Windows: the pool, page tables, faults, and a guest's bytes as it reaches them.
export { GuestBytes } from "./guest-bytes.ts";
export { Pool, type PoolRange } from "./pool.ts";
export { type Mapping, PageTable } from "./table.ts";
export { type FaultPolicy, type PageFault, Windows } from "./windows.ts";
