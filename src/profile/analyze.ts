// Statistics over runs, a row for each scope: of the time that a run spends in it, all its measurements together
// (thesis tables 6.1 to 6.3).
import { type MergeOptions, mean, mergeProfiles, type NamedProfile } from "./merge.ts";
import type { Profile } from "./profile-file.ts";

/** Microseconds over all runs. */
export interface Statistics {
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly mean: number;
  readonly p95: number;
  readonly max: number;
  /** Sample standard deviation; 0 for one run. */
  readonly deviation: number;
}

export interface ScopeStatistics extends Statistics {
  readonly name: string;
  readonly color: string;
  /** Measurements in each run. */
  readonly count: number;
}

export interface Analysis {
  readonly scopes: readonly ScopeStatistics[];
  /** The mean run: plots like any other. */
  readonly results: Profile;
}

/** @throws ProfileFault "disparity" if the runs do not have the same scopes in the same order */
export function analyzeProfiles(runs: readonly NamedProfile[], options: MergeOptions = {}): Analysis {
  const results = mergeProfiles(runs, options);
  const rows = new Map<string, { name: string; color: string; places: number[] }>();
  for (const [i, { name, color }] of results.instances.entries()) {
    const row = rows.get(name) ?? { name, color, places: [] };
    row.places.push(i);
    rows.set(name, row);
  }
  const scopes = [...rows.values()].map(({ name, color, places }) => {
    const totals = runs.map(({ profile }) => {
      return places.reduce((sum, i) => sum + profile.instances[i]!.stop - profile.instances[i]!.start, 0);
    });
    return { name, color, count: places.length, ...statistics(totals) };
  });
  return { scopes, results };
}

/** Of at least one value. Percentiles are nearest ranks. */
export function statistics(values: readonly number[]): Statistics {
  const sorted = values.toSorted((a, b) => a - b);
  const average = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
  const middle = sorted.length >> 1;
  return {
    runs: values.length,
    min: sorted[0]!,
    median: sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2,
    mean: average,
    p95: sorted[Math.ceil(sorted.length * 0.95) - 1]!,
    max: sorted.at(-1)!,
    deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0,
  };
}
