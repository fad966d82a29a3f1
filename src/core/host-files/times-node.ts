// Setting times on the host to the nanosecond, as far as a program can see.
//
// Node hands times to the system as seconds in a double: about 240 ns of a present date are lost. What is lost is
// remembered here: while a file still has the time that the system made of a request, its status shows the request.

import { futimesSync, lutimesSync, utimesSync } from "node:fs";
import type { NodeStatus } from "../../session/index.ts";
import type { NewTimes } from "../files/index.ts";

/** Files whose exact times are remembered at once; the oldest are forgotten. */
const EXACT_TIMES_MAX = 65_536;

interface ExactTime {
  readonly setNs: bigint;
  readonly actualNs: bigint;
}

/** The exact times of files by identity. One for each volume. */
export class ExactTimes {
  readonly #times = new Map<string, { accessed: ExactTime | undefined; modified: ExactTime | undefined }>();

  /** Notes what `status`, taken right after the times were set, lacks of them. */
  note(set: NewTimes, status: NodeStatus): void {
    const key = keyOf(status);
    const known = this.#times.get(key);
    const accessed = exact(set.accessedNs, status.accessedNs, known?.accessed);
    const modified = exact(set.modifiedNs, status.modifiedNs, known?.modified);
    this.#times.delete(key);
    if (accessed === undefined && modified === undefined) return;
    this.#times.set(key, { accessed, modified });
    if (this.#times.size > EXACT_TIMES_MAX) this.#times.delete(this.#times.keys().next().value!);
  }

  /** The status with the times that were set, where the file still has what the system made of them. */
  shown(status: NodeStatus): NodeStatus {
    if (this.#times.size === 0) return status;
    const known = this.#times.get(keyOf(status));
    if (known === undefined) return status;
    const { accessed, modified } = known;
    return {
      ...status,
      accessedNs: accessed?.actualNs === status.accessedNs ? accessed.setNs : status.accessedNs,
      modifiedNs: modified?.actualNs === status.modifiedNs ? modified.setNs : status.modifiedNs,
    };
  }
}

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

function exact(setNs: bigint | undefined, actualNs: bigint, known: ExactTime | undefined): ExactTime | undefined {
  if (setNs === undefined) return known?.actualNs === actualNs ? known : undefined;
  return setNs === actualNs ? undefined : { setNs, actualNs };
}

function keyOf(status: NodeStatus): string {
  return `${status.device}:${status.inode}`;
}
