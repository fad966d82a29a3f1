// Clocks: real, monotonic, and the program's processor time (of the process and of the thread alike).

import type { HostFunction } from "../abi/index.ts";
import type { ClockSession } from "../session/index.ts";
import type { WasiContext } from "./context.ts";
import { fail, unwrap } from "./fault.ts";
import { instant } from "./function.ts";
import { CLOCK } from "./layout.ts";

export function clock(wasi: WasiContext): Record<string, HostFunction> {
  return {
    clock_res_get: instant(["u32", "u32"], ({ memory }, id, result) => {
      memory.setU64(result, resolution(wasi.sessions.clock, id));
    }),
    clock_time_get: instant(["u32", "u64", "u32"], ({ memory }, id, _precision, result) => {
      memory.setU64(result, now(wasi.sessions.clock, id));
    }),
  };
}

/** The time of a clock in nanoseconds; "inval" for an unknown one. */
export function now(clock: ClockSession, id: number): bigint {
  if (id === CLOCK.realtime) return clock.realtimeNs();
  if (id === CLOCK.monotonic) return clock.monotonicNs();
  return id === CLOCK.processCpu || id === CLOCK.threadCpu ? unwrap(clock.cpuTimeNs()) : fail("inval");
}

function resolution(clock: ClockSession, id: number): bigint {
  if (id === CLOCK.realtime) return clock.resolutionNs.realtime;
  now(clock, id);
  return clock.resolutionNs.monotonic;
}
