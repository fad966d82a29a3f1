// Profiler: scopes, and what is done with them. Plots (vega) and pictures (resvg) are imported where they are needed:
// plot.ts, png-node.ts.
export { type Analysis, analyzeProfiles, type ScopeStatistics, type Statistics, statistics } from "./analyze.ts";
export { filterLog, toLogLine } from "./filter.ts";
export { type MergeOptions, mergeProfiles, type NamedProfile } from "./merge.ts";
export {
  type Profile,
  ProfileFault,
  type ProfileInstance,
  readProfile,
  toProfile,
  writeProfile,
} from "./profile-file.ts";
export {
  beginScope,
  endScope,
  inScope,
  type ProfileClock,
  profiling,
  Recorder,
  type Scope,
  type ScopeColor,
  startProfile,
  stopProfile,
} from "./scopes.ts";
export { type MeasuringThread, ThreadRecorders } from "./thread-recorders.ts";
export { toTraceEvents } from "./trace-events.ts";
