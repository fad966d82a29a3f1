// Timing several variants of one thing side by side: interleaved in random order, every variant once a round.
//
// Ratios of minima are the steadiest figures on a machine that others use too; medians stand beside them.

/** One thing to measure; `run` does the work once and returns its milliseconds. */
export interface Variant {
  readonly name: string;
  readonly run: () => number;
}

/** Milliseconds by variant name, one entry a round. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** Runs all variants once a round, each round in another random order. */
export function interleave(variants: readonly Variant[], rounds: number): Samples {
  const samples = new Map(variants.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of shuffle([...variants])) samples.get(name)!.push(run());
  }
  return samples;
}

/** Milliseconds that pass while `work` runs. */
export function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

export function minimum(values: readonly number[]): number {
  return Math.min(...values);
}

/** The median over all rounds of `values` in relation to `base` in the same round: steady on a busy machine. */
export function medianRatio(values: readonly number[], base: readonly number[]): number {
  return median(values.map((value, round) => value / base[round]!));
}

/** The value below which `share` (0 to 1) of all values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function geomean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** `value` with `digits` decimals, as a number. */
export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

function shuffle<T>(items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
