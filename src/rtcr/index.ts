// RTCR: interposes on a child's sessions, records what is needed to recreate it, and recreates it (spec 1, 4).
export { RtcrCpu } from "./cpu.ts";
export { RtcrCpuThread } from "./cpu-thread.ts";
export { RtcrLog } from "./log.ts";
export { RtcrPd } from "./pd.ts";
export { RtcrRegionMap } from "./region-map.ts";
export { RtcrReport } from "./report.ts";
export { RtcrRm } from "./rm.ts";
export { RtcrRom } from "./rom.ts";
export type { Opened } from "./session.ts";
export { RtcrTimer } from "./timer.ts";
export { ChildContext, Tracked } from "./tracked.ts";
