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

/** Share of what is shown that an idle time must be longer than to be left out, and that is left in its place. */
const LEFT = 0.03;
/** Idle times that are left out at most, the longest of all: more of them would be all that is seen. */
const MOST = 16;

/** @param instances in any order */
export function busyTime(instances: readonly ProfileInstance[]): BusyTime {
  const busy = merged(instances);
  const first = busy[0]?.start ?? 0;
  const idle = busy.map(({ start }, i) => (i === 0 ? 0 : start - busy[i - 1]!.stop));
  const { left, room } = leftOut(idle, (busy.at(-1)?.stop ?? first) - first);
  const pieces: { readonly start: number; readonly at: number }[] = [{ start: first, at: 0 }];
  const gaps: Gap[] = [];
  for (const i of left) {
    const { start: from, at } = pieces.at(-1)!;
    const end = at + busy[i - 1]!.stop - from;
    gaps.push({ at: end + room / 2, us: idle[i]! });
    pieces.push({ start: busy[i]!.start, at: end + room });
  }
  const place = (us: number) => {
    const i = pieces.findLastIndex(({ start }) => start <= us);
    const piece = pieces[Math.max(0, i)]!;
    const next = pieces[i + 1];
    return Math.min(piece.at + us - piece.start, next?.at ?? Number.POSITIVE_INFINITY);
  };
  return { place, gaps, length: place(busy.at(-1)?.stop ?? first) };
}

/**
 * Which idle times are left out, in order, and the room that is left for each.
 *
 * @param all microseconds from the first scope's beginning to the last one's end
 */
function leftOut(idle: readonly number[], all: number): { readonly left: readonly number[]; readonly room: number } {
  const longest = idle.map((_, i) => i).sort((a, b) => idle[b]! - idle[a]!);
  let shown = all;
  let best = { count: 0, room: 0 };
  for (let count = 1; count <= Math.min(MOST, idle.length); count++) {
    const last = idle[longest[count - 1]!]!;
    shown -= last;
    if (last > shown * LEFT) best = { count, room: shown * LEFT };
  }
  return { left: longest.slice(0, best.count).sort((a, b) => a - b), room: best.room };
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
