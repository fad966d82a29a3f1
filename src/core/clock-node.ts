// The clocks of Node: finer than those of the web, and with processor time.

import { type HostClocks, realtime } from "./clock.ts";

/** Clocks of the calling thread: processor time is that of the thread which runs the program. */
export function nodeClocks(): HostClocks {
  const monotonicNs = () => process.hrtime.bigint();
  return {
    monotonicNs,
    realtimeNs: realtime(monotonicNs),
    cpuTimeNs: () => {
      const { user, system } = process.threadCpuUsage();
      return BigInt(user + system) * 1_000n;
    },
    resolutionNs: { monotonic: 1n, realtime: 1_000n },
  };
}
