// Averages runs of the same program, measurement by measurement (spec 5.3: profiler-merge, profiler-analyzer).
//
// Position decides what belongs together; names must agree at every position, or the runs did not do the same.
import { PROFILE_VERSION, type Profile, ProfileFault, type ProfileInstance } from "./profile-file.ts";

export interface MergeOptions {
  /** Take the first run's names where runs differ. */
  readonly ignoreScopeDisparity?: boolean;
  readonly ignoreColorDisparity?: boolean;
}

/** A run with its name, for faults. */
export interface NamedProfile {
  readonly what: string;
  readonly profile: Profile;
}

/**
 * The mean of all runs.
 *
 * @throws ProfileFault "disparity" with the first difference
 */
export function mergeProfiles(runs: readonly NamedProfile[], options: MergeOptions = {}): Profile {
  const [first, ...others] = runs;
  if (!first) return { version: PROFILE_VERSION, instances: [] };
  for (const other of others) requireSame(first, other, options);
  const instances = first.profile.instances.map((instance, i): ProfileInstance => {
    const same = runs.map(({ profile }) => profile.instances[i]!);
    return { ...instance, start: mean(same.map(({ start }) => start)), stop: mean(same.map(({ stop }) => stop)) };
  });
  return { version: PROFILE_VERSION, instances };
}

function requireSame(first: NamedProfile, other: NamedProfile, options: MergeOptions): void {
  const ours = first.profile.instances;
  const theirs = other.profile.instances;
  const names = options.ignoreScopeDisparity !== true;
  const colors = options.ignoreColorDisparity !== true;
  const shorter = Math.min(ours.length, theirs.length);
  for (let i = 0; i < shorter; i++) {
    if (names && ours[i]!.name !== theirs[i]!.name) throw disparity(first, other, i, "name");
    if (colors && ours[i]!.color !== theirs[i]!.color) throw disparity(first, other, i, "color");
  }
  if (ours.length === theirs.length) return;
  const message = `${other.what} has ${theirs.length} measurements, ${first.what} has ${ours.length}: runs to be averaged have as many`;
  throw new ProfileFault("disparity", message, { index: shorter });
}

function disparity(first: NamedProfile, other: NamedProfile, index: number, field: "name" | "color"): ProfileFault {
  const [expected, found] = [first, other].map(({ profile }) => profile.instances[index]![field]);
  const message = `${other.what}: measurement ${index} has ${field} "${found}", in ${first.what} it has "${expected}"`;
  return new ProfileFault("disparity", message, { index, field, expected, found });
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
