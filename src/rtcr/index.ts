// RTCR: interposes on a child's sessions, records what is needed to recreate it, and recreates it (spec 1, 4).

export { type Captured, type CaptureOptions, capture } from "./capture.ts";
export { RtcrComponent, type RtcrHost, rtcrProgram } from "./component.ts";
export {
  CHECKPOINTABLES,
  type Checkpointable,
  checkRtcrConfig,
  MODULES,
  RTCR_PROGRAM,
  RTCR_SCHEMA,
  type RtcrConfig,
  readRtcrConfig,
  toInitConfig,
  type WorkerPlace,
} from "./config.ts";
export type { ContentKeeper, KeptContents } from "./content-keeper.ts";
export { type Copier, type CopyEngine, DirectCopier } from "./copier.ts";
export { RtcrCpu } from "./cpu.ts";
export { RtcrCpuThread } from "./cpu-thread.ts";
export {
  type DataProvider,
  type Lease,
  OnDemandProvider,
  PreallocatedProvider,
  PreparedProvider,
  SharedMemoryProvider,
  touched,
  UntouchedProvider,
} from "./data-provider.ts";
export { RtcrFault } from "./faults.ts";
export { RtcrFileSystem } from "./file-system.ts";
export { IncrementalContents, type IncrementalOptions } from "./incremental/contents.ts";
export { CHUNK_BYTES } from "./incremental/granule-store.ts";
export { IncrementalModule } from "./incremental/module.ts";
export { RtcrLog } from "./log.ts";
export { LOG_LEVELS, type LogLevel, type LogOptions, log, runningFunction, startLog, stopLog } from "./logging.ts";
export type { DataspaceModule, DataspacePlace, RtcrModule } from "./module.ts";
export { CopyPool, type CopyPoolOptions, type CopyWorker, type StartCopyWorker } from "./parallel/copy-pool.ts";
export type { CopyTask } from "./parallel/copy-task.ts";
export type { CopyPlaces } from "./parallel/parallel-copier.ts";
export { RtcrPd } from "./pd.ts";
export { CHECKPOINT_PHASES, type CheckpointPhase, type Phase, RESTORE_PHASES, type RestorePhase } from "./phases.ts";
export { RedundantContents } from "./redundant/contents.ts";
export { RedundantModule, type RedundantOptions } from "./redundant/module.ts";
export { RtcrRegionMap } from "./region-map.ts";
export { RtcrReport } from "./report.ts";
export { type RepairReport, STRATEGIES, type Strategy } from "./restore.ts";
export { RtcrRm } from "./rm.ts";
export { RtcrRom } from "./rom.ts";
export { Rtcr } from "./rtcr.ts";
export type { RtcrOptions } from "./rtcr-options.ts";
export { ALL_LABELS_KEPT, CHECKPOINT_NAME_LIMIT, LABELS_KEPT, RTCR_SERVICE, RtcrControl } from "./service.ts";
export type { Opened } from "./session.ts";
export { RtcrTerminal } from "./terminal.ts";
export { RtcrTimer } from "./timer.ts";
export { REPORT_LABEL, Timing, timingReport } from "./timing.ts";
export { ChildContext, Tracked } from "./tracked.ts";
export { BASE_INTERPOSERS, type Interposers, TrackedChild } from "./tracked-child.ts";
