// TRACE sessions, and what the kernel keeps for them of each thread.
export {
  readTraceBuffer,
  TRACE_BUFFER,
  TRACE_EVENTS,
  TraceControl,
  type TraceEvent,
  type TraceState,
} from "./control.ts";
export { CoreTrace, type TraceOptions } from "./session.ts";
export type { TraceSource, TraceSources } from "./source.ts";
