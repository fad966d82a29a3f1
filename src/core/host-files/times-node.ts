// Setting times on the host. Node takes seconds in a double, so about 240 ns of a present date are lost; files/
// exact-times.ts makes up for that.

import { futimesSync, lutimesSync, utimesSync } from "node:fs";
import type { NewTimes } from "../files/index.ts";

/** Sets times of an open file, of what a path leads to, or of a link itself. Throws what node:fs throws. */
export function setHostTimes(target: number | string, times: NewTimes, follow: boolean): void {
  const accessed = toHostTime(times.accessedNs);
  const modified = toHostTime(times.modifiedNs);
  if (typeof target === "number") futimesSync(target, accessed, modified);
  else if (follow) utimesSync(target, accessed, modified);
  else lutimesSync(target, accessed, modified);
}

/** An invalid date reaches the system as UTIME_OMIT, and dates, unlike numbers, may lie before 1970. */
function toHostTime(timeNs: bigint | undefined): Date | number {
  if (timeNs === undefined) return new Date(Number.NaN);
  if (timeNs < 0n) return new Date(Number(timeNs / 1_000_000n));
  return Number(timeNs / 1_000_000_000n) + Number(timeNs % 1_000_000_000n) / 1e9;
}
