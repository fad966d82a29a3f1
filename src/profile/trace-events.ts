// Scopes in the Trace Event format, which Perfetto and Chrome open: complete events, a row for each thread.
import type { Scope } from "./scopes.ts";

interface TraceEvent {
  readonly name: string;
  readonly ph: "X" | "M";
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly args?: Readonly<Record<string, string>>;
}

/** The file's text. `ts` counts from the first scope. */
export function toTraceEvents(scopes: readonly Scope[]): string {
  const threads = [...new Set(scopes.map(({ thread }) => thread))];
  const origin = scopes.reduce((least, { startNs }) => Math.min(least, startNs), Number.POSITIVE_INFINITY);
  const names = threads.map(
    (name, tid): TraceEvent => ({ name: "thread_name", ph: "M", pid: 1, tid: tid + 1, args: { name } }),
  );
  const events = scopes.map(
    ({ name, color, startNs, stopNs, thread }): TraceEvent => ({
      name,
      ph: "X",
      pid: 1,
      tid: threads.indexOf(thread) + 1,
      ts: (startNs - origin) / 1000,
      dur: (stopNs - startNs) / 1000,
      cat: color,
    }),
  );
  return `${JSON.stringify({ traceEvents: [...names, ...events], displayTimeUnit: "ns" })}\n`;
}
