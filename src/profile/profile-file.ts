// Profile files: what the Genode profiler's tools exchange (spec 5.3), version 2.1.
//
//   { "version": "2.1", "instances": [ { "name": "Memcpy", "color": "blue", "start": 12, "stop": 15.5 }, ... ] }
//
// Times are microseconds; the original wrote whole ones, ours may have fractions. Instances are ordered by `start`.
import { Fault } from "../util/index.ts";
import type { Scope } from "./scopes.ts";

export const PROFILE_VERSION = "2.1";

/** One measurement of a file. */
export interface ProfileInstance {
  readonly name: string;
  readonly color: string;
  readonly start: number;
  readonly stop: number;
}

export interface Profile {
  readonly version: typeof PROFILE_VERSION;
  readonly instances: readonly ProfileInstance[];
}

/**
 * A file that is no profile, or profiles that do not go together.
 *
 * - malformed: not JSON of this shape; `detail.path` names the field
 * - disparity: runs whose scopes differ; the message names the first difference
 */
export class ProfileFault extends Fault<"malformed" | "disparity"> {}

/** Scopes as a profile: microseconds since the first of them began. */
export function toProfile(scopes: readonly Scope[]): Profile {
  const ordered = scopes.toSorted((a, b) => a.startNs - b.startNs);
  const origin = ordered[0]?.startNs ?? 0;
  const us = (ns: number) => (ns - origin) / 1000;
  return {
    version: PROFILE_VERSION,
    instances: ordered.map(({ name, color, startNs, stopNs }) => ({
      name,
      color,
      start: us(startNs),
      stop: us(stopNs),
    })),
  };
}

/** @param what the file's name, for the fault */
export function readProfile(text: string, what: string): Profile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProfileFault("malformed", `${what}: not JSON (${(cause as Error).message})`, { path: "" }, cause);
  }
  const { version, instances } = (value ?? {}) as Record<string, unknown>;
  if (version !== PROFILE_VERSION) throw malformed(what, "version", version, `"${PROFILE_VERSION}"`);
  if (!Array.isArray(instances)) throw malformed(what, "instances", instances, "a list");
  return { version, instances: instances.map((item, i) => readInstance(item, `instances[${i}]`, what)) };
}

/** @param path of the instance in `what`, for the fault */
export function readInstance(value: unknown, path: string, what: string): ProfileInstance {
  const { name, color, start, stop } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== "string") throw malformed(what, `${path}.name`, name, "a string");
  if (typeof color !== "string") throw malformed(what, `${path}.color`, color, "a string");
  if (!finite(start)) throw malformed(what, `${path}.start`, start, "microseconds");
  if (!finite(stop) || stop < start) throw malformed(what, `${path}.stop`, stop, "microseconds, not before start");
  return { name, color, start, stop };
}

function finite(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function malformed(what: string, path: string, found: unknown, expected: string): ProfileFault {
  const shown = JSON.stringify(found) ?? "absent";
  return new ProfileFault("malformed", `${what}: ${path} is ${shown}, expected ${expected}`, { path, expected });
}

export function writeProfile(profile: Profile): string {
  const lines = profile.instances.map((instance) => `    ${JSON.stringify(instance)}`);
  return `{\n  "version": "${profile.version}",\n  "instances": [\n${lines.join(",\n")}\n  ]\n}\n`;
}
