// The time axis of a plot without the time in which nothing was measured: a benchmark's program computes for tens of
// milliseconds between scopes of microseconds.
import type { ProfileInstance } from "./profile-file.ts";

/** Idle time that is left out of the axis. */
export interface Gap {
  /** Place on the axis. */
  readonly at: number;
  /** Microseconds left out. */
  readonly us: number;
}

export interface BusyTime {
  /** Place of a moment in microseconds on the axis; within a gap: in the room that is left for it. */
  readonly place: (us: number) => number;
  readonly gaps: readonly Gap[];
  /** Length of the axis. */
  readonly length: number;
}

/** Share of the busy time that an idle one must be longer than to be left out, and that is left in its place. */
const LEFT = 0.03;

/** @param instances in any order */
export function busyTime(instances: readonly ProfileInstance[]): BusyTime {
  const busy = merged(instances);
  const total = busy.reduce((sum, { start, stop }) => sum + stop - start, 0);
  const room = total * LEFT;
  const first = busy[0]?.start ?? 0;
  const pieces: { readonly start: number; readonly at: number }[] = [{ start: first, at: 0 }];
  const gaps: Gap[] = [];
  busy.forEach(({ start }, i) => {
    const before = busy[i - 1];
    const idle = before ? start - before.stop : 0;
    if (!before || idle <= room) return;
    const { start: from, at } = pieces.at(-1)!;
    const end = at + before.stop - from;
    gaps.push({ at: end + room / 2, us: idle });
    pieces.push({ start, at: end + room });
  });
  const place = (us: number) => {
    const i = pieces.findLastIndex(({ start }) => start <= us);
    const piece = pieces[Math.max(0, i)]!;
    const next = pieces[i + 1];
    return Math.min(piece.at + us - piece.start, next?.at ?? Number.POSITIVE_INFINITY);
  };
  return { place, gaps, length: place(Math.max(first, ...busy.map(({ stop }) => stop))) };
}

/** Times in which any scope was open, in order. */
function merged(instances: readonly ProfileInstance[]): readonly { readonly start: number; readonly stop: number }[] {
  const busy: { start: number; stop: number }[] = [];
  for (const { start, stop } of instances.toSorted((a, b) => a.start - b.start)) {
    const last = busy.at(-1);
    if (last && start <= last.stop) last.stop = Math.max(last.stop, stop);
    else busy.push({ start, stop });
  }
  return busy;
}
