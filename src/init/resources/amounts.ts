// Arithmetic of quotas, priorities, affinities and CPU shares (spec 2.0, 3.3). Pure; amounts are bytes and capabilities.
import { CPU_QUOTA_SCALE, DONATION, type Location, PRIORITY_LIMIT, type Quota } from "../../session/index.ts";

/** RAM that init keeps of each donation for its record of the session. */
export const SESSION_RECORD_BYTES = 512;
/** Records that a child's quota pays for at its start. */
export const FIRST_RECORDS = 16;
/** Capabilities that init deducts of each child beyond the start costs. */
export const INIT_CAPS = 6;
const PARENT_CAP = 1;

/** What the start of any child costs: PD, CPU, LOG, two ROMs, the parent capability (spec 2.0). */
export const START_COSTS: Quota = {
  ram: DONATION.PD.ram + DONATION.CPU.ram + DONATION.LOG.ram + 2 * DONATION.ROM.ram,
  caps: DONATION.PD.caps + DONATION.CPU.caps + DONATION.LOG.caps + 2 * DONATION.ROM.caps + PARENT_CAP,
};

/** What a child with `assigned` can use itself; never below 0. */
export function effectiveQuota(assigned: Quota): Quota {
  return {
    ram: atLeast0(assigned.ram - START_COSTS.ram - FIRST_RECORDS * SESSION_RECORD_BYTES),
    caps: atLeast0(assigned.caps - START_COSTS.caps - INIT_CAPS),
  };
}

/** What of `wanted` can be given when `available` is left and `preserve` stays with the giver. */
export function clampQuota(wanted: Quota, available: Quota, preserve: Quota): Quota {
  return {
    ram: Math.min(wanted.ram, atLeast0(available.ram - preserve.ram)),
    caps: Math.min(wanted.caps, atLeast0(available.caps - preserve.caps)),
  };
}

function atLeast0(value: number): number {
  return Math.max(0, value);
}

/**
 * The priority argument of a child's CPU session: the child's level occupies the most significant bits, what the child
 * asked for the rest.
 *
 * @param priority as configured, 0 (highest) .. -(levels - 1); clamped
 * @param levels a power of two, or 0: no levels
 * @param requested 0 (highest) .. PRIORITY_LIMIT - 1; clamped
 */
export function cpuPriority(priority: number, levels: number, requested: number): number {
  const own = Math.min(Math.max(0, requested), PRIORITY_LIMIT - 1);
  if (levels < 2) return own;
  const level = Math.min(Math.max(0, -priority), levels - 1);
  const span = PRIORITY_LIMIT / levels;
  return level * span + Math.floor(own / levels);
}

export interface Space {
  readonly width: number;
  readonly height: number;
}

/**
 * The CPUs of a child.
 *
 * @param wanted in cells of `grid`; a missing position selects the whole row or column
 * @param cpus the processors that init has
 */
export function childLocation(wanted: Partial<Location> | undefined, grid: Space, cpus: Space): Location {
  const [x, width] = childRange(wanted?.x, wanted?.width, grid.width, cpus.width);
  const [y, height] = childRange(wanted?.y, wanted?.height, grid.height, cpus.height);
  return { x, y, width, height };
}

/** What is said of an affinity space that has more places than there are CPUs; undefined: it has not. */
export function sharedPlaces(space: Space, cpus: Space): string | undefined {
  if (space.width <= cpus.width && space.height <= cpus.height) return undefined;
  const [wanted, found] = [space, cpus].map(({ width, height }) => `${width} x ${height}`);
  return `an affinity space of ${wanted} on ${found} CPUs: some of its places share a CPU`;
}

function childRange(position: number | undefined, extent: number | undefined, cells: number, cpus: number) {
  const from = position === undefined ? 0 : Math.min(position, cells - 1);
  const length = position === undefined ? cells : Math.min(extent ?? 1, cells - from);
  const first = Math.floor((from * cpus) / cells);
  const end = Math.ceil(((from + length) * cpus) / cells);
  return [first, Math.max(1, Math.min(end, cpus) - first)] as const;
}

/** A location that a child gave relative to its own `outer` one; without an extent, or no numbers: all of it. Clipped. */
export function innerLocation(outer: Location, inner: Location | undefined): Location {
  if (!inner || ![inner.x, inner.y, inner.width, inner.height].every(Number.isInteger)) return outer;
  if (inner.width < 1 || inner.height < 1) return outer;
  const x = Math.min(Math.max(0, inner.x), outer.width - 1);
  const y = Math.min(Math.max(0, inner.y), outer.height - 1);
  return {
    x: outer.x + x,
    y: outer.y + y,
    width: Math.min(inner.width, outer.width - x),
    height: Math.min(inner.height, outer.height - y),
  };
}

/** In percent. */
export interface SavedCpuPool {
  readonly promised: number;
  readonly transferred: number;
}

/** The pool of CPU time that init hands out: 100 percent. Percentages are promised first and transferred later. */
export class CpuPool {
  #promised = 0;
  #transferred = 0;

  /** Not promised to anybody. */
  get left(): number {
    return 100 - this.#promised;
  }

  capture(): SavedCpuPool {
    return { promised: this.#promised, transferred: this.#transferred };
  }

  restore({ promised, transferred }: SavedCpuPool): void {
    this.#promised = promised;
    this.#transferred = transferred;
  }

  /** Promises a child of `percent` what is left of it. */
  take(percent: number): number {
    const given = Math.min(Math.max(0, percent), this.left);
    this.#promised += given;
    return given;
  }

  /** Transfers what was promised. @returns the share of what init's CPU session has now, scaled to CPU_QUOTA_SCALE */
  transfer(percent: number): number {
    const share = Math.floor((percent * CPU_QUOTA_SCALE) / (100 - this.#transferred));
    this.#transferred += percent;
    return share;
  }

  /** A child has ended. @param transferred whether its promise was kept: the CPU session has the quota again */
  giveBack(percent: number, transferred: boolean): void {
    this.#promised -= percent;
    if (transferred) this.#transferred -= percent;
  }
}
