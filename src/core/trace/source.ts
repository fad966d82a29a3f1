// What TRACE sees of threads.
import type { Location } from "../../session/index.ts";
import type { TraceControl } from "./control.ts";

/** A thread that may be traced. */
export interface TraceSource {
  /** Of the CPU session that the thread belongs to. */
  readonly label: string;
  readonly thread: string;
  affinity(): Location;
  /** Processor time in microseconds. */
  executionUs(): number;
  alive(): boolean;
  readonly control: TraceControl;
}

/** Every living thread of the system, oldest first. */
export type TraceSources = () => Iterable<TraceSource>;
