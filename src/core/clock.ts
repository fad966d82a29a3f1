// Clock service: what browsers and Node share. The processor's time needs the host's help (clock-node.ts).

import type { ClockSession, SessionState } from "../session/index.ts";
import { type Attempt, Fault, refusal, StateReader, success } from "../util/index.ts";

/** A captured clock could not be read back. */
export class ClockFault extends Fault<"malformed"> {}

/** The host's clocks in nanoseconds. */
export interface HostClocks {
  /** Never runs back; where it begins does not matter. */
  readonly monotonicNs: () => bigint;
  /** Since 1970; may jump when somebody sets the clock. */
  readonly realtimeNs: () => bigint;
  /** Absent where the host does not tell. */
  readonly cpuTimeNs?: () => bigint;
  readonly resolutionNs: { readonly monotonic: bigint; readonly realtime: bigint };
}

/** A clock that begins at zero, or goes on where `state` was captured. */
export function createClock(hosts: HostClocks = webClocks(), state?: SessionState): ClockSession {
  const passed = state === undefined ? { monotonicNs: 0n, cpuTimeNs: 0n } : readState(state);
  const monotonicStart = hosts.monotonicNs() - passed.monotonicNs;
  const cpuStart = (hosts.cpuTimeNs?.() ?? 0n) - passed.cpuTimeNs;
  const cpuTimeNs = (): Attempt<bigint, "notsup"> =>
    hosts.cpuTimeNs ? success(hosts.cpuTimeNs() - cpuStart) : refusal("notsup");
  const monotonicNs = () => hosts.monotonicNs() - monotonicStart;
  return {
    monotonicNs,
    realtimeNs: hosts.realtimeNs,
    cpuTimeNs,
    resolutionNs: hosts.resolutionNs,
    capture: () => {
      const cpu = cpuTimeNs();
      return { monotonicNs: monotonicNs(), cpuTimeNs: cpu.ok ? cpu.value : passed.cpuTimeNs };
    },
    writeState: (to) => {
      to.fields();
      to.put("monotonicNs", monotonicNs());
      to.put("cpuTimeNs", hosts.cpuTimeNs ? hosts.cpuTimeNs() - cpuStart : passed.cpuTimeNs);
      to.end();
    },
  };
}

/** The clocks that every JavaScript host has, `performance` and `Date`. */
export function webClocks(): HostClocks {
  const monotonicNs = () => toNs(performance.now());
  return {
    monotonicNs,
    realtimeNs: realtime(monotonicNs),
    resolutionNs: { monotonic: 5_000n, realtime: 5_000n },
  };
}

/**
 * Real time finer than the milliseconds of `Date`: counted from an anchor by the monotonic clock, and anchored anew
 * when both differ, because somebody has set the clock or the machine has slept.
 */
export function realtime(monotonicNs: () => bigint): () => bigint {
  const toleranceNs = 3_000_000n;
  let offsetNs = toNs(performance.timeOrigin) + toNs(performance.now()) - monotonicNs();
  return () => {
    const nowNs = monotonicNs() + offsetNs;
    const dateNs = BigInt(Date.now()) * 1_000_000n;
    const behindNs = dateNs - nowNs;
    if (behindNs <= toleranceNs && behindNs >= -toleranceNs) return nowNs;
    offsetNs += behindNs;
    return dateNs;
  };
}

function toNs(ms: number): bigint {
  return BigInt(Math.round(ms * 1_000_000));
}

function readState(state: SessionState): { readonly monotonicNs: bigint; readonly cpuTimeNs: bigint } {
  const reader = clockReader(state).only("monotonicNs", "cpuTimeNs");
  return { monotonicNs: reader.field("monotonicNs").big(), cpuTimeNs: reader.field("cpuTimeNs").big() };
}

/** A captured clock, read back. */
export function clockReader(state: SessionState): StateReader {
  return new StateReader(state, "clock", (message) => new ClockFault("malformed", message));
}
